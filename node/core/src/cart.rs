//! Carts: lines that are added and removed by anybody, anywhere, and merge to what everybody meant.
//!
//! Adding gives a line a unique *add-id*. Removing names the add-ids that the remover saw. So a line that was removed
//! never comes back, and a line that somebody added at the same time is never lost. Setting a quantity removes the
//! add-ids seen and adds one line. Two devices that add the same SKU both count. A checkout names the add-ids that it
//! sold; lines that arrive later stay visible and open.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{CborLen, Decode, Encode};

use crate::codec::{self, DecodeError};
use crate::document::{CHECKOUTS, LINES, REMOVALS};
use crate::event::MAX_QUANTITY;
use crate::id::{EventId, Name, Reference, Sku};
use crate::money::UnitPrice;
use crate::time::Timestamp;

/// The version of a cart's entries.
pub const CART_VERSION: u8 = 1;
/// The most lines that a cart may hold: those of an event, so that every cart can be checked out.
pub const MAX_CART_LINES: usize = crate::event::MAX_LINES;

/// The key of an entry: its author and a running number.
pub type AddId = Box<str>;

/// What can be added to a cart, and removed again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
#[non_exhaustive]
pub enum Added {
    /// Goods.
    #[n(0)]
    Line(#[n(0)] CartLine),
    /// A coupon code.
    #[n(1)]
    Coupon(#[n(0)] String),
    /// Whose cart it is.
    #[n(2)]
    Customer(#[n(0)] Reference),
    /// Where it was begun.
    #[n(3)]
    Begun(#[n(0)] Begun),
}

/// Where and when a cart was begun.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Begun {
    /// The channel.
    #[n(0)]
    pub channel: Name,
    /// The node.
    #[n(1)]
    pub node: Name,
    /// When.
    #[n(2)]
    pub at: Timestamp,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct CartLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much, above zero.
    #[n(1)]
    pub quantity: i64,
    /// A price that was agreed; none: the catalogue's at checkout.
    #[n(2)]
    pub unit_price: Option<UnitPrice>,
    /// When it was added.
    #[n(3)]
    pub added_at: Timestamp,
    /// Which node added it.
    #[n(4)]
    pub node: Name,
    /// Which clerk added it, opaque.
    #[n(5)]
    pub clerk: Option<Reference>,
}

/// What somebody removed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Removal {
    /// The add-ids that the remover saw.
    #[n(0)]
    pub add_ids: Vec<AddId>,
}

/// What was checked out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Checkout {
    /// The order that came of it.
    #[n(0)]
    pub order: EventId,
    /// The lines that it sold.
    #[n(1)]
    pub add_ids: Vec<AddId>,
    /// When.
    #[n(2)]
    pub at: Timestamp,
    /// At which node.
    #[n(3)]
    pub node: Name,
}

/// A cart: the fold of its entries, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct CartRow {
    #[n(0)]
    added: BTreeMap<AddId, Added>,
    #[n(1)]
    removed: BTreeSet<AddId>,
    #[n(2)]
    checkouts: BTreeMap<AddId, Checkout>,
}

impl CartRow {
    /// Folds an entry of the cart's document in; what this node does not understand, or would not have written itself,
    /// is left alone.
    pub fn apply(&mut self, block: &str, key: &str, value: &[u8]) {
        match block {
            LINES => {
                if let Ok(added) = read(value)
                    && is_within_limits(&added)
                {
                    self.added.insert(key.into(), added);
                }
            }
            REMOVALS => {
                if let Ok(removal) = read::<Removal>(value) {
                    self.removed.extend(removal.add_ids);
                }
            }
            CHECKOUTS => {
                if let Ok(checkout) = read(value) {
                    self.checkouts.insert(key.into(), checkout);
                }
            }
            _ => {}
        }
    }

    /// The lines to sell, oldest first: added, not removed, not yet checked out.
    pub fn lines(&self) -> Vec<(&AddId, &CartLine)> {
        let sold: BTreeSet<&AddId> = self.checkouts.values().flat_map(|checkout| &checkout.add_ids).collect();
        let mut lines: Vec<_> =
            self.standing().filter(|(id, _)| !sold.contains(id)).filter_map(|(id, added)| line(id, added)).collect();
        lines.sort_by_key(|(id, line)| (line.added_at, (*id).clone()));
        lines
    }

    /// The lines that were checked out, oldest first.
    pub fn sold_lines(&self) -> Vec<(&AddId, &CartLine)> {
        let sold: BTreeSet<&AddId> = self.checkouts.values().flat_map(|checkout| &checkout.add_ids).collect();
        let mut lines: Vec<_> =
            self.added.iter().filter(|(id, _)| sold.contains(id)).filter_map(|(id, added)| line(id, added)).collect();
        lines.sort_by_key(|(id, line)| (line.added_at, (*id).clone()));
        lines
    }

    /// The add-ids of every standing entry that holds this SKU.
    pub fn add_ids_of(&self, sku: &Sku) -> Vec<AddId> {
        self.lines().into_iter().filter(|(_, line)| line.sku == *sku).map(|(id, _)| id.clone()).collect()
    }

    /// The entries that were taken out, also those that are not known here yet.
    pub const fn removed(&self) -> &BTreeSet<AddId> {
        &self.removed
    }

    /// The coupons, each once.
    pub fn coupons(&self) -> BTreeSet<&str> {
        self.standing()
            .filter_map(|(_, added)| if let Added::Coupon(code) = added { Some(&**code) } else { None })
            .collect()
    }

    /// Whose cart it is: of several that were set apart, the one with the least add-id, everywhere the same.
    pub fn customer(&self) -> Option<&Reference> {
        self.standing().find_map(|(_, added)| if let Added::Customer(customer) = added { Some(customer) } else { None })
    }

    /// Where it was begun.
    pub fn begun(&self) -> Option<&Begun> {
        self.added.values().find_map(|added| if let Added::Begun(begun) = added { Some(begun) } else { None })
    }

    /// The checkouts, oldest first; two when it was checked out at two places apart.
    pub fn checkouts(&self) -> Vec<&Checkout> {
        let mut checkouts: Vec<_> = self.checkouts.values().collect();
        checkouts.sort_by_key(|checkout| (checkout.at, checkout.order));
        checkouts
    }

    /// How many entries it ever took: what its size is bounded by.
    pub fn entries(&self) -> usize {
        self.added.len() + self.removed.len() + self.checkouts.len()
    }

    fn standing(&self) -> impl Iterator<Item = (&AddId, &Added)> {
        self.added.iter().filter(|(id, _)| !self.removed.contains(*id))
    }
}

/// A peer may be hostile: what it adds must not overflow a sum when the cart is priced.
fn is_within_limits(added: &Added) -> bool {
    match added {
        Added::Line(line) => {
            (1..=MAX_QUANTITY).contains(&line.quantity)
                && line.added_at.checked().is_some()
                && line.unit_price.is_none_or(|price| price.checked().is_ok())
        }
        _ => true,
    }
}

fn line<'a>(id: &'a AddId, added: &'a Added) -> Option<(&'a AddId, &'a CartLine)> {
    match added {
        Added::Line(line) => Some((id, line)),
        _ => None,
    }
}

/// Encodes an entry.
pub fn write<T: Encode<()>>(entry: &T) -> Vec<u8> {
    codec::encode_versioned(CART_VERSION, entry)
}

fn read<'b, T: Decode<'b, ()>>(value: &'b [u8]) -> Result<T, DecodeError> {
    codec::decode_versioned(CART_VERSION, value)
}

#[cfg(test)]
mod tests;
