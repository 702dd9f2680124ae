//! The parts of Shopify's bodies that are read. Every single value is kept as the JSON text that it is, so that a wrong
//! one can be named and an amount is never a float.

use serde::Deserialize;
use tillmesh_plugin::json::Raw;

/// An order.
#[derive(Debug, Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub created_at: Raw<'a>,
    pub cancelled_at: Raw<'a>,
    pub cancel_reason: Raw<'a>,
    pub currency: Raw<'a>,
    pub customer: Option<Customer<'a>>,
    pub location_id: Raw<'a>,
    pub line_items: Option<Vec<LineItem<'a>>>,
    pub shipping_lines: Option<Vec<ShippingLine<'a>>>,
    pub subtotal_price: Raw<'a>,
    pub total_discounts: Raw<'a>,
    pub total_tax: Raw<'a>,
    pub taxes_included: Raw<'a>,
    pub total_price: Raw<'a>,
}

/// The buyer: nothing of them but Shopify's number is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Customer<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
}

/// One line of an order.
#[derive(Debug, Deserialize)]
pub(crate) struct LineItem<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub variant_id: Raw<'a>,
    pub sku: Raw<'a>,
    pub quantity: Raw<'a>,
    pub price: Raw<'a>,
    pub total_discount: Raw<'a>,
    pub discount_allocations: Option<Vec<Allocation<'a>>>,
}

/// The part of a discount that falls on a line.
#[derive(Debug, Deserialize)]
pub(crate) struct Allocation<'a> {
    #[serde(borrow)]
    pub amount: Raw<'a>,
}

/// One way of shipping.
#[derive(Debug, Deserialize)]
pub(crate) struct ShippingLine<'a> {
    #[serde(borrow)]
    pub price: Raw<'a>,
    pub discounted_price: Raw<'a>,
}

/// How much of an inventory item a location has.
#[derive(Debug, Deserialize)]
pub(crate) struct InventoryLevel<'a> {
    #[serde(borrow)]
    pub inventory_item_id: Raw<'a>,
    pub location_id: Raw<'a>,
    pub available: Raw<'a>,
    pub updated_at: Raw<'a>,
}
