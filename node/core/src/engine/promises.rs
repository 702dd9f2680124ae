//! Promises: goods kept for somebody who does not have them in hand yet.
//!
//! A promise takes rights that this node holds now, all lines or none. Only the node that made it may confirm it or
//! give it up, in the same epoch or in a later one where its store left that one because it ran twice; an unconfirmed
//! one ends when its time is over. That time is counted in this process, so that a clock that jumps neither ends every
//! promise at once nor keeps one for ever.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::Engine;
use super::orders::{check_left, open_lines};
use super::prices::{PricedLines, check_quantity};
use super::record::Draft;
use super::sales::FromCart;
use super::state::{Call, second_id};
use crate::command::{LineRequest, Outcome, PromiseTerms, Reservation};
use crate::event::{Body, Confirmation, Event, Line, Origin, PricedLine, Promise, PromisePolicy, Release};
use crate::id::{EventId, Name, Reference, Sku, Writer};
use crate::money::{MAX_AMOUNT, Money};
use crate::order::Order;
use crate::refusal::{Missing, Refusal};
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;
use crate::view::EventRow;

/// The longest that an unconfirmed promise may keep goods from others: a month.
pub const MAX_TTL_SECONDS: u32 = 31 * 24 * 3_600;
/// How much time one step of the clock counts for at most: longer than a node ever sleeps. More is a clock that jumped.
const MAX_STEP_MILLIS: i64 = 90_000;

/// Unconfirmed promises of this node, by when they end.
#[derive(Default)]
pub(super) struct Holds {
    /// What has gone by in this process, in milliseconds, by steps of the clock that can be true.
    gone_by: i64,
    last: Option<Timestamp>,
    ends: BTreeSet<(i64, EventId)>,
    /// Those that a start found, whose time begins with the first step.
    found: Vec<(EventId, Timestamp, Timestamp)>,
    /// Those of which something left or was given up in this commit.
    to_look_at: BTreeSet<EventId>,
}

impl Holds {
    fn step(&mut self, now: Timestamp) {
        let step = self.last.map_or(0, |last| now.as_millis() - last.as_millis());
        self.gone_by += step.clamp(0, MAX_STEP_MILLIS);
        self.last = Some(now);
        for (id, made, ends) in std::mem::take(&mut self.found) {
            let whole = ends.as_millis() - made.as_millis();
            let left = (ends.as_millis() - now.as_millis()).clamp(0, whole.max(0));
            self.ends.insert((self.gone_by + left, id));
        }
    }

    /// Ends a promise in so many milliseconds.
    pub(super) fn hold(&mut self, now: Timestamp, promise: EventId, millis: i64) {
        self.step(now);
        self.ends.insert((self.gone_by + millis, promise));
    }

    fn take_ended(&mut self) -> Vec<EventId> {
        let later = self.ends.split_off(&(self.gone_by + 1, EventId::from_bytes([0; EventId::LEN])));
        std::mem::replace(&mut self.ends, later).into_iter().map(|(_, id)| id).collect()
    }

    /// Lets a promise stay, or be over.
    pub(super) fn forget(&mut self, promise: EventId) {
        self.ends.retain(|(_, id)| *id != promise);
    }

    pub(super) fn look_at(&mut self, promise: EventId) {
        self.to_look_at.insert(promise);
    }

    pub(super) fn take_to_look_at(&mut self) -> BTreeSet<EventId> {
        std::mem::take(&mut self.to_look_at)
    }

    /// When the next one ends, as far as the clock can be believed.
    pub fn next(&self) -> Option<Timestamp> {
        let (ends, _) = self.ends.first()?;
        Some(self.last?.plus_millis(ends - self.gone_by))
    }
}

impl<S: Storage> Engine<S> {
    /// Promises goods, or says what is missing and where the rest is.
    pub(super) fn reserve(&mut self, call: &mut Call<'_>, asked: &Reservation) -> Result<Outcome, Refusal> {
        for (index, line) in asked.lines.iter().enumerate() {
            check_quantity(format_args!("lines[{index}].quantity"), line.quantity, 1)?;
        }
        let location = self.location(asked.location.as_ref()).clone();
        let from = FromCart::default();
        let recorded = self.promise(call, &location, &asked.lines, asked.terms, asked.customer.as_ref(), from)?;
        Ok(Outcome::Recorded { events: vec![recorded], repeated: false })
    }

    /// Promises lines, all or none, to a customer or to what a cart came to.
    pub(super) fn promise(
        &mut self,
        call: &mut Call<'_>,
        location: &Name,
        lines: &[LineRequest],
        terms: PromiseTerms,
        customer: Option<&Reference>,
        from: FromCart,
    ) -> Result<(Event, Origin), Refusal> {
        self.check_not_retired()?;
        for (index, line) in lines.iter().enumerate() {
            self.check_known(&format!("lines[{index}].sku"), &line.sku)?;
        }
        let PricedLines { mut lines, currency } = self.price_lines(lines)?;
        self.check_location_held("location", location)?;
        let ttl = terms.ttl_seconds.map(|seconds| i64::from(seconds) * 1_000);
        let policy = self.back(call, location, &mut lines, terms.until)?;
        let body = Body::Promise(Promise {
            lines,
            policy,
            expires_at: ttl.map(|ttl| call.now.plus_millis(ttl)),
            currency,
            adjustments: from.adjustments,
            customer: customer.cloned(),
            cart: from.cart,
            stated: None,
            pricing: from.proof,
            tax: None,
        });
        let id = call.event_id(&self.config.node);
        let recorded = self.record(call, location, Draft { id, body, occurred_at: None })?;
        if let Some(ttl) = ttl {
            self.holds.hold(call.now, id, ttl);
        }
        Ok(recorded)
    }

    /// Lets lines take the rights that a promise of them needs, all or none, and says how it is backed. Until a time,
    /// peers are asked for what is missing; the refusal says so.
    pub(super) fn back(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        lines: &mut [PricedLine],
        until: Option<Timestamp>,
    ) -> Result<PromisePolicy, Refusal> {
        let mut wanted: BTreeMap<Sku, (usize, i64)> = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            wanted.entry(line.sku.clone()).or_insert((index, 0)).1 += line.quantity;
        }
        let (mut policy, mut missing, mut taken) = (PromisePolicy::Strict, Vec::new(), BTreeMap::new());
        let mut demand = Vec::with_capacity(wanted.len());
        for (sku, (index, wanted)) in wanted {
            demand.push((sku.clone(), wanted));
            let channel = call.request.channel.as_ref();
            let rights =
                (self.spendable_rights(location, &sku)? - self.kept_for_others(location, &sku, channel)?).max(0);
            taken.insert(sku.clone(), rights);
            let terms = self.terms(&sku, channel);
            let beyond = match terms.policy {
                PromisePolicy::Strict => 0,
                PromisePolicy::Buffered => terms.buffer - self.promised_beyond(location, &sku),
                PromisePolicy::Open => i64::MAX - rights,
            };
            let available = rights + beyond.max(0);
            if wanted > available {
                missing.push(Missing { field: format!("lines[{index}].quantity"), sku, wanted, available });
            } else if wanted > rights {
                policy = policy.max(terms.policy);
            }
        }
        let refusal = if missing.is_empty() { None } else { Some(self.not_available(call, location, missing, until)) };
        // What waits for peers is asked again, and counts then.
        if !matches!(refusal, Some(Refusal::NotAvailable { asking: true, .. })) {
            demand.iter().for_each(|(sku, wanted)| self.note_demand(call.now, location, sku, *wanted));
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        for line in lines {
            let rights = taken.get_mut(&line.sku).map_or(0, |left| {
                let rights = line.quantity.clamp(0, *left);
                *left -= rights;
                rights
            });
            line.burned = u64::try_from(rights).ok().filter(|rights| *rights > 0);
        }
        Ok(policy)
    }

    /// How many units of a location are promised, or somebody's to promise, beyond what there is.
    fn promised_beyond(&self, location: &Name, sku: &Sku) -> i64 {
        self.look::<StockRow, _>(&(location.clone(), sku.clone()), StockRow::over_rights).unwrap_or_default()
    }

    /// Confirms a promise, or the named part of it: the rest is given up.
    pub(super) fn confirm(&mut self, call: &mut Call<'_>, id: EventId, lines: &[Line]) -> Result<Outcome, Refusal> {
        let order = self.promise_of_own(id)?;
        let confirmation = confirmation_of(id);
        let open = open_lines(&order);
        if let Some(at) = self.row::<EventRow>(&confirmation)?.and_then(|row| row.counted()) {
            check_same(&order, lines, &open)?;
            let events = self.event(at)?.into_iter().collect();
            return Ok(Outcome::Recorded { events, repeated: true });
        }
        if open.is_empty() {
            return Err(Refusal::PromiseOver { promise: id, status: order.status() });
        }
        if !lines.is_empty() {
            super::stock::check_lines(lines, 1)?;
        }
        check_left(&order, lines.iter().map(|l| (&l.sku, l.quantity)), "confirm", Order::left_to_fulfil)?;
        let rest = if lines.is_empty() { Vec::new() } else { rest_of(&open, lines) };
        let location = order.origin.location.clone();
        let confirmed = if lines.is_empty() { &open } else { lines };
        let body = Body::Confirmation(Confirmation { promise: id, paid: paid_with(&order, confirmed) });
        let draft = Draft { id: confirmation, body, occurred_at: None };
        let mut events = vec![self.record(call, &location, draft)?];
        if !rest.is_empty() {
            let asked = self.must_ask(call.now, &order, &rest);
            let body = asked.unwrap_or_else(|| Body::Release(self.release_of(&order, rest, None)));
            let draft = Draft { id: second_id(confirmation), body, occurred_at: None };
            events.push(self.record(call, &location, draft).inspect_err(|error| self.break_off(error))?);
        }
        self.holds.forget(id);
        self.remember_events(call.request, &events);
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// Whether this node made a promise, in this epoch or in one that its store left because it ran twice: nobody else
    /// can give that up. The rights behind it are not this epoch's.
    pub(super) fn may_give_up(&self, order: &Order) -> bool {
        self.is_own_writer(&order.origin.writer)
    }

    /// Whether a writer is this node, in this epoch or in one that its store left.
    pub(super) fn is_own_writer(&self, writer: &Writer) -> bool {
        let own = self.identity.writer();
        let has_left = || self.has_left(writer.epoch) || self.retired.is_fenced(writer.epoch);
        writer == own || (writer.node == own.node && has_left())
    }

    pub(super) fn promise_of_own(&self, id: EventId) -> Result<Order, Refusal> {
        let order = self.a_promise(id)?;
        if self.may_give_up(&order) {
            return Ok(order);
        }
        Err(Refusal::NotOwner { promise: id, owner: order.origin.writer })
    }

    fn a_promise(&self, id: EventId) -> Result<Order, Refusal> {
        let order = self.order(id)?;
        if order.is_promise() {
            return Ok(order);
        }
        Err(Refusal::NotFound { kind: "reservation", id: id.to_string() })
    }

    /// What gives up lines of a promise, with the rights that come back: what is left stays backed as far as it was.
    pub(super) fn release_of(&self, order: &Order, lines: Vec<Line>, reason: Option<Reference>) -> Release {
        let mut given_up: BTreeMap<&Sku, i64> = BTreeMap::new();
        lines.iter().for_each(|line| *given_up.entry(&line.sku).or_default() += line.quantity);
        let is_own = order.origin.writer == *self.identity.writer();
        let back = given_up.into_iter().filter(|_| is_own).map(|(sku, quantity)| {
            let open = order.left_to_fulfil(sku);
            let backed = order.backed(sku).min(open);
            Line { sku: sku.clone(), quantity: (backed - (open - quantity)).max(0) }
        });
        let rights: Vec<_> = back.filter(|line| line.quantity > 0).collect();
        let rights = (!rights.is_empty()).then_some(rights);
        Release { promise: order.id, lines, reason, rights, request: None }
    }

    /// Finds this node's unconfirmed promises, and those that are being given up.
    pub(super) fn load_holds(&mut self) -> Result<(), StorageError> {
        let (gone_by, last) = (self.holds.gone_by, self.holds.last);
        self.holds = Holds { gone_by, last, ..Holds::default() };
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let owed: BTreeSet<EventId> = view.stock.iter().flat_map(|(_, row)| row.owed.keys().copied()).collect();
        drop(view);
        self.load_cancelling(&owed)?;
        for id in owed {
            let Some(made_at) = self.ends_by_itself(id)? else { continue };
            let Some(order) = self.known_order(id)? else { continue };
            self.holds.found.extend(unconfirmed_until(&order).map(|ends| (id, made_at, ends)));
        }
        Ok(())
    }

    /// When a promise was made that ends by itself, unless it was confirmed, and is this node's. Most are neither, so
    /// what happened to them since is not read.
    pub(super) fn ends_by_itself(&self, id: EventId) -> Result<Option<Timestamp>, StorageError> {
        let at = self.row::<EventRow>(&id)?.and_then(|row| row.counted());
        let Some((made, origin)) = at.map(|at| self.event(at)).transpose()?.flatten() else { return Ok(None) };
        let ends = matches!(&made.body, Body::Promise(promise) if promise.expires_at.is_some());
        Ok((ends && self.is_own_writer(&origin.writer)).then_some(made.recorded_at))
    }

    /// Gives up promises whose time is over.
    pub(super) fn tend_holds(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.holds.step(now);
        for id in self.holds.take_ended() {
            if let Err(error) = self.end_promise(now, rng, id) {
                self.break_off(&error);
            }
        }
    }

    fn end_promise(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, id: EventId) -> Result<(), Refusal> {
        let order = self.order(id)?;
        let open = open_lines(&order);
        if unconfirmed_until(&order).is_none() || open.is_empty() {
            return Ok(());
        }
        let release = self.release_of(&order, open, Reference::new("expired").ok());
        self.record_by_itself(now, super::rights::random_id(rng), &order.origin.location, Body::Release(release));
        Ok(())
    }
}

/// The confirmation of a promise: there is one.
pub(super) fn confirmation_of(promise: EventId) -> EventId {
    EventId::hash_of("tillmesh confirmation", &[promise.as_bytes()])
}

/// What is paid for a promise with the confirmation of these lines, as far as a record can say: for them and for what
/// has left.
pub(super) fn paid_with(order: &Order, lines: &[Line]) -> Option<Money> {
    let part = [lines, &order.fulfilled_lines()].concat();
    let (amount, currency) = (order.paid_for(&part).min(MAX_AMOUNT), order.currency()?);
    let Body::Promise(promise) = &order.made.body else { return None };
    (!order.is_confirmed() && promise.paid() > 0).then_some(Money { amount, currency })
}

/// When an unconfirmed promise ends; none of one that holds.
fn unconfirmed_until(order: &Order) -> Option<Timestamp> {
    let Body::Promise(promise) = &order.made.body else { return None };
    promise.expires_at.filter(|_| !order.is_confirmed())
}

/// Checks that who confirms again means what is open, or what was not given up: nothing is given up then.
fn check_same(order: &Order, lines: &[Line], open: &[Line]) -> Result<(), Refusal> {
    let is = |others: &[Line]| rest_of(others, lines).is_empty() && rest_of(lines, others).is_empty();
    if lines.is_empty() || is(open) || is(&standing_lines(order)) {
        return Ok(());
    }
    if open.is_empty() {
        return Err(Refusal::PromiseOver { promise: order.id, status: order.status() });
    }
    let rule = "it was confirmed before, and not with these lines: release what is not wanted";
    Err(Refusal::invalid("lines", format!("{} lines", lines.len()), rule))
}

/// What of a promise has left or is still to leave.
fn standing_lines(order: &Order) -> Vec<Line> {
    let stands = order.quantities().into_iter().map(|(sku, of)| {
        let quantity = of.fulfilled.min(of.ordered) + order.left_to_fulfil(&sku);
        Line { sku, quantity }
    });
    stands.filter(|line| line.quantity > 0).collect()
}

/// What is open beyond some lines.
fn rest_of(open: &[Line], lines: &[Line]) -> Vec<Line> {
    let named = |sku: &Sku| lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
    let rest = open.iter().map(|line| Line { sku: line.sku.clone(), quantity: line.quantity - named(&line.sku) });
    rest.filter(|line| line.quantity > 0).collect()
}
