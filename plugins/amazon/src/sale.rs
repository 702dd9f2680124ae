//! An order of any of Amazon's interfaces, and what it means as it stands.

use serde::Deserialize;
use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::json::{self, Field, Raw};
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure, Line, LineContent, StatedTotals, failure, fulfilment};

use crate::money::Amount;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is asked for yet: it is not paid, or its goods are not out yet.
    Pending,
    /// Its goods are wanted.
    Open,
    /// All of its goods have left.
    Shipped,
    Cancelled,
}

/// An order.
#[derive(Debug)]
pub(crate) struct Sale {
    pub id: String,
    pub standing: Standing,
    /// Who keeps its goods, in Amazon's words; none: it does not say.
    pub kept_by: Option<String>,
    pub placed_at: i64,
    pub changed_at: i64,
    pub currency: String,
    pub lines: Vec<Line>,
    pub stated: StatedTotals,
}

impl Sale {
    /// The order, its cancellation, or nothing; and, where the channel fulfils its orders itself, that it left.
    pub(crate) fn commands(self, context: &Context) -> Result<Vec<Command>, Failure> {
        let Self { id, standing, kept_by, placed_at, changed_at, currency, lines, stated } = self;
        if standing == Standing::Pending {
            return Ok(Vec::new());
        }
        let location = match location::of("fulfilledBy", kept_by.as_deref(), context)? {
            Place::Ignored => return Ok(Vec::new()),
            Place::Here(location) => Some(location),
            Place::Unsaid => None,
        };
        if standing == Standing::Cancelled {
            let reason = Some("canceled".to_owned());
            return Ok(vec![Command::CancelOrder(CancelOrder { reference: id, cancelled_at: changed_at, reason })]);
        }
        let mut left = None;
        // Nodes ship nothing that Amazon keeps.
        if standing == Standing::Shipped && (kept_by.is_some() || fulfilment::is_of_channel(context)?) {
            left = fulfilment::of(&id, &lines, changed_at, location.clone());
        }
        if lines.is_empty() {
            return Err(failure::malformed("items", "", "an order must have at least one line"));
        }
        let (reference, customer_ref) = (id, None);
        let placed = PlaceOrder { reference, lines, customer_ref, currency, stated, placed_at, location };
        Ok(std::iter::once(Command::PlaceOrder(placed)).chain(left).collect())
    }
}

/// An answer whose payload is an order, or has several.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    payload: Raw<'a>,
}

#[derive(Deserialize)]
struct Several<O> {
    #[serde(alias = "Orders")]
    orders: Option<Vec<O>>,
}

impl<'a> Answer<'a> {
    /// The orders.
    pub(crate) fn orders<O: Deserialize<'a>>(&self) -> Result<Vec<O>, Failure> {
        let payload = Field::new("payload", self.payload);
        let text = payload.require(self.payload)?.get().as_bytes();
        match json::read::<Several<O>>(text)?.orders {
            Some(orders) => Ok(orders),
            None => Ok(vec![json::read(text)?]),
        }
    }
}

/// The currency of orders that state no price.
const CURRENCY: &str = "USD";

/// The currency of an order: of its total, else of its first price, else the one that the settings say.
pub(crate) fn currency<'a>(
    prices: impl IntoIterator<Item = (&'static str, Option<&'a Amount<'a>>)>,
    context: &Context,
) -> Result<String, Failure> {
    let stated = prices.into_iter().find_map(|(name, price)| price.map(|price| price.currency(name)));
    stated.unwrap_or_else(|| Ok(context.setting("currency").unwrap_or(CURRENCY).to_owned()))
}

/// The node's location of those whose goods Amazon keeps itself; goods of the seller are the channel's location's.
pub(crate) fn kept_by(word: Option<String>, by_amazon: &str) -> Option<String> {
    word.filter(|word| word == by_amazon).map(|_| "AMAZON".to_owned())
}

/// A text that must be there.
pub(crate) fn text(name: &str, raw: Raw<'_>) -> Result<String, Failure> {
    let field = Field::new(name, raw);
    field.require(field.text()?)
}

/// A time that must be there.
pub(crate) fn time(name: &str, raw: Raw<'_>) -> Result<i64, Failure> {
    let field = Field::new(name, raw);
    field.require(field.time()?)
}

/// A number of units, not below 0.
pub(crate) fn units(name: &str, raw: Raw<'_>) -> Result<u64, Failure> {
    let field = Field::new(name, raw);
    let units = field.require(field.units()?)?;
    u64::try_from(units).map_err(|_| field.malformed("it must not be below 0"))
}

/// The seller's SKU as it is; else the article that the catalogue knows by Amazon's number for it.
pub(crate) fn article(
    sku: Field<'_, '_>,
    asin: Field<'_, '_>,
    catalogue: &dyn Catalogue,
) -> Result<LineContent, Failure> {
    if let Some(sku) = sku.sku()? {
        return Ok(LineContent::Sku(sku));
    }
    let number = asin.require(asin.text()?)?;
    let rule = "no product has this reference, and the line has no SKU of the seller's";
    let unknown = || failure::unknown_sku(asin.path, &number, rule);
    article::sku(&[(Kind::Other, &number)], catalogue).map(LineContent::Sku).ok_or_else(unknown)
}
