//! Which documents there are, who owns them and in which scope they travel.

use std::fmt;

use minicbor::{CborLen, Decode, Encode};

use crate::id::{CartId, DocumentHash, InvalidId, Name, Sku, Writer};
use crate::time::BusinessDate;

/// A document of the data model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
pub enum DocumentId {
    /// A day's business events of one writer at one location.
    #[n(0)]
    Ledger {
        /// The location whose stock it touches.
        #[n(0)]
        location: Name,
        /// The only writer.
        #[n(1)]
        writer: Writer,
        /// The day of trade.
        #[n(2)]
        date: BusinessDate,
    },
    /// What earlier sealed ledgers of a location add up to.
    #[n(1)]
    Opening {
        /// The location.
        #[n(0)]
        location: Name,
        /// Whose folding it is.
        #[n(1)]
        term: Term,
        /// The first day that it does not cover.
        #[n(2)]
        date: BusinessDate,
    },
    /// A cart, written by any node, each entry owned by who wrote it.
    #[n(2)]
    Cart {
        /// The cart.
        #[n(0)]
        id: CartId,
    },
    /// A part of the catalogue.
    #[n(3)]
    Catalog {
        /// The shard, from [`shard_of`].
        #[n(0)]
        shard: u8,
    },
    /// What a node says of itself.
    #[n(4)]
    Fleet {
        /// The node.
        #[n(0)]
        writer: Writer,
    },
}

/// A keeper's term of office: who folds a location's ledgers into openings, and as which of their successors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
pub struct Term {
    /// Counts up with each hand-over.
    #[n(0)]
    pub number: u32,
    /// The keeper, who is the only writer of the term's openings.
    #[n(1)]
    pub keeper: Writer,
}

/// How many shards the catalogue has: a shard of the 200 to 1,000 products that stay quick to load, for a catalogue of
/// 10,000 to 60,000.
pub const CATALOG_SHARDS: u8 = 64;

/// The shard of the catalogue that holds a product.
pub fn shard_of(sku: &Sku) -> u8 {
    crate::id::hash_parts("tillmesh shard", &[sku.as_str().as_bytes()])[0] % CATALOG_SHARDS
}

impl DocumentId {
    /// The only writer, for a document that has one.
    pub const fn owner(&self) -> Option<&Writer> {
        match self {
            Self::Ledger { writer, .. } | Self::Fleet { writer } => Some(writer),
            Self::Opening { term, .. } => Some(&term.keeper),
            Self::Cart { .. } | Self::Catalog { .. } => None,
        }
    }

    /// The bytes that stand for it in keys and hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::codec::encode(self)
    }

    /// What stands for it where its id would take too much room.
    pub fn hash(&self) -> DocumentHash {
        DocumentHash::hash_of("tillmesh document id", &[&self.to_bytes()])
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger { location, writer, date } => write!(f, "ledger/{location}/{writer}/{date}"),
            Self::Opening { location, term, date } => {
                write!(f, "opening/{location}/{}-{}/{date}", term.number, term.keeper)
            }
            Self::Cart { id } => write!(f, "cart/{id}"),
            Self::Catalog { shard } => write!(f, "catalog/{shard:02}"),
            Self::Fleet { writer } => write!(f, "fleet/{writer}"),
        }
    }
}

/// What nodes subscribe to: a set of documents that travel together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
pub enum Scope {
    /// The catalogue.
    #[n(0)]
    Catalog,
    /// The fleet's nodes.
    #[n(1)]
    Fleet,
    /// Ledgers and openings of one location, with its orders.
    #[n(2)]
    Stock(#[n(0)] Name),
    /// The carts of one region.
    #[n(3)]
    Carts(#[n(0)] Name),
}

impl Scope {
    /// Whether a document may travel in this scope.
    pub fn admits(&self, document: &DocumentId) -> bool {
        match (self, document) {
            (Self::Catalog, DocumentId::Catalog { shard }) => *shard < CATALOG_SHARDS,
            (Self::Fleet, DocumentId::Fleet { .. }) | (Self::Carts(_), DocumentId::Cart { .. }) => true,
            (Self::Stock(scope), DocumentId::Ledger { location, .. } | DocumentId::Opening { location, .. }) => {
                scope == location
            }
            _ => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog => f.write_str("catalog"),
            Self::Fleet => f.write_str("fleet"),
            Self::Stock(location) => write!(f, "stock-{location}"),
            Self::Carts(region) => write!(f, "carts-{region}"),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once('-') {
            None if text == "catalog" => Ok(Self::Catalog),
            None if text == "fleet" => Ok(Self::Fleet),
            Some(("stock", location)) => Ok(Self::Stock(location.parse()?)),
            Some(("carts", region)) => Ok(Self::Carts(region.parse()?)),
            _ => Err(InvalidId {
                kind: "scope",
                value: text.chars().take(80).collect(),
                rule: "it must be catalog, fleet, stock-<location> or carts-<region>".to_owned(),
            }),
        }
    }
}
