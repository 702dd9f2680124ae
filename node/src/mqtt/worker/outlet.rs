//! What callers of a link and its worker share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::client::Client;
use crate::mqtt::link::{Acknowledgement, Counters};
use crate::mqtt::{LinkError, MAX_UNACKNOWLEDGED, Receipt};

/// A publish between its caller and its acknowledgement.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) acknowledge: oneshot::Sender<Acknowledgement>,
    pub(super) since: Instant,
}

/// The way out: open while the line is up.
#[derive(Debug)]
pub(in crate::mqtt) struct Outlet {
    open: Mutex<Option<Open>>,
    /// Which connection this is, counted from 1.
    connection: AtomicU64,
    /// Takes acknowledgements: from CONNACK on, for a broker sends what it kept before it answers a subscription.
    acknowledger: Mutex<Option<Client>>,
    unacknowledged: watch::Sender<usize>,
    pub(in crate::mqtt) counters: Counters,
}

#[derive(Debug)]
struct Open {
    client: Client,
    /// Handed to rumqttc, which has not given them a packet id yet; it does so in this order.
    submitted: VecDeque<Pending>,
    unacknowledged: usize,
    refusing: bool,
}

impl Default for Outlet {
    fn default() -> Self {
        Self {
            open: Mutex::new(None),
            connection: AtomicU64::new(0),
            acknowledger: Mutex::new(None),
            unacknowledged: watch::Sender::new(0),
            counters: Counters::default(),
        }
    }
}

impl Outlet {
    /// Hands a message to rumqttc. The receiver hears of the acknowledgement, or is closed.
    pub(in crate::mqtt) fn publish(
        &self,
        topic: &str,
        payload: Bytes,
    ) -> Result<oneshot::Receiver<Acknowledgement>, LinkError> {
        let bytes = payload.len() as u64;
        let mut guard = self.lock();
        let open = guard.as_mut().filter(|open| !open.refusing).ok_or(LinkError::Down)?;
        if open.unacknowledged >= MAX_UNACKNOWLEDGED {
            return Err(LinkError::Full);
        }
        open.client.publish(topic, payload)?;
        let (acknowledge, acknowledgement) = oneshot::channel();
        open.submitted.push_back(Pending { acknowledge, since: Instant::now() });
        open.unacknowledged += 1;
        self.unacknowledged.send_replace(open.unacknowledged);
        self.counters.published.fetch_add(1, Relaxed);
        self.counters.published_bytes.fetch_add(bytes, Relaxed);
        Ok(acknowledgement)
    }

    /// Tells the broker that a message is safe, if it came over this connection.
    pub(in crate::mqtt) fn acknowledge(&self, receipt: Receipt) -> Result<(), LinkError> {
        let acknowledger = self.acknowledger.lock().unwrap_or_else(PoisonError::into_inner);
        if receipt.connection != self.connection.load(Relaxed) {
            return Ok(());
        }
        let Some(packet_id) = receipt.packet_id else { return Ok(()) };
        acknowledger.as_ref().ok_or(LinkError::Down)?.acknowledge(packet_id)
    }

    /// Another connection begins, of this number.
    pub(super) fn begin(&self) -> u64 {
        let mut acknowledger = self.acknowledger.lock().unwrap_or_else(PoisonError::into_inner);
        *acknowledger = None;
        self.connection.fetch_add(1, Relaxed) + 1
    }

    /// The broker let this client in: acknowledgements are taken.
    pub(super) fn connected(&self, client: Client) {
        *self.acknowledger.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    pub(in crate::mqtt) fn unacknowledged(&self) -> watch::Receiver<usize> {
        self.unacknowledged.subscribe()
    }

    pub(in crate::mqtt) fn is_open(&self) -> bool {
        self.lock().as_ref().is_some_and(|open| !open.refusing)
    }

    pub(super) fn open(&self, client: Client) {
        *self.lock() = Some(Open { client, submitted: VecDeque::new(), unacknowledged: 0, refusing: false });
    }

    /// Takes no more publishes; those under way go on.
    pub(super) fn refuse(&self) {
        if let Some(open) = self.lock().as_mut() {
            open.refusing = true;
        }
    }

    /// Takes no more publishes and gives up those under way.
    pub(super) fn close(&self) {
        let closed = self.lock().take();
        self.unacknowledged.send_if_modified(|count| std::mem::take(count) != 0);
        drop(closed);
    }

    /// The oldest publish that had no packet id yet.
    pub(super) fn next_submitted(&self) -> Option<Pending> {
        self.lock().as_mut()?.submitted.pop_front()
    }

    /// Counts one acknowledgement.
    pub(super) fn acknowledged(&self) {
        if let Some(open) = self.lock().as_mut() {
            open.unacknowledged = open.unacknowledged.saturating_sub(1);
            self.unacknowledged.send_replace(open.unacknowledged);
        }
        self.counters.acknowledged.fetch_add(1, Relaxed);
    }

    /// Whether anything is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().as_ref().is_none_or(|open| open.unacknowledged == 0)
    }

    /// No panic can leave the content half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
