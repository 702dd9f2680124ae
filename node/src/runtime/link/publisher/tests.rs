use std::collections::BTreeSet;
use std::time::Duration;

use tillmesh_core::document::Interest;
use tillmesh_core::sync::unpack;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::mqtt::topic::Topic;
use crate::mqtt::{BrokerUrl, LinkOptions, Protocol};
use crate::runtime::link::Routes;

/// Only reached when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// So long no batch waits here.
const NEVER: Duration = Duration::from_secs(3_600);

/// A broker that acknowledges when it is told to.
struct Broker {
    stream: TcpStream,
    unacknowledged: Vec<[u8; 2]>,
}

impl Broker {
    async fn accept(listener: &TcpListener) -> Self {
        let mut stream = listener.accept().await.unwrap().0;
        packet(&mut stream).await;
        stream.write_all(&[0x20, 2, 0, 0]).await.unwrap();
        Self { stream, unacknowledged: Vec::new() }
    }

    /// The envelopes of the next message of changes, and its scope.
    async fn changes(&mut self) -> (Scope, Vec<Vec<u8>>) {
        let (kind, body) = tokio::time::timeout(PATIENCE, packet(&mut self.stream)).await.expect("a message");
        assert_eq!(kind >> 4, 3, "a PUBLISH");
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic: Topic = std::str::from_utf8(&body[2..2 + length]).unwrap().parse().unwrap();
        assert_eq!(topic.kind, Kind::Changes);
        self.unacknowledged.push([body[2 + length], body[3 + length]]);
        (topic.scope, unpack(&body[4 + length..]).unwrap())
    }

    async fn acknowledge(&mut self) {
        for [high, low] in std::mem::take(&mut self.unacknowledged) {
            self.stream.write_all(&[0x40, 2, high, low]).await.unwrap();
        }
    }
}

async fn packet(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let kind = stream.read_u8().await.unwrap();
    let (mut length, mut shift) = (0, 0);
    loop {
        let digit = stream.read_u8().await.unwrap();
        length |= usize::from(digit & 127) << shift;
        shift += 7;
        if digit & 128 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (kind, body)
}

/// A publisher on a link that is up: the way to it, the broker, and how much waits on the way.
async fn start(most_wait: Duration) -> (Routes, Broker, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = LinkOptions {
        broker: BrokerUrl::new("127.0.0.1", listener.local_addr().unwrap().port()).unwrap(),
        tls: None,
        protocol: Protocol::V3,
        client_id: "publisher".to_owned(),
        subscriptions: Vec::new(),
        session: crate::mqtt::Session::Clean,
        will: None,
        keep_alive: Duration::from_secs(60),
        seed: [1; 32],
    };
    let (link, mut events) = Link::start(options, &tokio::runtime::Handle::current()).unwrap();
    let broker = Broker::accept(&listener).await;
    assert_eq!(events.recv().await, Some(crate::mqtt::LinkEvent::Up));
    let name = |text: &str| Name::new(text).unwrap();
    let carried = Carried { fleet: name("fleet"), node: name("till"), held: Interest::all(), scopes: Interest::all() };
    let mut routes = Routes::new(Arc::default());
    let waiting = routes.open(LinkName::Mqtt, Interest::all());
    let bytes = Arc::clone(&waiting.1);
    tokio::spawn(Publisher::new(LinkName::Mqtt, Arc::new(link), carried, waiting, most_wait, Arc::default()).run());
    (routes, broker, bytes)
}

fn stock() -> Scope {
    "stock-shop".parse().unwrap()
}

fn say(routes: &Routes, scope: &Scope, envelopes: impl IntoIterator<Item = Vec<u8>>) {
    let batch = |envelope| tillmesh_core::engine::Effect::Batch { scope: scope.clone(), envelope };
    let effects = envelopes.into_iter().map(batch).collect();
    routes.post(tillmesh_core::engine::Committed { effects, ..Default::default() });
}

#[tokio::test]
async fn a_batch_leaves_at_once_and_those_behind_an_unacknowledged_one_leave_together_when_it_is_acknowledged() {
    let (routes, mut broker, bytes) = start(NEVER).await;
    say(&routes, &stock(), [vec![0]]);
    assert_eq!(broker.changes().await, (stock(), vec![vec![0]]));
    // One by one, as commits make them, and in two scopes.
    for number in 1..=20 {
        say(&routes, &stock(), [vec![number]]);
    }
    say(&routes, &Scope::Catalog, [vec![99]]);
    while bytes.load(Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    broker.acknowledge().await;
    let expected: Vec<Vec<u8>> = (1..=20).map(|number| vec![number]).collect();
    let heard = [broker.changes().await, {
        broker.acknowledge().await;
        broker.changes().await
    }];
    let heard: BTreeSet<_> = heard.into_iter().collect();
    assert_eq!(heard, BTreeSet::from([(Scope::Catalog, vec![vec![99]]), (stock(), expected)]));
}

#[tokio::test]
async fn batches_that_fill_a_message_do_not_wait_and_no_message_has_more_than_32_kib_of_them() {
    let (routes, mut broker, _) = start(NEVER).await;
    say(&routes, &stock(), [vec![0]]);
    broker.changes().await;
    const SIZE: usize = 5_000;
    say(&routes, &stock(), (0..20).map(|number| vec![number; SIZE]));
    let (mut heard, mut sizes) = (Vec::new(), Vec::new());
    while heard.len() < 20 {
        let (_, envelopes) = broker.changes().await;
        sizes.push(envelopes.len());
        heard.extend(envelopes.into_iter().map(|envelope| envelope[0]));
        if sizes.len() == 3 {
            // What does not fill a message waits for the acknowledgement.
            broker.acknowledge().await;
        }
    }
    assert_eq!(heard, (0..20).collect::<Vec<u8>>());
    assert_eq!(sizes, [6, 6, 6, 2], "six of them are the most that 32 KiB hold");
}

#[tokio::test]
async fn a_batch_that_fits_no_message_is_left_out_and_holds_up_nothing() {
    let (routes, mut broker, _) = start(NEVER).await;
    say(&routes, &stock(), [vec![1; MAX_BATCH + 1], vec![2; MAX_BATCH]]);
    assert_eq!(broker.changes().await, (stock(), vec![vec![2; MAX_BATCH]]));
}

#[tokio::test]
async fn scopes_take_turns_where_one_message_may_leave_at_a_time() {
    let (routes, mut broker, bytes) = start(NEVER).await;
    let wait = async || {
        while bytes.load(Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    };
    say(&routes, &stock(), [vec![0]]);
    broker.changes().await;
    say(&routes, &Scope::Catalog, [vec![1]]);
    say(&routes, &stock(), [vec![2]]);
    wait().await;
    broker.acknowledge().await;
    assert_eq!(broker.changes().await, (Scope::Catalog, vec![vec![1]]));
    say(&routes, &Scope::Catalog, [vec![3]]);
    wait().await;
    broker.acknowledge().await;
    assert_eq!(broker.changes().await, (stock(), vec![vec![2]]), "it has waited longer");
    broker.acknowledge().await;
    assert_eq!(broker.changes().await, (Scope::Catalog, vec![vec![3]]));
}

#[tokio::test]
async fn a_batch_does_not_wait_for_ever_behind_what_is_unacknowledged() {
    let (routes, mut broker, _) = start(Duration::from_millis(50)).await;
    say(&routes, &stock(), [vec![0]]);
    broker.changes().await;
    say(&routes, &stock(), [vec![1]]);
    assert_eq!(broker.changes().await, (stock(), vec![vec![1]]));
}
