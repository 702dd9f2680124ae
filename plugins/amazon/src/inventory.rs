//! External Fulfillment: what batchInventory says that there is of each SKU at a location.

use serde::Deserialize;
use tillmesh_plugin::inbound::{Command, SetAvailable};
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure, LineContent, failure};

use crate::sale::{article, text};

/// The answer to a batch.
#[derive(Debug, Deserialize)]
pub(crate) struct Batch<'a> {
    #[serde(borrow)]
    responses: Option<Vec<Response<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    status: Option<Status<'a>>,
    body: Option<Level<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    status_code: Raw<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Level<'a> {
    #[serde(borrow)]
    sku_id: Raw<'a>,
    location_id: Raw<'a>,
    sellable_quantity: Raw<'a>,
}

/// A level for each SKU. One that Amazon could not answer for keeps the others from being taken as well.
pub(crate) fn commands(
    batch: &Batch<'_>,
    received_at: i64,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let Some(responses) = &batch.responses else {
        return Err(Field::new("responses", None).malformed("it must be there"));
    };
    let levels = responses.iter().enumerate().map(|(index, it)| level(index, it, received_at, context, catalogue));
    levels.filter_map(Result::transpose).collect()
}

fn level(
    index: usize,
    response: &Response<'_>,
    as_of: i64,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<Command>, Failure> {
    let name = |field: &str| format!("responses[{index}].{field}");
    let code =
        Field::new(&name("status.statusCode"), response.status.as_ref().and_then(|it| it.status_code)).integer()?;
    let body = response.body.as_ref();
    let sku_name = name("body.skuId");
    let sku = Field::new(&sku_name, body.and_then(|body| body.sku_id));
    if !matches!(code, Some(200..=299)) {
        let rule = format!("Amazon answered with status {} for it", code.unwrap_or_default());
        return Err(failure::rejected(&sku_name, sku.text()?.unwrap_or_default(), rule));
    }
    let place = text(&name("body.locationId"), body.and_then(|body| body.location_id))?;
    let Place::Here(location) = location::of(name("body.locationId"), Some(&place), context)? else { return Ok(None) };
    let LineContent::Sku(sku) = article(sku, sku, catalogue)? else { return Ok(None) };
    let quantity_name = name("body.sellableQuantity");
    let quantity = Field::new(&quantity_name, body.and_then(|body| body.sellable_quantity));
    let available = quantity.require(quantity.units()?)?;
    Ok(Some(Command::SetAvailable(SetAvailable { sku, available, as_of, location: Some(location) })))
}
