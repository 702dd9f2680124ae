//! Commands on carts.

use std::collections::BTreeSet;

use super::Engine;
use super::record::Draft;
use super::sales::FromCart;
use super::state::Call;
use crate::cart::{self, AddId, Added, Begun, CartLine, CartRow, Checkout, MAX_CART_LINES, Removal};
use crate::catalog::{Product, check_price};
use crate::command::{Outcome, Priced, TenderRequest};
use crate::document::{CHECKOUTS, DocumentId, LINES, Put, REMOVALS, Scope};
use crate::event::Body;
use crate::id::{CartId, Name, Reference, Sku};
use crate::money::UnitPrice;
use crate::refusal::Refusal;
use crate::storage::Storage;

use super::prices::check_quantity;

/// The most entries that a cart may ever take, so that one that is edited for ever stays small.
const MAX_ENTRIES: usize = 4_000;
/// The longest coupon code in bytes.
const MAX_COUPON: usize = 64;

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
        let row = self.cart_with_room(id)?;
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
        let row = self.cart_with_room(id)?;
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
        self.cart_with_room(id)?;
        if code.is_empty() || code.len() > MAX_COUPON || code.chars().any(char::is_control) {
            return Err(Refusal::invalid("code", code, format!("a coupon code has 1 to {MAX_COUPON} bytes")));
        }
        let put = self.entry(LINES, cart::write(&Added::Coupon(code.to_owned())));
        self.write_cart(call, id, vec![put])
    }

    pub(super) fn checkout(
        &mut self,
        call: &mut Call<'_>,
        id: CartId,
        priced: &Priced,
        tenders: &[TenderRequest],
    ) -> Result<Outcome, Refusal> {
        let row = self.open_cart(id)?;
        let lines: BTreeSet<&AddId> = row.lines().into_iter().map(|(id, _)| id).collect();
        if lines.is_empty() {
            return Err(Refusal::CartEmpty { cart: id });
        }
        if lines != priced.add_ids.iter().collect() {
            return Err(Refusal::CartChanged { cart: id });
        }
        let from = FromCart {
            cart: Some(id),
            adjustments: priced.adjustments.clone(),
            proof: priced.proof.as_ref().map(|(proof, _)| *proof),
        };
        let sale = self.sale(None, &priced.lines, tenders, row.customer(), from)?;
        let order = call.event_id(&self.config.node);
        let location = self.config.location.clone();
        let recorded = self.record(call, &location, Draft { id: order, body: Body::Sale(sale), occurred_at: None })?;
        let (add_ids, node) = (priced.add_ids.clone(), self.config.node.clone());
        let put = self.entry(CHECKOUTS, cart::write(&Checkout { order, add_ids, at: call.now, node }));
        let _cart = self.write_cart(call, id, vec![put]).inspect_err(|error| self.break_off(error))?;
        if let Some((_, inputs)) = &priced.proof {
            self.keep(inputs)?;
        }
        Ok(Outcome::Recorded { events: vec![recorded], repeated: false })
    }

    fn open_cart(&self, id: CartId) -> Result<CartRow, Refusal> {
        self.check_carts_held()?;
        let row = self.row::<CartRow>(&id)?.ok_or_else(|| Refusal::NotFound { kind: "cart", id: id.to_string() })?;
        if let Some(checkout) = row.checkouts().first() {
            return Err(Refusal::CheckedOut { cart: id, order: checkout.order });
        }
        Ok(row)
    }

    /// A cart that takes more. A full one can still be checked out.
    fn cart_with_room(&self, id: CartId) -> Result<CartRow, Refusal> {
        let row = self.open_cart(id)?;
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
    fn entry(&mut self, block: &str, value: Vec<u8>) -> Put {
        let (epoch, boot) = (self.identity.writer().epoch, self.identity.boot());
        let key = format!("{epoch}-{boot}-{}", self.next_entry);
        self.next_entry += 1;
        Put { block: block.to_owned(), key, value }
    }

    fn write_cart(&mut self, call: &Call<'_>, id: CartId, puts: Vec<Put>) -> Result<Outcome, Refusal> {
        let scope = Scope::Carts(self.config.region.clone());
        self.write(call.now, &scope, &DocumentId::Cart { id }, &puts)?;
        self.update_row::<CartRow>(id, |row| {
            puts.iter().for_each(|put| row.apply(&put.block, &put.key, &put.value));
        })?;
        let row = self.row::<CartRow>(&id)?.unwrap_or_default();
        Ok(Outcome::Cart { id, row: Box::new(row), repeated: false })
    }

    fn cart_id(&self, call: &mut Call<'_>) -> CartId {
        match &call.request.key {
            Some(key) => CartId::hash_of("tillmesh cart", &[node_bytes(&self.config.node), key.as_bytes()]),
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
