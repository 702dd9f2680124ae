//! A channel's own endpoint: takes requests as it is told to, and keeps them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Of so many requests a flaky endpoint leaves one unanswered and fails at the next, the same message again: a node
/// waits a second, then two.
const FLAKY_EVERY: usize = 100;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Header names, lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How the endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// With a status.
    Status(u16),
    /// Not at all: it takes the request and closes the line.
    Silent,
    /// With 200, 503 and silence in turn.
    Flaky,
}

/// The endpoint. It ends with the test's process.
pub struct Sink {
    address: String,
    shared: Arc<Mutex<(Manner, Vec<Arrived>)>>,
}

impl Arrived {
    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Sink {
    /// Listens at a free port.
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new((manner, Vec::new())));
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&served);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.address
    }

    /// Answers so from now on.
    pub fn answers(&self, manner: Manner) {
        self.shared.lock().unwrap().0 = manner;
    }

    /// What arrived so far, in order.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.lock().unwrap().1.clone()
    }
}

fn serve(stream: TcpStream, shared: &Mutex<(Manner, Vec<Arrived>)>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(arrived) = read(&mut reader) {
        let (manner, count) = {
            let mut shared = shared.lock().unwrap();
            shared.1.push(arrived);
            (shared.0, shared.1.len())
        };
        let status = match (manner, count % FLAKY_EVERY) {
            (Manner::Status(status), _) => status,
            (Manner::Silent, _) | (Manner::Flaky, 1) => return,
            (Manner::Flaky, 2) => 503,
            (Manner::Flaky, _) => 200,
        };
        if write!(writer, "HTTP/1.1 {status} As told\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Arrived> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Arrived { headers, body })
}
