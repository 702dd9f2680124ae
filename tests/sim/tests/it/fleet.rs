//! A fleet with a key under everything that goes wrong: nodes are enrolled while they trade, the key is replaced, one
//! is retired. `TILLMESH_SIM_SEED=n` plays exactly one course.

use tillmesh_core::command::{Command, Request};
use tillmesh_core::engine::authored_by;
use tillmesh_core::fleet::{
    Certificate, Counted, Enrolment, EnrolmentRequest, FleetKey, Retirement, Role, Standing, Statement,
};
use tillmesh_core::id::{Name, PublicKey};
use tillmesh_core::time::Timestamp;
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::traffic::Traffic;
use tillmesh_sim::{World, check};

/// What a debug build plays in some seconds.
const SEEDS: u64 = 24;
/// One course for so many of the random ones, where those are counted.
const SHARE: u64 = 20;
/// Steps of one course.
const STEPS: u64 = 150;

/// Who holds the fleet's key.
pub(super) struct Office {
    key: FleetKey,
    /// The rotation to the key, for who comes later.
    rotation: Option<Vec<u8>>,
}

impl Office {
    pub(super) fn open() -> Self {
        Self { key: FleetKey::from_seed(&[7; 32]), rotation: None }
    }

    fn enrolment(&self, statement: &Statement) -> Enrolment {
        let signed = self.key.sign(&fleet(), statement);
        let statements = self.rotation.iter().cloned().chain([signed]).map(Into::into).collect();
        Enrolment { fleet: fleet(), anchor: self.key.public(), statements }
    }

    /// Enrols a node that runs and is none of the fleet yet.
    pub(super) fn enrol(&self, world: &mut World, at: usize) {
        if let Some(certificate) = Self::certificate_of(world, at) {
            self.certify(world, at, certificate);
        }
    }

    /// The same, as it is done where a member can be reached: that one is told of the newcomer, and introduced to it.
    pub(super) fn enrol_beside(&self, world: &mut World, at: usize, member: usize) {
        let certificate = Self::certificate_of(world, at).expect("a newcomer");
        self.certify(world, member, certificate.clone());
        let introduction = world.nodes[member].engine.as_ref().and_then(|engine| engine.introduction());
        let enrolment = self.enrolment(&Statement::Certificate(certificate));
        let enrolment = enrolment.introducing(&introduction.expect("a member"));
        world.run(at, Request::now(Command::Enrol(enrolment)));
    }

    fn certificate_of(world: &World, at: usize) -> Option<Certificate> {
        let engine = world.nodes[at].engine.as_ref()?;
        if !matches!(engine.standing(), Standing::Open | Standing::Unknown) {
            return None;
        }
        let request = EnrolmentRequest::open(&engine.enrolment_request()).unwrap();
        let issued_at = Timestamp::from_millis(world.now);
        let (node, key, locations) = (request.node, request.key, vec![request.location]);
        Some(Certificate { node, key, role: Role::Headquarters, locations, keeper: None, issued_at })
    }

    /// Gives a node that runs a certificate, its own or another's.
    pub(super) fn certify(&self, world: &mut World, at: usize, certificate: Certificate) {
        world.run(at, Request::now(Command::Enrol(self.enrolment(&Statement::Certificate(certificate)))));
    }

    /// Hands the fleet over to another key, at a node that knows every member.
    fn rotate(&mut self, world: &mut World, at: usize) {
        let Some(engine) = &world.nodes[at].engine else { return };
        let next = FleetKey::from_seed(&[9; 32]);
        let valid = engine.members().valid().to_vec();
        let rotation = self.key.rotate(&fleet(), &next, valid, Timestamp::from_millis(world.now)).unwrap();
        let statements = vec![rotation.clone().into()];
        let enrolment = Enrolment { fleet: fleet(), anchor: next.public(), statements };
        world.run(at, Request::now(Command::Enrol(enrolment)));
        *self = Self { key: next, rotation: Some(rotation) };
    }

    pub(super) fn retire(&self, world: &mut World, at: usize, whom: usize) {
        let key = world.nodes[whom].engine.as_ref().unwrap().public_key();
        self.retire_key(world, at, (world.nodes[whom].name.clone(), key), false, None);
    }

    /// Retires a node of which nothing counts any more but what another one knows of it.
    fn retire_as_known(&self, world: &mut World, at: usize, (node, key): (Name, PublicKey), stolen: bool) {
        let engine = world.nodes[at].engine.as_ref().unwrap();
        let authored = authored_by(&engine.view(), &engine.reader(), &node).unwrap();
        let counted = authored.into_iter().find(|authored| authored.key == key).map(|authored| authored.counted);
        assert!(counted.is_some(), "{node} was heard");
        self.retire_key(world, at, (node, key), stolen, counted);
    }

    fn retire_key(
        &self,
        world: &mut World,
        at: usize,
        (node, key): (Name, PublicKey),
        stolen: bool,
        counted: Option<Vec<Counted>>,
    ) {
        let retirement = Retirement { node, key, at: Timestamp::from_millis(world.now), stolen, counted };
        world.run(at, Request::now(Command::Enrol(self.enrolment(&Statement::Retirement(retirement)))));
    }
}

#[test]
fn nodes_that_are_enrolled_while_they_trade_end_equal_and_nothing_is_lost() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    match number("TILLMESH_SIM_SEED") {
        Some(seed) => play(seed),
        None => (0..number("TILLMESH_SIM_SEEDS").map_or(SEEDS, |seeds| SEEDS.max(seeds / SHARE))).for_each(play),
    }
}

fn play(seed: u64) {
    let mut world = World::new(seed);
    let locations = [name("north"), name("south")];
    let mut traffic = Traffic::new(&locations);
    for node in 0..3 + world.dice.index(5) {
        world.add(&format!("node{node}"), locations[node % 2].as_str());
    }
    let mut office = Office::open();
    office.enrol(&mut world, 0);
    world.weather = Weather { loss: world.dice.below(50), twice: 20, delay: world.dice.between(5, 3_000) };
    for step in 0..STEPS {
        let at = world.dice.index(world.nodes.len());
        if world.nodes[at].engine.is_some() {
            traffic.act(&mut world, at);
            world.commit(at);
        }
        match world.dice.below(24) {
            0..2 => office.enrol(&mut world, at),
            2 if world.nodes[at].engine.is_some() => world.crash(at),
            3 | 4 if world.nodes[at].engine.is_none() => world.start(at),
            5 => {
                let parts = world.dice.below(1 << world.nodes.len());
                world.divide(|node| u8::from(parts >> node & 1 == 1));
            }
            6 => world.divide(|_| 0),
            7 if world.nodes.len() < 9 => {
                let number = world.nodes.len();
                world.add(&format!("late{number}"), "north");
            }
            _ => {}
        }
        if step == STEPS / 2 {
            // Whoever holds the key looks at a node that has heard of every certificate it gave out.
            world.settle();
            office.rotate(&mut world, 0);
        }
        let millis = world.dice.between(0, 1_500);
        world.pass(millis, true);
    }
    for at in 0..world.nodes.len() {
        if world.nodes[at].engine.is_none() {
            world.start(at);
        }
        office.enrol(&mut world, at);
    }
    world.settle();
    office.retire(&mut world, 0, 1);
    world.settle();
    check::everything(&world);
    check_members(&world, &office);
}

fn check_members(world: &World, office: &Office) {
    let members: Vec<_> = world.nodes.iter().map(|node| node.engine.as_ref().unwrap().members()).collect();
    assert_eq!(members[0].anchor(), Some(office.key.public()));
    assert_eq!(members[0].nodes().count(), world.nodes.len());
    assert!(members.iter().all(|other| other == &members[0]), "they agree on who belongs to the fleet");
    assert_eq!(world.nodes[1].engine.as_ref().unwrap().standing(), Standing::Retired);
}

/// A node wrote while the fleet was open and died; another one was stolen, and whoever has it goes on. A newcomer comes
/// to what the others hold.
#[test]
fn a_newcomer_ends_equal_though_one_node_died_before_it_was_enrolled_and_another_was_stolen() {
    (0..SEEDS / 2).for_each(play_retired);
}

fn play_retired(seed: u64) {
    let (head, shop, thief, dead) = (0, 1, 2, 3);
    let mut world = World::new(seed);
    let locations = [name("north"), name("south")];
    let mut traffic = Traffic::new(&locations);
    for (at, node) in ["head", "shop", "thief", "dead"].into_iter().enumerate() {
        world.add(node, locations[at % 2].as_str());
    }
    trade(&mut world, &mut traffic, &[head, shop, thief, dead]);
    world.settle();
    let identity = |world: &World, at: usize| {
        let node = &world.nodes[at];
        (node.name.clone(), node.engine.as_ref().unwrap().public_key())
    };
    let (died, stolen) = (identity(&world, dead), identity(&world, thief));
    world.crash(dead);

    let office = Office::open();
    [head, shop, thief].into_iter().for_each(|at| office.enrol(&mut world, at));
    office.retire_as_known(&mut world, head, died, false);
    trade(&mut world, &mut traffic, &[head, shop, thief]);
    become_equal(&mut world);
    office.retire_as_known(&mut world, head, stolen, true);
    world.pass(20_000, false);

    world.weather = Weather { loss: 20, twice: 20, delay: 2_000 };
    let newcomer = world.add("newcomer", "north");
    office.enrol(&mut world, newcomer);
    trade(&mut world, &mut traffic, &[head, shop, thief, newcomer]);
    world.weather = Weather::FAIR;
    world.crash(thief);
    become_equal(&mut world);
    check::nodes_agree(&world);
    check::replays_are_equal(&world.nodes[newcomer]);
}

fn trade(world: &mut World, traffic: &mut Traffic, nodes: &[usize]) {
    for _ in 0..60 {
        let at = *world.dice.pick(nodes);
        traffic.act(world, at);
        world.commit(at);
        let millis = world.dice.between(0, 800);
        world.pass(millis, true);
    }
}

/// Time for those that run to hear each other; who is dead stays so.
fn become_equal(world: &mut World) {
    for _ in 0..120 {
        world.pass(5_000, false);
        if world.heads_agree() {
            break;
        }
    }
    world.pass(15_000, false);
}
