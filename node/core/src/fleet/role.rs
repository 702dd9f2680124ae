//! Roles: what a node may write.

use std::fmt;
use std::str::FromStr;

use minicbor::{CborLen, Decode, Encode};

use crate::event::{Class, Kind};
use crate::id::Name;

/// What kind of a node it is, and so what it may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
#[cbor(index_only)]
pub enum Role {
    /// Writes everything, the catalogue too, at every location.
    #[n(0)]
    Headquarters,
    /// Writes every event of its own locations, and the arrival of what it sends to others; carts.
    #[n(1)]
    Store,
    /// Sells and promises at its own locations; carts. Books no goods in, counts nothing, takes nothing back.
    #[n(2)]
    Kiosk,
    /// A web shop, an app, a marketplace: sells, promises, fulfils and takes back at every location; carts. Books no
    /// goods in and counts nothing.
    #[n(3)]
    Channel,
}

/// Something to be written.
#[derive(Debug, Clone, Copy)]
pub enum Write<'a> {
    /// An event in a ledger of a location.
    Event(&'a Name, Kind),
    /// An opening of a location, in a keeper's term.
    Opening(&'a Name, u32),
    /// A record of the catalogue.
    Catalogue,
    /// An entry in a cart.
    Cart,
    /// What a node says of itself.
    Fleet,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Headquarters, Self::Store, Self::Kiosk, Self::Channel];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Headquarters => "headquarters",
            Self::Store => "store",
            Self::Kiosk => "kiosk",
            Self::Channel => "channel",
        }
    }

    /// Whether it may write this; `own`: at a location of its own; `keeper`: the highest term of office that it has
    /// there.
    pub(super) fn permits(self, write: &Write<'_>, own: bool, keeper: Option<u32>) -> bool {
        match write {
            Write::Cart | Write::Fleet => true,
            Write::Catalogue => self == Self::Headquarters,
            Write::Opening(_, term) => own && keeper.is_some_and(|highest| *term <= highest),
            Write::Event(_, kind) if kind.class() == Class::Minting => own && keeper.is_some(),
            Write::Event(_, kind) => self.permits_event(*kind, own),
        }
    }

    fn permits_event(self, kind: Kind, own: bool) -> bool {
        let class = kind.class();
        match self {
            Self::Headquarters => true,
            // The day of a ledger that holds arrivals only ends as well.
            Self::Store => own || class == Class::Arrival || kind.ends_a_day(),
            Self::Kiosk => own && class == Class::Trade,
            Self::Channel => matches!(class, Class::Trade | Class::Service),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| "a role is headquarters, store, kiosk or channel".to_owned())
    }
}

impl fmt::Display for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(location, kind) => write!(f, "{kind} at {location}"),
            Self::Opening(location, _) => write!(f, "an opening of {location}"),
            Self::Catalogue => f.write_str("the catalogue"),
            Self::Cart => f.write_str("a cart"),
            Self::Fleet => f.write_str("what it says of itself"),
        }
    }
}
