use super::promises::{let_time_pass, product, promised, reserve, stocked};
use super::*;
use crate::command::{GiveUp, PromiseTerms, Reservation};
use crate::event::{Handover, Stage};
use crate::id::{EventId, Reference};
use crate::order::{self, Order, Status};

fn order(node: &Node, id: EventId) -> Order {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

fn milk(quantity: i64) -> Vec<crate::event::Line> {
    vec![crate::event::Line { sku: sku("milk"), quantity }]
}

/// A node that has promised so much of the milk that it has.
fn with_promise(quantity: i64) -> (Node, EventId) {
    let mut node = Node::new("till", 1);
    let product = crate::catalog::Product::named(sku("milk"), "milk".to_owned());
    let _outcome = node.submit(Request::now(Command::PutProducts(vec![product]))).unwrap();
    let _outcome = node.submit(Request::now(Command::Receive { location: None, lines: milk(9) })).unwrap();
    let line = LineRequest { sku: sku("milk"), quantity, unit_price: None, amount: None };
    let terms = PromiseTerms { ttl_seconds: None, until: None };
    let reservation = Reservation { location: None, lines: vec![line], customer: None, terms };
    let id = event_of(node.submit(Request::now(Command::Reserve(Box::new(reservation)))).unwrap()).id;
    node.commit();
    (node, id)
}

fn bring(order: EventId, stage: Stage, quantity: Option<i64>) -> Request {
    let lines = quantity.map_or_else(Vec::new, milk);
    Request::now(Command::Progress { order, stage, from: None, lines })
}

fn ship(order: EventId, location: Option<&str>, quantity: i64, parcel: &str) -> Request {
    let (parcel, handover) = (Reference::new(parcel).ok(), Some(Handover::Shipped));
    Request::now(Command::Fulfil { location: location.map(name), order, lines: milk(quantity), parcel, handover })
}

fn stages(node: &Node, id: EventId) -> [i64; 4] {
    let of = order(node, id).quantities()[&sku("milk")];
    Stage::ALL.map(|stage| of.at(stage))
}

#[test]
fn goods_of_a_promise_come_from_the_nearest_earlier_stage_and_leave_the_latest_first() {
    let (mut node, id) = with_promise(5);
    for (stage, quantity, expected) in [
        (Stage::Allocated, Some(3), [2, 3, 0, 0]),
        (Stage::Picked, Some(4), [1, 0, 4, 0]),
        (Stage::Ready, Some(2), [1, 0, 2, 2]),
        (Stage::Picked, None, [0, 0, 3, 2]),
        (Stage::Placed, Some(1), [1, 0, 2, 2]),
    ] {
        let _outcome = node.submit(bring(id, stage, quantity)).unwrap();
        node.commit();
        assert_eq!(stages(&node, id), expected);
    }
    let _outcome = node.submit(ship(id, None, 3, "parcel-1")).unwrap();
    node.commit();
    assert_eq!(stages(&node, id), [1, 0, 1, 0]);
    assert_eq!(order(&node, id).status(), Status::PartlyFulfilled);
}

#[test]
fn no_more_is_picked_than_is_left_to_pick() {
    let (mut node, id) = with_promise(2);
    let refused = node.submit(bring(id, Stage::Picked, Some(3)));
    assert!(matches!(refused, Err(Refusal::MoreThanOrdered { left: 2, verb: "pick", .. })), "{refused:?}");
    let _outcome = node.submit(bring(id, Stage::Picked, None)).unwrap();
    let refused = node.submit(bring(id, Stage::Picked, None));
    assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{refused:?}");
    let _outcome = node.submit(ship(id, None, 2, "parcel")).unwrap();
    let refused = node.submit(bring(id, Stage::Ready, None));
    assert!(matches!(refused, Err(Refusal::PromiseOver { status: Status::Shipped, .. })), "{refused:?}");
}

fn listed(node: &Node) -> Vec<EventId> {
    let view = node.engine.view();
    let mut look = |see: &mut dyn FnMut(&View)| see(&view.read().unwrap());
    order::open_at(&mut look, Some(&name("store"))).into_iter().collect()
}

#[test]
fn goods_of_a_reservation_that_ended_after_they_were_picked_are_listed_until_they_are_put_back() {
    let mut node = stocked("till", 1, 9);
    let id = promised(&mut node, 3, Some(60));
    for (stage, quantity) in [(Stage::Picked, 3), (Stage::Ready, 1)] {
        let _outcome = node.submit(bring(id, stage, Some(quantity))).unwrap();
    }
    node.commit();
    let_time_pass(&mut node, 61);
    let stands = |node: &Node| (order(node, id).status(), order(node, id).to_put_back(), listed(node));
    assert_eq!(stands(&node), (Status::Cancelled, 3, vec![id]));
    let refused = node.submit(bring(id, Stage::Ready, None));
    assert!(matches!(refused, Err(Refusal::PromiseOver { .. })), "it is wanted no more: {refused:?}");
    let mut node = node.restart(5);
    assert_eq!(listed(&node), [id]);
    let _outcome = node.submit(bring(id, Stage::Placed, Some(1))).unwrap();
    node.commit();
    assert_eq!(stands(&node), (Status::Cancelled, 2, vec![id]));
    let _outcome = node.submit(bring(id, Stage::Placed, None)).unwrap();
    node.commit();
    assert_eq!(stands(&node), (Status::Cancelled, 0, Vec::new()));
    assert!(matches!(node.submit(bring(id, Stage::Placed, None)), Err(Refusal::PromiseOver { .. })));
    assert_eq!(listed(&node.restart(6)), []);
}

#[test]
fn what_is_still_wanted_of_an_order_stays_where_it_is_when_the_rest_is_put_back() {
    let (mut node, id) = with_promise(5);
    let _outcome = node.submit(bring(id, Stage::Ready, None)).unwrap();
    let given_up = GiveUp { promise: id, lines: milk(2), reason: None, force: true, request: None };
    let _outcome = node.submit(Request::now(Command::Release(given_up))).unwrap();
    node.commit();
    assert_eq!((stages(&node, id), order(&node, id).to_put_back()), ([0, 0, 0, 3], 2));
    let _outcome = node.submit(bring(id, Stage::Placed, None)).unwrap();
    node.commit();
    assert_eq!((stages(&node, id), order(&node, id).to_put_back()), ([0, 0, 0, 3], 0));
    let _outcome = node.submit(bring(id, Stage::Placed, None)).unwrap();
    node.commit();
    assert_eq!(stages(&node, id), [3, 0, 0, 0]);
}

#[test]
fn goods_to_put_back_are_listed_whatever_was_heard_first() {
    let (mut till, mut picker) = (Node::new("till", 1), Node::new("picker", 2));
    let mut made = till.run(product("milk"));
    made.extend(till.run(receive("milk", 9)));
    made.extend(till.run(reserve(3, Some(60), None)));
    picker.hear("till", &made);
    let [id] = listed(&picker)[..] else { panic!("one is promised") };
    let picked = picker.run(Command::Progress { order: id, stage: Stage::Picked, from: None, lines: Vec::new() });
    let ended = let_time_pass(&mut till, 61);
    let back = || Command::Progress { order: id, stage: Stage::Placed, from: None, lines: Vec::new() };
    for heard in [[&made, &picked, &ended], [&picked, &made, &ended], [&made, &ended, &picked]] {
        let mut node = Node::new("late", 3);
        heard.into_iter().for_each(|batches| node.hear("other", batches));
        assert_eq!((order(&node, id).status(), listed(&node)), (Status::Cancelled, vec![id]));
        node.run(back());
        assert_eq!(listed(&node), []);
    }
}

#[test]
fn a_shipped_order_is_completed_once_all_its_parcels_have_arrived() {
    let (mut node, id) = with_promise(2);
    for parcel in ["parcel-1", "parcel-2"] {
        let _outcome = node.submit(ship(id, None, 1, parcel)).unwrap();
    }
    let arrives = |parcel: &str| Request::now(Command::Deliver { order: id, parcel: Reference::new(parcel).ok() });
    let _outcome = node.submit(arrives("parcel-1")).unwrap();
    node.commit();
    assert_eq!(order(&node, id).status(), Status::Shipped);
    let refused = node.submit(arrives("parcel-1"));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "parcel"), "{refused:?}");
    let _outcome = node.submit(Request::now(Command::Deliver { order: id, parcel: None })).unwrap();
    node.commit();
    assert_eq!(order(&node, id).status(), Status::Completed);
}

#[test]
fn goods_of_another_location_that_leave_for_a_promise_leave_that_location_and_settle_the_promise() {
    let (mut node, id) = with_promise(5);
    let depot = Some(name("depot"));
    let _outcome = node.submit(Request::now(Command::Receive { location: depot, lines: milk(3) })).unwrap();
    node.commit();
    let refused = node.submit(ship(id, Some("depot"), 4, "parcel"));
    assert!(matches!(refused, Err(Refusal::Unbacked { available: 3, .. })), "{refused:?}");
    let request = ship(id, Some("depot"), 2, "parcel").with_key("ship", b"2");
    let Ok(Outcome::Recorded { events, .. }) = node.submit(request.clone()) else { panic!("nothing left") };
    node.commit();
    let kinds: Vec<_> = events.iter().map(|(event, _)| event.body.kind()).collect();
    assert_eq!(kinds, ["fulfilment", "transfer-out", "transfer-in"]);
    let again = node.submit(request);
    assert!(
        matches!(again, Ok(Outcome::Recorded { repeated: true, events: ref same }) if *same == events),
        "{again:?}"
    );
    let view = node.engine.committed();
    let at = |location| view.stock.get(&(name(location), sku("milk"))).unwrap().clone();
    let (here, there) = (at("store"), at("depot"));
    assert_eq!((here.on_hand(), here.open(), there.on_hand(), there.open()), (9, 3, 1, 0));
    assert!(here.all_rights() + here.open() <= here.on_hand() && there.all_rights() <= there.on_hand());
}
