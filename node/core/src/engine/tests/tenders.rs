//! What is given for a sale, and what of it may be paid back.

use super::*;
use crate::command::{PromiseTerms, Reservation, TenderRequest, VoucherIssue};
use crate::event::{Body, ReturnLine};
use crate::id::{EventId, Reference};
use crate::money::{Currency, Money};
use crate::order::{self, Order};
use crate::tax::Taxes;
use crate::voucher::{GIFT_CARD, VoucherCode, VoucherKind};

const CODE: &str = "K7QM-9X20-1ABC-DEFG-HJKM";

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

fn tender(kind: &str, amount: i64) -> TenderRequest {
    let reference = if kind == GIFT_CARD { Reference::new(CODE).ok() } else { None };
    TenderRequest { kind: name(kind), amount: usd(amount), reference }
}

fn sale_of(price: Option<i64>, tenders: &[(&str, i64)]) -> Command {
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: None, amount: price.map(usd) };
    let tenders = tenders.iter().map(|(kind, amount)| tender(kind, *amount)).collect();
    Command::Sell { location: None, lines: vec![line], tenders, customer: None }
}

fn pay_back(order: EventId, kind: &str, amount: i64) -> Command {
    Command::PayBack { location: None, order, refund: vec![tender(kind, amount)] }
}

/// A till with a gift card of 100.00.
fn till() -> Node {
    let mut node = Node::new("till", 1);
    let code = VoucherCode::new(CODE).ok();
    let kind = VoucherKind::GiftCard(Currency::new("USD").unwrap());
    let card = VoucherIssue { kind, code, quantity: 10_000, valid_until: None, promotion: None, tenders: Vec::new() };
    node.run(Command::IssueVoucher(Box::new(card)));
    node
}

fn sold(node: &mut Node, command: Command) -> Order {
    let id = event_of(node.submit(Request::now(command)).unwrap()).id;
    node.commit();
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

#[track_caller]
fn refused(node: &mut Node, command: Command) -> (String, String) {
    match node.submit(Request::now(command)) {
        Err(Refusal::Invalid { field, rule, .. }) => (field, rule),
        other => panic!("it is to be refused: {other:?}"),
    }
}

#[test]
fn no_more_is_given_for_a_sale_than_is_to_be_paid_and_change_is_cash_above_it() {
    let mut node = till();
    for (tenders, field, rule) in [
        (&[("cash", -100_000)][..], "tenders", "no more cash is given back"),
        (&[(GIFT_CARD, 10_000), ("cash", -9_900)], "tenders", "no more cash is given back"),
        (&[(GIFT_CARD, 10_000), ("cash", 9_900), ("cash", -9_900)], "tenders", "gift cards give no change"),
        (&[("cash", 200), ("card", -98)], "tenders[1].amount.amount", "change is given back in cash"),
        (&[("cash", 1_000)], "tenders", "add the change as a cash tender of -898"),
        (&[("card", 103)], "tenders", "only cash gives change"),
        (&[("card", 110), ("cash", 5)], "tenders", "only cash gives change"),
        (&[("cash", 100), ("cash", -10)], "tenders", "only what is given above that"),
    ] {
        let (at, said) = refused(&mut node, sale_of(Some(102), tenders));
        assert!(at == field && said.contains(rule), "{tenders:?}: {at}: {said}");
    }
    for (tenders, paid) in [
        (&[("cash", 1_000), ("cash", -898)][..], 102),
        (&[("card", 100), ("cash", 10), ("cash", -8)], 102),
        (&[("card", 50)], 50),
        (&[], 102),
    ] {
        assert_eq!(sold(&mut node, sale_of(Some(102), tenders)).paid(), paid, "{tenders:?}");
    }
}

#[test]
fn what_was_given_for_goods_without_a_price_may_be_paid_back() {
    let mut node = till();
    let order = sold(&mut node, sale_of(None, &[("card", 500)]));
    assert_eq!((order.total(), order.paid()), (0, 500));
    node.run(pay_back(order.id, "card", 500));
    assert_eq!(refused(&mut node, pay_back(order.id, "card", 1)).0, "refund");
}

#[test]
fn cash_is_spelt_in_one_way() {
    let mut node = till();
    for kind in ["Cash", "CASH", "c-ash"] {
        let (field, rule) = refused(&mut node, sale_of(Some(102), &[(kind, 102)]));
        assert!(field == "tenders[0].kind" && rule.contains("it is spelt cash"), "{field}: {rule}");
    }
}

#[test]
fn a_gift_card_is_paid_for_with_cash_that_was_given() {
    let mut node = till();
    let issue = |tenders| {
        let (kind, code) = (VoucherKind::GiftCard(Currency::new("USD").unwrap()), VoucherCode::new(CODE).ok());
        let issue = VoucherIssue { kind, code, quantity: 500, valid_until: None, promotion: None, tenders };
        Command::IssueVoucher(Box::new(issue))
    };
    let (field, _) = refused(&mut node, issue(vec![tender("card", 1_500), tender("cash", -1_000)]));
    assert_eq!(field, "tenders");
    node.run(issue(vec![tender("cash", 1_000), tender("cash", -500)]));
}

#[test]
fn cash_is_paid_back_as_it_was_rounded_and_nothing_of_it_is_left() {
    let mut node = till();
    node.engine.config.taxes = Taxes { smallest_coin: Some(5), ..Taxes::default() };
    let order = sold(&mut node, sale_of(Some(102), &[("cash", 100)]));
    assert_eq!((order.rounding(), order.paid()), (Some(-2), 100));
    assert_eq!(refused(&mut node, sale_of(Some(102), &[("cash", 102)])).0, "tenders");
    let (_, rule) = refused(&mut node, pay_back(order.id, "cash", 102));
    assert!(rule.contains("smallest coin"), "{rule}");
    assert_eq!(refused(&mut node, pay_back(order.id, "card", 101)).0, "refund");
    node.run(pay_back(order.id, "cash", 100));
    let (_, rule) = refused(&mut node, pay_back(order.id, "card", 1));
    assert!(rule.contains("has 0 minor units left"), "{rule}");
    let up = sold(&mut node, sale_of(Some(103), &[("cash", 105)]));
    node.run(pay_back(up.id, "cash", 105));
}

#[test]
fn what_was_only_reserved_is_not_paid_back_before_it_was_confirmed() {
    let mut node = till();
    for command in [super::promises::product("milk"), receive("milk", 2)] {
        node.run(command);
    }
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: None, amount: Some(usd(102)) };
    let terms = PromiseTerms { ttl_seconds: Some(600), until: None };
    let reserve = Command::Reserve(Box::new(Reservation { location: None, lines: vec![line], terms, customer: None }));
    let order = sold(&mut node, reserve).id;
    let (field, rule) = refused(&mut node, pay_back(order, "cash", 102));
    assert!(field == "order" && rule.contains("is confirmed first"), "{field}: {rule}");
    node.run(Command::Confirm { promise: order, lines: Vec::new() });
    let (field, rule) = refused(&mut node, pay_back(order, GIFT_CARD, 102));
    assert!(field == "refund[0].kind" && rule.contains("no payment"), "{field}: {rule}");
    node.run(pay_back(order, "cash", 102));
}

#[test]
fn a_gift_card_gets_nothing_back_of_what_no_payment_was_recorded_for() {
    let mut node = till();
    let order = sold(&mut node, sale_of(Some(102), &[])).id;
    assert_eq!(refused(&mut node, pay_back(order, GIFT_CARD, 102)).0, "refund[0].kind");
    node.run(pay_back(order, "cash", 102));
}

#[test]
fn cash_is_taken_and_paid_back_at_the_location_whose_drawer_it_is_in() {
    let mut node = till();
    let elsewhere = |command| match command {
        Command::Sell { lines, tenders, customer, .. } => {
            Command::Sell { location: Some(name("depot")), lines, tenders, customer }
        }
        Command::PayBack { order, refund, .. } => Command::PayBack { location: Some(name("depot")), order, refund },
        other => other,
    };
    let (field, rule) = refused(&mut node, elsewhere(sale_of(Some(102), &[("card", 2), ("cash", 100)])));
    assert!(field == "tenders[1].kind" && rule.contains("own location, store"), "{field}: {rule}");
    let order = sold(&mut node, elsewhere(sale_of(Some(102), &[("card", 102)]))).id;
    assert_eq!(refused(&mut node, elsewhere(pay_back(order, "cash", 102))).0, "refund[0].kind");
    let lines = vec![ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None }];
    let (location, refund) = (Some(name("depot")), vec![tender("cash", 102)]);
    let back = Command::TakeBack { location, order: Some(order), authorisation: None, lines, refund };
    assert_eq!(refused(&mut node, back).0, "refund[0].kind");
    node.run(pay_back(order, "cash", 102));
}

#[test]
fn more_paid_back_than_was_paid_is_a_work_item_though_the_goods_cost_more() {
    let mut nodes = super::vouchers::linked(&["till", "other"]);
    let [till, other] = &mut nodes[..] else { panic!("two nodes") };
    let order = event_of(till.submit(Request::now(sale_of(Some(1_200), &[("card", 100)]))).unwrap()).id;
    super::promises::talk(till, other);
    other.engine.refunds_apart = true;
    for node in [&mut *till, &mut *other] {
        let _paid = node.submit(Request::now(pay_back(order, "card", 100))).unwrap();
    }
    super::promises::talk(till, other);
    let item = crate::work::Subject::OverRefunded { order };
    assert!(till.engine.committed().work.get(&item).is_some());
}

#[test]
fn what_a_channel_states_as_the_total_may_be_paid_back() {
    let mut node = till();
    for command in [super::promises::product("milk"), receive("milk", 2)] {
        node.run(command);
    }
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: None, amount: Some(usd(3_915)) };
    let terms = PromiseTerms { ttl_seconds: None, until: None };
    let reserve = Command::Reserve(Box::new(Reservation { location: None, lines: vec![line], terms, customer: None }));
    let mut order = sold(&mut node, reserve);
    let Body::Promise(promise) = &mut order.made.body else { panic!("a promise") };
    promise.stated = Some(crate::event::StatedTotals { total: Some(4_830), ..Default::default() });
    assert_eq!((order.total(), order.paid()), (3_915, 4_830));
}
