//! The handle of a connection to one broker.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::mailbox::Mailbox;
use super::worker::{Outlet, Worker};
use super::{BrokerUrl, MAX_PAYLOAD, MAX_SUBSCRIPTIONS, MAX_UNACKNOWLEDGED, MAX_WAITING_MESSAGES, Tls};

/// The longest client id in bytes: VerneMQ takes 100, AWS IoT Core 128.
pub(super) const MAX_CLIENT_ID: usize = 64;

/// The longest topic to publish to, in bytes: what AWS IoT Core and Azure Event Grid take.
const MAX_PUBLISH_TOPIC: usize = 256;

/// MQTT writes the keep-alive as seconds in 16 bits, and 0 would switch it off; Azure Event Grid takes at most 1160.
const KEEP_ALIVE_SECONDS: std::ops::RangeInclusive<u64> = 1..=1160;

/// A version of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub enum Protocol {
    /// 3.1.1, which every broker speaks.
    #[default]
    #[serde(rename = "3.1.1")]
    V3,
    /// 5, in which a broker says why it refuses something.
    #[serde(rename = "5")]
    V5,
}

/// What becomes of messages while this client is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Session {
    /// They are missed. What arrives counts as taken, and is dropped where the receiver is behind.
    #[default]
    Clean,
    /// The broker keeps them, and those that came as [`LinkEvent::Owed`] and were not acknowledged, and sends them at
    /// the next connection: in MQTT 3.1.1 as long as it pleases, in MQTT 5 for a month. While the receiver is behind
    /// nothing more is read. The client id never changes.
    Kept,
}

/// For how long a broker that speaks MQTT 5 is asked to keep a session: a store that is closed for a month.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(31 * 24 * 3_600);

/// Stands for a message that the broker sends again until it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Which connection of the link it came over; packet ids mean nothing on another one.
    pub(super) connection: u64,
    /// None for a message that nobody acknowledges (QoS 0).
    pub(super) packet_id: Option<u16>,
}

/// How a [`Link`] connects.
#[derive(Debug, Clone)]
pub struct LinkOptions {
    /// The broker.
    pub broker: BrokerUrl,
    /// What this client brings to TLS; needed where the broker's URL asks for it.
    pub tls: Option<Tls>,
    /// The version of MQTT to speak.
    pub protocol: Protocol,
    /// The client id: 1 to 64 bytes of `[A-Za-z0-9_-]`, the broker's key for this connection. A broker cuts the older
    /// of two connections with the same one, so it must be the node's alone, and the same after a restart. Where the
    /// broker cuts one line after the other soon, the next ones have a random suffix behind it.
    /// [`Link::set_client_id`] gives the next connections another one.
    pub client_id: String,
    /// Topic filters, at most [`MAX_SUBSCRIPTIONS`], subscribed with QoS 1 at every connection.
    pub subscriptions: Vec<String>,
    /// What becomes of messages while this client is away.
    pub session: Session,
    /// What the broker publishes when this client vanishes.
    pub will: Option<Will>,
    /// The longest silence before the line is tested, whole seconds, 1 to 1160. A dead line is noticed within two of
    /// these, and within one and a half by the broker.
    pub keep_alive: Duration,
    /// Seeds the jitter of reconnects; different at every node and start.
    pub seed: [u8; 32],
}

/// A last will, published with QoS 1, not retained.
#[derive(Debug, Clone)]
pub struct Will {
    /// The topic.
    pub topic: String,
    /// The payload, at most [`MAX_PAYLOAD`] bytes.
    pub payload: Bytes,
}

/// Why a link cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLinkOptions {
    /// A client id outside its rule.
    #[error("the MQTT client id {client_id:?} must have 1 to {MAX_CLIENT_ID} characters out of A-Z, a-z, 0-9, _ and -")]
    ClientId {
        /// Its beginning.
        client_id: String,
    },
    /// Too many subscriptions.
    #[error("{count} MQTT subscriptions are too many: brokers allow {MAX_SUBSCRIPTIONS} for a connection")]
    TooManySubscriptions {
        /// How many there are.
        count: usize,
    },
    /// A subscription that is no topic filter.
    #[error("the MQTT subscription {filter:?} is no topic filter of at most {MAX_PUBLISH_TOPIC} bytes")]
    Subscription {
        /// Its beginning.
        filter: String,
    },
    /// A last will outside its rule.
    #[error("the last will must have a topic without wildcards and a payload of at most {MAX_PAYLOAD} bytes")]
    Will,
    /// A keep-alive outside its rule.
    #[error("the keep-alive is {seconds} s, it must be 1 to 1160 s")]
    KeepAlive {
        /// Its whole seconds.
        seconds: u64,
    },
}

/// What happens on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// Connected and subscribed: from now on messages are heard and publishes taken. Whatever was published meanwhile
    /// was missed.
    Up,
    /// Not connected, because the line broke or an attempt failed; the next attempt comes by itself. May come several
    /// times in a row. Publishes that were not acknowledged are lost or not, nobody knows.
    Down {
        /// Why, for people.
        reason: String,
    },
    /// A message. May be a repeated one, or one's own.
    Message {
        /// Its topic, as the sender wrote it.
        topic: String,
        /// Its payload, at most [`MAX_PAYLOAD`] bytes.
        payload: Bytes,
    },
    /// A message of a session that is kept, to be given to [`Link::acknowledge`] once it is safe.
    Owed {
        /// Its topic, as the sender wrote it.
        topic: String,
        /// Its payload; one of more than [`MAX_PAYLOAD`] bytes was cut, and only tells that there was one.
        payload: Bytes,
        /// What acknowledges it.
        receipt: Receipt,
    },
}

/// Why a publish was not taken. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// As many publishes as allowed wait for their acknowledgement. Try again when one is acknowledged.
    #[error("{} MQTT publishes wait for their acknowledgement, no more are taken", super::MAX_UNACKNOWLEDGED)]
    Full,
    /// The payload is above [`MAX_PAYLOAD`].
    #[error("an MQTT payload has {bytes} bytes, at most {MAX_PAYLOAD} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not connected. Try again after the next [`LinkEvent::Up`].
    #[error("the MQTT broker is not connected")]
    Down,
    /// A topic that no broker takes: empty, above 256 bytes, or with a wildcard or control character in it.
    #[error("the MQTT topic {topic:?} must have 1 to {MAX_PUBLISH_TOPIC} bytes, no + or # and no control characters")]
    Topic {
        /// Its beginning.
        topic: String,
    },
}

/// The connection broke before the acknowledgement came: the message was sent or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the MQTT connection broke before the broker acknowledged the message")]
pub struct PublishLost;

/// Stands for one publish until the broker acknowledges it. Dropping it takes nothing back.
#[derive(Debug)]
#[must_use = "a publish is not delivered until its ticket says so; drop it explicitly if that does not matter"]
pub struct PublishTicket {
    acknowledgement: oneshot::Receiver<Acknowledgement>,
    state: TicketState,
}

/// What the broker says of a publish: nothing, or, in MQTT 5, why it passes it on to nobody.
pub(super) type Acknowledgement = Option<String>;

/// What is known of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketState {
    /// Not acknowledged so far.
    Waiting,
    /// The broker has it.
    Acknowledged,
    /// The connection broke first.
    Lost,
}

impl Session {
    /// How many messages may wait for the receiver. Of a kept session the rest waits at the broker.
    const fn most_waiting(self) -> usize {
        match self {
            Self::Clean => MAX_WAITING_MESSAGES,
            Self::Kept => MAX_UNACKNOWLEDGED,
        }
    }
}

impl PublishTicket {
    pub(super) fn new(acknowledgement: oneshot::Receiver<Acknowledgement>) -> Self {
        Self { acknowledgement, state: TicketState::Waiting }
    }

    /// Waits for the acknowledgement.
    ///
    /// # Errors
    /// When the connection breaks first.
    pub async fn acknowledged(mut self) -> Result<(), PublishLost> {
        if self.state == TicketState::Waiting && (&mut self.acknowledgement).await.is_ok() {
            self.state = TicketState::Acknowledged;
        }
        match self.state {
            TicketState::Acknowledged => Ok(()),
            TicketState::Waiting | TicketState::Lost => Err(PublishLost),
        }
    }

    /// Waits for the acknowledgement of a ticket that nobody asked before, and gives what the broker says with it: why
    /// it passes the message on to nobody, where it does not.
    ///
    /// # Errors
    /// When the connection breaks first.
    pub async fn answered(self) -> Result<Option<String>, PublishLost> {
        self.acknowledgement.await.map_err(|_| PublishLost)
    }

    /// What is known now. Does not change any more once it is not [`TicketState::Waiting`].
    pub fn state(&mut self) -> TicketState {
        if self.state == TicketState::Waiting {
            self.state = match self.acknowledgement.try_recv() {
                Ok(_) => TicketState::Acknowledged,
                Err(oneshot::error::TryRecvError::Empty) => TicketState::Waiting,
                Err(oneshot::error::TryRecvError::Closed) => TicketState::Lost,
            };
        }
        self.state
    }
}

/// What happened on a link since it was started. All numbers only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkStatistics {
    /// Times that the line came up.
    pub connects: u64,
    /// Times that the line broke after it was up.
    pub disconnects: u64,
    /// Attempts that failed before the line was up.
    pub failed_attempts: u64,
    /// Publishes taken.
    pub published: u64,
    /// Payload bytes of them.
    pub published_bytes: u64,
    /// Publishes that the broker acknowledged.
    pub acknowledged: u64,
    /// Those among them that it said to pass on to nobody, which only MQTT 5 can say.
    pub refused: u64,
    /// Messages passed on to the receiver.
    pub received: u64,
    /// Payload bytes of them.
    pub received_bytes: u64,
    /// Messages dropped because their payload was above [`MAX_PAYLOAD`].
    pub dropped_oversized: u64,
    /// Messages dropped because the receiver was [`MAX_WAITING_MESSAGES`] behind.
    pub dropped_overflow: u64,
}

/// The numbers behind [`LinkStatistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connects: AtomicU64,
    pub(super) disconnects: AtomicU64,
    pub(super) failed_attempts: AtomicU64,
    pub(super) published: AtomicU64,
    pub(super) published_bytes: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) dropped_oversized: AtomicU64,
    pub(super) dropped_overflow: AtomicU64,
}

/// A connection to one broker that renews itself. Dropped without [`Link::shutdown`] it vanishes as in a crash: the
/// broker publishes the will.
#[derive(Debug)]
pub struct Link {
    outlet: Arc<Outlet>,
    closing: watch::Sender<bool>,
    client_id: watch::Sender<String>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Link {
    /// Starts to connect in the background, on `runtime`, and returns at once.
    ///
    /// # Errors
    /// When the options break a rule that no broker could mend.
    pub fn start(
        options: LinkOptions,
        runtime: &Handle,
    ) -> Result<(Self, mpsc::Receiver<LinkEvent>), InvalidLinkOptions> {
        check(&options)?;
        let (mailbox, receiver) = Mailbox::new(options.session.most_waiting());
        let (closing, closed) = watch::channel(false);
        let (client_id, next_client_id) = watch::channel(options.client_id.clone());
        let outlet = Arc::new(Outlet::default());
        let worker = runtime.spawn(Worker::new(options, outlet.clone(), mailbox, closed, next_client_id).run());
        Ok((Self { outlet, closing, client_id, worker: Mutex::new(Some(worker)) }, receiver))
    }

    /// Gives the connections after this one another client id. The one that is there keeps its own: where that is
    /// somebody else's as well, the broker cuts it.
    ///
    /// # Errors
    /// When it breaks the rule of [`LinkOptions::client_id`].
    pub fn set_client_id(&self, client_id: String) -> Result<(), InvalidLinkOptions> {
        check_client_id(&client_id)?;
        self.client_id.send_replace(client_id);
        Ok(())
    }

    /// Hands a message to the broker with QoS 1, without waiting for anything.
    ///
    /// # Errors
    /// When it is not taken; see [`LinkError`].
    pub fn publish(&self, topic: &str, payload: Bytes) -> Result<PublishTicket, LinkError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(LinkError::TooLarge { bytes: payload.len() });
        }
        if !is_publishable(topic) {
            return Err(LinkError::Topic { topic: topic.chars().take(80).collect() });
        }
        self.outlet.publish(topic, payload).map(PublishTicket::new)
    }

    /// Tells the broker that a message is safe here. One of an earlier connection is not told of: the broker sends it
    /// again.
    ///
    /// # Errors
    /// [`LinkError::Full`] or [`LinkError::Down`] when it has to be tried again.
    pub fn acknowledge(&self, receipt: Receipt) -> Result<(), LinkError> {
        self.outlet.acknowledge(receipt)
    }

    /// The number of publishes that the broker has not acknowledged. 0 means that the link is idle; also while it is
    /// down.
    pub fn unacknowledged(&self) -> usize {
        *self.outlet.unacknowledged().borrow()
    }

    /// Follows [`Link::unacknowledged`]: tells of every change, from any thread.
    pub fn watch_unacknowledged(&self) -> watch::Receiver<usize> {
        self.outlet.unacknowledged()
    }

    /// Whether publishes are taken now.
    pub fn is_up(&self) -> bool {
        self.outlet.is_open()
    }

    /// The numbers so far.
    pub fn statistics(&self) -> LinkStatistics {
        self.outlet.counters.snapshot()
    }

    /// Takes no more publishes, gives those under way two seconds to be acknowledged, and takes leave of the broker, so
    /// that it does not publish the will. Returns when the connection is closed; a second call returns at once.
    pub async fn shutdown(&self) {
        self.closing.send_replace(true);
        let worker = self.worker().take();
        if let Some(worker) = worker
            && let Err(error) = worker.await
        {
            tracing::error!(%error, "the MQTT link did not end by itself");
        }
    }

    fn worker(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(worker) = self.worker().take() {
            worker.abort();
        }
    }
}

impl Counters {
    fn snapshot(&self) -> LinkStatistics {
        LinkStatistics {
            connects: self.connects.load(Relaxed),
            disconnects: self.disconnects.load(Relaxed),
            failed_attempts: self.failed_attempts.load(Relaxed),
            published: self.published.load(Relaxed),
            published_bytes: self.published_bytes.load(Relaxed),
            acknowledged: self.acknowledged.load(Relaxed),
            refused: self.refused.load(Relaxed),
            received: self.received.load(Relaxed),
            received_bytes: self.received_bytes.load(Relaxed),
            dropped_oversized: self.dropped_oversized.load(Relaxed),
            dropped_overflow: self.dropped_overflow.load(Relaxed),
        }
    }
}

fn check_client_id(client_id: &str) -> Result<(), InvalidLinkOptions> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID || !client_id.bytes().all(plain) {
        return Err(InvalidLinkOptions::ClientId { client_id: client_id.chars().take(80).collect() });
    }
    Ok(())
}

fn check(options: &LinkOptions) -> Result<(), InvalidLinkOptions> {
    check_client_id(&options.client_id)?;
    let count = options.subscriptions.len();
    if count > MAX_SUBSCRIPTIONS {
        return Err(InvalidLinkOptions::TooManySubscriptions { count });
    }
    let subscribable = |filter: &String| filter.len() <= MAX_PUBLISH_TOPIC && rumqttc::valid_filter(filter);
    if let Some(filter) = options.subscriptions.iter().find(|filter| !subscribable(filter)) {
        return Err(InvalidLinkOptions::Subscription { filter: filter.chars().take(80).collect() });
    }
    if options.will.as_ref().is_some_and(|will| !is_publishable(&will.topic) || will.payload.len() > MAX_PAYLOAD) {
        return Err(InvalidLinkOptions::Will);
    }
    let seconds = options.keep_alive.as_secs();
    if !KEEP_ALIVE_SECONDS.contains(&seconds) {
        return Err(InvalidLinkOptions::KeepAlive { seconds });
    }
    Ok(())
}

/// Whether a topic is one that every broker takes: 1 to 256 bytes, no wildcards and no control characters.
pub fn is_publishable(topic: &str) -> bool {
    let fits = !topic.is_empty() && topic.len() <= MAX_PUBLISH_TOPIC;
    fits && !topic.chars().any(|c| matches!(c, '+' | '#') || c.is_control())
}
