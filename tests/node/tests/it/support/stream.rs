//! The change stream, read event by event.

use std::io::{BufRead as _, BufReader, Read};
use std::time::Duration;

use serde_json::Value;

use super::node::Node;

/// How long a stream may take for everything that a test reads of it.
const STREAM: Duration = Duration::from_secs(120);

/// An event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id, which is its place.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What it says.
    pub data: Value,
}

/// A stream that is followed.
pub struct Stream(BufReader<Box<dyn Read + Send>>);

impl Stream {
    /// Follows the stream of a node behind the event of this id.
    pub fn after(node: &Node, id: &str) -> Self {
        Self::open(node, "", Some(id))
    }

    /// Follows the stream of a node with a query, and as a browser that has seen an event of this id.
    pub fn open(node: &Node, query: &str, last: Option<&str>) -> Self {
        let config = ureq::Agent::config_builder().timeout_recv_body(Some(STREAM)).max_idle_connections(0).build();
        let agent: ureq::Agent = config.into();
        let request = agent.get(format!("{}/v1/events{query}", node.url()));
        let request = last.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
        Self(BufReader::new(Box::new(request.call().unwrap().into_body().into_reader())))
    }

    /// The next event; none when the stream ends.
    pub fn next(&mut self) -> Option<Event> {
        let (mut id, mut kind, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("event", text)) => kind = Some(text.to_owned()),
                Some(("data", text)) => data = serde_json::from_str(text).ok(),
                _ if line.trim().is_empty() && data.is_some() => {
                    return Some(Event { id: id?, kind: kind?, data: data? });
                }
                // A heartbeat.
                _ => {}
            }
        }
    }

    /// The next events, as many as asked for.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|number| self.next().unwrap_or_else(|| panic!("the stream ended after {number}"))).collect()
    }
}
