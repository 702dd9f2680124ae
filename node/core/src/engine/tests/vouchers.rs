use proptest::prelude::*;

use super::promises::{pass_on, talk};
use super::*;
use crate::cart::CartRow;
use crate::command::{TenderRequest, VoucherIssue};
use crate::event::{Body, PriceAdjustment};
use crate::id::{EventId, Reference};
use crate::money::{Currency, Money};
use crate::policy::Terms;
use crate::voucher::{self, GIFT_CARD, LOCATION, Voucher, VoucherCode, VoucherKind};

const CODE: &str = "K7QM-9X20-1ABC-DEFG-HJKM";

fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap()
}

fn usd(amount: i64) -> Money {
    Money { amount, currency: currency("USD") }
}

fn code(text: &str) -> VoucherCode {
    VoucherCode::new(text).unwrap()
}

pub(super) fn gift_card(amount: i64) -> VoucherIssue {
    let (kind, code) = (VoucherKind::GiftCard(currency("USD")), Some(code(CODE)));
    VoucherIssue { kind, code, quantity: amount, valid_until: None, promotion: None, tenders: Vec::new() }
}

pub(super) fn issue(voucher: VoucherIssue) -> Command {
    Command::IssueVoucher(Box::new(voucher))
}

fn pay(text: &str, amount: Money, until: Option<Timestamp>) -> Request {
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: None, amount: Some(amount) };
    let tender = TenderRequest { kind: name(GIFT_CARD), amount, reference: Reference::new(text).ok() };
    let command = Command::Sell { location: None, lines: vec![line], tenders: vec![tender], customer: None };
    Request { until, ..Request::now(command) }
}

fn voucher(node: &Node) -> Option<Voucher> {
    voucher::read(&node.engine.committed(), &name(LOCATION), &name("fleet"), &code(CODE)).pop()
}

fn place() -> (Name, Sku) {
    let kind = VoucherKind::GiftCard(currency("USD"));
    (name(LOCATION), voucher::sku_of(&name("fleet"), kind, &code(CODE)).unwrap())
}

fn balance(node: &Node) -> i64 {
    voucher(node).map_or(0, |voucher| voucher.balance)
}

fn rights(node: &Node) -> i64 {
    voucher(node).and_then(|it| it.rights.get(&node.engine.writer().epoch).copied()).unwrap_or_default()
}

/// Nodes that know each other.
pub(super) fn linked(names: &[&str]) -> Vec<Node> {
    let mut nodes: Vec<Node> = (1..).zip(names).map(|(seed, node)| Node::new(node, seed)).collect();
    nodes.iter_mut().for_each(|node| node.engine.link_up(node.now));
    for one in 0..nodes.len() {
        for other in one + 1..nodes.len() {
            let (left, right) = nodes.split_at_mut(other);
            talk(&mut left[one], &mut right[0]);
        }
    }
    nodes
}

#[test]
fn a_gift_card_pays_up_to_its_balance_and_its_code_is_never_written() {
    let mut node = Node::new("till", 1);
    node.run(issue(gift_card(5_000)));
    assert_eq!((balance(&node), rights(&node)), (5_000, 5_000));
    let Outcome::Recorded { events, .. } = node.submit(pay("k7qm9x2o1abcdefghjkm", usd(1_200), None)).unwrap() else {
        panic!("a sale is an event");
    };
    let [(sale, _), (redemption, at)] = &events[..] else { panic!("the sale and what paid it: {events:?}") };
    let Body::Sale(sold) = &sale.body else { panic!("{sale:?}") };
    assert_eq!(sold.tenders[0].reference.as_ref().unwrap().as_str(), "****HJKM");
    assert!(
        matches!(&redemption.body, Body::Redemption(body) if body.order == sale.id && body.lines[0].quantity == 1_200)
    );
    assert_eq!(at.location, name(LOCATION));
    assert!(!format!("{events:?}").to_lowercase().contains("1abc"), "{events:?}");
    node.commit();
    assert_eq!((balance(&node), rights(&node), node.stock("milk").on_hand()), (3_800, 3_800, -1));
    let node = node.restart(2);
    assert_eq!((balance(&node), rights(&node)), (3_800, 3_800));
}

#[test]
fn what_is_not_there_is_not_spent_and_nothing_is_sold_then() {
    let mut node = Node::new("till", 1);
    let ended = VoucherIssue { valid_until: Some(node.now.plus_millis(60_000)), ..gift_card(5_000) };
    node.run(issue(ended));
    let refused = |node: &mut Node, request| node.submit(request).expect_err("it must not be spent");
    let spent = refused(&mut node, pay(CODE, usd(5_001), None));
    assert!(matches!(spent, Refusal::VoucherSpent { wanted: 5_001, balance: 5_000, .. }), "{spent}");
    let euro = Money { currency: currency("EUR"), ..usd(100) };
    let other = refused(&mut node, pay(CODE, euro, None));
    assert!(matches!(&other, Refusal::Currency { expected, .. } if expected == "USD"), "{other}");
    let unknown = refused(&mut node, pay("1111-2222-3333-4444", usd(1), None));
    assert!(matches!(unknown, Refusal::VoucherUnknown { mistyped: false, .. }), "{unknown}");
    assert!(!unknown.to_string().contains("1111") && unknown.to_string().contains("****4444"), "{unknown}");
    let mistyped = refused(&mut node, pay("K7QM-9X20-1ABC-DEFG-HJKN", usd(1), None));
    assert!(matches!(mistyped, Refusal::VoucherUnknown { mistyped: true, .. }), "{mistyped}");
    let nothing = refused(&mut node, pay(CODE, usd(0), None));
    assert!(matches!(&nothing, Refusal::Invalid { field, .. } if field.starts_with("tenders[0].")), "{nothing}");
    node.now = node.now.plus_millis(60_000);
    let late = refused(&mut node, pay(CODE, usd(1), None));
    assert!(matches!(late, Refusal::VoucherExpired { .. }), "{late}");
    let set_back = Request { occurred_at: Some(NOON), ..pay(CODE, usd(1), None) };
    let late = refused(&mut node, set_back);
    assert!(matches!(late, Refusal::VoucherExpired { .. }), "{late}");
    assert_eq!(node.commit(), Vec::<Vec<u8>>::new());
    assert_eq!((balance(&node), node.stock("milk").left), (5_000, 0));
}

#[test]
fn two_tenders_of_one_card_may_not_spend_more_than_it_has() {
    let mut node = Node::new("till", 1);
    node.run(issue(gift_card(1_000)));
    let mut request = pay(CODE, usd(600), None);
    if let Command::Sell { lines, tenders, .. } = &mut request.command {
        lines.push(lines[0].clone());
        tenders.push(tenders[0].clone());
    }
    let spent = node.submit(request.clone());
    assert!(matches!(spent, Err(Refusal::VoucherSpent { wanted: 1_200, balance: 1_000, .. })), "{spent:?}");
    node.run(issue(gift_card(200)));
    let _outcome = node.submit(request).unwrap();
    node.commit();
    assert_eq!(balance(&node), 0, "issuing a code again adds to it");
}

fn refund(order: EventId, amount: i64) -> Command {
    let tender = TenderRequest { kind: name(GIFT_CARD), amount: usd(amount), reference: Reference::new(CODE).ok() };
    Command::PayBack { location: None, order, refund: vec![tender] }
}

#[test]
fn what_is_paid_back_onto_a_card_is_on_it_and_no_more_than_was_paid() {
    let mut node = Node::new("till", 1);
    node.run(issue(gift_card(1_000)));
    let order = event_of(node.submit(pay(CODE, usd(600), None)).unwrap()).id;
    node.commit();
    assert_eq!(balance(&node), 400);
    node.run(refund(order, 250));
    assert_eq!((balance(&node), rights(&node)), (650, 650));
    let more = node.submit(Request::now(refund(order, 351)));
    assert!(matches!(&more, Err(Refusal::Invalid { field, .. }) if field == "refund"), "{more:?}");
    node.run(refund(order, 350));
    assert_eq!(balance(&node), 1_000);
}

#[test]
fn a_card_gives_no_change_and_is_spelt_in_one_way() {
    let mut node = Node::new("till", 1);
    node.run(issue(gift_card(1_000)));
    let mut request = pay(CODE, usd(600), None);
    if let Command::Sell { lines, .. } = &mut request.command {
        lines[0].amount = Some(usd(599));
    }
    let refused = node.submit(request).expect_err("it would give change");
    assert!(refused.to_string().contains("no change"), "{refused}");
    for kind in ["Gift-Card", "giftcard", "gift_card"] {
        let mut request = pay(CODE, usd(600), None);
        if let Command::Sell { tenders, .. } = &mut request.command {
            tenders[0].kind = name(kind);
        }
        let refused = node.submit(request).expect_err("its code would be everybody's to read");
        assert!(matches!(&refused, Refusal::Invalid { field, .. } if field == "tenders[0].kind"), "{refused}");
    }
    assert_eq!(balance(&node), 1_000);
}

#[test]
fn a_limited_coupon_of_which_nothing_was_heard_is_refused() {
    let mut node = Node::new("till", 1);
    let Command::PutPromotion(mut promotion) = ten_percent() else { panic!("a promotion") };
    promotion.limited = true;
    node.run(Command::PutPromotion(promotion));
    let adjustment = PriceAdjustment { promotion: name("ten"), line: None, amount: -10, reason: String::new() };
    let mut row = CartRow::default();
    let coupon = crate::cart::write(&crate::cart::Added::Coupon("SUMMER10".to_owned()));
    row.apply(crate::document::LINES, "entry", &coupon);
    let wants = node.engine.coupons(&row, std::slice::from_ref(&adjustment)).map(|wants| wants.len());
    assert!(matches!(wants, Err(Refusal::VoucherUnknown { .. })));
    node.run(self::coupon(1));
    assert_eq!(node.engine.coupons(&row, &[adjustment]).map(|wants| wants.len()).unwrap(), 1);
}

#[test]
fn a_key_gives_the_same_code_again_and_no_two_requests_share_one() {
    let mut node = Node::new("till", 1);
    let made = |node: &mut Node, key: Option<&str>| {
        let request = Request::now(issue(VoucherIssue { code: None, ..gift_card(500) }));
        let request = key.into_iter().fold(request, |request, key| request.with_key(key, b"a card"));
        let Outcome::Issued { code, repeated, .. } = node.submit(request).unwrap() else { panic!("no card") };
        node.commit();
        (code.grouped(), repeated)
    };
    let first = made(&mut node, Some("k1"));
    assert!(!first.1 && !code(&first.0).is_mistyped(), "{first:?}");
    let mut node = node.restart(7);
    assert_eq!(made(&mut node, Some("k1")), (first.0.clone(), true));
    let others = [made(&mut node, Some("k2")), made(&mut node, None), made(&mut node, None)];
    let all: std::collections::BTreeSet<_> = others.iter().map(|it| &it.0).chain([&first.0]).collect();
    assert_eq!(all.len(), 4);
    assert_ne!(made(&mut Node::new("till", 2), Some("k1")).0, first.0, "another node's codes are its own");
}

#[test]
fn a_code_is_that_of_one_kind_and_currency() {
    let mut node = Node::new("till", 1);
    node.run(issue(gift_card(500)));
    for kind in [VoucherKind::Coupon, VoucherKind::GiftCard(currency("EUR"))] {
        let refused = node.submit(Request::now(issue(VoucherIssue { kind, ..gift_card(5) })));
        assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "code"), "{refused:?}");
        assert!(!format!("{refused:?}").contains("1ABC"), "{refused:?}");
    }
}

#[test]
fn rules_for_goods_do_not_make_money_and_vouchers_do_not_move_as_goods() {
    let mut node = Node::new("till", 1);
    node.engine.config.promises.otherwise =
        Terms { policy: crate::event::PromisePolicy::Open, buffer: 100, floor: 100, allocation: 0 };
    node.run(issue(gift_card(500)));
    assert_eq!(rights(&node), 500);
    let sku = voucher(&node).unwrap().sku;
    let location = Some(name(LOCATION));
    let lines = vec![Line { sku: sku.clone(), quantity: 5 }];
    let line = LineRequest { sku, quantity: 5, unit_price: None, amount: None };
    for command in [
        Command::Receive { location: location.clone(), lines: lines.clone() },
        Command::Count { location: location.clone(), lines: lines.clone() },
        Command::Transfer { from: location.clone(), to: name("store"), lines },
        Command::Sell { location, lines: vec![line], tenders: Vec::new(), customer: None },
    ] {
        let refused = node.submit(Request::now(command));
        assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "lines"), "{refused:?}");
    }
    node.commit();
    assert_eq!((balance(&node), rights(&node)), (500, 500));
}

#[test]
fn what_another_node_holds_is_asked_for_and_never_spent_twice() {
    let mut nodes = linked(&["store-1", "store-2"]);
    let [one, two] = &mut nodes[..] else { panic!("two nodes") };
    let _outcome = one.submit(Request::now(issue(gift_card(5_000)))).unwrap();
    talk(one, two);
    assert_eq!((balance(two), rights(two)), (5_000, 0));
    let now = two.submit(pay(CODE, usd(3_000), None));
    let Err(Refusal::VoucherElsewhere { available: 0, holders, asking: false, .. }) = now else {
        panic!("it was spent without rights: {now:?}");
    };
    assert_eq!((holders[0].node.as_str(), holders[0].available), ("store-1", 5_000));
    let until = Some(two.now.plus_millis(500));
    let asked = two.submit(pay(CODE, usd(3_000), until));
    assert!(asked.as_ref().is_err_and(Refusal::is_asking), "{asked:?}");
    talk(two, one);
    assert!(two.engine.take_news());
    assert_eq!((rights(one), rights(two)), (2_000, 3_000), "no more is given than is asked for");
    let _outcome = two.submit(pay(CODE, usd(3_000), until)).unwrap();
    talk(two, one);
    assert_eq!((balance(one), balance(two)), (2_000, 2_000));
    let all = one.submit(pay(CODE, usd(2_001), None));
    assert!(matches!(all, Err(Refusal::VoucherSpent { balance: 2_000, .. })), "{all:?}");
}

#[test]
fn a_node_that_is_cut_off_spends_what_it_holds_and_no_more() {
    let mut nodes = linked(&["store-1", "store-2"]);
    let [one, two] = &mut nodes[..] else { panic!("two nodes") };
    let _outcome = one.submit(Request::now(issue(gift_card(1_000)))).unwrap();
    talk(one, two);
    let _spent = one.submit(pay(CODE, usd(900), None)).unwrap();
    let refused = two.submit(pay(CODE, usd(900), None));
    assert!(matches!(refused, Err(Refusal::VoucherElsewhere { .. })), "{refused:?}");
    talk(one, two);
    assert_eq!((balance(one), balance(two)), (100, 100));
}

pub(super) fn ten_percent() -> Command {
    Command::PutPromotion(Box::new(crate::pricing::Promotion {
        id: name("ten"),
        kind: crate::pricing::PromotionKind::Percentage { basis_points: 1_000 },
        coupon: Some(crate::pricing::CouponCode::new("SUMMER10").unwrap()),
        target: crate::pricing::Target::default(),
        minimum_subtotal: None,
        priority: 0,
        combine: crate::pricing::Combine::default(),
        valid_from: None,
        valid_until: None,
        channels: Vec::new(),
        limited: false,
    }))
}

pub(super) fn coupon(uses: i64) -> Command {
    let (kind, code) = (VoucherKind::Coupon, Some(code("SUMMER10")));
    issue(VoucherIssue { kind, code, quantity: uses, valid_until: None, promotion: None, tenders: Vec::new() })
}

/// A cart of one milk with the coupon, priced; `off` is what its promotion takes off.
fn cart_with_coupon(node: &mut Node, off: i64) -> (crate::id::CartId, crate::command::Priced) {
    let Outcome::Cart { id, .. } = node.submit(Request::now(Command::CreateCart { customer: None })).unwrap() else {
        panic!("a cart comes of it")
    };
    let price = Some(crate::money::UnitPrice { amount: 100, scale: None, currency: currency("USD") });
    let milk = Command::AddToCart { cart: id, sku: sku("milk"), quantity: 1, unit_price: price };
    let _cart = node.submit(Request::now(milk)).unwrap();
    let added = Command::AddCoupon { cart: id, code: "summer10".to_owned() };
    let Outcome::Cart { row, .. } = node.submit(Request::now(added)).unwrap() else { panic!("a cart comes of it") };
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: price, amount: None };
    let adjustment = crate::event::PriceAdjustment {
        promotion: name("ten"),
        line: None,
        amount: -off,
        reason: "ten percent".to_owned(),
    };
    let priced = crate::command::Priced {
        add_ids: row.lines().into_iter().map(|(add_id, _)| add_id.clone()).collect(),
        lines: vec![line],
        adjustments: vec![adjustment],
        proof: None,
    };
    (id, priced)
}

/// Checks a cart of one milk with the coupon out; `off` is what its promotion takes off.
fn use_coupon(node: &mut Node, off: i64) -> Result<Outcome, Refusal> {
    let (cart, priced) = cart_with_coupon(node, off);
    node.submit(Request::now(Command::Checkout { cart, priced, tenders: Vec::new() }))
}

/// Promises such a cart's goods, for so long.
pub(super) fn promise_with_coupon(node: &mut Node, ttl_seconds: Option<u32>) -> EventId {
    let (cart, priced) = cart_with_coupon(node, 10);
    let terms = crate::command::PromiseTerms { ttl_seconds, until: None };
    event_of(node.submit(Request::now(Command::PromiseCart { cart, priced, terms })).unwrap()).id
}

#[test]
fn a_coupon_is_used_as_often_as_it_was_issued_and_without_limit_where_it_never_was() {
    let mut node = Node::new("till", 1);
    node.run(ten_percent());
    for _ in 0..3 {
        let _order = use_coupon(&mut node, 10).unwrap();
    }
    node.run(coupon(2));
    let _order = use_coupon(&mut node, 0).unwrap();
    for left in [1, 0] {
        let Outcome::Recorded { events, .. } = use_coupon(&mut node, 10).unwrap() else { panic!("no order") };
        assert!(matches!(events[1].0.body, Body::Redemption(_)), "{events:?}");
        node.commit();
        let found = voucher::read(&node.engine.committed(), &name(LOCATION), &name("fleet"), &code("SUMMER10"));
        assert_eq!(found[0].balance, left, "what took nothing off used nothing");
    }
    let spent = use_coupon(&mut node, 10).expect_err("it is used up");
    assert!(matches!(&spent, Refusal::VoucherSpent { voucher, .. } if voucher == "coupon SUMMER10"), "{spent}");
}

#[test]
fn what_is_paid_back_onto_a_gift_card_can_be_spent_again() {
    let mut node = Node::new("till", 1);
    node.run(issue(gift_card(1_000)));
    let order = event_of(node.submit(pay(CODE, usd(1_000), None)).unwrap()).id;
    let tender = TenderRequest { kind: name(GIFT_CARD), amount: usd(400), reference: Reference::new(CODE).ok() };
    let lines = vec![crate::event::ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None }];
    let back =
        Command::TakeBack { location: None, order: Some(order), authorisation: None, lines, refund: vec![tender] };
    let request = || Request::now(back.clone()).with_key("back", b"back");
    let Outcome::Recorded { events, .. } = node.submit(request()).unwrap() else { panic!("it is recorded") };
    let kinds: Vec<_> = events.iter().map(|(event, _)| event.body.kind()).collect();
    assert_eq!(kinds, ["return", "refund", "issue"]);
    node.commit();
    assert_eq!((balance(&node), rights(&node)), (400, 400));
    let Outcome::Recorded { events: again, repeated: true } = node.submit(request()).unwrap() else {
        panic!("it is the same answer")
    };
    assert_eq!(again, events);
    let _spent = node.submit(pay(CODE, usd(400), None)).unwrap();
    node.commit();
    assert_eq!(balance(&node), 0);
}

/// One thing that happens to a fleet of three.
#[derive(Debug, Clone)]
enum Step {
    Issue(usize, i64),
    Spend(usize, i64),
    /// One hears another.
    Hear(usize, usize),
    Restart(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..3_usize;
    prop_oneof![
        1 => (node(), 1..400_i64).prop_map(|(node, amount)| Step::Issue(node, amount)),
        6 => (node(), 1..300_i64).prop_map(|(node, amount)| Step::Spend(node, amount)),
        8 => (node(), node()).prop_map(|(from, to)| Step::Hear(from, to)),
        1 => node().prop_map(Step::Restart),
    ]
}

fn hear(nodes: &mut [Node], from: usize, to: usize) {
    if from == to {
        return;
    }
    let (low, high) = nodes.split_at_mut(from.max(to));
    let (low, high) = (&mut low[from.min(to)], &mut high[0]);
    let (from, to) = if from < to { (low, high) } else { (high, low) };
    pass_on(from, to);
    to.engine.commit(to.now).unwrap();
}

/// Each start has chance of its own, else ids of events would come twice.
fn restart(node: &mut Node, seed: u64) {
    node.commit();
    *node = std::mem::replace(node, Node::new("nobody", seed)).restart(seed);
    node.engine.link_up(node.now);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_course_of_events_redeems_more_than_was_issued(steps in prop::collection::vec(step(), 1..60)) {
        let mut nodes = linked(&["store-1", "store-2", "store-3"]);
        let (mut issued, mut redeemed) = (0, 0);
        for (seed, step) in (10..).zip([Step::Issue(0, 500), Step::Hear(0, 1)].into_iter().chain(steps)) {
            match step {
                Step::Issue(at, amount) => {
                    let _outcome = nodes[at].submit(Request::now(issue(gift_card(amount)))).unwrap();
                    issued += amount;
                }
                Step::Spend(at, amount) => {
                    let until = Some(nodes[at].now.plus_millis(500));
                    if nodes[at].submit(pay(CODE, usd(amount), until)).is_ok() {
                        redeemed += amount;
                    }
                }
                Step::Hear(from, to) => hear(&mut nodes, from, to),
                Step::Restart(at) => restart(&mut nodes[at], seed),
            }
            prop_assert!(redeemed <= issued, "{redeemed} of {issued}");
            for node in &nodes {
                let own = node.engine.writer().epoch;
                let held = node.engine.look::<StockRow, _>(&place(), |row| row.rights.get(&own).copied()).flatten();
                prop_assert!(held.unwrap_or_default() >= 0, "rights were spent that nobody had: {held:?}");
            }
        }
        prop_assert!(nodes.iter().all(|node| balance(node) >= 0));
    }
}

/// Uses that are left, and those that this node holds.
pub(super) fn uses(node: &Node) -> (i64, i64) {
    let known = voucher::read(&node.engine.committed(), &name(LOCATION), &name("fleet"), &code("SUMMER10")).pop();
    let known = known.unwrap();
    (known.balance, known.rights.get(&node.engine.writer().epoch).copied().unwrap_or_default())
}

#[test]
fn a_use_that_a_reservation_took_comes_back_when_that_is_given_up_or_over() {
    let mut node = Node::new("till", 1);
    for command in [super::promises::product("milk"), receive("milk", 9), ten_percent(), coupon(3)] {
        node.run(command);
    }
    let given_up = promise_with_coupon(&mut node, None);
    let over = promise_with_coupon(&mut node, Some(5));
    let kept = promise_with_coupon(&mut node, None);
    node.commit();
    assert_eq!(uses(&node), (0, 0));
    node.run(Command::Release(crate::command::GiveUp::all_of(given_up)));
    super::promises::let_time_pass(&mut node, 1);
    assert_eq!(uses(&node), (1, 1));
    super::promises::let_time_pass(&mut node, 6);
    assert_eq!(uses(&node), (2, 2), "{over} is over");
    node.run(Command::Fulfil { location: None, order: kept, lines: Vec::new(), parcel: None, handover: None });
    super::promises::let_time_pass(&mut node, 1);
    let mut node = node.restart(2);
    super::promises::let_time_pass(&mut node, 1);
    assert_eq!(uses(&node), (2, 2), "what was handed over keeps it, and nothing comes back twice");
}

fn paid_for(kind: &str, amount: i64) -> TenderRequest {
    TenderRequest { kind: name(kind), amount: usd(amount), reference: None }
}

#[test]
fn what_a_gift_card_is_paid_with_is_in_the_drawer_and_owed_and_not_sold() {
    let mut node = Node::new("till", 1);
    let tenders = vec![paid_for("cash", 3_000), paid_for("card", 2_000)];
    let Outcome::Issued { events, .. } =
        node.submit(Request::now(issue(VoucherIssue { tenders, ..gift_card(5_000) }))).unwrap()
    else {
        panic!("it is issued");
    };
    assert_eq!(events.iter().map(|(event, _)| event.body.kind()).collect::<Vec<_>>(), ["issue", "voucher-sale"]);
    assert_eq!(events[1].1.location, name("store"));
    let _spent = node.submit(pay(CODE, usd(1_200), None)).unwrap();
    let date = node.engine.open_day(node.now).date;
    let close = event_of(node.submit(Request::now(Command::CloseDay { date, counted: None, next: None })).unwrap());
    let Body::DayClose(crate::event::DayClose { totals: Some(totals), .. }) = close.body else { panic!("{close:?}") };
    let money = &totals.money[0];
    assert_eq!((totals.sales, money.sold, money.vouchers_sold), (1, 1_200, Some(5_000)));
    assert_eq!((money.cash.sales, money.cash.expected()), (3_000, 3_000));
    let paid: Vec<_> = money.tenders.iter().map(|tender| (tender.kind.as_str(), tender.paid)).collect();
    assert_eq!(paid, [("card", 2_000), ("cash", 3_000), (GIFT_CARD, 1_200)]);
    node.commit();
    assert_eq!((balance(&node), rights(&node)), (3_800, 3_800));
}

#[test]
fn a_gift_card_is_paid_to_the_last_minor_unit_and_not_with_another_one() {
    let mut node = Node::new("till", 1);
    for tenders in [vec![paid_for("cash", 4_999)], vec![paid_for(GIFT_CARD, 5_000)]] {
        let refused = node.submit(Request::now(issue(VoucherIssue { tenders, ..gift_card(5_000) })));
        assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "tenders"), "{refused:?}");
    }
    let (kind, code, tenders) = (VoucherKind::Coupon, Some(code("SUMMER10")), vec![paid_for("cash", 1)]);
    let coupon = VoucherIssue { kind, code, tenders, ..gift_card(1) };
    let refused = node.submit(Request::now(issue(coupon)));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "tenders"), "{refused:?}");
    node.commit();
    assert_eq!(balance(&node), 0);
}
