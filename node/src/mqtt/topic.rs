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

use super::MAX_SUBSCRIPTIONS;

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

/// The most scopes that are subscribed to one by one: what brokers allow, less presence and what is for the node.
pub const MAX_LISTED_SCOPES: usize = (MAX_SUBSCRIPTIONS - 3) / 2;

/// The subscriptions of a node: what is for everybody in these scopes, and what is for this node. Where the scopes
/// cannot be listed or are more than brokers allow, one wildcard stands for all of them; the node then leaves alone
/// what it does not hold.
pub fn subscriptions(fleet: &Name, node: &Name, scopes: Option<&[Scope]>) -> Vec<String> {
    let filter = |scope: &str, kind: Kind, node: &str| format!("{PREFIX}/{fleet}/{scope}/{}/{node}", kind.as_str());
    let listed = scopes.filter(|scopes| scopes.len() <= MAX_LISTED_SCOPES);
    let scopes = listed.map_or_else(|| vec!["+".to_owned()], |scopes| scopes.iter().map(Scope::to_string).collect());
    let for_all = scopes.iter().flat_map(|scope| [Kind::Changes, Kind::Digest].map(|kind| filter(scope, kind, "+")));
    let presence = filter(&Scope::Fleet.to_string(), Kind::Presence, "+");
    let for_this = [Kind::Request, Kind::Response].map(|kind| filter("+", kind, node.as_str()));
    for_all.chain([presence]).chain(for_this).collect()
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
