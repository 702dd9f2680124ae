//! Beginning and changing carts, and the fold of their entries.

use super::Engine;
use super::state::Call;
use crate::cart::{self, Added, Begun, CartLine, CartRow, MAX_CART_LINES, Removal, continuation_of};
use crate::catalog::{Product, check_price};
use crate::command::Outcome;
use crate::document::{DocumentId, LINES, Put, REMOVALS, Scope};
use crate::id::{CartId, Name, Reference, Sku};
use crate::money::UnitPrice;
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;

use super::prices::check_quantity;

/// The most entries that a cart may ever take, so that one that is edited for ever stays small.
const MAX_ENTRIES: usize = 4_000;
/// The longest coupon code in bytes.
const MAX_COUPON: usize = 64;
/// How many carts are gone through from a fork to what it is a fork of. Tills fork a customer's cart, hardly ever a
/// fork.
pub(super) const MAX_FORKS_DEEP: usize = 16;
/// How many entries share a change, so that it stays within its limit of bytes.
const ENTRIES_A_CHANGE: usize = 100;

impl<S: Storage> Engine<S> {
    pub(super) fn create_cart(
        &mut self,
        call: &mut Call<'_>,
        customer: Option<&Reference>,
    ) -> Result<Outcome, Refusal> {
        self.check_carts_held()?;
        let id = self.cart_id(call);
        let channel = call.request.channel.clone().unwrap_or_else(|| self.config.location.clone());
        let begun = Added::Begun(Begun { channel, node: self.config.node.clone(), at: call.now });
        let mut puts = vec![self.entry(LINES, cart::write(&begun))];
        if let Some(customer) = customer {
            puts.push(self.entry(LINES, cart::write(&Added::Customer(customer.clone()))));
        }
        self.write_cart(call, id, puts)
    }

    pub(super) fn add_to_cart(
        &mut self,
        call: &mut Call<'_>,
        id: CartId,
        sku: &Sku,
        quantity: i64,
        unit_price: Option<UnitPrice>,
    ) -> Result<Outcome, Refusal> {
        let row = self.cart_with_room(call.now, id)?;
        check_quantity("quantity", quantity, 1)?;
        if row.lines().len() >= MAX_CART_LINES {
            let count = row.lines().len() + 1;
            return Err(Refusal::invalid("lines", count, format!("a cart holds at most {MAX_CART_LINES} lines")));
        }
        match unit_price {
            Some(price) => check_price("unit_price", price)?,
            None => self.check_known("sku", sku)?,
        }
        let line = self.cart_line(call, sku, quantity, unit_price);
        let put = self.entry(LINES, cart::write(&line));
        self.write_cart(call, id, vec![put])
    }

    pub(super) fn set_in_cart(
        &mut self,
        call: &mut Call<'_>,
        id: CartId,
        sku: &Sku,
        quantity: i64,
    ) -> Result<Outcome, Refusal> {
        let row = self.cart_with_room(call.now, id)?;
        check_quantity("quantity", quantity, 0)?;
        let add_ids = row.add_ids_of(sku);
        if add_ids.is_empty() {
            return Err(Refusal::NotFound { kind: "line", id: format!("{sku} in cart {id}") });
        }
        let agreed = row.lines().iter().find(|(_, line)| line.sku == *sku).and_then(|(_, line)| line.unit_price);
        let mut puts = vec![self.entry(REMOVALS, cart::write(&Removal { add_ids }))];
        if quantity > 0 {
            let line = self.cart_line(call, sku, quantity, agreed);
            puts.push(self.entry(LINES, cart::write(&line)));
        }
        self.write_cart(call, id, puts)
    }

    pub(super) fn add_coupon(&mut self, call: &mut Call<'_>, id: CartId, code: &str) -> Result<Outcome, Refusal> {
        self.cart_with_room(call.now, id)?;
        if code.is_empty() || code.len() > MAX_COUPON || code.chars().any(char::is_control) {
            return Err(Refusal::invalid("code", code, format!("a coupon code has 1 to {MAX_COUPON} bytes")));
        }
        let put = self.entry(LINES, cart::write(&Added::Coupon(code.to_owned())));
        self.write_cart(call, id, vec![put])
    }

    /// Takes a coupon off a cart. One that is not there changes nothing.
    pub(super) fn remove_coupon(&mut self, call: &mut Call<'_>, id: CartId, code: &str) -> Result<Outcome, Refusal> {
        let add_ids = self.open_cart(call.now, id)?.add_ids_of_coupon(code);
        let removal = (!add_ids.is_empty()).then(|| self.entry(REMOVALS, cart::write(&Removal { add_ids })));
        self.write_cart(call, id, removal.into_iter().collect())
    }

    /// A cart that has not ended.
    pub(super) fn open_cart(&self, now: Timestamp, id: CartId) -> Result<CartRow, Refusal> {
        self.check_carts_held()?;
        let row = self.row::<CartRow>(&id)?.filter(CartRow::is_begun);
        let row = row.ok_or_else(|| Refusal::NotFound { kind: "cart", id: id.to_string() })?;
        if let Some(checkout) = row.checkouts().first() {
            return Err(Refusal::CheckedOut { cart: id, order: checkout.order });
        }
        if let Some(merged) = row.merged() {
            return Err(Refusal::CartMerged { cart: id, into: merged.into });
        }
        match row.expires_at(self.cart_days) {
            Some(at) if at <= now => Err(Refusal::CartExpired { cart: id, at }),
            _ => Ok(row),
        }
    }

    /// A cart that takes more. A full one can still be checked out.
    pub(super) fn cart_with_room(&self, now: Timestamp, id: CartId) -> Result<CartRow, Refusal> {
        let row = self.open_cart(now, id)?;
        if row.entries() >= MAX_ENTRIES {
            return Err(Refusal::invalid("cart", id, format!("it took {MAX_ENTRIES} entries, which is its limit")));
        }
        Ok(row)
    }

    pub(super) fn check_known(&self, field: &str, sku: &Sku) -> Result<(), Refusal> {
        match self.row::<Product>(sku)? {
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownSku { field: field.to_owned(), value: sku.to_string() }),
        }
    }

    fn cart_line(&self, call: &Call<'_>, sku: &Sku, quantity: i64, unit_price: Option<UnitPrice>) -> Added {
        let (sku, node, clerk) = (sku.clone(), self.config.node.clone(), call.request.clerk.clone());
        Added::Line(CartLine { sku, quantity, unit_price, added_at: call.now, node, clerk })
    }

    /// The next entry's key names its author, so that nobody can write under another's.
    pub(super) fn entry(&mut self, block: &str, value: Vec<u8>) -> Put {
        let (epoch, boot) = (self.identity.writer().epoch, self.identity.boot());
        let key = format!("{epoch}-{boot}-{}", self.next_entry);
        self.next_entry += 1;
        Put { block: block.to_owned(), key, value }
    }

    pub(super) fn write_cart(&mut self, call: &Call<'_>, id: CartId, puts: Vec<Put>) -> Result<Outcome, Refusal> {
        self.write_entries(call.now, id, &puts)?;
        let row = self.row::<CartRow>(&id)?.unwrap_or_default();
        Ok(Outcome::Cart { id, row: Box::new(row), repeated: false })
    }

    pub(super) fn write_entries(&mut self, now: Timestamp, id: CartId, puts: &[Put]) -> Result<(), Refusal> {
        let scope = Scope::Carts(self.config.region.clone());
        for part in puts.chunks(ENTRIES_A_CHANGE) {
            self.write(now, &scope, &DocumentId::Cart { id }, part)
                .and_then(|_| {
                    let entries = part.iter().map(|put| (&*put.block, &*put.key, &*put.value));
                    Ok(self.fold_cart(id, entries)?)
                })
                .inspect_err(|error| self.break_off(error))?;
        }
        Ok(())
    }

    /// Folds entries of a cart's document: each a block, a key and a value.
    pub(super) fn fold_cart<'e>(
        &mut self,
        id: CartId,
        entries: impl Iterator<Item = (&'e str, &'e str, &'e [u8])>,
    ) -> Result<(), StorageError> {
        self.update_row::<CartRow>(id, |row| entries.for_each(|(block, key, value)| row.apply(block, key, value)))?;
        if self.sync.claims.awaits(&id) {
            self.seeking.bring_news();
        }
        self.sell_by_fork(id)?;
        self.note_checkouts(id)?;
        self.continue_cart(id)
    }

    /// Tells the cart that this one is a fork of what was sold of it, and so on, also beyond one that knows it already:
    /// a crash may have kept its row and lost the next one's. Carts that say that they are forks of each other end it.
    fn sell_by_fork(&mut self, mut id: CartId) -> Result<(), StorageError> {
        for _ in 0..MAX_FORKS_DEEP {
            let Some(fork) = self.row::<CartRow>(&id)? else { return Ok(()) };
            let Some(original) = fork.forked_from() else { return Ok(()) };
            let mut row = self.row::<CartRow>(&original)?.unwrap_or_default();
            if row.note_fork(id, fork.sold_of_original()) {
                self.put_row(original, row);
            }
            self.continue_cart(original)?;
            id = original;
        }
        Ok(())
    }

    /// Shows the late lines of a cart in its continuation, and those of that one in its own. A cart is a hash of the
    /// one that it continues, so this ends.
    fn continue_cart(&mut self, mut id: CartId) -> Result<(), StorageError> {
        loop {
            let Some(row) = self.row::<CartRow>(&id)?.filter(CartRow::is_ended) else { return Ok(()) };
            let (next, continued) = (continuation_of(id), row.to_continue(id));
            let mut known = self.row::<CartRow>(&next)?.unwrap_or_default();
            if known.continued() != continued.as_ref() {
                known.continue_from(continued);
                self.put_row(next, known);
            }
            id = next;
        }
    }

    pub(super) fn cart_id(&self, call: &mut Call<'_>) -> CartId {
        match &call.request.key {
            // With the start, so that two copies of a store begin two carts under one key.
            Some(key) => {
                let (node, boot) = (node_bytes(&self.config.node), self.identity.boot());
                CartId::hash_of("tillmesh cart", &[node, boot.as_bytes(), key.as_bytes()])
            }
            None => {
                let mut bytes = [0; CartId::LEN];
                call.rng.fill_bytes(&mut bytes);
                CartId::from_bytes(bytes)
            }
        }
    }
}

fn node_bytes(node: &Name) -> &[u8] {
    node.as_str().as_bytes()
}
