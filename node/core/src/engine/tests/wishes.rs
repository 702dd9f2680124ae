//! Rights go to who signed a wish for them and may spend them, once for each wish.

use super::fleet::{authority, enrolment, key_of};
use super::promises::{let_time_pass, numbers, pass_on, product, reserve, stocked, talk};
use super::refunds::{order_of, pay_back};
use super::retired::papers;
use super::*;
use crate::event::{Body, Grant};
use crate::fleet::{Certificate, Retirement, Role, Statement};
use crate::id::{EventId, Writer};
use crate::sync::word::{self, ToBeKnown};
use crate::sync::{Ask, Kind, Request as Question, WantedRights, Wish, Wished, message};

/// Lets two nodes come to know that the other is there.
fn meet(one: &mut Node, other: &mut Node) {
    one.engine.link_up(one.now);
    other.engine.link_up(other.now);
    for _ in 0..20 {
        for node in [&mut *one, &mut *other] {
            node.now = node.now.plus_millis(1_000);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(one, other);
    }
}

/// What a node asks for rights, of whom.
pub(super) fn questions(asker: &mut Node) -> Vec<Incoming> {
    let effects = asker.engine.commit(asker.now).unwrap().effects.into_iter();
    let sent = effects.filter_map(|effect| match effect {
        Effect::Send { scope, kind: Kind::Request, to: Some(from), payload } => {
            Some(Incoming { scope, kind: Kind::Request, from, payload })
        }
        _ => None,
    });
    let is_wish = |incoming: &Incoming| {
        let read: Question = message::from_bytes(&incoming.payload).unwrap();
        matches!(read.ask, Ask::Rights(_))
    };
    sent.filter(is_wish).collect()
}

/// Reserves three units that a node has to ask for, within half a second.
pub(super) fn ask(asker: &mut Node) -> Vec<Incoming> {
    let until = Some(asker.now.plus_millis(500));
    let asked = asker.submit(Request::now(reserve(3, None, until)));
    assert!(asked.is_err_and(|refusal| refusal.is_asking()));
    questions(asker)
}

/// Two nodes of one location, of which the first has ten units.
pub(super) fn two_that_met() -> (Node, Node) {
    let (mut giver, mut asker) = (stocked("giver", 1, 10), stocked("asker", 2, 0));
    asker.run(receive("tea", 1));
    meet(&mut giver, &mut asker);
    (giver, asker)
}

/// The same, with a wish of the second for three.
pub(super) fn two() -> (Node, Node, Incoming) {
    let (giver, mut asker) = two_that_met();
    let wish = ask(&mut asker).remove(0);
    (giver, asker, wish)
}

/// The keeper of a location with ten units, in a fleet with a key, and a node that came to it and recorded nothing.
fn keeper_and_newcomer(certificate: impl FnOnce(Certificate) -> Certificate) -> (Node, Node) {
    let (mut keeper, mut newcomer) = (Node::new("keeper", 1), Node::new("till", 2));
    keeper.engine.config.keeper = true;
    let of_keeper = papers(&keeper, Role::Headquarters, Some(0));
    let Statement::Certificate(of_newcomer) = papers(&newcomer, Role::Store, None) else { panic!("a certificate") };
    let mut said = keeper.run(enrolment(&authority(), &[of_keeper]));
    let known = newcomer.run(enrolment(&authority(), &[Statement::Certificate(certificate(of_newcomer))]));
    keeper.hear("till", &known);
    said.extend(keeper.run(product("milk")));
    said.extend(keeper.run(receive("milk", 10)));
    newcomer.hear("keeper", &said);
    meet(&mut keeper, &mut newcomer);
    (keeper, newcomer)
}

/// A wish that a node signs whatever it may.
fn wish_of(asker: &Node, giver: &Node, what: Wished) -> Incoming {
    let of = giver.engine.writer().clone();
    let seen = asker.engine.heard_of(&name("store"), of.epoch);
    let named = word::sign(&asker.engine.identity, &name("fleet"), ToBeKnown {}).into();
    let wish = Wish { of, location: name("store"), id: 1, seen, what, named };
    let ask = Ask::Rights(word::sign(&asker.engine.identity, &name("fleet"), wish));
    let question = Question { from: asker.engine.config.node.clone(), id: 1, ask, everybody: None };
    Incoming {
        scope: crate::document::Scope::Stock(name("store")),
        kind: Kind::Request,
        from: giver.engine.config.node.clone(),
        payload: message::to_bytes(&question),
    }
}

fn milk() -> Wished {
    Wished::Rights(vec![WantedRights { sku: sku("milk"), wanted: 3, demand: 0, channel: None }])
}

fn retirement(of: &Node, node: &str) -> Command {
    let retirement = Retirement { node: name(node), key: key_of(of), at: NOON, stolen: false, counted: None };
    enrolment(&authority(), &[Statement::Retirement(retirement)])
}

/// Lets the giver hear a question; says whether it was refused, and what the giver still holds.
fn hear(giver: &mut Node, question: &Incoming) -> (bool, i64) {
    giver.now = giver.now.plus_millis(1);
    let refused = giver.engine.receive(giver.now, &mut giver.rng, question);
    giver.commit();
    (!refused.is_empty(), giver.stock("milk").rights_of(giver.engine.writer().epoch))
}

/// The same question with another wish in it.
fn with_wish(question: &Incoming, change: impl FnOnce(&mut Vec<u8>)) -> Incoming {
    let mut read: Question = message::from_bytes(&question.payload).unwrap();
    let Ask::Rights(signed) = &mut read.ask else { panic!("{read:?}") };
    change(signed);
    Incoming { payload: message::to_bytes(&read), ..question.clone() }
}

#[test]
fn a_wish_is_granted_once_however_often_it_is_heard() {
    let (mut giver, _, wish) = two();
    let (refused, left) = hear(&mut giver, &wish);
    assert!(!refused && left <= 7, "{left}");
    for _ in 0..5 {
        assert_eq!(hear(&mut giver, &wish), (false, left));
    }
}

#[test]
fn a_wish_that_was_granted_before_a_restart_is_not_granted_after_it() {
    let (mut giver, _, wish) = two();
    let (_, left) = hear(&mut giver, &wish);
    let mut giver = giver.restart(7);
    giver.run(receive("milk", 1));
    assert_eq!(hear(&mut giver, &wish), (false, left + 1));
}

#[test]
fn a_wish_that_nobody_signed_so_is_refused_and_moves_nothing() {
    let (mut giver, _, wish) = two();
    let forged = with_wish(&wish, |signed| *signed.last_mut().unwrap() ^= 1);
    assert_eq!(hear(&mut giver, &forged), (true, 10));
    assert_eq!(hear(&mut giver, &with_wish(&wish, Vec::clear)), (true, 10));
}

#[test]
fn a_wish_in_another_name_or_for_another_location_is_refused_and_moves_nothing() {
    let (mut giver, _, wish) = two();
    let mut read: Question = message::from_bytes(&wish.payload).unwrap();
    read.from = name("thief");
    let in_another_name = Incoming { payload: message::to_bytes(&read), ..wish.clone() };
    assert_eq!(hear(&mut giver, &in_another_name), (true, 10));
    let elsewhere = Incoming { scope: crate::document::Scope::Stock(name("elsewhere")), ..wish };
    assert_eq!(hear(&mut giver, &elsewhere), (true, 10));
}

#[test]
fn rights_that_were_given_to_a_node_that_never_recorded_anything_can_be_asked_for_and_taken_back() {
    let (mut keeper, mut till) = keeper_and_newcomer(|certificate| certificate);
    let asked = till.submit(Request::now(reserve(3, None, Some(till.now.plus_millis(500)))));
    assert!(asked.is_err_and(|refusal| refusal.is_asking()));
    pass_on(&mut till, &mut keeper);
    keeper.commit();
    let given = keeper.stock("milk").rights_of(till.engine.writer().epoch);
    assert!(given >= 3, "{given}");
    let wanted = Request::now(reserve(10, None, Some(keeper.now.plus_millis(500))));
    assert!(keeper.submit(wanted).is_err_and(|refusal| refusal.is_asking()), "it is known whose they are");

    let mut keeper = keeper.restart(5);
    keeper.engine.config.keeper = true;
    keeper.run(retirement(&till, "till"));
    let_time_pass(&mut keeper, 10);
    assert_eq!(numbers(&keeper), (10, 0, 0));
}

/// Lets a node record a grant of nothing to somebody, as any node may, and others hear it.
fn grant(by: &mut Node, to: Writer, proof: Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let id = EventId::hash_of("grant", &[proof.as_deref().unwrap_or_default(), to.node.as_str().as_bytes()]);
    let body = Body::Grant(Grant { to, lines: Vec::new(), proof: proof.map(Into::into) });
    by.engine.record_by_itself(by.now, id, &name("store"), body).expect("it may");
    by.commit()
}

#[test]
fn a_grant_proves_whose_an_epoch_is_by_that_nodes_own_word_for_its_name_alone() {
    let (mut liar, mut peer, victim) = (Node::new("liar", 1), Node::new("peer", 2), Node::new("victim", 3));
    let words = word::sign(&victim.engine.identity, &name("fleet"), ToBeKnown {});
    let of_another_fleet = word::sign(&victim.engine.identity, &name("other"), ToBeKnown {});
    let epoch = victim.engine.writer().epoch;
    let as_another = Writer { node: name("liar"), epoch };
    let forged = grant(&mut liar, as_another.clone(), Some(words.clone()));
    peer.hear("liar", &forged);
    let forged = grant(&mut liar, victim.engine.writer().clone(), Some(of_another_fleet));
    peer.hear("liar", &forged);
    let unproved = grant(&mut liar, victim.engine.writer().clone(), None);
    peer.hear("liar", &unproved);
    assert_eq!(peer.engine.writer_of(epoch), None);
    let proved = grant(&mut liar, victim.engine.writer().clone(), Some(words));
    peer.hear("liar", &proved);
    assert_eq!(peer.engine.writer_of(epoch).as_ref(), Some(victim.engine.writer()));
}

#[test]
fn an_epoch_that_was_left_gets_no_rights() {
    let (mut giver, asker) = two_that_met();
    let wish = wish_of(&asker, &giver, milk());
    let copy = asker.engine.reader();
    let (mut asker, mut copy) = (asker, Node::on(copy, "asker", 7, NOON));
    let strange = copy.run(receive("milk", 1));
    asker.hear("asker", &strange);
    let mut asker = asker.restart(8);
    let said = let_time_pass(&mut asker, 1);
    giver.hear("asker", &said);
    let_time_pass(&mut giver, 1);
    let before = giver.stock("milk").rights_of(giver.engine.writer().epoch);
    assert_eq!(hear(&mut giver, &wish), (false, before));
}

#[test]
fn who_may_not_spend_rights_gets_none() {
    let elsewhere = |certificate| Certificate { role: Role::Kiosk, locations: vec![name("other")], ..certificate };
    let (mut keeper, kiosk) = keeper_and_newcomer(elsewhere);
    let refund = || Wished::Refund(EventId::hash_of("any", &[]), 1);
    for wish in [milk(), refund()].map(|what| wish_of(&kiosk, &keeper, what)) {
        assert_eq!(hear(&mut keeper, &wish), (true, 10));
    }

    let (mut keeper, store) = keeper_and_newcomer(|certificate| certificate);
    let [of_an_order, of_milk] = [refund(), milk()].map(|what| wish_of(&store, &keeper, what));
    assert_eq!(hear(&mut keeper, &of_an_order), (false, 10), "it might, were there such an order");
    assert_eq!(hear(&mut keeper, &of_milk), (false, 7));
}

#[test]
fn who_may_not_spend_rights_asks_for_none() {
    let elsewhere = |certificate| Certificate { role: Role::Kiosk, locations: vec![name("other")], ..certificate };
    let (mut keeper, mut kiosk) = keeper_and_newcomer(elsewhere);
    let order = order_of(&mut keeper);
    let sold = keeper.commit();
    kiosk.hear("keeper", &sold);
    let until = Some(kiosk.now.plus_millis(500));
    for request in [Request::now(reserve(3, None, until)), pay_back(order, 100, until)] {
        let refused = kiosk.submit(request);
        assert!(matches!(refused, Err(Refusal::OutsideRole { .. })), "{refused:?}");
    }
    for _ in 0..60 {
        kiosk.now = kiosk.now.plus_millis(1_000);
        kiosk.engine.tick(kiosk.now, &mut kiosk.rng, usize::MAX);
        assert!(questions(&mut kiosk).is_empty());
    }
}

#[test]
fn a_retired_node_is_given_no_rights_and_gives_none() {
    let (mut keeper, mut till) = keeper_and_newcomer(|certificate| certificate);
    let wish = wish_of(&till, &keeper, milk());
    let said = keeper.run(retirement(&till, "till"));
    assert_eq!(hear(&mut keeper, &wish), (true, 10));
    till.run(receive("milk", 5));
    till.hear("keeper", &said);
    let wish = wish_of(&keeper, &till, milk());
    assert_eq!(hear(&mut till, &wish), (false, 5));
}

#[test]
fn where_a_holder_does_not_answer_the_next_one_is_asked_as_well_and_the_next_time_first() {
    let (mut big, mut small, mut asker) = (stocked("big", 1, 10), stocked("small", 2, 5), stocked("asker", 3, 0));
    meet(&mut big, &mut asker);
    meet(&mut small, &mut asker);
    let names = |asked: Vec<Incoming>| asked.into_iter().map(|question| question.from).collect::<Vec<_>>();
    assert_eq!(names(ask(&mut asker)), [name("big")]);
    asker.now = asker.now.plus_millis(1_000);
    assert_eq!(names(ask(&mut asker)), [name("small")]);
    assert_eq!(names(ask(&mut asker)), [], "it may answer yet");
    asker.now = asker.now.plus_millis(300);
    assert_eq!(names(ask(&mut asker)), [name("big")]);
}

#[test]
fn a_holder_that_gave_a_part_of_what_was_asked_has_answered() {
    let (mut giver, mut asker) = two_that_met();
    let epoch = giver.engine.writer().epoch;
    let lines = ["milk", "tea"].map(|what| WantedRights { sku: sku(what), wanted: 1, demand: 1, channel: None });
    let until = asker.now.plus_millis(500);
    asker.engine.ask_for_rights(asker.now, &name("store"), epoch, lines.to_vec(), until);
    talk(&mut asker, &mut giver);
    assert!(asker.stock("milk").rights_of(asker.engine.writer().epoch) >= 1);
    asker.now = asker.now.plus_millis(1_000);
    asker.engine.seeking.clear(asker.now);
    assert!(!asker.engine.seeking.is_silent(asker.now, epoch));
}
