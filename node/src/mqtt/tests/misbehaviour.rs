//! Brokers of our own that answer wrongly or not at all, over either version of MQTT, and options that no broker could
//! take.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use super::support::{At, Client, options, until, within};
use crate::mqtt::{
    InvalidLinkOptions, Link, LinkError, LinkEvent, LinkOptions, MAX_PAYLOAD, MAX_SUBSCRIPTIONS, MAX_UNACKNOWLEDGED,
    Protocol, PublishLost, TicketState, Will,
};

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const DISCONNECT: u8 = 14;

/// Makes of each case a test over either version.
macro_rules! over_every_version {
    ($($(#[$doc:meta])* async fn $name:ident($protocol:ident: Protocol) $body:block)*) => {
        $(
            mod $name {
                use super::*;

                async fn case($protocol: Protocol) $body

                #[tokio::test]
                async fn mqtt_3() {
                    case(Protocol::V3).await;
                }

                #[tokio::test]
                async fn mqtt_5() {
                    case(Protocol::V5).await;
                }
            }
        )*
    };
}

async fn listen(protocol: Protocol) -> (TcpListener, At) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, At { address, protocol })
}

/// A packet whose body has properties in MQTT 5, none here, after so many bytes.
fn answer(protocol: Protocol, kind: u8, body: &[u8], before_properties: usize) -> Vec<u8> {
    let mut body = body.to_vec();
    if protocol == Protocol::V5 {
        body.insert(before_properties, 0);
    }
    [&[kind, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

/// What a broker says to a client that it lets in, or not.
fn connack(protocol: Protocol, code: u8) -> Vec<u8> {
    answer(protocol, 0x20, &[0, code], 2)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    within("a connection", listener.accept()).await.unwrap().0
}

/// The next packet: its type, and what follows its fixed header.
async fn packet(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let read = async {
        let kind = stream.read_u8().await.unwrap() >> 4;
        let (mut len, mut shift) = (0, 0);
        loop {
            let byte = stream.read_u8().await.unwrap();
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut rest = vec![0; len];
        stream.read_exact(&mut rest).await.unwrap();
        (kind, rest)
    };
    within("a packet", read).await
}

/// Lets a client in that subscribes to nothing.
async fn welcome(listener: &TcpListener, protocol: Protocol) -> TcpStream {
    let mut stream = accept(listener).await;
    assert_eq!(packet(&mut stream).await.0, CONNECT);
    stream.write_all(&connack(protocol, 0)).await.unwrap();
    stream
}

over_every_version! {
    async fn publishes_without_acknowledgement_fill_the_link_and_are_given_up_with_the_line(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut client = Client::start(options(at, "waiting", &[]));
        let mut stream = welcome(&listener, protocol).await;
        client.wait_up().await;

        let publish = || client.link.publish("t", Bytes::from_static(b"x"));
        let mut tickets: Vec<_> = (0..MAX_UNACKNOWLEDGED).map(|_| publish().unwrap()).collect();
        assert_eq!(publish().unwrap_err(), LinkError::Full);
        assert_eq!(client.link.unacknowledged(), MAX_UNACKNOWLEDGED);
        let mut packet_ids = Vec::new();
        for _ in 0..MAX_UNACKNOWLEDGED {
            let (kind, rest) = packet(&mut stream).await;
            assert_eq!(kind, PUBLISH);
            packet_ids.push([rest[3], rest[4]]);
        }

        // One acknowledgement, out of order, makes room for one publish and settles one ticket.
        let [high, low] = packet_ids[10];
        stream.write_all(&[0x40, 2, high, low]).await.unwrap();
        let eleventh = tickets.remove(10);
        within("the ticket that was acknowledged", eleventh.acknowledged()).await.unwrap();
        assert!(tickets.iter_mut().all(|ticket| ticket.state() == TicketState::Waiting));
        tickets.push(publish().unwrap());
        assert_eq!(publish().unwrap_err(), LinkError::Full);

        drop(stream);
        client.wait_down().await;
        assert_eq!(client.link.unacknowledged(), 0);
        for ticket in tickets {
            assert_eq!(within("a verdict", ticket.acknowledged()).await, Err(PublishLost));
        }
    }

    async fn packet_ids_are_told_apart_long_after_they_were_used_up(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut client = Client::start(options(at, "many", &[]));
        let mut stream = welcome(&listener, protocol).await;
        client.wait_up().await;
        // The first is acknowledged last.
        let mut first = client.link.publish("t", Bytes::from_static(b"first")).unwrap();
        let first_id = packet(&mut stream).await.1[3..5].to_vec();
        for _ in 0..5 * MAX_UNACKNOWLEDGED {
            let ticket = client.link.publish("t", Bytes::from_static(b"x")).unwrap();
            let (_, rest) = packet(&mut stream).await;
            stream.write_all(&[0x40, 2, rest[3], rest[4]]).await.unwrap();
            within("an acknowledgement", ticket.acknowledged()).await.unwrap();
            assert_eq!(first.state(), TicketState::Waiting);
        }
        stream.write_all(&[0x40, 2, first_id[0], first_id[1]]).await.unwrap();
        within("the first acknowledgement", first.acknowledged()).await.unwrap();
        assert_eq!(client.link.statistics().connects, 1);
    }

    async fn a_link_is_up_only_when_its_subscriptions_are_confirmed(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut client = Client::start(options(at, "eager", &["a", "b"]));
        let mut stream = welcome(&listener, protocol).await;
        let (kind, rest) = packet(&mut stream).await;
        assert_eq!(kind, SUBSCRIBE);
        assert!(!client.link.is_up());
        assert_eq!(client.link.publish("t", Bytes::new()).unwrap_err(), LinkError::Down);

        stream.write_all(&answer(protocol, 0x90, &[rest[0], rest[1], 1, 1], 2)).await.unwrap();
        client.wait_up().await;
        assert!(client.link.is_up());
    }

    async fn a_refused_subscription_is_an_end_with_a_reason(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut client = Client::start(options(at, "refused", &["a", "b"]));
        let mut stream = welcome(&listener, protocol).await;
        let (_, rest) = packet(&mut stream).await;
        stream.write_all(&answer(protocol, 0x90, &[rest[0], rest[1], 1, 0x80], 2)).await.unwrap();
        assert!(client.wait_down().await.contains("refuses a subscription"));
        assert_eq!(client.link.statistics().connects, 0);
    }

    async fn the_login_goes_to_the_broker_and_a_refusal_comes_back(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut options = options(at, "login", &[]);
        options.broker = format!("mqtt://till:hunter2@{}", at.address).parse().unwrap();
        assert!(!format!("{options:?}").contains("hunter2"));
        let mut client = Client::start(options);
        let mut stream = accept(&listener).await;
        let (_, connect) = packet(&mut stream).await;
        assert!(connect.ends_with(b"\0\x05login\0\x04till\0\x07hunter2"), "{connect:?}");
        stream.write_all(&connack(protocol, if protocol == Protocol::V5 { 0x87 } else { 5 })).await.unwrap();
        let reason = client.wait_down().await;
        assert!(reason.contains("NotAuthorized") && !reason.contains("hunter2"), "{reason}");
    }

    async fn nonsense_from_a_broker_ends_the_connection_and_the_next_one_works(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut client = Client::start(options(at, "patient", &[]));
        let nonsense: [&[u8]; 5] = [
            // A length of five bytes; an acknowledgement of nothing; a reserved type; an empty PUBLISH; a long topic.
            &[0x30, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x40, 2, 0, 9],
            &[0xf0, 0],
            &[0x30, 0],
            &[0x30, 3, 0xff, 0xff, b't'],
        ];
        for bytes in nonsense {
            let mut stream = welcome(&listener, protocol).await;
            client.wait_up().await;
            stream.write_all(bytes).await.unwrap();
            let reason = client.wait_down().await;
            assert!(!reason.contains("panicked"), "{bytes:x?}: {reason}");
        }
        let _stream = welcome(&listener, protocol).await;
        client.wait_up().await;
        assert_eq!(client.link.statistics().disconnects, 5);
    }

    async fn a_broker_that_is_not_there_is_tried_again_until_it_is(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        drop(listener);
        let mut client = Client::start(options(at, "patient", &[]));
        for _ in 0..3 {
            client.wait_down().await;
        }
        assert!(client.link.statistics().failed_attempts >= 3);
        let listener = TcpListener::bind(at.address).await.unwrap();
        let _stream = welcome(&listener, protocol).await;
        client.wait_up().await;
    }

    async fn a_shutdown_ends_a_link_in_every_state(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        // Waiting for the broker's first answer.
        let silent = Client::start(options(at, "silent", &["a"]));
        let mut stream = accept(&listener).await;
        packet(&mut stream).await;
        within("the shutdown before CONNACK", silent.link.shutdown()).await;

        // Waiting for an acknowledgement that never comes: it still takes leave.
        let mut waiting = Client::start(options(at, "waiting", &[]));
        let mut stream = welcome(&listener, protocol).await;
        waiting.wait_up().await;
        let ticket = waiting.link.publish("t", Bytes::from_static(b"x")).unwrap();
        assert_eq!(packet(&mut stream).await.0, PUBLISH);
        within("the shutdown without acknowledgement", waiting.link.shutdown()).await;
        assert_eq!(packet(&mut stream).await.0, DISCONNECT);
        assert_eq!(ticket.acknowledged().await, Err(PublishLost));

        // Between two attempts.
        drop(listener);
        let mut away = Client::start(options(at, "away", &[]));
        away.wait_down().await;
        within("the shutdown between attempts", away.link.shutdown()).await;
    }

    async fn a_receiver_that_is_gone_does_not_stop_publishing(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let Client { link, events } = Client::start(options(at, "deaf", &[]));
        drop(events);
        let mut stream = welcome(&listener, protocol).await;
        until("the link to be up", async || link.is_up()).await;
        drop(link.publish("t", Bytes::from_static(b"x")).unwrap());
        assert_eq!(packet(&mut stream).await.0, PUBLISH);
    }

    async fn topics_that_no_broker_takes_are_refused_before_they_are_sent(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let mut client = Client::start(options(at, "topics", &[]));
        let mut stream = welcome(&listener, protocol).await;
        client.wait_up().await;
        for topic in ["", "a/+", "#", "a\0b", "a\nb", &"t".repeat(257)] {
            let refused = client.link.publish(topic, Bytes::new()).unwrap_err();
            assert!(matches!(refused, LinkError::Topic { .. }), "{refused}");
        }
        drop(client.link.publish("fine", Bytes::new()).unwrap());
        assert_eq!(packet(&mut stream).await.1[2..6], *b"fine");
    }

    async fn a_line_that_fell_silent_is_given_up(protocol: Protocol) {
        let (listener, at) = listen(protocol).await;
        let keep_alive = Duration::from_secs(1);
        let mut client = Client::start(LinkOptions { keep_alive, ..options(at, "silent", &[]) });
        let _stream = welcome(&listener, protocol).await;
        client.wait_up().await;
        assert!(matches!(client.event().await, LinkEvent::Down { .. }));
    }
}

#[tokio::test]
async fn options_that_no_broker_takes_are_refused() {
    let at = At { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), protocol: Protocol::V3 };
    let refused = |options: LinkOptions| Link::start(options, &Handle::current()).map(drop).unwrap_err();
    let will = |topic: &str, size| Some(Will { topic: topic.into(), payload: vec![0; size].into() });

    for client_id in ["", "a b", &"c".repeat(65)] {
        assert!(matches!(refused(options(at, client_id, &[])), InvalidLinkOptions::ClientId { .. }));
    }
    for filter in ["", "a#", "a/#/b", &"f".repeat(257)] {
        assert!(matches!(refused(options(at, "c", &[filter])), InvalidLinkOptions::Subscription { .. }));
    }
    let many = options(at, "c", &["a"; MAX_SUBSCRIPTIONS + 1]);
    assert_eq!(refused(many), InvalidLinkOptions::TooManySubscriptions { count: MAX_SUBSCRIPTIONS + 1 });
    for will in [will("a/+", 1), will("", 1), will("a", MAX_PAYLOAD + 1)] {
        assert_eq!(refused(LinkOptions { will, ..options(at, "c", &[]) }), InvalidLinkOptions::Will);
    }
    for keep_alive in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(1161)] {
        let options = LinkOptions { keep_alive, ..options(at, "c", &[]) };
        assert!(matches!(refused(options), InvalidLinkOptions::KeepAlive { .. }));
    }
}
