//! Rights of others: asking peers for some, and giving some to those who ask.
//!
//! A grant is an event: durable at the giver before the asker hears of it, so a right is never in two hands. What is
//! lost on the way arrives by repair. Only what a client waits for, and what runs low, is asked for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::Engine;
use super::state::Call;
use super::wishes::Asker;
use crate::event::{Body, Grant, Kind, Line, MAX_LINES, MAX_QUANTITY};
use crate::fleet::Write as Written;
use crate::id::{Epoch, Name, Sku, Writer};
use crate::refusal::{Elsewhere, Missing, Refusal};
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::sync::{WantedRights, Wished};
use crate::time::Timestamp;
use crate::view::WriterRow;
use crate::voucher;

/// How long what clients asked for counts as demand: after each such time it counts half. What is asked for today will
/// be tomorrow; within hours most SKUs are asked for once.
const DEMAND_HALVES_MILLIS: i64 = 24 * 3_600_000;
/// Of how many SKUs demand is remembered: what a store trades in a day. Of more, the least wanted are forgotten.
const MAX_DEMANDS: usize = 10_000;
/// How long after asking for a SKU that runs low a node asks again: rights must not travel more than goods.
const LOW_WATER_EVERY_MILLIS: i64 = 30_000;
/// A holder that has less than one part in so many of its recent demand is low.
const LOW_WATER_PART: i64 = 4;
/// What is less than one part in so many of an asker's share, and of its demand, is not moved before somebody waits.
const WORTH_MOVING_PART: i64 = 4;
/// How long a question about what runs low may stay without an answer.
const ANSWER_MILLIS: i64 = 2_000;
/// After how long without an answer to a question that a client waits for the next holder is asked as well: several
/// times what a message takes across a continent.
pub const NEXT_AFTER_MILLIS: i64 = 250;
/// For how long a holder that did not answer is asked last: about as long as a broker takes to say that it is gone.
const SILENT_MILLIS: i64 = 30_000;
/// The most places where somebody is told to look for what is missing.
const MAX_ELSEWHERE: usize = 20;

type Place = (Name, Sku);

/// What this node seeks, and what its clients want.
#[derive(Default)]
pub(super) struct Seeking {
    /// Whom it asked for what, and for which channel: who keeps something for another one has none for this.
    asked: BTreeMap<Place, BTreeMap<(Epoch, Option<Name>), Asked>>,
    /// What waiting clients want: it is not given away meanwhile.
    claimed: BTreeMap<Place, (i64, Timestamp)>,
    demand: BTreeMap<Place, Demand>,
    /// What runs low, and when it may be asked for.
    low: BTreeMap<Place, Timestamp>,
    /// Who did not answer, until when that counts.
    silent: BTreeMap<Epoch, Timestamp>,
    /// Whether an answer came that those who wait should look at.
    news: bool,
}

#[derive(Clone, Copy)]
struct Asked {
    /// The question.
    id: u64,
    /// Whether no answer has come; else it had none.
    open: bool,
    /// Whether a client waits for it: who had none to spare for later may have some for now.
    waits: bool,
    at: Timestamp,
    until: Timestamp,
}

/// Somebody who may give rights.
struct Holder {
    epoch: Epoch,
    rights: i64,
    /// When it was asked on behalf of a client that waits, if it has not answered.
    asked_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Default)]
struct Demand {
    units: i64,
    /// When it was halved last, or began.
    since: Timestamp,
}

impl Demand {
    fn at(self, now: Timestamp) -> Self {
        let halves = (now.as_millis() - self.since.as_millis()).max(0) / DEMAND_HALVES_MILLIS;
        let since = self.since.plus_millis(halves * DEMAND_HALVES_MILLIS);
        Self { units: self.units >> halves.min(62), since: since.min(now) }
    }
}

impl Seeking {
    /// Forgets what is over. After a clock went back nothing waits for ever.
    pub fn clear(&mut self, now: Timestamp) {
        let latest = now.plus_millis(LOW_WATER_EVERY_MILLIS);
        let holds = |until: Timestamp| until > now && until <= latest;
        self.claimed.retain(|_, (_, until)| holds(*until));
        let silent = &mut self.silent;
        self.asked.retain(|_, asked| {
            asked.retain(|(holder, _), asked| {
                if asked.open && asked.until <= now {
                    silent.insert(*holder, now.plus_millis(SILENT_MILLIS));
                }
                holds(asked.until)
            });
            !asked.is_empty()
        });
        let latest = now.plus_millis(SILENT_MILLIS);
        silent.retain(|_, until| *until > now && *until <= latest);
    }

    /// Remembers that a holder did not answer.
    pub fn note_silent(&mut self, now: Timestamp, holder: Epoch) {
        self.silent.insert(holder, now.plus_millis(SILENT_MILLIS));
    }

    /// Remembers that a holder answered.
    pub fn note_answer(&mut self, holder: Epoch) {
        self.silent.remove(&holder);
    }

    /// Whether a holder did not answer a while ago: others are asked first.
    pub fn is_silent(&self, now: Timestamp, holder: Epoch) -> bool {
        self.silent.get(&holder).is_some_and(|until| *until > now)
    }

    /// Whether something was asked in this question and not answered.
    pub fn awaits(&self, id: u64) -> bool {
        self.asked.values().flat_map(BTreeMap::values).any(|asked| asked.id == id && asked.open)
    }

    /// Remembers that a holder has none of what it was asked for in a question. False: that waits for no answer.
    pub fn note_none(&mut self, id: u64, of: Epoch) -> bool {
        let all = self.asked.values_mut().flatten();
        let of_it = all.filter(|((holder, _), asked)| *holder == of && asked.id == id && asked.open);
        of_it.fold(false, |_, (_, asked)| {
            asked.open = false;
            true
        })
    }

    fn demand(&self, now: Timestamp, place: &Place) -> i64 {
        self.demand.get(place).map_or(0, |demand| demand.at(now).units)
    }

    /// Remembers that an answer came that those who wait should look at.
    pub const fn bring_news(&mut self) {
        self.news = true;
    }

    /// When something that runs low may be asked for.
    pub fn next(&self) -> Option<Timestamp> {
        self.low.values().min().copied()
    }
}

/// Whether so little time has passed since a question that its answer may be on its way.
pub(super) fn is_recent(now: Timestamp, asked_at: Timestamp) -> bool {
    asked_at > now.plus_millis(-NEXT_AFTER_MILLIS) && asked_at <= now
}

/// The kind of events that spend rights to a SKU.
pub(super) fn spent_by(sku: &Sku) -> Kind {
    if voucher::kind_of(sku).is_some() { Kind::REDEMPTION } else { Kind::PROMISE }
}

/// How much of what a holder has left an asker gets beyond what it waits for, by the demand of the asker and of the
/// holder: no more than makes both equal to their demand. An asker that waits for nothing gets none where that would be
/// little: else two nodes that run low would send the same rights back and forth.
pub(super) fn more_for(rest: i64, theirs: i64, (wanted, own): (i64, i64), waits: bool) -> i64 {
    let (left, has, wanted, own) = (i128::from(rest), i128::from(theirs), i128::from(wanted), i128::from(own));
    let fair = (left + has) * wanted / (wanted + own).max(1);
    // Who holds them keeps as much again: an asker of one unit must not strip a store.
    let more = (left * wanted / (wanted + own + left).max(1)).min(fair - has);
    let is_worth_it = waits || more * i128::from(WORTH_MOVING_PART) >= fair.min(wanted);
    i64::try_from(more).unwrap_or(0).clamp(0, if is_worth_it { rest } else { 0 })
}

impl<S: Storage> Engine<S> {
    /// Whether answers came since the last call that clients wait for.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.seeking.news)
    }

    /// Notes that a client wanted some, and whether it runs low now. More than somebody could promise is no demand that
    /// moving rights could meet.
    pub(super) fn note_demand(&mut self, now: Timestamp, location: &Name, sku: &Sku, wanted: i64) {
        if !self.config.promises.rebalance {
            return;
        }
        let place = (location.clone(), sku.clone());
        let wanted = wanted.min(self.look::<StockRow, _>(&place, StockRow::all_rights).unwrap_or_default()).max(1);
        let before = self.seeking.demand.get(&place).map_or(Demand { units: 0, since: now }, |demand| demand.at(now));
        let units = before.units.saturating_add(wanted);
        self.seeking.demand.insert(place.clone(), Demand { units, ..before });
        if self.seeking.demand.len() > MAX_DEMANDS {
            let least = |demand: &Demand| (demand.at(now).units, demand.since);
            let oldest =
                self.seeking.demand.iter().min_by_key(|(_, demand)| least(demand)).map(|(place, _)| place.clone());
            oldest.map(|place| self.seeking.demand.remove(&place));
        }
        let may_spend = || self.check_role(&Written::Event(location, spent_by(sku))).is_ok();
        if self.own_rights(location, sku) - wanted < units / LOW_WATER_PART && may_spend() {
            self.seeking.low.entry(place).or_insert(now);
        }
    }

    /// The refusal that names what is missing, where the rest is, and whether peers were asked for it.
    pub(super) fn not_available(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        missing: Vec<Missing>,
        until: Option<Timestamp>,
    ) -> Refusal {
        if let Err(outside) = self.check_may_spend(location, &missing) {
            return outside;
        }
        self.seeking.clear(call.now);
        let asking = until.is_some_and(|until| until > call.now && self.seek(call, location, &missing, until));
        let elsewhere = if asking { Vec::new() } else { self.elsewhere(location, &missing) };
        Refusal::NotAvailable { location: location.clone(), missing, elsewhere, asking }
    }

    /// What this node may not spend it does not let its clients wait for.
    fn check_may_spend(&self, location: &Name, missing: &[Missing]) -> Result<(), Refusal> {
        let mut kinds = missing.iter().map(|missing| spent_by(&missing.sku));
        kinds.try_for_each(|kind| self.check_role(&Written::Event(location, kind)))
    }

    /// Asks holders for what is missing. False: nobody is left who could have all of it.
    fn seek(&mut self, call: &Call<'_>, location: &Name, missing: &[Missing], until: Timestamp) -> bool {
        let mut questions: BTreeMap<Epoch, Vec<WantedRights>> = BTreeMap::new();
        let channel = &call.request.channel;
        for Missing { sku, wanted, available, .. } in missing {
            let place = (location.clone(), sku.clone());
            let holders = self.holders(call.now, &place, channel.as_ref(), true);
            let held = holders.iter().fold(*available, |sum, holder| sum.saturating_add(holder.rights));
            // Rights that do not suffice are of use where they are.
            if held < *wanted {
                return false;
            }
            let soon = |at: Timestamp| is_recent(call.now, at);
            if holders.iter().filter_map(|holder| holder.asked_at).any(soon) {
                continue;
            }
            // Where all were asked, they may answer yet.
            let next = holders.iter().find(|holder| holder.asked_at.is_none()).map(|holder| holder.epoch);
            let Some(holder) = next else { continue };
            let demand = self.seeking.demand(call.now, &place).saturating_add(*wanted);
            let (sku, wanted) = (sku.clone(), wanted - available);
            let line = WantedRights { sku, wanted, demand, channel: channel.clone() };
            questions.entry(holder).or_default().push(line);
        }
        for Missing { sku, wanted, .. } in missing {
            let claim = self.seeking.claimed.entry((location.clone(), sku.clone())).or_insert((0, until));
            *claim = (claim.0.max(*wanted), claim.1.max(until));
        }
        for (holder, lines) in questions {
            self.ask_for_rights(call.now, location, holder, lines, until);
        }
        true
    }

    /// Who holds rights and is there as far as is known, most first, and last who did not answer. Who said to have none
    /// is left out, and where nobody waits, who is being asked.
    fn holders(&self, now: Timestamp, place: &Place, channel: Option<&Name>, waits: bool) -> Vec<Holder> {
        let own = self.identity.writer().epoch;
        let asked = self.seeking.asked.get(place);
        let rights = self.look::<StockRow, _>(place, |row| row.rights.clone()).unwrap_or_default();
        let goes_on = |epoch: Epoch| epoch != own && !self.retired.is_gone(epoch);
        let others = rights.into_iter().filter(|(epoch, rights)| *rights > 0 && goes_on(*epoch));
        let mut holders: Vec<_> = others
            .filter(|(epoch, _)| self.writer_of(*epoch).is_some_and(|writer| self.is_there(now, &writer.node)))
            .filter_map(|(epoch, rights)| {
                let asked = asked.and_then(|asked| asked.get(&(epoch, channel.cloned())));
                match asked {
                    Some(asked) if !waits || (asked.waits && !asked.open) => None,
                    Some(asked) => Some(Holder { epoch, rights, asked_at: asked.waits.then_some(asked.at) }),
                    None => Some(Holder { epoch, rights, asked_at: None }),
                }
            })
            .collect();
        let answers = |epoch| !self.seeking.is_silent(now, epoch);
        holders.sort_unstable_by_key(|holder| Reverse((answers(holder.epoch), holder.rights, holder.epoch)));
        holders
    }

    pub(super) fn writer_of(&self, epoch: Epoch) -> Option<Writer> {
        let staged = <WriterRow as crate::view::Record>::staged(&self.staged);
        let view = self.committed();
        let mut writers = view.writers.iter().map(|(writer, _)| writer).chain(staged.keys());
        writers.find(|writer| writer.epoch == epoch).cloned()
    }

    pub(super) fn ask_for_rights(
        &mut self,
        at: Timestamp,
        location: &Name,
        holder: Epoch,
        lines: Vec<WantedRights>,
        until: Timestamp,
    ) {
        let Some(writer) = self.writer_of(holder) else { return };
        for lines in lines.chunks(MAX_LINES) {
            let id = self.send_wish(location, &writer, Wished::Rights(lines.to_vec()));
            for line in lines {
                let place = (location.clone(), line.sku.clone());
                let asked = Asked { id, open: true, waits: line.wanted > 0, at, until };
                self.seeking.asked.entry(place).or_default().insert((holder, line.channel.clone()), asked);
            }
        }
    }

    /// Gives rights to a peer that asks: what it wants, and of the rest a share by demand, but nothing that a client of
    /// this node waits for. False: there are none to give.
    pub(super) fn give_rights(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        location: &Name,
        to: &Asker,
        wanted: &[WantedRights],
    ) -> bool {
        if wanted.len() > MAX_LINES || self.check_not_retired().is_err() || self.retired.own_is_fenced() {
            return false;
        }
        self.seeking.clear(now);
        let lines = match self.shares(now, location, to.writer.epoch, wanted) {
            Ok(lines) => lines,
            Err(error) => {
                self.break_off(&error.into());
                return false;
            }
        };
        let any = !lines.is_empty();
        let body = Body::Grant(Grant { to: to.writer.clone(), lines, proof: to.proof.clone() });
        any && self.record_by_itself(now, super::rights::random_id(rng), location, body).is_some()
    }

    fn shares(
        &mut self,
        now: Timestamp,
        location: &Name,
        to: Epoch,
        wanted: &[WantedRights],
    ) -> Result<Vec<Line>, StorageError> {
        let (mut lines, mut seen) = (Vec::with_capacity(wanted.len()), BTreeSet::new());
        for line in wanted.iter().filter(|line| seen.insert(&line.sku)) {
            let quantity = self.share(now, &(location.clone(), line.sku.clone()), line, to)?;
            let quantity = quantity.min(MAX_QUANTITY);
            lines.extend((quantity > 0).then(|| Line { sku: line.sku.clone(), quantity }));
        }
        Ok(lines)
    }

    fn share(&mut self, now: Timestamp, place: &Place, line: &WantedRights, asker: Epoch) -> Result<i64, StorageError> {
        let claimed = self.seeking.claimed.get(place).map_or(0, |(claimed, _)| *claimed);
        let kept = claimed.saturating_add(self.kept_for_others(&place.0, &place.1, line.channel.as_ref())?);
        let spare = (self.spendable_rights(&place.0, &place.1)? - kept).max(0);
        let wanted = line.wanted.clamp(0, spare);
        if !self.config.promises.rebalance || voucher::kind_of(&place.1).is_some() {
            // A voucher is spent where its bearer goes: more of it is of no use to the asker.
            return Ok(wanted);
        }
        let theirs = self.look::<StockRow, _>(place, |row| row.rights_of(asker)).unwrap_or_default();
        let demand = (line.demand.max(0), self.seeking.demand(now, place));
        Ok(wanted + more_for(spare - wanted, theirs.saturating_add(wanted), demand, wanted > 0))
    }

    /// A grant to this node was heard: its giver may be asked for more. What else was asked in the same question it has
    /// not.
    pub(super) fn note_grant(&mut self, location: &Name, giver: Epoch, grant: &Grant) {
        if grant.to != *self.identity.writer() {
            return;
        }
        let mut answered = BTreeSet::new();
        for line in &grant.lines {
            let place = self.seeking.asked.get_mut(&(location.clone(), line.sku.clone()));
            let given = place.into_iter().flat_map(|asked| asked.extract_if(.., |(epoch, _), _| *epoch == giver));
            answered.extend(given.map(|(_, asked)| asked.id));
        }
        let here = self.seeking.asked.iter_mut().filter(|((at, _), _)| at == location).flat_map(|(_, asked)| asked);
        let rest = here.filter(|((epoch, _), asked)| *epoch == giver && answered.contains(&asked.id));
        rest.for_each(|(_, asked)| asked.open = false);
        self.seeking.note_answer(giver);
        self.seeking.news = true;
    }

    /// Asks for what runs low before a client needs it.
    pub(super) fn tend_low_water(&mut self, now: Timestamp) {
        let latest = now.plus_millis(LOW_WATER_EVERY_MILLIS);
        let low = &mut self.seeking.low;
        low.values_mut().for_each(|at| *at = (*at).min(latest));
        let due: Vec<Place> = low.iter().filter(|(_, at)| **at <= now).map(|(place, _)| place.clone()).collect();
        if due.is_empty() {
            return;
        }
        self.seeking.clear(now);
        let mut questions: BTreeMap<(Name, Epoch), Vec<WantedRights>> = BTreeMap::new();
        for place in due {
            let (demand, rights) = (self.seeking.demand(now, &place), self.own_rights(&place.0, &place.1));
            if rights >= demand / LOW_WATER_PART {
                self.seeking.low.remove(&place);
                continue;
            }
            self.seeking.low.insert(place.clone(), latest);
            if let Some(holder) = self.holders(now, &place, None, false).first().map(|holder| holder.epoch) {
                let line = WantedRights { sku: place.1, wanted: 0, demand, channel: None };
                questions.entry((place.0, holder)).or_default().push(line);
            }
        }
        for ((location, holder), lines) in questions {
            self.ask_for_rights(now, &location, holder, lines, now.plus_millis(ANSWER_MILLIS));
        }
    }

    /// Where there is more of what is missing: with whom at this location, and at which others.
    fn elsewhere(&self, location: &Name, missing: &[Missing]) -> Vec<Elsewhere> {
        let own = self.identity.writer().epoch;
        let view = self.committed();
        let locations: std::collections::BTreeSet<&Name> =
            view.writers.iter().flat_map(|(_, row)| row.dates.keys()).collect();
        let mut found = Vec::new();
        for sku in missing.iter().map(|missing| &missing.sku) {
            if let Some(row) = view.stock.get(&(location.clone(), sku.clone())) {
                let others = row.rights.iter().filter(|(epoch, rights)| **epoch != own && **rights > 0);
                for (epoch, rights) in others {
                    let node = view.writers.iter().map(|(w, _)| w).find(|w| w.epoch == *epoch).map(|w| w.node.clone());
                    let (sku, location) = (sku.clone(), location.clone());
                    let left = self.retired.is_gone(*epoch);
                    found.push(Elsewhere { sku, location, node, available: *rights, left });
                }
            }
            for other in locations.iter().filter(|other| **other != location) {
                let row = view.stock.get(&((*other).clone(), sku.clone()));
                if let Some(available) = row.map(StockRow::available).filter(|available| *available > 0) {
                    let (sku, location) = (sku.clone(), (*other).clone());
                    found.push(Elsewhere { sku, location, node: None, available, left: false });
                }
            }
        }
        found.truncate(MAX_ELSEWHERE);
        found
    }
}
