//! Rights of this node: made of goods that come in, taken by what leaves, given back where nothing stands behind them.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::Engine;
use super::record::Draft;
use crate::catalog::Product;
use crate::event::{Body, Burn, Event, Kind, Line, MAX_LINES, MAX_QUANTITY, Mint, Origin, PricedLine, ReceiptLine};
use crate::fleet::{Standing, Write as Written};
use crate::id::{Epoch, EventId, Name, Sku, Writer};
use crate::policy::Terms;
use crate::refusal::Refusal;
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;
use crate::voucher;

/// How long a row stays as it is before rights are made of its surplus or given back: most of what looks wrong is a
/// message on its way, and each correction costs an event.
const SETTLE_MILLIS: i64 = 2_000;

/// Rows whose rights do not fit their stock, and since when.
#[derive(Default)]
pub(super) struct Unsettled {
    /// None: since the last look, which comes at once.
    due: BTreeMap<(Name, Sku), Option<Timestamp>>,
}

impl Unsettled {
    /// When the next row is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.values().flatten().min().copied()
    }

    /// Takes the rows that are due. After a clock went back, none waits longer than it would have.
    fn take(&mut self, now: Timestamp) -> Vec<(Name, Sku)> {
        let latest = now.plus_millis(SETTLE_MILLIS);
        self.due.values_mut().for_each(|due| *due = Some(due.map_or(latest, |due| due.min(latest))));
        let is_due = |at: &Option<Timestamp>| at.is_some_and(|at| at <= now);
        let due: Vec<_> = self.due.iter().filter(|(_, at)| is_due(at)).map(|(key, _)| key.clone()).collect();
        due.iter().for_each(|key| {
            self.due.remove(key);
        });
        due
    }
}

impl<S: Storage> Engine<S> {
    /// What holds for promises of a SKU to a channel.
    pub(super) fn terms(&self, sku: &Sku, channel: Option<&Name>) -> Terms {
        if voucher::kind_of(sku).is_some() {
            // Rules for goods must not make money.
            return Terms::default();
        }
        let category = self.look::<Product, _>(sku, |product| product.category.clone()).flatten();
        self.config.promises.of(sku, category.as_deref(), channel)
    }

    /// The lines of a receipt with the rights that they make: as many as there are units, less what must stay for the
    /// counter and what more was promised or sold than there was.
    pub(super) fn with_rights(&self, location: &Name, lines: &[Line]) -> Vec<ReceiptLine> {
        let mut surplus: BTreeMap<&Sku, i64> = BTreeMap::new();
        let mut receipt = Vec::with_capacity(lines.len());
        for line in lines {
            let left = surplus.entry(&line.sku).or_insert_with(|| self.surplus(location, &line.sku));
            *left += line.quantity;
            let minted = (*left).clamp(0, line.quantity);
            *left -= minted;
            let minted = u64::try_from(minted).ok().filter(|minted| *minted > 0);
            receipt.push(ReceiptLine { sku: line.sku.clone(), quantity: line.quantity, minted });
        }
        receipt
    }

    /// Units that rights could be made of; below zero where some are missing.
    fn surplus(&self, location: &Name, sku: &Sku) -> i64 {
        let of = |row: &StockRow| row.on_hand() - row.open() - row.all_rights();
        let surplus = self.look::<StockRow, _>(&(location.clone(), sku.clone()), of).unwrap_or_default();
        surplus - self.terms(sku, None).floor
    }

    /// Lets lines that leave over the counter take this node's rights, where the floor stock does not cover them.
    pub(super) fn take_rights(&self, location: &Name, lines: &mut [PricedLine]) {
        let mut left: BTreeMap<Sku, (i64, i64)> = BTreeMap::new();
        for line in lines {
            let (floor, rights) =
                left.entry(line.sku.clone()).or_insert_with(|| self.floor_and_rights(location, &line.sku));
            let beyond = (line.quantity - *floor).max(0);
            *floor = (*floor - line.quantity).max(0);
            let burned = beyond.min(*rights);
            *rights -= burned;
            line.burned = u64::try_from(burned).ok().filter(|burned| *burned > 0);
        }
    }

    /// The rights of this node that go with goods that were lost or sent away.
    pub(super) fn rights_beyond_floor(&self, location: &Name, lines: &[Line]) -> Vec<Line> {
        let mut leaving: BTreeMap<&Sku, i64> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.quantity > 0) {
            *leaving.entry(&line.sku).or_default() += line.quantity;
        }
        let burned = leaving.into_iter().map(|(sku, quantity)| {
            let (floor, rights) = self.floor_and_rights(location, sku);
            Line { sku: sku.clone(), quantity: (quantity - floor).clamp(0, rights) }
        });
        burned.filter(|line| line.quantity > 0).collect()
    }

    fn floor_and_rights(&self, location: &Name, sku: &Sku) -> (i64, i64) {
        let own = self.identity.writer().epoch;
        let of = |row: &StockRow| (row.floor(), row.rights_of(own));
        self.look::<StockRow, _>(&(location.clone(), sku.clone()), of).unwrap_or_default()
    }

    /// Rights of this node for a SKU at a location.
    pub(super) fn own_rights(&self, location: &Name, sku: &Sku) -> i64 {
        self.floor_and_rights(location, sku).1
    }

    /// Those of them that something stands behind: the others are about to be given back.
    pub(super) fn spendable_rights(&self, location: &Name, sku: &Sku) -> Result<i64, StorageError> {
        Ok(self.own_rights(location, sku) - self.spare_rights(location, sku)?)
    }

    /// Remembers a row whose rights do not fit its stock.
    pub(super) fn note_rights(&mut self, key: &(Name, Sku)) -> Result<(), StorageError> {
        if let Some(row) = self.row::<StockRow>(key)? {
            self.note_rights_of(key, &row);
        }
        Ok(())
    }

    /// The same of a row at hand. Called for each row that changes, so it looks at as little as it can. After a replay
    /// every row is looked at.
    pub(super) fn note_rights_of(&mut self, key: &(Name, Sku), row: &StockRow) {
        if !self.replaying && self.is_unsettled(row, self.identity.writer().epoch, self.keeps(&key.0)) {
            self.unsettled.due.entry(key.clone()).or_insert(None);
        }
    }

    /// Looks at every row: at a start nothing is remembered. What is due already stays so, however often others change.
    pub(super) fn load_unsettled(&mut self) {
        let mut known = std::mem::take(&mut self.unsettled.due);
        let own = self.identity.writer().epoch;
        let view = self.committed();
        let rows = view.stock.iter().filter(|(key, row)| self.is_unsettled(row, own, self.keeps(&key.0)));
        let due = rows.map(|(key, _)| (key.clone(), known.remove(key).flatten())).collect();
        drop(view);
        self.unsettled = Unsettled { due };
    }

    /// Makes rights of surplus, as the location's keeper, and gives up those that nothing stands behind.
    pub(super) fn tend_rights(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let mut corrections: BTreeMap<(Name, bool), Vec<Line>> = BTreeMap::new();
        let mut reclaimed: BTreeMap<(Name, Writer), Vec<Line>> = BTreeMap::new();
        for (location, sku) in self.unsettled.take(now) {
            let spare = self.spare_rights(&location, &sku).unwrap_or_else(|error| {
                self.break_off(&Refusal::Storage(error));
                0
            });
            let surplus = self.surplus(&location, &sku);
            let keeps = self.keeps(&location);
            let retired = if keeps { self.held_by_retired(&location, &sku) } else { Vec::new() };
            for (writer, quantity) in retired {
                let quantity = quantity.min(MAX_QUANTITY);
                reclaimed.entry((location.clone(), writer)).or_default().push(Line { sku: sku.clone(), quantity });
            }
            // What is more than a record takes is still due after it.
            if spare > 0 {
                let line = Line { sku, quantity: spare.min(MAX_QUANTITY) };
                corrections.entry((location, false)).or_default().push(line);
            } else if keeps && surplus > 0 {
                let line = Line { sku, quantity: surplus.min(MAX_QUANTITY) };
                corrections.entry((location, true)).or_default().push(line);
            }
        }
        self.reclaim(now, rng, reclaimed);
        for ((location, mint), lines) in corrections {
            for lines in lines.chunks(MAX_LINES) {
                let lines = lines.to_vec();
                let body = if mint { Body::Mint(Mint { lines }) } else { Body::Burn(Burn { lines, cause: None }) };
                self.record_by_itself(now, random_id(rng), &location, body);
            }
        }
    }

    /// Whether a holder is to give rights of a row back, or its location's keeper to make some or to take some from who
    /// was retired.
    fn is_unsettled(&self, row: &StockRow, own: Epoch, keeps: bool) -> bool {
        (row.rights.contains_key(&own) && row.excess() > 0)
            || (keeps && (row.floor() > 0 || self.retired.holders(row).next().is_some()))
    }

    /// Whether this node keeps a location.
    pub(super) fn keeps(&self, location: &Name) -> bool {
        // Vouchers have no store: who keeps them, a certificate says.
        let keeps_vouchers =
            || *location == self.config.vouchers && self.standing() == Standing::Member && self.may_mint(location);
        self.config.keeper && (*location == self.config.location || keeps_vouchers())
    }

    fn may_mint(&self, location: &Name) -> bool {
        let kind = Kind::of(&Body::Mint(Mint { lines: Vec::new() }));
        self.check_role(&Written::Event(location, kind)).is_ok()
    }

    /// Whether the settings make this node its location's keeper and its certificate does not: it makes no rights then.
    pub fn keeps_in_vain(&self) -> bool {
        self.config.keeper && !self.may_mint(&self.config.location)
    }

    /// Records what nobody asked for. What this node's role does not cover stays undone; a failure undoes the commit.
    pub(super) fn record_by_itself(
        &mut self,
        now: Timestamp,
        id: EventId,
        location: &Name,
        body: Body,
    ) -> Option<(Event, Origin)> {
        match self.try_record_by_itself(now, Draft { id, body, occurred_at: None }, location) {
            Ok(recorded) => Some(recorded),
            Err(Refusal::OutsideRole { .. } | Refusal::ScopeNotHeld { .. }) => None,
            Err(error) => {
                self.break_off(&error);
                None
            }
        }
    }
}

pub(super) fn random_id(rng: &mut dyn CryptoRng) -> EventId {
    let mut bytes = [0; EventId::LEN];
    rng.fill_bytes(&mut bytes);
    EventId::from_bytes(bytes)
}
