//! The parts of WooCommerce's bodies (REST API, version 3) that are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use tillmesh_plugin::Failure;
use tillmesh_plugin::json::{self, Raw};

/// An order.
#[derive(Debug, Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub status: Raw<'a>,
    pub currency: Raw<'a>,
    pub date_created_gmt: Raw<'a>,
    pub date_modified_gmt: Raw<'a>,
    pub customer_id: Raw<'a>,
    pub line_items: Option<Vec<LineItem<'a>>>,
    pub shipping_lines: Option<Vec<Extra<'a>>>,
    pub fee_lines: Option<Vec<Extra<'a>>>,
    pub discount_total: Raw<'a>,
    pub total_tax: Raw<'a>,
    pub total: Raw<'a>,
}

/// One line of an order or a refund.
#[derive(Debug, Deserialize)]
pub(crate) struct LineItem<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub product_id: Raw<'a>,
    pub variation_id: Raw<'a>,
    pub sku: Raw<'a>,
    pub quantity: Raw<'a>,
    pub price: Raw<'a>,
    pub total: Raw<'a>,
}

/// A fee or a way of shipping.
#[derive(Debug, Deserialize)]
pub(crate) struct Extra<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub total: Raw<'a>,
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(crate) struct Refund<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub date_created_gmt: Raw<'a>,
    pub line_items: Option<Vec<LineItem<'a>>>,
    #[serde(rename = "_links")]
    pub links: Option<BTreeMap<String, Vec<Link<'a>>>>,
}

/// Where something related is.
#[derive(Debug, Deserialize)]
pub(crate) struct Link<'a> {
    #[serde(borrow)]
    pub href: Raw<'a>,
}

/// A product or a variation of one.
#[derive(Debug, Deserialize)]
pub(crate) struct Product<'a> {
    #[serde(borrow)]
    pub id: Raw<'a>,
    pub status: Raw<'a>,
    pub name: Raw<'a>,
    pub sku: Raw<'a>,
    pub global_unique_id: Raw<'a>,
    pub price: Raw<'a>,
    pub tax_class: Raw<'a>,
    pub categories: Option<Vec<Category<'a>>>,
    pub manage_stock: Raw<'a>,
    pub stock_quantity: Raw<'a>,
}

/// A category.
#[derive(Debug, Deserialize)]
pub(crate) struct Category<'a> {
    #[serde(borrow)]
    pub name: Raw<'a>,
}

/// Reads a refund, or a list of them.
pub(crate) fn refunds(body: &[u8]) -> Result<Vec<Refund<'_>>, Failure> {
    if body.trim_ascii_start().starts_with(b"[") { json::read(body) } else { json::read(body).map(|one| vec![one]) }
}
