//! Opening: the identity, a new boot, the rows as written, and the log from where the rows end.

use std::sync::{Arc, PoisonError, RwLock};

use rand_core::CryptoRng;

use super::allocations::PromisedTo;
use super::batch::{Batch, CHECKPOINT, event_ref};
use super::cancelling::Cancelling;
use super::days::Running;
use super::documents::Documents;
use super::fleet::Fleet;
use super::openings::Openings;
use super::promises::Holds;
use super::quarantine::Quarantine;
use super::refunding::Refunding;
use super::retired::Retired;
use super::rights::Unsettled;
use super::seeking::Seeking;
use super::{Config, Engine, clones};
use crate::codec;
use crate::document::{DocumentId, Interest};
use crate::history::{self, LogRecord, Requested, read_commit};
use crate::id::{Boot, Name, Writer};
use crate::identity::{self, Identity, Secret};
use crate::refusal::Refusal;
use crate::storage::{ROW_TABLES, Read, Storage, StorageError, Table, Write};
use crate::sync::{Claims, Granted, Sync};
use crate::time::Timestamp;
use crate::view::{AsOf, EventRow, Position, Staged, View, WriterRow};

/// The version of everything that is not a projection. A store of another version is not opened.
pub const FORMAT: u8 = 1;
/// The version of the projections: another one makes a start fold the whole log again.
pub(super) const PROJECTIONS: u8 = 13;

const META_FORMAT: &[u8] = b"format";
const META_PROJECTIONS: &[u8] = b"projections";
const META_NODE: &[u8] = b"node";
const META_SECRET: &[u8] = b"secret";
const META_BOOT: &[u8] = b"boot";

/// How many rows of an outdated projection are removed at a time.
const CLEAR_SLICE: usize = 1_000;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The medium failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another version wrote it.
    #[error("the store has format {found}, this node reads format {known}")]
    Format {
        /// What the store says.
        found: u8,
        /// What this node reads.
        known: u8,
    },
    /// It belongs to another node.
    #[error("the store belongs to node {found}, not to {asked}: give each node a data folder of its own")]
    Node {
        /// Whose it is.
        found: String,
        /// Who asked.
        asked: String,
    },
    /// What is stored is damaged.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// Makes an empty store, or one without an epoch, that of a node in a new epoch; tells whose a store is that has one.
///
/// # Errors
/// As [`Engine::open`].
pub fn begin_epoch(storage: &mut impl Storage, node: &Name, rng: &mut dyn CryptoRng) -> Result<Writer, OpenError> {
    let secret = secret_of(storage, node, rng)?;
    let boot = identity::new_boot(rng);
    begin(storage, node, &secret, boot, None)?;
    Ok(Identity::new(node.clone(), &secret, boot).writer().clone())
}

/// Whether a row makes a store that of one node in one epoch, its secret among them. A store without these rows, such
/// as a restored one, begins a new epoch.
pub fn is_of_epoch(table: Table, key: &[u8]) -> bool {
    table == Table::Meta && [META_FORMAT, META_NODE, META_SECRET, META_BOOT, clones::META_CLONES].contains(&key)
}

/// Whether a row says up to where the projections are folded: without these rows, a start folds the whole log.
pub fn is_of_projections(table: Table, key: &[u8]) -> bool {
    table == Table::Meta && [META_PROJECTIONS, CHECKPOINT].contains(&key)
}

impl<S: Storage> Engine<S> {
    /// Opens a node's store, or begins one, and starts a new boot.
    ///
    /// # Errors
    /// When the store fails, is damaged, of another version or another node's.
    pub fn open(mut storage: S, config: Config, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<Self, OpenError> {
        let mut secret = secret_of(&storage, &config.node, rng)?;
        let fence = clones::fence(clones::read(&storage)?, now);
        if fence.is_some() {
            secret = secret.next_epoch(rng);
        }
        let boot = identity::new_boot(rng);
        begin(&mut storage, &config.node, &secret, boot, fence)?;
        drop_outdated_rows(&mut storage)?;
        let mut engine = Self {
            identity: Identity::new(config.node.clone(), &secret, boot),
            sync: Sync::new(config.node.clone(), now, rng),
            config,
            interest: Interest::all(),
            cart_days: crate::cart::EXPIRE_DAYS,
            relays: false,
            storage,
            view: Arc::new(RwLock::new(View::default())),
            documents: Documents::default(),
            staged: Staged::default(),
            batch: Batch::default(),
            openings: Openings::default(),
            quarantine: Quarantine::default(),
            unsettled: Unsettled::default(),
            retired: Retired::default(),
            holds: Holds::default(),
            running: Running::default(),
            seeking: Seeking::default(),
            promised_to: PromisedTo::default(),
            refunding: Refunding::default(),
            cancelling: Cancelling::default(),
            refunds_apart: false,
            fleet: Fleet::default(),
            clones: Vec::new(),
            unsaid_fences: false,
            clock: Timestamp::default(),
            next_entry: 0,
            replaying: false,
            broken: None,
        };
        engine.load()?;
        Ok(engine)
    }

    /// Begins a new epoch in a store that is open, between two commits. What was asked for in the old one is asked for
    /// again: an answer to that would come to the epoch that was left.
    pub(super) fn begin_again(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<(), OpenError> {
        let (node, boot) = (self.config.node.clone(), identity::new_boot(rng));
        let secret = secret_of(&self.storage, &node, rng)?.next_epoch(rng);
        let fence = clones::fence(self.clones.clone(), now);
        self.documents.clear();
        (self.seeking, self.refunding) = (Seeking::default(), Refunding::default());
        (self.sync.granted, self.sync.claims) = (Granted::default(), Claims::default());
        self.seeking.bring_news();
        let begun = begin(&mut self.storage, &node, &secret, boot, fence).and_then(|()| {
            self.identity = Identity::new(node, &secret, boot);
            self.settle_in()
        });
        self.broken = begun.as_ref().err().cloned();
        Ok(begun?)
    }

    /// Goes back to what is durable.
    pub(super) fn recover(&mut self) -> Result<(), StorageError> {
        self.batch = Batch::default();
        self.staged = Staged::default();
        self.documents.clear();
        let result = self.storage.reopen().and_then(|()| self.return_to_durable());
        self.broken = result.as_ref().err().cloned();
        if result.is_ok() {
            // That it is here may have been part of what failed.
            self.sync.contradicts_at = self.sync.said_here;
        }
        result
    }

    /// As a rule nothing of a failed commit was kept, and the view is what it was before. A disk may also have kept it
    /// and failed to say so: then it is loaded.
    fn return_to_durable(&mut self) -> Result<(), StorageError> {
        if last_position(&self.storage)? != self.committed().head {
            return self.load();
        }
        self.view.write().unwrap_or_else(PoisonError::into_inner).restore();
        self.settle_in()
    }

    /// Readers see the old view until the new one is complete.
    fn load(&mut self) -> Result<(), StorageError> {
        let last = last_position(&self.storage)?;
        let mut view = View::load(&self.storage)?;
        let from = checkpoint(&self.storage)?.min(last);
        view.head = from;
        let shown = std::mem::replace(&mut self.view, Arc::new(RwLock::new(view)));
        self.replaying = true;
        // Which statements concern the fleet is known before they come again.
        let loaded = self.load_fleet();
        let result = loaded.and_then(|()| (from + 1..=last).try_for_each(|position| self.replay(position)));
        self.replaying = false;
        let loaded = std::mem::replace(&mut self.view, shown);
        result?;
        let loaded = std::mem::take(&mut *loaded.write().unwrap_or_else(PoisonError::into_inner));
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        self.settle_in()
    }

    /// Takes from the view what is kept beside it.
    fn settle_in(&mut self) -> Result<(), StorageError> {
        self.clones = clones::read(&self.storage)?;
        self.unsaid_fences = self.clones.iter().any(|alarm| alarm.fenced_at.is_some());
        let writer = self.identity.writer().clone();
        let own = self.row::<WriterRow>(&writer)?;
        self.clock = own.map(|row| row.latest).unwrap_or_default();
        let view = self.view();
        self.sync.count_documents(&view.read().unwrap_or_else(PoisonError::into_inner));
        self.load_fleet()?;
        self.running.forget();
        self.load_retired()?;
        // What the last start heard it may not have spoken of yet.
        if !self.retired.confined().is_empty() {
            self.retired.note_change();
        }
        self.load_unsettled();
        self.load_holds()?;
        self.load_openings()
    }

    fn replay(&mut self, position: Position) -> Result<(), StorageError> {
        let record = read_commit(&self.storage, position)?;
        self.replay_commit(position, &record)
            .map_err(|error| history::damaged(format!("commit {position}: {error}")))?;
        let staged = std::mem::take(&mut self.staged);
        let as_of = AsOf::of(&staged, &self.committed(), &self.storage)?;
        self.view.write().unwrap_or_else(PoisonError::into_inner).absorb(staged, position, &as_of);
        Ok(())
    }

    fn replay_commit(&mut self, position: Position, record: &LogRecord) -> Result<(), Refusal> {
        let (rotations, mut statements) = (self.fleet.rotations, Vec::new());
        for slot in 0..record.envelopes.len() {
            let batch = record.batch(u16::try_from(slot).unwrap_or(u16::MAX))?;
            for (index, bytes) in batch.changes.iter().enumerate() {
                let change = history::read_change(&batch.document, bytes)?;
                let at = event_ref(position, slot, index);
                self.note_change(&batch.scope, &batch.document, at, change.hash(), &change.dependencies())?;
                if !matches!(batch.document, DocumentId::Catalog { .. }) {
                    self.fold_change(at, &batch.document, &change)?;
                }
            }
            if let DocumentId::Catalog { .. } = &batch.document {
                self.replay_catalogue(&batch)?;
            }
            if let DocumentId::Fleet { .. } = &batch.document {
                statements.push(batch);
            }
        }
        if self.fleet.rotations > rotations {
            self.hear_again(&statements)?;
        }
        for Requested { event, request } in &record.requests {
            self.update_row::<EventRow>(*event, |row| row.request = Some(*request))?;
        }
        Ok(())
    }
}

fn secret_of(storage: &impl Read, asked: &Name, rng: &mut dyn CryptoRng) -> Result<Secret, OpenError> {
    let Some(format) = storage.get(Table::Meta, META_FORMAT)? else { return Ok(Secret::generate(rng)) };
    if format != [FORMAT] {
        return Err(OpenError::Format { found: format.first().copied().unwrap_or_default(), known: FORMAT });
    }
    let node = storage.get(Table::Meta, META_NODE)?.unwrap_or_default();
    if node != asked.as_str().as_bytes() {
        let found = String::from_utf8_lossy(&node).into_owned();
        return Err(OpenError::Node { found, asked: asked.to_string() });
    }
    let bytes =
        storage.get(Table::Meta, META_SECRET)?.ok_or_else(|| OpenError::Damaged("its key is gone".to_owned()))?;
    codec::decode(&bytes).map_err(|error| OpenError::Damaged(error.to_string()))
}

/// The boot is durable before anything is written under it.
fn begin(
    storage: &mut impl Storage,
    node: &Name,
    secret: &Secret,
    boot: Boot,
    fence: Option<Write>,
) -> Result<(), StorageError> {
    let of_epoch = [
        Write::put(Table::Meta, META_FORMAT, vec![FORMAT]),
        Write::put(Table::Meta, META_NODE, node.as_str().as_bytes().to_vec()),
        Write::put(Table::Meta, META_SECRET, codec::encode(secret)),
        Write::put(Table::Meta, META_BOOT, boot.as_bytes().to_vec()),
    ];
    storage.commit(of_epoch.into_iter().chain(fence).collect())
}

fn drop_outdated_rows(storage: &mut impl Storage) -> Result<(), StorageError> {
    let found = storage.get(Table::Meta, META_PROJECTIONS)?;
    if found.as_deref() == Some(&[PROJECTIONS]) {
        return Ok(());
    }
    storage.commit(vec![Write::put(Table::Meta, CHECKPOINT, 0_u64.to_be_bytes().to_vec())])?;
    for table in (0..ROW_TABLES).map(Table::Rows) {
        loop {
            let rows = storage.scan(table, &[], None, CLEAR_SLICE)?;
            if rows.is_empty() {
                break;
            }
            storage.commit(rows.into_iter().map(|(key, _)| Write { table, key, value: None }).collect())?;
        }
    }
    storage.commit(vec![Write::put(Table::Meta, META_PROJECTIONS, vec![PROJECTIONS])])
}

fn last_position(storage: &impl Read) -> Result<Position, StorageError> {
    let last = storage.last(Table::Log)?;
    Ok(last.and_then(|(key, _)| key.try_into().ok()).map_or(0, Position::from_be_bytes))
}

fn checkpoint(storage: &impl Read) -> Result<Position, StorageError> {
    let bytes = storage.get(Table::Meta, CHECKPOINT)?;
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, Position::from_be_bytes))
}
