//! What is at stake with a node that may not come back.

use super::promises::{product, talk};
use super::refunds::{money, order_of, pay_back};
use super::vouchers::{coupon, gift_card, issue, linked};
use super::*;
use crate::command::{PromiseTerms, Reservation};
use crate::engine::{Exposure, Repayable, VouchersHeld};
use crate::money::Currency;
use crate::voucher::LOCATION;

/// What is at stake with a node, as another one knows it.
fn exposure(at: &Node, of: &str) -> Exposure {
    let authored = authored_by(&at.engine.view(), &at.engine.reader(), &name(of)).unwrap();
    authored.into_iter().next().unwrap().exposure
}

fn repayable(orders: u64, amount: i64) -> Repayable {
    Repayable { orders, money: [(Currency::new("USD").unwrap(), amount)].into() }
}

fn pair() -> (Node, Node) {
    let [till, other] = <[Node; 2]>::try_from(linked(&["till", "other"])).map_err(|_| ()).unwrap();
    (till, other)
}

#[test]
fn cards_are_at_stake_as_money_coupons_as_uses_and_neither_as_goods() {
    let mut till = Node::new("till", 1);
    till.run(issue(gift_card(5_000)));
    till.run(coupon(3));
    let of = exposure(&till, "till");
    let expected =
        VouchersHeld { cards: 1, money: [(Currency::new("USD").unwrap(), 5_000)].into(), coupons: 1, uses: 3 };
    assert_eq!((of.vouchers, of.rights), ([(name(LOCATION), expected)].into(), [].into()));
}

#[test]
fn what_a_node_may_pay_back_is_at_stake_by_order_and_less_what_it_paid_back_and_gave_away() {
    let (mut till, mut other) = pair();
    let first = order_of(&mut till);
    let _second = order_of(&mut till);
    talk(&mut till, &mut other);
    assert_eq!(exposure(&other, "till").refunds, [(name("store"), repayable(2, 400))].into());
    let _paid = till.submit(pay_back(first, 30, None)).unwrap();
    talk(&mut till, &mut other);
    let until = Some(other.now.plus_millis(500));
    let asking = other.submit(pay_back(first, 60, until));
    assert!(asking.as_ref().is_err_and(Refusal::is_asking), "{asking:?}");
    talk(&mut other, &mut till);
    let _paid = other.submit(pay_back(first, 20, until)).unwrap();
    talk(&mut other, &mut till);
    assert_eq!(exposure(&other, "till").refunds, [(name("store"), repayable(2, 310))].into());
    assert_eq!(exposure(&till, "other").refunds, [(name("store"), repayable(1, 40))].into());
    let _paid = till.submit(pay_back(first, 110, None)).unwrap();
    till.commit();
    assert_eq!(exposure(&till, "till").refunds, [(name("store"), repayable(1, 200))].into());
}

#[test]
fn a_reservation_that_nobody_confirmed_was_not_paid_and_puts_no_refund_at_stake() {
    let mut till = Node::new("till", 1);
    till.run(product("milk"));
    till.run(receive("milk", 5));
    let line = LineRequest { sku: sku("milk"), quantity: 2, unit_price: None, amount: Some(money(200)) };
    let terms = PromiseTerms { ttl_seconds: Some(60), until: None };
    let reservation = Reservation { location: None, lines: vec![line], customer: None, terms };
    let id = event_of(till.submit(Request::now(Command::Reserve(Box::new(reservation)))).unwrap()).id;
    till.commit();
    assert_eq!(exposure(&till, "till").refunds, [].into());
    till.run(Command::Confirm { promise: id, lines: Vec::new() });
    assert_eq!(exposure(&till, "till").refunds, [(name("store"), repayable(1, 200))].into());
}
