//! Decisions that put right what more came of an order than it can have.

use super::promises::{product, promised, reserve, store_and_web, talk};
use super::vouchers::linked;
use super::*;
use crate::command::GiveUp;
use crate::event::{Body, ReturnLine};
use crate::id::EventId;
use crate::work::{Choice, Subject, WorkItem};

fn decide(item: &WorkItem, choice: Choice) -> Request {
    Request::now(Command::Resolve { item: item.id, choice: choice.as_str().to_owned(), reason: None })
}

fn kinds(outcome: Outcome) -> Vec<&'static str> {
    let Outcome::Recorded { events, .. } = outcome else { panic!("no events: {outcome:?}") };
    events.iter().map(|(event, _)| event.body.kind()).collect()
}

#[track_caller]
fn the_item(node: &Node) -> WorkItem {
    let mut items = super::decisions::open_items(node);
    assert_eq!(items.len(), 1, "{items:#?}");
    items.remove(0)
}

/// How many units an item offers to move.
fn units(item: &WorkItem) -> i64 {
    item.remedies.iter().flat_map(|remedy| &remedy.lines).map(|line| line.quantity).sum()
}

fn back(order: EventId, restocked: i64, disposed: i64) -> Command {
    let line = |quantity, restock| ReturnLine { sku: sku("milk"), quantity, restock, undecided: None };
    let lines = [line(restocked, true), line(disposed, false)];
    let lines = lines.into_iter().filter(|line| line.quantity > 0).collect();
    Command::TakeBack { location: None, order: Some(order), authorisation: None, lines, refund: Vec::new() }
}

/// Two tills, the first of which sold three of milk, of ten that are its own; both took goods of it back while apart.
fn both_took_back(at_first: (i64, i64), at_other: (i64, i64)) -> (Node, Node) {
    let [mut till, mut other] = <[Node; 2]>::try_from(linked(&["till", "other"])).map_err(|_| ()).unwrap();
    till.run(product("milk"));
    till.run(receive("milk", 10));
    let order = event_of(till.submit(Request::now(sell("milk", 3))).unwrap()).id;
    meet(&mut till, &mut other);
    let from_till = till.run(back(order, at_first.0, at_first.1));
    other.now = till.now.plus_millis(1_000);
    let from_other = other.run(back(order, at_other.0, at_other.1));
    other.hear("till", &from_till);
    till.hear("other", &from_other);
    (till, other)
}

fn meet(one: &mut Node, other: &mut Node) {
    for _ in 0..60 {
        for node in [&mut *one, &mut *other] {
            node.now = node.now.plus_millis(100);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(one, other);
    }
}

#[test]
fn what_two_tills_took_back_apart_is_written_off_by_the_one_that_did_so_last() {
    let (mut till, mut other) = both_took_back((3, 0), (2, 0));
    let item = the_item(&till);
    assert_eq!((item.extent, &item.choices[..]), (2, &[Choice::WriteOff, Choice::Accept][..]));
    let [remedy] = &item.remedies[..] else { panic!("{item:?}") };
    assert_eq!((&remedy.by, &remedy.location), (other.engine.writer(), &name("store")));
    assert_eq!(units(&item), 2);
    assert_eq!(till.stock("milk").on_hand(), 12);
    let refused = till.submit(decide(&item, Choice::WriteOff));
    assert!(
        matches!(&refused, Err(Refusal::DecidedElsewhere { nodes, .. }) if nodes.contains(&name("other"))),
        "{refused:?}"
    );
    assert_eq!(kinds(other.submit(decide(&item, Choice::WriteOff)).unwrap()), ["resolution", "adjustment"]);
    talk(&mut other, &mut till);
    for node in [&till, &other] {
        assert_eq!((node.stock("milk").on_hand(), super::decisions::open_items(node).len()), (10, 0));
    }
}

#[test]
fn tills_that_decide_apart_put_right_what_is_theirs_and_nothing_twice() {
    let [mut till, mut one, mut other] =
        <[Node; 3]>::try_from(linked(&["till", "one", "other"])).map_err(|_| ()).unwrap();
    let mut said = till.run(product("milk"));
    said.extend(till.run(receive("milk", 10)));
    let order = event_of(till.submit(Request::now(sell("milk", 3))).unwrap()).id;
    said.extend(till.commit());
    one.hear("till", &said);
    other.hear("till", &said);
    let from_till = till.run(back(order, 3, 0));
    let apart = |node: &mut Node, later| {
        node.now = till.now.plus_millis(later);
        let mut said = node.run(back(order, 1, 0));
        node.hear("till", &from_till);
        let item = the_item(node);
        assert_eq!((item.extent, units(&item)), (1, 1));
        said.extend(node.run(Command::Resolve { item: item.id, choice: "write-off".to_owned(), reason: None }));
        said
    };
    let (by_one, by_other) = (apart(&mut one, 1_000), apart(&mut other, 2_000));
    one.hear("other", &by_other);
    other.hear("one", &by_one);
    till.hear("one", &by_one);
    till.hear("other", &by_other);
    for node in [&till, &one, &other] {
        assert_eq!((node.stock("milk").on_hand(), super::decisions::open_items(node).len()), (10, 0));
    }
}

#[test]
fn what_came_back_too_often_and_did_not_enter_the_stock_is_not_taken_off_it() {
    let (till, _) = both_took_back((3, 0), (1, 2));
    assert_eq!(units(&the_item(&till)), 1);
    let (till, _) = both_took_back((3, 0), (0, 3));
    let item = the_item(&till);
    assert_eq!((units(&item), &item.choices[..]), (0, &[Choice::Accept][..]));
}

#[test]
fn an_item_that_is_open_again_for_more_puts_right_what_is_new_alone() {
    let (mut till, _) = both_took_back((3, 0), (2, 0));
    let item = the_item(&till);
    let _accepted = till.submit(decide(&item, Choice::Accept)).unwrap();
    let Subject::OverReturned { order } = item.subject else { panic!("{item:?}") };
    let lines = vec![ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None }];
    let body = Body::Return(crate::event::Return { order: Some(order), lines, authorisation: None });
    let id = EventId::hash_of("test", &[b"a third return"]);
    let now = till.now.plus_millis(60_000);
    // As a copy of the store may have recorded it.
    till.engine.record_by_itself(now, id, &name("store"), body).unwrap();
    till.commit();
    let item = the_item(&till);
    assert_eq!((item.extent, units(&item)), (3, 1));
}

/// A store and a web front that promised three of its five, and gave them up without asking: the promise, and what the
/// web front said then.
fn given_up_at_the_web_front() -> (Node, Node, EventId, Vec<Vec<u8>>) {
    let (mut store, mut web) = store_and_web(5);
    let until = Some(web.now.plus_millis(500));
    let asked = web.submit(Request::now(reserve(3, None, until)));
    assert!(asked.is_err_and(|refusal| refusal.is_asking()));
    talk(&mut web, &mut store);
    let id = promised(&mut web, 3, None);
    meet(&mut web, &mut store);
    let given_up = web.run(Command::Release(GiveUp { force: true, ..GiveUp::all_of(id) }));
    (store, web, id, given_up)
}

#[test]
fn goods_that_were_given_up_and_handed_over_come_back_at_who_handed_them_over() {
    let (mut store, mut web, id, given_up) = given_up_at_the_web_front();
    let lines = vec![Line { sku: sku("milk"), quantity: 2 }];
    let left = store.run(Command::Fulfil { location: None, order: id, lines, parcel: None, handover: None });
    store.hear("web", &given_up);
    web.hear("store-1", &left);
    let item = the_item(&web);
    assert_eq!(item.subject, Subject::SettledTwice { promise: id });
    assert_eq!((item.extent, &item.choices[..]), (2, &[Choice::Accept, Choice::TakeBack][..]));
    let refused = web.submit(decide(&item, Choice::TakeBack));
    assert!(matches!(refused, Err(Refusal::DecidedElsewhere { .. })), "{refused:?}");
    assert_eq!(kinds(store.submit(decide(&item, Choice::TakeBack)).unwrap()), ["resolution", "return"]);
    talk(&mut store, &mut web);
    for node in [&store, &web] {
        assert_eq!((node.stock("milk").on_hand(), super::decisions::open_items(node).len()), (5, 0));
    }
}

#[test]
fn goods_that_are_back_already_are_not_taken_back_again() {
    let (mut store, _, id, given_up) = given_up_at_the_web_front();
    let lines = vec![Line { sku: sku("milk"), quantity: 3 }];
    store.run(Command::Fulfil { location: None, order: id, lines, parcel: None, handover: None });
    store.hear("web", &given_up);
    store.run(back(id, 3, 0));
    let item = the_item(&store);
    assert_eq!((units(&item), &item.choices[..]), (0, &[Choice::Accept][..]));
}
