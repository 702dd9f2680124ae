//! Openings: a location's keeper writes one when its day of trade has closed, and everybody who hears one checks it, a
//! slice with every tick.
//!
//! ```text
//! day closed ──► job (write) ─┐                                         ┌─► pieces, a few with every commit
//! piece heard ─► waiting ──► job (check) ─► read ledgers ─► fold at cut ─┴─► verdict, kept and told
//! ```
//!
//! An opening never changes stock: one that differs is told of, and is not what the next one is folded from. What
//! became of an opening is kept beside the projections, for the same version of them: the check follows from the log,
//! but is not made again at every start.

mod job;
mod notice;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use minicbor::{CborLen, Decode, Encode};

use super::Engine;
use super::replay::PROJECTIONS;
use crate::codec;
use crate::document::{DocumentId, Put, Scope, Term};
use crate::fleet::Write as Written;
use crate::history::{read_change, read_commit};
use crate::id::{ChangeHash, Name};
use crate::opening::{self, Folded, Header, MAX_PIECES, Opening, Piece, Previous};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError, Table, Write};
use crate::time::{BusinessDate, Timestamp};
use crate::view::DocumentRow;

pub use notice::{OpeningNotice, Verdict};

use job::{Cut, Job, Step, Work};

/// How many pieces a commit takes: about 150 KB, which an SD card writes in a few tens of milliseconds.
const PIECES_A_COMMIT: usize = 4;
/// A location's first term of office: keepers do not follow each other yet.
const TERM: u32 = 0;
/// How many pieces share a block of the document, as in ledgers.
const BLOCK: u32 = 64;
/// What the keys of verdicts in `Meta` begin with.
const VERDICT: &[u8] = b"opening ";

/// What a node has to do with openings. Nothing of it is stored: a start looks at every opening without a verdict.
#[derive(Default)]
pub(super) struct Openings {
    waiting: BTreeMap<DocumentId, Wait>,
    /// Openings of which it was told that ledgers are lacking.
    lacking: BTreeSet<DocumentId>,
    /// The day of trade that was open when it was last looked whether one has closed.
    open_day: Option<BusinessDate>,
    job: Option<Box<Job>>,
    notices: Vec<OpeningNotice>,
}

/// What an opening without a verdict waits for.
enum Wait {
    /// To be looked at.
    Look,
    /// That its document, or others, hold so many changes.
    Changes(Vec<(DocumentId, u64)>),
    /// The verdict on the opening that it goes on from.
    Previous(DocumentId),
}

/// A verdict as stored, with what later openings need of this one.
#[derive(Encode, Decode, CborLen)]
struct Judged {
    #[n(0)]
    outcome: Outcome,
    /// The document's heads.
    #[n(1)]
    heads: Vec<ChangeHash>,
    #[n(2)]
    header: Header,
    #[n(3)]
    ledgers: Vec<Folded>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
#[cbor(index_only)]
enum Outcome {
    #[n(0)]
    Agrees,
    #[n(1)]
    Differs,
    /// Nothing of it can be used, not even its cut.
    #[n(2)]
    Unusable,
}

impl<S: Storage> Engine<S> {
    /// What was found out about openings since the last call. To be asked after a commit.
    pub fn take_opening_notices(&mut self) -> Vec<OpeningNotice> {
        std::mem::take(&mut self.openings.notices)
    }

    /// A piece of an opening was heard.
    pub(super) fn opening_heard(&mut self, opening: &DocumentId) {
        self.openings.waiting.entry(opening.clone()).or_insert(Wait::Look);
    }

    /// Begins anew, after the view was loaded. What was found out and not yet told is void with the commit that failed.
    pub(super) fn load_openings(&mut self) -> Result<(), StorageError> {
        self.openings = Openings::default();
        for (id, row) in self.documents_where(|id| matches!(id, DocumentId::Opening { .. })) {
            if self.judged(&id)?.is_none_or(|judged| judged.heads != row.heads) {
                self.openings.waiting.insert(id, Wait::Look);
            }
        }
        Ok(())
    }

    /// Does a slice of what is to be done; whether there may be more. A failure ends the job at hand and is told of:
    /// trade does not depend on it.
    pub(super) fn tend_openings(&mut self, now: Timestamp) -> bool {
        let Some(mut job) = self.openings.job.take() else { return self.next_job() };
        match self.advance(now, &mut job) {
            Ok(true) => self.openings.job = Some(job),
            Ok(false) => {}
            Err(error) => self.notify(&job.opening, Verdict::Failed(error.to_string())),
        }
        true
    }

    fn next_job(&mut self) -> bool {
        let due = self.openings.waiting.iter().find(|(_, wait)| self.is_due(wait)).map(|(id, _)| id.clone());
        let (id, job) = match due {
            Some(id) => {
                self.openings.waiting.remove(&id);
                let job = self.examine(&id);
                (id, job)
            }
            None => match self.closed_day() {
                Some(id) => {
                    let job = self.begin_opening(&id);
                    (id, job)
                }
                None => return false,
            },
        };
        match job {
            Ok(job) => self.openings.job = job.map(Box::new),
            Err(error) => self.notify(&id, Verdict::Failed(error.to_string())),
        }
        true
    }

    fn is_due(&self, wait: &Wait) -> bool {
        match wait {
            Wait::Look => true,
            Wait::Changes(needed) => needed.iter().all(|(id, changes)| self.changes_of(id) >= *changes),
            // A verdict that cannot be read is looked at, which fails and is told of.
            Wait::Previous(id) => self.judged(id).is_ok_and(|judged| judged.is_some()),
        }
    }

    /// The opening that is to be written because its day has closed, where this node is the keeper.
    fn closed_day(&mut self) -> Option<DocumentId> {
        if !self.config.keeper || self.check_role(&Written::Opening(&self.config.location, TERM)).is_err() {
            return None;
        }
        let (writer, location) = (self.identity.writer().clone(), self.config.location.clone());
        let open = self.committed().writers.get(&writer).and_then(|row| row.dates.get(&location)).copied();
        if open == self.openings.open_day {
            return None;
        }
        self.openings.open_day = open;
        let own = self.ledgers_of(&location, open?);
        let closed = own.iter().filter(|folded| folded.writer == writer).map(|folded| folded.date).max()?;
        let date = BusinessDate::from_days(closed.days() + 1)?;
        let id = DocumentId::Opening { location, term: Term { number: TERM, keeper: writer }, date };
        (self.changes_of(&id) == 0).then_some(id)
    }

    /// Begins to write an opening: goes on from the newest one that agrees, and folds all that was heard of the days
    /// before it.
    fn begin_opening(&self, id: &DocumentId) -> Result<Option<Job>, StorageError> {
        let DocumentId::Opening { location, date, .. } = id else { return Ok(None) };
        let previous = self.newest_agreeing(location, *date)?;
        let before = self.cut_of(location, previous.as_ref())?;
        let mut ledgers = self.ledgers_of(location, *date);
        ledgers.retain(|folded| before.get(&(folded.writer.clone(), folded.date)) != Some(&folded.heads));
        let header = Header { previous, ..Header::default() };
        self.begin(id, header, ledgers, Work::Write { written: 0 })
    }

    /// What this node holds of a location's ledgers of the days before one.
    fn ledgers_of(&self, at: &Name, before: BusinessDate) -> Vec<Folded> {
        let is_meant = |id: &DocumentId| match id {
            DocumentId::Ledger { location, date, .. } => location == at && *date < before,
            _ => false,
        };
        let folded = |(id, row): (DocumentId, DocumentRow)| match id {
            DocumentId::Ledger { writer, date, .. } => {
                Some(Folded { writer, date, heads: row.heads, changes: row.changes })
            }
            _ => None,
        };
        self.documents_where(is_meant).into_iter().filter_map(folded).collect()
    }

    fn newest_agreeing(&self, at: &Name, before: BusinessDate) -> Result<Option<Previous>, StorageError> {
        let mut openings = self.documents_where(|id| {
            matches!(id, DocumentId::Opening { location, date, .. }
            if location == at && *date < before)
        });
        openings.sort_by_key(|(id, _)| std::cmp::Reverse(date_of(id)));
        for (id, row) in openings {
            let Some(judged) = self.judged(&id)? else { continue };
            if let DocumentId::Opening { term, date, .. } = id
                && judged.outcome == Outcome::Agrees
                && judged.heads == row.heads
            {
                return Ok(Some(Previous { term, date, heads: row.heads }));
            }
        }
        Ok(None)
    }

    /// Looks at an opening that was heard, or that a crash interrupted.
    fn examine(&mut self, id: &DocumentId) -> Result<Option<Job>, StorageError> {
        let row = self.committed().documents.get(id).cloned();
        let Some(row) = row else {
            self.wait(id, Wait::Changes(vec![(id.clone(), 1)]));
            return Ok(None);
        };
        if row.changes > u64::from(MAX_PIECES) {
            return Ok(self.reject(id, row.heads, "it has too many pieces"));
        }
        let Some(pieces) = self.pieces_of(id)? else {
            return Ok(self.reject(id, row.heads, "another version wrote it"));
        };
        let header = pieces.iter().find_map(|piece| piece.header.as_ref());
        let needed = header.map_or(row.changes + 1, |header| u64::from(header.pieces));
        if row.changes < needed {
            let own = self.config.keeper && id.owner() == Some(self.identity.writer());
            if own && header.is_some() {
                return self.resume(id, pieces);
            }
            self.wait(id, Wait::Changes(vec![(id.clone(), needed)]));
            return Ok(None);
        }
        match Opening::assemble(pieces) {
            Ok(Some(opening)) => self.begin_check(id, row.heads, opening),
            Ok(None) => Ok(self.reject(id, row.heads, "its pieces are not those that its header says")),
            Err(error) => Ok(self.reject(id, row.heads, &error.to_string())),
        }
    }

    /// Goes on with an opening of this node that a crash interrupted: its first pieces say what it folds.
    fn resume(&self, id: &DocumentId, pieces: Vec<Piece>) -> Result<Option<Job>, StorageError> {
        let written = pieces.len();
        let header = pieces.iter().find_map(|piece| piece.header.clone()).unwrap_or_default();
        let ledgers = pieces.into_iter().flat_map(|piece| piece.ledgers).collect();
        self.begin(id, header, ledgers, Work::Write { written })
    }

    fn begin_check(
        &mut self,
        id: &DocumentId,
        heads: Vec<ChangeHash>,
        claimed: Opening,
    ) -> Result<Option<Job>, StorageError> {
        let DocumentId::Opening { location, date, .. } = id else { return Ok(None) };
        if claimed.ledgers.iter().any(|folded| folded.date >= *date) {
            return Ok(self.reject(id, heads, "it folds ledgers of days that it does not cover"));
        }
        if let Some(previous) = &claimed.header.previous {
            let document = previous.document(location);
            if previous.date >= *date {
                return Ok(self.reject(id, heads, "it goes on from a later one"));
            }
            let Some(judged) = self.judged(&document)? else {
                self.wait(id, Wait::Previous(document));
                return Ok(None);
            };
            if judged.heads != previous.heads || judged.outcome == Outcome::Unusable {
                return Ok(self.reject(id, heads, "what it goes on from cannot be used"));
            }
        }
        let needed = claimed.ledgers.iter().map(|folded| (ledger(location, folded), folded.changes));
        let lacking: Vec<_> = needed.filter(|(ledger, changes)| self.changes_of(ledger) < *changes).collect();
        if !lacking.is_empty() {
            self.wait(id, Wait::Changes(lacking));
            return Ok(None);
        }
        let (header, ledgers) = (claimed.header.clone(), claimed.ledgers.clone());
        self.begin(id, header, ledgers, Work::Check { heads, claimed: claimed.fold })
    }

    fn begin(
        &self,
        id: &DocumentId,
        header: Header,
        ledgers: Vec<Folded>,
        work: Work,
    ) -> Result<Option<Job>, StorageError> {
        let DocumentId::Opening { location, .. } = id else { return Ok(None) };
        let mut cut = self.cut_of(location, header.previous.as_ref())?;
        cut.extend(ledgers.iter().map(|folded| ((folded.writer.clone(), folded.date), folded.heads.clone())));
        let mut job = Job::new(id.clone(), location.clone(), header, ledgers, cut, work);
        let base = job.header.previous.clone();
        self.fold_from(&mut job, base)?;
        Ok(Some(job))
    }

    /// What an opening and those that it goes on from were folded from.
    fn cut_of(&self, location: &Name, opening: Option<&Previous>) -> Result<Cut, StorageError> {
        let mut cut = Cut::new();
        let mut next = opening.cloned();
        while let Some(previous) = next {
            let Some(judged) = self.judged(&previous.document(location))? else { break };
            for folded in judged.ledgers {
                cut.entry((folded.writer, folded.date)).or_insert(folded.heads);
            }
            next = judged.header.previous;
        }
        Ok(cut)
    }

    /// Does a slice of a job; whether it is to be continued.
    fn advance(&mut self, now: Timestamp, job: &mut Job) -> Result<bool, Refusal> {
        if let Work::Put { pieces, slice } = &mut job.work {
            let next: Vec<_> = pieces.drain(..(*slice).min(pieces.len())).collect();
            *slice = PIECES_A_COMMIT;
            return self.put_pieces(now, job, next);
        }
        match self.fold_slice(job)? {
            Step::More => Ok(true),
            Step::Lacks { ledger } => {
                let more = self.changes_of(&ledger) + 1;
                self.wait(&job.opening, Wait::Changes(vec![(ledger, more)]));
                Ok(false)
            }
            Step::Folded { fold, unknown } => self.conclude(job, fold, unknown),
        }
    }

    fn conclude(&mut self, job: &mut Job, fold: opening::StockFold, unknown: u64) -> Result<bool, Refusal> {
        match &mut job.work {
            Work::Put { .. } => Ok(false),
            Work::Write { written } => {
                let mut header = job.header.clone();
                if *written == 0 {
                    header.unknown = unknown;
                }
                job.header = header.clone();
                let opening = Opening { header, ledgers: job.ledgers.clone(), fold };
                let mut pieces = VecDeque::from(opening.to_pieces());
                let slice = opening::ledger_pieces(pieces.make_contiguous()).max(PIECES_A_COMMIT);
                pieces.drain(..(*written).min(pieces.len()));
                job.work = Work::Put { pieces, slice };
                Ok(true)
            }
            Work::Check { heads, claimed } => {
                let skus = claimed.difference(&fold);
                let heads = std::mem::take(heads);
                let (outcome, verdict) = if unknown != job.header.unknown {
                    let reason = format!("{unknown} events are unknown here, {} to its keeper", job.header.unknown);
                    (Outcome::Differs, Verdict::Unusable(reason))
                } else if skus > 0 {
                    (Outcome::Differs, Verdict::Differs { skus })
                } else {
                    (Outcome::Agrees, Verdict::Agrees)
                };
                self.judge(job, outcome, heads);
                self.notify(&job.opening, verdict);
                Ok(false)
            }
        }
    }

    fn put_pieces(&mut self, now: Timestamp, job: &Job, pieces: Vec<Piece>) -> Result<bool, Refusal> {
        let (boot, scope) = (self.identity.boot(), Scope::Stock(job.location.clone()));
        for piece in pieces {
            let put = Put {
                block: format!("{boot}-{}", piece.number / BLOCK),
                key: (piece.number % BLOCK).to_string(),
                value: piece.to_bytes(),
            };
            self.write(now, &scope, &job.opening, &[put])?;
        }
        if matches!(&job.work, Work::Put { pieces, .. } if !pieces.is_empty()) {
            return Ok(true);
        }
        let row = self.row::<DocumentRow>(&job.opening)?;
        self.judge(job, Outcome::Agrees, row.map(|row| row.heads).unwrap_or_default());
        self.notify(&job.opening, Verdict::Written);
        Ok(false)
    }

    /// Waits, and says once of each opening that it cannot be checked yet because ledgers are lacking.
    fn wait(&mut self, id: &DocumentId, wait: Wait) {
        let lacks = match &wait {
            Wait::Changes(needed) => needed.iter().any(|(document, _)| document != id),
            Wait::Previous(_) => true,
            Wait::Look => false,
        };
        if lacks && self.openings.lacking.insert(id.clone()) {
            self.notify(id, Verdict::Lacks);
        }
        self.openings.waiting.insert(id.clone(), wait);
    }

    fn reject(&mut self, id: &DocumentId, heads: Vec<ChangeHash>, reason: &str) -> Option<Job> {
        let judged = Judged { outcome: Outcome::Unusable, heads, header: Header::default(), ledgers: Vec::new() };
        self.keep_verdict(id, &judged);
        self.notify(id, Verdict::Unusable(reason.to_owned()));
        None
    }

    fn judge(&mut self, job: &Job, outcome: Outcome, heads: Vec<ChangeHash>) {
        let judged = Judged { outcome, heads, header: job.header.clone(), ledgers: job.ledgers.clone() };
        self.keep_verdict(&job.opening, &judged);
    }

    fn keep_verdict(&mut self, id: &DocumentId, judged: &Judged) {
        self.openings.lacking.remove(id);
        let value = codec::encode_versioned(PROJECTIONS, judged);
        self.batch.writes.push(Write::put(Table::Meta, verdict_key(id), value));
    }

    /// The verdict on an opening. One of another version of the projections does not count.
    fn judged(&self, id: &DocumentId) -> Result<Option<Judged>, StorageError> {
        let key = verdict_key(id);
        let staged = self.batch.writes.iter().rev().find(|write| write.table == Table::Meta && write.key == key);
        let bytes = match staged {
            Some(write) => write.value.clone(),
            None => self.storage.get(Table::Meta, &key)?,
        };
        Ok(bytes.and_then(|bytes| codec::decode_versioned(PROJECTIONS, &bytes).ok()))
    }

    fn notify(&mut self, id: &DocumentId, verdict: Verdict) {
        if let DocumentId::Opening { location, term, date } = id {
            let (location, keeper) = (location.clone(), term.keeper.clone());
            self.openings.notices.push(OpeningNotice { location, date: *date, keeper, verdict });
        }
    }

    /// The pieces of an opening that are here; none when another version wrote one.
    fn pieces_of(&self, id: &DocumentId) -> Result<Option<Vec<Piece>>, StorageError> {
        let mut pieces = Vec::new();
        for (position, slot) in self.batches_of(id)? {
            for bytes in &read_commit(&self.storage, position)?.batch(slot)?.changes {
                let change = read_change(id, bytes)?;
                let Some(piece) = change.entries().first().and_then(|entry| opening::read(&entry.value)) else {
                    return Ok(None);
                };
                pieces.push(piece);
            }
        }
        Ok(Some(pieces))
    }

    fn documents_where(&self, is_meant: impl Fn(&DocumentId) -> bool) -> Vec<(DocumentId, DocumentRow)> {
        let view = self.committed();
        view.documents.iter().filter(|(id, _)| is_meant(id)).map(|(id, row)| (id.clone(), row.clone())).collect()
    }

    fn changes_of(&self, id: &DocumentId) -> u64 {
        self.committed().documents.get(id).map_or(0, |row| row.changes)
    }
}

fn verdict_key(id: &DocumentId) -> Vec<u8> {
    [VERDICT, &id.to_bytes()].concat()
}

fn ledger(location: &Name, folded: &Folded) -> DocumentId {
    DocumentId::Ledger { location: location.clone(), writer: folded.writer.clone(), date: folded.date }
}

const fn date_of(id: &DocumentId) -> Option<BusinessDate> {
    match id {
        DocumentId::Opening { date, .. } | DocumentId::Ledger { date, .. } => Some(*date),
        _ => None,
    }
}
