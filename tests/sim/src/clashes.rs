//! What needs somebody's decision once everybody has heard everything, worked out from the log alone: each such thing
//! is one work item, the same at every node.

use std::collections::{BTreeMap, BTreeSet};

use tillmesh_core::engine::Engine;
use tillmesh_core::event::{Body, Event, Origin};
use tillmesh_core::id::{EventId, Name, Sku};
use tillmesh_core::order::Order;
use tillmesh_core::stock;
use tillmesh_core::time::Timestamp;
use tillmesh_core::work::{self, Subject, WorkItem};

use crate::reference::{Copy, Expected, winners};
use crate::{Disk, World};

/// Checks the work items of every node.
pub fn have_one_item_each(world: &World, log: &[Copy], expected: &BTreeMap<(Name, Sku), Expected>) {
    let mut first: Option<(&Name, BTreeMap<EventId, String>)> = None;
    for node in &world.nodes {
        let Some(engine) = &node.engine else { continue };
        let items = items_of(engine);
        let shown: BTreeMap<_, _> = items.iter().map(|item| (item.id, summary(item))).collect();
        assert_eq!(shown.len(), items.len(), "{} has two items of one id", node.name);
        match &first {
            Some((name, other)) => assert_eq!(*other, shown, "the work items of {name} and {}", node.name),
            None => {
                everything_has_one(&items, log, expected);
                first = Some((&node.name, shown));
            }
        }
    }
}

fn items_of(engine: &Engine<Disk>) -> Vec<WorkItem> {
    let (view, disk) = (engine.view(), engine.reader());
    let mut look = |see: &mut dyn FnMut(&tillmesh_core::view::View)| see(&view.read().expect("no thread panicked"));
    work::items(&mut look, &disk).expect("memory does not fail")
}

/// What must be the same at every node. Which sales of a SKU are named depends on when its product was heard of.
fn summary(item: &WorkItem) -> String {
    let mut evidence = item.evidence.clone();
    evidence.sort();
    if matches!(item.subject, Subject::UnknownSku { .. }) {
        evidence.clear();
    }
    format!("{:?} {} {evidence:?} {:?} {:?}", item.subject, item.extent, item.losers, item.decision)
}

fn everything_has_one(items: &[WorkItem], log: &[Copy], expected: &BTreeMap<(Name, Sku), Expected>) {
    let subjects: BTreeSet<&Subject> = items.iter().map(|item| &item.subject).collect();
    let derivable = |subject: &&Subject| {
        matches!(
            subject,
            Subject::Shortfall { .. }
                | Subject::SettledTwice { .. }
                | Subject::OverReturned { .. }
                | Subject::OverRefunded { .. }
                | Subject::Clash { .. }
        )
    };
    let found: BTreeSet<Subject> = subjects.into_iter().filter(derivable).cloned().collect();
    let short = |location: &Name, sku: &Sku| {
        let row = expected.get(&(location.clone(), sku.clone()));
        row.is_some_and(|row| row.open > 0 && row.open - row.on_hand > by_retired(items, location, sku))
    };
    let rows = expected.keys().filter(|(location, sku)| short(location, sku));
    let rows = rows.map(|(location, sku)| Subject::Shortfall { location: location.clone(), sku: sku.clone() });
    let wanted: BTreeSet<Subject> = rows.chain(of_orders(log, &short)).chain(clashes(log)).collect();
    assert_eq!(found, wanted, "what needs a decision");
}

/// How many units are open that a retired node promised without a right, which is an item of its own.
fn by_retired(items: &[WorkItem], location: &Name, sku: &Sku) -> i64 {
    let units = |item: &WorkItem| match &item.subject {
        Subject::RetiredPromise { location: at, sku: of, .. } if at == location && of == sku => item.extent,
        _ => 0,
    };
    items.iter().map(units).sum()
}

/// Ids that stand for two different events.
fn clashes(log: &[Copy]) -> Vec<Subject> {
    let mut contents: BTreeMap<EventId, BTreeSet<[u8; 8]>> = BTreeMap::new();
    for (event, origin) in log {
        contents.entry(event.id).or_default().insert(stock::content_of(event, origin));
    }
    let several = contents.into_iter().filter(|(_, contents)| contents.len() > 1);
    several.map(|(event, _)| Subject::Clash { event }).collect()
}

/// What the events say of one order.
#[derive(Default)]
struct Sums {
    promise: bool,
    location: Option<Name>,
    /// When something of it was given up or handed over last.
    settled: Option<Timestamp>,
    paid: i64,
    refunded: i64,
    /// By SKU: ordered, released, fulfilled, returned.
    goods: BTreeMap<Sku, [i64; 4]>,
}

fn of_orders(log: &[Copy], is_short: &impl Fn(&Name, &Sku) -> bool) -> Vec<Subject> {
    let counted = winners(log);
    let mut orders: BTreeMap<EventId, Sums> = BTreeMap::new();
    let mut decided: BTreeMap<EventId, Timestamp> = BTreeMap::new();
    for (event, origin) in counted.values() {
        if let Body::Sale(_) | Body::Promise(_) = &event.body {
            made(orders.entry(event.id).or_default(), event, origin);
        }
        if let Body::Resolution(body) = &event.body {
            let at = decided.entry(body.item).or_insert(event.occurred());
            *at = event.occurred().max(*at);
        }
    }
    for (event, _) in counted.values() {
        if let Some(sums) = event.body.order().and_then(|order| orders.get_mut(&order)) {
            happened(sums, event);
        }
    }
    // A shortfall tells what its promises came to, be it that it was decided on since.
    let is_told = |location: &Name, sku: &Sku, settled: Option<Timestamp>| {
        let subject = Subject::Shortfall { location: location.clone(), sku: sku.clone() };
        is_short(location, sku) || decided.get(&subject.id()).is_some_and(|at| Some(*at) >= settled)
    };
    orders.into_iter().flat_map(|(id, sums)| sums.subjects(id, &is_told)).collect()
}

fn made(sums: &mut Sums, event: &Event, origin: &Origin) {
    sums.location = Some(origin.location.clone());
    sums.paid = Order::new(event.clone(), origin.clone()).paid();
    let lines = match &event.body {
        Body::Sale(sale) => &sale.lines,
        Body::Promise(promise) => {
            sums.promise = true;
            &promise.lines
        }
        _ => return,
    };
    lines.iter().for_each(|line| sums.goods.entry(line.sku.clone()).or_default()[0] += line.quantity);
}

fn happened(sums: &mut Sums, event: &Event) {
    if let Body::Release(_) | Body::Fulfilment(_) = &event.body {
        sums.settled = sums.settled.max(Some(event.occurred()));
    }
    let mut add = |place: usize, sku: &Sku, quantity| sums.goods.entry(sku.clone()).or_default()[place] += quantity;
    match &event.body {
        Body::Release(body) => body.lines.iter().for_each(|line| add(1, &line.sku, line.quantity)),
        Body::Fulfilment(body) => body.lines.iter().for_each(|line| add(2, &line.sku, line.quantity)),
        Body::Return(body) => body.lines.iter().for_each(|line| add(3, &line.sku, line.quantity)),
        Body::Refund(body) => sums.refunded += body.tenders.iter().map(|tender| tender.amount).sum::<i64>(),
        _ => {}
    }
}

impl Sums {
    fn subjects(&self, id: EventId, is_told: &impl Fn(&Name, &Sku, Option<Timestamp>) -> bool) -> Vec<Subject> {
        let any = |over: fn(&[i64; 4], bool) -> bool| self.goods.values().any(|goods| over(goods, self.promise));
        let told = |sku: &Sku| self.location.as_ref().is_some_and(|location| is_told(location, sku, self.settled));
        let mut goods = self.goods.iter();
        let twice = self.promise
            && goods.any(|(sku, [ordered, released, fulfilled, _])| released + fulfilled > *ordered && !told(sku));
        let back =
            any(|[ordered, _, fulfilled, returned], promise| returned > if promise { fulfilled } else { ordered });
        let mut subjects = Vec::new();
        subjects.extend(twice.then_some(Subject::SettledTwice { promise: id }));
        subjects.extend(back.then_some(Subject::OverReturned { order: id }));
        subjects.extend((self.refunded > self.paid).then_some(Subject::OverRefunded { order: id }));
        subjects
    }
}
