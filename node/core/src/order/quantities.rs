//! How much of each SKU of an order went where, and how far the rest has come.
//!
//! Stages are told by events that several nodes may write at once, each from what it had heard. What each of them adds
//! to one stage and takes from another is added up, which does not depend on the order in which it is heard. Where two
//! moved the same goods the sums say more than there is: no more is at the stages than is left to leave, and of that as
//! much as was told at the latest ones.
//!
//! Goods that were told to be picked beyond what is left to leave, where something was given up, lie somewhere and
//! belong on the shelf: they are to be put back until somebody says that they were.

use std::collections::BTreeMap;

use super::Order;
use super::returns::KeptAside;
use crate::event::{Body, Event, Stage, StagedLine};
use crate::id::Sku;

/// How much of one SKU of an order went where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantities {
    /// Sold or promised.
    pub ordered: i64,
    /// Given up.
    pub released: i64,
    /// Left, after a promise.
    pub fulfilled: i64,
    /// Came back.
    pub returned: i64,
    /// Of that, kept aside: nobody has decided what becomes of it.
    pub undecided: i64,
    /// Of a promise, what is left to leave and at no stage yet.
    pub placed: i64,
    /// Taken on by somebody.
    pub allocated: i64,
    /// Taken from the shelf.
    pub picked: i64,
    /// Packed, to be handed over or shipped.
    pub ready: i64,
    /// Taken from the shelf for what was given up since, and not put back.
    pub to_put_back: i64,
    /// Of that, what was packed.
    packed_in_vain: i64,
}

/// The stages beyond the first, and what is told of each, added up.
#[derive(Default)]
struct Told(BTreeMap<Stage, i64>);

impl Told {
    fn add(&mut self, stage: Stage, quantity: i64) {
        *self.0.entry(stage).or_default() += quantity;
    }

    /// How much has come to a stage or beyond it.
    fn reached(&self, stage: Stage) -> i64 {
        self.0.range(stage..).map(|(_, quantity)| quantity).sum()
    }

    fn at(&self, stage: Stage) -> i64 {
        self.0.get(&stage).copied().unwrap_or_default()
    }
}

impl Quantities {
    /// What is at a stage.
    pub const fn at(&self, stage: Stage) -> i64 {
        match stage {
            Stage::Placed => self.placed,
            Stage::Allocated => self.allocated,
            Stage::Picked => self.picked,
            Stage::Ready => self.ready,
        }
    }

    /// What is to be put back that was at a stage when it was given up.
    pub const fn given_up_at(&self, stage: Stage) -> i64 {
        match stage {
            Stage::Placed | Stage::Allocated => 0,
            Stage::Picked => self.to_put_back - self.packed_in_vain,
            Stage::Ready => self.packed_in_vain,
        }
    }

    /// Takes units from stages, from the first named first; fewer where they do not have as many.
    pub fn take(&self, mut quantity: i64, stages: &[Stage]) -> Vec<(Stage, i64)> {
        take_from(&mut quantity, stages, |stage| self.at(stage))
    }

    /// The same for goods that are put back: what was given up goes first.
    pub fn take_back(&self, mut quantity: i64, stages: &[Stage]) -> Vec<(Stage, i64)> {
        let mut taken = take_from(&mut quantity, stages, |stage| self.given_up_at(stage));
        taken.extend(take_from(&mut quantity, stages, |stage| self.at(stage)));
        taken
    }

    /// The earliest stage at which something is; none where nothing is left to leave.
    pub(super) fn earliest_stage(&self) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| self.at(*stage) > 0)
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.ordered += other.ordered;
        self.released += other.released;
        self.fulfilled += other.fulfilled;
        self.returned += other.returned;
        self.undecided += other.undecided;
        self.placed += other.placed;
        self.allocated += other.allocated;
        self.picked += other.picked;
        self.ready += other.ready;
        self.to_put_back += other.to_put_back;
        self.packed_in_vain += other.packed_in_vain;
    }

    /// Spreads what is left to leave over the stages.
    fn place(&mut self, told: &Told) {
        let left = (self.ordered - self.released - self.fulfilled).max(0);
        self.ready = told.reached(Stage::Ready).clamp(0, left);
        let picked = told.reached(Stage::Picked).clamp(self.ready, left);
        let allocated = told.reached(Stage::Allocated).clamp(picked, left);
        self.picked = picked - self.ready;
        self.allocated = allocated - picked;
        self.placed = left - allocated;
        let given_up = self.released.min(self.ordered - self.fulfilled).max(0);
        self.to_put_back = (told.reached(Stage::Picked) - picked).clamp(0, given_up);
        let not_packed = (told.at(Stage::Picked) - self.picked).max(0);
        self.packed_in_vain = (self.to_put_back - not_packed).max(0);
    }
}

fn take_from(quantity: &mut i64, stages: &[Stage], at: impl Fn(Stage) -> i64) -> Vec<(Stage, i64)> {
    let mut taken = Vec::new();
    for stage in stages {
        let part = at(*stage).min(*quantity);
        *quantity -= part;
        taken.extend((part > 0).then_some((*stage, part)));
    }
    taken
}

/// What the events say of each SKU.
#[derive(Default)]
struct Tally(BTreeMap<Sku, (Quantities, Told)>);

impl Tally {
    fn of(&mut self, sku: &Sku) -> &mut (Quantities, Told) {
        self.0.entry(sku.clone()).or_default()
    }

    fn take(&mut self, event: &Event) {
        match &event.body {
            Body::Return(body) => body.lines.iter().for_each(|line| self.of(&line.sku).0.returned += line.quantity),
            Body::Release(body) => body.lines.iter().for_each(|line| self.of(&line.sku).0.released += line.quantity),
            Body::Fulfilment(body) => {
                body.lines.iter().for_each(|line| self.of(&line.sku).0.fulfilled += line.quantity);
                self.moved(body.stages.as_deref().unwrap_or_default(), None);
            }
            Body::Progress(body) => self.moved(&body.lines, Some(body.stage)),
            _ => {}
        }
    }

    /// Takes goods from the stages that they were at, to one where there is one.
    fn moved(&mut self, lines: &[StagedLine], to: Option<Stage>) {
        for line in lines {
            let told = &mut self.of(&line.sku).1;
            told.add(line.stage, -line.quantity);
            to.into_iter().for_each(|stage| told.add(stage, line.quantity));
        }
    }
}

impl Order {
    /// Whether goods were taken from the shelf for it and something of it was given up, whichever came first.
    pub(crate) fn was_picked_and_given_up(&self) -> bool {
        let any = |is: fn(&Body) -> bool| self.later.iter().any(|(event, _)| is(&event.body));
        any(|body| matches!(body, Body::Release(_)))
            && any(|body| matches!(body, Body::Progress(progress) if progress.stage >= Stage::Picked))
    }

    /// How many units of it are to be put back.
    pub fn to_put_back(&self) -> i64 {
        self.quantities().values().map(|of| of.to_put_back).sum()
    }

    /// How much of each SKU went where.
    pub fn quantities(&self) -> BTreeMap<Sku, Quantities> {
        let mut all = Tally::default();
        self.lines().iter().for_each(|line| all.of(&line.sku).0.ordered += line.quantity);
        let mut kept = KeptAside::default();
        for (event, _) in &self.later {
            all.take(event);
            kept.add(event);
        }
        kept.by_sku().into_iter().for_each(|(sku, quantity)| all.of(&sku).0.undecided = quantity);
        let promise = self.is_promise();
        let placed = all.0.into_iter().map(|(sku, (mut of, told))| {
            if promise {
                of.place(&told);
            }
            (sku, of)
        });
        placed.collect()
    }
}
