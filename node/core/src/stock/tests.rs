use proptest::prelude::*;

use super::*;
use crate::event::{
    self, Adjustment, AdjustmentReason, DayClose, Disposition, DispositionLine, Fulfilment, Grant, Issue, Line,
    MAX_LINES, MAX_QUANTITY, Mint, PricedLine, Promise, PromisePolicy, Receipt, ReceiptLine, Recorded, Redemption,
    Refund, Release, Return, ReturnAuthorisation, ReturnLine, Sale, Seen, Tender, Transfer,
};
use crate::id::{Boot, Epoch, Name, Writer};
use crate::money::{Currency, MAX_AMOUNT};
use crate::tests::{NOON, name, sku};
use crate::time::BusinessDate;

mod heard;

const fn id(number: u8) -> EventId {
    EventId::from_bytes([number; 16])
}

fn event(body: Body) -> Event {
    let (channel, reference, clerk) = (None, None, None);
    Event { id: id(1), number: 5, recorded_at: NOON, occurred_at: None, body, channel, reference, clerk }
}

fn origin() -> Origin {
    let writer = Writer { node: name("till"), epoch: Epoch::from_bytes([1; 10]) };
    let date = BusinessDate::from_days(20_000).unwrap();
    Origin { location: name("store"), writer, boot: Boot::from_bytes([2; 6]), date }
}

fn lines(quantities: &[i64]) -> Vec<Line> {
    let line = |(index, quantity): (usize, &i64)| Line { sku: sku(&index.to_string()), quantity: *quantity };
    quantities.iter().enumerate().map(line).collect()
}

fn priced(quantity: i64, amount: Option<i64>) -> PricedLine {
    PricedLine { sku: sku("0"), quantity, amount, unit_price: None, burned: None }
}

fn sale(lines: Vec<PricedLine>) -> Sale {
    let (adjustments, tenders) = (Vec::new(), Vec::new());
    Sale {
        receipt: 1,
        lines,
        currency: None,
        adjustments,
        tenders,
        customer: None,
        cart: None,
        pricing: None,
        tax: None,
        rounding: None,
    }
}

fn promise(lines: Vec<PricedLine>) -> Promise {
    Promise {
        lines,
        policy: PromisePolicy::Open,
        expires_at: None,
        currency: None,
        adjustments: Vec::new(),
        customer: None,
        cart: None,
        stated: None,
        pricing: None,
        tax: None,
    }
}

fn transfer(quantities: &[i64]) -> Transfer {
    Transfer { other: name("depot"), lines: lines(quantities), answers: None }
}

fn tender(amount: i64) -> Tender {
    Tender { kind: name("card"), amount, reference: None }
}

fn refund(amount: i64) -> Body {
    let currency = Currency::new("USD").unwrap();
    Body::Refund(Refund { order: id(9), tenders: vec![tender(amount)], currency, taxes: None, promised: None })
}

fn issue(voucher: &str, quantity: i64) -> Body {
    let (voucher, minted) = (sku(&format!("voucher-{voucher}")), quantity.try_into().ok());
    Body::Issue(Issue { voucher, quantity, minted, valid_until: None, promotion: None, order: None })
}

fn returned(quantity: i64, restock: bool) -> ReturnLine {
    ReturnLine { sku: sku("0"), quantity, restock, undecided: None }
}

fn decided(quantity: i64, restock: bool) -> DispositionLine {
    DispositionLine { sku: sku("0"), quantity, restock }
}

fn adjustment(quantities: &[i64]) -> Body {
    Body::Adjustment(Adjustment { lines: lines(quantities), reason: AdjustmentReason::Found })
}

/// Folds a count in that covers all that was folded before.
fn count(row: &mut StockRow, event: u8, at: Timestamp, of: CountOf, quantity: i64) {
    row.count(id(event), at, (of, quantity), Since::default());
}

fn counted(quantities: &[i64]) -> Body {
    Body::Count(Count { lines: lines(quantities), seen: Vec::new(), of: CountOf::OnHand })
}

fn given_up(quantity: i64) -> Body {
    Body::Release(Release { promise: id(9), lines: lines(&[quantity]), reason: None, rights: None, request: None })
}

#[test]
fn each_kind_of_event_moves_stock_in_its_own_way() {
    use Movement::{Enter, Fulfil, Leave, Nothing, Promise, Release};
    let receipt = ReceiptLine { sku: sku("0"), quantity: 3, minted: Some(3) };
    let owner = origin().writer;
    let cases = [
        (Body::Sale(sale(vec![priced(3, None)])), vec![Leave(3)]),
        (
            Body::Return(Return {
                order: None,
                lines: vec![returned(3, true), returned(4, false)],
                authorisation: None,
            }),
            vec![Enter(3)],
        ),
        (
            Body::Return(Return {
                order: None,
                lines: vec![ReturnLine { undecided: Some(true), ..returned(4, false) }],
                authorisation: None,
            }),
            vec![],
        ),
        (
            Body::Disposition(Disposition {
                back: id(9),
                order: None,
                lines: vec![decided(3, true), decided(4, false)],
            }),
            vec![Enter(3)],
        ),
        (Body::ReturnAuthorisation(ReturnAuthorisation { order: id(9), lines: lines(&[3]), until: None }), vec![]),
        (Body::Receipt(Receipt { lines: vec![receipt] }), vec![Enter(3)]),
        (Body::TransferOut(transfer(&[3])), vec![Leave(3)]),
        (Body::TransferIn(transfer(&[3])), vec![Enter(3)]),
        (adjustment(&[3]), vec![Enter(3)]),
        (adjustment(&[-3]), vec![Leave(3)]),
        (Body::Promise(promise(vec![priced(3, None)])), vec![Promise(id(1), 3)]),
        (given_up(3), vec![Release(id(9), 3)]),
        (
            Body::Fulfilment(Fulfilment {
                promise: id(9),
                lines: lines(&[3]),
                parcel: None,
                handover: None,
                stages: None,
                from: None,
            }),
            vec![Fulfil(id(9), 3)],
        ),
        (counted(&[3]), vec![]),
        (Body::Mint(Mint { lines: lines(&[3]) }), vec![Nothing]),
        (Body::Grant(Grant { to: owner.clone(), lines: lines(&[3]), proof: None }), vec![Nothing, Nothing]),
        (issue("0123456789abcdef0123456789abcdef-USD", 3), vec![Enter(3)]),
        (Body::Redemption(Redemption { order: id(9), lines: lines(&[3]) }), vec![Leave(3)]),
        (refund(3), vec![]),
        (Body::DayClose(DayClose { events: 3, automatic: true, ..DayClose::default() }), vec![]),
    ];
    for (body, expected) in cases {
        let event = event(body);
        let first = if let Body::Issue(issue) = &event.body { issue.voucher.clone() } else { sku("0") };
        let expected: Vec<_> = expected.into_iter().map(|movement| (&first, movement)).collect();
        let steps = steps(&event, owner.epoch);
        let goods: Vec<_> = steps.into_iter().map(|(sku, step)| (sku, step.movement)).collect();
        assert_eq!(goods, expected, "{}", event.body.kind());
    }
}

#[test]
fn lines_of_one_sku_each_count() {
    let sold = event(Body::Sale(sale(vec![priced(3, None), priced(0, None), priced(4, None)])));
    let left: i64 = steps(&sold, origin().writer.epoch).iter().map(|(_, step)| -step.movement.on_hand()).sum();
    assert_eq!(left, 7);
}

#[test]
fn a_promise_takes_nothing_off_the_shelf_until_it_is_fulfilled() {
    let mut row = StockRow::default();
    row.apply(Movement::Enter(10), false);
    row.apply(Movement::Promise(id(1), 4), false);
    assert_eq!((row.on_hand(), row.open(), row.available(), row.shortfall()), (10, 4, 6, 0));
    row.apply(Movement::Fulfil(id(1), 3), false);
    assert_eq!((row.on_hand(), row.open(), row.available()), (7, 1, 6));
    row.apply(Movement::Release(id(1), 1), false);
    assert_eq!((row.on_hand(), row.open(), row.available()), (7, 0, 7));
    assert!(row.owed.is_empty(), "a settled promise is forgotten");
}

#[test]
fn a_promise_that_is_owed_less_than_nothing_frees_no_stock_of_others() {
    let mut row = StockRow::default();
    row.apply(Movement::Enter(10), false);
    row.apply(Movement::Release(id(1), 4), false);
    row.apply(Movement::Promise(id(2), 3), false);
    assert_eq!((row.open(), row.available()), (3, 7));
    row.apply(Movement::Promise(id(1), 4), false);
    assert_eq!((row.open(), row.available()), (3, 7), "its release came first");
}

#[test]
fn more_promised_than_there_is_shows_as_a_shortfall_and_nothing_is_available() {
    let mut row = StockRow::default();
    row.apply(Movement::Leave(2), false);
    row.apply(Movement::Promise(id(1), 3), false);
    assert_eq!((row.on_hand(), row.available(), row.shortfall()), (-2, 0, 5));
}

#[test]
fn after_a_count_the_shelf_is_what_was_counted_and_what_the_count_does_not_cover() {
    let mut row = StockRow::default();
    row.apply(Movement::Enter(10), false);
    count(&mut row, 1, NOON, CountOf::OnHand, 7);
    row.apply(Movement::Leave(2), true);
    assert_eq!((row.on_hand(), row.adjustment()), (7, -1), "a sale that the count covers");
    row.apply(Movement::Leave(3), false);
    assert_eq!((row.on_hand(), row.adjustment()), (4, -1), "a sale that it does not");
}

#[test]
fn the_later_count_wins_and_of_two_at_once_the_one_with_the_greater_id() {
    let later = NOON.plus_millis(1);
    let counts = [(1, later, 5), (2, NOON, 6), (3, later, 7), (2, later, 8)];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let mut row = StockRow::default();
        for (event, at, quantity) in order.map(|place: usize| counts[place]) {
            count(&mut row, event, at, CountOf::OnHand, quantity);
        }
        assert_eq!(row.on_hand(), 7, "{order:?}");
    }
}

/// What is on hand and what can be sold after a channel stated that 8 can be sold.
fn after_a_level(before: &[Movement], behind: &[(Movement, bool)]) -> (i64, i64) {
    let mut row = StockRow::default();
    row.apply(Movement::Enter(10), false);
    before.iter().for_each(|movement| row.apply(*movement, false));
    count(&mut row, 1, NOON, CountOf::Available, 8);
    behind.iter().for_each(|(movement, covered)| row.apply(*movement, *covered));
    (row.on_hand(), row.available())
}

#[test]
fn what_a_channel_says_can_be_sold_is_right_whether_its_order_or_its_level_comes_first() {
    let (order, cancelled) = (Movement::Promise(id(9), 2), Movement::Release(id(9), 2));
    let parcel = Movement::Fulfil(id(9), 2);
    assert_eq!(after_a_level(&[order], &[]), (10, 8));
    assert_eq!(after_a_level(&[], &[(order, true)]), (10, 8), "an order from before the level");
    assert_eq!(after_a_level(&[], &[(order, false)]), (8, 6), "an order from after it");
    assert_eq!(after_a_level(&[order], &[(cancelled, true)]), (8, 8), "it was given up before the level");
    assert_eq!(after_a_level(&[order], &[(cancelled, false)]), (10, 10), "and after it");
    assert_eq!(after_a_level(&[order], &[(parcel, true)]), (8, 8), "it left before the level");
    assert_eq!(after_a_level(&[order], &[(parcel, false)]), (8, 8), "and after it");
    assert_eq!(after_a_level(&[], &[(cancelled, true), (order, true)]), (8, 8), "heard the wrong way round");
}

#[test]
fn of_a_promise_that_is_made_elsewhere_goods_leave_what_can_be_sold() {
    // The other location's row is short of it, this one's is not.
    assert_eq!(after_a_level(&[], &[(Movement::Fulfil(id(9), 2), false)]), (6, 6));
    assert_eq!(after_a_level(&[], &[(Movement::Fulfil(id(9), 2), true)]), (8, 8));
}

#[test]
fn a_count_covers_what_its_node_had_heard_and_what_happened_no_later() {
    let origin = origin();
    let seen = |epoch: u8, boot: u8, through| Count {
        lines: Vec::new(),
        seen: vec![Seen { epoch: Epoch::from_bytes([epoch; 10]), boot: Boot::from_bytes([boot; 6]), through }],
        of: CountOf::OnHand,
    };
    let nothing = Count { lines: Vec::new(), seen: Vec::new(), of: CountOf::OnHand };
    let sold = event(Body::Sale(sale(vec![priced(1, None)])));
    let (before, after) = (NOON.plus_millis(-1), NOON.plus_millis(1));
    assert!(covers(&seen(1, 2, 6), before, &sold, &origin), "heard, though its clock is ahead of the count's");
    assert!(!covers(&seen(1, 2, 5), before, &sold, &origin), "the next one after those heard");
    assert!(!covers(&seen(1, 3, 6), before, &sold, &origin), "heard of another boot");
    assert!(!covers(&seen(3, 2, 6), before, &sold, &origin), "heard of another epoch");
    assert!(!covers(&nothing, before, &sold, &origin));
    assert!(covers(&nothing, NOON, &sold, &origin), "at the same moment");
    assert!(covers(&nothing, after, &sold, &origin));
    let imported = Event { occurred_at: Some(after), ..sold };
    assert!(!covers(&nothing, NOON, &imported, &origin), "what counts is when it happened, not when it was recorded");
}

#[test]
fn what_no_node_records_is_not_folded_whoever_signed_it() {
    let known = |body: Body| matches!(event::read(&event(body).to_bytes()), Recorded::Known(_));
    let too_many = vec![1; MAX_LINES + 1];
    for quantity in [MAX_QUANTITY + 1, i64::MAX, -MAX_QUANTITY - 1, i64::MIN] {
        let receipt = ReceiptLine { sku: sku("0"), quantity, minted: None };
        assert!(!known(Body::Sale(sale(vec![priced(quantity, None)]))), "{quantity} sold");
        assert!(!known(Body::Return(Return {
            order: None,
            lines: vec![returned(quantity, true)],
            authorisation: None
        })));
        assert!(!known(Body::Receipt(Receipt { lines: vec![receipt] })));
        let of = vec![decided(quantity, true)];
        assert!(!known(Body::Disposition(Disposition { back: id(9), order: None, lines: of })));
        let of = lines(&[quantity]);
        assert!(!known(Body::ReturnAuthorisation(ReturnAuthorisation { order: id(9), lines: of, until: None })));
        assert!(!known(Body::TransferOut(transfer(&[quantity]))));
        assert!(!known(Body::TransferIn(transfer(&[quantity]))));
        assert!(!known(adjustment(&[quantity])));
        assert!(!known(Body::Promise(promise(vec![priced(quantity, None)]))));
        assert!(!known(given_up(quantity)));
        assert!(!known(Body::Fulfilment(Fulfilment {
            promise: id(9),
            lines: lines(&[quantity]),
            parcel: None,
            handover: None,
            stages: None,
            from: None
        })));
        assert!(!known(Body::Mint(Mint { lines: lines(&[quantity]) })));
    }
    for quantity in [i64::MAX, i64::MIN] {
        assert!(!known(counted(&[quantity])), "{quantity} counted");
    }
    for amount in [MAX_AMOUNT + 1, i64::MAX, i64::MIN] {
        assert!(!known(Body::Sale(sale(vec![priced(1, Some(amount))]))), "{amount} minor units");
        assert!(!known(Body::Sale(Sale { tenders: vec![tender(amount)], ..sale(Vec::new()) })));
        assert!(!known(refund(amount)));
    }
    assert!(!known(refund(-1)), "a refund that takes");
    for (voucher, quantity) in [("0123456789abcdef0123456789abcdef-USD", -1), ("no-voucher", 1)] {
        assert!(!known(issue(voucher, quantity)), "{voucher} {quantity}");
    }
    assert!(!known(Body::Redemption(Redemption { order: id(9), lines: lines(&[1]) })), "goods are not redeemed");
    assert!(!known(adjustment(&too_many)));
    assert!(!known(Body::TransferOut(transfer(&[-1]))), "a transfer backwards");
}

#[test]
fn what_nodes_record_at_their_limits_is_folded() {
    let known = |body: Body| matches!(event::read(&event(body).to_bytes()), Recorded::Known(_));
    assert!(known(Body::Sale(sale(vec![priced(MAX_QUANTITY, Some(MAX_AMOUNT)), priced(0, Some(0))]))));
    assert!(known(adjustment(&[MAX_QUANTITY, -MAX_QUANTITY])));
    assert!(known(adjustment(&vec![1; MAX_LINES])));
    assert!(known(counted(&[0, -5, MAX_QUANTITY])));
    assert!(known(refund(MAX_AMOUNT)));
    assert!(known(issue("0123456789abcdef0123456789abcdef-uses", MAX_QUANTITY)));
}

#[test]
fn an_event_of_a_time_that_no_clock_shows_is_not_folded() {
    let good = event(Body::Sale(sale(vec![priced(1, None)])));
    for time in [Timestamp(i64::MIN), Timestamp(-1), Timestamp(Timestamp::MAX.0 + 1), Timestamp(i64::MAX)] {
        for bad in [Event { recorded_at: time, ..good.clone() }, Event { occurred_at: Some(time), ..good.clone() }] {
            assert_eq!(event::read(&bad.to_bytes()), Recorded::Unknown, "{time}");
        }
    }
}

#[test]
fn ten_million_events_at_every_limit_do_not_reach_the_bounds_of_a_row() {
    let most = MAX_QUANTITY * i64::try_from(MAX_LINES).unwrap();
    let sum = most.checked_mul(5_000_000).expect("half of them within 64 bits");
    let mut row = StockRow::default();
    count(&mut row, 1, NOON, CountOf::OnHand, -2_000_000_000_000);
    row.apply(Movement::Enter(sum), false);
    row.apply(Movement::Leave(sum), false);
    row.apply(Movement::Leave(sum), false);
    row.apply(Movement::Promise(id(1), sum), false);
    assert_eq!(row.on_hand(), -sum - 2_000_000_000_000);
    assert_eq!(row.shortfall(), 2 * sum + 2_000_000_000_000);
    assert_eq!(row.adjustment(), -2_000_000_000_000);
}

fn movement() -> impl Strategy<Value = Movement> {
    let quantity = || 0..50_i64;
    let of = || (1..4_u8).prop_map(id);
    prop_oneof![
        quantity().prop_map(Movement::Enter),
        quantity().prop_map(Movement::Leave),
        (of(), quantity()).prop_map(|(id, quantity)| Movement::Promise(id, quantity)),
        (of(), quantity()).prop_map(|(id, quantity)| Movement::Release(id, quantity)),
        (of(), quantity()).prop_map(|(id, quantity)| Movement::Fulfil(id, quantity)),
    ]
}

/// A row after a count of 12, if any, and movements.
fn row_of(counted: Option<CountOf>, movements: &[(Movement, bool)]) -> StockRow {
    let mut row = StockRow::default();
    counted.into_iter().for_each(|of| count(&mut row, 9, NOON, of, 12));
    movements.iter().for_each(|(movement, covered)| row.apply(*movement, *covered));
    row
}

proptest! {
    #[test]
    fn movements_add_up_to_the_same_row_in_any_order(
        (movements, shuffled) in prop::collection::vec((movement(), any::<bool>()), 0..20)
            .prop_flat_map(|movements| (Just(movements.clone()), Just(movements).prop_shuffle())),
        counted in prop::sample::select(vec![None, Some(CountOf::OnHand), Some(CountOf::Available)]),
    ) {
        prop_assert_eq!(row_of(counted, &movements), row_of(counted, &shuffled));
    }

    #[test]
    fn a_count_comes_to_the_same_before_and_after_what_happened(
        movements in prop::collection::vec((movement(), any::<bool>()), 0..20),
        of in prop::sample::select(vec![CountOf::OnHand, CountOf::Available]),
    ) {
        let mut after = row_of(None, &movements);
        let since = movements.iter().filter(|(_, covered)| !covered).map(|(movement, _)| *movement);
        after.count(id(9), NOON, (of, 12), Since::of(since));
        prop_assert_eq!(row_of(Some(of), &movements), after);
    }

    #[test]
    fn a_movement_taken_back_leaves_no_trace(
        movements in prop::collection::vec((movement(), any::<bool>()), 0..20),
        extra in (movement(), any::<bool>()),
    ) {
        let before = row_of(Some(CountOf::Available), &movements);
        let mut row = before.clone();
        row.apply(extra.0, extra.1);
        row.apply(extra.0.reversed(), extra.1);
        prop_assert_eq!(row, before);
    }

    #[test]
    fn what_is_available_is_never_more_than_what_is_there(
        movements in prop::collection::vec((movement(), any::<bool>()), 0..20),
    ) {
        let row = row_of(None, &movements);
        prop_assert!(row.available() >= 0 && row.shortfall() >= 0 && row.open() >= 0);
        prop_assert_eq!(row.available() - row.shortfall(), row.on_hand() - row.open());
    }
}
