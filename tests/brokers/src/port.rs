//! Ports that stay free while the broker behind them is away.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which systems take ports for outgoing connections and for port 0.
const FIRST: u16 = 30_000;
/// Ports of one process, which shares them with the one whose id is [`SHARES`] higher.
const SHARE: u16 = 100;
const SHARES: u32 = 27;

/// An address of loopback whose port nobody has and none of the last callers in this process was given.
///
/// # Errors
/// When every port of this process is taken.
pub fn reserve() -> io::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = FIRST + (std::process::id() % SHARES) as u16 * SHARE;
    let next = || SocketAddr::from((Ipv4Addr::LOCALHOST, first + NEXT.fetch_add(1, Ordering::Relaxed) % SHARE));
    let free = (0..SHARE).map(|_| next()).find(|address| TcpListener::bind(address).is_ok());
    free.ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "every port set aside for brokers is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_not_given() {
        let taken = TcpListener::bind(reserve().unwrap()).unwrap();
        for _ in 0..2 * SHARE {
            assert_ne!(reserve().unwrap(), taken.local_addr().unwrap());
        }
    }
}
