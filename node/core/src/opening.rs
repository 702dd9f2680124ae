//! Openings: what the ledgers of a location add up to, at stated heads, so that a later node can begin there.
//!
//! ```text
//! opening  =  header (which opening it goes on from) + ledgers folded since, each with its heads + every stock row
//! piece    =  one value of the document: a part of that, at most 500 entries
//! cut      =  the ledgers' heads of an opening and, where it lists none, of those that it goes on from
//! ```
//!
//! An opening is a function of its cut: whoever holds those ledgers comes to the same rows. It covers its location's
//! ledgers only, so a copy of an event that another location wrote counts here whatever it does there. Records are
//! versioned like events.
//!
//! What an opening forgets are single events. So a count that was made before something that it covers happened, a
//! second copy of an event that it covers, and what gives back the uses of vouchers that such an event took (or the
//! other way round) cannot be folded onto it: [`StockFold::extend`] says so for counts, the caller must look for the
//! others, and all are folded onto an older opening.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::document::{DocumentId, Term};
use crate::event::{Body, Count, CountOf, Event, Origin, Redemption, Seen};
use crate::id::{ChangeHash, Epoch, EventId, Name, Sku, Writer};
use crate::stock::{self, Counted, Since, StockRow};
use crate::time::{BusinessDate, Timestamp};
use crate::voucher;

/// The version of a piece that this node writes.
pub const OPENING_VERSION: u8 = 1;
/// The most entries of a piece.
pub const MAX_ENTRIES: usize = 500;
/// The most pieces of an opening: half a million SKUs, and a bound for what a hostile keeper can make a node collect.
pub const MAX_PIECES: u32 = 1_024;
/// How many bytes of entries a piece takes before the next begins. With one more entry of any size it stays a change.
const PIECE_BYTES: usize = 32 * 1024;

/// A part of an opening: one value of its document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct Piece {
    /// Its place, from 0.
    #[n(0)]
    pub number: u32,
    /// What holds for the whole; in the first piece.
    #[n(1)]
    pub header: Option<Header>,
    /// Ledgers that were folded further than by the opening that this one goes on from.
    #[n(2)]
    pub ledgers: Vec<Folded>,
    /// The counts that rows rest on.
    #[n(3)]
    pub counts: Vec<CountSeen>,
    /// The rows.
    #[n(4)]
    pub rows: Vec<PieceRow>,
    /// What is owed of promises.
    #[n(5)]
    pub owed: Vec<Owed>,
    /// Who holds rights. None in what was written before there were any.
    #[n(6)]
    pub rights: Option<Vec<Rights>>,
    /// What of that is of events that the row's count does not cover, where the count is of what can be sold. None in
    /// what was written before there were such.
    #[n(7)]
    pub owed_since: Option<Vec<Owed>>,
}

/// What holds for a whole opening.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct Header {
    /// How many pieces there are.
    #[n(0)]
    pub pieces: u32,
    /// The opening that it goes on from; none: it lists every ledger.
    #[n(1)]
    pub previous: Option<Previous>,
    /// How many events of its cut its keeper did not understand and left out.
    #[n(2)]
    pub unknown: u64,
}

/// An earlier opening of the same location.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Previous {
    /// Whose.
    #[n(0)]
    pub term: Term,
    /// The first day that it does not cover.
    #[n(1)]
    pub date: BusinessDate,
    /// Its document's heads: they prove all of it, and all that it goes on from.
    #[n(2)]
    pub heads: Vec<ChangeHash>,
}

impl Previous {
    /// Its document.
    pub fn document(&self, location: &Name) -> DocumentId {
        DocumentId::Opening { location: location.clone(), term: self.term.clone(), date: self.date }
    }
}

/// How far a ledger was folded.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Folded {
    /// Whose ledger.
    #[n(0)]
    pub writer: Writer,
    /// Of which day.
    #[n(1)]
    pub date: BusinessDate,
    /// Its heads: these changes and what they build on were folded, which their hashes prove.
    #[n(2)]
    pub heads: Vec<ChangeHash>,
    /// How many changes that are.
    #[n(3)]
    pub changes: u64,
}

/// What a count had seen: decides whether it covers an event that comes after the opening.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct CountSeen {
    /// The count.
    #[n(0)]
    pub event: EventId,
    /// See [`Count::seen`].
    #[n(1)]
    pub seen: Vec<Seen>,
}

/// The stock of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct PieceRow {
    /// Of what.
    #[n(0)]
    pub sku: Sku,
    /// Units that ever came in.
    #[n(1)]
    pub entered: i64,
    /// Units that ever left.
    #[n(2)]
    pub left: i64,
    /// The latest count, and what was not covered by it.
    #[n(3)]
    pub counted: Option<Counted>,
    /// When units last came or left.
    #[n(4)]
    pub moved: Option<Timestamp>,
    /// When what is owed of them last changed.
    #[n(5)]
    pub promised: Option<Timestamp>,
}

/// What is owed of a promise, of one SKU: see [`StockRow::owed`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Owed {
    /// Of what.
    #[n(0)]
    pub sku: Sku,
    /// The promise.
    #[n(1)]
    pub promise: EventId,
    /// Units.
    #[n(2)]
    pub quantity: i64,
}

/// Rights of one holder, of one SKU: see [`StockRow::rights`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Rights {
    /// Of what.
    #[n(0)]
    pub sku: Sku,
    /// Whose.
    #[n(1)]
    pub holder: Epoch,
    /// Units.
    #[n(2)]
    pub quantity: i64,
}

impl Piece {
    /// The record as the document holds it.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode_versioned(OPENING_VERSION, self)
    }
}

/// Reads a value of an opening's document; none for one that another version wrote.
pub fn read(bytes: &[u8]) -> Option<Piece> {
    codec::decode_versioned(OPENING_VERSION, bytes).ok()
}

/// An opening, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opening {
    /// What holds for all of it.
    pub header: Header,
    /// Ledgers folded further than by the one that it goes on from.
    pub ledgers: Vec<Folded>,
    /// The stock.
    pub fold: StockFold,
}

/// Why pieces make no opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidOpening(&'static str);

impl Opening {
    /// Cuts it into pieces. The first ones list the ledgers: see [`ledger_pieces`].
    pub fn to_pieces(&self) -> Vec<Piece> {
        let mut packer = Packer::default();
        self.ledgers.iter().for_each(|folded| packer.add(folded.clone(), |piece| &mut piece.ledgers));
        for (event, count) in &self.fold.counts {
            packer.add(CountSeen { event: *event, seen: count.seen.clone() }, |piece| &mut piece.counts);
        }
        for (sku, FoldedRow { stock, moved, promised }) in &self.fold.rows {
            let StockRow { entered, left, counted, .. } = *stock;
            let (sku, moved, promised) = (sku.clone(), *moved, *promised);
            packer.add(PieceRow { sku, entered, left, counted, moved, promised }, |piece| &mut piece.rows);
        }
        for (sku, FoldedRow { stock, .. }) in &self.fold.rows {
            for (promise, quantity) in &stock.owed {
                let owed = Owed { sku: sku.clone(), promise: *promise, quantity: *quantity };
                packer.add(owed, |piece| &mut piece.owed);
            }
            for (promise, quantity) in &stock.owed_since {
                let owed = Owed { sku: sku.clone(), promise: *promise, quantity: *quantity };
                packer.add(owed, |piece| piece.owed_since.get_or_insert_default());
            }
            for (holder, quantity) in &stock.rights {
                let rights = Rights { sku: sku.clone(), holder: *holder, quantity: *quantity };
                packer.add(rights, |piece| piece.rights.get_or_insert_default());
            }
        }
        packer.finish(&self.header)
    }

    /// Puts pieces together, in whatever order they come; none while some are missing.
    ///
    /// # Errors
    /// When they contradict each other.
    pub fn assemble(pieces: Vec<Piece>) -> Result<Option<Self>, InvalidOpening> {
        let mut ordered = BTreeMap::new();
        for piece in pieces {
            if ordered.insert(piece.number, piece).is_some() {
                return Err(InvalidOpening("a piece is there twice"));
            }
        }
        let Some(header) = ordered.get(&0).map(|first| first.header.clone()) else { return Ok(None) };
        let header = header.ok_or(InvalidOpening("its first piece has no header"))?;
        let last = header.pieces.checked_sub(1).ok_or(InvalidOpening("it has no pieces"))?;
        if header.pieces > MAX_PIECES || ordered.keys().any(|number| *number > last) {
            return Err(InvalidOpening("it has too many pieces"));
        }
        if u32::try_from(ordered.len()) != Ok(header.pieces) {
            return Ok(None);
        }
        let mut opening = Self { header, ..Self::default() };
        ordered.into_values().try_for_each(|piece| opening.take(piece))?;
        opening.check()?;
        Ok(Some(opening))
    }

    fn take(&mut self, piece: Piece) -> Result<(), InvalidOpening> {
        if piece.number > 0 && piece.header.is_some() {
            return Err(InvalidOpening("it has two headers"));
        }
        self.ledgers.extend(piece.ledgers);
        for CountSeen { event, seen } in piece.counts {
            self.fold.counts.insert(event, Count { lines: Vec::new(), seen, of: CountOf::default() });
        }
        for PieceRow { sku, entered, left, counted, moved, promised } in piece.rows {
            let stock = StockRow { entered, left, counted, ..StockRow::default() };
            if self.fold.rows.insert(sku, FoldedRow { stock, moved, promised }).is_some() {
                return Err(InvalidOpening("a SKU is there twice"));
            }
        }
        for Owed { sku, promise, quantity } in piece.owed {
            let row = self.fold.rows.get_mut(&sku).ok_or(InvalidOpening("something is owed of no SKU"))?;
            row.stock.set_owed(promise, quantity);
        }
        for Owed { sku, promise, quantity } in piece.owed_since.into_iter().flatten() {
            let row = self.fold.rows.get_mut(&sku).ok_or(InvalidOpening("something is owed of no SKU"))?;
            row.stock.owed_since.insert(promise, quantity);
        }
        for Rights { sku, holder, quantity } in piece.rights.into_iter().flatten() {
            let row = self.fold.rows.get_mut(&sku).ok_or(InvalidOpening("somebody has rights to no SKU"))?;
            row.stock.hold(holder, quantity);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), InvalidOpening> {
        let ledgers: BTreeSet<_> = self.ledgers.iter().map(|folded| (&folded.writer, folded.date)).collect();
        if ledgers.len() != self.ledgers.len() {
            return Err(InvalidOpening("a ledger is there twice"));
        }
        let counts = self.fold.rows.values().filter_map(|row| row.stock.counted);
        let counts: BTreeSet<_> = counts.map(|counted| counted.event).collect();
        if counts.iter().ne(self.fold.counts.keys()) {
            return Err(InvalidOpening("its counts are not those that its rows rest on"));
        }
        Ok(())
    }
}

/// How many of an opening's pieces, from the first, list its ledgers: with them, what is missing follows from the
/// ledgers.
pub fn ledger_pieces(pieces: &[Piece]) -> usize {
    pieces.iter().take_while(|piece| !piece.ledgers.is_empty()).count().max(1)
}

/// Fills pieces one after the other.
#[derive(Default)]
struct Packer {
    full: Vec<Piece>,
    piece: Piece,
    entries: usize,
    bytes: usize,
}

impl Packer {
    fn add<T: CborLen<()>>(&mut self, entry: T, list: impl FnOnce(&mut Piece) -> &mut Vec<T>) {
        let bytes = minicbor::len(&entry);
        if self.entries > 0 && (self.entries == MAX_ENTRIES || self.bytes + bytes > PIECE_BYTES) {
            self.full.push(std::mem::take(&mut self.piece));
            (self.entries, self.bytes) = (0, 0);
        }
        list(&mut self.piece).push(entry);
        self.entries += 1;
        self.bytes += bytes;
    }

    fn finish(self, header: &Header) -> Vec<Piece> {
        let Self { full: mut pieces, piece, .. } = self;
        pieces.push(piece);
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        (0..).zip(&mut pieces).for_each(|(number, piece)| piece.number = number);
        pieces[0].header = Some(Header { pieces: count, ..header.clone() });
        pieces
    }
}

/// What a set of events of one location comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockFold {
    rows: BTreeMap<Sku, FoldedRow>,
    /// The counts that rows rest on: what they had seen, without lines.
    counts: BTreeMap<EventId, Count>,
}

/// A stock row, and what must be known to fold further events onto it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldedRow {
    /// The row.
    pub stock: StockRow,
    /// When units last came or left: a count made no earlier covers all of them.
    pub moved: Option<Timestamp>,
    /// When what is owed of them last changed: the same for a count of what can be sold.
    pub promised: Option<Timestamp>,
}

/// A count reaches behind what was folded: single events decide, which the fold has forgotten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("count {count} was made before units of {sku} moved that are folded already")]
pub struct ReachesBehind {
    /// The count.
    pub count: EventId,
    /// Of what.
    pub sku: Sku,
}

impl StockFold {
    /// The rows, by SKU.
    pub const fn rows(&self) -> &BTreeMap<Sku, FoldedRow> {
        &self.rows
    }

    /// Folds further events in: of none that is folded already, nor copies of such, nor what gives back what such took.
    ///
    /// # Errors
    /// When a count among them reaches behind what was folded.
    pub fn extend(mut self, events: &[(Event, Origin)]) -> Result<Self, ReachesBehind> {
        let winners = winners(events);
        self.count(&winners)?;
        for (event, origin) in winners.values() {
            if !moves_stock(event, origin, &winners) {
                continue;
            }
            for (sku, step) in stock::steps(event, origin.writer.epoch) {
                let row = self.rows.entry(sku.clone()).or_default();
                let count = row.stock.counted.and_then(|counted| Some((self.counts.get(&counted.event)?, counted.at)));
                let covered = count.is_some_and(|(count, at)| stock::covers(count, at, event, origin));
                row.stock.apply(step, covered);
                if step.movement.on_hand() != 0 {
                    row.moved = row.moved.max(Some(event.occurred()));
                }
                if step.movement.owed().is_some() {
                    row.promised = row.promised.max(Some(event.occurred()));
                }
            }
        }
        Ok(self)
    }

    /// How many SKUs differ.
    pub fn difference(&self, other: &Self) -> u64 {
        let skus: BTreeSet<_> = self.rows.keys().chain(other.rows.keys()).collect();
        let differing = skus.into_iter().filter(|sku| self.row_and_count(sku) != other.row_and_count(sku));
        u64::try_from(differing.count()).unwrap_or(u64::MAX)
    }

    /// Finds the latest count of each SKU. What it does not cover comes on top of it afterwards.
    fn count(&mut self, winners: &BTreeMap<EventId, &(Event, Origin)>) -> Result<(), ReachesBehind> {
        let mut renewed = BTreeMap::new();
        for (id, (event, _)) in winners {
            let Body::Count(count) = &event.body else { continue };
            for line in &count.lines {
                let row = self.rows.entry(line.sku.clone()).or_default();
                let at = event.occurred();
                if row.stock.is_superseded_by(at, *id) {
                    row.stock.count(*id, at, (count.of, line.quantity), Since::default());
                    let promised = row.promised.filter(|_| count.of == CountOf::Available);
                    renewed.insert(line.sku.clone(), (*id, at, row.moved.max(promised), &count.seen));
                }
            }
        }
        for (sku, (id, at, moved, seen)) in renewed {
            if moved > Some(at) {
                return Err(ReachesBehind { count: id, sku });
            }
            let without_lines = || Count { lines: Vec::new(), seen: seen.clone(), of: CountOf::default() };
            self.counts.entry(id).or_insert_with(without_lines);
        }
        let used = self.rows.values().filter_map(|row| row.stock.counted);
        let used: BTreeSet<_> = used.map(|counted| counted.event).collect();
        self.counts.retain(|event, _| used.contains(event));
        Ok(())
    }

    fn row_and_count(&self, sku: &Sku) -> Option<(&FoldedRow, Option<&Count>)> {
        let row = self.rows.get(sku)?;
        Some((row, row.stock.counted.and_then(|counted| self.counts.get(&counted.event))))
    }
}

/// Whether an event counts: one that gives back what vouchers gave needs what took it.
fn moves_stock(event: &Event, origin: &Origin, winners: &BTreeMap<EventId, &(Event, Origin)>) -> bool {
    let Body::RedemptionReversal(body) = &event.body else { return true };
    let taken = winners.get(&Redemption::id_of(body.order)).map(|(taken, at)| (taken, at));
    voucher::is_taken((event, origin), taken)
}

/// Of several copies under one id the one that counts: the same that the engine takes.
fn winners(events: &[(Event, Origin)]) -> BTreeMap<EventId, &(Event, Origin)> {
    let mut winners: BTreeMap<EventId, &(Event, Origin)> = BTreeMap::new();
    for copy in events {
        let winner = winners.entry(copy.0.id).or_insert(copy);
        if stock::rank(&copy.0, &copy.1) < stock::rank(&winner.0, &winner.1) {
            *winner = copy;
        }
    }
    winners
}

#[cfg(test)]
mod tests;
