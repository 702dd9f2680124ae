//! The parts of Square's bodies that are read.

use serde::Deserialize;
use tillmesh_plugin::json::Raw;

/// The webhook `inventory.count.updated`.
#[derive(Debug, Deserialize)]
pub(crate) struct CountUpdated<'a> {
    #[serde(borrow)]
    pub data: Option<Data<'a>>,
}

/// What a webhook is about.
#[derive(Debug, Deserialize)]
pub(crate) struct Data<'a> {
    #[serde(borrow)]
    pub object: Option<Counted<'a>>,
}

/// The counts of a webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Counted<'a> {
    #[serde(borrow)]
    pub inventory_counts: Option<Vec<Count<'a>>>,
}

/// The counts that the API gives.
#[derive(Debug, Deserialize)]
pub(crate) struct Counts<'a> {
    #[serde(borrow)]
    pub counts: Option<Vec<Count<'a>>>,
}

/// What changed, as the API gives it: one physical count, or several changes.
#[derive(Debug, Deserialize)]
pub(crate) struct Changes<'a> {
    #[serde(borrow)]
    pub count: Option<Count<'a>>,
    pub changes: Option<Vec<Change<'a>>>,
}

/// One change.
#[derive(Debug, Deserialize)]
pub(crate) struct Change<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: Raw<'a>,
    pub physical_count: Option<Count<'a>>,
}

/// How much there is of a variation at a location, or was counted.
#[derive(Debug, Deserialize)]
pub(crate) struct Count<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub catalog_object_id: Raw<'a>,
    pub location_id: Raw<'a>,
    pub state: Raw<'a>,
    pub quantity: Raw<'a>,
    pub calculated_at: Raw<'a>,
    pub occurred_at: Raw<'a>,
}

/// One order, or several.
#[derive(Debug, Deserialize)]
pub(crate) struct Orders<'a> {
    #[serde(borrow)]
    pub order: Option<Order<'a>>,
    pub orders: Option<Vec<Order<'a>>>,
}

/// An order.
#[derive(Debug, Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub location_id: Raw<'a>,
    pub customer_id: Raw<'a>,
    pub state: Raw<'a>,
    pub created_at: Raw<'a>,
    pub updated_at: Raw<'a>,
    pub closed_at: Raw<'a>,
    pub line_items: Option<Vec<LineItem<'a>>>,
    pub fulfillments: Option<Vec<Fulfilment<'a>>>,
    pub returns: Option<Vec<Returned<'a>>>,
    pub total_money: Option<Money<'a>>,
    pub total_tax_money: Option<Money<'a>>,
    pub total_discount_money: Option<Money<'a>>,
    pub total_service_charge_money: Option<Money<'a>>,
    pub total_tip_money: Option<Money<'a>>,
}

/// An amount in minor units.
#[derive(Debug, Deserialize)]
pub(crate) struct Money<'a> {
    #[serde(borrow)]
    pub amount: Raw<'a>,
    pub currency: Raw<'a>,
}

/// A line of an order, or what came back of one.
#[derive(Debug, Deserialize)]
pub(crate) struct LineItem<'a> {
    #[serde(borrow)]
    pub uid: Raw<'a>,
    pub catalog_object_id: Raw<'a>,
    pub quantity: Raw<'a>,
    pub base_price_money: Option<Money<'a>>,
    pub total_money: Option<Money<'a>>,
    pub total_tax_money: Option<Money<'a>>,
    pub total_service_charge_money: Option<Money<'a>>,
}

/// How goods get to the buyer. An order over the counter has none.
#[derive(Debug, Deserialize)]
pub(crate) struct Fulfilment<'a> {
    #[serde(rename = "type", borrow)]
    pub _kind: Raw<'a>,
}

/// Goods of an order that came back.
#[derive(Debug, Deserialize)]
pub(crate) struct Returned<'a> {
    #[serde(borrow)]
    pub return_line_items: Option<Vec<LineItem<'a>>>,
}
