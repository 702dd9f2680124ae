//! A broker that was killed has forgotten everything, and is found at the same address again.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tillmesh_brokers::broker::Broker;
use tillmesh_brokers::packet::Packet;
use tillmesh_examples::client::wait_until;

/// Only reached when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// PUBLISH of "old" to the topic "kept", to be retained; of "end", not to be retained; SUBSCRIBE to the topic.
const RETAINED: &[u8] = b"\x31\x09\x00\x04keptold";
const END: &[u8] = b"\x30\x09\x00\x04keptend";
const SUBSCRIBE: &[u8] = b"\x82\x09\x00\x01\x00\x04kept\x00";

/// The last bytes of a message are its payload.
fn is(packet: &Packet, payload: &[u8]) -> bool {
    packet.bytes()[0] >> 4 == 3 && packet.bytes().ends_with(payload)
}

/// A client that was let in.
fn client(broker: SocketAddr, name: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(broker)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(Packet::connect(name).bytes())?;
    ensure!(next(&mut stream)?.is_welcome(), "{name} is not let in");
    Ok(stream)
}

fn next(stream: &mut TcpStream) -> Result<Packet> {
    Packet::read(stream)?.context("the broker closed the connection")
}

/// Whether the broker gives a new subscriber what was retained. What is sent after the subscription marks the end.
fn remembers(broker: SocketAddr) -> Result<bool> {
    let mut stream = client(broker, "reader")?;
    stream.write_all(SUBSCRIBE)?;
    let mut remembered = false;
    // The subscription is acknowledged before or after what was retained.
    let mut acknowledged = false;
    while !acknowledged {
        let packet = next(&mut stream)?;
        acknowledged = packet.bytes()[0] >> 4 == 9;
        remembered |= is(&packet, b"old");
    }
    stream.write_all(END)?;
    loop {
        let packet = next(&mut stream)?;
        if is(&packet, b"end") {
            return Ok(remembered);
        }
        remembered |= is(&packet, b"old");
    }
}

pub fn forgets(mut broker: Broker) -> Result<()> {
    let address = broker.address();
    let mut writer = client(address, "writer")?;
    writer.write_all(RETAINED)?;
    wait_until("what is to be forgotten is kept", PATIENCE, || remembers(address))?;

    broker.kill_and_wipe()?;
    ensure!(TcpStream::connect(address).is_err(), "something listens where the broker was killed");
    ensure!(matches!(Packet::read(&mut writer), Ok(None) | Err(_)), "the line has outlived its broker");
    broker.restart()?;
    ensure!(broker.address() == address && !remembers(address)?, "it remembers what it kept before it was killed");
    drop(broker);
    ensure!(TcpStream::connect(address).is_err(), "something listens where the broker was dropped");
    Ok(())
}
