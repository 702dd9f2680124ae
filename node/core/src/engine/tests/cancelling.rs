use super::promises::{pass_on, product, promised, reserve, stocked, store_and_web, talk};
use super::*;
use crate::command::GiveUp;
use crate::id::EventId;
use crate::order::{self, CancellationState, Order, Status};

/// A store with five of milk, and a web front with a confirmed promise of so many.
fn store_and_order(quantity: i64) -> (Node, Node, EventId) {
    let (mut store, mut web) = store_and_web(5);
    let until = Some(web.now.plus_millis(500));
    let asked = web.submit(Request::now(reserve(quantity, None, until)));
    assert!(matches!(asked, Err(Refusal::NotAvailable { asking: true, .. })), "{asked:?}");
    talk(&mut web, &mut store);
    let id = promised(&mut web, quantity, None);
    // The commit of the promise was not passed on.
    meet(&mut web, &mut store);
    (store, web, id)
}

/// What either lacks comes by repair, and both do what is due.
pub(super) fn meet(one: &mut Node, other: &mut Node) {
    for _ in 0..60 {
        for node in [&mut *one, &mut *other] {
            node.now = node.now.plus_millis(100);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(one, other);
    }
}

pub(super) fn tick(node: &mut Node) {
    node.engine.tick(node.now, &mut node.rng, 0);
}

pub(super) fn order(node: &Node, id: EventId) -> Order {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

pub(super) fn states(node: &Node, id: EventId) -> Vec<CancellationState> {
    order(node, id).cancellations().iter().map(|it| it.state).collect()
}

pub(super) fn give_up(promise: EventId) -> Command {
    Command::Release(GiveUp::all_of(promise))
}

fn hand_over(order: EventId, quantity: i64) -> Command {
    let lines = vec![Line { sku: sku("milk"), quantity }];
    Command::Fulfil { location: None, order, lines, parcel: None, handover: None }
}

fn kinds(outcome: Outcome) -> Vec<&'static str> {
    let Outcome::Recorded { events, .. } = outcome else { panic!("no events: {outcome:?}") };
    events.iter().map(|(event, _)| event.body.kind()).collect()
}

#[test]
fn a_confirmed_promise_is_given_up_when_the_node_that_serves_it_consents() {
    let (mut store, mut web, id) = store_and_order(3);
    let mut request = Request { until: Some(web.now.plus_millis(500)), ..Request::now(give_up(id)) };
    let asked = web.submit(request.clone()).unwrap_err();
    assert!(matches!(&asked, Refusal::CancellationAsked { asked, .. } if asked.as_str() == "store-1"), "{asked:?}");
    request.go_on(&asked);
    pass_on(&mut web, &mut store);
    tick(&mut store);
    pass_on(&mut store, &mut web);
    assert!(web.engine.take_news());
    assert_eq!(kinds(web.submit(request).unwrap()), ["cancellation-request", "release"]);
    meet(&mut web, &mut store);
    for node in [&store, &web] {
        assert_eq!((order(node, id).status(), states(node, id)), (Status::Cancelled, vec![CancellationState::GivenUp]));
        assert_eq!((node.stock("milk").open(), node.stock("milk").all_rights()), (0, 5));
    }
}

#[test]
fn what_is_handed_over_before_the_question_is_heard_is_not_given_up() {
    let (mut store, mut web, id) = store_and_order(3);
    assert_eq!(kinds(web.submit(Request::now(give_up(id))).unwrap()), ["cancellation-request"]);
    assert_eq!(kinds(web.submit(Request::now(give_up(id))).unwrap()), ["cancellation-request"], "it is asked once");
    let question = web.commit();
    assert_eq!((states(&web, id), web.stock("milk").open()), (vec![CancellationState::Requested], 3));
    store.run(hand_over(id, 3));
    store.hear("web", &question);
    meet(&mut web, &mut store);
    for node in [&store, &web] {
        let stands = (order(node, id).status(), states(node, id));
        assert_eq!(stands, (Status::Completed, vec![CancellationState::WithoutEffect]));
        assert_eq!((node.stock("milk").on_hand(), node.stock("milk").owed.len()), (2, 0));
    }
    let late = web.submit(Request::now(give_up(id)));
    assert!(matches!(late, Err(Refusal::PromiseOver { status: Status::Completed, .. })), "{late:?}");
}

#[test]
fn what_was_consented_to_is_handed_over_no_more_by_whoever_has_heard_of_it() {
    let (mut store, mut web, id) = store_and_order(3);
    let _outcome = web.submit(Request::now(give_up(id))).unwrap();
    let question = web.commit();
    store.hear("web", &question);
    tick(&mut store);
    let consent = store.commit();
    let mut till = stocked("till", 3, 0);
    meet(&mut till, &mut web);
    till.hear("store-1", &consent);
    for node in [&mut store, &mut till] {
        let refused = node.submit(Request::now(hand_over(id, 1)));
        assert!(matches!(refused, Err(Refusal::BeingCancelled { wanted: 1, left: 0, .. })), "{refused:?}");
    }
    assert_eq!(states(&store, id), [CancellationState::Consented]);
}

#[test]
fn what_has_not_left_is_given_up_and_the_rest_stays_handed_over() {
    let (mut store, mut web, id) = store_and_order(5);
    let _outcome = web.submit(Request::now(give_up(id))).unwrap();
    store.run(hand_over(id, 2));
    meet(&mut web, &mut store);
    for node in [&store, &web] {
        let order = order(node, id);
        let of = order.cancellations()[0].lines[&sku("milk")];
        assert_eq!((of.requested, of.consented, of.given_up), (5, 3, 3));
        assert_eq!((order.status(), node.stock("milk").open()), (Status::Completed, 0));
    }
}

#[test]
fn a_part_may_be_given_up_and_its_rest_handed_over() {
    let (mut store, mut web, id) = store_and_order(5);
    let part =
        |quantity| Command::Release(GiveUp { lines: vec![Line { sku: sku("milk"), quantity }], ..GiveUp::all_of(id) });
    let _outcome = web.submit(Request::now(part(2))).unwrap();
    let beyond = web.submit(Request::now(part(4)));
    assert!(matches!(beyond, Err(Refusal::MoreThanOrdered { left: 3, .. })), "{beyond:?}");
    meet(&mut web, &mut store);
    let beyond = store.submit(Request::now(hand_over(id, 4)));
    assert!(matches!(beyond, Err(Refusal::MoreThanOrdered { left: 3, .. })), "{beyond:?}");
    store.run(hand_over(id, 3));
    assert_eq!((order(&store, id).status(), store.stock("milk").owed.len()), (Status::Completed, 0));
}

#[test]
fn a_question_or_an_answer_that_a_process_did_not_live_to_act_upon_is_found_by_the_next() {
    let (mut store, mut web, id) = store_and_order(3);
    let _outcome = web.submit(Request::now(give_up(id))).unwrap();
    let question = web.commit();
    store.hear("web", &question);
    let mut store = store.restart(7);
    tick(&mut store);
    let consent = store.commit();
    assert_eq!(states(&store, id), [CancellationState::Consented]);
    web.hear("store-1", &consent);
    let mut web = web.restart(8);
    tick(&mut web);
    web.commit();
    assert_eq!((states(&web, id), order(&web, id).status()), (vec![CancellationState::GivenUp], Status::Cancelled));
}

#[test]
fn whoever_is_made_to_gives_up_without_asking_and_both_may_happen_then() {
    let (mut store, mut web, id) = store_and_order(3);
    let forced = Command::Release(GiveUp { force: true, ..GiveUp::all_of(id) });
    assert_eq!(kinds(web.submit(Request::now(forced)).unwrap()), ["release"]);
    store.run(hand_over(id, 3));
    meet(&mut web, &mut store);
    assert_eq!(store.stock("milk").owed.get(&id), Some(&-3), "a work item says so");
}

#[test]
fn what_is_given_up_by_force_is_not_given_up_again_when_the_answer_comes() {
    let (mut store, mut web, id) = store_and_order(4);
    let lines = vec![Line { sku: sku("milk"), quantity: 2 }];
    let part = |force| Command::Release(GiveUp { lines: lines.clone(), force, ..GiveUp::all_of(id) });
    web.run(part(false));
    web.run(part(true));
    meet(&mut web, &mut store);
    for node in [&store, &web] {
        assert_eq!((states(node, id), node.stock("milk").open()), (vec![CancellationState::GivenUp], 2));
    }
}

#[test]
fn a_part_given_up_by_force_that_is_less_than_what_was_asked_for_leaves_the_request_open() {
    let (mut store, mut web, id) = store_and_order(4);
    let part = |quantity, force| {
        let lines = vec![Line { sku: sku("milk"), quantity }];
        Command::Release(GiveUp { lines, force, ..GiveUp::all_of(id) })
    };
    web.run(part(3, false));
    web.run(part(1, true));
    assert_eq!((states(&web, id), web.stock("milk").open()), (vec![CancellationState::Requested], 3));
    meet(&mut web, &mut store);
    for node in [&store, &web] {
        assert_eq!((states(node, id), node.stock("milk").open()), (vec![CancellationState::GivenUp], 0));
    }
}

#[test]
fn nobody_is_asked_where_nobody_else_serves_or_nothing_is_confirmed() {
    let (mut store, mut web, _) = store_and_order(1);
    let unconfirmed = event_of(store.submit(Request::now(reserve(1, Some(60), None))).unwrap()).id;
    assert_eq!(kinds(store.submit(Request::now(give_up(unconfirmed))).unwrap()), ["release"]);
    let own = promised(&mut store, 1, None);
    meet(&mut store, &mut web);
    assert_eq!(kinds(store.submit(Request::now(give_up(own))).unwrap()), ["release"], "a web front has no goods");
}

#[test]
fn the_keeper_answers_for_its_location_and_gives_up_by_itself() {
    let (mut store, mut till) = (stocked("store-1", 1, 5), stocked("till", 2, 0));
    store.engine.config.keeper = true;
    store.run(count("milk", 6));
    meet(&mut store, &mut till);
    till.run(sell("milk", 1));
    meet(&mut store, &mut till);
    let own = promised(&mut store, 1, None);
    assert_eq!(kinds(store.submit(Request::now(give_up(own))).unwrap()), ["release"]);
    meet(&mut store, &mut till);
    let mut web = Node::new("web", 3);
    web.run(product("milk"));
    meet(&mut store, &mut web);
    meet(&mut till, &mut web);
    let until = Some(web.now.plus_millis(500));
    let asked = web.submit(Request::now(reserve(1, None, until)));
    assert!(matches!(asked, Err(Refusal::NotAvailable { asking: true, .. })), "{asked:?}");
    meet(&mut web, &mut store);
    let id = promised(&mut web, 1, None);
    let _outcome = web.submit(Request::now(give_up(id))).unwrap();
    web.commit();
    assert_eq!(order(&web, id).cancellations()[0].body.asked, name("store-1"));
}

#[test]
fn the_same_key_asks_once_and_gets_what_it_got() {
    let (_, mut web, id) = store_and_order(3);
    let request = || Request::now(give_up(id)).with_key("k1", b"give it up");
    let first = event_of(web.submit(request()).unwrap());
    web.commit();
    assert_eq!(event_of(web.submit(request()).unwrap()), first);
    assert_eq!(states(&web, id).len(), 1);
}
