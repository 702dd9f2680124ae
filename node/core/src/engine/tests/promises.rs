use super::*;
use crate::command::{GiveUp, PromiseTerms, Reservation};
use crate::id::EventId;
use crate::order::{self, Status};
use crate::policy::{Rule, Terms};
use crate::sync::Kind;

pub(super) fn product(what: &str) -> Command {
    Command::PutProducts(vec![crate::catalog::Product::named(sku(what), what)])
}

pub(super) fn stocked(node: &str, seed: u64, quantity: i64) -> Node {
    let mut node = Node::new(node, seed);
    node.run(product("milk"));
    if quantity > 0 {
        node.run(receive("milk", quantity));
    }
    node
}

pub(super) fn reserve(quantity: i64, ttl_seconds: Option<u32>, until: Option<Timestamp>) -> Command {
    let line = LineRequest { sku: sku("milk"), quantity, unit_price: None, amount: None };
    let terms = PromiseTerms { ttl_seconds, until };
    Command::Reserve(Box::new(Reservation { location: None, lines: vec![line], customer: None, terms }))
}

pub(super) fn promised(node: &mut Node, quantity: i64, ttl_seconds: Option<u32>) -> EventId {
    let id = event_of(node.submit(Request::now(reserve(quantity, ttl_seconds, None))).unwrap()).id;
    node.commit();
    id
}

fn status(node: &Node, id: EventId) -> Status {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap().status()
}

/// Rights of this node, what is promised, and what may be sold over the counter.
pub(super) fn numbers(node: &Node) -> (i64, i64, i64) {
    let row = node.stock("milk");
    (row.rights_of(node.engine.writer().epoch), row.open(), row.floor())
}

pub(super) fn let_time_pass(node: &mut Node, seconds: i64) -> Vec<Vec<u8>> {
    for _ in 0..seconds {
        node.now = node.now.plus_millis(1_000);
        node.engine.tick(node.now, &mut node.rng, 0);
    }
    node.commit()
}

/// Carries everything that both say to each other until nothing is said any more.
pub(super) fn talk(one: &mut Node, other: &mut Node) {
    for _ in 0..10 {
        if !pass_on(one, other) & !pass_on(other, one) {
            return;
        }
    }
}

pub(super) fn pass_on(from: &mut Node, to: &mut Node) -> bool {
    let sender = from.engine.config().node.clone();
    let effects = from.engine.commit(from.now).unwrap().effects;
    for effect in &effects {
        let (scope, kind, payload) = match effect {
            Effect::Batch { scope, envelope } => (scope.clone(), Kind::Changes, pack(std::slice::from_ref(envelope))),
            Effect::Send { scope, kind, payload, .. } => (scope.clone(), *kind, payload.clone()),
        };
        let refused = to.engine.receive(to.now, &mut to.rng, &Incoming { scope, kind, from: sender.clone(), payload });
        assert_eq!(refused, []);
    }
    !effects.is_empty()
}

#[test]
fn a_promise_takes_rights_and_what_is_released_gives_them_back() {
    let mut node = stocked("till", 1, 5);
    assert_eq!(numbers(&node), (5, 0, 0));
    let id = promised(&mut node, 3, None);
    assert_eq!(numbers(&node), (2, 3, 0));
    let Err(Refusal::NotAvailable { missing, asking: false, .. }) = node.submit(Request::now(reserve(3, None, None)))
    else {
        panic!("more was promised than there is");
    };
    assert_eq!((missing[0].wanted, missing[0].available), (3, 2));
    node.run(Command::Release(GiveUp::all_of(id)));
    assert_eq!((numbers(&node), status(&node, id)), ((5, 0, 0), Status::Cancelled));
}

#[test]
fn a_sale_over_the_counter_takes_floor_stock_first_and_then_rights() {
    let mut node = Node::new("till", 1);
    node.engine.config.promises.otherwise = Terms { floor: 2, ..Terms::default() };
    node.run(receive("milk", 5));
    assert_eq!(numbers(&node), (3, 0, 2));
    node.run(sell("milk", 1));
    assert_eq!(numbers(&node), (3, 0, 1));
    node.run(sell("milk", 3));
    assert_eq!(numbers(&node), (1, 0, 0));
    node.run(sell("milk", 4));
    assert_eq!((numbers(&node), node.stock("milk").on_hand()), ((0, 0, 0), -3), "goods in a hand are never refused");
}

#[test]
fn losses_and_transfers_take_the_rights_that_went_with_the_goods() {
    let mut node = stocked("till", 1, 10);
    let lost = vec![Line { sku: sku("milk"), quantity: -3 }];
    node.run(Command::Adjust { location: None, lines: lost, reason: crate::event::AdjustmentReason::Damaged });
    let sent = vec![Line { sku: sku("milk"), quantity: 2 }];
    node.run(Command::Transfer { from: None, to: name("other"), lines: sent });
    assert_eq!((numbers(&node), node.stock("milk").on_hand()), ((5, 0, 0), 5));
}

#[test]
fn an_unconfirmed_promise_ends_when_its_time_is_over_and_a_confirmed_one_stays() {
    let mut node = stocked("till", 1, 5);
    let (left, kept) = (promised(&mut node, 2, Some(60)), promised(&mut node, 1, Some(60)));
    assert_eq!(status(&node, left), Status::Reserved);
    node.run(Command::Confirm { promise: kept, lines: Vec::new() });
    let_time_pass(&mut node, 59);
    assert_eq!(status(&node, left), Status::Reserved);
    let_time_pass(&mut node, 2);
    assert_eq!((status(&node, left), status(&node, kept)), (Status::Cancelled, Status::Placed));
    assert_eq!(numbers(&node), (4, 1, 0));
    let late = node.submit(Request::now(Command::Confirm { promise: left, lines: Vec::new() }));
    assert!(matches!(late, Err(Refusal::PromiseOver { status: Status::Cancelled, .. })), "{late:?}");
}

#[test]
fn a_clock_that_jumps_neither_ends_promises_nor_keeps_them() {
    let mut node = stocked("till", 1, 5);
    let id = promised(&mut node, 2, Some(3_600));
    node.now = node.now.plus_millis(365 * 24 * 3_600_000);
    let_time_pass(&mut node, 1);
    assert_eq!(status(&node, id), Status::Reserved, "a year ahead");
    node.now = node.now.plus_millis(-2 * 365 * 24 * 3_600_000);
    let_time_pass(&mut node, 3_700);
    assert_eq!(status(&node, id), Status::Cancelled, "and two back");
}

#[test]
fn promises_go_on_after_a_restart_for_the_time_that_was_left() {
    let mut node = stocked("till", 1, 5);
    let (kept, id) = (promised(&mut node, 1, None), promised(&mut node, 2, Some(60)));
    let_time_pass(&mut node, 40);
    let mut node = node.restart(2);
    let_time_pass(&mut node, 15);
    assert_eq!(status(&node, id), Status::Reserved);
    let_time_pass(&mut node, 10);
    assert_eq!((status(&node, id), status(&node, kept)), (Status::Cancelled, Status::Placed));
}

#[test]
fn confirming_a_part_gives_the_rest_up_and_confirming_again_changes_nothing() {
    let mut node = stocked("till", 1, 5);
    let id = promised(&mut node, 4, Some(60));
    let part = vec![Line { sku: sku("milk"), quantity: 3 }];
    node.run(Command::Confirm { promise: id, lines: part.clone() });
    assert_eq!((numbers(&node), status(&node, id)), ((2, 3, 0), Status::Placed));
    let again = node.submit(Request::now(Command::Confirm { promise: id, lines: part })).unwrap();
    assert!(matches!(again, Outcome::Recorded { repeated: true, .. }), "{again:?}");
    node.commit();
    assert_eq!(numbers(&node), (2, 3, 0));
}

#[test]
fn a_part_that_is_confirmed_is_positive() {
    let mut node = stocked("till", 1, 5);
    let id = promised(&mut node, 4, Some(60));
    for quantity in [i64::MIN, -1, 0] {
        let lines = vec![Line { sku: sku("milk"), quantity }];
        let refused = node.submit(Request::now(Command::Confirm { promise: id, lines }));
        assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{quantity}: {refused:?}");
    }
    assert_eq!(numbers(&node), (1, 4, 0));
}

#[test]
fn what_is_known_not_to_be_there_is_not_promised_before_its_rights_are_given_back() {
    let mut node = stocked("till", 1, 2);
    node.run(Command::Count { location: None, lines: vec![Line { sku: sku("milk"), quantity: 1 }] });
    assert_eq!(numbers(&node).0, 2);
    let refused = node.submit(Request::now(reserve(2, None, None)));
    assert!(matches!(refused, Err(Refusal::NotAvailable { .. })), "{refused:?}");
    promised(&mut node, 1, None);
}

#[test]
fn a_holder_that_gave_some_is_asked_again_at_once() {
    let (mut store, mut web) = store_and_web(5);
    store.engine.config.promises.rebalance = false;
    web.engine.config.promises.rebalance = false;
    let until = Some(web.now.plus_millis(500));
    for _ in 0..5 {
        let asked = web.submit(Request::now(reserve(1, None, until)));
        assert!(matches!(asked, Err(Refusal::NotAvailable { asking: true, .. })), "{asked:?}");
        talk(&mut web, &mut store);
        promised(&mut web, 1, None);
    }
    assert_eq!((web.stock("milk").open(), web.stock("milk").shortfall()), (5, 0));
}

#[test]
fn goods_that_another_node_may_promise_are_asked_for_before_they_go_elsewhere() {
    let (mut store, mut web) = store_and_web(5);
    let lines = vec![Line { sku: sku("milk"), quantity: 4 }];
    let transfer = Command::Transfer { from: None, to: name("depot"), lines };
    let until = Some(web.now.plus_millis(500));
    let asked = web.submit(Request { until, ..Request::now(transfer.clone()) });
    assert!(matches!(asked, Err(Refusal::NotAvailable { asking: true, .. })), "{asked:?}");
    talk(&mut web, &mut store);
    web.run(transfer);
    assert_eq!((web.stock("milk").on_hand(), web.stock("milk").all_rights()), (1, 1));
}

#[test]
fn policies_promise_beyond_rights_and_give_back_what_backed_the_rest_first() {
    let mut node = stocked("till", 1, 2);
    let terms = Terms { policy: crate::event::PromisePolicy::Buffered, buffer: 3, ..Terms::default() };
    node.engine.config.promises.rules = vec![Rule { sku: Some(sku("milk")), terms, ..Rule::default() }];
    let id = promised(&mut node, 4, None);
    assert_eq!((numbers(&node), node.stock("milk").shortfall()), ((0, 4, 0), 2));
    let more = node.submit(Request::now(reserve(2, None, None)));
    assert!(matches!(more, Err(Refusal::NotAvailable { .. })), "{more:?}");
    let part = vec![Line { sku: sku("milk"), quantity: 3 }];
    node.run(Command::Release(GiveUp { lines: part, ..GiveUp::all_of(id) }));
    assert_eq!(numbers(&node), (1, 1, 0), "what was promised beyond rights goes first");
}

/// A store with milk, and a web front that has heard of it.
pub(super) fn store_and_web(quantity: i64) -> (Node, Node) {
    let (mut store, mut web) = (stocked("store-1", 1, quantity), stocked("web", 2, 0));
    store.engine.link_up(store.now);
    web.engine.link_up(web.now);
    talk(&mut store, &mut web);
    // By repair.
    for _ in 0..100 {
        for node in [&mut store, &mut web] {
            node.now = node.now.plus_millis(100);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(&mut store, &mut web);
    }
    assert_eq!(web.stock("milk").on_hand(), quantity);
    (store, web)
}

#[test]
fn rights_of_a_peer_are_asked_for_and_are_never_in_two_hands() {
    let (mut store, mut web) = store_and_web(5);
    let until = Some(web.now.plus_millis(500));
    let first = web.submit(Request::now(reserve(2, None, until)));
    assert!(matches!(first, Err(Refusal::NotAvailable { asking: true, .. })), "{first:?}");
    talk(&mut web, &mut store);
    assert!(web.engine.take_news());
    let granted = web.stock("milk").rights_of(web.engine.writer().epoch);
    assert!(granted >= 2, "{granted}");
    assert_eq!(web.stock("milk").all_rights(), 5);
    promised(&mut web, 2, None);
    let rest = store.stock("milk").rights_of(store.engine.writer().epoch);
    let _outcome = store.submit(Request::now(reserve(rest, None, None))).unwrap();
    let beyond = store.submit(Request::now(reserve(1, None, None)));
    assert!(matches!(beyond, Err(Refusal::NotAvailable { .. })), "{beyond:?}");
}

#[test]
fn a_holder_gives_back_rights_that_nothing_stands_behind() {
    let (mut holder, mut till) = (stocked("store-1", 1, 0), stocked("till", 2, 0));
    let goods = holder.run(receive("milk", 5));
    till.hear("store-1", &goods);
    let sold = till.run(sell("milk", 2));
    holder.hear("till", &sold);
    assert_eq!((holder.stock("milk").on_hand(), holder.stock("milk").excess()), (3, 2));
    let_time_pass(&mut holder, 5);
    assert_eq!((numbers(&holder), holder.stock("milk").excess()), ((3, 0, 0), 0));
}

#[test]
fn only_the_keeper_makes_rights_of_what_a_count_leaves_over() {
    for keeper in [false, true] {
        let mut node = Node::new("till", 1);
        node.engine.config.keeper = keeper;
        node.run(count("milk", 7));
        let_time_pass(&mut node, 5);
        assert_eq!(numbers(&node), if keeper { (7, 0, 0) } else { (0, 0, 7) });
    }
}

#[test]
fn a_promise_is_confirmed_and_given_up_by_its_owner_alone() {
    let mut owner = stocked("store-1", 1, 0);
    let goods = owner.run(receive("milk", 5));
    let id = event_of(owner.submit(Request::now(reserve(1, Some(60), None))).unwrap()).id;
    let promise = owner.commit();
    let mut other = stocked("till", 2, 0);
    other.hear("store-1", &goods);
    other.hear("store-1", &promise);
    for command in [Command::Confirm { promise: id, lines: Vec::new() }, Command::Release(GiveUp::all_of(id))] {
        let refused = other.submit(Request::now(command));
        assert!(matches!(refused, Err(Refusal::NotOwner { .. })), "{refused:?}");
    }
    let handed_over =
        other.run(Command::Fulfil { location: None, order: id, lines: Vec::new(), parcel: None, handover: None });
    owner.hear("till", &handed_over);
    assert_eq!((owner.stock("milk").on_hand(), status(&owner, id)), (4, Status::Completed));
}

#[test]
fn a_promise_needs_a_product_that_the_catalogue_knows() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 5));
    let refused = node.submit(Request::now(reserve(1, None, None)));
    assert!(matches!(refused, Err(Refusal::UnknownSku { .. })), "{refused:?}");
}
