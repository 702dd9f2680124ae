//! The checkout token: who may end a cart.
//!
//! A cart has one token. Who begins the cart holds it; the holder hands it over with an entry that names the one before
//! it, so the entries form a chain:
//!
//! ```text
//!  begun (by A) ◄── A to B ◄── B to C          C holds the token
//! ```
//!
//! An entry's key proves who wrote it, and counts only where that is the holder of its time. A holder hands over what
//! it holds once, so the chain has no branches, and no two nodes take themselves for the holder, whatever they have
//! heard. Only a copied store can hand one token over twice; then the entry with the least key counts, everywhere the
//! same.

use minicbor::{CborLen, Decode, Encode};

use super::{AddId, Added, CartRow, Merged};
use crate::id::{ChangeHash, Epoch, Writer};
use crate::time::Timestamp;

/// The word of a token's holder that somebody else holds it now.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct HandOver {
    /// By which hand-over the token came to who gives it away; none: it began the cart.
    #[n(0)]
    pub after: Option<AddId>,
    /// Who holds it now.
    #[n(1)]
    pub to: Writer,
    /// The heads that it must have before it may check out.
    #[n(2)]
    pub heads: Vec<ChangeHash>,
    /// When.
    #[n(3)]
    pub at: Timestamp,
}

/// A cart's token, as far as its hand-overs were heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// Who holds it.
    pub holder: Writer,
    /// The hand-over by which it came there; none: the cart was begun there.
    pub link: Option<&'a AddId>,
    /// The heads that the holder must have before it may check out.
    pub heads: &'a [ChangeHash],
}

impl CartRow {
    /// Who holds its token; none while it is not known where it was begun.
    pub fn token(&self) -> Option<Token<'_>> {
        self.tokens().last()
    }

    /// Whether this writer holds its token.
    pub fn is_held_by(&self, writer: &Writer) -> bool {
        self.token().is_some_and(|token| token.holder == *writer)
    }

    /// The token from its beginning on.
    fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        let first = self.first_holder().map(|holder| Token { holder, link: None, heads: &[] });
        std::iter::successors(first, |token| self.next_token(token))
    }

    fn first_holder(&self) -> Option<Writer> {
        match self.beginning() {
            Some((key, begun)) => Some(Writer { node: begun.node.clone(), epoch: author_of(key)? }),
            None => self.continued.as_ref().map(|continued| continued.holder.clone()),
        }
    }

    /// Each entry follows one other, so no entry comes twice and the chain ends.
    fn next_token(&self, token: &Token<'_>) -> Option<Token<'_>> {
        self.added.iter().find_map(|(key, added)| match added {
            Added::HandOver(given)
                if given.after.as_ref() == token.link && author_of(key) == Some(token.holder.epoch) =>
            {
                Some(Token { holder: given.to.clone(), link: Some(key), heads: &given.heads })
            }
            _ => None,
        })
    }

    /// The entry that says where the lines went on. It ends the cart, so only those who held the token may say so.
    pub(super) fn merging(&self) -> Option<(&AddId, &Merged)> {
        self.added.iter().find_map(|(key, added)| match added {
            Added::Merged(merged) if self.was_held_by(author_of(key)?) => Some((key, merged)),
            _ => None,
        })
    }

    fn was_held_by(&self, epoch: Epoch) -> bool {
        self.tokens().any(|token| token.holder.epoch == epoch)
    }

    /// Who ended it.
    pub(super) fn ended_by(&self) -> Option<Writer> {
        let (key, node) = match self.first_checkout() {
            Some((key, checkout)) => (key, &checkout.node),
            None => self.merging().map(|(key, merged)| (key, &merged.node))?,
        };
        Some(Writer { node: node.clone(), epoch: author_of(key)? })
    }
}

/// Who wrote an entry: its key begins with it, which is checked before an entry is heard.
pub(super) fn author_of(key: &AddId) -> Option<Epoch> {
    key.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests;
