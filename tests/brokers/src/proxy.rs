//! A TCP proxy between nodes and their broker, with a [`Lane`] in each direction of each connection.
//!
//! A connection has three threads: one reads each side, one owns the lanes and writes. Chance comes from a seed, so a
//! failure can be played again with the same odds in the same order; what the system's timing adds is not repeated.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lane::{Counts, Lane, Odds, Step};
use crate::packet::{Packet, Role};

/// How long a connection sleeps when nothing is due. What comes wakes it.
const IDLE: Duration = Duration::from_secs(3_600);

/// A proxy. What is connected breaks when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    broker: SocketAddr,
    odds: Odds,
    seed: u64,
    stopped: AtomicBool,
    /// Both ends of each connection.
    streams: Mutex<Vec<TcpStream>>,
    /// What happened on each connection.
    counts: Mutex<BTreeMap<u64, Counts>>,
}

impl Proxy {
    /// A proxy for a broker. Different connections have different luck, by the seed and their number.
    ///
    /// # Errors
    /// When no port can be taken.
    pub fn start(broker: SocketAddr, odds: Odds, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (stopped, streams, counts) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { broker, odds, seed, stopped, streams, counts });
        let proxy = Self { address: listener.local_addr()?, shared: Arc::clone(&shared) };
        std::thread::spawn(move || accept(&listener, &shared));
        Ok(proxy)
    }

    /// Where nodes connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happened so far, over all connections.
    pub fn counts(&self) -> Counts {
        lock(&self.shared.counts).values().fold(Counts::default(), |sum, counts| sum + *counts)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for stream in lock(&self.shared.streams).drain(..) {
            // Either end may have closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts; when that is gone there is nothing to wake.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, node) in (0..).zip(listener.incoming().flatten()) {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        // A broker that is away, and whatever else breaks, looks to the node like a broken line, which is what it is.
        std::thread::spawn(move || Connection::run(&node, &shared, number));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Node,
    Broker,
}

/// A packet from a side, or none when it has ended.
type Arrival = (Side, Option<Packet>);

struct Connection<'a> {
    node: &'a TcpStream,
    broker: &'a TcpStream,
    /// From the node to the broker.
    up: Lane,
    /// From the broker to the node.
    down: Lane,
    started: Instant,
}

impl Connection<'_> {
    fn run(node: &TcpStream, shared: &Shared, number: u64) -> io::Result<()> {
        let broker = TcpStream::connect(shared.broker)?;
        let (arrivals, inbox) = mpsc::channel();
        for (side, stream) in [(Side::Node, node), (Side::Broker, &broker)] {
            stream.set_nodelay(true)?;
            lock(&shared.streams).push(stream.try_clone()?);
            read(side, stream.try_clone()?, arrivals.clone());
        }
        let lane = |way: u64| Lane::new(shared.odds, shared.seed.wrapping_add(2 * number + way));
        let (up, down) = (lane(0), lane(1));
        let mut connection = Connection { node, broker: &broker, up, down, started: Instant::now() };
        let result = connection.pass_on(&inbox, |counts| {
            lock(&shared.counts).insert(number, counts);
        });
        for stream in [node, &broker] {
            // Either end may have closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        result
    }

    /// Until an end closes or the line is cut.
    fn pass_on(&mut self, inbox: &Receiver<Arrival>, tell: impl Fn(Counts)) -> io::Result<()> {
        loop {
            let next_due = [self.up.next_due(), self.down.next_due()].into_iter().flatten().min();
            let wait = next_due.map_or(IDLE, |due| due.saturating_sub(self.started.elapsed()));
            let goes_on = match inbox.recv_timeout(wait) {
                Ok((side, Some(packet))) => self.take(side, packet)?,
                Err(RecvTimeoutError::Timeout) => self.due()?,
                Ok((_, None)) | Err(RecvTimeoutError::Disconnected) => false,
            };
            tell(self.up.counts() + self.down.counts());
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn take(&mut self, side: Side, packet: Packet) -> io::Result<bool> {
        let now = self.started.elapsed();
        let (lane, other) = match side {
            Side::Node => (&mut self.up, &mut self.down),
            Side::Broker => (&mut self.down, &mut self.up),
        };
        match packet.role() {
            Role::Acknowledgement(id) => {
                let steps = other.acknowledged(id);
                self.perform(side.other(), steps)
            }
            _ => {
                let steps = lane.take(packet, now);
                self.perform(side, steps)
            }
        }
    }

    fn due(&mut self) -> io::Result<bool> {
        let now = self.started.elapsed();
        let (up, down) = (self.up.due(now), self.down.due(now));
        Ok(self.perform(Side::Node, up)? && self.perform(Side::Broker, down)?)
    }

    /// Does what a lane says whose messages come from this side. False when the connection is to be cut.
    fn perform(&self, sender: Side, steps: Vec<Step>) -> io::Result<bool> {
        for step in steps {
            match step {
                Step::Onward(packet) => self.stream(sender.other()).write_all(packet.bytes())?,
                Step::Back(packet) => self.stream(sender).write_all(packet.bytes())?,
                Step::Cut => return Ok(false),
            }
        }
        Ok(true)
    }

    const fn stream(&self, side: Side) -> &TcpStream {
        match side {
            Side::Node => self.node,
            Side::Broker => self.broker,
        }
    }
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Node => Self::Broker,
            Self::Broker => Self::Node,
        }
    }
}

fn read(side: Side, stream: TcpStream, arrivals: Sender<Arrival>) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        // Whatever ends the stream ends the connection; so does a packet that is none.
        while let Ok(Some(packet)) = Packet::read(&mut stream) {
            if arrivals.send((side, Some(packet))).is_err() {
                return;
            }
        }
        // Nobody listens when the other side ended first.
        let _ = arrivals.send((side, None));
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
