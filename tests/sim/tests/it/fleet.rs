//! A fleet with a key under everything that goes wrong: nodes are enrolled while they trade, the key is replaced, one
//! is retired. `TILLMESH_SIM_SEED=n` plays exactly one course.

use tillmesh_core::command::{Command, Request};
use tillmesh_core::fleet::{Certificate, Enrolment, EnrolmentRequest, FleetKey, Retirement, Role, Standing, Statement};
use tillmesh_core::time::Timestamp;
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::traffic::Traffic;
use tillmesh_sim::{World, check};

/// What a debug build plays in some seconds.
const SEEDS: u64 = 24;
/// Steps of one course.
const STEPS: u64 = 150;

/// Who holds the fleet's key.
struct Office {
    key: FleetKey,
    /// The rotation to the key, for who comes later.
    rotation: Option<Vec<u8>>,
}

impl Office {
    fn enrolment(&self, statement: &Statement) -> Command {
        let signed = self.key.sign(&fleet(), statement);
        let statements = self.rotation.iter().cloned().chain([signed]).map(Into::into).collect();
        Command::Enrol(Enrolment { fleet: fleet(), anchor: self.key.public(), statements })
    }

    /// Enrols a node that runs and is none of the fleet yet.
    fn enrol(&self, world: &mut World, at: usize) {
        let Some(engine) = &world.nodes[at].engine else { return };
        if engine.standing() != Standing::Open {
            return;
        }
        let request = EnrolmentRequest::open(&engine.enrolment_request()).unwrap();
        let certificate = Certificate {
            node: request.node,
            key: request.key,
            role: Role::Headquarters,
            locations: vec![request.location],
            keeper: None,
            issued_at: Timestamp::from_millis(world.now),
        };
        world.run(at, Request::now(self.enrolment(&Statement::Certificate(certificate))));
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

    fn retire(&self, world: &mut World, at: usize, whom: usize) {
        let key = world.nodes[whom].engine.as_ref().unwrap().public_key();
        let retirement = Retirement {
            node: world.nodes[whom].name.clone(),
            key,
            at: Timestamp::from_millis(world.now),
            stolen: false,
        };
        world.run(at, Request::now(self.enrolment(&Statement::Retirement(retirement))));
    }
}

#[test]
fn nodes_that_are_enrolled_while_they_trade_end_equal_and_nothing_is_lost() {
    let seed = std::env::var("TILLMESH_SIM_SEED").ok().and_then(|text| text.parse().ok());
    match seed {
        Some(seed) => play(seed),
        None => (0..SEEDS).for_each(play),
    }
}

fn play(seed: u64) {
    let mut world = World::new(seed);
    let locations = [name("north"), name("south")];
    let mut traffic = Traffic::new(&locations);
    for node in 0..3 + world.dice.index(5) {
        world.add(&format!("node{node}"), locations[node % 2].as_str());
    }
    let mut office = Office { key: FleetKey::from_seed(&[7; 32]), rotation: None };
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
