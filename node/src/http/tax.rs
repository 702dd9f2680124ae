//! Taxes as the API shows them.

use serde::Serialize;
use tillmesh_core::event::{SaleTax, TaxPart};
use tillmesh_core::id::Name;
use tillmesh_core::money::{Currency, Money};
use tillmesh_core::tax;
use utoipa::ToSchema;

use super::schema;

/// How a sale was taxed, as it was when it was sold.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Tax)]
pub(super) struct TaxBody {
    /// Whether the prices hold the tax; else it was added to them.
    inclusive: bool,
    /// By class and rate; they add up to what is to be paid.
    parts: Vec<TaxPartBody>,
}

/// What is taxed alike.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TaxPart)]
pub(super) struct TaxPartBody {
    /// The tax class; left out: goods that no rate was set for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    class: Option<Name>,
    /// The rate in percent.
    #[schema(example = "5.5")]
    rate: String,
    /// What the tax is on, without it.
    #[schema(value_type = schema::Money)]
    taxable: Money,
    /// The tax.
    #[schema(value_type = schema::Money)]
    tax: Money,
    /// Both.
    #[schema(value_type = schema::Money)]
    gross: Money,
}

impl TaxBody {
    /// The taxes of a sale.
    pub(super) fn of(tax: &SaleTax, currency: Currency) -> Self {
        let parts = tax.parts.iter().map(|part| TaxPartBody::of(part, currency)).collect();
        Self { inclusive: tax.inclusive, parts }
    }
}

impl TaxPartBody {
    /// A part of a sale's or a day's taxes.
    pub(super) fn of(part: &TaxPart, currency: Currency) -> Self {
        let money = |amount| Money { amount, currency };
        Self {
            class: part.class.clone(),
            rate: tax::percent(part.rate),
            taxable: money(part.taxable),
            tax: money(part.tax),
            gross: money(part.taxable.saturating_add(part.tax)),
        }
    }
}
