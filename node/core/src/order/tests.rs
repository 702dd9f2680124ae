use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::event::{
    CancellationRequest, Consent, Delivery, Disposition, DispositionLine, Fulfilment, Line, Progress, Promise,
    PromisePolicy, Release, Return, ReturnAuthorisation, ReturnLine, SaleTax, Stage, StagedLine, TaxPart,
};
use crate::id::{Boot, Epoch, Name, Sku, Writer};
use crate::time::{BusinessDate, Timestamp};

fn sku() -> Sku {
    Sku::new("milk").unwrap()
}

fn id(number: u8) -> EventId {
    EventId::from_bytes([number; EventId::LEN])
}

fn origin() -> Origin {
    let name = |name| Name::new(name).unwrap();
    let writer = Writer { node: name("till"), epoch: Epoch::from_bytes([1; Epoch::LEN]) };
    let date = BusinessDate::from_days(20_000).unwrap();
    Origin { location: name("shop"), writer, boot: Boot::from_bytes([1; Boot::LEN]), date }
}

fn event(number: u8, body: Body) -> Event {
    Event {
        id: id(number),
        number: u64::from(number),
        recorded_at: Timestamp(i64::from(number)),
        occurred_at: None,
        body,
        channel: None,
        reference: None,
        clerk: None,
    }
}

/// A confirmed promise of so much milk.
fn promised(quantity: i64) -> Order {
    let line = PricedLine { sku: sku(), quantity, amount: None, unit_price: None, burned: None };
    let body = Body::Promise(Promise {
        lines: vec![line],
        policy: PromisePolicy::Strict,
        expires_at: None,
        currency: None,
        adjustments: Vec::new(),
        customer: None,
        cart: None,
        stated: None,
        pricing: None,
        tax: None,
    });
    Order::new(event(0, body), origin())
}

fn progress(from: Stage, to: Stage, quantity: i64) -> Body {
    Body::Progress(Progress {
        promise: id(0),
        stage: to,
        lines: vec![StagedLine { sku: sku(), quantity, stage: from }],
    })
}

fn left(from: Stage, quantity: i64, handover: Option<Handover>) -> Body {
    let stages = (from != Stage::Placed).then(|| vec![StagedLine { sku: sku(), quantity, stage: from }]);
    let lines = vec![Line { sku: sku(), quantity }];
    Body::Fulfilment(Fulfilment { promise: id(0), lines, parcel: None, handover, stages, from: None })
}

fn released(quantity: i64) -> Body {
    let lines = vec![Line { sku: sku(), quantity }];
    Body::Release(Release { promise: id(0), lines, reason: None, rights: None, request: None })
}

fn asked_to_give_up(quantity: i64) -> Body {
    let lines = vec![Line { sku: sku(), quantity }];
    let asked = Name::new("till").unwrap();
    Body::CancellationRequest(CancellationRequest { promise: id(0), lines, asked, reason: None })
}

fn consented(quantity: i64, request: u8) -> Body {
    let lines = vec![Line { sku: sku(), quantity }];
    Body::Consent(Consent { promise: id(0), request: id(request), lines })
}

fn given_up(quantity: i64, request: u8) -> Body {
    let lines = vec![Line { sku: sku(), quantity }];
    Body::Release(Release { promise: id(0), lines, reason: None, rights: None, request: Some(id(request)) })
}

fn authorised(quantity: i64) -> Body {
    let lines = vec![Line { sku: sku(), quantity }];
    Body::ReturnAuthorisation(ReturnAuthorisation { order: id(0), lines, until: None })
}

/// Goods that came back by an authorisation and were kept aside.
fn returned(quantity: i64, authorisation: u8) -> Body {
    let lines = vec![ReturnLine { sku: sku(), quantity, restock: false, undecided: Some(true) }];
    Body::Return(Return { order: Some(id(0)), lines, authorisation: Some(id(authorisation)) })
}

fn decided(quantity: i64, back: u8) -> Body {
    let lines = vec![DispositionLine { sku: sku(), quantity, restock: true }];
    Body::Disposition(Disposition { back: id(back), order: Some(id(0)), lines })
}

fn after(quantity: i64, bodies: impl IntoIterator<Item = Body>) -> Order {
    let mut order = promised(quantity);
    let numbered = (1..).zip(bodies).map(|(number, body)| (event(number, body), origin()));
    order.later.extend(numbered);
    order
}

/// What is placed, allocated, picked and ready.
fn stages(order: &Order) -> [i64; 4] {
    let of = order.quantities()[&sku()];
    Stage::ALL.map(|stage| of.at(stage))
}

#[test]
fn goods_go_forwards_and_back_through_the_stages() {
    let mut bodies = Vec::new();
    for (body, expected, status) in [
        (progress(Stage::Placed, Stage::Allocated, 5), [0, 5, 0, 0], Status::Allocated),
        (progress(Stage::Allocated, Stage::Picked, 3), [0, 2, 3, 0], Status::Allocated),
        (progress(Stage::Allocated, Stage::Picked, 2), [0, 0, 5, 0], Status::Picked),
        (progress(Stage::Picked, Stage::Ready, 5), [0, 0, 0, 5], Status::Ready),
        (progress(Stage::Ready, Stage::Placed, 1), [1, 0, 0, 4], Status::Placed),
        (left(Stage::Ready, 3, None), [1, 0, 0, 1], Status::PartlyFulfilled),
        (released(1), [0, 0, 0, 1], Status::PartlyFulfilled),
        (left(Stage::Ready, 1, None), [0, 0, 0, 0], Status::Completed),
    ] {
        bodies.push(body);
        let order = after(5, bodies.clone());
        assert_eq!((stages(&order), order.status()), (expected, status), "after {} events", bodies.len());
    }
}

#[test]
fn what_leaves_without_having_been_picked_leaves_the_stages_as_they_are() {
    let order = after(5, [progress(Stage::Placed, Stage::Picked, 2), left(Stage::Placed, 3, None)]);
    assert_eq!(stages(&order), [0, 0, 2, 0]);
}

#[test]
fn what_is_given_up_is_at_no_stage() {
    let order = after(5, [progress(Stage::Placed, Stage::Ready, 4), released(3)]);
    assert_eq!(stages(&order), [0, 0, 0, 2]);
}

#[test]
fn what_was_picked_and_is_given_up_is_to_be_put_back_until_it_was() {
    let pick = |quantity| progress(Stage::Placed, Stage::Picked, quantity);
    let back = |from, quantity| progress(from, Stage::Placed, quantity);
    for (what, bodies, expected) in [
        ("nothing is given up", vec![pick(5)], 0),
        ("all was picked", vec![pick(5), released(5)], 5),
        ("the rest was not picked", vec![pick(3), released(2)], 0),
        ("more is picked than is left", vec![pick(3), released(4)], 2),
        ("it was given up first", vec![released(5), pick(5)], 5),
        ("a part was put back", vec![pick(5), released(5), back(Stage::Picked, 2)], 3),
        ("it was put back before", vec![pick(5), back(Stage::Picked, 5), released(5)], 0),
        ("some of it has left", vec![pick(5), left(Stage::Picked, 3, None), released(2)], 2),
        ("it left without being told to be picked", vec![pick(5), left(Stage::Placed, 5, None)], 0),
        ("it left although it was given up", vec![pick(5), released(5), left(Stage::Picked, 5, None)], 0),
        ("two nodes told of the same goods", vec![pick(5), pick(5), released(2)], 2),
        ("it was only taken on", vec![progress(Stage::Placed, Stage::Allocated, 5), released(5)], 0),
    ] {
        assert_eq!(after(5, bodies).to_put_back(), expected, "{what}");
    }
}

#[test]
fn what_is_put_back_is_what_was_given_up_and_then_what_is_still_wanted() {
    let told = [progress(Stage::Placed, Stage::Picked, 4), progress(Stage::Picked, Stage::Ready, 3), released(3)];
    let of = after(5, told).quantities()[&sku()];
    assert_eq!((of.ready, of.to_put_back), (2, 2));
    assert_eq!([Stage::Picked, Stage::Ready].map(|stage| of.given_up_at(stage)), [1, 1]);
    let back = of.take_back(3, &[Stage::Allocated, Stage::Picked, Stage::Ready]);
    assert_eq!(back, [(Stage::Picked, 1), (Stage::Ready, 1), (Stage::Ready, 1)]);
}

#[test]
fn shipped_goods_are_on_their_way_until_they_have_arrived() {
    let shipped = |quantity| left(Stage::Placed, quantity, Some(Handover::Shipped));
    let arrived = |numbers: &[u8]| {
        let shipments = numbers.iter().map(|number| id(*number)).collect();
        Body::Delivery(Delivery { promise: id(0), shipments })
    };
    let both = [shipped(2), shipped(3)];
    assert_eq!(after(6, both.clone()).status(), Status::PartlyFulfilled);
    assert_eq!(after(5, both.clone()).status(), Status::Shipped);
    let [first, second] = both;
    assert_eq!(after(5, [first.clone(), second.clone(), arrived(&[1])]).status(), Status::Shipped);
    assert_eq!(after(5, [first, second, arrived(&[1]), arrived(&[1, 2])]).status(), Status::Completed);
    assert_eq!(after(1, [left(Stage::Placed, 1, Some(Handover::Collected))]).status(), Status::Completed);
}

/// Where requests to give up stand, by their ids.
fn requests(order: &Order) -> BTreeMap<EventId, (&'static str, BTreeMap<Sku, Cancelled>)> {
    let requests = order.cancellations().into_iter();
    requests.map(|it| (it.event.id, (it.state.as_str(), it.lines))).collect()
}

/// What authorisations have open, by their ids.
fn open(order: &Order) -> BTreeMap<EventId, i64> {
    order.authorisations().iter().map(|given| (given.event.id, given.open(&sku()))).collect()
}

#[test]
fn too_much_that_is_decided_on_one_return_makes_up_for_nothing_of_another() {
    let order = after(9, [left(Stage::Placed, 9, None), returned(2, 7), returned(3, 7), decided(4, 2)]);
    assert_eq!(order.quantities()[&sku()].undecided, 3);
}

#[test]
fn a_request_to_give_up_goes_from_asked_to_given_up_or_ends_without_effect() {
    use CancellationState as State;
    let asked = || asked_to_give_up(3);
    for (what, bodies, state, left) in [
        ("nobody has answered", vec![asked()], State::Requested, 5),
        ("it was consented to", vec![asked(), consented(3, 1)], State::Consented, 2),
        ("it was given up", vec![asked(), consented(3, 1), given_up(3, 1)], State::GivenUp, 2),
        ("less than the rest is left", vec![asked(), left(Stage::Placed, 4, None)], State::Requested, 1),
        ("all of it has left", vec![asked(), left(Stage::Placed, 5, None)], State::WithoutEffect, 0),
        ("it was given up otherwise", vec![asked(), released(5)], State::WithoutEffect, 0),
        (
            "somebody who had not heard handed it over",
            vec![asked(), consented(3, 1), left(Stage::Placed, 5, None)],
            State::WithoutEffect,
            0,
        ),
    ] {
        let order = after(5, bodies);
        assert_eq!((order.cancellations()[0].state, order.left_to_leave(&sku())), (state, left), "{what}");
    }
}

fn any_stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(Stage::ALL.to_vec())
}

/// What nodes that have not heard of each other may say.
fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => (any_stage(), any_stage(), 1..6_i64).prop_map(|(from, to, quantity)| progress(from, to, quantity)),
        1 => (any_stage(), 1..6_i64).prop_map(|(from, quantity)| left(from, quantity, Some(Handover::Shipped))),
        1 => (1..4_i64).prop_map(released),
        1 => (1..4_i64).prop_map(authorised),
        1 => (1..4_i64).prop_map(asked_to_give_up),
        1 => (1..4_i64, 1..9_u8).prop_map(|(quantity, number)| consented(quantity, number)),
        1 => (1..4_i64, 1..9_u8).prop_map(|(quantity, number)| given_up(quantity, number)),
        2 => (1..4_i64, 1..9_u8).prop_map(|(quantity, number)| returned(quantity, number)),
        2 => (1..4_i64, 1..9_u8).prop_map(|(quantity, number)| decided(quantity, number)),
        1 => (1..9_u8).prop_map(|number| {
            Body::Delivery(Delivery { promise: id(0), shipments: vec![id(number)] })
        }),
    ]
}

proptest! {
    #[test]
    fn an_order_stands_the_same_whatever_the_order_in_which_its_events_are_heard(
        (bodies, order) in prop::collection::vec(any_body(), 1..9).prop_flat_map(|bodies| {
            let places: Vec<usize> = (0..bodies.len()).collect();
            (Just(bodies), Just(places).prop_shuffle())
        }),
    ) {
        let heard = after(8, bodies);
        let mut otherwise = promised(8);
        otherwise.later = order.into_iter().map(|place| heard.later[place].clone()).collect();
        prop_assert_eq!(heard.quantities(), otherwise.quantities());
        prop_assert_eq!(heard.status(), otherwise.status());
        prop_assert_eq!(open(&heard), open(&otherwise));
        prop_assert_eq!(requests(&heard), requests(&otherwise));
        prop_assert_eq!(heard.left_to_leave(&sku()), otherwise.left_to_leave(&sku()));
    }

    #[test]
    fn no_more_is_to_be_put_back_than_was_given_up(bodies in prop::collection::vec(any_body(), 1..9)) {
        let of = after(8, bodies).quantities()[&sku()];
        prop_assert!((0..=of.released).contains(&of.to_put_back), "{of:?}");
        let parts = Stage::ALL.map(|stage| of.given_up_at(stage));
        prop_assert!(parts.iter().all(|part| *part >= 0) && parts.iter().sum::<i64>() == of.to_put_back, "{of:?}");
    }

    #[test]
    fn no_more_is_at_the_stages_than_is_left_to_leave(bodies in prop::collection::vec(any_body(), 1..9)) {
        let order = after(8, bodies);
        let at = stages(&order);
        prop_assert!(at.iter().all(|quantity| *quantity >= 0), "{at:?}");
        prop_assert_eq!(at.iter().sum::<i64>(), order.left_to_fulfil(&sku()));
    }
}

#[test]
fn a_line_s_share_holds_the_tax_that_was_added_for_it() {
    let mut order = promised(1);
    let bread = Sku::new("bread").unwrap();
    if let Body::Promise(promise) = &mut order.made.body {
        let line =
            |sku: &Sku| PricedLine { sku: sku.clone(), quantity: 1, amount: Some(100), unit_price: None, burned: None };
        promise.lines = vec![line(&sku()), line(&bread)];
        let part = |class: &str, rate, tax| TaxPart { class: Name::new(class).ok(), rate, taxable: 100, tax };
        let parts = vec![part("standard", 200_000, 20), part("zero", 0, 0)];
        promise.tax = Some(SaleTax { inclusive: false, parts, lines: vec![0, 1] });
    }
    let one = |sku: &Sku| order.paid_for(&[Line { sku: sku.clone(), quantity: 1 }]);
    assert_eq!((order.paid(), one(&sku()), one(&bread)), (220, 120, 100));
}

proptest! {
    #[test]
    fn parts_of_a_promise_are_paid_for_by_no_more_than_the_whole(
        lines in prop::collection::vec((1..50_i64, prop::option::of(0..100_000_i64)), 1..8),
        discount in 0..200_000_i64,
        cut in prop::collection::vec(0..50_i64, 8),
    ) {
        let mut order = promised(1);
        let name = |index: usize| Sku::new(&format!("sku{}", index % 3)).unwrap();
        if let Body::Promise(promise) = &mut order.made.body {
            let line = |(index, (quantity, amount)): (usize, &(i64, Option<i64>))| PricedLine {
                sku: name(index), quantity: *quantity, amount: *amount, unit_price: None, burned: None,
            };
            promise.lines = lines.iter().enumerate().map(line).collect();
            let amount = -discount.min(promise.total());
            promise.adjustments =
                vec![PriceAdjustment { promotion: origin().location, line: None, amount, reason: String::new() }];
        }
        let quantities = lines.iter().enumerate().map(|(index, (quantity, _))| (name(index), *quantity));
        let all: Vec<_> = quantities.clone().map(|(sku, quantity)| Line { sku, quantity }).collect();
        let part: Vec<_> = quantities
            .zip(&cut)
            .map(|((sku, quantity), cut)| Line { sku, quantity: (quantity - cut).max(0) })
            .collect();
        let (whole, paid) = (order.paid(), order.paid_for(&part));
        prop_assert_eq!(order.paid_for(&all), whole);
        prop_assert_eq!(order.paid_for(&[]), 0);
        prop_assert!((0..=whole).contains(&paid), "{} of {}", paid, whole);
    }
}
