use proptest::prelude::*;

use super::*;
use crate::event::{Adjustment, AdjustmentReason, Fulfilment, Line, PricedLine, Promise, PromisePolicy, Receipt};
use crate::event::{ReceiptLine, RedemptionReversal, Release, Sale};
use crate::id::{Boot, Epoch};
use crate::stock::Movement;

type Copy = (Event, Origin);

const NOON: i64 = 1_700_000_000_000_000;

fn sku(number: u8) -> Sku {
    Sku::new(&format!("sku {number}")).unwrap()
}

fn id_of(number: usize) -> EventId {
    EventId::hash_of("test", &[&number.to_be_bytes()])
}

fn writer(number: u8) -> Writer {
    Writer { node: Name::new(&format!("node{number}")).unwrap(), epoch: Epoch::from_bytes([number; Epoch::LEN]) }
}

fn origin(stream: u8) -> Origin {
    let date = BusinessDate::from_days(19_000).unwrap();
    let location = Name::new("store").unwrap();
    Origin { location, writer: writer(stream), boot: Boot::from_bytes([stream; Boot::LEN]), date }
}

fn event(id: EventId, number: u64, occurred: i64, body: Body) -> Event {
    let at = Timestamp(NOON + occurred);
    Event { id, number, recorded_at: at, occurred_at: None, body, channel: None, reference: None, clerk: None }
}

fn line(what: u8, quantity: i64) -> Line {
    Line { sku: sku(what), quantity }
}

fn receipt(what: u8, quantity: i64) -> Body {
    Body::Receipt(Receipt { lines: vec![ReceiptLine { sku: sku(what), quantity, minted: None }] })
}

fn priced(what: u8, quantity: i64) -> PricedLine {
    PricedLine { sku: sku(what), quantity, amount: None, unit_price: None, burned: None }
}

fn sale(what: u8, quantity: i64) -> Body {
    let (adjustments, tenders) = (Vec::new(), Vec::new());
    let lines = vec![priced(what, quantity)];
    Body::Sale(Sale {
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
    })
}

fn count(what: u8, quantity: i64, seen: Vec<Seen>) -> Body {
    Body::Count(Count { lines: vec![line(what, quantity)], seen, of: CountOf::OnHand })
}

fn promise(what: u8, quantity: i64) -> Body {
    Body::Promise(Promise {
        lines: vec![priced(what, quantity)],
        policy: PromisePolicy::Open,
        expires_at: None,
        currency: None,
        adjustments: Vec::new(),
        customer: None,
        cart: None,
        stated: None,
        pricing: None,
        tax: None,
    })
}

/// What happens, before it is known where.
#[derive(Debug, Clone)]
struct Plan {
    stream: u8,
    kind: u8,
    sku: u8,
    quantity: i64,
    late: i64,
    /// Which earlier event it copies or names.
    earlier: proptest::sample::Index,
    seen: [u64; 3],
}

fn plan() -> impl Strategy<Value = Plan> {
    let numbers = (0..3_u8, 0..20_u8, 0..4_u8, 1..9_i64, prop_oneof![4 => 0..1_i64, 1 => -60..60_i64]);
    (numbers, any::<proptest::sample::Index>(), [0..20_u64, 0..20, 0..20]).prop_map(
        |((stream, kind, sku, quantity, late), earlier, seen)| Plan {
            stream,
            kind,
            sku,
            quantity,
            late,
            earlier,
            seen,
        },
    )
}

fn body_of(plan: &Plan, heard: &[Copy]) -> Body {
    let named = || if heard.is_empty() { id_of(0) } else { plan.earlier.get(heard).0.id };
    let lines = || vec![line(plan.sku, plan.quantity)];
    match plan.kind {
        0..5 => receipt(plan.sku, plan.quantity),
        5..10 => sale(plan.sku, plan.quantity),
        10..13 => {
            let seen = |(stream, through): (u8, u64)| {
                let Origin { writer, boot, .. } = origin(stream);
                Seen { epoch: writer.epoch, boot, through }
            };
            let of = if plan.kind == 12 { CountOf::Available } else { CountOf::OnHand };
            Body::Count(Count { lines: lines(), seen: (0..3).zip(plan.seen).map(seen).collect(), of })
        }
        13 => Body::Adjustment(Adjustment { lines: lines(), reason: AdjustmentReason::Found }),
        14 | 15 => promise(plan.sku, plan.quantity),
        16 => Body::Release(Release { promise: named(), lines: lines(), reason: None, rights: None, request: None }),
        _ => Body::Fulfilment(Fulfilment {
            promise: named(),
            lines: lines(),
            parcel: None,
            handover: None,
            stages: None,
            from: None,
        }),
    }
}

/// Events as three writers' streams hold them. Some are copies of earlier ones, with the same content or another.
fn events_of(plans: &[Plan]) -> Vec<Copy> {
    let mut copies: Vec<Copy> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let origin = origin(plan.stream);
        let number = copies.iter().filter(|copy| copy.1 == origin).count() as u64;
        let time = i64::try_from(index).unwrap() * 10 + plan.late;
        let mut made = event(id_of(index), number, time, body_of(plan, &copies));
        if plan.kind == 19 && !copies.is_empty() {
            let earlier = plan.earlier.get(&copies).0.clone();
            made.id = earlier.id;
            if plan.quantity % 2 == 0 {
                made.body = earlier.body;
            }
        }
        copies.push((made, origin));
    }
    copies
}

/// The fold as the module's documentation of stock defines it, SKU by SKU, from all events at once.
fn expected(events: &[Copy]) -> BTreeMap<Sku, StockRow> {
    let winners = winners(events);
    let mut rows: BTreeMap<Sku, StockRow> = BTreeMap::new();
    for (event, origin) in winners.values() {
        let steps = stock::steps(event, origin.writer.epoch);
        steps.into_iter().for_each(|(sku, step)| rows.entry(sku.clone()).or_default().apply(step, false));
        if let Body::Count(count) = &event.body {
            count.lines.iter().for_each(|line| {
                rows.entry(line.sku.clone()).or_default();
            });
        }
    }
    for (sku, row) in &mut rows {
        let counts = winners.values().filter_map(|(event, _)| match &event.body {
            Body::Count(count) => {
                count.lines.iter().find(|line| line.sku == *sku).map(|line| (event.occurred(), event.id, count, line))
            }
            _ => None,
        });
        let Some((at, id, count, line)) = counts.max_by_key(|(at, id, ..)| (*at, *id)) else { continue };
        let since = winners.values().filter(|(event, origin)| !stock::covers(count, at, event, origin));
        let since = since.flat_map(|(event, origin)| stock::steps(event, origin.writer.epoch));
        let since = since.filter(|(moved, _)| *moved == sku).map(|(_, step)| step.movement);
        row.count(id, at, (count.of, line.quantity), Since::of(since));
    }
    rows
}

fn stock_of(fold: &StockFold) -> BTreeMap<Sku, StockRow> {
    fold.rows().iter().map(|(sku, row)| (sku.clone(), row.stock.clone())).collect()
}

/// The opening as somebody reads it who heard its pieces in another order.
fn sent(opening: &Opening) -> Opening {
    let pieces = opening.to_pieces();
    let heard: Vec<_> = pieces.iter().rev().map(|piece| read(&piece.to_bytes()).unwrap()).collect();
    Opening::assemble(heard).unwrap().unwrap()
}

proptest! {
    #[test]
    fn an_opening_and_what_it_does_not_cover_come_to_the_same_as_all_events(
        plans in proptest::collection::vec(plan(), 0..60),
        cut in [0..20_u64, 0..20, 0..20],
        turn in any::<proptest::sample::Index>(),
    ) {
        let all = events_of(&plans);
        let is_covered = |copy: &Copy| copy.0.number < cut[usize::from(copy.1.boot.as_bytes()[0])];
        let of_both = |id: EventId| {
            let mut sides = all.iter().filter(|copy| copy.0.id == id).map(is_covered);
            let first = sides.next();
            sides.any(|side| Some(side) != first)
        };
        let all: Vec<_> = all.iter().filter(|copy| !of_both(copy.0.id)).cloned().collect();
        let (covered, mut rest): (Vec<_>, Vec<_>) = all.iter().cloned().partition(is_covered);
        if !rest.is_empty() {
            let places = turn.index(rest.len());
            rest.rotate_left(places);
        }
        let fold = StockFold::default().extend(&covered).expect("nothing was folded before");
        prop_assert_eq!(stock_of(&fold), expected(&covered));
        let opening = Opening { fold, ..Opening::default() };
        match sent(&opening).fold.extend(&rest) {
            Ok(fold) => prop_assert_eq!(stock_of(&fold), expected(&all)),
            Err(ReachesBehind { count, sku }) => {
                let counts = || rest.iter().map(|(event, _)| event).filter(|event| event.id == count);
                let of_available = |event: &Event| {
                    matches!(&event.body, Body::Count(count) if count.of == CountOf::Available)
                };
                let is_of_available = counts().any(of_available);
                let matters = |movement: Movement| {
                    movement.on_hand() != 0 || (is_of_available && movement.owed().is_some())
                };
                let moved = covered.iter().filter(|(event, origin)| {
                    let steps = stock::steps(event, origin.writer.epoch);
                    steps.iter().any(|(moved, step)| **moved == sku && matters(step.movement))
                });
                prop_assert!(moved.map(|(event, _)| event.occurred()).max() > counts().map(Event::occurred).min());
            }
        }
    }

    #[test]
    fn folding_in_two_steps_through_two_openings_is_folding_once(
        plans in proptest::collection::vec(
            plan().prop_filter("counts on time, no copies", |plan| plan.kind != 19),
            0..60
        ),
        first in any::<proptest::sample::Index>(),
    ) {
        let mut all = events_of(&plans);
        // Every clock is right, so no count reaches behind.
        for (place, copy) in all.iter_mut().enumerate() {
            copy.0.recorded_at = Timestamp(NOON + i64::try_from(place).unwrap());
        }
        let (before, after) = all.split_at(first.index(all.len() + 1));
        let fold = StockFold::default().extend(before).unwrap();
        let fold = sent(&Opening { fold, ..Opening::default() }).fold.extend(after).unwrap();
        let once = StockFold::default().extend(&all).unwrap();
        prop_assert_eq!(fold.difference(&once), 0);
        prop_assert_eq!(fold, once);
    }
}

#[test]
fn a_late_sale_from_before_the_count_is_not_taken_off_twice() {
    let covered = [
        (event(id_of(1), 0, 0, receipt(1, 10)), origin(0)),
        (event(id_of(2), 1, 100, count(1, 7, Vec::new())), origin(0)),
    ];
    let late = [(event(id_of(3), 0, 50, sale(1, 3)), origin(1)), (event(id_of(4), 1, 150, sale(1, 2)), origin(1))];
    let fold = StockFold::default().extend(&covered).unwrap().extend(&late).unwrap();
    assert_eq!(fold.rows()[&sku(1)].stock.on_hand(), 5);
}

#[test]
fn a_count_from_before_what_was_folded_is_refused_unless_a_later_count_was_folded() {
    let covered = [(event(id_of(1), 0, 100, sale(1, 1)), origin(0))];
    let late = [(event(id_of(2), 0, 50, count(1, 7, Vec::new())), origin(1))];
    let fold = StockFold::default().extend(&covered).unwrap();
    let error = fold.clone().extend(&late).unwrap_err();
    assert_eq!(error, ReachesBehind { count: id_of(2), sku: sku(1) });
    let counted = fold.extend(&[(event(id_of(3), 1, 120, count(1, 9, Vec::new())), origin(0))]).unwrap();
    assert_eq!(counted.extend(&late).unwrap().rows()[&sku(1)].stock.on_hand(), 9);
}

#[test]
fn a_large_opening_is_cut_into_pieces_that_fit_a_change() {
    let long = |number: usize| Sku::new(&format!("{number:0>64}")).unwrap();
    let mut opening = Opening::default();
    for number in 0..3_000 {
        let (at, quantity, since) = (Timestamp(NOON), i64::MAX, i64::MIN);
        let counted = Counted { event: id_of(number), at, quantity, since, promised: Some(i64::MAX) };
        let seen = vec![Seen { epoch: writer(1).epoch, boot: origin(1).boot, through: u64::MAX }; number % 40];
        opening.fold.counts.insert(id_of(number), Count { lines: Vec::new(), seen, of: CountOf::OnHand });
        let mut stock = StockRow { entered: i64::MAX, left: i64::MIN, counted: Some(counted), ..StockRow::default() };
        (0..3).for_each(|promise| stock.set_owed(id_of(number * 3 + promise), 1));
        stock.owed_since.insert(id_of(number), 1);
        opening.fold.rows.insert(long(number), FoldedRow { stock, moved: Some(at), promised: Some(at) });
    }
    for day in 0..1_200 {
        let date = BusinessDate::from_days(day).unwrap();
        let heads = vec![ChangeHash::from_bytes([7; ChangeHash::LEN])];
        opening.ledgers.push(Folded { writer: writer(1), date, heads, changes: 1 });
    }
    let pieces = opening.to_pieces();
    let entries = |piece: &Piece| piece.ledgers.len() + piece.counts.len() + piece.rows.len() + piece.owed.len();
    assert!(pieces.iter().all(|piece| piece.to_bytes().len() < 48 * 1024 && entries(piece) <= MAX_ENTRIES));
    assert!(pieces[..ledger_pieces(&pieces)].iter().map(|piece| piece.ledgers.len()).sum::<usize>() == 1_200);
    let read = sent(&opening);
    assert_eq!((read.ledgers, read.fold), (opening.ledgers, opening.fold));
}

#[test]
fn pieces_that_contradict_each_other_make_no_opening() {
    let fold = StockFold::default().extend(&[(event(id_of(1), 0, 0, receipt(1, 1)), origin(0))]).unwrap();
    let piece = Opening { fold, ..Opening::default() }.to_pieces().remove(0);
    assert!(Opening::assemble(vec![piece.clone(), piece.clone()]).is_err(), "twice the same");
    let second = Piece { number: 1, ..piece.clone() };
    assert!(Opening::assemble(vec![piece.clone(), second]).is_err(), "more than its header says");
    let waits = Header { pieces: 2, ..Header::default() };
    let first = Piece { header: Some(waits), ..piece.clone() };
    assert_eq!(Opening::assemble(vec![first.clone()]), Ok(None), "one is missing");
    let again = Piece { number: 1, header: None, ..piece.clone() };
    assert!(Opening::assemble(vec![first, again]).is_err(), "a SKU twice");
    let mut rows = piece.rows.clone();
    rows[0].counted = Some(Counted { event: id_of(9), at: Timestamp(0), quantity: 1, since: 0, promised: None });
    assert!(Opening::assemble(vec![Piece { rows, ..piece }]).is_err(), "a count that is not there");
}

#[test]
fn a_piece_of_a_newer_node_is_read_without_its_further_lists() {
    let piece = Piece { number: 3, rights: Some(Vec::new()), owed_since: Some(Vec::new()), ..Piece::default() };
    let mut bytes = piece.to_bytes();
    // A ninth field: the array's head says one more, and an empty list follows.
    assert_eq!(bytes[1], 0x88);
    bytes[1] = 0x89;
    bytes.push(0x80);
    assert_eq!(read(&bytes), Some(piece));
    bytes[0] = OPENING_VERSION + 1;
    assert_eq!(read(&bytes), None);
}

#[test]
fn what_is_given_back_of_a_voucher_counts_with_what_took_it_alone() {
    let voucher = Sku::new(&format!("voucher-{}-uses", "0".repeat(32))).unwrap();
    let order = id_of(7);
    let lines = || vec![Line { sku: voucher.clone(), quantity: 1 }];
    let taken = Body::Redemption(Redemption { order, lines: lines() });
    let given_back = Body::RedemptionReversal(RedemptionReversal { order, lines: lines() });
    let taken = (event(Redemption::id_of(order), 0, 0, taken), origin(1));
    let by = |stream| (event(RedemptionReversal::id_of(order), 0, 1, given_back.clone()), origin(stream));
    let entered = |events: &[Copy]| {
        let fold = StockFold::default().extend(events).unwrap();
        fold.rows().get(&voucher).map_or(0, |row| row.stock.entered)
    };
    assert_eq!(entered(&[by(1), taken.clone()]), 1);
    assert_eq!(entered(&[by(2), taken]), 0, "another node took it");
    assert_eq!(entered(&[by(1)]), 0, "nobody took it");
}
