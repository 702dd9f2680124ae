//! The task that keeps a connection: connects, polls rumqttc, reconnects.
//!
//! Every connection has a client and an event loop of its own. rumqttc would rather keep one and carry unfinished work
//! over to the next connection; with clean sessions and repair between peers there is nothing worth carrying, and
//! nothing that went wrong in one connection (a stuck packet id, a message that breaks the decoder) lives on in the
//! next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;

mod client;
mod client_id;
mod connection;
mod outlet;
mod session;

use self::client::Client;
use self::client_id::{ClientIds, STABLE_AFTER};
use self::connection::{Connection, End};
pub(super) use self::outlet::Outlet;
use super::backoff::Backoff;
use super::mailbox::Mailbox;
use super::{LinkEvent, LinkOptions};

/// Lives as long as its [`super::Link`].
#[derive(Debug)]
pub(super) struct Worker {
    options: LinkOptions,
    outlet: Arc<Outlet>,
    mailbox: Mailbox,
    closing: watch::Receiver<bool>,
    client_ids: ClientIds,
    backoff: Backoff,
    /// Whether it was logged that there is no connection; every further attempt would say the same.
    is_told: bool,
}

impl Worker {
    pub(super) fn new(
        options: LinkOptions,
        outlet: Arc<Outlet>,
        mailbox: Mailbox,
        closing: watch::Receiver<bool>,
        client_id: watch::Receiver<String>,
    ) -> Self {
        let (client_ids, backoff) =
            (ClientIds::new(client_id, options.seed, options.session), Backoff::new(options.seed));
        Self { options, outlet, mailbox, closing, client_ids, backoff, is_told: false }
    }

    /// Runs until the link is shut down.
    pub(super) async fn run(mut self) {
        while !*self.closing.borrow() {
            let mut up_since = None;
            let end = self.connect_once(&mut up_since).await;
            self.outlet.close();
            let End::Broken(reason) = end else { break };
            self.report(reason, up_since);
            self.pause().await;
        }
        self.outlet.close();
    }

    /// One connection from its beginning to its end. A panic inside rumqttc ends the connection and nothing else.
    async fn connect_once(&mut self, up_since: &mut Option<Instant>) -> End {
        self.options.client_id = self.client_ids.next();
        let (client, events) = Client::new(&self.options);
        let connection =
            Connection::new(client, &self.options, &self.outlet, &mut self.mailbox, &mut self.closing, up_since);
        AssertUnwindSafe(connection.run(events))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| End::Broken("the MQTT client panicked".to_owned()))
    }

    fn report(&mut self, reason: String, up_since: Option<Instant>) {
        let counters = &self.outlet.counters;
        let broker = &self.options.broker;
        if let Some(since) = up_since {
            counters.disconnects.fetch_add(1, Relaxed);
            tracing::warn!(%broker, %reason, "the MQTT link is down");
            self.is_told = true;
            let lasted = since.elapsed();
            if lasted >= STABLE_AFTER {
                self.backoff.reset();
            }
            if self.client_ids.note_end(lasted) {
                tracing::warn!(%broker, "somebody else seems to have this link's client id: it goes by another now");
            }
        } else {
            counters.failed_attempts.fetch_add(1, Relaxed);
            self.client_ids.note_failure();
            if std::mem::replace(&mut self.is_told, true) {
                tracing::debug!(%broker, %reason, "could not connect to the MQTT broker");
            } else {
                tracing::warn!(%broker, %reason, "cannot connect to the MQTT broker yet, and goes on trying");
            }
        }
        self.mailbox.announce(LinkEvent::Down { reason });
    }

    /// Waits before the next attempt, passing on what the receiver had no room for.
    async fn pause(&mut self) {
        let until = Instant::now() + self.backoff.next_delay();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = closed(&mut self.closing) => return,
                () = self.mailbox.deliver_waiting(), if self.mailbox.is_waiting() => {}
            }
        }
    }
}

/// Waits until the link is shut down. A link that was dropped takes no leave: its task is being aborted, and must not
/// send DISCONNECT in its last moment, which would keep the broker from publishing the will.
async fn closed(closing: &mut watch::Receiver<bool>) {
    if closing.wait_for(|closing| *closing).await.is_err() {
        std::future::pending().await
    }
}
