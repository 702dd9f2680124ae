//! The task that keeps a connection: connects, polls rumqttc, reconnects.
//!
//! Every connection has a client and an event loop of its own. rumqttc would rather keep one and carry unfinished work
//! over to the next connection; with clean sessions and repair between peers there is nothing worth carrying, and
//! nothing that went wrong in one connection (a stuck packet id, a message that breaks the decoder) lives on in the
//! next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::FutureExt;
use rumqttc::{AsyncClient, Broker, EventLoop, LastWill, MqttOptions, QoS};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

mod connection;
mod outlet;

use self::connection::{Connection, End};
pub(super) use self::outlet::Outlet;
use super::backoff::Backoff;
use super::cap::{CappedStream, MAX_REMAINING};
use super::mailbox::Mailbox;
use super::tls::Stream;
use super::{LinkEvent, LinkOptions, MAX_PAYLOAD, MAX_UNACKNOWLEDGED, Tls};

/// How long a line must have been up for the next break to count as the first. Longer than it takes a broker to refuse
/// what a client does after connecting, so that such a quarrel slows down.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The largest outgoing packet: fixed header, topic with its length, packet id, payload. Nothing larger is ever handed
/// over; rumqttc ends the connection if it were.
const MAX_OUTGOING: usize = 5 + 2 + 65_535 + 2 + MAX_PAYLOAD;

/// Packets written with one flush. Enough for the pieces of an answer to leave together.
const WRITE_BATCH: usize = 16;

/// Lives as long as its [`super::Link`].
#[derive(Debug)]
pub(super) struct Worker {
    options: LinkOptions,
    outlet: Arc<Outlet>,
    mailbox: Mailbox,
    closing: watch::Receiver<bool>,
    backoff: Backoff,
}

impl Worker {
    pub(super) fn new(
        options: LinkOptions,
        outlet: Arc<Outlet>,
        mailbox: Mailbox,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let backoff = Backoff::new(options.seed);
        Self { options, outlet, mailbox, closing, backoff }
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
        let (client, event_loop) = client(&self.options);
        let connection = Connection::new(
            client,
            &self.options.subscriptions,
            &self.outlet,
            &mut self.mailbox,
            &mut self.closing,
            up_since,
        );
        AssertUnwindSafe(connection.run(event_loop))
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
            if since.elapsed() >= STABLE_AFTER {
                self.backoff.reset();
            }
        } else {
            counters.failed_attempts.fetch_add(1, Relaxed);
            tracing::debug!(%broker, %reason, "could not connect to the MQTT broker");
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

fn client(options: &LinkOptions) -> (AsyncClient, EventLoop) {
    let broker = &options.broker;
    let mut mqtt = MqttOptions::new(&options.client_id, Broker::tcp(broker.host(), broker.port()));
    mqtt.set_keep_alive(u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX))
        .set_clean_session(true)
        .set_max_packet_size(MAX_REMAINING, MAX_OUTGOING)
        .set_inflight(MAX_UNACKNOWLEDGED as u16)
        .set_max_request_batch(WRITE_BATCH);
    match (broker.user(), broker.password()) {
        (Some(user), Some(password)) => {
            mqtt.set_credentials(user, password.to_owned());
        }
        (Some(user), None) => {
            mqtt.set_username(user);
        }
        (None, _) => {}
    }
    if let Some(will) = &options.will {
        mqtt.set_last_will(LastWill::new(&will.topic, will.payload.to_vec(), QoS::AtLeastOnce, false));
    }
    let (address, tls) = ((broker.host().to_owned(), broker.port()), options.tls.clone());
    let wanted = broker.is_tls();
    mqtt.set_socket_connector(move |_, _| connect(address.clone(), wanted, tls.clone()));
    AsyncClient::builder(mqtt).capacity(MAX_UNACKNOWLEDGED).build()
}

async fn connect(
    (host, port): (String, u16),
    wanted: bool,
    tls: Option<Tls>,
) -> std::io::Result<CappedStream<Box<dyn Stream>>> {
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    // A sale must not wait for the acknowledgement of the packet before it (Nagle's algorithm).
    stream.set_nodelay(true)?;
    let stream: Box<dyn Stream> = match (wanted, tls) {
        (false, _) => Box::new(stream),
        (true, Some(tls)) => tls.connect(&host, stream).await?,
        // A link that was asked for TLS never goes without.
        (true, None) => return Err(std::io::Error::other("the broker's URL asks for TLS, which was not set up")),
    };
    Ok(CappedStream::new(stream))
}
