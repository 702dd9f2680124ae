use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use super::Proxy;
use crate::lane::{Odds, PARTS};
use crate::packet::{Packet, Role};

/// A node and a broker that are connected through a proxy, to be played by the test.
struct Pair {
    proxy: Proxy,
    node: TcpStream,
    broker: TcpStream,
}

impl Pair {
    fn new(odds: Odds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap(), odds, 1).unwrap();
        let node = TcpStream::connect(proxy.address()).unwrap();
        let (broker, _) = listener.accept().unwrap();
        Self { proxy, node, broker }
    }
}

fn message(id: u8) -> Packet {
    let mut bytes: &[u8] = &[0x32, 6, 0, 1, b't', 0, id, b'!'];
    Packet::read(&mut bytes).unwrap().unwrap()
}

fn send(mut to: &TcpStream, packet: &Packet) {
    to.write_all(packet.bytes()).unwrap();
}

fn receive(mut from: &TcpStream) -> Option<Packet> {
    Packet::read(&mut from).unwrap_or_default()
}

fn role(from: &TcpStream) -> Role {
    receive(from).unwrap().role()
}

#[test]
fn messages_and_their_acknowledgements_pass_in_both_directions() {
    let pair = Pair::new(Odds::default());
    for (sender, receiver) in [(&pair.node, &pair.broker), (&pair.broker, &pair.node)] {
        send(sender, &message(9));
        let Role::Message(id) = role(receiver) else { panic!("no message") };
        send(receiver, &Packet::acknowledgement(id));
        assert_eq!(role(sender), Role::Acknowledgement(9));
    }
    send(&pair.node, &Packet::disconnect());
    assert_eq!(receive(&pair.broker), Some(Packet::disconnect()));
}

#[test]
fn a_held_message_comes_without_anybody_sending_more() {
    let pair = Pair::new(Odds { reorder: PARTS, ..Odds::default() });
    send(&pair.broker, &message(3));
    assert_eq!(role(&pair.broker), Role::Acknowledgement(3));
    assert!(matches!(role(&pair.node), Role::Message(_)));
}

#[test]
fn a_cut_closes_both_ends_and_is_counted() {
    let pair = Pair::new(Odds { cut: PARTS, ..Odds::default() });
    send(&pair.node, &message(1));
    assert_eq!((receive(&pair.node), receive(&pair.broker)), (None, None));
    assert_eq!(pair.proxy.counts().cut, 1);
}

#[test]
fn an_end_that_closes_closes_the_other_and_so_does_one_that_speaks_no_mqtt() {
    let pair = Pair::new(Odds::default());
    drop(pair.broker);
    assert_eq!(receive(&pair.node), None);

    let mut pair = Pair::new(Odds::default());
    pair.node.write_all(&[0x30, 0xff, 0xff, 0xff, 0xff]).unwrap();
    assert_eq!(receive(&pair.broker), None);
}

#[test]
fn a_node_whose_broker_is_away_is_disconnected() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::start(away, Odds::default(), 1).unwrap();
    assert_eq!(receive(&TcpStream::connect(proxy.address()).unwrap()), None);
}

#[test]
fn a_proxy_that_is_dropped_leaves_no_connection() {
    let Pair { proxy, node, broker } = Pair::new(Odds::default());
    send(&node, &Packet::disconnect());
    assert_eq!(receive(&broker), Some(Packet::disconnect()));
    drop(proxy);
    assert_eq!((receive(&node), receive(&broker)), (None, None));
}
