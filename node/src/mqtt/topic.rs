//! Topics: `tm/1/<fleet>/<scope>/<kind>/<node>`.
//!
//! Five slashes and at most 170 bytes of `[A-Za-z0-9_-]`: within what AWS IoT Core (7 slashes, 256 bytes), NATS and
//! RabbitMQ (no dots, no spaces) take. The last level of a request and of a response is the node that it is *for*; of
//! every other kind it is the node that it is *from*.

use std::fmt;
use std::str::FromStr;

use tillmesh_core::document::Scope;
use tillmesh_core::id::Name;
use tillmesh_core::sync::Kind;

/// The longest topic in bytes. AWS IoT Core and Azure Event Grid allow 256; the rest is room for a prefix that a bridge
/// puts in front.
pub const MAX_TOPIC: usize = 200;

/// The longest scope in bytes: the longest name with the longest word before it.
const MAX_SCOPE: usize = Name::MAX_LEN + "carts-".len();

/// Begins every topic: the product and the version of the protocol. Nodes of two versions do not hear each other.
const PREFIX: &str = "tm/1";

// Prefix, four slashes, two names, a scope and the longest kind.
const _: () = assert!(PREFIX.len() + 4 + 2 * Name::MAX_LEN + MAX_SCOPE + "response".len() <= MAX_TOPIC);

/// A topic of Tillmesh.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// The fleet.
    pub fleet: Name,
    /// The part of its data.
    pub scope: Scope,
    /// What the message is about.
    pub kind: Kind,
    /// Whom a request or response is for; whom everything else is from.
    pub node: Name,
}

/// Why a text is no topic of Tillmesh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopic {
    /// Too long, another prefix, or another number of levels.
    #[error("the topic {topic:?} must be {PREFIX}/<fleet>/<scope>/<kind>/<node> and have at most {MAX_TOPIC} bytes")]
    Shape {
        /// Its beginning.
        topic: String,
    },
    /// A kind that this version does not know.
    #[error("the kind {kind:?} must be changes, digest, request, response or presence")]
    Kind {
        /// Its beginning.
        kind: String,
    },
    /// A fleet, scope or node outside its rule.
    #[error(transparent)]
    Name(#[from] tillmesh_core::id::InvalidId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}/{}/{}/{}/{}", self.fleet, self.scope, self.kind.as_str(), self.node)
    }
}

impl FromStr for Topic {
    type Err = InvalidTopic;

    fn from_str(text: &str) -> Result<Self, InvalidTopic> {
        let shape = || InvalidTopic::Shape { topic: excerpt(text) };
        let rest = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/')).ok_or_else(shape)?;
        if text.len() > MAX_TOPIC {
            return Err(shape());
        }
        let levels: Vec<&str> = rest.split('/').collect();
        let [fleet, scope, kind, node] = levels[..] else { return Err(shape()) };
        Ok(Self { fleet: fleet.parse()?, scope: scope.parse()?, kind: parse_kind(kind)?, node: node.parse()? })
    }
}

/// The subscriptions of a node that holds every scope: what is for everybody, and what is for this node. Wildcards
/// rather than a subscription for each scope, since hosted brokers allow few.
pub fn subscriptions(fleet: &Name, node: &Name) -> Vec<String> {
    let for_all =
        [Kind::Changes, Kind::Digest, Kind::Presence].map(|kind| format!("{PREFIX}/{fleet}/+/{}/+", kind.as_str()));
    let for_this = [Kind::Request, Kind::Response].map(|kind| format!("{PREFIX}/{fleet}/+/{}/{node}", kind.as_str()));
    for_all.into_iter().chain(for_this).collect()
}

fn parse_kind(text: &str) -> Result<Kind, InvalidTopic> {
    let known = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    known.ok_or_else(|| InvalidTopic::Kind { kind: excerpt(text) })
}

/// As much of a foreign text as an error may carry.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
