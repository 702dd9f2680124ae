//! What one commit will hold, and the commit itself.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;

use super::Engine;
use super::documents::MAX_LOADED;
use crate::document::{DocumentId, Scope};
use crate::envelope::{self, BATCH_BYTES, MAX_CHANGES};
use crate::history::{EventRef, LogRecord, Requested, log_key};
use crate::id::Name;
use crate::storage::{Storage, StorageError, Table, Write};
use crate::sync::Kind;
use crate::time::Timestamp;
use crate::view::{AsOf, Position};

/// How many projection rows may wait before commits write along what exceeds it. A stock row that waits takes further
/// sales in and is written once for all of them; what waits costs some megabytes and, after a crash, a replay: a
/// quarter of a second where sales come 64 a commit.
const ROWS_WAITING: usize = 8_192;
/// The most rows that a commit writes along that changes few itself: as many as its largest group of sales touches. One
/// that changes more, for much was heard at once, writes as many as it changes: more would wait with every commit.
const ROWS_A_COMMIT: usize = 768;

/// What the driver must do after a commit, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send a signed batch of this node to everybody in the scope. Several of one scope may share a message
    /// ([`crate::sync::pack`]). Losing it costs time only.
    Batch {
        /// The scope.
        scope: Scope,
        /// The envelope.
        envelope: Vec<u8>,
    },
    /// Send a message of the sync protocol. Losing it costs time only.
    Send {
        /// The scope.
        scope: Scope,
        /// What kind of message.
        kind: Kind,
        /// The node that it is for; none: everybody.
        to: Option<Name>,
        /// The message.
        payload: Vec<u8>,
    },
}

/// A batch of another node that was new here: for those who could not hear it where it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The scope.
    pub scope: Scope,
    /// The envelope as it was received.
    pub envelope: Vec<u8>,
    /// Who sent it here, which need not be who signed it.
    pub heard_from: Name,
}

/// A commit that is durable.
#[derive(Debug, Default)]
pub struct Committed {
    /// Its place in the log; none when nothing happened that belongs there.
    pub position: Option<Position>,
    /// What to do now.
    pub effects: Vec<Effect>,
    /// What to pass on, of an engine that [relays](Engine::relaying). Losing it costs time only.
    pub relays: Vec<Relay>,
}

/// Changes of one document that will share an envelope.
struct Group {
    document: DocumentId,
    changes: Vec<Vec<u8>>,
    bytes: usize,
    /// The envelope, and who sent it. None: made here, to be sealed at commit.
    received: Option<(Vec<u8>, Name)>,
    scope: Scope,
}

/// What one commit will hold.
#[derive(Default)]
pub(super) struct Batch {
    groups: Vec<Group>,
    open: BTreeMap<DocumentId, usize>,
    requests: Vec<Requested>,
    /// Rows that are not projections.
    pub writes: Vec<Write>,
    /// Messages to send after the commit.
    pub effects: Vec<Effect>,
}

impl Batch {
    /// Takes a change made here and says where it will stand.
    pub(super) fn push_own(&mut self, at: Position, scope: &Scope, document: &DocumentId, change: Vec<u8>) -> EventRef {
        let slot = match self.open.get(document) {
            Some(slot) if self.has_room(*slot, change.len()) => *slot,
            _ => self.push_group(scope, document, None),
        };
        self.open.insert(document.clone(), slot);
        let group = &mut self.groups[slot];
        group.bytes += change.len();
        group.changes.push(change);
        event_ref(at, slot, group.changes.len() - 1)
    }

    /// Takes an envelope as received; its changes stand in its slot in their order. What is made here from now on
    /// stands behind it, so that a replay meets everything in the order in which it happened.
    pub(super) fn push_received(&mut self, batch: &envelope::Batch, envelope: &[u8], from: &Name) -> usize {
        self.open.clear();
        let received = Some((envelope.to_vec(), from.clone()));
        let slot = self.push_group(&batch.scope, &batch.document, received);
        self.groups[slot].changes.clone_from(&batch.changes);
        slot
    }

    pub(super) fn request(&mut self, requested: Requested) {
        self.requests.push(requested);
    }

    /// A change of this batch.
    pub(super) fn change(&self, next: Position, at: EventRef) -> Option<(&DocumentId, &[u8])> {
        if at.position != next {
            return None;
        }
        let group = self.groups.get(usize::from(at.slot))?;
        Some((&group.document, group.changes.get(usize::from(at.index))?))
    }

    /// The documents that this batch changes.
    pub(super) fn documents(&self) -> impl Iterator<Item = &DocumentId> {
        self.groups.iter().map(|group| &group.document)
    }

    /// The changes of a document in this batch, in their order.
    pub(super) fn changes_of(&self, document: &DocumentId) -> impl Iterator<Item = &Vec<u8>> {
        self.groups.iter().filter(move |group| group.document == *document).flat_map(|group| &group.changes)
    }

    /// How many bytes it holds: the driver commits before it grows past its bound.
    pub(super) fn bytes(&self) -> usize {
        let changes =
            |group: &Group| group.bytes.max(group.received.as_ref().map_or(0, |(envelope, _)| envelope.len()));
        let row = |write: &Write| write.key.len() + write.value.as_ref().map_or(0, Vec::len);
        self.groups.iter().map(changes).sum::<usize>() + self.writes.iter().map(row).sum::<usize>()
    }

    /// Whether there is nothing to make durable.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.writes.is_empty()
    }

    /// Whether all of it is rows that are not projections.
    fn is_beside_the_log(&self) -> bool {
        self.groups.is_empty() && self.requests.is_empty()
    }

    fn has_room(&self, slot: usize, bytes: usize) -> bool {
        let group = &self.groups[slot];
        group.changes.len() < MAX_CHANGES && group.bytes + bytes <= BATCH_BYTES
    }

    fn push_group(&mut self, scope: &Scope, document: &DocumentId, received: Option<(Vec<u8>, Name)>) -> usize {
        let (document, scope) = (document.clone(), scope.clone());
        self.groups.push(Group { document, changes: Vec::new(), bytes: 0, received, scope });
        self.groups.len() - 1
    }
}

pub(super) fn event_ref(position: Position, slot: usize, index: usize) -> EventRef {
    let narrow = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
    EventRef { position, slot: narrow(slot), index: narrow(index) }
}

/// The name of the stored checkpoint in `Meta`.
pub(super) const CHECKPOINT: &[u8] = b"checkpoint";

impl<S: Storage> Engine<S> {
    /// How many bytes of changes wait for a commit.
    pub fn pending_bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// Makes everything since the last commit durable and visible, or nothing.
    ///
    /// # Errors
    /// When the store fails, now or before. Every outcome since the last commit is void then; the engine has gone back
    /// to what is durable, or keeps refusing until a later call manages to.
    pub fn commit(&mut self, now: Timestamp) -> Result<Committed, StorageError> {
        self.confirm_handed_over(now);
        if let Some(error) = self.broken.take() {
            self.recover()?;
            return Err(error);
        }
        let batch = std::mem::take(&mut self.batch);
        let staged = std::mem::take(&mut self.staged);
        if batch.is_empty() {
            return Ok(Committed { effects: batch.effects, ..Committed::default() });
        }
        if batch.is_beside_the_log() && staged.is_empty() {
            return self.commit_beside(batch);
        }
        let position = self.next_position();
        let (writes, committed) = self.writes_of(batch, staged.len(), position, now);
        if let Err(error) = self.storage.commit(writes) {
            self.recover()?;
            return Err(error);
        }
        self.show(staged, position);
        self.documents.evict(MAX_LOADED, |_| false);
        self.expect_echoes(&committed);
        Ok(committed)
    }

    /// Makes durable what happened to nobody: it has no place in the log.
    fn commit_beside(&mut self, batch: Batch) -> Result<Committed, StorageError> {
        if let Err(error) = self.storage.commit(batch.writes) {
            self.recover()?;
            return Err(error);
        }
        Ok(Committed { effects: batch.effects, ..Committed::default() })
    }

    /// A broker sends back what is sent to everybody.
    fn expect_echoes(&mut self, committed: &Committed) {
        for effect in &committed.effects {
            if let Effect::Batch { envelope, .. } = effect {
                self.sync.echoes.expect(envelope);
            }
        }
        committed.relays.iter().for_each(|relay| self.sync.echoes.expect(&relay.envelope));
    }

    /// Writes up to `limit` projection rows: for idle moments and shutdown. Gives how many still wait.
    ///
    /// # Errors
    /// When the store fails. The rows are still in memory, and nothing that waits for a commit is touched.
    pub fn write_behind(&mut self, limit: usize) -> Result<usize, StorageError> {
        let mut writes = Vec::new();
        self.drain_rows(limit, &mut writes);
        if !writes.is_empty()
            && let Err(error) = self.storage.commit(writes)
        {
            self.view.write().unwrap_or_else(std::sync::PoisonError::into_inner).restore();
            if let Err(closed) = self.storage.reopen() {
                self.broken.get_or_insert(closed);
            }
            return Err(error);
        }
        let mut view = self.view.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        view.settle();
        Ok(view.unwritten())
    }

    pub(super) fn next_position(&self) -> Position {
        self.committed().head + 1
    }

    /// What is to be written of a batch that changes so many rows, and what is to be said then.
    fn writes_of(
        &mut self,
        batch: Batch,
        changed: usize,
        position: Position,
        now: Timestamp,
    ) -> (Vec<Write>, Committed) {
        let Batch { groups, requests, mut writes, effects, .. } = batch;
        let mut committed = Committed { position: Some(position), effects, relays: Vec::new() };
        let mut envelopes = Vec::with_capacity(groups.len());
        for group in groups {
            envelopes.push(ByteVec::from(match group.received {
                Some((envelope, heard_from)) => {
                    if self.relays {
                        let (scope, envelope) = (group.scope, envelope.clone());
                        committed.relays.push(Relay { scope, envelope, heard_from });
                    }
                    envelope
                }
                None => self.seal(&group, &mut committed.effects),
            }));
        }
        let record = LogRecord { at: now, envelopes, requests };
        writes.push(Write::put(Table::Log, log_key(position), record.to_bytes()));
        let excess = self.committed().unwritten().saturating_sub(ROWS_WAITING);
        if excess > 0 {
            self.drain_rows(excess.min(changed.max(ROWS_A_COMMIT)), &mut writes);
        }
        (writes, committed)
    }

    fn seal(&self, group: &Group, effects: &mut Vec<Effect>) -> Vec<u8> {
        let envelope =
            envelope::seal(&self.identity, &self.config.fleet, &group.scope, &group.document, &group.changes);
        effects.push(Effect::Batch { scope: group.scope.clone(), envelope: envelope.clone() });
        envelope
    }

    fn drain_rows(&mut self, limit: usize, writes: &mut Vec<Write>) {
        let mut view = self.view.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        writes.extend(view.drain(limit));
        let checkpoint = view.checkpoint();
        drop(view);
        if !writes.is_empty() {
            writes.push(Write::put(Table::Meta, CHECKPOINT, checkpoint.to_be_bytes().to_vec()));
        }
    }

    fn show(&mut self, staged: crate::view::Staged, position: Position) {
        let mut view = self.view.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.sync.note_documents(&view, &staged);
        view.absorb(staged, position, &AsOf::default());
        view.settle();
    }
}
