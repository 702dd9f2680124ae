//! How a cart ends: it is checked out, or its lines go on in another cart.

use std::collections::BTreeSet;

use super::Engine;
use super::sales::FromCart;
use super::state::Call;
use crate::cart::{
    self, AddId, Added, Begun, CartLine, CartRow, Checkout, Forked, MAX_CART_LINES, MergePolicy, Merged, Removal, Share,
};
use crate::command::{Outcome, Priced, PromiseTerms, Request, TenderRequest};
use crate::document::{CHECKOUTS, LINES, Put, REMOVALS};
use crate::id::{CartId, EventId};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};

impl<S: Storage> Engine<S> {
    pub(super) fn checkout(
        &mut self,
        call: &mut Call<'_>,
        id: CartId,
        priced: &Priced,
        tenders: &[TenderRequest],
    ) -> Result<Outcome, Refusal> {
        let row = self.ready_cart(call, id, priced)?;
        let sale = self.sale(None, &priced.lines, tenders, row.customer(), from_cart(id, priced))?;
        let mut wants = self.gift_cards("tenders", tenders)?;
        wants.extend(self.coupons(&row, &priced.adjustments)?);
        let taken = self.take_vouchers(call, wants, call.request.until)?;
        let seen = self.orders_beside(&row)?;
        let order = call.event_id(&self.config.node);
        let location = self.config.location.clone();
        let events = self.record_paid(call, &location, order, sale, taken)?;
        self.end_in_order(call, id, priced, order, seen)?;
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// Promises a cart's goods, all lines or none.
    pub(super) fn promise_cart(
        &mut self,
        call: &mut Call<'_>,
        id: CartId,
        priced: &Priced,
        terms: &PromiseTerms,
    ) -> Result<Outcome, Refusal> {
        let row = self.ready_cart(call, id, priced)?;
        if let Some(from) = row.forked_from() {
            return Err(Refusal::ForkPromised { cart: id, from });
        }
        let (location, seen) = (self.config.location.clone(), self.orders_beside(&row)?);
        let coupons = self.coupons(&row, &priced.adjustments)?;
        let taken = self.take_vouchers(call, coupons, terms.until)?;
        self.check_may_redeem(&taken)?;
        let from = from_cart(id, priced);
        let begun = row.begun().map(|begun| begun.channel.clone()).filter(|channel| *channel != location);
        let request = Request { channel: call.request.channel.clone().or(begun), ..call.request.clone() };
        let mut call = Call { now: call.now, rng: &mut *call.rng, request: &request };
        let call = &mut call;
        let recorded = self.promise(call, &location, &priced.lines, *terms, row.customer(), from)?;
        let order = recorded.0.id;
        let redeemed = self.redeem(call, order, taken)?;
        self.end_in_order(call, id, priced, order, seen)?;
        let events = std::iter::once(recorded).chain(redeemed).collect();
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// A cart that this node may check out, as it was priced.
    fn ready_cart(&mut self, call: &mut Call<'_>, id: CartId, priced: &Priced) -> Result<CartRow, Refusal> {
        let row = self.open_cart(call.now, id)?;
        let lines: BTreeSet<&AddId> = row.lines().into_iter().map(|(id, _)| id).collect();
        if lines.is_empty() {
            return Err(Refusal::CartEmpty { cart: id });
        }
        self.need_token_to_end(call, id, &row)?;
        if lines != priced.add_ids.iter().collect() {
            return Err(Refusal::CartChanged { cart: id });
        }
        Ok(row)
    }

    /// Writes into a cart what became of it, and keeps what proves its price.
    fn end_in_order(
        &mut self,
        call: &Call<'_>,
        id: CartId,
        priced: &Priced,
        order: EventId,
        seen: Vec<EventId>,
    ) -> Result<(), Refusal> {
        let (add_ids, node) = (priced.add_ids.clone(), self.config.node.clone());
        let put = self.entry(CHECKOUTS, cart::write(&Checkout { order, add_ids, at: call.now, node, seen }));
        self.write_entries(call.now, id, &[put])?;
        if let Some((_, inputs)) = &priced.proof {
            self.keep(inputs)?;
        }
        Ok(())
    }

    /// The orders that are known of a cart's forks, of the cart that it is a fork of, and of the other forks of that.
    fn orders_beside(&self, row: &CartRow) -> Result<Vec<EventId>, StorageError> {
        let parent = row.forked_from().map(|id| self.row::<CartRow>(&id)).transpose()?.flatten();
        let forks = [Some(row), parent.as_ref()].into_iter().flatten().flat_map(CartRow::forks);
        let mut orders = BTreeSet::new();
        for fork in forks {
            let fork = self.row::<CartRow>(fork)?.unwrap_or_default();
            orders.extend(fork.checkouts().into_iter().map(|checkout| checkout.order));
        }
        orders.extend(parent.iter().flat_map(CartRow::checkouts).map(|checkout| checkout.order));
        Ok(orders.into_iter().collect())
    }

    pub(super) fn fork_cart(&mut self, call: &mut Call<'_>, id: CartId) -> Result<Outcome, Refusal> {
        let row = self.open_cart(call.now, id)?;
        if row.is_held_by(self.identity.writer()) {
            let rule = "this node holds its token, so it can be checked out here and needs no fork";
            return Err(Refusal::invalid("cart", id, rule));
        }
        let coupons = row.coupons().into_iter().map(|code| Added::Coupon(code.to_owned()));
        let customer = row.customer().cloned().map(Added::Customer);
        let channel = row.begun().map_or_else(|| self.config.location.clone(), |begun| begun.channel.clone());
        let begun = Added::Begun(Begun { channel, node: self.config.node.clone(), at: call.now });
        let added = std::iter::once(begun).chain(customer).chain(coupons);
        let mut puts: Vec<Put> = added.map(|added| self.entry(LINES, cart::write(&added))).collect();
        let mut lines = Vec::new();
        for (add_id, line) in row.lines() {
            let put = self.entry(LINES, cart::write(&Added::Line(line.clone())));
            lines.push((AddId::from(&*put.key), add_id.clone()));
            puts.push(put);
        }
        let fork = self.cart_id(call);
        let forked = self.entry(LINES, cart::write(&Added::Forked(Forked { from: id, lines })));
        self.write_entries(call.now, fork, &[forked])?;
        self.write_cart(call, fork, puts)
    }

    pub(super) fn merge_carts(
        &mut self,
        call: &mut Call<'_>,
        into: CartId,
        from: CartId,
        policy: MergePolicy,
    ) -> Result<Outcome, Refusal> {
        if into == from {
            return Err(Refusal::invalid("from", from, "it must be another cart"));
        }
        let target = self.cart_with_room(call.now, into)?;
        let source = self.open_cart(call.now, from)?;
        let shares = cart::shares(&source, &target, policy);
        let count = target.lines().len() + shares.len();
        if count > MAX_CART_LINES {
            return Err(Refusal::invalid("lines", count, format!("a cart holds at most {MAX_CART_LINES} lines")));
        }
        self.need_token(call, from, &source)?;
        let puts = self.moved(&source, &target, shares);
        let ends = self.ends(call, &source, into);
        self.write_entries(call.now, from, &ends)?;
        self.write_cart(call, into, puts)
    }

    /// What a cart takes over from another: lines, and what it lacks of coupons and of a customer.
    fn moved(&mut self, source: &CartRow, target: &CartRow, shares: Vec<Share<'_>>) -> Vec<Put> {
        let known = target.coupons();
        let coupons = source.coupons().into_iter().filter(|code| !known.contains(code));
        let coupons = coupons.map(|code| Added::Coupon(code.to_owned()));
        let customer = source.customer().filter(|_| target.customer().is_none()).cloned().map(Added::Customer);
        let line = |Share { line, quantity }| Added::Line(CartLine { quantity, ..CartLine::clone(line) });
        let added = customer.into_iter().chain(coupons).chain(shares.into_iter().map(line));
        added.map(|added| self.entry(LINES, cart::write(&added))).collect()
    }

    /// What ends a cart whose lines go on in another.
    fn ends(&mut self, call: &Call<'_>, source: &CartRow, into: CartId) -> Vec<Put> {
        let merged = Added::Merged(Merged { into, at: call.now, node: self.config.node.clone() });
        let mut puts = vec![self.entry(LINES, cart::write(&merged))];
        let add_ids: Vec<AddId> = source.lines().into_iter().map(|(id, _)| id.clone()).collect();
        if !add_ids.is_empty() {
            puts.push(self.entry(REMOVALS, cart::write(&Removal { add_ids })));
        }
        puts
    }
}

/// What the order of a cart says of it.
fn from_cart(cart: CartId, priced: &Priced) -> FromCart {
    let proof = priced.proof.as_ref().map(|(proof, _)| *proof);
    FromCart { cart: Some(cart), adjustments: priced.adjustments.clone(), proof }
}
