//! What becomes of a node that is gone: of its rights, its promises, its epoch.

use super::cancelling::{give_up, meet, order, states, tick};
use super::fleet::{authority, enrolment, key_of};
use super::promises::{let_time_pass, numbers, product, promised, reserve, talk};
use super::*;
use crate::event::Body;
use crate::fleet::{Certificate, Retirement, Role, Statement};
use crate::id::EventId;
use crate::order::{self, CancellationState, Status};
use crate::work::{self, Choice, Subject, WorkItem};

pub(super) fn papers(node: &Node, role: Role, keeper: Option<u32>) -> Statement {
    Statement::Certificate(Certificate {
        node: node.engine.config().node.clone(),
        key: key_of(node),
        role,
        locations: vec![name("store")],
        keeper,
        issued_at: NOON,
    })
}

/// A keeper, and a till that booked ten units of milk in and holds the rights to all of them.
fn keeper_and_till() -> (Node, Node) {
    let (mut keeper, mut till) = (Node::new("keeper", 1), Node::new("till", 2));
    keeper.engine.config.keeper = true;
    let of_keeper = papers(&keeper, Role::Headquarters, Some(0));
    let heard = keeper.run(enrolment(&authority(), &[of_keeper]));
    let of_till = papers(&till, Role::Store, None);
    let mut of_till = till.run(enrolment(&authority(), &[of_till]));
    till.hear("keeper", &heard);
    let product = keeper.run(product("milk"));
    till.hear("keeper", &product);
    of_till.extend(till.run(receive("milk", 10)));
    keeper.hear("till", &of_till);
    (keeper, till)
}

fn retire(at: &mut Node, gone: &Node) -> Vec<Vec<u8>> {
    let node = gone.engine.config().node.clone();
    let retirement = Retirement { node, key: key_of(gone), at: NOON, stolen: false, counted: None };
    at.run(enrolment(&authority(), &[Statement::Retirement(retirement)]))
}

pub(super) fn items(node: &Node) -> Vec<WorkItem> {
    let view = node.engine.view();
    let mut look = |see: &mut dyn FnMut(&View)| see(&view.read().unwrap());
    work::items(&mut look, &node.engine.reader()).unwrap()
}

#[test]
fn rights_of_a_retired_node_are_its_keepers_to_promise_and_nobody_elses_before() {
    let (mut keeper, till) = keeper_and_till();
    let_time_pass(&mut keeper, 60);
    assert_eq!(numbers(&keeper), (0, 0, 0), "no timer takes them");
    retire(&mut keeper, &till);
    let_time_pass(&mut keeper, 10);
    assert_eq!(numbers(&keeper), (10, 0, 0));
    assert_eq!(keeper.stock("milk").rights_of(till.engine.writer().epoch), 0);
    let keeper = keeper.restart(5);
    assert_eq!(numbers(&keeper), (10, 0, 0));
}

#[test]
fn what_a_retired_node_had_promised_before_anybody_heard_stands_and_is_a_work_item_at_every_node() {
    let (mut keeper, mut till) = keeper_and_till();
    let promise = event_of(till.submit(Request::now(reserve(4, None, None))).unwrap()).id;
    let unheard = till.commit();
    retire(&mut keeper, &till);
    let_time_pass(&mut keeper, 10);
    promised(&mut keeper, 7, None);
    keeper.hear("till", &unheard);
    let found = items(&keeper);
    let kinds: Vec<_> = found.iter().map(|item| (item.subject.kind(), item.extent)).collect();
    assert_eq!(kinds, [("retired-promise", 4)], "that one unit is missing comes of it: {found:?}");
    let item = &found[0];
    assert_eq!((item.evidence.as_slice(), item.choices[0]), ([promise].as_slice(), Choice::ReleaseRetired));

    let choice = "release-retired".to_owned();
    keeper.run(Command::Resolve { item: item.id, choice, reason: None });
    let released = order::read(&keeper.engine.committed(), &keeper.engine.reader(), promise).unwrap().unwrap();
    assert_eq!(released.status(), Status::Cancelled);
    assert_eq!(items(&keeper).len(), 0, "its cause is gone: {:?}", items(&keeper));
    assert_eq!(keeper.stock("milk").open(), 7);
}

#[test]
fn a_promise_that_was_heard_before_the_retirement_is_none_of_its_late_ones_whatever_was_sold_since() {
    let (mut keeper, mut till) = keeper_and_till();
    let kept = event_of(till.submit(Request::now(reserve(2, None, None))).unwrap()).id;
    let heard = till.commit();
    keeper.hear("till", &heard);
    let mut unheard = till.run(sell("milk", 4));
    let late = event_of(till.submit(Request::now(reserve(1, None, None))).unwrap()).id;
    unheard.extend(till.commit());
    retire(&mut keeper, &till);
    let_time_pass(&mut keeper, 10);
    assert_eq!(numbers(&keeper), (8, 2, 0));
    keeper.hear("till", &unheard);
    let found = items(&keeper);
    let item = found.iter().find(|item| matches!(item.subject, Subject::RetiredPromise { .. })).unwrap();
    assert_eq!((item.extent, item.evidence.as_slice()), (1, [late].as_slice()), "{found:?}");
    let choice = "release-retired".to_owned();
    keeper.run(Command::Resolve { item: item.id, choice, reason: None });
    let status = |id| order::read(&keeper.engine.committed(), &keeper.engine.reader(), id).unwrap().unwrap().status();
    assert_eq!((status(kept), status(late)), (Status::Placed, Status::Cancelled));
    assert_eq!(keeper.stock("milk").on_hand(), 6);
}

#[test]
fn a_node_that_hears_of_its_retirement_sells_on_and_promises_nothing() {
    let (mut keeper, mut till) = keeper_and_till();
    let retirement = retire(&mut keeper, &till);
    till.hear("keeper", &retirement);
    let refused = till.submit(Request::now(reserve(1, None, None)));
    assert!(matches!(refused, Err(Refusal::Retired)), "{refused:?}");
    let sold = till.run(sell("milk", 1));
    keeper.hear("till", &sold);
    assert_eq!(keeper.stock("milk").on_hand(), 9);
}

#[test]
fn a_store_that_left_an_epoch_says_so_to_everybody_once() {
    let (mut till, mut other) = (Node::new("till", 1), Node::new("other", 2));
    till.run(receive("milk", 5));
    let copy = till.engine.reader();
    let mut copy = Node::on(copy, "till", 7, till.now);
    let strange = copy.run(receive("milk", 1));
    till.hear("till", &strange);
    assert_eq!(items(&till).len(), 0, "it goes on in its epoch until it starts again");
    let epoch = till.engine.writer().epoch;
    let mut till = till.restart(3);
    assert_ne!(till.engine.writer().epoch, epoch);
    let mut said = let_time_pass(&mut till, 1);
    let mut till = till.restart(4);
    said.extend(let_time_pass(&mut till, 1));
    other.hear("till", &said);
    let found = items(&other);
    let subjects: Vec<_> = found.iter().map(|item| &item.subject).collect();
    let writer = crate::id::Writer { node: name("till"), epoch };
    assert_eq!(subjects, [&Subject::Clone { writer }], "{found:?}");
    assert_eq!(found[0].evidence.len(), 1);
    other.run(Command::Resolve { item: found[0].id, choice: "accept".to_owned(), reason: None });
    assert!(items(&other)[0].decision.is_some());
}

#[test]
fn what_a_copy_of_a_store_sells_behind_the_close_of_its_day_is_a_work_item_whatever_is_heard_first() {
    for close_first in [true, false] {
        let (mut till, mut other) = (Node::new("till", 1), Node::new("other", 2));
        let opened = till.run(receive("milk", 5));
        let mut copy = Node::on(till.engine.reader(), "till", 7, till.now);
        let late = copy.run(sell("milk", 1));
        let date = till.engine.open_day(till.now).date;
        let closed = till.run(Command::CloseDay { date, counted: None, next: None });
        other.hear("till", &opened);
        assert_eq!(items(&other).len(), 0);
        let order = if close_first { [&closed, &late] } else { [&late, &closed] };
        order.into_iter().for_each(|batches| other.hear("till", batches));
        let found = items(&other);
        let kinds: Vec<_> = found.iter().map(|item| (item.subject.kind(), item.extent)).collect();
        assert_eq!(kinds, [("unknown-sku", 1), ("late-event", 1)], "{found:?}");
    }
}

/// A store that keeps five of milk, and a web front that asks it to give a confirmed promise of three up, and how.
fn store_and_question() -> (Node, Node, EventId, Vec<Vec<u8>>) {
    let (mut store, mut web) = (Node::new("store-1", 1), Node::new("web", 2));
    store.engine.config.keeper = true;
    let of_store = papers(&store, Role::Headquarters, Some(0));
    store.run(enrolment(&authority(), &[of_store]));
    let of_web = papers(&web, Role::Channel, None);
    web.run(enrolment(&authority(), &[of_web]));
    store.run(product("milk"));
    store.run(receive("milk", 5));
    meet(&mut store, &mut web);
    let until = Some(web.now.plus_millis(500));
    let asked = web.submit(Request::now(reserve(3, None, until)));
    assert!(matches!(asked, Err(Refusal::NotAvailable { asking: true, .. })), "{asked:?}");
    talk(&mut web, &mut store);
    let id = promised(&mut web, 3, None);
    meet(&mut web, &mut store);
    let question = web.run(give_up(id));
    assert_eq!(states(&web, id), [CancellationState::Requested]);
    (store, web, id, question)
}

fn successor() -> Node {
    let mut successor = Node::new("store-2", 3);
    successor.engine.config.keeper = true;
    let of_it = papers(&successor, Role::Headquarters, Some(1));
    successor.run(enrolment(&authority(), &[of_it]));
    successor
}

#[test]
fn a_question_to_a_node_that_was_retired_is_answered_by_the_keeper_and_not_before() {
    let (mut store, mut web, id, question) = store_and_question();
    let mut successor = successor();
    meet(&mut successor, &mut web);
    assert_eq!(states(&web, id), [CancellationState::Requested], "the store may be away");
    retire(&mut successor, &store);
    meet(&mut successor, &mut web);
    assert_eq!((states(&web, id), consents(&web, id)), (vec![CancellationState::GivenUp], vec![name("store-2")]));
    // It had heard the question and nothing of its end.
    store.hear("web", &question);
    tick(&mut store);
    let late = store.commit();
    assert_eq!(states(&store, id), [CancellationState::Consented]);
    web.hear("store-1", &late);
    meet(&mut successor, &mut web);
    for node in [&web, &successor] {
        let of = order(node, id).cancellations()[0].lines[&sku("milk")];
        assert_eq!((of.requested, of.consented, of.given_up), (3, 3, 3));
        assert_eq!((order(node, id).status(), node.stock("milk").open()), (Status::Cancelled, 0));
    }
}

/// Who consented.
fn consents(node: &Node, id: EventId) -> Vec<Name> {
    let later = order(node, id).later;
    let consents = later.into_iter().filter(|(event, _)| matches!(event.body, Body::Consent(_)));
    consents.map(|(_, origin)| origin.writer.node).collect()
}

#[test]
fn while_others_of_the_location_may_hand_goods_over_a_question_waits_for_a_keeper() {
    let (store, mut web, id, _) = store_and_question();
    let till = Node::new("till", 4);
    let of_till = papers(&till, Role::Store, None);
    web.run(enrolment(&authority(), &[of_till]));
    retire(&mut web, &store);
    let_time_pass(&mut web, 10);
    assert_eq!(states(&web, id), [CancellationState::Requested]);
    let mut successor = successor();
    meet(&mut successor, &mut web);
    meet(&mut successor, &mut web);
    assert_eq!((states(&web, id), consents(&web, id)), (vec![CancellationState::GivenUp], vec![name("store-2")]));
}

#[test]
fn a_question_that_nobody_is_left_to_answer_is_carried_out_by_whoever_asked() {
    let (store, mut web, id, _) = store_and_question();
    let_time_pass(&mut web, 60);
    assert_eq!(states(&web, id), [CancellationState::Requested], "no timer does it");
    retire(&mut web, &store);
    let_time_pass(&mut web, 10);
    assert_eq!((states(&web, id), order(&web, id).status()), (vec![CancellationState::GivenUp], Status::Cancelled));
    let web = web.restart(9);
    assert_eq!(web.stock("milk").open(), 0);
}
