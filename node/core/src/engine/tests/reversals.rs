//! Uses of vouchers that are given back: by who took them, and by nobody else.

use super::promises::product;
use super::vouchers::{coupon, linked, promise_with_coupon, ten_percent, uses};
use super::*;
use crate::command::GiveUp;
use crate::event::{Body, Redemption, RedemptionReversal};
use crate::id::EventId;
use crate::voucher::LOCATION;

const DAY_MILLIS: i64 = 86_400_000;

fn reversal(order: EventId, uses: &[i64]) -> Body {
    let kind = crate::voucher::VoucherKind::Coupon;
    let code = crate::voucher::VoucherCode::new("SUMMER10").unwrap();
    let coupon = crate::voucher::sku_of(&name("fleet"), kind, &code).unwrap();
    let lines = uses.iter().map(|uses| Line { sku: coupon.clone(), quantity: *uses }).collect();
    Body::RedemptionReversal(RedemptionReversal { order, lines })
}

/// A till with a coupon of so many uses, each of which a promise has.
fn all_promised(till: &mut Node, promises: usize) -> Vec<EventId> {
    for command in [product("milk"), receive("milk", 9), ten_percent(), coupon(i64::try_from(promises).unwrap())] {
        till.run(command);
    }
    let orders = (0..promises).map(|_| promise_with_coupon(till, None)).collect();
    till.commit();
    orders
}

/// Envelopes, each with the scope that it travels in.
type Envelopes = Vec<(crate::document::Scope, Vec<u8>)>;

/// What a node says by the next commit, each batch with its scope.
fn said(node: &mut Node) -> Envelopes {
    let effects = node.engine.commit(node.now).unwrap().effects;
    let batch = |effect| if let Effect::Batch { scope, envelope } = effect { Some((scope, envelope)) } else { None };
    effects.into_iter().filter_map(batch).collect()
}

fn told(node: &mut Node, from: &str, batches: &[(crate::document::Scope, Vec<u8>)]) {
    for (scope, envelope) in batches {
        let payload = pack(std::slice::from_ref(envelope));
        let incoming = Incoming { scope: scope.clone(), kind: crate::sync::Kind::Changes, from: name(from), payload };
        assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
        node.engine.commit(node.now).unwrap();
    }
}

fn give_back(node: &mut Node, id: EventId, body: Body) {
    node.now = node.now.plus_millis(1);
    node.engine.record_by_itself(node.now, id, &name(LOCATION), body).unwrap();
}

#[test]
fn what_a_node_did_not_take_itself_for_the_order_does_not_come_back_by_it() {
    let [mut till, mut kiosk] = <[Node; 2]>::try_from(linked(&["till", "kiosk"])).map_err(|_| ()).unwrap();
    let orders = all_promised(&mut till, 2);
    give_back(&mut kiosk, RedemptionReversal::id_of(orders[0]), reversal(orders[0], &[1]));
    let nobodys = EventId::hash_of("test", &[b"an order that is not there"]);
    give_back(&mut kiosk, RedemptionReversal::id_of(nobodys), reversal(nobodys, &[1]));
    let by_kiosk = said(&mut kiosk);
    told(&mut till, "kiosk", &by_kiosk);
    assert_eq!(uses(&till), (0, 0));
    give_back(&mut till, EventId::hash_of("test", &[b"another id"]), reversal(orders[1], &[1]));
    give_back(&mut till, RedemptionReversal::id_of(orders[1]), reversal(orders[1], &[1, 1]));
    till.commit();
    assert_eq!(uses(&till), (0, 0), "no more comes back than was taken, and it comes back by one event");
    let till = till.restart(3);
    assert_eq!(uses(&till), (0, 0));
}

/// What a till says, day by day: its coupon and a promise that takes a use, and on the next day that it is given up.
fn two_days() -> (Node, Envelopes, Envelopes) {
    let mut till = Node::new("till", 1);
    let mut first = Vec::new();
    for command in [product("milk"), receive("milk", 9), ten_percent(), coupon(2)] {
        let _outcome = till.submit(Request::now(command)).unwrap();
        first.extend(said(&mut till));
    }
    let order = promise_with_coupon(&mut till, None);
    first.extend(said(&mut till));
    till.now = till.now.plus_millis(DAY_MILLIS);
    let _outcome = till.submit(Request::now(Command::Release(GiveUp::all_of(order)))).unwrap();
    let mut second = said(&mut till);
    let_time_pass_and_say(&mut till, &mut second);
    assert_eq!(uses(&till), (2, 2));
    (till, first, second)
}

fn let_time_pass_and_say(node: &mut Node, said_before: &mut Envelopes) {
    node.now = node.now.plus_millis(1_000);
    node.engine.tick(node.now, &mut node.rng, 0);
    said_before.extend(said(node));
}

#[test]
fn a_use_that_is_given_back_counts_whether_that_or_its_taking_is_heard_first() {
    let (till, first, second) = two_days();
    for days in [[&first, &second], [&second, &first]] {
        let mut other = Node::new("other", 2);
        other.now = till.now;
        days.into_iter().for_each(|day| told(&mut other, "till", day));
        days.into_iter().for_each(|day| told(&mut other, "till", day));
        assert_eq!(uses(&other), (2, 0));
        let rights = |node: &Node| node.engine.committed().stock.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
        assert_eq!(rights(&other), rights(&till));
        other.engine.write_behind(2).unwrap();
        let other = other.restart(5);
        assert_eq!(rights(&other), rights(&till), "rows that are ahead of the log are folded no further");
    }
}

#[test]
fn a_redemption_that_another_copy_displaces_takes_what_was_given_back_along() {
    let (till, first, second) = two_days();
    let mut other = Node::new("other", 2);
    other.now = till.now;
    told(&mut other, "till", &first);
    told(&mut other, "till", &second);
    let taken = other.engine.committed().events.iter().find_map(|(_, row)| {
        let (event, _) = other.engine.event(row.counted()?).unwrap()?;
        if let Body::Redemption(body) = event.body { Some((event.id, body)) } else { None }
    });
    let (id, body) = taken.unwrap();
    // Whichever content has the least hash counts; one of so many has.
    for uses in 3..40 {
        let lines = body.lines.iter().map(|line| Line { quantity: uses, ..line.clone() }).collect();
        give_back(&mut other, id, Body::Redemption(Redemption { order: body.order, lines }));
    }
    other.commit();
    let row = |node: &Node| {
        let view = node.engine.committed();
        let found = view.stock.iter().find(|((at, _), _)| *at == name(LOCATION)).map(|(_, row)| row.clone());
        found.unwrap()
    };
    let displaced = row(&other);
    assert!(displaced.on_hand() < 0, "somebody else's copy counts, of which nothing was given back: {displaced:?}");
    assert_eq!(displaced.entered, 2, "and the till's goes with what gave it back");
    let other = other.restart(5);
    assert_eq!(row(&other), displaced);
}
