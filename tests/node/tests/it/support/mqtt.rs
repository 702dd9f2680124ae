//! MQTT 3.1.1 by hand: as much of it as a stranger at the broker needs to listen and to send what no node would send,
//! and as a broker needs to keep a node waiting.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// How long the broker may be silent before a test gives up.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection to a broker.
pub struct Stranger(Wire);

/// Packets in both directions.
struct Wire(TcpStream);

/// Starts a broker that takes everything and never says that it has taken it; it ends with the process.
pub fn mute_broker() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || Wire(stream).say_little());
        }
    });
    address
}

impl Stranger {
    /// Connects with a clean session.
    pub fn connect(broker: SocketAddr, name: &str) -> Self {
        let stream = TcpStream::connect(broker).unwrap();
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        let mut stranger = Self(Wire(stream));
        // Protocol name and level, clean session, no keep-alive.
        let mut body = text("MQTT");
        body.extend([4, 2, 0, 0]);
        body.extend(text(name));
        stranger.send(0x10, &body);
        let (kind, body) = stranger.receive();
        assert_eq!((kind, body[1]), (0x20, 0), "the broker does not take the connection");
        stranger
    }

    /// Subscribes, and waits for the broker's word.
    pub fn subscribe(&mut self, filter: &str) {
        let mut body = vec![0, 1];
        body.extend(text(filter));
        body.push(0);
        self.send(0x82, &body);
        assert_eq!(self.receive().0, 0x90, "the broker does not take the subscription");
    }

    /// Publishes, at most once.
    pub fn publish(&mut self, topic: &str, payload: &[u8]) {
        let mut body = text(topic);
        body.extend(payload);
        self.send(0x30, &body);
    }

    /// Publishes at least once, and waits until the broker has it.
    pub fn publish_surely(&mut self, topic: &str, payload: &[u8]) {
        let mut body = text(topic);
        body.extend([0, 1]);
        body.extend(payload);
        self.send(0x32, &body);
        while self.receive().0 != 0x40 {}
    }

    /// Waits until the broker has taken everything that was sent.
    pub fn flush(&mut self) {
        self.send(0xc0, &[]);
        while self.receive().0 != 0xd0 {}
    }

    /// The next message: its topic and payload.
    pub fn message(&mut self) -> (String, Vec<u8>) {
        loop {
            let (kind, body) = self.receive();
            if kind & 0xf0 == 0x30 {
                let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
                // The subscription is for at most once, so no packet id follows.
                return (topic, body[2 + length..].to_vec());
            }
        }
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        self.0.send(kind, body).unwrap();
    }

    fn receive(&mut self) -> (u8, Vec<u8>) {
        self.0.receive().unwrap()
    }
}

impl Wire {
    /// Answers what a client waits for before it publishes, until it goes.
    fn say_little(&mut self) {
        while let Ok((kind, body)) = self.receive() {
            let said = match kind {
                0x10 => self.send(0x20, &[0, 0]),
                0x82 => self.send(0x90, &[&body[..2], &vec![1; filters(&body[2..])]].concat()),
                0xc0 => self.send(0xd0, &[]),
                _ => Ok(()),
            };
            if said.is_err() {
                return;
            }
        }
    }

    fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let mut packet = vec![kind];
        let mut length = body.len();
        loop {
            let digit = u8::try_from(length % 128).unwrap();
            length /= 128;
            packet.push(if length > 0 { digit | 128 } else { digit });
            if length == 0 {
                break;
            }
        }
        packet.extend(body);
        self.0.write_all(&packet)
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let kind = self.byte()?;
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let digit = self.byte()?;
            length |= usize::from(digit & 127) << shift;
            shift += 7;
            if digit & 128 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((kind, body))
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

/// How many filters a subscription has, each a text and a level.
fn filters(mut rest: &[u8]) -> usize {
    let mut count = 0;
    while let [high, low, behind @ ..] = rest {
        rest = &behind[usize::from(u16::from_be_bytes([*high, *low])) + 1..];
        count += 1;
    }
    count
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}
