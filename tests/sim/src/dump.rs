//! A node's projections as text, to be compared.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tillmesh_core::cart::{CartRow, continuation_of};
use tillmesh_core::engine::Engine;
use tillmesh_core::history::{EventRef, read_event};
use tillmesh_core::order;
use tillmesh_core::view::{self, EventRow, JournalChunk, View};

use crate::Disk;
use crate::reference::{carts_in_log, events_in_log};

/// Rows by table and key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dump(BTreeMap<&'static str, BTreeMap<String, String>>);

impl Dump {
    /// What every node must agree on.
    pub fn shared(engine: &Engine<Disk>) -> Self {
        let mut dump = Self::default();
        dump.common(engine);
        let (view, disk) = (engine.view(), engine.reader());
        let view = view.read().expect("no thread panicked");
        for (event, _) in events_in_log(&disk) {
            let id = event.id;
            let row = view::read::<EventRow>(&view, &disk, &id).expect("memory does not fail").expect("it was heard");
            let mut naming: Vec<_> = row.naming.iter().map(|at| said(&disk, *at)).collect();
            naming.sort();
            let counted = row.counted().map(|at| said(&disk, at));
            dump.put("events", id, (counted, row.content, naming));
            if let Some(order) = order::read(&view, &disk, id).expect("memory does not fail") {
                let mut later: Vec<_> = order.later.iter().map(|(event, _)| event.id).collect();
                later.sort();
                dump.put("orders", id, (order.made, order.origin, later));
            }
        }
        dump
    }

    /// What a node must come to again when it folds its own log once more.
    pub fn own(engine: &Engine<Disk>) -> Self {
        let mut dump = Self::default();
        dump.common(engine);
        let (view, disk) = (engine.view(), engine.reader());
        let view = view.read().expect("no thread panicked");
        for (event, _) in events_in_log(&disk) {
            let row = view::read::<EventRow>(&view, &disk, &event.id).expect("memory does not fail");
            dump.put("events", event.id, row);
        }
        for (key, span) in view.journal_spans.iter() {
            let chunk = view::read::<JournalChunk>(&view, &disk, key).expect("memory does not fail");
            dump.put("journal", key, (span, chunk));
        }
        dump
    }

    fn common(&mut self, engine: &Engine<Disk>) {
        let (view, disk) = (engine.view(), engine.reader());
        let view = view.read().expect("no thread panicked");
        let view: &View = &view;
        view.documents.iter().for_each(|(key, row)| self.put("documents", key, row));
        view.stock.iter().for_each(|(key, row)| self.put("stock", key, row));
        view.vouchers.iter().for_each(|(key, row)| self.put("vouchers", key, row));
        for (key, row) in view.put_backs.iter().filter(|(_, row)| row.units != 0) {
            self.put("put backs", key, row);
        }
        view.products.iter().for_each(|(key, row)| self.put("products", key, row));
        view.promotions.iter().for_each(|(key, row)| self.put("promotions", key, row));
        view.streams.iter().for_each(|(key, row)| self.put("streams", key, row));
        // A count that lost to another content under its id is known only where it was heard first, and changes
        // nothing.
        for (id, row) in
            view.stock.iter().filter_map(|(_, row)| Some((row.counted?.event, view.counts.get(&row.counted?.event))))
        {
            self.put("stock counts", id, row);
        }
        view.writers.iter().for_each(|(key, row)| self.put("writers", key, row));
        for cart in carts_in_log(&disk) {
            let row = view::read::<CartRow>(view, &disk, &cart).expect("memory does not fail");
            self.put("carts", cart, row);
            let next = continuation_of(cart);
            let row = view::read::<CartRow>(view, &disk, &next).expect("memory does not fail");
            // One whose lines were sold or removed after all is known only where that was heard later.
            self.put("continued carts", next, row.unwrap_or_default());
        }
    }

    fn put(&mut self, table: &'static str, key: impl Debug, value: impl Debug) {
        self.0.entry(table).or_default().insert(format!("{key:?}"), format!("{value:?}"));
    }

    /// The first rows that differ, in words; none when all are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let empty = BTreeMap::new();
        let tables: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        for table in tables {
            let (left, right) = (self.0.get(table).unwrap_or(&empty), other.0.get(table).unwrap_or(&empty));
            let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                if left.get(key) != right.get(key) {
                    return Some(format!("{table} {key}:\n  {:?}\n  {:?}", left.get(key), right.get(key)));
                }
            }
        }
        None
    }

    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn said(disk: &Disk, at: EventRef) -> String {
    format!("{:?}", read_event(disk, at).expect("memory does not fail"))
}
