//! What plugins make of channels' messages: several commands, all or none, each under an id that is the same at every
//! node.

use std::collections::BTreeMap;

use super::Engine;
use super::record::Draft;
use super::state::Call;
use super::stock::{check_counted, check_time};
use crate::catalog::{Product, is_of};
use crate::channel::{ChannelCommand, CommandLine, CommandProduct, LineContent, StatedTotals, StockLine};
use crate::command::{Kept, Outcome};
use crate::document::Scope;
use crate::event::{
    self, Adjustment, AdjustmentReason, Body, Count, CountOf, Fulfilment, Line, LinePrice, PricedLine, Promise,
    PromisePolicy, Receipt, ReceiptLine, Return, ReturnLine, Sale,
};
use crate::fleet::Write;
use crate::id::{EventId, Name, Reference};
use crate::money::{Currency, Money};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::time::Timestamp;
use crate::view::EventRow;

/// A command that became an event: where, under which id, what, when.
struct Translated {
    location: Option<Name>,
    id: EventId,
    body: Body,
    at: Timestamp,
    reference: Option<Reference>,
}

/// What a command comes to, checked.
enum Step {
    Nothing,
    Product(Box<Product>),
    Event(Box<Translated>),
}

/// What a message named so far by a number of the channel's, and how often.
#[derive(Default)]
struct Named<'a>(BTreeMap<(&'static str, &'a str, &'a str), u32>);

impl<'a> Named<'a> {
    /// The id of what the channel itself numbers, so that it counts once whichever message brings it. Goods that came
    /// in have none: a delivery note comes again with each part of a delivery.
    fn id(&mut self, channel: &Name, command: &'a ChannelCommand) -> Option<EventId> {
        let (kind, reference, sku) = match command {
            ChannelCommand::RecordReturn { reference, .. } => ("return", reference, ""),
            ChannelCommand::FulfilOrder { reference, .. } => ("fulfilment", reference, ""),
            ChannelCommand::AdjustStock { reference, sku, .. } => ("adjustment", reference, sku.as_str()),
            _ => return None,
        };
        let times = self.0.entry((kind, reference.as_str(), sku)).or_default();
        *times += 1;
        let parts = [channel.as_str(), kind, reference.as_str(), sku].map(str::as_bytes);
        let parts = [parts[0], parts[1], parts[2], parts[3], &times.to_be_bytes()];
        Some(EventId::hash_of("tillmesh channel reference", &parts))
    }
}

impl<S: Storage> Engine<S> {
    pub(super) fn channel(
        &mut self,
        call: &mut Call<'_>,
        message: &str,
        commands: &[ChannelCommand],
        kept: &[Kept],
    ) -> Result<Outcome, Refusal> {
        let channel = call.request.channel.clone();
        let channel =
            channel.ok_or_else(|| Refusal::invalid("channel", "nothing", "a message comes from a channel"))?;
        let known = self.knows_message(&channel, message, call.request.digest)?;
        // Everything is checked before anything is recorded, so that a refusal leaves nothing half done.
        let mut steps = Vec::with_capacity(commands.len());
        let mut named = Named::default();
        for (part, command) in commands.iter().enumerate() {
            let part = u32::try_from(part).unwrap_or(u32::MAX);
            let own = named.id(&channel, command);
            let own = own.unwrap_or_else(|| EventId::of_channel_message(&channel, message, part));
            steps.push(self.step(call.now, &channel, own, command)?);
        }
        let mut events = Vec::new();
        let mut repeated = true;
        for step in steps {
            let new = match step {
                Step::Nothing => false,
                // What others put there since stays.
                Step::Product(_) if known => false,
                Step::Product(product) => {
                    let mut products = self.renamed(&channel, &product)?;
                    products.push(*product);
                    matches!(self.put_products(call.now, &products)?, Outcome::Catalogue { changed } if changed > 0)
                }
                // So do levels and whatever else a plugin makes of it now, or another version of the plugin.
                Step::Event(translated) if known && !self.counts(&translated.id)? => false,
                Step::Event(translated) => {
                    let (event, new) = self.record_translated(call, *translated)?;
                    events.extend(event);
                    new
                }
            };
            repeated &= !new;
        }
        // One that says nothing new is not worth a commit: should another follow under its id, nothing of it is lost.
        if !known && (!repeated || !kept.is_empty()) {
            self.keep_for_driver(kept);
            self.remember_message(&channel, message, call.request.digest);
        }
        Ok(Outcome::Recorded { events, repeated })
    }

    fn step(&self, now: Timestamp, channel: &Name, own: EventId, command: &ChannelCommand) -> Result<Step, Refusal> {
        if let ChannelCommand::UpsertProduct { product } = command {
            let product = self.product_of_channel(channel, product)?;
            product.check("")?;
            self.check_role(&Write::Catalogue)?;
            self.check_held("sku", &product.sku, &Scope::Catalog)?;
            return Ok(Step::Product(Box::new(product)));
        }
        if is_of_charges_alone(command) {
            return Ok(Step::Nothing);
        }
        let Some(translated) = self.translate(channel, own, command)? else { return Ok(Step::Nothing) };
        check_time(now, time_field(command), translated.at)?;
        if let Body::Count(_) = &translated.body {
            check_counted(now, time_field(command), translated.at)?;
        }
        let location = self.location(translated.location.as_ref());
        let mut as_recorded = translated.body.clone();
        if let Body::Sale(sale) = &mut as_recorded {
            // No number is longer.
            sale.receipt = u64::MAX;
        }
        self.prepare(&mut as_recorded, self.day(now, location).date)?;
        self.check_event_role(location, &translated.body)?;
        self.check_location_held("location", location)?;
        Ok(Step::Event(Box::new(translated)))
    }

    /// Whether an event was recorded and counts.
    fn counts(&self, id: &EventId) -> Result<bool, Refusal> {
        Ok(self.row::<EventRow>(id)?.is_some_and(|row| row.counted().is_some()))
    }

    fn record_translated(
        &mut self,
        call: &mut Call<'_>,
        mut translated: Translated,
    ) -> Result<(Option<(event::Event, event::Origin)>, bool), Refusal> {
        let known = self.row::<EventRow>(&translated.id)?.and_then(|row| row.counted());
        if let Some(at) = known {
            return Ok((self.event(at)?, false));
        }
        if let Body::Sale(sale) = &mut translated.body {
            sale.receipt = self.next_receipt();
        }
        let request = crate::command::Request {
            reference: translated.reference.or_else(|| call.request.reference.clone()),
            ..call.request.clone()
        };
        let location = self.location(translated.location.as_ref()).clone();
        let draft = Draft { id: translated.id, body: translated.body, occurred_at: Some(translated.at) };
        let call = Call { now: call.now, rng: call.rng, request: &request };
        self.record(&call, &location, draft).map(|event| (Some(event), true))
    }

    fn translate(&self, channel: &Name, own: EventId, command: &ChannelCommand) -> Result<Option<Translated>, Refusal> {
        use ChannelCommand as C;
        let translated = |location: &Option<Name>, id, body, at: &Timestamp, reference: Option<&Reference>| {
            Translated { location: location.clone(), id, body, at: *at, reference: reference.cloned() }
        };
        Ok(Some(match command {
            C::PlaceOrder { reference, lines, customer_ref, currency, stated, placed_at, location } => {
                let body = promise(lines, customer_ref.as_ref(), *currency, stated)?;
                translated(location, order_id(channel, reference), body, placed_at, Some(reference))
            }
            C::CancelOrder { reference, cancelled_at, reason } => {
                let reason = reason.as_deref().and_then(|reason| Reference::new(reason).ok());
                return self.cancellation(channel, reference, *cancelled_at, reason);
            }
            C::SetAvailable { sku, available, as_of, location } => {
                let lines = vec![Line { sku: sku.clone(), quantity: *available }];
                let count = Count { lines, seen: Vec::new(), of: CountOf::Available };
                translated(location, own, Body::Count(count), as_of, None)
            }
            C::RecordSale { reference, lines, customer_ref, currency, sold_at, location } => {
                let body = self.channel_sale(lines, customer_ref.as_ref(), *currency)?;
                translated(location, order_id(channel, reference), body, sold_at, Some(reference))
            }
            C::RecordReturn { reference, order, lines, returned_at, location } => {
                let order = order.as_ref().map(|order| order_id(channel, order));
                let lines = lines.iter().map(|line| {
                    Ok(ReturnLine {
                        sku: line.sku.clone(),
                        quantity: quantity(line.quantity)?,
                        restock: true,
                        undecided: None,
                    })
                });
                let body =
                    Body::Return(Return { order, lines: lines.collect::<Result<_, Refusal>>()?, authorisation: None });
                translated(location, own, body, returned_at, Some(reference))
            }
            C::FulfilOrder { reference, order, lines, fulfilled_at, location } => {
                let promise = order_id(channel, order);
                let body = Fulfilment {
                    promise,
                    lines: stock_lines(lines)?,
                    parcel: Some(reference.clone()),
                    // What a message says must not depend on what the node has heard.
                    handover: None,
                    stages: None,
                    from: None,
                };
                translated(location, own, Body::Fulfilment(body), fulfilled_at, Some(reference))
            }
            C::ReceiveStock { reference, lines, received_at, location } => {
                let line = |line: Line| ReceiptLine { sku: line.sku, quantity: line.quantity, minted: None };
                let lines = stock_lines(lines)?.into_iter().map(line).collect();
                translated(location, own, Body::Receipt(Receipt { lines }), received_at, Some(reference))
            }
            C::AdjustStock { reference, sku, change, reason: _, adjusted_at, location } => {
                let lines = vec![Line { sku: sku.clone(), quantity: *change }];
                let reason = if *change < 0 { AdjustmentReason::WrittenOff } else { AdjustmentReason::Found };
                translated(location, own, Body::Adjustment(Adjustment { lines, reason }), adjusted_at, Some(reference))
            }
            C::CountStock { reference, lines, counted_at, location } => {
                let body = Body::Count(Count { lines: stock_lines(lines)?, seen: Vec::new(), of: CountOf::OnHand });
                translated(location, own, body, counted_at, Some(reference))
            }
            C::UpsertProduct { .. } => return Ok(None),
        }))
    }

    /// A cancellation gives up what has not left. One of an order that is not known here cannot be kept: it says so.
    fn cancellation(
        &self,
        channel: &Name,
        reference: &Reference,
        at: Timestamp,
        reason: Option<Reference>,
    ) -> Result<Option<Translated>, Refusal> {
        let promise = order_id(channel, reference);
        let id = EventId::hash_of("tillmesh cancellation", &[promise.as_bytes()]);
        let order = self.order(promise)?;
        let lines = super::orders::open_lines(&order);
        if lines.is_empty() && self.row::<EventRow>(&id)?.is_none() {
            return Ok(None);
        }
        let body = Body::Release(self.release_of(&order, lines, reason));
        let location = Some(order.origin.location);
        Ok(Some(Translated { location, id, body, at, reference: Some(reference.clone()) }))
    }

    fn channel_sale(
        &self,
        lines: &[CommandLine],
        customer: Option<&Reference>,
        currency: Currency,
    ) -> Result<Body, Refusal> {
        Ok(Body::Sale(Sale {
            // The number is given when the sale is recorded.
            receipt: 0,
            lines: priced_lines(lines, currency)?,
            currency: Some(currency),
            adjustments: Vec::new(),
            tenders: Vec::new(),
            customer: customer.cloned(),
            cart: None,
            pricing: None,
            tax: None,
            rounding: None,
        }))
    }

    /// The channel says what it knows; what other channels call the product stays.
    fn product_of_channel(&self, channel: &Name, product: &CommandProduct) -> Result<Product, Refusal> {
        let mut references = self.row::<Product>(&product.sku)?.map(|known| known.references).unwrap_or_default();
        references.retain(|name, _| !is_of(name, channel));
        for (place, reference) in product.references.iter().enumerate() {
            let name = if place == 0 {
                channel.clone()
            } else {
                Name::new(&format!("{channel}-{place}")).unwrap_or_else(|_| channel.clone())
            };
            references.insert(name, reference.clone());
        }
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Ok(Product {
            sku: product.sku.clone(),
            name: product.name.to_string(),
            price: product.price,
            gtin: text(&product.gtin),
            department: text(&product.department),
            category: text(&product.category),
            unit: text(&product.unit),
            tax_class: product.tax_class.as_deref().and_then(|class| Name::new(class).ok()),
            references,
        })
    }
}

/// The order that a channel's reference means: the same at every node, whichever message brings it.
pub fn order_id(channel: &Name, reference: &Reference) -> EventId {
    EventId::hash_of("tillmesh channel order", &[channel.as_str().as_bytes(), reference.as_str().as_bytes()])
}

fn promise(
    lines: &[CommandLine],
    customer: Option<&Reference>,
    currency: Currency,
    stated: &StatedTotals,
) -> Result<Body, Refusal> {
    let amount = |money: Option<Money>| money.map(|money| money.amount);
    Ok(Body::Promise(Promise {
        lines: priced_lines(lines, currency)?,
        policy: PromisePolicy::Open,
        expires_at: None,
        currency: Some(currency),
        adjustments: Vec::new(),
        customer: customer.cloned(),
        cart: None,
        stated: Some(event::StatedTotals {
            subtotal: amount(stated.subtotal),
            discount: amount(stated.discount),
            shipping: amount(stated.shipping),
            tax: amount(stated.tax),
            total: amount(stated.total),
            consistent: stated.adds_up().unwrap_or(false),
        }),
        pricing: None,
        tax: None,
    }))
}

/// Whether nothing of an order or a sale is goods. Then there is nothing to keep and nothing that left.
fn is_of_charges_alone(command: &ChannelCommand) -> bool {
    let (ChannelCommand::PlaceOrder { lines, .. } | ChannelCommand::RecordSale { lines, .. }) = command else {
        return false;
    };
    !lines.is_empty() && lines.iter().all(|line| matches!(line.content, LineContent::Charge(_)))
}

/// What the time of a command is called in the contract with plugins.
const fn time_field(command: &ChannelCommand) -> &'static str {
    use ChannelCommand as C;
    match command {
        C::PlaceOrder { .. } => "placed-at",
        C::CancelOrder { .. } => "cancelled-at",
        C::SetAvailable { .. } => "as-of",
        C::RecordSale { .. } => "sold-at",
        C::RecordReturn { .. } => "returned-at",
        C::FulfilOrder { .. } => "fulfilled-at",
        C::ReceiveStock { .. } => "received-at",
        C::AdjustStock { .. } => "adjusted-at",
        C::CountStock { .. } => "counted-at",
        C::UpsertProduct { .. } => "product",
    }
}

/// The lines that are goods. Charges (gift wrapping, a tip) move no stock; the stated totals hold them.
fn priced_lines(lines: &[CommandLine], currency: Currency) -> Result<Vec<PricedLine>, Refusal> {
    let mut priced = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let LineContent::Sku(sku) = &line.content else { continue };
        let found = line.amount.map(|a| a.currency).or(line.unit_price.map(|p| p.currency)).unwrap_or(currency);
        if found != currency {
            let (value, expected) = (found.to_string(), currency.to_string());
            return Err(Refusal::Currency { field: format!("lines[{index}].amount.currency"), value, expected });
        }
        priced.push(PricedLine {
            sku: sku.clone(),
            quantity: quantity(line.quantity)?,
            amount: line.amount.map(|amount| amount.amount),
            unit_price: line.unit_price.map(|price| LinePrice { amount: price.amount, scale: price.scale }),
            burned: None,
        });
    }
    super::prices::check_count("lines", priced.len())?;
    Ok(priced)
}

fn stock_lines(lines: &[StockLine]) -> Result<Vec<Line>, Refusal> {
    super::prices::check_count("lines", lines.len())?;
    lines.iter().map(|line| Ok(Line { sku: line.sku.clone(), quantity: quantity(line.quantity)? })).collect()
}

fn quantity(quantity: u64) -> Result<i64, Refusal> {
    let signed = i64::try_from(quantity).unwrap_or(i64::MAX);
    super::prices::check_quantity("quantity", signed, 0).map(|()| signed)
}
