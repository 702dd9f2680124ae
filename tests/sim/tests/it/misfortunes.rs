//! Promises of stores that are copied, set back, restored from backups and retired, while shelves are counted. Rights
//! can be spent twice then: the watcher counts each unit of that apart, and knows no other reason for a broken promise.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one course; `TILLMESH_SIM_SEEDS=n` says how many are played.

use tillmesh_core::command::{Command, Request};
use tillmesh_core::engine::Effect;
use tillmesh_core::event::Line;
use tillmesh_core::sync::{Incoming, Kind, pack};
use tillmesh_core::work::Subject;
use tillmesh_sim::node::name;
use tillmesh_sim::omniscient::Omniscient;
use tillmesh_sim::traffic::sku;
use tillmesh_sim::{Disk, Failure, World, check, seeds};

use super::fleet::Office;
use super::promises::{AFTERWARDS, Trade, shop, step, steps};

/// What two cores play in about a minute, unoptimised.
const SEEDS: u64 = 700;
/// The most processes: of more clones than this nobody learns more.
const MOST_NODES: usize = 32;

/// What befalls stores.
struct Misfortunes {
    /// Earlier states of disks.
    backups: Vec<(usize, Disk)>,
    office: Option<Office>,
    retired: bool,
}

#[test]
fn promises_that_clones_restores_retirements_and_counts_break_are_each_explained() {
    seeds::play_all(SEEDS, play);
}

fn play(seed: u64) {
    let mut world = shop(seed);
    let mut watcher = Omniscient::default();
    let mut promises = Vec::new();
    let mut misfortunes = Misfortunes { backups: Vec::new(), office: None, retired: false };
    if seed % 2 == 1 {
        misfortunes.enrol(&mut world);
    }
    // Where nothing physical happens, nothing but a misfortune can be the reason.
    let trade = if seed % 4 < 2 { Trade::PromisesOnly } else { Trade::Counted };
    for _ in 0..steps(&world) {
        step(&mut world, &mut promises, trade, !seed.is_multiple_of(4));
        watcher.look(&world);
        if world.dice.percent(8) {
            misfortunes.strike(&mut world, &mut watcher);
        }
    }
    world.settle();
    world.pass(AFTERWARDS, false);
    world.hear_the_last();
    watcher.look(&world);
    check::everything(&world);
    check_epochs(&world);
}

#[test]
fn a_store_whose_disk_fails_while_it_leaves_a_cloned_epoch_leaves_it_all_the_same() {
    for failure in [Failure::Lost, Failure::Kept] {
        let mut world = World::new(1);
        let till = world.add("till", "shop");
        let copy = world.clone_node(till);
        let now = world.now;
        let lines = vec![Line { sku: sku(0), quantity: 1 }];
        world.nodes[copy].submit(now, Request::now(Command::Receive { location: None, lines })).expect("it is taken");
        let (_, effects) = world.nodes[copy].commit(now).expect("its disk is sound");
        for effect in effects {
            let Effect::Batch { scope, envelope } = effect else { continue };
            let (kind, from) = (Kind::Changes, name("till"));
            let incoming = Incoming { scope, kind, from, payload: pack(&[envelope]) };
            assert_eq!(world.nodes[till].receive(now, &incoming), []);
        }
        world.nodes[till].commit(now).expect("its disk is sound");
        world.fail_disk(till, failure, 0);
        assert_eq!(world.nodes[till].leave_cloned_epoch(now), None);
        assert!(world.nodes[till].commit(now).is_err(), "it goes back to what is durable");
        assert!(world.nodes[till].leave_cloned_epoch(now).is_some(), "{failure:?}");
        check_epochs(&world);
    }
}

/// Who knows of a clone of its epoch, or heard that somebody left it, goes on in one of its own.
fn check_epochs(world: &World) {
    for engine in world.nodes.iter().filter_map(|node| node.engine.as_ref()) {
        let (own, alarms) = (engine.writer(), engine.clone_alarms());
        assert!(alarms.iter().all(|alarm| alarm.fenced_at.is_some() && alarm.epoch != own.epoch), "{own}: {alarms:?}");
        let view = engine.view();
        let left = Subject::Clone { writer: own.clone() };
        assert!(view.read().expect("nobody panicked").work.get(&left).is_none(), "{own}: it was left");
    }
}

impl Misfortunes {
    /// Everybody becomes a member of a fleet with a key.
    fn enrol(&mut self, world: &mut World) {
        let office = Office::open();
        (0..world.nodes.len()).for_each(|at| office.enrol(world, at));
        world.pass(3_000, false);
        self.office = Some(office);
    }

    fn strike(&mut self, world: &mut World, watcher: &mut Omniscient) {
        let at = world.dice.index(world.nodes.len());
        if world.nodes[at].engine.is_none() || world.nodes[at].disk.is_failing() {
            return;
        }
        match world.dice.below(10) {
            0..5 => self.backups.push((at, world.nodes[at].disk.copy())),
            5..7 if world.nodes.len() < MOST_NODES => drop(world.clone_node(at)),
            7 | 8 if !self.backups.is_empty() => {
                let (of, disk) = world.dice.pick(&self.backups).clone();
                let restored = world.dice.percent(50);
                if world.nodes[of].engine.is_some() {
                    world.set_back(of, if restored { disk.restored() } else { disk.copy() });
                    world.start(of);
                    watcher.read_again(of);
                    // What a backup restores has a key of its own.
                    self.office.iter().for_each(|office| office.enrol(world, of));
                }
            }
            9 => self.retire(world, at),
            _ => {}
        }
    }

    /// Once in a course: nobody reaches a node any more, which goes on.
    fn retire(&mut self, world: &mut World, at: usize) {
        let whom = world.nodes.len() - 1;
        if let (Some(office), false, true) =
            (&self.office, self.retired, world.nodes[whom].engine.is_some() && at != whom)
        {
            world.nodes[whom].lost = true;
            let epoch = world.nodes[whom].engine.as_ref().map(|engine| engine.writer().epoch);
            world.excused.extend(epoch);
            office.retire(world, at, whom);
            self.retired = true;
        }
    }
}
