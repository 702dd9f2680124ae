use super::*;
use crate::catalog::Product;
use crate::command::TenderRequest;
use crate::event::{Body, Sale};
use crate::money::{Currency, Money};
use crate::order;
use crate::tax::{Rate, Taxes};

fn taxed(inclusive: bool, rate: u32) -> Node {
    let mut node = Node::new("till", 1);
    let from = "2020-01-01".parse().unwrap();
    let rates = vec![Rate { class: name("standard"), rate, from }];
    node.engine.config.taxes = Taxes { inclusive, rates, smallest_coin: None };
    node.run(Command::PutProducts(vec![product("book")]));
    node
}

fn product(what: &str) -> Product {
    Product {
        sku: sku(what),
        name: what.to_owned(),
        price: None,
        gtin: None,
        department: Some("Books".to_owned()),
        category: None,
        unit: None,
        tax_class: Some(name("standard")),
        references: std::collections::BTreeMap::new(),
    }
}

fn sale(node: &mut Node, code: &str, amount: i64, paid: i64) -> (crate::id::EventId, Sale) {
    let money = |amount| Money { amount, currency: Currency::new(code).unwrap() };
    let line = LineRequest { sku: sku("book"), quantity: 1, unit_price: None, amount: Some(money(amount)) };
    let tender = TenderRequest { kind: name("cash"), amount: money(paid), reference: None };
    let command = Command::Sell { location: None, lines: vec![line], tenders: vec![tender], customer: None };
    let outcome = node.submit(Request::now(command)).unwrap();
    node.commit();
    let Outcome::Recorded { mut events, .. } = outcome else { panic!("{outcome:?}") };
    let (event, _) = events.remove(0);
    let Body::Sale(sale) = event.body else { panic!("no sale: {event:?}") };
    (event.id, sale)
}

fn tax_of(sale: &Sale) -> (i64, i64) {
    let parts = &sale.tax.as_ref().unwrap().parts;
    (parts[0].taxable, parts[0].tax)
}

#[test]
fn currencies_without_decimals_and_with_three_are_taxed_in_their_own_minor_units() {
    let mut beside = taxed(false, 100_000);
    let (_, yen) = sale(&mut beside, "JPY", 1_005, 1_106);
    assert_eq!((tax_of(&yen), yen.total()), ((1_005, 101), 1_106), "100.5 yen of tax are 101");
    let mut within = taxed(true, 50_000);
    let (_, dinar) = sale(&mut within, "KWD", 1_234, 1_234);
    assert_eq!((tax_of(&dinar), dinar.total()), ((1_175, 59), 1_234), "58.76 fils of tax are 59");
}

#[test]
fn what_a_sale_was_taxed_with_stays_whatever_the_settings_say_later() {
    let mut node = taxed(false, 200_000);
    let (id, _) = sale(&mut node, "USD", 1_000, 1_200);
    node.engine.config.taxes = Taxes::default();
    let mut node = node.restart(2);
    let order = order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap();
    assert_eq!((order.subtotal(), order.total()), (1_000, 1_200));
    let (_, untaxed) = sale(&mut node, "USD", 1_000, 1_000);
    assert_eq!((untaxed.tax, untaxed.rounding), (None, None));
}

#[test]
fn an_added_tax_can_be_paid_back_as_far_as_it_was_paid() {
    let mut node = taxed(false, 200_000);
    let (id, _) = sale(&mut node, "USD", 1_000, 1_200);
    let lines = vec![crate::event::ReturnLine { sku: sku("book"), quantity: 1, restock: true, undecided: None }];
    let money = Money { amount: 1_200, currency: Currency::new("USD").unwrap() };
    let refund = vec![TenderRequest { kind: name("cash"), amount: money, reference: None }];
    let outcome = node.submit(Request::now(Command::TakeBack {
        location: None,
        order: Some(id),
        authorisation: None,
        lines,
        refund,
    }));
    let Ok(Outcome::Recorded { events, .. }) = outcome else { panic!("{outcome:?}") };
    let Body::Refund(refund) = &events[1].0.body else { panic!("{events:?}") };
    let part = &refund.taxes.as_ref().unwrap()[0];
    assert_eq!((part.taxable, part.tax), (1_000, 200));
}

#[test]
fn what_is_paid_back_of_a_promise_takes_nothing_off_what_a_day_sold() {
    let mut node = taxed(true, 200_000);
    node.run(receive("book", 2));
    let (_, sold) = sale(&mut node, "USD", 1_200, 1_200);
    let money = Money { amount: 600, currency: Currency::new("USD").unwrap() };
    let lines = vec![LineRequest { sku: sku("book"), quantity: 1, unit_price: None, amount: Some(money) }];
    let terms = crate::command::PromiseTerms { ttl_seconds: None, until: None };
    let promise = crate::command::Reservation { location: None, lines, customer: None, terms };
    let order = event_of(node.submit(Request::now(Command::Reserve(Box::new(promise)))).unwrap()).id;
    let refund = vec![TenderRequest { kind: name("cash"), amount: money, reference: None }];
    node.run(Command::PayBack { location: None, order, refund });
    let date = node.engine.open_day(node.now).date;
    let close = event_of(node.submit(Request::now(Command::CloseDay { date, counted: None, next: None })).unwrap());
    let Body::DayClose(crate::event::DayClose { totals: Some(totals), .. }) = close.body else { panic!("{close:?}") };
    let sums = &totals.money[0];
    assert_eq!((sums.sold, sums.refunded, sums.promises_refunded), (1_200, 0, Some(600)));
    assert_eq!((&sums.taxes, sums.cash.expected()), (&sold.tax.unwrap().parts, 600));
}
