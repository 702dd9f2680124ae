//! The parts of Shopify's bodies that are read. Every single value is kept as the JSON text that it is, so that a wrong
//! one can be named and an amount is never a float.

use serde::Deserialize;
use serde::de::IgnoredAny;
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
    pub fulfillments: Option<Vec<Fulfilment<'a>>>,
}

/// The buyer: nothing of them but Shopify's number is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Customer<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
}

/// One line of an order, or of a part of one.
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
    pub fulfillment_status: Raw<'a>,
}

/// The part of a discount that falls on a line, or on a way of shipping.
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
    pub discount_allocations: Option<Vec<Allocation<'a>>>,
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

/// Goods of an order that left, or are about to.
#[derive(Debug, Deserialize)]
pub(crate) struct Fulfilment<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub order_id: Raw<'a>,
    pub status: Raw<'a>,
    pub created_at: Raw<'a>,
    pub location_id: Raw<'a>,
    pub line_items: Option<Vec<LineItem<'a>>>,
}

/// The fulfilment orders of an order: what is to leave from where.
#[derive(Debug, Deserialize)]
pub(crate) struct FulfilmentOrders<'a> {
    #[serde(borrow)]
    pub fulfillment_orders: Option<Vec<FulfilmentOrder<'a>>>,
}

/// What is to leave from one location.
#[derive(Debug, Deserialize)]
pub(crate) struct FulfilmentOrder<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub order_id: Raw<'a>,
    pub status: Raw<'a>,
    pub assigned_location_id: Raw<'a>,
    pub line_items: Option<Vec<FulfilmentOrderLine<'a>>>,
}

/// One line of a fulfilment order. It names no SKU.
#[derive(Debug, Deserialize)]
pub(crate) struct FulfilmentOrderLine<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub variant_id: Raw<'a>,
    pub inventory_item_id: Raw<'a>,
    pub fulfillable_quantity: Raw<'a>,
}

/// A refund: money, and goods that came back or were taken off the order.
#[derive(Debug, Deserialize)]
pub(crate) struct Refund<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub order_id: Raw<'a>,
    pub created_at: Raw<'a>,
    pub refund_line_items: Option<Vec<RefundLine<'a>>>,
}

/// One line of a refund.
#[derive(Debug, Deserialize)]
pub(crate) struct RefundLine<'a> {
    #[serde(borrow)]
    pub quantity: Raw<'a>,
    pub location_id: Raw<'a>,
    pub restock_type: Raw<'a>,
    pub line_item: Option<LineItem<'a>>,
}

/// A product with its variants.
#[derive(Debug, Deserialize)]
pub(crate) struct Product<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub title: Raw<'a>,
    pub product_type: Raw<'a>,
    pub variants: Option<Vec<Variant<'a>>>,
    /// The ids of all variants: there may be more than are in the message.
    pub variant_gids: Option<Vec<IgnoredAny>>,
}

/// What can be sold of a product.
#[derive(Debug, Deserialize)]
pub(crate) struct Variant<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub title: Raw<'a>,
    pub sku: Raw<'a>,
    pub barcode: Raw<'a>,
    pub price: Raw<'a>,
    pub taxable: Raw<'a>,
    pub inventory_item_id: Raw<'a>,
}
