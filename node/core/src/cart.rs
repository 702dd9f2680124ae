//! Carts: lines that are added and removed by anybody, anywhere, and merge to what everybody meant.
//!
//! Adding gives a line a unique *add-id*. Removing names the add-ids that the remover saw. So a line that was removed
//! never comes back, and a line that somebody added at the same time is never lost. Setting a quantity removes the
//! add-ids seen and adds one line. Two devices that add the same SKU both count. A checkout names the add-ids that it
//! sold.
//!
//! ```text
//!  open ──► checked out ──┐
//!    └────► merged ───────┴──► lines that arrive after that open the continuation, a cart of its own
//! ```
//!
//! Only who holds the cart's token ([`Token`]) ends it. The continuation is no copy: its row shows the late lines of
//! the cart that it continues, at every node the same, and what is removed or sold of them is written into its own
//! document.

mod merge;
mod settle;
mod token;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{CborLen, Decode, Encode};

use crate::codec::{self, DecodeError};
use crate::document::{CHECKOUTS, LINES, REMOVALS};
use crate::event::MAX_QUANTITY;
use crate::id::{CartId, EventId, Name, Reference, Sku, Writer};
use crate::money::UnitPrice;
use crate::time::Timestamp;

pub use merge::{MergePolicy, Share, shares};
pub use settle::{Settled, checkouts};
pub use token::{HandOver, Token};

/// The version of a cart's entries.
pub const CART_VERSION: u8 = 1;
/// The most lines that a cart may hold: those of an event, so that every cart can be checked out.
pub const MAX_CART_LINES: usize = crate::event::MAX_LINES;
/// How many days a cart lives that nobody adds to, unless it is told otherwise.
pub const EXPIRE_DAYS: u16 = 30;
/// A day.
const DAY_MILLIS: i64 = 86_400_000;
/// The most forks that are remembered of a cart, those with the least ids: a customer's tills, many times over.
const MAX_FORKS: usize = 64;

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
    /// Who holds the token from now on.
    #[n(4)]
    HandOver(#[n(0)] HandOver),
    /// What it is a fork of.
    #[n(5)]
    Forked(#[n(0)] Forked),
    /// That its lines went on in another cart.
    #[n(6)]
    Merged(#[n(0)] Merged),
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

/// What a cart is a fork of.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Forked {
    /// The other cart.
    #[n(0)]
    pub from: CartId,
    /// The add-ids of its lines, each with that of the line which it is a copy of.
    #[n(1)]
    pub lines: Vec<(AddId, AddId)>,
}

/// Where a cart's lines went on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Merged {
    /// The other cart.
    #[n(0)]
    pub into: CartId,
    /// When.
    #[n(1)]
    pub at: Timestamp,
    /// At which node.
    #[n(2)]
    pub node: Name,
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
    /// The orders of this cart, its forks and the cart that it is a fork of that were known then.
    #[cbor(n(4), default)]
    pub seen: Vec<EventId>,
}

/// What a continuation has of the cart that it continues.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Continued {
    /// That cart.
    #[n(0)]
    pub from: CartId,
    /// Who holds the token until it is handed over: who ended that cart.
    #[n(1)]
    pub holder: Writer,
    /// The late lines, and whose cart it is.
    #[n(2)]
    entries: BTreeMap<AddId, Added>,
    /// Where that cart was begun.
    #[n(3)]
    begun: Option<Begun>,
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
    #[n(3)]
    continued: Option<Continued>,
    #[cbor(n(4), default)]
    forks: BTreeSet<CartId>,
    /// Lines whose goods a fork sold.
    #[cbor(n(5), default)]
    sold_by_forks: BTreeSet<AddId>,
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

    /// Takes over what the cart that it continues has of late lines now; none: nothing.
    pub fn continue_from(&mut self, continued: Option<Continued>) {
        self.continued = continued;
    }

    /// What it has of the cart that it continues.
    pub const fn continued(&self) -> Option<&Continued> {
        self.continued.as_ref()
    }

    /// Notes that a cart is a fork of this one, and which lines it sold. False: that was known.
    pub fn note_fork(&mut self, fork: CartId, sold: impl IntoIterator<Item = AddId>) -> bool {
        let before = (self.forks.clone(), self.sold_by_forks.len());
        self.forks.insert(fork);
        if self.forks.len() > MAX_FORKS {
            self.forks.pop_last();
        }
        self.sold_by_forks.extend(sold);
        before != (self.forks.clone(), self.sold_by_forks.len())
    }

    /// The lines of the cart that it is a fork of whose goods it sold, or its own forks did.
    pub fn sold_of_original(&self) -> Vec<AddId> {
        let sold = self.sold();
        // A line whose quantity was set is another one of the same goods.
        let lines: BTreeMap<&AddId, &Sku> =
            self.entered().filter_map(|(id, it)| line(id, it)).map(|(id, it)| (id, &it.sku)).collect();
        let skus: BTreeSet<&Sku> = sold.iter().filter_map(|id| lines.get(id).copied()).collect();
        let was_set = |own: &AddId| self.removed.contains(own) && lines.get(own).is_some_and(|sku| skus.contains(sku));
        let is_sold = |own: &AddId| sold.contains(own) || self.sold_by_forks.contains(own) || was_set(own);
        let lines = self.forked().into_iter().flat_map(|forked| &forked.lines);
        lines.filter(|(own, _)| is_sold(own)).map(|(_, of)| of.clone()).collect()
    }

    /// What a line is of, removed ones among them.
    pub fn sku_of(&self, line: &AddId) -> Option<&Sku> {
        let found = self.entered().find(|(id, _)| *id == line)?;
        self::line(found.0, found.1).map(|(_, line)| &line.sku)
    }

    /// Whether it was heard where the cart was begun: before that it is no cart yet.
    pub fn is_begun(&self) -> bool {
        self.begun().is_some()
    }

    /// The lines to sell, oldest first: added, not removed, not yet checked out, here or from a fork.
    pub fn lines(&self) -> Vec<(&AddId, &CartLine)> {
        let sold = self.sold();
        sorted(self.standing().filter(|(id, _)| !sold.contains(id) && !self.sold_by_forks.contains(*id)))
    }

    /// The lines that were checked out, oldest first.
    pub fn sold_lines(&self) -> Vec<(&AddId, &CartLine)> {
        let sold = self.sold();
        sorted(self.entered().filter(|(id, _)| sold.contains(id)))
    }

    /// The lines whose goods a fork sold, oldest first.
    pub fn lines_sold_by_forks(&self) -> Vec<(&AddId, &CartLine)> {
        sorted(self.entered().filter(|(id, _)| self.sold_by_forks.contains(*id)))
    }

    fn sold(&self) -> BTreeSet<&AddId> {
        self.checkouts.values().flat_map(|checkout| &checkout.add_ids).collect()
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

    /// The add-ids of a coupon; case does not matter.
    pub fn add_ids_of_coupon(&self, code: &str) -> Vec<AddId> {
        let names = |added: &Added| matches!(added, Added::Coupon(other) if other.eq_ignore_ascii_case(code));
        self.standing().filter(|(_, added)| names(added)).map(|(id, _)| id.clone()).collect()
    }

    /// Whose cart it is: of several that were set apart, the one with the least add-id, everywhere the same.
    pub fn customer(&self) -> Option<&Reference> {
        self.standing().find_map(|(_, added)| if let Added::Customer(customer) = added { Some(customer) } else { None })
    }

    /// Where it was begun; of a continuation, where the cart was that it continues.
    pub fn begun(&self) -> Option<&Begun> {
        let continued = || self.continued.as_ref()?.begun.as_ref();
        self.beginning().map(|(_, begun)| begun).or_else(continued)
    }

    fn beginning(&self) -> Option<(&AddId, &Begun)> {
        self.added.iter().find_map(|(id, added)| if let Added::Begun(begun) = added { Some((id, begun)) } else { None })
    }

    /// The cart that it is a fork of.
    pub fn forked_from(&self) -> Option<CartId> {
        self.forked().map(|forked| forked.from)
    }

    fn forked(&self) -> Option<&Forked> {
        self.added.values().find_map(|added| if let Added::Forked(forked) = added { Some(forked) } else { None })
    }

    /// Its forks, as far as they were heard of.
    pub const fn forks(&self) -> &BTreeSet<CartId> {
        &self.forks
    }

    /// The cart whose late lines it shows.
    pub fn continued_from(&self) -> Option<CartId> {
        self.continued.as_ref().map(|continued| continued.from)
    }

    /// The checkouts, oldest first; two when it was checked out at two places apart.
    pub fn checkouts(&self) -> Vec<&Checkout> {
        let mut checkouts: Vec<_> = self.checkouts.values().collect();
        checkouts.sort_by_key(|checkout| (checkout.at, checkout.order));
        checkouts
    }

    /// Where its lines went on, by the word of somebody who held its token.
    pub fn merged(&self) -> Option<&Merged> {
        self.merging().map(|(_, merged)| merged)
    }

    /// Whether it takes no more: it was checked out, or its lines went on in another cart.
    pub fn is_ended(&self) -> bool {
        !self.checkouts.is_empty() || self.merged().is_some()
    }

    /// What its continuation has of it; none while it goes on, or no line came late.
    pub fn to_continue(&self, id: CartId) -> Option<Continued> {
        let holder = self.ended_by()?;
        let late: BTreeSet<_> = self.lines().into_iter().map(|(id, _)| id.clone()).collect();
        if late.is_empty() {
            return None;
        }
        let goes_on = |(id, added): &(&AddId, &Added)| late.contains(*id) || matches!(added, Added::Customer(_));
        let entries = self.standing().filter(goes_on).map(|(id, added)| (id.clone(), added.clone())).collect();
        Some(Continued { from: id, holder, entries, begun: self.begun().cloned() })
    }

    /// When it expires: so many days after it was begun or a line was added last. One that has ended does not.
    pub fn expires_at(&self, days: u16) -> Option<Timestamp> {
        let lines = self.entered().filter_map(|(id, added)| line(id, added)).map(|(_, line)| line.added_at);
        let touched_at = lines.chain(self.begun().map(|begun| begun.at)).max()?;
        (!self.is_ended()).then(|| touched_at.plus_millis(i64::from(days) * DAY_MILLIS))
    }

    /// Whether it has expired.
    pub fn is_expired(&self, days: u16, now: Timestamp) -> bool {
        self.expires_at(days).is_some_and(|at| at <= now)
    }

    /// How many entries it ever took: what its size is bounded by.
    pub fn entries(&self) -> usize {
        self.added.len() + self.removed.len() + self.checkouts.len()
    }

    /// What was ever added to it, also in the cart that it continues.
    fn entered(&self) -> impl Iterator<Item = (&AddId, &Added)> {
        self.added.iter().chain(self.continued.iter().flat_map(|continued| &continued.entries))
    }

    fn standing(&self) -> impl Iterator<Item = (&AddId, &Added)> {
        self.entered().filter(|(id, _)| !self.removed.contains(*id))
    }
}

/// The cart that shows the lines which came to this one after it had ended: the same at every node.
pub fn continuation_of(cart: CartId) -> CartId {
    CartId::hash_of("tillmesh continued cart", &[cart.as_bytes()])
}

fn sorted<'a>(entries: impl Iterator<Item = (&'a AddId, &'a Added)>) -> Vec<(&'a AddId, &'a CartLine)> {
    let mut lines: Vec<_> = entries.filter_map(|(id, added)| line(id, added)).collect();
    lines.sort_by_key(|(id, line)| (line.added_at, (*id).clone()));
    lines
}

/// A peer may be hostile: what it adds must not overflow a sum when the cart is priced.
fn is_within_limits(added: &Added) -> bool {
    match added {
        Added::Line(line) => {
            (1..=MAX_QUANTITY).contains(&line.quantity)
                && line.added_at.checked().is_some()
                && line.unit_price.is_none_or(|price| price.checked().is_ok())
        }
        Added::Begun(Begun { at, .. }) | Added::HandOver(HandOver { at, .. }) | Added::Merged(Merged { at, .. }) => {
            at.checked().is_some()
        }
        Added::Coupon(_) | Added::Customer(_) | Added::Forked(_) => true,
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
