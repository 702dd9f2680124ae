//! What happened in a span of the log, as far as a channel is concerned.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use tillmesh_core::channel::{ChannelEvent, StockLine};
use tillmesh_core::document::{DocumentId, PRODUCTS};
use tillmesh_core::event::{Body, Event, Fulfilment, Line, Origin, Release};
use tillmesh_core::history;
use tillmesh_core::id::{EventId, Name, Reference, Sku};
use tillmesh_core::order::{self, Order, Status};
use tillmesh_core::stock;
use tillmesh_core::storage::StorageError;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::{EventRow, Position, View, read};

use super::super::channels::Channel;
use super::super::lookup::described;

/// What was seen so far of a span.
struct Seen<'a> {
    channel: &'a Channel,
    locations: &'a [Name],
    events: Vec<ChannelEvent>,
    /// What of stock moved: it is told how it stands, once.
    moved: BTreeSet<(Name, Sku)>,
    products: BTreeSet<Sku>,
}

/// What happened from one commit to another, in order; how stock and products stand now comes last.
///
/// # Errors
/// When the store fails.
pub(super) fn between(
    channel: &Channel,
    locations: &[Name],
    from: Position,
    to: Position,
    now: Timestamp,
) -> Result<Vec<ChannelEvent>, StorageError> {
    let (events, moved, products) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut seen = Seen { channel, locations, events, moved, products };
    for position in from..=to {
        let record = history::read_commit(&channel.reader, position)?;
        for slot in 0..record.envelopes.len() {
            let batch = record.batch(u16::try_from(slot).unwrap_or(u16::MAX))?;
            for change in &batch.changes {
                seen.take(&batch.document, change)?;
            }
        }
    }
    Ok(seen.finish(now))
}

impl Seen<'_> {
    fn take(&mut self, document: &DocumentId, bytes: &[u8]) -> Result<(), StorageError> {
        match document {
            DocumentId::Ledger { .. } => {
                let change = history::read_change(document, bytes)?;
                if let Some((event, origin)) = history::event_of(document, &change) {
                    self.take_event(&event, &origin)?;
                }
            }
            DocumentId::Catalog { .. } => {
                let change = history::read_change(document, bytes)?;
                let keys = change.entries().iter().filter(|entry| entry.block == PRODUCTS);
                self.products.extend(keys.filter_map(|entry| Sku::new(&entry.key).ok()));
            }
            _ => {}
        }
        Ok(())
    }

    fn take_event(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let is_own = event.channel.as_ref() == Some(&self.channel.name);
        // What the channel says that there is it need not hear again: two nodes that tell each other would never end.
        let is_echo = is_own && matches!(event.body, Body::Count(_));
        if !is_echo && self.locations.contains(&origin.location) {
            let counted = if let Body::Count(count) = &event.body { count.lines.as_slice() } else { &[] };
            let moved = stock::steps(event, origin.writer.epoch).into_iter().map(|(sku, _)| sku);
            let skus = counted.iter().map(|line| &line.sku).chain(moved);
            self.moved.extend(skus.map(|sku| (origin.location.clone(), sku.clone())));
        }
        // What the channel said itself it need not be told.
        if is_own {
            return Ok(());
        }
        match &event.body {
            Body::Fulfilment(fulfilment) => self.fulfilled(event, origin, fulfilment),
            Body::Release(release) => self.released(event, release),
            _ => Ok(()),
        }
    }

    fn fulfilled(&mut self, event: &Event, origin: &Origin, left: &Fulfilment) -> Result<(), StorageError> {
        let Some((order, _)) = self.order(left.promise)? else { return Ok(()) };
        let own = || Reference::new(&event.id.to_string()).ok();
        let Some(fulfilment) = left.parcel.clone().or_else(own) else { return Ok(()) };
        let line = |line: &Line| StockLine { sku: line.sku.clone(), quantity: line.quantity.unsigned_abs() };
        self.events.push(ChannelEvent::OrderFulfilled {
            order,
            fulfilment,
            lines: left.lines.iter().map(line).collect(),
            location: left.from.clone().unwrap_or_else(|| origin.location.clone()),
            fulfilled_at: event.occurred(),
        });
        Ok(())
    }

    /// A channel knows orders that are cancelled, not lines of them.
    fn released(&mut self, event: &Event, release: &Release) -> Result<(), StorageError> {
        if let Some((order, whole)) = self.order(release.promise)?
            && whole.status() == Status::Cancelled
        {
            let reason = release.reason.as_ref().map(|reason| reason.as_str().into());
            let cancelled = ChannelEvent::OrderCancelled { order, cancelled_at: event.occurred(), reason };
            self.events.push(cancelled);
        }
        Ok(())
    }

    /// An order of the channel, and what the channel calls it.
    fn order(&self, promise: EventId) -> Result<Option<(Reference, Order)>, StorageError> {
        let row = {
            let view = self.channel.view.read().unwrap_or_else(PoisonError::into_inner);
            read::<EventRow>(&view, &self.channel.reader, &promise)?
        };
        let Some(row) = row else { return Ok(None) };
        let order = order::read_events(&self.channel.reader, promise, &row)?;
        let of_channel = order.filter(|order| order.made.channel.as_ref() == Some(&self.channel.name));
        Ok(of_channel.and_then(|order| Some((order.made.reference.clone()?, order))))
    }

    fn finish(self, now: Timestamp) -> Vec<ChannelEvent> {
        let Self { channel, mut events, moved, products, .. } = self;
        let view = channel.view.read().unwrap_or_else(PoisonError::into_inner);
        for sku in products {
            if let Some(product) = view.products.get(&sku) {
                let product = described(product, &channel.name);
                events.push(ChannelEvent::ProductChanged { product, effective_at: now });
            }
        }
        events.extend(moved.into_iter().map(|(location, sku)| level(&view, &channel.name, (location, sku), now)));
        events
    }
}

/// The same events, with levels and products as they are now: those of a dead letter may be days old.
pub(super) fn as_of_now(channel: &Channel, events: Vec<ChannelEvent>, now: Timestamp) -> Vec<ChannelEvent> {
    let view = channel.view.read().unwrap_or_else(PoisonError::into_inner);
    let refresh = |event| match event {
        ChannelEvent::AvailabilityChanged { sku, location, .. } => level(&view, &channel.name, (location, sku), now),
        ChannelEvent::ProductChanged { product, effective_at } => match view.products.get(&product.sku) {
            Some(known) => {
                let product = described(known, &channel.name);
                ChannelEvent::ProductChanged { product, effective_at: now }
            }
            None => ChannelEvent::ProductChanged { product, effective_at },
        },
        other => other,
    };
    events.into_iter().map(refresh).collect()
}

fn level(view: &View, channel: &Name, of: (Name, Sku), now: Timestamp) -> ChannelEvent {
    let available = view.stock.get(&of).map_or(0, |row| row.available());
    let (location, sku) = of;
    let references = view.products.get(&sku).map(|product| product.called_by(channel).cloned().collect());
    let references = references.unwrap_or_default();
    ChannelEvent::AvailabilityChanged { sku, available, location, as_of: now, references }
}
