//! Tokens of carts on their way from holder to holder.
//!
//! ```text
//!  claimer: claim ──► "held elsewhere"         holder
//!             │  Ask::Claim, signed ─────────────►│ writes the hand-over into the cart
//!             │◄──────── batch of the cart ───────┤ (and what the claimer lacks of it before)
//!           claim ──► the cart, its token is here
//! ```
//!
//! Nothing waits here: a command that needs a token which is elsewhere asks for it and is refused, and is given again
//! once the cart has changed.

use super::Engine;
use super::ingest::Refused;
use super::repair::malformed;
use super::state::Call;
use crate::cart::{self, Added, CartRow, HandOver};
use crate::command::Outcome;
use crate::document::{DocumentId, LINES, Scope};
use crate::fleet::{Standing, Write as Written};
use crate::id::{CartId, ChangeHash, Name, PublicKey, Writer};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::sync::{Ask, Claim, ClaimRefusal, Claiming, Denied, Incoming, Kind, Request, message, word};
use crate::time::Timestamp;
use crate::view::DocumentRow;

/// Within how long a holder must have been heard to count as heard lately: nodes of a large fleet may keep silent for
/// half a minute where others speak for them.
const LATELY_MILLIS: i64 = 60_000;

impl<S: Storage> Engine<S> {
    pub(super) fn claim_cart(&mut self, call: &mut Call<'_>, id: CartId) -> Result<Outcome, Refusal> {
        let row = self.open_cart(call.now, id)?;
        self.need_token(call, id, &row)?;
        Ok(Outcome::Cart { id, row: Box::new(row), repeated: false })
    }

    /// Checks that this node holds a cart's token, with all that its last holder knew; else asks for it.
    pub(super) fn need_token(&mut self, call: &mut Call<'_>, id: CartId, row: &CartRow) -> Result<(), Refusal> {
        let token = row.token().ok_or_else(|| Refusal::NotFound { kind: "cart", id: id.to_string() })?;
        if token.holder != *self.identity.writer() {
            return Err(self.ask_holder(call, id, row));
        }
        let heads = token.heads.to_vec();
        self.need_heads(id, &heads)
    }

    /// The same for a checkout. That may also be of a cart whose token is held by an epoch that this store left: nobody
    /// can hand it over any more, and where a copy of the store checks the cart out as well, people settle it.
    pub(super) fn need_token_to_end(&mut self, call: &mut Call<'_>, id: CartId, row: &CartRow) -> Result<(), Refusal> {
        match row.token().filter(|token| self.is_own_writer(&token.holder)) {
            Some(token) => self.need_heads(id, token.heads),
            None => self.need_token(call, id, row),
        }
    }

    fn need_heads(&mut self, id: CartId, heads: &[ChangeHash]) -> Result<(), Refusal> {
        let document = self.document(&DocumentId::Cart { id })?;
        match heads.iter().filter(|head| !document.knows(head)).count() {
            0 => {
                self.sync.claims.forget(&id);
                Ok(())
            }
            missing => Err(Refusal::CartBehind { cart: id, missing }),
        }
    }

    /// Asks a token's holder for it, unless it was a moment ago.
    fn ask_holder(&mut self, call: &mut Call<'_>, cart: CartId, row: &CartRow) -> Refusal {
        let Some(token) = row.token() else { return Refusal::NotFound { kind: "cart", id: cart.to_string() } };
        let (holder, link) = (token.holder, token.link);
        let heard_lately = self.was_heard_lately(call.now, &holder.node);
        let refusal = |asked, refused| {
            let holder = holder.node.clone();
            Refusal::CartHeldElsewhere { cart, holder, heard_lately, asked, refused }
        };
        // What an earlier life of this store held, nobody can give away any more.
        if holder.node == self.config.node {
            return refusal(false, None);
        }
        match self.sync.claims.state(call.now, &cart, &holder, link) {
            Claiming::Refused(why) => return refusal(false, Some(why)),
            Claiming::Asked => return refusal(true, None),
            Claiming::Due => {}
        }
        let id = call.rng.next_u64();
        self.sync.claims.ask(call.now, cart, &holder, link, id);
        let claim = word::sign(&self.identity, &self.config.fleet, Claim { cart, link: link.cloned(), id });
        let heads = self.cart_heads(cart);
        let request = Request { from: self.config.node.clone(), id, ask: Ask::Claim(claim, heads), everybody: None };
        let scope = Scope::Carts(self.config.region.clone());
        self.send(&scope, Kind::Request, Some(holder.node.clone()), message::to_bytes(&request));
        refusal(true, None)
    }

    fn was_heard_lately(&self, now: Timestamp, node: &Name) -> bool {
        let lately = now.plus_millis(-LATELY_MILLIS);
        self.peers().peer(node).is_some_and(|peer| peer.last_heard > lately && peer.is_here(now))
    }

    fn cart_heads(&self, id: CartId) -> Vec<ChangeHash> {
        self.look::<DocumentRow, _>(&DocumentId::Cart { id }, |row| row.heads.clone()).unwrap_or_default()
    }

    /// Gives a token to who asks for it, or says why not.
    pub(super) fn receive_claim(
        &mut self,
        now: Timestamp,
        incoming: &Incoming,
        signed: &[u8],
        heads: Vec<ChangeHash>,
    ) -> Vec<Refused> {
        let Some((claim, writer, key)) = word::open::<Claim>(&self.config.fleet, signed) else {
            return vec![malformed(&"its claim of a token is not signed")];
        };
        let scope = &incoming.scope;
        if *scope != Scope::Carts(self.config.region.clone()) || incoming.sender().as_ref() != Some(&writer.node) {
            return vec![malformed(&"it claims a token for another node or in another region")];
        }
        let why = if self.may_hold(&writer, &key) {
            self.send_cart(&writer.node, scope, claim.cart, heads);
            self.give_token(now, &claim, &writer).unwrap_or_else(|error| {
                self.break_off(&error);
                None
            })
        } else {
            Some(ClaimRefusal::NotPermitted)
        };
        if let Some(why) = why {
            self.deny(scope, writer, claim.id, Denied::Token(claim.cart, why));
        }
        Vec::new()
    }

    fn may_hold(&self, writer: &Writer, key: &PublicKey) -> bool {
        let members = self.members();
        matches!(members.standing(key, &writer.node), Standing::Open | Standing::Member)
            && members.permits(key, &Written::Cart)
    }

    /// What the claimer lacks of the cart, so that it can take the hand-over in.
    fn send_cart(&mut self, to: &Name, scope: &Scope, id: CartId, heads: Vec<ChangeHash>) {
        let here = self.cart_heads(id);
        if !here.is_empty() && here != heads {
            self.sync.serve_also(to, scope, DocumentId::Cart { id }, super::asking::believed(heads));
        }
    }

    fn give_token(&mut self, now: Timestamp, claim: &Claim, to: &Writer) -> Result<Option<ClaimRefusal>, Refusal> {
        let row = self.row::<CartRow>(&claim.cart)?.unwrap_or_default();
        let Some(token) = row.token() else { return Ok(Some(ClaimRefusal::Unknown)) };
        if row.is_ended() {
            return Ok(Some(ClaimRefusal::Ended));
        }
        if token.holder != *self.identity.writer() || token.link != claim.link.as_ref() {
            return Ok(Some(ClaimRefusal::NotHeld));
        }
        let wanted = token.heads.to_vec();
        let document = self.document(&DocumentId::Cart { id: claim.cart })?;
        let lacked = wanted.into_iter().filter(|head| !document.knows(head));
        let heads = lacked.chain(document.heads()).collect();
        let given = HandOver { after: claim.link.clone(), to: to.clone(), heads, at: now };
        let put = self.entry(LINES, cart::write(&Added::HandOver(given)));
        self.write_entries(now, claim.cart, &[put])?;
        Ok(None)
    }
}
