//! Work items at the engine: what may need a decision is noted as events are folded; a decision is carried out and
//! recorded.

use super::Engine;
use super::carts::MAX_FORKS_DEEP;
use super::record::Draft;
use super::state::Call;
use crate::cart::CartRow;
use crate::catalog::Product;
use crate::command::Outcome;
use crate::document::DocumentId;
use crate::event::{Body, Event, Line, Origin, Release, Resolution, Stage};
use crate::id::{CartId, EventId, Name, Reference, Sku, Writer};
use crate::order;
use crate::refusal::Refusal;
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::view::{DecisionRow, DocumentRow, EventRow, PutBackRow, View, WorkRow};
use crate::work::{self, Choice, MAX_EVIDENCE, Promised, Subject, WorkItem};

impl<S: Storage> Engine<S> {
    /// Notes what an event that counts may have brought about.
    pub(super) fn note_work(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        match &event.body {
            Body::Sale(sale) => {
                for line in &sale.lines {
                    self.note_sku(&line.sku, event.id)?;
                }
                self.note_order(event.id)
            }
            Body::Promise(_) => self.note_order(event.id),
            Body::Refund(body) => self.note_order(body.order),
            Body::Reclaim(body) => body.lines.iter().try_for_each(|line| {
                let (location, sku) = (origin.location.clone(), line.sku.clone());
                let subject = Subject::RetiredPromise { location, sku, holder: body.of.clone() };
                self.note_evidence(subject, event.id)
            }),
            Body::Fence(body) => {
                let writer = Writer { node: origin.writer.node.clone(), epoch: body.epoch };
                self.retired.note_change();
                self.note_evidence(Subject::Clone { writer }, event.id)
            }
            Body::BeyondRetirement(body) => {
                let subject = Subject::BeyondRetirement { retired: body.of.clone(), at: origin.writer.node.clone() };
                self.note_evidence(subject, event.id)
            }
            Body::Disposition(body) => self.note_return(body.back),
            Body::Return(body) => {
                self.note_return(event.id)?;
                body.order.map_or(Ok(()), |order| self.note_order(order))
            }
            Body::Receipt(_) => event.reference.clone().map_or(Ok(()), |reference| {
                let location = origin.location.clone();
                self.note_evidence(Subject::ReceivedTwice { location, reference }, event.id)
            }),
            Body::Resolution(body) => self.fold_decision(event, origin, body),
            _ => Ok(()),
        }
    }

    /// Looks at a return that was decided on.
    fn note_return(&mut self, back: EventId) -> Result<(), StorageError> {
        let Some(row) = self.row::<EventRow>(&back)?.filter(|row| !row.naming.is_empty()) else { return Ok(()) };
        let returned = order::assemble_return(&row, |at| self.event(at))?;
        if returned.is_some_and(|returned| returned.decided_beyond() > 0) {
            self.update_row::<WorkRow>(Subject::OverDecided { back }, |_| {})?;
        }
        Ok(())
    }

    fn note_sku(&mut self, sku: &Sku, sold: EventId) -> Result<(), StorageError> {
        if self.look::<Product, _>(sku, |_| ()).is_some() {
            return Ok(());
        }
        let subject = Subject::UnknownSku { sku: sku.clone() };
        self.note_evidence(subject, sold)
    }

    fn note_evidence(&mut self, subject: Subject, event: EventId) -> Result<(), StorageError> {
        // A row that has enough is not written again with every event: the least ids stay, whatever was heard first.
        let has_enough = |row: &WorkRow| row.evidence.len() >= MAX_EVIDENCE && row.evidence.last() < Some(&event);
        if self.look::<WorkRow, _>(&subject, has_enough).unwrap_or_default() {
            return Ok(());
        }
        self.update_row::<WorkRow>(subject, |row| {
            if !row.evidence.contains(&event) {
                row.evidence.push(event);
                row.evidence.sort_unstable();
                row.evidence.truncate(MAX_EVIDENCE);
            }
        })
    }

    /// Folds the end of a ledger in, and notes what stands behind it.
    pub(super) fn note_ledger(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let Origin { location, writer, date, .. } = origin;
        let ledger = DocumentId::Ledger { location: location.clone(), writer: writer.clone(), date: *date };
        if let Body::DayClose(close) = &event.body
            && let Some(mut row) = self.row::<DocumentRow>(&ledger)?
        {
            row.close(event.id, close.events);
            self.put_row(ledger.clone(), row);
        }
        self.note_beyond_close(origin)
    }

    /// Notes that a ledger holds something that its close does not know of, be it a copy that does not count.
    pub(super) fn note_beyond_close(&mut self, origin: &Origin) -> Result<(), StorageError> {
        let Origin { location, writer, date, .. } = origin;
        let ledger = DocumentId::Ledger { location: location.clone(), writer: writer.clone(), date: *date };
        if self.look::<DocumentRow, _>(&ledger, DocumentRow::beyond_close).unwrap_or_default() == 0 {
            return Ok(());
        }
        let subject = Subject::LateEvent { location: location.clone(), writer: writer.clone(), date: *date };
        self.update_row::<WorkRow>(subject, |_| {})
    }

    /// Looks at an order to which something happened since it was made.
    fn note_order(&mut self, id: EventId) -> Result<(), StorageError> {
        if !self.is_named(id)? {
            return Ok(());
        }
        let Some(order) = self.known_order(id)? else { return Ok(()) };
        let [refunded, returned] = work::is_overdone(&order);
        if refunded {
            self.update_row::<WorkRow>(Subject::OverRefunded { order: id }, |_| {})?;
        }
        if returned {
            self.update_row::<WorkRow>(Subject::OverReturned { order: id }, |_| {})?;
        }
        Ok(())
    }

    fn is_named(&self, id: EventId) -> Result<bool, StorageError> {
        Ok(self.row::<EventRow>(&id)?.is_some_and(|row| !row.naming.is_empty()))
    }

    /// Notes what is to be put back of a promise, once an event of it was folded or taken back. Promises are read for
    /// it only where something was picked or given up.
    pub(super) fn note_put_back(&mut self, event: &Event) -> Result<(), StorageError> {
        let (id, begins) = match &event.body {
            Body::Promise(_) => (event.id, true),
            Body::Release(body) => (body.promise, true),
            Body::Progress(body) => (body.promise, body.stage >= Stage::Picked),
            Body::Fulfilment(body) => (body.promise, false),
            _ => return Ok(()),
        };
        let is_noted = self.look::<PutBackRow, _>(&id, |_| ()).is_some();
        let is_concerned = is_noted || (begins && self.is_named(id)?);
        let order = if is_concerned { self.known_order(id)? } else { None };
        if let Some(order) = order.filter(|order| is_noted || order.was_picked_and_given_up()) {
            let units = order.to_put_back();
            self.put_row(id, PutBackRow { units, location: Some(order.origin.location) });
        }
        Ok(())
    }

    /// Notes that an id stands for two events.
    pub(super) fn note_clash(&mut self, event: EventId) -> Result<(), StorageError> {
        self.update_row::<WorkRow>(Subject::Clash { event }, |_| {})
    }

    /// Notes a cart that has more than one order with its forks, under the one that all go back to.
    pub(super) fn note_checkouts(&mut self, id: CartId) -> Result<(), StorageError> {
        let mut root = id;
        for _ in 0..MAX_FORKS_DEEP {
            match self.row::<CartRow>(&root)?.and_then(|row| row.forked_from()) {
                Some(original) => root = original,
                None => break,
            }
        }
        let Some(row) = self.row::<CartRow>(&root)? else { return Ok(()) };
        let mut orders = row.checkouts().len();
        for fork in row.forks() {
            orders += self.row::<CartRow>(fork)?.map_or(0, |fork| fork.checkouts().len());
        }
        if orders < 2 {
            return Ok(());
        }
        self.update_row::<WorkRow>(Subject::DoubleCheckout { cart: root }, |_| {})
    }

    /// Of several decisions the latest counts.
    fn fold_decision(&mut self, event: &Event, origin: &Origin, body: &Resolution) -> Result<(), StorageError> {
        let row = DecisionRow {
            event: event.id,
            choice: body.choice.clone(),
            extent: body.extent.unwrap_or_default(),
            at: event.occurred(),
            node: origin.writer.node.clone(),
            clerk: event.clerk.clone(),
            reason: body.reason.clone(),
        };
        let rank = |row: &DecisionRow| (row.at, row.event);
        let known = self.row::<DecisionRow>(&body.item)?;
        if known.is_none_or(|known| rank(&row) > rank(&known)) {
            self.put_row(body.item, row);
        }
        Ok(())
    }

    /// Decides on a work item: carries the choice out and records it.
    pub(super) fn resolve(
        &mut self,
        call: &mut Call<'_>,
        id: EventId,
        choice: &str,
        reason: Option<&Reference>,
    ) -> Result<Outcome, Refusal> {
        let item = self.work_item(id)?;
        if item.decision.is_some() {
            return Err(Refusal::AlreadyDecided { item: id });
        }
        let chosen = item.choices.iter().copied().find(|offered| offered.as_str() == choice);
        let words: Vec<_> = item.choices.iter().map(|choice| choice.as_str()).collect();
        let chosen = chosen
            .ok_or_else(|| Refusal::invalid("choice", choice, format!("it must be one of {}", words.join(", "))))?;
        let mut extent = item.extent;
        let carried_out = match (chosen, &item.subject) {
            (Choice::ReleaseNewest, Subject::Shortfall { location, sku }) => {
                self.release_newest(call, location, sku, item.extent)?
            }
            (Choice::VoidLosers, _) => self.void_losers(call, &item)?.tell(&mut extent),
            (Choice::TakeBack, Subject::SettledTwice { promise }) => {
                self.take_back_beyond(call, &item, *promise)?.tell(&mut extent)
            }
            (Choice::WriteOff, _) => self.write_off(call, &item)?.tell(&mut extent),
            (Choice::ReleaseRetired, Subject::RetiredPromise { location, sku, .. }) => {
                self.release_retired(call, location, sku, &item.evidence, item.extent)?
            }
            _ => Vec::new(),
        };
        let name = Name::new(chosen.as_str()).map_err(|error| Refusal::invalid("choice", choice, error.to_string()))?;
        let (extent, reason) = (Some(extent), reason.cloned());
        let body = Body::Resolution(Resolution { item: id, choice: name, reason, extent });
        let location = self.config.location.clone();
        let draft = Draft { id: super::rights::random_id(call.rng), body, occurred_at: None };
        let decided = self.record(call, &location, draft).inspect_err(|error| {
            if !carried_out.is_empty() {
                self.break_off(error);
            }
        })?;
        let events: Vec<_> = std::iter::once(decided).chain(carried_out).collect();
        self.remember_events(call.request, &events);
        Ok(Outcome::Recorded { events, repeated: false })
    }

    fn work_item(&self, id: EventId) -> Result<WorkItem, Refusal> {
        let view = self.view();
        let mut look = |see: &mut dyn FnMut(&View)| {
            see(&view.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        };
        let missing = || Refusal::NotFound { kind: "work item", id: id.to_string() };
        work::find(&mut look, &self.storage, id)?.ok_or_else(missing)
    }

    /// Gives up those of the newest promises of a SKU that are this node's, as far as all of them make so many units
    /// free.
    fn release_newest(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        sku: &Sku,
        units: i64,
    ) -> Result<Vec<(Event, Origin)>, Refusal> {
        let owed = self.look::<StockRow, _>(&(location.clone(), sku.clone()), |row| row.owed.clone());
        let mut open = Vec::new();
        for (id, open_units) in owed.unwrap_or_default().into_iter().filter(|(_, owed)| *owed > 0) {
            let order = self.order(id)?;
            let owner = order.origin.writer;
            // Nobody gives up what somebody promised who is gone: the others make room.
            if self.is_own_writer(&owner) || !self.retired.has(owner.epoch) {
                open.push(Promised { at: order.made.occurred(), id, owner, open: open_units });
            }
        }
        let newest = work::newest_first(open, units);
        let own: Vec<_> = newest.iter().filter(|promised| self.is_own_writer(&promised.owner)).collect();
        let mut events = Vec::with_capacity(own.len());
        for promised in own {
            let order = self.order(promised.id)?;
            let lines = vec![Line { sku: sku.clone(), quantity: promised.open }];
            let release = self.release_of(&order, lines, Reference::new("shortfall").ok());
            let of = [order.id.as_bytes().as_slice(), &order.released(sku).to_be_bytes(), sku.as_str().as_bytes()];
            let id = EventId::hash_of("tillmesh shortfall", &of);
            let draft = Draft { id, body: Body::Release(release), occurred_at: None };
            events.push(self.record(call, location, draft).inspect_err(|error| self.break_off(error))?);
        }
        match (events.is_empty(), newest.into_iter().next()) {
            (true, Some(Promised { id, owner, .. })) => Err(Refusal::NotOwner { promise: id, owner }),
            _ => Ok(events),
        }
    }

    /// Gives up so many units of a SKU of promises whose owner is gone, in this order. The rights behind them were
    /// taken already.
    fn release_retired(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        sku: &Sku,
        promises: &[EventId],
        mut units: i64,
    ) -> Result<Vec<(Event, Origin)>, Refusal> {
        let mut events = Vec::with_capacity(promises.len());
        for promise in promises {
            let order = self.order(*promise)?;
            let quantity = order.left_to_fulfil(sku).min(units);
            if quantity == 0 {
                continue;
            }
            units -= quantity;
            let lines = vec![Line { sku: sku.clone(), quantity }];
            let of = [promise.as_bytes().as_slice(), &order.released(sku).to_be_bytes(), sku.as_str().as_bytes()];
            let id = EventId::hash_of("tillmesh retired promise", &of);
            let reason = Reference::new("retired").ok();
            let body = Body::Release(Release { promise: *promise, lines, reason, rights: None, request: None });
            let draft = Draft { id, body, occurred_at: None };
            events.push(self.record(call, location, draft).inspect_err(|error| self.break_off(error))?);
        }
        Ok(events)
    }
}
