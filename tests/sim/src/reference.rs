//! The model that the fleet is compared with: what was acknowledged, and what the stock must be when all events are
//! known.

use std::collections::{BTreeMap, BTreeSet};

use tillmesh_core::codec;
use tillmesh_core::command::Outcome;
use tillmesh_core::document::read_change;
use tillmesh_core::event::{Body, CountOf, Event, Line, Origin};
use tillmesh_core::history::{event_of, read_commit};
use tillmesh_core::id::{Boot, CartId, Epoch, EventId, Name, Sku};
use tillmesh_core::stock::{self, Movement};
use tillmesh_core::storage::{Read, Table};

/// One copy of an event: where it was written down.
pub type Place = (EventId, Epoch, Boot, Name, u64);
/// A copy and where it stands.
pub type Copy = (Event, Origin);

/// What was promised to clients.
#[derive(Default)]
pub struct Reference {
    acknowledged: BTreeMap<Place, Event>,
    submitted: BTreeSet<EventId>,
    lines: BTreeSet<(CartId, Box<str>)>,
    removed: BTreeSet<(CartId, Box<str>)>,
    merged: BTreeSet<CartId>,
}

/// The stock of one SKU at one location.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Units that came in.
    pub entered: i64,
    /// Units that left.
    pub left: i64,
    /// Units on hand.
    pub on_hand: i64,
    /// Units promised and owed.
    pub open: i64,
    /// Who may promise how many.
    pub rights: BTreeMap<Epoch, i64>,
}

impl Reference {
    /// Remembers what may become durable, although nobody may hear of it.
    pub fn submitted(&mut self, outcome: &Outcome) {
        if let Outcome::Recorded { events, .. } | Outcome::Issued { events, .. } = outcome {
            self.submitted.extend(events.iter().map(|(event, _)| event.id));
        }
    }

    /// Remembers what a client was told.
    pub fn acknowledged(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Recorded { events, .. } | Outcome::Issued { events, .. } => {
                self.acknowledged.extend(events.iter().map(|copy| (place_of(copy), copy.0.clone())));
            }
            Outcome::Cart { id, row, .. } => {
                self.lines.extend(row.lines().into_iter().map(|(add_id, _)| (*id, add_id.clone())));
            }
            _ => {}
        }
    }

    /// Remembers which lines a client may have removed from a cart, acknowledged or not.
    pub fn removes(&mut self, cart: CartId, add_ids: Vec<Box<str>>) {
        self.removed.extend(add_ids.into_iter().map(|add_id| (cart, add_id)));
    }

    /// Remembers that a client may have let the lines of a cart go on in another one.
    pub fn merges(&mut self, cart: CartId) {
        self.merged.insert(cart);
    }

    /// Forgets what nobody holds any more once a store is lost: what no other node has heard, and the lines of carts
    /// that were written in epochs other than those of the nodes that still have their stores.
    pub fn lose(&mut self, heard: &BTreeSet<Place>, living: &BTreeSet<Epoch>) {
        self.acknowledged.retain(|place, _| heard.contains(place));
        let prefixes: Vec<String> = living.iter().map(ToString::to_string).collect();
        self.lines.retain(|(_, add_id)| prefixes.iter().any(|prefix| add_id.starts_with(prefix)));
    }

    /// The events that clients were told of.
    pub fn events(&self) -> impl Iterator<Item = (&Place, &Event)> {
        self.acknowledged.iter()
    }

    /// The lines that clients were told of, and whether somebody may have removed them since.
    pub fn lines(&self) -> impl Iterator<Item = (&CartId, &str, bool)> {
        let removed = |line: &(CartId, Box<str>)| self.removed.contains(line) || self.merged.contains(&line.0);
        self.lines.iter().map(move |line| (&line.0, &*line.1, removed(line)))
    }

    /// Checks that a node's log holds everything that was acknowledged, and nothing that nobody asked for.
    pub fn check_log(&self, whose: &Name, log: &[Copy]) {
        let found: BTreeSet<Place> = log.iter().map(place_of).collect();
        for (place, event) in &self.acknowledged {
            assert!(
                found.contains(place),
                "{whose} lacks an acknowledged {} of {place:?}: {event:?}",
                event.body.kind()
            );
        }
        let left: BTreeSet<EventId> = log.iter().filter_map(|(event, _)| left_for(&event.body)).collect();
        for (event, origin) in log {
            let confirms = matches!(&event.body, Body::Confirmation(body) if left.contains(&body.promise));
            let known = self.submitted.contains(&event.id) || is_by_itself(&event.body) || confirms;
            assert!(known, "{whose} holds a {} that nobody asked for: {event:?} of {origin:?}", event.body.kind());
        }
    }
}

/// The promise that goods left for: its maker confirms it by itself.
const fn left_for(body: &Body) -> Option<EventId> {
    match body {
        Body::Fulfilment(body) => Some(body.promise),
        _ => None,
    }
}

/// Whether a node records it without being asked.
fn is_by_itself(body: &Body) -> bool {
    match body {
        Body::DayClose(_) | Body::Mint(_) | Body::Grant(_) | Body::Burn(_) | Body::Reclaim(_) | Body::Fence(_) => true,
        Body::BeyondRetirement(_) => true,
        Body::RefundGrant(_) | Body::RefundReclaim(_) | Body::Consent(_) | Body::RedemptionReversal(_) => true,
        Body::Release(release) if release.request.is_some() => true,
        Body::Release(release) => release.reason.as_ref().is_some_and(|reason| reason.as_str() == "expired"),
        _ => false,
    }
}

/// What an event does to rights: whose, of what, how many more.
pub fn moved_rights((event, origin): &Copy) -> Vec<(Epoch, Sku, i64)> {
    let own = origin.writer.epoch;
    let few = |count: Option<u64>| i64::try_from(count.unwrap_or_default()).expect("few");
    let of = |lines: &[Line], sign: i64| -> Vec<_> {
        lines.iter().map(|line| (own, line.sku.clone(), sign * line.quantity)).collect()
    };
    match &event.body {
        Body::Receipt(body) => body.lines.iter().map(|line| (own, line.sku.clone(), few(line.minted))).collect(),
        Body::Sale(body) => body.lines.iter().map(|line| (own, line.sku.clone(), -few(line.burned))).collect(),
        Body::Promise(body) => body.lines.iter().map(|line| (own, line.sku.clone(), -few(line.burned))).collect(),
        Body::Issue(body) => vec![(own, body.voucher.clone(), few(body.minted))],
        Body::Redemption(body) => of(&body.lines, -1),
        Body::RedemptionReversal(body) => of(&body.lines, 1),
        Body::Release(body) => of(body.rights.as_deref().unwrap_or_default(), 1),
        Body::Mint(body) => of(&body.lines, 1),
        Body::Burn(body) => of(&body.lines, -1),
        Body::Grant(body) => {
            let mut moved = of(&body.lines, -1);
            moved.extend(body.lines.iter().map(|line| (body.to.epoch, line.sku.clone(), line.quantity)));
            moved
        }
        Body::Reclaim(body) => {
            body.lines.iter().map(|line| (body.of.epoch, line.sku.clone(), -line.quantity)).collect()
        }
        _ => Vec::new(),
    }
}

/// Where a copy was written down.
pub fn place_of((event, origin): &Copy) -> Place {
    (event.id, origin.writer.epoch, origin.boot, origin.location.clone(), event.number)
}

/// Every event of a log, in the order in which its node heard them.
pub fn events_in_log(storage: &impl Read) -> Vec<Copy> {
    events_after(storage, 0).0
}

/// The events of a log after a commit, and its last commit.
pub fn events_after(storage: &impl Read, position: u64) -> (Vec<Copy>, u64) {
    let mut events = Vec::new();
    let last = each_change(storage, position, |document, bytes| {
        let change = read_change(document, bytes).expect("what is stored was checked");
        events.extend(event_of(document, &change));
    });
    (events, last)
}

/// The carts of a log.
pub fn carts_in_log(storage: &impl Read) -> BTreeSet<CartId> {
    let mut carts = BTreeSet::new();
    each_change(storage, 0, |document, _| {
        if let tillmesh_core::document::DocumentId::Cart { id } = document {
            carts.insert(*id);
        }
    });
    carts
}

fn each_change(
    storage: &impl Read,
    after: u64,
    mut see: impl FnMut(&tillmesh_core::document::DocumentId, &[u8]),
) -> u64 {
    let last = storage.last(Table::Log).expect("memory does not fail");
    let last = last.map_or(0, |(key, _)| u64::from_be_bytes(key.try_into().expect("a position")));
    for position in after + 1..=last {
        let commit = read_commit(storage, position).expect("every commit is there");
        for slot in 0..commit.envelopes.len() {
            let batch = commit.batch(u16::try_from(slot).expect("few slots")).expect("it was checked");
            batch.changes.iter().for_each(|change| see(&batch.document, change));
        }
    }
    last
}

/// Of several copies of each event, the one that counts: the least content, then the earliest, then the least writer.
pub fn winners(log: &[Copy]) -> BTreeMap<EventId, &Copy> {
    let mut winners: BTreeMap<EventId, &Copy> = BTreeMap::new();
    for copy in log {
        let winner = winners.entry(copy.0.id).or_insert(copy);
        if rank(copy) < rank(winner) {
            *winner = copy;
        }
    }
    winners
}

fn rank((event, origin): &Copy) -> (Vec<u8>, i64, Epoch, Boot, u64) {
    let body = codec::encode(&event.body);
    let content = EventId::hash_of("tillmesh content", &[origin.location.as_str().as_bytes(), &body]);
    (content.as_bytes()[..8].to_vec(), event.occurred().0, origin.writer.epoch, origin.boot, event.number)
}

/// The stock that a set of events comes to.
pub fn expected_stock(log: &[Copy]) -> BTreeMap<(Name, Sku), Expected> {
    let winners = winners(log);
    let mut stock: BTreeMap<(Name, Sku), Expected> = BTreeMap::new();
    let mut owed: BTreeMap<(Name, Sku, EventId), i64> = BTreeMap::new();
    for (event, origin) in winners.values() {
        for (sku, step) in stock::steps(event, origin.writer.epoch) {
            let movement = step.movement;
            let key = (origin.location.clone(), sku.clone());
            let row = stock.entry(key.clone()).or_default();
            match movement {
                Movement::Enter(quantity) => row.entered += quantity,
                Movement::Leave(quantity) | Movement::Fulfil(_, quantity) => row.left += quantity,
                Movement::Promise(..) | Movement::Release(..) | Movement::Nothing => {}
            }
            if let Movement::Promise(id, q) | Movement::Release(id, q) | Movement::Fulfil(id, q) = movement {
                let sign = if matches!(movement, Movement::Promise(..)) { 1 } else { -1 };
                *owed.entry((key.0, key.1, id)).or_default() += sign * q;
            }
        }
        for (holder, sku, rights) in moved_rights(&(event.clone(), origin.clone())) {
            let row = stock.entry((origin.location.clone(), sku)).or_default();
            *row.rights.entry(holder).or_default() += rights;
            row.rights.retain(|_, rights| *rights != 0);
        }
        if let Body::Count(count) = &event.body {
            for line in &count.lines {
                stock.entry((origin.location.clone(), line.sku.clone())).or_default();
            }
        }
    }
    for ((location, sku, _), quantity) in owed {
        stock.entry((location, sku)).or_default().open += quantity.max(0);
    }
    for ((location, sku), row) in &mut stock {
        row.on_hand = on_hand(&winners, location, sku).unwrap_or(row.entered - row.left);
    }
    stock
}

fn on_hand(winners: &BTreeMap<EventId, &Copy>, location: &Name, sku: &Sku) -> Option<i64> {
    shelves(winners.values().copied().filter(|(_, origin)| origin.location == *location), sku)
}

/// What the latest count of a location and its events that the count does not cover come to; none without a count.
pub fn shelves<'a>(here: impl Iterator<Item = &'a Copy> + Clone, sku: &Sku) -> Option<i64> {
    let counts = here.clone().filter_map(|(event, _)| match &event.body {
        Body::Count(count) => {
            let line = count.lines.iter().find(|line| line.sku == *sku)?;
            Some((event.occurred(), event.id, count, line.quantity))
        }
        _ => None,
    });
    let (counted_at, _, count, quantity) = counts.max_by_key(|(at, id, _, _)| (*at, *id))?;
    let (mut since, mut owed) = (0, BTreeMap::<EventId, i64>::new());
    for (event, origin) in here {
        let is_covered = stock::covers(count, counted_at, event, origin);
        let steps = stock::steps(event, origin.writer.epoch);
        for movement in steps.into_iter().filter(|(moved, _)| *moved == sku).map(|(_, step)| step.movement) {
            match movement {
                Movement::Promise(id, quantity) if is_covered => *owed.entry(id).or_default() += quantity,
                Movement::Release(id, quantity) | Movement::Fulfil(id, quantity) if is_covered => {
                    *owed.entry(id).or_default() -= quantity;
                }
                movement if !is_covered => since += movement.on_hand(),
                _ => {}
            }
        }
    }
    // What lay there for promises when only the rest was stated.
    let promised = owed.values().map(|quantity| (*quantity).max(0)).sum::<i64>();
    Some(quantity + since + if count.of == CountOf::Available { promised } else { 0 })
}
