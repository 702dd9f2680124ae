//! Products: one by one, by what others call them, page by page.

use std::collections::BTreeMap;
use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tillmesh_core::catalog::{self, MAX_TEXT};
use tillmesh_core::command::{Command, Outcome};
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::money::UnitPrice;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{Written, written};
use super::extract::{Id, Params, Write};
use super::page::{Ask, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::schema;

/// How many products a search looks at while it holds the view: some hundred microseconds.
const SLICE: usize = 2_000;

/// A product.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    /// The SKU. In a body it may be left out; if it is there, it must be that of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Sku>)]
    pub sku: Option<Sku>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$")]
    pub name: String,
    /// The price of one base unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::UnitPrice>)]
    pub price: Option<UnitPrice>,
    /// The GTIN-8, -12, -13 or -14, with its check digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^([0-9]{8}|[0-9]{12,14})$")]
    pub gtin: Option<String>,
    /// The department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$")]
    pub department: Option<String>,
    /// The category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$")]
    pub category: Option<String>,
    /// The base unit that quantities count, such as `each`, `g` or `gal/1000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$")]
    pub unit: Option<String>,
    /// The tax class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub tax_class: Option<Name>,
    /// What channels call it: channel to reference. At most 32.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, schema::Reference>)]
    pub references: BTreeMap<Name, Reference>,
}

/// Which products.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Filter {
    /// Only the product of this GTIN; leading zeros do not matter.
    gtin: Option<String>,
    /// Only products that this channel has a reference for.
    #[param(value_type = Option<schema::Name>)]
    channel: Option<String>,
    /// Only the product that the channel calls so; needs `channel`.
    #[param(value_type = Option<schema::Reference>)]
    reference: Option<String>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put, get)).routes(routes!(list))
}

/// Put a product into the catalogue
///
/// The record replaces the one before it. Where two nodes put the same product while apart, one record wins, everywhere
/// the same.
#[utoipa::path(put, path = "/v1/products/{sku}", tag = "catalogue", operation_id = "put_product",
    params(("sku" = schema::Sku, Path, description = "The SKU")), request_body = Product,
    responses((status = 200, description = "It is in the catalogue", body = Product)))]
async fn put(State(app): State<App>, Id(sku): Id<Sku>, write: Write<Product>) -> Result<Written<Product>, Problem> {
    let product = write.body.named(sku)?;
    let command = Command::PutProducts(vec![product.clone()]);
    let outcome = app.handle.submit(write.key.request(command)).await?;
    Ok(written(StatusCode::OK, product.into(), matches!(outcome, Outcome::Repeated)))
}

/// A product
#[utoipa::path(get, path = "/v1/products/{sku}", tag = "catalogue", operation_id = "get_product",
    params(("sku" = schema::Sku, Path, description = "The SKU")),
    responses((status = 200, description = "The product", body = Product)))]
async fn get(State(app): State<App>, Id(sku): Id<Sku>) -> Result<Json<Product>, Problem> {
    let product = app.handle.view().products.get(&sku).cloned();
    product
        .map(|product| Json(product.into()))
        .ok_or_else(|| Problem::missing(ProblemKind::UnknownProduct, "product", sku))
}

/// The products, by SKU
#[utoipa::path(get, path = "/v1/products", tag = "catalogue", operation_id = "list_products",
    params(Filter, PageParams), responses((status = 200, description = "A page", body = Page<Product>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<Product>>, Problem> {
    let wanted = Wanted::of(&mut params)?;
    let ask = Ask::of(&mut params, &format!("products {wanted:?}"))?;
    params.finish()?;
    let mut from = ask.after_id::<Sku>()?.map_or(Bound::Unbounded, Bound::Excluded);
    let mut found = Vec::new();
    loop {
        let view = app.handle.view();
        let slice: Vec<_> = view.products.range_from(from.clone()).take(SLICE).collect();
        found.extend(
            slice
                .iter()
                .filter(|(_, product)| wanted.is(product))
                .map(|(_, product)| Product::from((*product).clone())),
        );
        match slice.last() {
            Some((sku, _)) if slice.len() == SLICE && found.len() <= ask.limit => {
                from = Bound::Excluded((*sku).clone())
            }
            _ => break,
        }
    }
    Ok(Json(ask.page(found.into_iter(), |product| product.sku.as_ref().map(ToString::to_string).unwrap_or_default())))
}

#[derive(Debug)]
struct Wanted {
    gtin: Option<String>,
    channel: Option<Name>,
    reference: Option<Reference>,
}

impl Wanted {
    fn of(params: &mut Params) -> Result<Self, Problem> {
        let gtin = params.text("gtin");
        let (channel, reference) = (params.id::<Name>("channel")?, params.id::<Reference>("reference")?);
        match (&channel, &reference) {
            (None, Some(reference)) => {
                let rule = "a reference is a channel's: give `channel` too";
                Err(Problem::field(ProblemKind::InvalidParameter, "reference", reference.as_str(), rule))
            }
            _ => Ok(Self { gtin, channel, reference }),
        }
    }

    fn is(&self, product: &catalog::Product) -> bool {
        let is_own = |wanted: &str| product.gtin.as_ref().is_some_and(|own| catalog::is_same_gtin(own, wanted));
        let called = |channel| product.references.get(channel);
        self.gtin.as_ref().is_none_or(|wanted| is_own(wanted))
            && self.channel.as_ref().is_none_or(|channel| called(channel).is_some())
            && self.reference.as_ref().is_none_or(|wanted| self.channel.as_ref().and_then(called) == Some(wanted))
    }
}

impl Product {
    /// The product of a SKU that stands elsewhere, checked.
    ///
    /// # Errors
    /// When the body names another SKU, or a field breaks a rule.
    pub(super) fn named(mut self, sku: Sku) -> Result<catalog::Product, Problem> {
        if let Some(other) = self.sku.replace(sku).filter(|other| Some(other) != self.sku.as_ref()) {
            let rule = "it must be the SKU of the path";
            return Err(Problem::field(ProblemKind::InvalidField, "sku", other.as_str(), rule));
        }
        self.checked()
    }

    /// The product, checked.
    ///
    /// # Errors
    /// When it names no SKU, or a field breaks a rule.
    pub(super) fn checked(self) -> Result<catalog::Product, Problem> {
        let sku = self.sku.ok_or_else(|| Problem::field(ProblemKind::InvalidField, "sku", "", "it is needed"))?;
        let product = catalog::Product {
            sku,
            name: self.name,
            price: self.price,
            gtin: self.gtin,
            department: self.department,
            category: self.category,
            unit: self.unit,
            tax_class: self.tax_class,
            references: self.references,
        };
        product.check("")?;
        Ok(product)
    }
}

impl From<catalog::Product> for Product {
    fn from(product: catalog::Product) -> Self {
        Self {
            sku: Some(product.sku),
            name: product.name,
            price: product.price,
            gtin: product.gtin,
            department: product.department,
            category: product.category,
            unit: product.unit,
            tax_class: product.tax_class,
            references: product.references,
        }
    }
}

const _: () = assert!(MAX_TEXT == 200, "the description of Product states the longest text");
