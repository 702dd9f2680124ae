//! What a channel's message means, in the node's words.

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{Name, Reference, Sku};
use crate::money::{Currency, Money, UnitPrice};
use crate::time::Timestamp;

/// The most lines of one command: the longest order that a channel is known to send, twice over.
pub const MAX_LINES: usize = 1_000;

/// The largest quantity, in base units of the SKU: a thousand tonnes in milligrams.
pub const MAX_QUANTITY: u64 = 1_000_000_000_000;

/// The longest reason, product name, department, category, unit, tax class or GTIN in bytes.
pub const MAX_TEXT: usize = 255;

/// What a channel's message means. A location that is left out is the node's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChannelCommand {
    /// An order was placed at the channel: goods are to be kept for it.
    #[n(0)]
    PlaceOrder {
        /// The channel's id of the order.
        #[n(0)]
        reference: Reference,
        /// What was ordered.
        #[n(1)]
        lines: Vec<CommandLine>,
        /// The channel's opaque reference of the customer.
        #[n(2)]
        customer_ref: Option<Reference>,
        /// The currency of every amount.
        #[n(3)]
        currency: Currency,
        /// The totals that the channel states, as it states them.
        #[n(4)]
        stated: StatedTotals,
        /// When it was placed.
        #[n(5)]
        placed_at: Timestamp,
        /// Where the goods are to come from.
        #[n(6)]
        location: Option<Name>,
    },
    /// An order of the channel was cancelled there.
    #[n(1)]
    CancelOrder {
        /// The channel's id of the order.
        #[n(0)]
        reference: Reference,
        /// When it was cancelled.
        #[n(1)]
        cancelled_at: Timestamp,
        /// Why, as a word of the channel, such as `customer` or `fraud`.
        #[n(2)]
        reason: Option<Box<str>>,
    },
    /// The channel states how much of something is available.
    #[n(2)]
    SetAvailable {
        /// What.
        #[n(0)]
        sku: Sku,
        /// What can be sold, besides what was promised; below 0 when the channel sold more than there was.
        #[n(1)]
        available: i64,
        /// When that was so.
        #[n(2)]
        as_of: Timestamp,
        /// Where.
        #[n(3)]
        location: Option<Name>,
    },
    /// Goods were sold over a counter.
    #[n(3)]
    RecordSale {
        /// The receipt's number at its till.
        #[n(0)]
        reference: Reference,
        /// What was sold.
        #[n(1)]
        lines: Vec<CommandLine>,
        /// The channel's opaque reference of the customer.
        #[n(2)]
        customer_ref: Option<Reference>,
        /// The currency of every amount.
        #[n(3)]
        currency: Currency,
        /// When.
        #[n(4)]
        sold_at: Timestamp,
        /// Where.
        #[n(5)]
        location: Option<Name>,
    },
    /// Goods came back.
    #[n(4)]
    RecordReturn {
        /// The return's number.
        #[n(0)]
        reference: Reference,
        /// The order or receipt that they were sold by; without it the return is a blind one, which moves stock only.
        #[n(1)]
        order: Option<Reference>,
        /// What came back.
        #[n(2)]
        lines: Vec<StockLine>,
        /// When.
        #[n(3)]
        returned_at: Timestamp,
        /// Where.
        #[n(4)]
        location: Option<Name>,
    },
    /// An order was handed over or shipped, wholly or in part.
    #[n(5)]
    FulfilOrder {
        /// The fulfilment's number.
        #[n(0)]
        reference: Reference,
        /// The order.
        #[n(1)]
        order: Reference,
        /// What left.
        #[n(2)]
        lines: Vec<StockLine>,
        /// When.
        #[n(3)]
        fulfilled_at: Timestamp,
        /// Where from.
        #[n(4)]
        location: Option<Name>,
    },
    /// Goods came in.
    #[n(6)]
    ReceiveStock {
        /// The delivery note's number.
        #[n(0)]
        reference: Reference,
        /// What came in.
        #[n(1)]
        lines: Vec<StockLine>,
        /// When.
        #[n(2)]
        received_at: Timestamp,
        /// Where.
        #[n(3)]
        location: Option<Name>,
    },
    /// Goods were found, lost or written off.
    #[n(7)]
    AdjustStock {
        /// The adjustment's number.
        #[n(0)]
        reference: Reference,
        /// What.
        #[n(1)]
        sku: Sku,
        /// By how much, in base units: above 0 found, below 0 lost; never 0.
        #[n(2)]
        change: i64,
        /// Why.
        #[n(3)]
        reason: Option<Box<str>>,
        /// When.
        #[n(4)]
        adjusted_at: Timestamp,
        /// Where.
        #[n(5)]
        location: Option<Name>,
    },
    /// Goods were counted.
    #[n(8)]
    CountStock {
        /// The count's number.
        #[n(0)]
        reference: Reference,
        /// What was counted, 0 included.
        #[n(1)]
        lines: Vec<StockLine>,
        /// When.
        #[n(2)]
        counted_at: Timestamp,
        /// Where.
        #[n(3)]
        location: Option<Name>,
    },
    /// A product is new or has changed.
    #[n(9)]
    UpsertProduct {
        /// The product, whole: what is left out is taken away.
        #[n(0)]
        product: CommandProduct,
    },
}

/// One line with a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct CommandLine {
    /// What the line is.
    #[n(0)]
    pub content: LineContent,
    /// How much, in base units of the SKU; at least 1.
    #[n(1)]
    pub quantity: u64,
    /// The price of one base unit.
    #[n(2)]
    pub unit_price: Option<UnitPrice>,
    /// The line's amount after its own discounts, where the channel states or implies it.
    #[n(3)]
    pub amount: Option<Money>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(rename_all = "kebab-case")]
pub enum LineContent {
    /// An article of the catalogue.
    #[n(0)]
    Sku(#[n(0)] Sku),
    /// A charge that is no article (gift wrapping, a tip): it counts as money and moves no stock. The channel's
    /// reference of the line.
    #[n(1)]
    Charge(#[n(0)] Reference),
}

/// One line without a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct StockLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much, in base units of the SKU.
    #[n(1)]
    pub quantity: u64,
}

/// The totals of an order as a channel states them: kept to the letter, never repaired.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct StatedTotals {
    /// The goods, after discounts.
    #[n(0)]
    pub subtotal: Option<Money>,
    /// What was taken off to come to the subtotal; above 0.
    #[n(1)]
    pub discount: Option<Money>,
    /// Taxes.
    #[n(2)]
    pub tax: Option<Money>,
    /// Whether the taxes are in the subtotal already.
    #[n(3)]
    pub tax_included: bool,
    /// Shipping.
    #[n(4)]
    pub shipping: Option<Money>,
    /// What is to be paid.
    #[n(5)]
    pub total: Option<Money>,
}

/// A product as a channel describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct CommandProduct {
    /// The SKU.
    #[n(0)]
    pub sku: Sku,
    /// The name.
    #[n(1)]
    pub name: Box<str>,
    /// The price of one base unit.
    #[n(2)]
    pub price: Option<UnitPrice>,
    /// The GTIN, digits only.
    #[n(3)]
    pub gtin: Option<Box<str>>,
    /// The department.
    #[n(4)]
    pub department: Option<Box<str>>,
    /// The category.
    #[n(5)]
    pub category: Option<Box<str>>,
    /// The base unit.
    #[n(6)]
    pub unit: Option<Box<str>>,
    /// The tax class.
    #[n(7)]
    pub tax_class: Option<Box<str>>,
    /// What the channel calls it, such as Shopify's inventory item `49148385`: the keys of later look-ups.
    #[n(8)]
    pub references: Vec<Reference>,
}

impl StatedTotals {
    /// Whether subtotal, tax (unless it is included) and shipping come to the total; `None` when the channel does not
    /// state subtotal and total. An order whose totals do not add up is kept as it is and shown.
    pub fn adds_up(&self) -> Option<bool> {
        let (subtotal, total) = (self.subtotal?, self.total?);
        let tax = if self.tax_included { None } else { self.tax };
        let sum = [tax, self.shipping].into_iter().flatten().try_fold(subtotal, Money::plus);
        Some(sum.is_ok_and(|sum| sum == total))
    }

    fn amounts(&self) -> [(&'static str, Option<Money>); 5] {
        [
            ("stated.subtotal", self.subtotal),
            ("stated.discount", self.discount),
            ("stated.tax", self.tax),
            ("stated.shipping", self.shipping),
            ("stated.total", self.total),
        ]
    }
}

/// Why a command is refused: what its plugin made is against the rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{command}: {field}: {value:?} is refused: {rule}")]
pub struct InvalidCommand {
    /// The kind of command.
    pub command: &'static str,
    /// The offending field.
    pub field: String,
    /// Its value.
    pub value: String,
    /// The rule in words.
    pub rule: String,
}

impl ChannelCommand {
    /// The kind of command, such as `place-order`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::PlaceOrder { .. } => "place-order",
            Self::CancelOrder { .. } => "cancel-order",
            Self::SetAvailable { .. } => "set-available",
            Self::RecordSale { .. } => "record-sale",
            Self::RecordReturn { .. } => "record-return",
            Self::FulfilOrder { .. } => "fulfil-order",
            Self::ReceiveStock { .. } => "receive-stock",
            Self::AdjustStock { .. } => "adjust-stock",
            Self::CountStock { .. } => "count-stock",
            Self::UpsertProduct { .. } => "upsert-product",
        }
    }

    /// Checks what the types alone do not: quantities, currencies, counts of lines, times and lengths of texts.
    ///
    /// # Errors
    /// For the first field that breaks its rule.
    pub fn check(&self) -> Result<(), InvalidCommand> {
        match self {
            Self::PlaceOrder { lines, currency, stated, placed_at, .. } => {
                self.check_priced(lines, *currency)?;
                self.check_time("placed_at", *placed_at)?;
                stated.amounts().into_iter().try_for_each(|(field, money)| self.check_money(field, money, *currency))
            }
            Self::CancelOrder { cancelled_at, reason, .. } => {
                self.check_time("cancelled_at", *cancelled_at)?;
                self.check_text("reason", reason.as_deref())
            }
            Self::SetAvailable { available, as_of, .. } => {
                self.check_time("as_of", *as_of)?;
                self.check_quantity("available", available.unsigned_abs(), 0)
            }
            Self::RecordSale { lines, currency, sold_at, .. } => {
                self.check_time("sold_at", *sold_at)?;
                self.check_priced(lines, *currency)
            }
            Self::RecordReturn { lines, returned_at: at, .. } => self.check_stock(lines, "returned_at", *at, 1),
            Self::FulfilOrder { lines, fulfilled_at: at, .. } => self.check_stock(lines, "fulfilled_at", *at, 1),
            Self::ReceiveStock { lines, received_at: at, .. } => self.check_stock(lines, "received_at", *at, 1),
            Self::CountStock { lines, counted_at: at, .. } => self.check_stock(lines, "counted_at", *at, 0),
            Self::AdjustStock { change, reason, adjusted_at, .. } => {
                self.check_time("adjusted_at", *adjusted_at)?;
                self.check_text("reason", reason.as_deref())?;
                self.check_quantity("change", change.unsigned_abs(), 1)
            }
            Self::UpsertProduct { product } => self.check_product(product),
        }
    }

    fn check_priced(&self, lines: &[CommandLine], currency: Currency) -> Result<(), InvalidCommand> {
        self.check_count(lines.len())?;
        for (index, line) in lines.iter().enumerate() {
            self.check_quantity(format_args!("lines[{index}].quantity"), line.quantity, 1)?;
            self.check_money(format_args!("lines[{index}].amount"), line.amount, currency)?;
            if let Some(price) = line.unit_price
                && (price.currency != currency || price.checked().is_err())
            {
                let rule = format!("it must be a price in {currency}");
                return Err(self.invalid(format_args!("lines[{index}].unit_price"), price.amount, rule));
            }
        }
        Ok(())
    }

    fn check_stock(&self, lines: &[StockLine], field: &str, at: Timestamp, least: u64) -> Result<(), InvalidCommand> {
        self.check_time(field, at)?;
        self.check_count(lines.len())?;
        let mut quantities = lines.iter().enumerate();
        quantities.try_for_each(|(index, line)| {
            self.check_quantity(format_args!("lines[{index}].quantity"), line.quantity, least)
        })
    }

    fn check_product(&self, product: &CommandProduct) -> Result<(), InvalidCommand> {
        let texts = [
            ("name", Some(&product.name)),
            ("gtin", product.gtin.as_ref()),
            ("department", product.department.as_ref()),
            ("category", product.category.as_ref()),
            ("unit", product.unit.as_ref()),
            ("tax_class", product.tax_class.as_ref()),
        ];
        texts.into_iter().try_for_each(|(field, text)| self.check_text(field, text.map(|text| &**text)))?;
        if product.references.len() > MAX_LINES {
            let rule = format!("at most {MAX_LINES} are allowed");
            return Err(self.invalid("references", product.references.len(), rule));
        }
        match product.price {
            Some(price) if price.amount < 0 || price.checked().is_err() => {
                Err(self.invalid("price", price.amount, "it must be a price, at least 0"))
            }
            _ => Ok(()),
        }
    }

    fn check_count(&self, count: usize) -> Result<(), InvalidCommand> {
        if (1..=MAX_LINES).contains(&count) {
            return Ok(());
        }
        Err(self.invalid("lines", count, format!("there must be 1 to {MAX_LINES}")))
    }

    /// Names of fields are written out only where they are said.
    fn check_quantity(&self, field: impl ToString, quantity: u64, least: u64) -> Result<(), InvalidCommand> {
        if (least..=MAX_QUANTITY).contains(&quantity) {
            return Ok(());
        }
        Err(self.invalid(field, quantity, format!("it must lie between {least} and {MAX_QUANTITY}")))
    }

    fn check_money(
        &self,
        field: impl ToString,
        money: Option<Money>,
        currency: Currency,
    ) -> Result<(), InvalidCommand> {
        match money {
            Some(money) if money.currency != currency || money.checked().is_err() => {
                let value = format!("{} {}", money.amount, money.currency);
                Err(self.invalid(field, value, format!("it must be an amount in {currency}")))
            }
            _ => Ok(()),
        }
    }

    fn check_time(&self, field: &str, at: Timestamp) -> Result<(), InvalidCommand> {
        match at.checked() {
            Some(_) => Ok(()),
            None => Err(self.invalid(field, at, "it must lie between 1970 and 9999")),
        }
    }

    fn check_text(&self, field: &str, text: Option<&str>) -> Result<(), InvalidCommand> {
        match text {
            Some(text) if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) => {
                let rule = format!("it must have 1 to {MAX_TEXT} bytes without control characters");
                Err(self.invalid(field, text, rule))
            }
            _ => Ok(()),
        }
    }

    fn invalid(&self, field: impl ToString, value: impl ToString, rule: impl Into<String>) -> InvalidCommand {
        let value = value.to_string().chars().take(80).collect();
        InvalidCommand { command: self.kind(), field: field.to_string(), value, rule: rule.into() }
    }
}
