//! The two clients, one for each version of MQTT, behind one face: what a connection asks of them and hears from them.
//! Their types are alike and not the same, so everything is said twice here and nowhere else.

use bytes::Bytes;
use rumqttc::{Broker, QoS};
use rumqttc_v5 as v5;
use tokio::net::TcpStream;

use super::session::NothingUnderWay;
use crate::mqtt::cap::{CappedStream, MAX_REMAINING};
use crate::mqtt::link::KEPT_FOR;
use crate::mqtt::tls::Stream;
use crate::mqtt::{LinkError, LinkOptions, MAX_PAYLOAD, MAX_UNACKNOWLEDGED, Protocol, Session, Tls};

/// The largest outgoing packet: fixed header, topic with its length, packet id, payload. Nothing larger is ever handed
/// over; rumqttc ends the connection if it were.
const MAX_OUTGOING: usize = 5 + 2 + 65_535 + 2 + MAX_PAYLOAD;

/// Packets written with one flush. Enough for the pieces of an answer to leave together.
const WRITE_BATCH: usize = 16;

/// Where requests go.
#[derive(Debug, Clone)]
pub(super) enum Client {
    V3(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// Where events come from.
pub(super) enum Events {
    V3(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// What happened on a connection, as far as anybody here cares.
pub(super) enum Event {
    /// The broker let this client in.
    Connected,
    /// It answered a SUBSCRIBE.
    Subscribed { refused: bool },
    /// A message.
    Message { topic: Bytes, payload: Bytes, packet_id: Option<u16> },
    /// A publish left under this packet id.
    Sent(u16),
    /// A publish waits for another's packet id.
    OutOfIds,
    /// The broker has taken a publish. In MQTT 5 it may say that it will not pass it on, and why.
    Acknowledged { packet_id: u16, refusal: Option<String> },
    /// Anything else.
    Other,
}

impl Client {
    /// A client of its own for each connection, with what drives it.
    pub(super) fn new(options: &LinkOptions) -> (Self, Events) {
        match options.protocol {
            Protocol::V3 => {
                let (client, events) =
                    rumqttc::AsyncClient::builder(options_v3(options)).capacity(MAX_UNACKNOWLEDGED).build();
                (Self::V3(client), Events::V3(Box::new(events)))
            }
            Protocol::V5 => {
                let (client, events) =
                    v5::AsyncClient::builder(options_v5(options)).capacity(MAX_UNACKNOWLEDGED).build();
                (Self::V5(client), Events::V5(Box::new(events)))
            }
        }
    }

    /// Hands over a publish with QoS 1.
    pub(super) fn publish(&self, topic: &str, payload: Bytes) -> Result<(), LinkError> {
        let invalid = || LinkError::Topic { topic: topic.chars().take(80).collect() };
        match self {
            Self::V3(client) => client.try_publish(topic, payload, rumqttc::PublishOptions::at_least_once()).map_err(
                |error| match error {
                    rumqttc::ClientError::RequestChannelFull(_) => LinkError::Full,
                    rumqttc::ClientError::InvalidRequest(_) => invalid(),
                    _ => LinkError::Down,
                },
            ),
            Self::V5(client) => {
                client.try_publish(topic, payload, v5::PublishOptions::at_least_once()).map_err(|error| match error {
                    v5::ClientError::RequestChannelFull(_) => LinkError::Full,
                    v5::ClientError::InvalidRequest(_) => invalid(),
                    _ => LinkError::Down,
                })
            }
        }
    }

    /// Hands over a SUBSCRIBE with QoS 1, and says whether it was taken.
    pub(super) fn subscribe(&self, filters: &[String]) -> bool {
        match self {
            Self::V3(client) => {
                let filter = |filter: &String| rumqttc::SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce);
                client.try_subscribe_many(filters.iter().map(filter)).is_ok()
            }
            Self::V5(client) => {
                let filter = |filter: &String| v5::SubscribeFilter::new(filter.clone(), v5::QoS::AtLeastOnce);
                client.try_subscribe_many(filters.iter().map(filter)).is_ok()
            }
        }
    }

    /// Hands over the acknowledgement of a message.
    pub(super) fn acknowledge(&self, packet_id: u16) -> Result<(), LinkError> {
        match self {
            Self::V3(client) => {
                let acknowledgement = rumqttc::ManualAck::PubAck(rumqttc::PubAck::new(packet_id));
                client.try_manual_ack(acknowledgement).map_err(|error| match error {
                    rumqttc::ClientError::RequestChannelFull(_) => LinkError::Full,
                    _ => LinkError::Down,
                })
            }
            Self::V5(client) => {
                let acknowledgement = v5::ManualAck::PubAck(v5::PubAck::new(packet_id, None));
                client.try_manual_ack(acknowledgement).map_err(|error| match error {
                    v5::ClientError::RequestChannelFull(_) => LinkError::Full,
                    _ => LinkError::Down,
                })
            }
        }
    }

    /// Hands over a DISCONNECT that goes out after the acknowledgements that were handed over before it, and says
    /// whether it was taken. It waits for whatever the broker has not answered yet.
    pub(super) fn disconnect(&self) -> bool {
        match self {
            Self::V3(client) => client.try_disconnect().is_ok(),
            Self::V5(client) => client.try_disconnect().is_ok(),
        }
    }

    /// Hands over a DISCONNECT that waits for nothing, and says whether it was taken.
    pub(super) fn disconnect_now(&self) -> bool {
        match self {
            Self::V3(client) => client.try_disconnect_now().is_ok(),
            Self::V5(client) => client.try_disconnect_now().is_ok(),
        }
    }
}

impl Events {
    /// The next event, or why the connection ended, for people.
    pub(super) async fn next(&mut self) -> Result<Event, String> {
        match self {
            Self::V3(events) => events.poll().await.map(Event::from).map_err(|error| error.to_string()),
            Self::V5(events) => events.poll().await.map(Event::from).map_err(|error| error.to_string()),
        }
    }
}

impl From<rumqttc::Event> for Event {
    fn from(event: rumqttc::Event) -> Self {
        use rumqttc::{Outgoing, Packet, SubscribeReasonCode};
        match event {
            rumqttc::Event::Incoming(Packet::ConnAck(_)) => Self::Connected,
            rumqttc::Event::Incoming(Packet::SubAck(answer)) => {
                Self::Subscribed { refused: answer.return_codes.contains(&SubscribeReasonCode::Failure) }
            }
            rumqttc::Event::Incoming(Packet::Publish(message)) => Self::Message {
                topic: message.topic,
                payload: message.payload,
                packet_id: (message.qos == QoS::AtLeastOnce).then_some(message.pkid),
            },
            rumqttc::Event::Incoming(Packet::PubAck(answer)) => {
                Self::Acknowledged { packet_id: answer.pkid, refusal: None }
            }
            rumqttc::Event::Outgoing(Outgoing::Publish(packet_id)) => Self::Sent(packet_id),
            rumqttc::Event::Outgoing(Outgoing::AwaitAck(_)) => Self::OutOfIds,
            _ => Self::Other,
        }
    }
}

impl From<v5::Event> for Event {
    fn from(event: v5::Event) -> Self {
        use v5::{Outgoing, Packet, PubAckReason, SubscribeReasonCode};
        match event {
            v5::Event::Incoming(Packet::ConnAck(_)) => Self::Connected,
            v5::Event::Incoming(Packet::SubAck(answer)) => {
                let refused = |code: &SubscribeReasonCode| !matches!(code, SubscribeReasonCode::Success(_));
                Self::Subscribed { refused: answer.return_codes.iter().any(refused) }
            }
            v5::Event::Incoming(Packet::Publish(message)) => Self::Message {
                topic: message.topic,
                payload: message.payload,
                packet_id: (message.qos == v5::QoS::AtLeastOnce).then_some(message.pkid),
            },
            v5::Event::Incoming(Packet::PubAck(answer)) => {
                let fine = matches!(answer.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
                let refusal = (!fine).then(|| format!("{:?}", answer.reason));
                Self::Acknowledged { packet_id: answer.pkid, refusal }
            }
            v5::Event::Outgoing(Outgoing::Publish(packet_id)) => Self::Sent(packet_id),
            v5::Event::Outgoing(Outgoing::AwaitAck(_)) => Self::OutOfIds,
            _ => Self::Other,
        }
    }
}

fn options_v3(options: &LinkOptions) -> rumqttc::MqttOptions {
    let broker = &options.broker;
    let mut mqtt = rumqttc::MqttOptions::new(&options.client_id, Broker::tcp(broker.host(), broker.port()));
    mqtt.set_keep_alive(keep_alive(options))
        .set_clean_session(options.session == Session::Clean)
        .set_max_packet_size(MAX_REMAINING, MAX_OUTGOING)
        .set_inflight(MAX_UNACKNOWLEDGED as u16)
        .set_max_request_batch(WRITE_BATCH);
    if options.session == Session::Kept {
        mqtt.set_ack_mode(rumqttc::AckMode::Manual);
    }
    match (broker.user(), broker.password()) {
        (Some(user), Some(password)) => drop(mqtt.set_credentials(user, password.to_owned())),
        (Some(user), None) => drop(mqtt.set_username(user)),
        (None, _) => {}
    }
    if let Some(will) = &options.will {
        mqtt.set_last_will(rumqttc::LastWill::new(&will.topic, will.payload.to_vec(), QoS::AtLeastOnce, false));
    }
    let route = Route::of(options);
    mqtt.set_socket_connector(move |_, _| route.clone().connect());
    mqtt
}

fn options_v5(options: &LinkOptions) -> v5::MqttOptions {
    let broker = &options.broker;
    let mut mqtt = v5::MqttOptions::new(&options.client_id, v5::Broker::tcp(broker.host(), broker.port()));
    mqtt.set_keep_alive(keep_alive(options))
        .set_clean_start(options.session == Session::Clean)
        // The stream keeps to the limit. A broker is not told of it: Mosquitto 2.0 goes silent after some messages
        // above such a limit.
        .set_unlimited_incoming_packet_size()
        .set_outgoing_inflight_upper_limit(MAX_UNACKNOWLEDGED as u16)
        .set_max_request_batch(WRITE_BATCH);
    if options.session == Session::Kept {
        let session_expiry = Some(u32::try_from(KEPT_FOR.as_secs()).unwrap_or(u32::MAX));
        mqtt.set_ack_mode(v5::AckMode::Manual)
            .set_session_expiry_interval(session_expiry)
            .set_receive_maximum(Some(MAX_UNACKNOWLEDGED as u16))
            .set_session_store(NothingUnderWay { session_expiry, inflight_limit: Some(MAX_UNACKNOWLEDGED as u16) });
    }
    match (broker.user(), broker.password()) {
        (Some(user), Some(password)) => drop(mqtt.set_credentials(user, password.to_owned())),
        (Some(user), None) => drop(mqtt.set_username(user)),
        (None, _) => {}
    }
    if let Some(will) = &options.will {
        let (topic, payload) = (will.topic.clone(), will.payload.to_vec());
        mqtt.set_last_will(v5::LastWill::new(topic, payload, v5::QoS::AtLeastOnce, false, None));
    }
    let route = Route::of(options);
    mqtt.set_socket_connector(move |_, _| route.clone().connect());
    mqtt
}

fn keep_alive(options: &LinkOptions) -> u16 {
    u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX)
}

/// How a broker is reached.
#[derive(Clone)]
struct Route {
    host: String,
    port: u16,
    is_tls: bool,
    tls: Option<Tls>,
}

impl Route {
    fn of(options: &LinkOptions) -> Self {
        let broker = &options.broker;
        let (host, port, is_tls) = (broker.host().to_owned(), broker.port(), broker.is_tls());
        Self { host, port, is_tls, tls: options.tls.clone() }
    }

    async fn connect(self) -> std::io::Result<CappedStream<Box<dyn Stream>>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // A sale must not wait for the acknowledgement of the packet before it (Nagle's algorithm).
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match (self.is_tls, self.tls) {
            (false, _) => Box::new(stream),
            (true, Some(tls)) => tls.connect(&self.host, stream).await?,
            // A link that was asked for TLS never goes without.
            (true, None) => return Err(std::io::Error::other("the broker's URL asks for TLS, which was not set up")),
        };
        Ok(CappedStream::new(stream))
    }
}
