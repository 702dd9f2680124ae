//! A link that can be cut: a TCP proxy on the loopback interface.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A link between a client and a server.
pub struct Proxy {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// A link to a server, up.
    ///
    /// # Errors
    /// When no port can be taken.
    pub fn start(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { address: listener.local_addr()?, cut: Arc::default(), streams: Arc::default() };
        let (cut, streams) = (Arc::clone(&proxy.cut), Arc::clone(&proxy.streams));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !cut.load(Ordering::SeqCst) {
                    // A server that is away looks to the client like a broken link, which is what it is.
                    let _ = join(client, to, &streams);
                }
            }
        });
        Ok(proxy)
    }

    /// Where clients connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the link: what is connected breaks, nobody connects.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // Either end may have closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Mends the link.
    pub fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn join(client: TcpStream, to: SocketAddr, streams: &Mutex<Vec<TcpStream>>) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    streams.lock().unwrap_or_else(PoisonError::into_inner).extend([client.try_clone()?, server.try_clone()?]);
    pump(client.try_clone()?, server.try_clone()?);
    pump(server, client);
    Ok(())
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        // However it ends, both directions end.
        let _ = io::copy(&mut from, &mut to);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
