//! The state that a batch sees: what is committed, and over it what the batch has done so far.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::Engine;
use crate::command::{Kept, Outcome, Request};
use crate::event::{Event, Origin};
use crate::history::{self, EventRef};
use crate::id::{CartId, EventId, Name};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError, Table, Write};
use crate::time::Timestamp;
use crate::view::{self, EventRow, Record};
use crate::{cart::CartRow, codec};

use minicbor::{CborLen, Decode, Encode};

/// How many events under one key are looked at for another request: one of each life and copy of a store that was asked
/// under it. The same request is looked for by its id.
const MAX_UNDER_KEY: usize = 64;

/// A command on its way through the engine.
pub(super) struct Call<'a> {
    pub now: Timestamp,
    pub rng: &'a mut dyn CryptoRng,
    pub request: &'a Request,
}

impl Call<'_> {
    /// The id of the event that this command makes: from the client's key and request, else random.
    pub(super) fn event_id(&mut self, node: &Name) -> EventId {
        match &self.request.key {
            Some(key) => EventId::of_client_key(node, key, self.request.digest),
            None => {
                let mut bytes = [0; EventId::LEN];
                self.rng.fill_bytes(&mut bytes);
                EventId::from_bytes(bytes)
            }
        }
    }
}

/// What a repeated command gets that recorded no event under its own id: a cart as it was then, other events; of the
/// catalogue, nothing.
#[derive(Encode, Decode, CborLen)]
struct KeptAnswer {
    #[cbor(n(0), with = "minicbor::bytes")]
    digest: [u8; 8],
    #[n(1)]
    cart: Option<CartId>,
    #[n(2)]
    row: Option<CartRow>,
    #[n(3)]
    events: Option<Vec<EventId>>,
}

impl KeptAnswer {
    const fn of(digest: [u8; 8]) -> Self {
        Self { digest, cart: None, row: None, events: None }
    }
}

impl<S: Storage> Engine<S> {
    pub(super) fn row<V: Record>(&self, key: &V::Key) -> Result<Option<V>, StorageError> {
        match V::staged(&self.staged).get(key) {
            Some(value) => Ok(Some(value.clone())),
            None => view::read(&self.committed(), &self.storage, key),
        }
    }

    /// Looks at a row of a resident table without copying it.
    pub(super) fn look<V: Record, T>(&self, key: &V::Key, look: impl FnOnce(&V) -> T) -> Option<T> {
        debug_assert!(V::RESIDENT, "the rows of other tables may be in the store only");
        match V::staged(&self.staged).get(key) {
            Some(value) => Some(look(value)),
            None => V::rows(&self.committed()).get(key).map(look),
        }
    }

    pub(super) fn put_row<V: Record>(&mut self, key: V::Key, value: V) {
        V::staged_mut(&mut self.staged).insert(key, value);
    }

    /// Changes a row, which begins as its default.
    pub(super) fn update_row<V: Record + Default>(
        &mut self,
        key: V::Key,
        update: impl FnOnce(&mut V),
    ) -> Result<(), StorageError> {
        if let Some(value) = V::staged_mut(&mut self.staged).get_mut(&key) {
            update(value);
            return Ok(());
        }
        let mut value = view::read::<V>(&self.committed(), &self.storage, &key)?.unwrap_or_default();
        update(&mut value);
        self.put_row(key, value);
        Ok(())
    }

    /// Reads an event back, also one of this batch.
    pub(super) fn event(&self, at: EventRef) -> Result<Option<(Event, Origin)>, StorageError> {
        if let Some((document, change)) = self.batch.change(self.next_position(), at) {
            return Ok(history::event_of(document, &history::read_change(document, change)?));
        }
        history::read_event(&self.storage, at)
    }

    /// The location that a command means.
    pub(super) fn location<'a>(&'a self, asked: Option<&'a Name>) -> &'a Name {
        asked.unwrap_or(&self.config.location)
    }

    /// What a request under a key that was used before gets.
    pub(super) fn repeated(&self, request: &Request) -> Result<Option<Outcome>, Refusal> {
        let Some(key) = &request.key else { return Ok(None) };
        if let Some(outcome) = self.recorded_before(key, request)? {
            return Ok(Some(outcome));
        }
        let id = EventId::under_client_key(&self.config.node, key);
        let Some(bytes) = self.answer(id)? else { return Ok(None) };
        let answer: KeptAnswer = codec::decode(&bytes).map_err(history::damaged)?;
        if answer.digest != request.digest {
            return Err(Refusal::KeyReused { event: id });
        }
        if let Some(ids) = answer.events {
            let mut events = Vec::with_capacity(ids.len());
            for id in ids {
                let at = self.row::<EventRow>(&id)?.and_then(|row| row.counted());
                events.extend(at.map(|at| self.event(at)).transpose()?.flatten());
            }
            return Ok(Some(Outcome::Recorded { events, repeated: true }));
        }
        Ok(Some(match (answer.cart, answer.row) {
            (Some(id), Some(row)) => Outcome::Cart { id, row: Box::new(row), repeated: true },
            _ => Outcome::Repeated,
        }))
    }

    /// What was recorded under a key: by this store, which knows the request, or by another one of this node's name, an
    /// earlier life or a copy of it, for the same request. What such a one was asked for otherwise is its own affair,
    /// but for a journal: that may tell of the same sale in other words, and people look at what is refused of it.
    fn recorded_before(&self, key: &str, request: &Request) -> Result<Option<Outcome>, Refusal> {
        let same = EventId::of_client_key(&self.config.node, key, request.digest);
        let mut reused = None;
        for (id, row) in self.events_under(key, same)? {
            let Some(at) = row.counted() else { continue };
            let is_same = row.request.map_or(id == same, |asked| asked == request.digest);
            let is_own = row.request.is_some();
            if is_same && (is_own || self.is_of_own_name(at)?) {
                return self.repetition(id, at).map(Some);
            }
            if is_own || (request.is_of_journal && self.is_of_own_name(at)?) {
                reused = Some(id);
            }
        }
        reused.map_or(Ok(None), |event| Err(Refusal::KeyReused { event }))
    }

    /// The events under a key, at least the one of the same request among them.
    fn events_under(&self, key: &str, same: EventId) -> Result<BTreeMap<EventId, EventRow>, StorageError> {
        let (least, greatest) = EventId::span_of_client_key(&self.config.node, key);
        let mut rows = view::read_between(&self.committed(), &self.storage, &least, &greatest, MAX_UNDER_KEY)?;
        if rows.len() >= MAX_UNDER_KEY {
            rows.extend(self.row::<EventRow>(&same)?.map(|row| (same, row)));
        }
        let staged = EventRow::staged(&self.staged).range(least..=greatest);
        rows.extend(staged.map(|(id, row)| (*id, row.clone())));
        Ok(rows)
    }

    fn is_of_own_name(&self, at: EventRef) -> Result<bool, StorageError> {
        Ok(self.event(at)?.is_some_and(|(_, origin)| origin.writer.node == self.config.node))
    }

    fn repetition(&self, id: EventId, at: EventRef) -> Result<Outcome, Refusal> {
        let mut events: Vec<_> = self.event(at)?.into_iter().collect();
        let mut next = second_id(id);
        while let Some(at) = self.row::<EventRow>(&next)?.and_then(|row| row.counted()) {
            events.extend(self.event(at)?);
            next = second_id(next);
        }
        Ok(Outcome::Recorded { events, repeated: true })
    }

    /// Keeps what a repetition of this request will get. Events answer for themselves.
    pub(super) fn remember(&mut self, key: &str, digest: [u8; 8], outcome: &Outcome) {
        let answer = match outcome {
            Outcome::Cart { id, row, .. } => {
                KeptAnswer { cart: Some(*id), row: Some(row.as_ref().clone()), ..KeptAnswer::of(digest) }
            }
            Outcome::Catalogue { .. } => KeptAnswer::of(digest),
            // What was so already was recorded under another key, and this one is taken all the same.
            Outcome::Recorded { events, repeated: true } => {
                let events = Some(events.iter().map(|(event, _)| event.id).collect());
                KeptAnswer { events, ..KeptAnswer::of(digest) }
            }
            Outcome::Recorded { .. } | Outcome::Issued { .. } | Outcome::Fleet { .. } | Outcome::Repeated => return,
        };
        self.keep_answer(key, &answer);
    }

    /// Keeps the events that a repetition of this request will get, whose ids do not come from the request's key.
    pub(super) fn remember_events(&mut self, request: &Request, events: &[(Event, Origin)]) {
        if let Some(key) = &request.key {
            let events = Some(events.iter().map(|(event, _)| event.id).collect());
            self.keep_answer(key, &KeptAnswer { events, ..KeptAnswer::of(request.digest) });
        }
    }

    fn keep_answer(&mut self, key: &str, answer: &KeptAnswer) {
        let key = EventId::under_client_key(&self.config.node, key);
        self.batch.writes.push(Write::put(Table::Answers, key.as_bytes().as_slice(), codec::encode(answer)));
    }

    /// Keeps what is the driver's with the next commit.
    pub(super) fn keep_for_driver(&mut self, kept: &[Kept]) {
        let write = |kept: &Kept| Write { table: Table::Kept, key: kept.key.clone(), value: kept.value.clone() };
        self.batch.writes.extend(kept.iter().map(write));
    }

    /// Whether this node took this message of a channel before. Another one under the same id is refused.
    pub(super) fn knows_message(&self, channel: &Name, message: &str, digest: [u8; 8]) -> Result<bool, Refusal> {
        let id = message_id(channel, message);
        let Some(bytes) = self.answer(id)? else { return Ok(false) };
        let answer: KeptAnswer = codec::decode(&bytes).map_err(history::damaged)?;
        if answer.digest == digest { Ok(true) } else { Err(Refusal::KeyReused { event: id }) }
    }

    /// Keeps what a message of a channel said.
    pub(super) fn remember_message(&mut self, channel: &Name, message: &str, digest: [u8; 8]) {
        let (answer, id) = (KeptAnswer::of(digest), message_id(channel, message));
        self.batch.writes.push(Write::put(Table::Answers, id.as_bytes().as_slice(), codec::encode(&answer)));
    }

    fn answer(&self, id: EventId) -> Result<Option<Vec<u8>>, StorageError> {
        let key = id.as_bytes().as_slice();
        let staged = self.batch.writes.iter().rev().find(|write| write.table == Table::Answers && write.key == key);
        match staged {
            Some(write) => Ok(write.value.clone()),
            None => self.storage.get(Table::Answers, key),
        }
    }
}

/// See [`EventId::second`].
pub(super) fn second_id(first: EventId) -> EventId {
    first.second()
}

/// What stands for a channel's message as a whole; its events have ids of their own.
fn message_id(channel: &Name, message: &str) -> EventId {
    EventId::hash_of("tillmesh message", &[channel.as_str().as_bytes(), message.as_bytes()])
}
