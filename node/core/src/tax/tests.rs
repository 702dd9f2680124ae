use proptest::prelude::*;

use super::*;
use crate::event::{Event, Origin, Refund, Sale, Tender};
use crate::id::{Boot, Epoch, EventId, Sku, Writer};
use crate::money::Currency;
use crate::time::Timestamp;

fn day(text: &str) -> BusinessDate {
    text.parse().unwrap()
}

fn class(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn taxes(inclusive: bool, rates: &[(&str, u32, &str)]) -> Taxes {
    let rate = |(name, rate, from): &(&str, u32, &str)| Rate { class: class(name), rate: *rate, from: day(from) };
    Taxes { inclusive, rates: rates.iter().map(rate).collect(), smallest_coin: None }
}

fn line(amount: i64) -> PricedLine {
    PricedLine { sku: Sku::new("A").unwrap(), quantity: 1, amount: Some(amount), unit_price: None, burned: None }
}

fn adjustment(line: Option<u32>, amount: i64) -> PriceAdjustment {
    PriceAdjustment { promotion: class("offer"), line, amount, reason: "offer".to_owned() }
}

fn order(lines: Vec<PricedLine>, adjustments: Vec<PriceAdjustment>, tax: SaleTax) -> Order {
    let sale = Sale {
        receipt: 1,
        lines,
        currency: None,
        adjustments,
        tenders: Vec::new(),
        customer: None,
        cart: None,
        pricing: None,
        tax: Some(tax),
        rounding: None,
    };
    let (location, boot) = (class("store"), Boot::from_bytes([1; Boot::LEN]));
    let writer = Writer { node: class("till"), epoch: Epoch::from_bytes([1; Epoch::LEN]) };
    let made = Event {
        id: EventId::from_bytes([1; EventId::LEN]),
        number: 0,
        recorded_at: Timestamp(0),
        occurred_at: None,
        body: Body::Sale(sale),
        channel: None,
        reference: None,
        clerk: None,
    };
    Order::new(made, Origin { location, writer, boot, date: day("2026-11-26") })
}

#[test]
fn a_percentage_is_read_to_the_millionth() {
    assert_eq!(read_percent("20"), Ok(200_000));
    assert_eq!(read_percent("5.5"), Ok(55_000));
    assert_eq!(read_percent("8.875"), Ok(88_750));
    assert_eq!(read_percent("0"), Ok(0));
    for text in ["0", "7", "20", "5.5", "8.875", "0.0001", "1000"] {
        assert_eq!(read_percent(text).map(percent).as_deref(), Ok(text));
    }
    for wrong in ["", "-1", "1000.1", "1.23456", "a", "1,5", ".5", "5."] {
        assert!(read_percent(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_latest_rate_that_has_begun_holds() {
    let taxes = taxes(true, &[("standard", 190_000, "2026-01-01"), ("standard", 160_000, "2026-07-01")]);
    assert_eq!(taxes.rate(&class("standard"), day("2025-12-31")), None);
    assert_eq!(taxes.rate(&class("standard"), day("2026-06-30")), Some(190_000));
    assert_eq!(taxes.rate(&class("standard"), day("2026-07-01")), Some(160_000));
}

#[test]
fn an_inclusive_tax_is_within_the_price_and_an_exclusive_one_beside_it() {
    let nets = || [(Some(class("standard")), 1_200), (None, 50)].into_iter();
    let rates = [("standard", 200_000, "2026-01-01")];
    let within = taxes(true, &rates).on(nets(), day("2026-11-26"), Rounding::HalfUp).unwrap();
    let parts: Vec<_> = within.parts.iter().map(|part| (part.taxable, part.tax)).collect();
    assert_eq!(parts, [(50, 0), (1_000, 200)]);
    assert_eq!(within.lines, [1, 0]);
    let beside = taxes(false, &rates).on(nets(), day("2026-11-26"), Rounding::HalfUp).unwrap();
    let parts: Vec<_> = beside.parts.iter().map(|part| (part.taxable, part.tax)).collect();
    assert_eq!(parts, [(50, 0), (1_200, 240)]);
}

#[test]
fn a_refund_is_split_by_what_came_back() {
    let rates = [("food", 70_000, "2026-01-01"), ("standard", 190_000, "2026-01-01")];
    let nets = [(Some(class("standard")), 1_190), (Some(class("food")), 214)].into_iter();
    let tax = taxes(true, &rates).on(nets, day("2026-11-26"), Rounding::HalfUp).unwrap();
    let lines = vec![line(1_190), PricedLine { sku: Sku::new("B").unwrap(), ..line(214) }];
    let back = ReturnLine { sku: Sku::new("B").unwrap(), quantity: 1, restock: true, undecided: None };
    let parts = of_refund(&order(lines, Vec::new(), tax), &[back], 214).unwrap();
    assert_eq!(parts, [TaxPart { class: Some(class("food")), rate: 70_000, taxable: 200, tax: 14 }]);
}

/// Pays so much of an order back, and gives the taxes in it.
fn paid_back(order: &mut Order, returned: &[ReturnLine], sum: i64) -> Vec<TaxPart> {
    let taxes = of_refund(order, returned, sum).unwrap();
    let tender = Tender { kind: class("card"), amount: sum, reference: None };
    let currency = Currency::new("USD").unwrap();
    let body = Body::Refund(Refund {
        order: order.id,
        tenders: vec![tender],
        currency,
        taxes: Some(taxes.clone()),
        promised: None,
    });
    let refund = Event { body, ..order.made.clone() };
    order.later.push((refund, order.origin.clone()));
    taxes
}

#[test]
fn refunds_one_by_one_take_back_the_tax_of_the_sale_and_no_more() {
    let rates = [("standard", 200_000, "2026-01-01")];
    let nets = [(Some(class("standard")), 330)].into_iter();
    let tax = taxes(true, &rates).on(nets, day("2026-11-26"), Rounding::HalfUp).unwrap();
    assert_eq!(tax.parts[0].tax, 55);
    let mut order = order(vec![PricedLine { quantity: 10, ..line(330) }], Vec::new(), tax);
    let back = ReturnLine { sku: Sku::new("A").unwrap(), quantity: 1, restock: true, undecided: None };
    let each = (0..10).map(|_| paid_back(&mut order, std::slice::from_ref(&back), 33)[0].tax);
    assert_eq!(each.collect::<Vec<_>>().into_iter().sum::<i64>(), 55);
}

#[test]
fn a_rate_takes_no_more_back_than_was_paid_at_it() {
    let rates = [("zero", 0, "2026-01-01"), ("standard", 200_000, "2026-01-01")];
    let nets = [(Some(class("zero")), 3_300), (Some(class("standard")), 33)].into_iter();
    let tax = taxes(true, &rates).on(nets, day("2026-11-26"), Rounding::HalfUp).unwrap();
    let lines = vec![line(3_300), PricedLine { sku: Sku::new("B").unwrap(), ..line(33) }];
    let back = ReturnLine { sku: Sku::new("B").unwrap(), quantity: 1, restock: true, undecided: None };
    let parts = paid_back(&mut order(lines, Vec::new(), tax.clone()), &[back], 3_333);
    assert_eq!(parts, tax.parts);
}

#[test]
fn what_rounding_of_cash_took_off_takes_no_tax_off_what_is_paid_back() {
    let rates = [("standard", 200_000, "2026-01-01")];
    let nets = [(Some(class("standard")), 102)].into_iter();
    let tax = taxes(true, &rates).on(nets, day("2026-11-26"), Rounding::HalfUp).unwrap();
    for (rounding, sums) in [(-2, [60, 40]), (3, [100, 5])] {
        let mut order = order(vec![line(102)], Vec::new(), tax.clone());
        if let Body::Sale(sale) = &mut order.made.body {
            sale.rounding = Some(rounding);
        }
        let taken: Vec<TaxPart> = sums.iter().flat_map(|sum| paid_back(&mut order, &[], *sum)).collect();
        let sum = |of: fn(&TaxPart) -> i64| taken.iter().map(of).sum::<i64>();
        assert_eq!((sum(|part| part.taxable), sum(|part| part.tax)), (85, 17), "{rounding}");
    }
}

#[test]
fn cash_is_rounded_to_the_smallest_coin() {
    let swiss = Taxes { smallest_coin: Some(5), ..Taxes::default() };
    let added = [1_297, 1_298, 1_300, 1_302, 1_303].map(|due| swiss.rounding(due));
    assert_eq!(added, [-2, 2, 0, -2, 2]);
    assert_eq!(Taxes::default().rounding(1_297), 0);
}

prop_compose! {
    fn any_sale()(
        amounts in prop::collection::vec(0_i64..1_000_000, 1..20),
        shares in prop::collection::vec((prop::option::of(0_u32..20), 0_i64..=100), 0..5),
    ) -> (Vec<PricedLine>, Vec<PriceAdjustment>) {
        let mut left: i64 = amounts.iter().sum();
        let mut adjustments = Vec::new();
        for (place, percent) in shares {
            let discount = left * percent / 100;
            left -= discount;
            adjustments.push(adjustment(place, -discount));
        }
        (amounts.into_iter().map(line).collect(), adjustments)
    }
}

proptest! {
    #[test]
    fn discounts_spread_over_lines_add_up_and_leave_none_below_zero((lines, adjustments) in any_sale()) {
        let nets = spread(&lines, &adjustments);
        let total: i64 = lines.iter().filter_map(|line| line.amount).sum::<i64>()
            + adjustments.iter().map(|adjustment| adjustment.amount).sum::<i64>();
        prop_assert_eq!(nets.iter().sum::<i64>(), total);
        prop_assert!(nets.iter().all(|net| *net >= 0), "{:?}", nets);
    }

    #[test]
    fn parts_of_a_tax_add_up_to_what_is_to_be_paid_and_are_never_below_zero(
        (lines, adjustments) in any_sale(),
        inclusive: bool,
        rates in (0..=MAX_RATE, 0..=MAX_RATE),
        rounding in prop::sample::select(vec![Rounding::HalfUp, Rounding::HalfEven, Rounding::Down]),
    ) {
        let set = [("a", rates.0, "2026-01-01"), ("b", rates.1, "2026-01-01")];
        let classes = [Some("a"), Some("b"), Some("without-a-rate"), None].into_iter().cycle();
        let classes = classes.map(|name| name.map(class));
        let nets = spread(&lines, &adjustments);
        let tax = taxes(inclusive, &set).on(classes.zip(nets.iter().copied()), day("2026-11-26"), rounding).unwrap();
        prop_assert_eq!(tax.lines.len(), lines.len());
        let (taxable, taxed) = tax.parts.iter().fold((0, 0), |(a, b), part| (a + part.taxable, b + part.tax));
        let total: i64 = nets.iter().sum();
        prop_assert!(tax.parts.iter().all(|part| part.taxable >= 0 && part.tax >= 0), "{:?}", tax);
        prop_assert_eq!(if inclusive { taxable + taxed } else { taxable }, total);
    }

    #[test]
    fn a_refund_adds_up_to_its_sum_by_rate(
        (lines, adjustments) in any_sale(),
        percent in 1_i64..=100,
        inclusive: bool,
    ) {
        let classes = ["a", "b"].into_iter().cycle().map(|name| Some(class(name)));
        let set = [("a", 190_000, "2026-01-01"), ("b", 70_000, "2026-01-01")];
        let nets = spread(&lines, &adjustments);
        let tax = taxes(inclusive, &set).on(classes.zip(nets), day("2026-11-26"), Rounding::HalfUp).unwrap();
        let order = order(lines, adjustments, tax);
        let sum = order.total() * percent / 100;
        let back = ReturnLine { sku: Sku::new("A").unwrap(), quantity: 1, restock: true, undecided: None };
        if let Some(parts) = of_refund(&order, &[back], sum) {
            prop_assert_eq!(parts.iter().map(|part| part.taxable + part.tax).sum::<i64>(), sum);
            prop_assert!(parts.iter().all(|part| part.taxable >= 0 && part.tax >= 0), "{:?}", parts);
        }
    }

    #[test]
    fn all_refunds_of_an_order_add_up_to_its_taxes_and_none_goes_beyond(
        (lines, adjustments) in any_sale(),
        sums in prop::collection::vec((1_i64..=100, any::<prop::sample::Index>()), 0..12),
        last: prop::sample::Index,
        inclusive: bool,
    ) {
        let classes = ["a", "b", "c"].into_iter().cycle().map(|name| Some(class(name)));
        let set = [("a", 190_000, "2026-01-01"), ("b", 70_000, "2026-01-01"), ("c", 0, "2026-01-01")];
        let lines: Vec<_> = (0..).zip(lines).map(|(number, line): (u32, _)| {
            PricedLine { sku: Sku::new(&format!("A{number}")).unwrap(), ..line }
        }).collect();
        let nets = spread(&lines, &adjustments);
        let tax = taxes(inclusive, &set).on(classes.zip(nets), day("2026-11-26"), Rounding::HalfUp).unwrap();
        let mut order = order(lines, adjustments, tax.clone());
        let mut taken: BTreeMap<Option<Name>, (i64, i64)> = BTreeMap::new();
        for (percent, line) in sums.into_iter().chain([(100, last)]) {
            let left = order.total() - order.refunded();
            let sku = line.get(order.lines()).sku.clone();
            let back = ReturnLine { sku, quantity: 1, restock: true, undecided: None };
            let sum = (left * percent / 100).max(left.min(1));
            if sum == 0 {
                continue;
            }
            let parts = paid_back(&mut order, &[back], sum);
            prop_assert_eq!(parts.iter().map(|part| part.taxable + part.tax).sum::<i64>(), sum);
            for part in parts {
                prop_assert!(part.taxable >= 0 && part.tax >= 0, "{:?}", part);
                let sums = taken.entry(part.class.clone()).or_default();
                *sums = (sums.0 + part.taxable, sums.1 + part.tax);
                let whole = tax.parts.iter().find(|it| it.class == part.class).unwrap();
                prop_assert!(sums.0 <= whole.taxable && sums.1 <= whole.tax, "{:?} of {:?}", sums, whole);
            }
        }
        for part in &tax.parts {
            let sums = taken.get(&part.class).copied().unwrap_or_default();
            prop_assert_eq!(sums, (part.taxable, part.tax));
        }
    }
}
