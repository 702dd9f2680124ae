//! Giving promises up. One that is not confirmed its owner gives up at once. A confirmed one may be on its way over a
//! counter: so the location that serves it is asked first, and what it consents to is not handed over any more.
//!
//! ```text
//! owner        a request to give it up ──► the node that answers for the location
//!              ◄── a consent, if its goods have not left (else their fulfilment says it all)
//! owner        a release
//! ```
//!
//! Each is an event, so what is asked while the location is away is answered when it returns. One node answers for a
//! location: its keeper, else one that had its goods in hand. Where that is the owner itself, or nobody, nobody is
//! asked. For a node that was retired somebody [stands in](super::standing_in).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Engine;
use super::orders::{check_left, lines_left, open_lines};
use super::record::Draft;
use super::state::Call;
use super::stock::check_lines;
use crate::command::{GiveUp, Outcome};
use crate::event::{Body, CancellationRequest, Consent, Event, Kind, Line, Origin, Release};
use crate::fleet::{Members, Write};
use crate::id::{EventId, Name, Reference, Writer};
use crate::order::{Cancellation, CancellationState, Order};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;
use crate::view::{EventRow, WriterRow};

/// Promises that a request or an answer to one was heard of: this node may have to answer, or to give up.
#[derive(Default)]
pub(super) struct Cancelling {
    due: BTreeSet<EventId>,
    /// Promises with requests that are open.
    open: BTreeSet<EventId>,
}

impl<S: Storage> Engine<S> {
    /// Gives a promise up, or the named part of what is open of it; asks its location first where it must. Doing so
    /// again changes nothing.
    pub(super) fn release(&mut self, call: &mut Call<'_>, asked: &GiveUp) -> Result<Outcome, Refusal> {
        let order = self.promise_of_own(asked.promise)?;
        let id = asked.request.unwrap_or_else(|| self.request_id(call));
        if order.cancellations().iter().any(|it| it.event.id == id) {
            return self.outcome_of(call, &order, id);
        }
        let of = self.answering_for(call.now, &order).filter(|_| !asked.force);
        let left = if asked.force { Order::left_to_fulfil } else { Order::left_to_cancel };
        let pending = order.cancellations().into_iter().filter(|it| it.is_open() && it.covers(&asked.lines)).last();
        let lines = match asked.lines.as_slice() {
            [] => lines_left(&order, left),
            lines => lines.to_vec(),
        };
        let is_more = |line: &Line| line.quantity > left(&order, &line.sku);
        if let Some(pending) = &pending
            && !asked.force
            && (lines.is_empty() || lines.iter().any(is_more))
        {
            return self.outcome_of(call, &order, pending.event.id);
        }
        if lines.is_empty() {
            return given_up_before(order);
        }
        check_lines(&lines, 1)?;
        check_left(&order, lines.iter().map(|line| (&line.sku, line.quantity)), "release", left)?;
        match of {
            Some(of) => self.request(call, &order, Draft { id, ..asking(&order, of, lines, asked.reason.as_ref()) }),
            None => {
                let done = pending.filter(|it| it.is_done_by(&lines, &order)).map(|it| it.event.id);
                self.give_up(call, &order, lines, asked.reason.as_ref(), done)
            }
        }
    }

    fn give_up(
        &mut self,
        call: &mut Call<'_>,
        order: &Order,
        lines: Vec<Line>,
        reason: Option<&Reference>,
        request: Option<EventId>,
    ) -> Result<Outcome, Refusal> {
        // A request that is carried out by force is over: its answer gives nothing up a second time.
        let body = Body::Release(Release { request, ..self.release_of(order, lines, reason.cloned()) });
        let outcome = self.record_one(call, Some(&order.origin.location), body)?;
        if open_lines(&self.order(order.id)?).is_empty() {
            self.holds.forget(order.id);
        }
        Ok(outcome)
    }

    /// The request of a command: the same when its client asks again under its key.
    fn request_id(&self, call: &mut Call<'_>) -> EventId {
        EventId::hash_of("tillmesh cancellation request", &[call.event_id(&self.config.node).as_bytes()])
    }

    fn request(&mut self, call: &mut Call<'_>, order: &Order, draft: Draft) -> Result<Outcome, Refusal> {
        let id = draft.id;
        self.record(call, &order.origin.location, draft)?;
        let order = self.order(order.id)?;
        self.outcome_of(call, &order, id)
    }

    /// What came of a request so far. What was consented to is given up; an answer that may come in a moment is waited
    /// for.
    fn outcome_of(&mut self, call: &mut Call<'_>, order: &Order, id: EventId) -> Result<Outcome, Refusal> {
        let cancellations = order.cancellations();
        let Some(cancellation) = cancellations.iter().find(|it| it.event.id == id) else {
            return Err(Refusal::NotFound { kind: "cancellation request", id: id.to_string() });
        };
        let mut events = vec![(cancellation.event.clone(), cancellation.origin.clone())];
        match cancellation.state {
            CancellationState::Consented => {
                let draft = self.carrying_out(order, cancellation);
                events.push(self.record(call, &order.origin.location, draft)?);
            }
            CancellationState::GivenUp => {
                let of_it = |event: &Event| matches!(&event.body, Body::Release(body) if body.request == Some(id));
                events.extend(order.later.iter().filter(|(event, _)| of_it(event)).cloned());
            }
            CancellationState::WithoutEffect => {
                return Err(Refusal::PromiseOver { promise: order.id, status: order.status() });
            }
            CancellationState::Requested => {
                let asked = cancellation.body.asked.clone();
                if call.request.until.is_some_and(|until| until > call.now) && self.is_there(call.now, &asked) {
                    return Err(Refusal::CancellationAsked { promise: order.id, request: id, asked });
                }
            }
        }
        self.remember_events(call.request, &events);
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// Gives up what a request was consented to, once; all that has not left where nobody answers it.
    fn carrying_out(&self, order: &Order, cancellation: &Cancellation<'_>) -> Draft {
        let lines = match cancellation.state {
            CancellationState::Requested => cancellation.to_consent(order),
            _ => cancellation.to_give_up(order),
        };
        let mut release = self.release_of(order, lines, cancellation.body.reason.clone());
        release.request = Some(cancellation.event.id);
        let id = EventId::hash_of("tillmesh cancellation carried out", &[cancellation.event.id.as_bytes()]);
        Draft { id, body: Body::Release(release), occurred_at: None }
    }

    /// What asks for lines of a promise to be given up, where its location must be asked.
    pub(super) fn must_ask(&self, now: Timestamp, order: &Order, lines: &[Line]) -> Option<Body> {
        let of = self.answering_for(now, order)?;
        Some(asking(order, of, lines.to_vec(), None).body)
    }

    /// The node to be asked before a promise is given up; none: it is given up at once, for it is not confirmed, or
    /// this node itself answers for its location, or nobody does.
    fn answering_for(&self, now: Timestamp, order: &Order) -> Option<Name> {
        let location = &order.origin.location;
        if !order.is_confirmed() || self.keeps(location) {
            return None;
        }
        let members = self.members();
        let view = self.committed();
        let others = view.writers.iter().filter(|(writer, row)| {
            row.handled.contains_key(location) && writer.node != self.config.node && !self.retired.is_gone(writer.epoch)
        });
        let may_answer = others.filter(|(writer, _)| may_consent(&members, &writer.node, location));
        // Where goods of many locations are booked, there is one that is no location's own.
        let rank = |(writer, row): &(&Writer, &WriterRow)| {
            let keeps = row.kept.contains(location) || is_keeper(&members, &writer.node, location);
            let latest = row.handled.get(location).copied();
            (keeps, self.is_there(now, &writer.node), Reverse(row.handled.len()), latest, writer.epoch)
        };
        may_answer.max_by_key(rank).map(|(writer, _)| writer.node.clone())
    }

    /// Notes what may have to be answered or carried out. After a replay everything that is open is looked at.
    pub(super) fn note_cancelling(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let promise = match &event.body {
            Body::CancellationRequest(body) => body.promise,
            Body::Consent(body) => {
                self.seeking.bring_news();
                body.promise
            }
            // Vouchers may have given something for it.
            Body::Release(body) if origin.writer.node == self.config.node => body.promise,
            // What names it may have been heard before it.
            Body::Promise(_) if self.row::<EventRow>(&event.id)?.is_some_and(|row| !row.naming.is_empty()) => event.id,
            _ => return Ok(()),
        };
        if !self.replaying {
            self.cancelling.due.insert(promise);
        }
        Ok(())
    }

    /// Finds promises with requests that are open: at a start nothing is remembered.
    pub(super) fn load_cancelling(&mut self, owed: &BTreeSet<EventId>) -> Result<(), StorageError> {
        self.cancelling = Cancelling::default();
        for promise in owed {
            let naming = self.row::<EventRow>(promise)?.map_or_else(Vec::new, |row| row.naming);
            for at in naming {
                let event = self.event(at)?;
                if event.is_some_and(|(event, _)| matches!(event.body, Body::CancellationRequest(_))) {
                    self.cancelling.due.insert(*promise);
                }
            }
        }
        Ok(())
    }

    /// Looks again at the requests that are open: who is to answer them may be another now.
    pub(super) fn look_at_requests(&mut self) {
        self.cancelling.due.extend(&self.cancelling.open);
    }

    /// Answers what this node was asked, and gives up what it was consented to.
    pub(super) fn tend_cancelling(&mut self, now: Timestamp) {
        // What it records is noted again, until there is nothing more to record.
        while let Some(promise) = self.cancelling.due.pop_first() {
            match self.order(promise) {
                Ok(order) => {
                    self.note_open(&order);
                    // What is recorded is noted, and looked at again as it then is.
                    if !self.consent(now, &order) {
                        self.carry_out(now, &order);
                    }
                    if let Err(error) = self.reverse_redemption(now, &order) {
                        self.break_off(&Refusal::Storage(error));
                    }
                }
                Err(Refusal::Storage(error)) => self.break_off(&Refusal::Storage(error)),
                // It is looked at again when it is heard.
                Err(_) => {}
            }
        }
    }

    fn note_open(&mut self, order: &Order) {
        if order.cancellations().iter().any(Cancellation::is_open) {
            self.cancelling.open.insert(order.id);
        } else {
            self.cancelling.open.remove(&order.id);
        }
    }

    /// Consents to the first request that is this node's to answer and that it has not answered, as far as the goods
    /// have not left; says whether it did.
    fn consent(&mut self, now: Timestamp, order: &Order) -> bool {
        let (node, location) = (&self.config.node, &order.origin.location);
        let is_asked = |it: &Cancellation<'_>| {
            let asked = &it.body.asked;
            it.state == CancellationState::Requested && (asked == node || self.stands_in_for(asked, location))
        };
        if self.check_not_retired().is_err() {
            return false;
        }
        let answer = |it: Cancellation<'_>| {
            let request = it.event.id;
            let id = if it.body.asked == *node {
                EventId::hash_of("tillmesh consent", &[request.as_bytes()])
            } else {
                // The one that was retired may have answered, unheard, and a keeper before this one.
                EventId::hash_of("tillmesh consent in its place", &[request.as_bytes(), node.as_str().as_bytes()])
            };
            (id, Body::Consent(Consent { promise: order.id, request, lines: it.to_consent(order) }))
        };
        let answers: Vec<_> = order.cancellations().into_iter().filter(is_asked).map(answer).collect();
        answers.into_iter().any(|(id, body)| self.record_once(now, id, location, body))
    }

    /// Gives up what was consented to, and what nobody is there to consent to any more.
    fn carry_out(&mut self, now: Timestamp, order: &Order) {
        let is_due = |it: &Cancellation<'_>| match it.state {
            CancellationState::Consented => true,
            CancellationState::Requested => self.is_left_alone(&it.body.asked, &order.origin.location),
            CancellationState::GivenUp | CancellationState::WithoutEffect => false,
        };
        let own = order.cancellations().into_iter().filter(|it| self.is_own_writer(&it.origin.writer));
        let drafts: Vec<_> = own.filter(is_due).map(|it| self.carrying_out(order, &it)).collect();
        if drafts.into_iter().rev().any(|it| self.record_once(now, it.id, &order.origin.location, it.body)) {
            // Another one may be left.
            self.cancelling.due.insert(order.id);
        }
    }

    /// Records what nobody asked for, if nothing was heard under its id; says whether it did. Another's event under
    /// that id may be the one that counts, and would be answered again and again.
    fn record_once(&mut self, now: Timestamp, id: EventId, location: &Name, body: Body) -> bool {
        match self.row::<EventRow>(&id) {
            Ok(row) if row.as_ref().is_some_and(|row| !row.copies.is_empty()) => false,
            Ok(_) => self.record_by_itself(now, id, location, body).is_some(),
            Err(error) => {
                self.break_off(&Refusal::Storage(error));
                false
            }
        }
    }
}

/// A question to a node, without an id of its own yet.
fn asking(order: &Order, asked: Name, lines: Vec<Line>, reason: Option<&Reference>) -> Draft {
    let body = CancellationRequest { promise: order.id, lines, asked, reason: reason.cloned() };
    Draft { id: order.id, body: Body::CancellationRequest(body), occurred_at: None }
}

fn given_up_before(order: Order) -> Result<Outcome, Refusal> {
    let (promise, status) = (order.id, order.status());
    let released = order.later.into_iter().filter(|(event, _)| matches!(event.body, Body::Release(_)));
    let events: Vec<(Event, Origin)> = released.collect();
    let over = events.is_empty().then_some(Refusal::PromiseOver { promise, status });
    over.map_or(Ok(Outcome::Recorded { events, repeated: true }), Err)
}

/// Whether a node's certificate covers an answer; in an open fleet everybody's does.
fn may_consent(members: &Members, node: &Name, location: &Name) -> bool {
    let write = Write::Event(location, Kind::CONSENT);
    members.anchor().is_none() || members.certificates().any(|it| it.node == *node && it.permits(&write))
}

fn is_keeper(members: &Members, node: &Name, location: &Name) -> bool {
    members.certificates().any(|it| it.node == *node && it.keeper.is_some() && it.locations.contains(location))
}
