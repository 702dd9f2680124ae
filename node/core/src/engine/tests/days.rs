use super::*;
use crate::command::{PromiseTerms, Reservation, TenderRequest, VoucherIssue};
use crate::day::{self, Doubt};
use crate::event::{Body, CashKind, DayClose, Event, MoneyTotals, ReturnLine};
use crate::id::EventId;
use crate::money::{Currency, Money};
use crate::time::BusinessDate;

const HOUR: i64 = 3_600 * 1_000;

fn money(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

pub(super) fn today(node: &Node) -> BusinessDate {
    Zone::UTC.business_date(node.now)
}

fn paid(amount: i64, kind: &str) -> Command {
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: None, amount: Some(money(amount)) };
    let tender = TenderRequest { kind: name(kind), amount: money(amount), reference: None };
    Command::Sell { location: None, lines: vec![line], tenders: vec![tender], customer: None }
}

fn close(date: BusinessDate) -> Command {
    Command::CloseDay { date, counted: None, next: None }
}

fn recorded(node: &mut Node, command: Command) -> (Event, crate::event::Origin) {
    let outcome = node.submit(Request::now(command)).unwrap();
    node.commit();
    let Outcome::Recorded { mut events, .. } = outcome else { panic!("no events: {outcome:?}") };
    events.remove(0)
}

fn closed(node: &mut Node, command: Command) -> DayClose {
    let (event, _) = recorded(node, command);
    let Body::DayClose(close) = event.body else { panic!("no close: {event:?}") };
    close
}

pub(super) fn report(node: &Node, date: BusinessDate) -> day::Report {
    let asked = day::Asked { location: &name("store"), date, node: None };
    day::read(&node.engine.view(), &node.engine.reader(), asked, node.engine.writer()).unwrap()
}

fn only_money(close: &DayClose) -> MoneyTotals {
    close.totals.as_ref().unwrap().money[0].clone()
}

#[test]
fn a_close_adds_up_the_day_and_what_comes_after_it_belongs_to_the_next() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    let (sold, _) = recorded(&mut node, paid(1_000, "cash"));
    recorded(&mut node, paid(250, "card"));
    let float = Command::MoveCash { kind: CashKind::Float, amount: money(5_000), reason: None };
    recorded(&mut node, float);
    recorded(&mut node, Command::MoveCash { kind: CashKind::PaidOut, amount: money(700), reason: None });
    let lines = vec![ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None }];
    let refund = vec![TenderRequest { kind: name("cash"), amount: money(400), reference: None }];
    recorded(&mut node, Command::TakeBack { location: None, order: Some(sold.id), authorisation: None, lines, refund });
    let close = closed(&mut node, Command::CloseDay { date, counted: Some(money(4_890)), next: None });
    assert!(!close.automatic);
    let totals = close.totals.as_ref().unwrap();
    assert_eq!((totals.sales, totals.returns, totals.refunds), (2, 1, 1));
    assert_eq!((totals.first_receipt, totals.last_receipt), (Some(1), Some(2)));
    let sums = only_money(&close);
    assert_eq!((sums.sold, sums.refunded), (1_250, 400));
    assert_eq!(sums.cash.expected(), 5_000 + 1_000 - 400 - 700);
    assert_eq!((close.events, close.counted), (6, Some(money(4_890))));
    let (_, after) = recorded(&mut node, paid(1, "cash"));
    assert_eq!(after.date, date.next());
}

#[test]
fn a_day_that_was_closed_stays_closed_after_a_restart() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(1_000, "cash"));
    let first = closed(&mut node, close(date));
    let mut node = node.restart(2);
    assert_eq!(node.engine.open_day(node.now).date, date.next());
    let again = node.submit(Request::now(close(date))).unwrap();
    let Outcome::Recorded { events, repeated } = again else { panic!("{again:?}") };
    assert!(repeated, "it was closed before");
    assert_eq!(events[0].0.body, Body::DayClose(first));
    node.commit();
    let (_, after) = recorded(&mut node, paid(1, "cash"));
    assert_eq!(after.date, date.next());
    assert_eq!(report(&node, date).totals.sales, 1);
}

#[test]
fn a_sale_of_the_same_commit_is_among_what_a_close_adds_up() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let _sold = node.submit(Request::now(paid(20, "cash"))).unwrap();
    let close = closed(&mut node, close(date));
    assert_eq!(only_money(&close).sold, 120);
}

#[test]
fn the_drawer_is_counted_in_money_that_the_day_had() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let counted = Some(Money { amount: 500, currency: Currency::new("JPY").unwrap() });
    let refused = node.submit(Request::now(Command::CloseDay { date, counted, next: None }));
    let Err(Refusal::Currency { field, value, expected }) = refused else { panic!("{refused:?}") };
    assert_eq!((&*field, &*value, &*expected), ("counted.currency", "JPY", "USD"));
    node.commit();
    assert_eq!(
        closed(&mut node, Command::CloseDay { date, counted: Some(money(99)), next: None }).counted,
        Some(money(99))
    );
}

#[test]
fn a_day_that_was_closed_is_not_counted_again() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let counting = |counted, next| Request::now(Command::CloseDay { date, counted, next });
    let first = closed(&mut node, Command::CloseDay { date, counted: Some(money(99)), next: None });
    for (counted, next) in [(Some(money(100)), None), (None, Some(date.next()))] {
        let refused = node.submit(counting(counted, next));
        let Err(Refusal::DayClosed { counted: Some(said), .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(Some(said), first.counted);
    }
    for counted in [Some(money(99)), None] {
        let again = node.submit(counting(counted, None));
        assert!(matches!(again, Ok(Outcome::Recorded { repeated: true, .. })), "{again:?}");
    }
    let refused = node.submit(Request::now(close(date.next()))).expect_err("it has not begun");
    assert!(refused.to_string().contains("is not open yet"), "{refused}");
}

#[test]
fn closes_are_a_chain() {
    let mut node = Node::new("till", 1);
    let first_day = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let (first, _) = recorded(&mut node, close(first_day));
    node.now = node.now.plus_millis(24 * HOUR);
    recorded(&mut node, paid(100, "cash"));
    let second = closed(&mut node, close(first_day.next()));
    let before = second.before.unwrap();
    assert_eq!((before.date, before.close), (first_day, first.id));
    assert_eq!(before.heads.len(), 1, "one writer, one head");
}

#[test]
fn a_day_that_nobody_closed_is_closed_with_its_totals_when_the_next_begins() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    node.now = node.now.plus_millis(24 * HOUR);
    recorded(&mut node, paid(7, "cash"));
    let ledgers = report(&node, date).ledgers;
    let close = &ledgers[0].close.as_ref().unwrap().close;
    assert!(close.automatic && close.counted.is_none());
    assert_eq!(only_money(close).sold, 100);
    let again = node.submit(Request::now(super::days::close(date)));
    assert!(matches!(again, Ok(Outcome::Recorded { repeated: true, .. })), "{again:?}");
}

#[test]
fn only_the_open_day_can_be_closed_and_none_that_has_not_begun() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let refused = node.submit(Request::now(close(date.next())));
    assert!(matches!(refused, Err(Refusal::DayNotOpen { .. })), "{refused:?}");
    closed(&mut node, close(date));
    let refused = node.submit(Request::now(close(date.next())));
    assert!(matches!(refused, Err(Refusal::DayNotOpen { .. })), "nothing was recorded on it: {refused:?}");
}

#[test]
fn a_repeated_close_under_its_key_gets_the_same_answer_and_another_request_is_refused() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let request = |body: &str, date| Request::now(close(date)).with_key("k", body.as_bytes());
    let first = node.submit(request("one", date)).unwrap();
    node.commit();
    let again = node.submit(request("one", date)).unwrap();
    let ids = |outcome| match outcome {
        Outcome::Recorded { events, .. } => events.into_iter().map(|(event, _)| event.id).collect::<Vec<EventId>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ids(first), ids(again));
    let other = node.submit(request("two", date.next()));
    assert!(matches!(other, Err(Refusal::KeyReused { .. })), "{other:?}");
}

#[test]
fn a_clock_that_jumps_a_month_ahead_opens_no_day_until_a_clerk_says_which_begins() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    recorded(&mut node, paid(100, "cash"));
    let true_time = node.now;
    node.now = node.now.plus_millis(30 * 24 * HOUR);
    let jumped = today(&node);
    for _ in 0..2 {
        let (_, origin) = recorded(&mut node, paid(1, "cash"));
        assert_eq!(origin.date, date);
    }
    let open = node.engine.open_day(node.now);
    assert_eq!((open.date, open.doubt), (date, Some(Doubt::Ahead(jumped))));
    let next = Command::CloseDay { date, counted: None, next: Some(jumped) };
    assert!(!closed(&mut node, next).automatic);
    assert_eq!(recorded(&mut node, paid(1, "cash")).1.date, jumped);
    node.now = true_time;
    let open = node.engine.open_day(node.now);
    assert_eq!((open.date, open.doubt), (jumped, Some(Doubt::Behind(date))));
}

#[test]
fn a_shop_that_was_shut_on_a_sunday_goes_on_by_itself() {
    let mut node = Node::new("till", 1);
    recorded(&mut node, paid(100, "cash"));
    node.now = node.now.plus_millis(36 * HOUR);
    let (_, origin) = recorded(&mut node, paid(1, "cash"));
    assert_eq!(origin.date, today(&node));
    assert_eq!(node.engine.open_day(node.now).doubt, None);
}

#[test]
fn a_clock_that_another_node_agrees_with_is_believed_after_a_long_rest() {
    let (mut one, mut two) = (Node::new("till-1", 1), Node::new("till-2", 2));
    recorded(&mut one, paid(100, "cash"));
    for node in [&mut one, &mut two] {
        node.now = node.now.plus_millis(30 * 24 * HOUR);
    }
    let elsewhere = two.run(paid(30, "cash"));
    assert_eq!(recorded(&mut one, paid(1, "cash")).1.date.days() + 30, today(&one).days());
    one.hear("till-2", &elsewhere);
    assert_eq!(recorded(&mut one, paid(1, "cash")).1.date, today(&one));
}

#[test]
fn what_another_till_sold_and_was_heard_after_the_close_counts_and_is_late() {
    let (mut one, mut two) = (Node::new("till-1", 1), Node::new("till-2", 2));
    let date = today(&one);
    recorded(&mut one, paid(100, "cash"));
    let in_time = two.run(paid(30, "cash"));
    one.hear("till-2", &in_time);
    let late = two.run(paid(5, "cash"));
    closed(&mut one, close(date));
    one.hear("till-2", &late);
    let report = report(&one, date);
    assert_eq!((report.totals.sales, report.totals.money[0].sold), (3, 135));
    assert_eq!((report.late_events, report.late.money[0].sold), (1, 5));
    let open: Vec<bool> = report.ledgers.iter().map(|ledger| ledger.close.is_none()).collect();
    assert_eq!(open.iter().filter(|open| **open).count(), 1, "the other till has not closed");
}

/// Promises milk for so much: confirmed at once, or for a minute.
fn promised(node: &mut Node, amount: i64, ttl_seconds: Option<u32>) -> EventId {
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: None, amount: Some(money(amount)) };
    let terms = PromiseTerms { ttl_seconds, until: None };
    let (lines, location) = (vec![line], None);
    recorded(node, Command::Reserve(Box::new(Reservation { location, lines, customer: None, terms }))).0.id
}

fn pay_back(order: EventId, amount: i64, kind: &str) -> Command {
    let refund = vec![TenderRequest { kind: name(kind), amount: money(amount), reference: None }];
    Command::PayBack { location: None, order, refund }
}

/// The two sides of a day's books.
#[track_caller]
fn balances(money: &MoneyTotals) {
    let paid: i64 = money.tenders.iter().map(|tender| tender.paid).sum();
    let refunded: i64 = money.tenders.iter().map(|tender| tender.refunded).sum();
    let of = |line: Option<i64>| line.unwrap_or_default();
    let came_in = money.sold + money.rounding + of(money.vouchers_sold) + of(money.promises_paid);
    assert_eq!(paid + of(money.untendered), came_in, "{money:?}");
    assert_eq!(refunded, money.refunded + of(money.promises_refunded), "{money:?}");
}

#[test]
fn what_tenders_took_and_gave_back_is_what_was_sold_promised_and_paid_back() {
    let mut node = Node::new("till", 1);
    node.engine.config.taxes.smallest_coin = Some(5);
    let date = today(&node);
    for command in [super::promises::product("milk"), receive("milk", 10)] {
        node.run(command);
    }
    let (by_card, _) = recorded(&mut node, paid(250, "card"));
    recorded(&mut node, paid(1_000, "cash"));
    let untendered = |mut command| {
        if let Command::Sell { tenders, .. } = &mut command {
            tenders.clear();
        }
        command
    };
    recorded(&mut node, untendered(paid(70, "cash")));
    let card = VoucherIssue { tenders: tenders_of(500), ..super::vouchers::gift_card(500) };
    node.run(super::vouchers::issue(card));
    let (web, kept, over) = (promised(&mut node, 300, None), promised(&mut node, 41, Some(60)), 13);
    promised(&mut node, over, Some(5));
    recorded(&mut node, Command::Confirm { promise: kept, lines: Vec::new() });
    recorded(
        &mut node,
        Command::Fulfil { location: None, order: web, lines: Vec::new(), parcel: None, handover: None },
    );
    recorded(&mut node, pay_back(web, 120, "card"));
    recorded(&mut node, pay_back(by_card.id, 100, "cash"));
    void(&mut node, by_card.id, 150);
    super::promises::let_time_pass(&mut node, 10);
    let sums = only_money(&closed(&mut node, close(date)));
    assert_eq!((sums.sold, sums.refunded), (1_320, 250));
    assert_eq!((sums.promises_paid, sums.promises_refunded), (Some(341), Some(120)), "what was over was never paid");
    assert_eq!(sums.untendered, Some(70 + 341));
    balances(&sums);
}

fn tenders_of(amount: i64) -> Vec<TenderRequest> {
    vec![TenderRequest { kind: name("cash"), amount: money(amount), reference: None }]
}

/// What voids a sale: its goods come back, and the rest of its money.
fn void(node: &mut Node, order: EventId, rest: i64) {
    let lines = vec![ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None }];
    let refund = tenders_of(rest);
    recorded(node, Command::TakeBack { location: None, order: Some(order), authorisation: None, lines, refund });
}

#[test]
fn goods_without_a_price_and_cash_that_is_rounded_leave_the_books_in_balance() {
    let mut node = Node::new("till", 1);
    node.engine.config.taxes.smallest_coin = Some(5);
    let date = today(&node);
    let mut unpriced = paid(500, "card");
    let mut rounded = paid(102, "cash");
    if let (Command::Sell { lines, .. }, Command::Sell { tenders, .. }) = (&mut unpriced, &mut rounded) {
        lines[0].amount = None;
        tenders[0].amount = money(100);
    }
    recorded(&mut node, unpriced);
    recorded(&mut node, rounded);
    let sums = only_money(&closed(&mut node, close(date)));
    assert_eq!((sums.sold, sums.rounding, sums.untendered), (102, -2, Some(-500)));
    balances(&sums);
}

#[test]
fn a_promise_that_is_confirmed_again_is_paid_for_once() {
    let mut node = Node::new("till", 1);
    let date = today(&node);
    for command in [super::promises::product("milk"), receive("milk", 10)] {
        node.run(command);
    }
    let id = promised(&mut node, 300, None);
    recorded(&mut node, Command::Confirm { promise: id, lines: Vec::new() });
    assert_eq!(report(&node, date).totals.money[0].promises_paid, Some(300));
}
