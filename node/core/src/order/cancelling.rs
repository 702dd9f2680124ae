//! Giving a confirmed promise up in two steps: who made it asks the location that serves it, and gives up what that
//! consents to.
//!
//! ```text
//! asked ──► consented to ──► given up
//!       └─► without effect: its goods have left
//! ```
//!
//! What is consented to is not handed over any more, so it is never handed over and sold again. All of it is added up
//! from the events that name the order, so the order in which a node hears them does not matter.

use std::collections::BTreeMap;

use super::Order;
use crate::event::{Body, CancellationRequest, Event, Line, Origin};
use crate::id::{EventId, Sku};

/// A request to give a confirmed promise up, and what came of it.
#[derive(Debug, Clone)]
pub struct Cancellation<'a> {
    /// The event that asks.
    pub event: &'a Event,
    /// Where that stands.
    pub origin: &'a Origin,
    /// What it says.
    pub body: &'a CancellationRequest,
    /// Where it stands.
    pub state: CancellationState,
    /// What it asks for.
    pub lines: BTreeMap<Sku, Cancelled>,
}

/// Where a request to give a promise up stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancellationState {
    /// The location has not answered, as far as is known.
    Requested,
    /// The location hands it over no more; the promise is about to be given up.
    Consented,
    /// The promise was given up, as far as the location consented.
    GivenUp,
    /// Nothing was given up: the goods had left, or were given up otherwise.
    WithoutEffect,
}

impl CancellationState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Consented => "consented",
            Self::GivenUp => "given-up",
            Self::WithoutEffect => "without-effect",
        }
    }
}

/// How much of a SKU of a request came how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cancelled {
    /// Asked for.
    pub requested: i64,
    /// The location hands it over no more.
    pub consented: i64,
    /// Given up.
    pub given_up: i64,
}

type Lines = BTreeMap<Sku, Cancelled>;

impl Order {
    /// The requests to give it up, in the order in which this node heard them.
    pub fn cancellations(&self) -> Vec<Cancellation<'_>> {
        let mut answers = self.answers();
        let asked = self.later.iter().filter_map(|(event, origin)| match &event.body {
            Body::CancellationRequest(body) => Some((event, origin, body)),
            _ => None,
        });
        let read = asked.map(|(event, origin, body)| {
            let answer = answers.remove(&event.id);
            let consented = answer.is_some();
            let mut lines = answer.unwrap_or_default();
            add(&mut lines, &body.lines, |of, quantity| of.requested += quantity);
            let state = self.state_of(&lines, consented);
            Cancellation { event, origin, body, state, lines }
        });
        read.collect()
    }

    /// How much of a SKU the location has consented to give up that is not given up yet: it is not handed over.
    pub fn withdrawn(&self, sku: &Sku) -> i64 {
        withdrawn(&self.answers(), sku).min(self.left_to_fulfil(sku))
    }

    /// How much of a SKU may still be handed over or shipped.
    pub fn left_to_leave(&self, sku: &Sku) -> i64 {
        self.left_to_fulfil(sku) - self.withdrawn(sku)
    }

    /// What requests that are not over ask for, of each SKU no more than is left.
    pub fn left_to_cancel(&self, sku: &Sku) -> i64 {
        let open = self.cancellations().into_iter().filter(Cancellation::is_open);
        let asked: i64 = open.filter_map(|it| it.lines.get(sku).map(|of| of.requested - of.given_up)).sum();
        (self.left_to_fulfil(sku) - asked.max(0)).max(0)
    }

    /// What was consented to and given up, by the requests, whether those were heard or not.
    fn answers(&self) -> BTreeMap<EventId, Lines> {
        let mut answers: BTreeMap<EventId, Lines> = BTreeMap::new();
        for (event, _) in &self.later {
            match &event.body {
                Body::Consent(body) => {
                    let lines = answers.entry(body.request).or_default();
                    // For a node that was retired its keeper answers, too: the two say the same thing twice.
                    add(lines, &body.lines, |of, quantity| of.consented = of.consented.max(quantity));
                }
                Body::Release(body) => {
                    let Some(request) = body.request else { continue };
                    let lines = answers.entry(request).or_default();
                    add(lines, &body.lines, |of, quantity| of.given_up += quantity);
                }
                _ => {}
            }
        }
        answers
    }

    fn state_of(&self, lines: &Lines, consented: bool) -> CancellationState {
        // Added up once: an order may have hundreds of SKUs.
        let (quantities, answers) = (self.quantities(), self.answers());
        let left = |sku: &Sku| quantities.get(sku).map_or(0, |of| of.ordered - of.released - of.fulfilled).max(0);
        let leaves = |sku: &Sku| left(sku) - withdrawn(&answers, sku).min(left(sku));
        let any = |quantity: &dyn Fn(&Sku, &Cancelled) -> i64| lines.iter().any(|(sku, of)| quantity(sku, of) > 0);
        match consented {
            _ if any(&|_, of| of.given_up) => CancellationState::GivenUp,
            true if any(&|sku, of| of.consented.min(left(sku))) => CancellationState::Consented,
            false if any(&|sku, of| of.requested.min(leaves(sku))) => CancellationState::Requested,
            _ => CancellationState::WithoutEffect,
        }
    }
}

impl Cancellation<'_> {
    /// Whether something may still come of it.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, CancellationState::Requested | CancellationState::Consented)
    }

    /// What of it the location can consent to: what has not left, and is not withdrawn already.
    pub fn to_consent(&self, order: &Order) -> Vec<Line> {
        self.of_each(|sku, of| of.requested.min(order.left_to_leave(sku)))
    }

    /// What of it can be given up now: what the location consented to and nobody handed over all the same.
    pub fn to_give_up(&self, order: &Order) -> Vec<Line> {
        self.of_each(|sku, of| (of.consented - of.given_up).min(order.left_to_fulfil(sku)))
    }

    /// Whether it asks for all of these.
    pub fn covers(&self, lines: &[Line]) -> bool {
        let mut wanted: BTreeMap<&Sku, i64> = BTreeMap::new();
        lines.iter().for_each(|line| *wanted.entry(&line.sku).or_default() += line.quantity);
        wanted.iter().all(|(sku, quantity)| self.lines.get(*sku).is_some_and(|of| of.requested >= *quantity))
    }

    /// Whether it asks for nothing more that is open once these are given up.
    pub fn is_done_by(&self, lines: &[Line], order: &Order) -> bool {
        let given_up = |sku: &Sku| lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
        self.lines.iter().all(|(sku, of)| given_up(sku) >= of.requested.min(order.left_to_fulfil(sku)))
    }

    fn of_each(&self, quantity: impl Fn(&Sku, &Cancelled) -> i64) -> Vec<Line> {
        let lines = self.lines.iter().map(|(sku, of)| Line { sku: sku.clone(), quantity: quantity(sku, of) });
        lines.filter(|line| line.quantity > 0).collect()
    }
}

/// How much of a SKU was consented to and is not given up yet.
fn withdrawn(answers: &BTreeMap<EventId, Lines>, sku: &Sku) -> i64 {
    let of = answers.values().filter_map(|lines| lines.get(sku));
    of.map(|of| (of.consented - of.given_up).max(0)).sum()
}

fn add(lines: &mut Lines, from: &[Line], add: impl Fn(&mut Cancelled, i64)) {
    from.iter().for_each(|line| add(lines.entry(line.sku.clone()).or_default(), line.quantity));
}
