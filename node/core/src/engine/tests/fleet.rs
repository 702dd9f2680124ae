//! Who may write, as nodes come to it by what they hear.

use super::*;
use crate::event::Body;
use crate::fleet::{Certificate, Enrolment, EnrolmentRequest, FleetKey, Retirement, Role, Standing, Statement};
use crate::id::PublicKey;

pub(super) fn authority() -> FleetKey {
    FleetKey::from_seed(&[7; 32])
}

pub(super) fn key_of(node: &Node) -> PublicKey {
    EnrolmentRequest::open(&node.engine.enrolment_request()).unwrap().key
}

pub(super) fn certificate(node: &Node, role: Role) -> Statement {
    Statement::Certificate(Certificate {
        node: node.engine.config().node.clone(),
        key: key_of(node),
        role,
        locations: vec![name("store")],
        keeper: None,
        issued_at: NOON,
    })
}

pub(super) fn enrolment(by: &FleetKey, statements: &[Statement]) -> Command {
    let sign = |statement| by.sign(&name("fleet"), statement).into();
    Command::Enrol(Enrolment {
        fleet: name("fleet"),
        anchor: by.public(),
        statements: statements.iter().map(sign).collect(),
    })
}

/// Makes a node a member; gives what it then says.
pub(super) fn enrol(node: &mut Node, role: Role) -> Vec<Vec<u8>> {
    let certificate = certificate(node, role);
    node.run(enrolment(&authority(), &[certificate]))
}

/// Lets a node hear what it may refuse; gives the kinds of refusals.
pub(super) fn offer(node: &mut Node, envelopes: &[Vec<u8>]) -> Vec<RefusedKind> {
    let incoming = Incoming {
        scope: crate::document::Scope::Stock(name("store")),
        kind: crate::sync::Kind::Changes,
        from: name("peer"),
        payload: pack(envelopes),
    };
    let refused = node.engine.receive(node.now, &mut node.rng, &incoming);
    node.engine.commit(node.now).unwrap();
    refused.into_iter().map(|refused| refused.kind).collect()
}

fn refusal(node: &mut Node, command: Command) -> Refusal {
    let refusal = node.submit(Request::now(command)).unwrap_err();
    assert_eq!(node.commit(), Vec::<Vec<u8>>::new(), "a refusal writes nothing");
    refusal
}

#[test]
fn a_member_hears_members_only_and_hears_the_others_once_they_are_enrolled() {
    let (mut first, mut second) = (Node::new("first", 1), Node::new("second", 2));
    enrol(&mut first, Role::Headquarters);
    let sold = second.run(receive("milk", 5));
    assert_eq!(offer(&mut first, &sold), [RefusedKind::UnknownSigner]);
    assert_eq!(first.stock("milk").on_hand(), 0);

    let papers = enrol(&mut second, Role::Store);
    assert_eq!(offer(&mut first, &papers), []);
    assert_eq!(offer(&mut first, &sold), []);
    assert_eq!(first.stock("milk").on_hand(), 5);
}

#[test]
fn a_certificate_of_another_key_lets_nobody_in() {
    let (mut first, mut second) = (Node::new("first", 1), Node::new("second", 2));
    enrol(&mut first, Role::Headquarters);
    let forged = certificate(&second, Role::Headquarters);
    let papers = second.run(enrolment(&FleetKey::from_seed(&[8; 32]), &[forged]));
    assert_eq!(offer(&mut first, &papers), [RefusedKind::UnknownSigner]);
    assert_eq!(first.engine.members().nodes().count(), 1);
}

#[test]
fn a_peer_refuses_what_a_role_does_not_cover_and_takes_what_it_does() {
    let (mut store, mut kiosk) = (Node::new("store", 1), Node::new("kiosk", 2));
    enrol(&mut store, Role::Headquarters);
    // The store has its certificate from whoever issued it; the kiosk's own software does not care.
    let papers = certificate(&kiosk, Role::Kiosk);
    store.run(enrolment(&authority(), &[papers]));
    let honest = kiosk.run(sell("milk", 1));
    assert_eq!(offer(&mut store, &honest), []);
    let minted = kiosk.run(receive("milk", 1_000));
    assert_eq!(offer(&mut store, &minted), [RefusedKind::Forbidden]);
    assert_eq!(store.stock("milk").on_hand(), -1);
}

#[test]
fn a_node_does_not_do_what_its_peers_would_refuse() {
    let mut kiosk = Node::new("kiosk", 1);
    enrol(&mut kiosk, Role::Kiosk);
    let refused = refusal(&mut kiosk, receive("milk", 5));
    assert!(matches!(&refused, Refusal::OutsideRole { role: Some(Role::Kiosk), .. }), "{refused}");
    assert!(matches!(refusal(&mut kiosk, Command::PutProducts(Vec::new())), Refusal::OutsideRole { .. }));
    assert!(!kiosk.run(sell("milk", 1)).is_empty());
}

#[test]
fn a_certificate_that_does_not_cover_what_the_node_wrote_is_not_taken() {
    let mut node = Node::new("node", 1);
    node.run(receive("milk", 5));
    let narrow = certificate(&node, Role::Kiosk);
    let refused = refusal(&mut node, enrolment(&authority(), &[narrow]));
    assert!(refused.to_string().contains("receipt at store"), "{refused}");
    assert_eq!(node.engine.standing(), Standing::Open);
    assert!(!enrol(&mut node, Role::Store).is_empty());
}

#[test]
fn a_member_introduces_itself_and_nobody_else_does() {
    let (mut first, mut second) = (Node::new("first", 1), Node::new("second", 2));
    assert_eq!(first.engine.introduction(), None, "it belongs to no fleet");
    enrol(&mut first, Role::Headquarters);
    let introduction = first.engine.introduction().unwrap();
    let papers = authority().sign(&name("fleet"), &certificate(&second, Role::Store)).into();
    let papers = Enrolment { statements: vec![papers], ..introduction.clone() };
    second.run(Command::Enrol(papers.introducing(&introduction)));
    assert_eq!(second.engine.members().nodes().count(), 2, "it hears who let it in");

    let retirement = Retirement { node: name("first"), key: key_of(&first), at: NOON, stolen: false, counted: None };
    first.run(enrolment(&authority(), &[Statement::Retirement(retirement)]));
    assert_eq!(first.engine.introduction(), None, "it belongs to it no more");
}

#[test]
fn a_node_takes_no_other_fleets_key_once_it_has_one() {
    let mut node = Node::new("node", 1);
    let stranger = Node::new("stranger", 2);
    let without = certificate(&stranger, Role::Store);
    assert!(refusal(&mut node, enrolment(&authority(), &[without])).to_string().contains("its own certificate"));
    enrol(&mut node, Role::Store);
    let other = FleetKey::from_seed(&[8; 32]);
    let papers = certificate(&node, Role::Headquarters);
    assert!(refusal(&mut node, enrolment(&other, &[papers])).to_string().contains("belongs to the fleet"));
    assert_eq!(node.engine.members().anchor(), Some(authority().public()));
}

#[test]
fn what_a_fleet_said_is_known_after_a_restart_and_after_a_fold_of_the_whole_log() {
    let mut node = Node::new("node", 1);
    enrol(&mut node, Role::Store);
    let papers = certificate(&Node::new("other", 2), Role::Kiosk);
    node.run(enrolment(&authority(), &[papers]));
    let members = node.engine.members();
    let again = node.restart(3);
    assert_eq!(again.engine.members(), members);
    assert_eq!(again.engine.standing(), Standing::Member);
}

#[test]
fn what_a_retired_node_sold_counts_and_what_a_stolen_one_says_does_not() {
    for stolen in [false, true] {
        let (mut store, mut till) = (Node::new("store", 1), Node::new("till", 2));
        enrol(&mut store, Role::Headquarters);
        assert_eq!(offer(&mut store, &enrol(&mut till, Role::Store)), []);
        let known = till.run(receive("milk", 5));
        assert_eq!(offer(&mut store, &known), []);
        let retirement = Retirement { node: name("till"), key: key_of(&till), at: NOON, stolen, counted: None };
        store.run(enrolment(&authority(), &[Statement::Retirement(retirement)]));
        let late = till.run(sell("milk", 1));
        let expected = if stolen { vec![RefusedKind::Retired] } else { Vec::new() };
        assert_eq!(offer(&mut store, &late), expected);
        assert_eq!(store.stock("milk").on_hand(), if stolen { 5 } else { 4 });
        assert_eq!(offer(&mut store, &known), [], "what is known is no news");
    }
}

#[test]
fn a_rotation_reaches_members_and_newcomers_alike() {
    let (mut first, mut second, mut third) = (Node::new("first", 1), Node::new("second", 2), Node::new("third", 3));
    let mut said = enrol(&mut first, Role::Headquarters);
    let papers = enrol(&mut second, Role::Store);
    assert_eq!(offer(&mut first, &papers), []);
    assert_eq!(offer(&mut second, &said), []);
    said.extend(papers);

    let (old, new) = (authority(), FleetKey::from_seed(&[9; 32]));
    let valid = first.engine.members().valid().to_vec();
    let rotation = old.rotate(&name("fleet"), &new, valid, NOON).unwrap();
    let bundle = |statements: Vec<Vec<u8>>| {
        let statements = statements.into_iter().map(Into::into).collect();
        Command::Enrol(Enrolment { fleet: name("fleet"), anchor: new.public(), statements })
    };
    let rotated = first.run(bundle(vec![rotation.clone()]));
    assert_eq!(offer(&mut second, &rotated), []);
    assert_eq!(second.engine.members().anchor(), Some(new.public()));
    said.extend(rotated);

    let papers = new.sign(&name("fleet"), &certificate(&third, Role::Store));
    third.run(bundle(vec![rotation, papers]));
    assert_eq!(offer(&mut third, &said), [], "what the old key said goes on");
    assert_eq!(third.engine.members().nodes().count(), 3);
    assert_eq!(second.restart(4).engine.members().anchor(), Some(new.public()));
}

#[test]
fn a_store_sends_goods_to_another_location_in_a_guarded_fleet() {
    let (mut from, mut to) = (Node::new("from", 1), Node::new("to", 2));
    enrol(&mut to, Role::Headquarters);
    let papers = enrol(&mut from, Role::Store);
    assert_eq!(offer(&mut to, &papers), []);
    let mut said = from.run(receive("milk", 5));
    let lines = vec![Line { sku: sku("milk"), quantity: 2 }];
    said.extend(from.run(Command::Transfer { from: None, to: name("elsewhere"), lines }));
    assert_eq!(offer(&mut to, &said), []);
    assert_eq!(to.stock("milk").on_hand(), 3);
    let foreign =
        Command::Receive { location: Some(name("elsewhere")), lines: vec![Line { sku: sku("milk"), quantity: 1 }] };
    assert!(matches!(refusal(&mut from, foreign), Refusal::OutsideRole { .. }));
    assert!(matches!(event_of(from.submit(Request::now(sell("milk", 1))).unwrap()).body, Body::Sale(_)));
}
