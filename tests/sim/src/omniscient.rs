//! Somebody who sees every event the moment it is durable at its author: what no node can know. It adds up stock,
//! promises and rights by itself and says at once when more is promised than there is without a reason.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tillmesh_core::event::{Body, Line, PromisePolicy};
use tillmesh_core::id::{Epoch, EventId, Name, Sku};
use tillmesh_core::stock;

use crate::reference::{Copy, Place, events_after, moved_rights, place_of, shelves};
use crate::{Node, World};

/// Who sees everything.
#[derive(Default)]
pub struct Omniscient {
    seen: BTreeSet<Place>,
    /// Up to which commit each node's log was read, by the disk's node.
    read: Vec<u64>,
    /// Of an event that was written twice, by clones, the first counts.
    ids: BTreeSet<EventId>,
    rows: BTreeMap<(Name, Sku), Truth>,
}

/// What is true of a SKU at a location.
#[derive(Debug, Default, Clone)]
pub struct Truth {
    /// Units on the shelves.
    pub on_hand: i64,
    /// What is owed of each promise; below zero: given up and handed over both.
    pub owed: BTreeMap<EventId, i64>,
    /// Who may promise how many.
    pub rights: BTreeMap<Epoch, i64>,
    /// Units that left, by hand or by loss, or became rights, beyond what was free at that moment: nobody can be kept
    /// from it, and as many promises may be broken by it.
    pub explained: i64,
    /// Units that were given up and handed over both.
    pub twice: i64,
    /// Units that counts say are not there.
    pub missed: i64,
    /// Units whose rights were spent twice: by stores that ran twice or were set back, or taken from a node that was
    /// retired and had spent them.
    pub respent: i64,
    /// What moved it, for counts.
    moved: Vec<Copy>,
}

impl Truth {
    /// Units promised and owed.
    pub fn open(&self) -> i64 {
        self.owed.values().map(|owed| (*owed).max(0)).sum()
    }

    /// Units that are neither promised nor somebody's to promise.
    pub fn free(&self) -> i64 {
        self.on_hand - self.open() - self.rights.values().map(|rights| (*rights).max(0)).sum::<i64>()
    }

    /// How many promises may be broken.
    pub const fn reasons(&self) -> i64 {
        self.explained + self.twice + self.missed + self.respent
    }

    fn debt(&self) -> i64 {
        self.rights.values().map(|rights| (-*rights).max(0)).sum()
    }
}

impl Omniscient {
    /// Looks at what became durable since.
    ///
    /// # Panics
    /// When an event breaks what must never break.
    pub fn look(&mut self, world: &World) {
        self.read.resize(world.nodes.len(), 0);
        let mut logs = Vec::with_capacity(world.nodes.len());
        for (node, read) in world.nodes.iter().zip(&mut self.read) {
            let (events, last) = events_after(&node.disk, *read);
            *read = last;
            logs.push((node, VecDeque::from(events)));
        }
        let mut strict = true;
        loop {
            let before: usize = logs.iter().map(|(_, log)| log.len()).sum();
            if before == 0 {
                return;
            }
            logs.iter_mut().for_each(|(node, log)| self.follow(world, node, log, strict));
            let after = logs.iter().map(|(_, log)| log.len()).sum();
            assert!(strict || before > after, "somebody holds an event that its author does not");
            strict = before > after;
        }
    }

    /// Reads a node's log from its beginning: it has another disk.
    pub fn read_again(&mut self, node: usize) {
        self.read.iter_mut().skip(node).take(1).for_each(|read| *read = 0);
    }

    /// Takes a node's events in the order in which it wrote or heard them; what it heard waits until its author was
    /// followed that far, so that causes come before what they brought about. Of a clone, what its twin writes in an
    /// epoch of its own is heard as well, unless nobody else has it.
    fn follow(&mut self, world: &World, node: &Node, log: &mut VecDeque<Copy>, strict: bool) {
        let epoch_of = |node: &Node| node.engine.as_ref().map(|engine| engine.writer().epoch);
        let twins = world.nodes.iter().filter(|other| other.name == node.name && !std::ptr::eq(*other, node));
        let theirs: BTreeSet<Epoch> =
            twins.filter_map(epoch_of).filter(|epoch| epoch_of(node) != Some(*epoch)).collect();
        while let Some(copy) = log.front() {
            let heard = strict && theirs.contains(&copy.1.writer.epoch);
            let (own, place) = (copy.1.writer.node == node.name && !heard, place_of(copy));
            if !own && !self.seen.contains(&place) {
                return;
            }
            if own && self.seen.insert(place) && self.ids.insert(copy.0.id) {
                self.take(world, copy);
            }
            log.pop_front();
        }
    }

    /// What is true of every SKU at every location.
    pub const fn rows(&self) -> &BTreeMap<(Name, Sku), Truth> {
        &self.rows
    }

    fn take(&mut self, world: &World, copy: &Copy) {
        let (event, origin) = copy;
        if let Body::Promise(promise) = &event.body {
            let backed = promise.lines.iter().all(|line| line.burned == u64::try_from(line.quantity).ok());
            assert!(promise.policy != PromisePolicy::Strict || backed, "a strict promise without rights: {event:?}");
        }
        for sku in skus(&event.body) {
            let row = self.rows.entry((origin.location.clone(), sku.clone())).or_default();
            row.moved.push(copy.clone());
            let (free, debt, on_hand) = (row.free(), row.debt(), row.on_hand);
            move_goods(row, event.id, &event.body, &sku);
            let by_counts = recount(row, &sku);
            for (holder, of, rights) in moved_rights(copy) {
                if of == sku {
                    *row.rights.entry(holder).or_default() += rights;
                }
            }
            let honest = |holder: &Epoch| !world.cloned.contains(holder) && !world.excused.contains(holder);
            let poor = row.rights.iter().find(|(holder, rights)| **rights < 0 && honest(holder));
            assert_eq!(poor, None, "rights that nobody had were spent by {event:?} of {origin:?}: {row:?}");
            let respent = (row.debt() - debt).max(0);
            (row.missed, row.respent) = (row.missed + by_counts, row.respent + respent);
            // A promise of rights that were spent before, and a unit that a count denies, take what they stand for.
            explain(row, free - by_counts - respent, &event.body, event.id);
            let broken = row.open() - row.on_hand;
            assert!(
                broken <= row.reasons(),
                "{broken} promised beyond the stock, {} explained: {event:?} ({on_hand} before) {row:?}",
                row.reasons()
            );
        }
    }
}

/// Corrects what is on the shelves by what the latest count covers, and says how many units that took.
fn recount(row: &mut Truth, sku: &Sku) -> i64 {
    if !row.moved.iter().any(|(event, _)| stock::counts(event, sku)) {
        return 0;
    }
    let before = row.on_hand;
    row.on_hand = shelves(row.moved.iter(), sku).unwrap_or(before);
    (before - row.on_hand).max(0)
}

/// Only what is physical may take more than was free, and rights that were made of goods that somebody took meanwhile.
fn explain(row: &mut Truth, before: i64, body: &Body, id: EventId) {
    let lost = before - row.free();
    if lost <= 0 {
        return;
    }
    let beyond = (-row.free()).max(0).min(lost);
    match body {
        Body::Sale(_) | Body::Adjustment(_) | Body::TransferOut(_) | Body::Mint(_) => row.explained += beyond,
        Body::Fulfilment(body) if row.owed.get(&body.promise).is_some_and(|owed| *owed < 0) => row.twice += lost,
        Body::Release(body) if row.owed.get(&body.promise).is_some_and(|owed| *owed < 0) => row.twice += lost,
        _ => panic!("{} {id} took {lost} units that were not free: {row:?}", body.kind()),
    }
}

fn move_goods(row: &mut Truth, id: EventId, body: &Body, sku: &Sku) {
    let of = |lines: &[Line]| lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
    match body {
        Body::Receipt(body) => {
            row.on_hand += body.lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
        }
        Body::Return(body) => {
            let back = body.lines.iter().filter(|line| line.sku == *sku && line.restock);
            row.on_hand += back.map(|line| line.quantity).sum::<i64>();
        }
        Body::Disposition(body) => {
            let back = body.lines.iter().filter(|line| line.sku == *sku && line.restock);
            row.on_hand += back.map(|line| line.quantity).sum::<i64>();
        }
        Body::Sale(body) => {
            row.on_hand -= body.lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
        }
        Body::Issue(body) if body.voucher == *sku => row.on_hand += body.quantity,
        Body::Redemption(body) => row.on_hand -= of(&body.lines),
        Body::RedemptionReversal(body) => row.on_hand += of(&body.lines),
        Body::TransferOut(body) => row.on_hand -= of(&body.lines),
        Body::TransferIn(body) => row.on_hand += of(&body.lines),
        Body::Adjustment(body) => row.on_hand += of(&body.lines),
        Body::Promise(body) => {
            let promised = body.lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
            *row.owed.entry(id).or_default() += promised;
        }
        Body::Release(body) => *row.owed.entry(body.promise).or_default() -= of(&body.lines),
        Body::Fulfilment(body) => {
            row.on_hand -= of(&body.lines);
            *row.owed.entry(body.promise).or_default() -= of(&body.lines);
        }
        _ => {}
    }
}

fn skus(body: &Body) -> BTreeSet<Sku> {
    let of = |lines: &[Line]| lines.iter().map(|line| line.sku.clone()).collect::<BTreeSet<_>>();
    match body {
        Body::Receipt(body) => body.lines.iter().map(|line| line.sku.clone()).collect(),
        Body::Return(body) => body.lines.iter().map(|line| line.sku.clone()).collect(),
        Body::Disposition(body) => body.lines.iter().map(|line| line.sku.clone()).collect(),
        Body::Sale(body) => body.lines.iter().map(|line| line.sku.clone()).collect(),
        Body::Promise(body) => body.lines.iter().map(|line| line.sku.clone()).collect(),
        Body::Issue(body) => [body.voucher.clone()].into(),
        Body::Redemption(body) => of(&body.lines),
        Body::RedemptionReversal(body) => of(&body.lines),
        Body::TransferOut(body) | Body::TransferIn(body) => of(&body.lines),
        Body::Adjustment(body) => of(&body.lines),
        Body::Release(body) => of(&body.lines),
        Body::Fulfilment(body) => of(&body.lines),
        Body::Mint(body) => of(&body.lines),
        Body::Burn(body) => of(&body.lines),
        Body::Grant(body) => of(&body.lines),
        Body::Count(body) => of(&body.lines),
        Body::Reclaim(body) => of(&body.lines),
        _ => BTreeSet::new(),
    }
}
