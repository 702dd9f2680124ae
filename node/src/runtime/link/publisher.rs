//! What the engine wants said goes to a link; several batches share a message only while an earlier message is
//! unacknowledged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use tillmesh_core::document::Scope;
use tillmesh_core::id::Name;
use tillmesh_core::sync::{Kind, MAX_MESSAGE, pack};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::routes::Errand;
use super::{Carried, LinkName};
use crate::metrics::{HeardLabels, Metrics, SentLabels};
use crate::mqtt::{Link, LinkError, MAX_PAYLOAD};

/// How many bytes of batches share a message: what a single batch may have as well.
const MESSAGE_BYTES: usize = 32 * 1024;
/// The longest batch that a message can carry, with what surrounds it there. None is made that long, and none taken in.
const MAX_BATCH: usize = MAX_MESSAGE - 16;
// What the protocol calls a message, every broker takes.
const _: () = assert!(MAX_MESSAGE <= MAX_PAYLOAD && MESSAGE_BYTES < MAX_MESSAGE);
/// How many batches wait for the link while it is busy, and how many bytes of them; more are left to repair.
const MAX_WAITING_BATCHES: usize = 1_024;
const MAX_WAITING_BYTES: usize = 8 << 20;
/// How long batches wait behind what is unacknowledged. Answers to a peer that is far behind keep a link busy for
/// longer, and a sale is news.
pub(super) const MOST_WAIT: Duration = Duration::from_millis(250);
/// How long a message of the protocol is tried when the link is full.
const FULL_RETRY: Duration = Duration::from_millis(5);

pub(super) struct Publisher {
    name: LinkName,
    link: Arc<Link>,
    carried: Carried,
    outbox: mpsc::Receiver<Errand>,
    outbox_bytes: Arc<AtomicUsize>,
    /// Who has waited longest is first.
    waiting: VecDeque<Queue>,
    most_wait: Duration,
    metrics: Arc<Metrics>,
    /// What the link dropped unread: longer than a message, and more than there was room for.
    dropped: [(&'static str, Counter); 2],
}

/// Batches of a scope that wait.
struct Queue {
    scope: Scope,
    batches: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Since when, or when a message of them was tried last.
    since: Instant,
}

impl Publisher {
    pub(super) fn new(
        name: LinkName,
        link: Arc<Link>,
        carried: Carried,
        (outbox, outbox_bytes): (mpsc::Receiver<Errand>, Arc<AtomicUsize>),
        most_wait: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        let dropped = ["oversized", "overflow"].map(|reason| {
            let labels = HeardLabels::new(reason, name.as_str());
            (reason, metrics.messages_dropped.get_or_create(&labels).clone())
        });
        Self { name, link, carried, outbox, outbox_bytes, waiting: VecDeque::new(), most_wait, metrics, dropped }
    }

    pub(super) async fn run(mut self) {
        let mut unacknowledged = self.link.watch_unacknowledged();
        loop {
            let due = self.waiting.iter().map(|queue| queue.since + self.most_wait).min();
            tokio::select! {
                errand = self.outbox.recv() => match errand {
                    Some(errand) => self.take(errand).await,
                    None => return,
                },
                changed = unacknowledged.changed(), if due.is_some() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            self.publish_waiting();
            self.count_dropped();
        }
    }

    /// Shows what the link dropped of what it heard: digests are said often enough for that to be up to date.
    fn count_dropped(&self) {
        let seen = self.link.statistics();
        for ((reason, counter), count) in self.dropped.iter().zip([seen.dropped_oversized, seen.dropped_overflow]) {
            if counter.inner().swap(count, Relaxed) == 0 && count > 0 {
                let link = self.name.as_str();
                tracing::warn!(link, reason, "dropped messages unread; more are only counted");
            }
        }
    }

    async fn take(&mut self, errand: Errand) {
        self.outbox_bytes.fetch_sub(errand.size(), Relaxed);
        match errand {
            Errand::Batch { envelope, .. } if envelope.len() > MAX_BATCH => self.count(Kind::Changes, "too long"),
            Errand::Batch { scope, envelope } => self.keep(scope, envelope),
            Errand::Send { scope, kind, to, payload } => {
                let node = to.unwrap_or_else(|| self.carried.node.clone());
                let payload = Bytes::from(payload);
                while self.publish(&scope, kind, &node, payload.clone()) == Err(LinkError::Full) {
                    tokio::time::sleep(FULL_RETRY).await;
                }
            }
        }
    }

    /// Lets a batch wait, if there is room.
    fn keep(&mut self, scope: Scope, envelope: Vec<u8>) {
        let (batches, bytes) = self
            .waiting
            .iter()
            .fold((0, 0), |(batches, bytes), queue| (batches + queue.batches.len(), bytes + queue.bytes));
        let has_room = batches < MAX_WAITING_BATCHES && bytes + envelope.len() <= MAX_WAITING_BYTES;
        if !has_room || !self.link.is_up() {
            return self.count(Kind::Changes, "left to repair");
        }
        match self.waiting.iter_mut().find(|queue| queue.scope == scope) {
            Some(queue) => queue.push(envelope),
            None => self.waiting.push_back(Queue::new(scope, envelope)),
        }
    }

    /// Publishes what waits and is due. Who had a turn and has more is last from then on.
    fn publish_waiting(&mut self) {
        let (mut first, mut last) = (VecDeque::new(), VecDeque::new());
        let is_up = self.link.is_up();
        for mut queue in std::mem::take(&mut self.waiting) {
            let had_turn = is_up && self.publish_queue(&mut queue);
            if !is_up {
                self.leave(&mut queue);
            }
            if !queue.batches.is_empty() {
                if had_turn { &mut last } else { &mut first }.push_back(queue);
            }
        }
        first.append(&mut last);
        self.waiting = first;
    }

    /// Publishes what is due of a scope, and says whether it was anything.
    fn publish_queue(&self, queue: &mut Queue) -> bool {
        let mut had_turn = false;
        while self.is_due(queue) {
            let message = queue.next_message();
            queue.since = Instant::now();
            match self.publish(&queue.scope, Kind::Changes, &self.carried.node, pack(&message).into()) {
                Ok(()) => had_turn = true,
                Err(LinkError::Full) => {
                    queue.put_back(message);
                    break;
                }
                Err(_) => self.leave(queue),
            }
        }
        had_turn
    }

    /// Leaves what waits to repair.
    fn leave(&self, queue: &mut Queue) {
        (0..queue.batches.len()).for_each(|_| self.count(Kind::Changes, "left to repair"));
        queue.clear();
    }

    /// Whether a message is to leave now: at once when the link is idle, else when it is full or has waited for long.
    fn is_due(&self, queue: &Queue) -> bool {
        let waited = || queue.since.elapsed() >= self.most_wait;
        queue.bytes >= MESSAGE_BYTES || (queue.bytes > 0 && (self.link.unacknowledged() == 0 || waited()))
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

impl Queue {
    fn new(scope: Scope, envelope: Vec<u8>) -> Self {
        let mut queue = Self { scope, batches: VecDeque::new(), bytes: 0, since: Instant::now() };
        queue.push(envelope);
        queue
    }

    fn push(&mut self, envelope: Vec<u8>) {
        self.bytes += envelope.len();
        self.batches.push_back(envelope);
    }

    /// As many batches as share a message; at least one.
    fn next_message(&mut self) -> Vec<Vec<u8>> {
        let mut message: Vec<_> = self.batches.pop_front().into_iter().collect();
        let mut bytes: usize = message.iter().map(Vec::len).sum();
        while let Some(next) = self.batches.pop_front_if(|next| bytes + next.len() <= MESSAGE_BYTES) {
            bytes += next.len();
            message.push(next);
        }
        self.bytes -= bytes;
        message
    }

    fn put_back(&mut self, message: Vec<Vec<u8>>) {
        for batch in message.into_iter().rev() {
            self.bytes += batch.len();
            self.batches.push_front(batch);
        }
    }

    fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests;
