//! What the engine wants said goes to a link; several batches share a message only while an earlier message is
//! unacknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tillmesh_core::document::Scope;
use tillmesh_core::id::Name;
use tillmesh_core::sync::{Kind, MAX_MESSAGE, pack};
use tokio::sync::mpsc;

use super::routes::Errand;
use super::{Carried, LinkName};
use crate::metrics::{Metrics, SentLabels};
use crate::mqtt::{Link, LinkError, MAX_PAYLOAD};

/// How many bytes of batches share a message: what a single batch may have as well.
const MESSAGE_BYTES: usize = 32 * 1024;
/// The longest batch that a message can carry, with what surrounds it there. None is made that long, and none taken in.
const MAX_BATCH: usize = MAX_MESSAGE - 16;
// What the protocol calls a message, every broker takes.
const _: () = assert!(MAX_MESSAGE <= MAX_PAYLOAD && MESSAGE_BYTES < MAX_MESSAGE);
/// How many batches wait for the link while it is busy; more are left to repair.
const MAX_WAITING_BATCHES: usize = 1_024;
/// How long a message of the protocol is tried when the link is full.
const FULL_RETRY: Duration = Duration::from_millis(5);

pub(super) struct Publisher {
    name: LinkName,
    link: Arc<Link>,
    carried: Carried,
    outbox: mpsc::Receiver<Errand>,
    outbox_bytes: Arc<AtomicUsize>,
    waiting: BTreeMap<Scope, VecDeque<Vec<u8>>>,
    waiting_count: usize,
    metrics: Arc<Metrics>,
}

impl Publisher {
    pub(super) fn new(
        name: LinkName,
        link: Arc<Link>,
        carried: Carried,
        (outbox, outbox_bytes): (mpsc::Receiver<Errand>, Arc<AtomicUsize>),
        metrics: Arc<Metrics>,
    ) -> Self {
        let (waiting, waiting_count) = (BTreeMap::new(), 0);
        Self { name, link, carried, outbox, outbox_bytes, waiting, waiting_count, metrics }
    }

    pub(super) async fn run(mut self) {
        let mut unacknowledged = self.link.watch_unacknowledged();
        loop {
            tokio::select! {
                errand = self.outbox.recv() => match errand {
                    Some(errand) => self.take(errand).await,
                    None => return,
                },
                changed = unacknowledged.changed(), if self.waiting_count > 0 => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
            self.publish_waiting();
        }
    }

    async fn take(&mut self, errand: Errand) {
        self.outbox_bytes.fetch_sub(errand.size(), Relaxed);
        match errand {
            Errand::Batch { envelope, .. } if envelope.len() > MAX_BATCH => self.count(Kind::Changes, "too long"),
            Errand::Batch { scope, envelope } => {
                if self.waiting_count < MAX_WAITING_BATCHES && self.link.is_up() {
                    self.waiting.entry(scope).or_default().push_back(envelope);
                    self.waiting_count += 1;
                } else {
                    self.count(Kind::Changes, "left to repair");
                }
            }
            Errand::Send { scope, kind, to, payload } => {
                let node = to.unwrap_or_else(|| self.carried.node.clone());
                let payload = Bytes::from(payload);
                while self.publish(&scope, kind, &node, payload.clone()) == Err(LinkError::Full) {
                    tokio::time::sleep(FULL_RETRY).await;
                }
            }
        }
    }

    /// Publishes what waits and is due.
    fn publish_waiting(&mut self) {
        if !self.link.is_up() {
            self.waiting.clear();
            self.waiting_count = 0;
            return;
        }
        let scopes: Vec<Scope> = self.waiting.keys().cloned().collect();
        scopes.iter().for_each(|scope| self.publish_scope(scope));
    }

    fn publish_scope(&mut self, scope: &Scope) {
        let Some(mut batches) = self.waiting.remove(scope) else { return };
        self.waiting_count -= batches.len();
        let node = self.carried.node.clone();
        while self.is_due(&batches) {
            let message = next_message(&mut batches);
            match self.publish(scope, Kind::Changes, &node, pack(&message).into()) {
                Ok(()) => {}
                Err(LinkError::Full) => {
                    message.into_iter().rev().for_each(|batch| batches.push_front(batch));
                    break;
                }
                Err(_) => return,
            }
        }
        if !batches.is_empty() {
            self.waiting_count += batches.len();
            self.waiting.insert(scope.clone(), batches);
        }
    }

    /// Whether a message is to leave now: at once when the link is idle, else when it is full.
    fn is_due(&self, batches: &VecDeque<Vec<u8>>) -> bool {
        let bytes: usize = batches.iter().map(Vec::len).sum();
        bytes >= MESSAGE_BYTES || (bytes > 0 && self.link.unacknowledged() == 0)
    }

    fn publish(&self, scope: &Scope, kind: Kind, node: &Name, payload: Bytes) -> Result<(), LinkError> {
        let topic = self.carried.topic(scope, kind, node);
        let result = self.link.publish(&topic.to_string(), payload).map(drop);
        match &result {
            Ok(()) => self.count(kind, "sent"),
            Err(LinkError::Full) => {}
            Err(_) => self.count(kind, "left to repair"),
        }
        result
    }

    fn count(&self, kind: Kind, outcome: &str) {
        let labels = SentLabels::new(kind.as_str(), outcome, self.name.as_str());
        self.metrics.messages_sent.get_or_create(&labels).inc();
    }
}

/// As many batches as share a message; at least one.
fn next_message(batches: &mut VecDeque<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut message: Vec<_> = batches.pop_front().into_iter().collect();
    let mut bytes: usize = message.iter().map(Vec::len).sum();
    while let Some(next) = batches.pop_front_if(|next| bytes + next.len() <= MESSAGE_BYTES) {
        bytes += next.len();
        message.push(next);
    }
    message
}

#[cfg(test)]
mod tests;
