//! What is kept of what others pass on, in whatever order it comes.

use super::fleet::{authority, certificate, enrol, enrolment, key_of, offer};
use super::*;
use crate::fleet::{Enrolment, FleetKey, Role, Signed, Standing, Statement};
use crate::storage::Read as _;

fn key(seed: u8) -> FleetKey {
    FleetKey::from_seed(&[seed; 32])
}

fn rotation(from: &FleetKey, to: &FleetKey, at: &Node) -> Vec<u8> {
    from.rotate(&name("fleet"), to, at.engine.members().valid().to_vec(), NOON).unwrap()
}

fn bundle(anchor: &FleetKey, statements: Vec<Vec<u8>>) -> Command {
    let statements = statements.into_iter().map(Into::into).collect();
    Command::Enrol(Enrolment { fleet: name("fleet"), anchor: anchor.public(), statements })
}

/// Members that know each other.
fn members<const N: usize>(names: [&str; N]) -> [Node; N] {
    let mut seed = 0;
    let mut nodes = names.map(|name| {
        seed += 1;
        Node::new(name, seed)
    });
    let said: Vec<_> = nodes.iter_mut().flat_map(|node| enrol(node, Role::Headquarters)).collect();
    for node in &mut nodes {
        assert_eq!(offer(node, &said), []);
    }
    nodes
}

#[test]
fn what_a_member_passes_on_that_no_key_of_the_fleet_signed_fills_no_memory() {
    let [mut head, mut talker] = members(["head", "talker"]);
    let kept = |node: &Node| node.engine.committed().fleet.len();
    let before = kept(&head);
    for seed in 100..120 {
        let junk = key(seed).sign(&name("fleet"), &certificate(&head, Role::Store));
        talker.engine.pass_on(talker.now, &Signed::open(&name("fleet"), &junk).unwrap()).unwrap();
        let said = talker.commit();
        assert_eq!(offer(&mut head, &said), [], "it is kept as what the node said of itself");
    }
    assert_eq!(kept(&head), before);
    assert_eq!(kept(&head.restart(7)), before);
}

#[test]
fn what_a_new_key_says_counts_also_where_it_is_heard_before_the_rotation() {
    let [mut head, mut quick, mut slow] = members(["head", "quick", "slow"]);
    let newcomer = Node::new("newcomer", 9);
    let rotated = head.run(bundle(&key(9), vec![rotation(&authority(), &key(9), &head)]));
    assert_eq!(offer(&mut quick, &rotated), []);
    let papers = key(9).sign(&name("fleet"), &certificate(&newcomer, Role::Store));
    let said = quick.run(bundle(&key(9), vec![papers]));

    assert_eq!(offer(&mut slow, &said), []);
    assert!(slow.engine.members().node(&key_of(&newcomer)).is_none());
    assert_eq!(offer(&mut slow, &rotated), []);
    assert!(slow.engine.members().node(&key_of(&newcomer)).is_some());
    assert_eq!(slow.engine.members(), quick.engine.members());
    assert_eq!(slow.restart(7).engine.members(), quick.engine.members());
}

#[test]
fn what_an_open_node_heard_of_a_fleet_counts_once_it_is_enrolled() {
    let mut head = Node::new("head", 1);
    let said = enrol(&mut head, Role::Headquarters);
    let mut node = Node::new("node", 2);
    assert_eq!(offer(&mut node, &said), []);
    assert_eq!(node.engine.standing(), Standing::Open);
    enrol(&mut node, Role::Store);
    assert_eq!(node.engine.members().nodes().count(), 2);
}

#[test]
fn a_node_that_missed_two_rotations_follows_an_enrolment_that_carries_both() {
    let [mut head, mut away] = members(["head", "away"]);
    let first = rotation(&authority(), &key(9), &head);
    head.run(bundle(&key(9), vec![first.clone()]));
    let second = rotation(&key(9), &key(10), &head);
    head.run(bundle(&key(10), vec![second.clone()]));

    let papers = key(10).sign(&name("fleet"), &certificate(&away, Role::Store));
    let refused = away.submit(Request::now(bundle(&key(10), vec![second.clone(), papers.clone()]))).unwrap_err();
    assert!(refused.to_string().contains("belongs to the fleet"), "{refused}");
    away.run(bundle(&key(10), vec![first, second, papers]));
    assert_eq!(away.engine.members().anchor(), Some(key(10).public()));
    assert_eq!(away.engine.standing(), Standing::Member);
}

#[test]
fn two_rotations_of_one_key_part_a_fleet_and_both_sides_see_it_whatever_they_heard_first() {
    let [mut first, mut second] = members(["first", "second"]);
    let to_nine = first.run(bundle(&key(9), vec![rotation(&authority(), &key(9), &first)]));
    let to_ten = second.run(bundle(&key(10), vec![rotation(&authority(), &key(10), &second)]));
    assert_eq!(offer(&mut first, &to_ten), []);
    assert_eq!(offer(&mut second, &to_nine), []);
    for (node, other) in [(first, key(10)), (second, key(9))] {
        let rivals = |node: &Node| node.engine.members().rivals().iter().map(|rival| rival.to).collect::<Vec<_>>();
        assert_eq!(rivals(&node), [other.public()]);
        assert_eq!(rivals(&node.restart(7)), [other.public()]);
    }
}

#[test]
fn a_certificate_that_comes_by_sync_is_held_against_what_the_node_wrote_before() {
    let mut head = Node::new("head", 1);
    let said = enrol(&mut head, Role::Headquarters);
    let mut node = Node::new("node", 2);
    enrol(&mut node, Role::Store);
    assert_eq!(offer(&mut node, &said), []);
    // A restored store belongs to the same fleet, under another key.
    let mut disk = node.engine.reader().snapshot();
    let rows = disk.scan(Table::Meta, &[], None, 100).unwrap();
    let rows = rows.into_iter().filter(|(key, _)| is_of_epoch(Table::Meta, key));
    disk.commit(rows.map(|(key, _)| Write { table: Table::Meta, key, value: None }).collect()).unwrap();
    let mut again = Node::on(disk, "node", 3, NOON);
    assert_eq!(again.engine.standing(), Standing::Unknown);
    again.run(receive("milk", 5));

    let narrow: Statement = certificate(&again, Role::Kiosk);
    let papers = head.run(enrolment(&authority(), &[narrow]));
    assert_eq!(offer(&mut again, &papers), []);
    assert_eq!(again.engine.standing(), Standing::Member);
    assert_eq!(again.engine.outside_papers(), Some("a receipt at store"));
    let mut again = again.restart(4);
    assert_eq!(again.engine.outside_papers(), Some("a receipt at store"));
    let wide = certificate(&again, Role::Store);
    let papers = head.run(enrolment(&authority(), &[wide]));
    assert_eq!(offer(&mut again, &papers), []);
    assert_eq!(again.engine.outside_papers(), None);
}
