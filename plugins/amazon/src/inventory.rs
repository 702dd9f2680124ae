//! External Fulfillment: what batchInventory says that there is of each SKU at a location.

use serde::Deserialize;
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::levels::Levels;
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure, LineContent, failure};

use crate::sale::{article, text, units};

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

/// A level for each SKU and location. One that Amazon could not answer for keeps the others from being taken as well,
/// and so do two for one location of the node.
pub(crate) fn commands(
    batch: &Batch<'_>,
    received_at: i64,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let Some(responses) = &batch.responses else {
        return Err(Field::new("responses", None).malformed("it must be there"));
    };
    let mut levels = Levels::new(received_at, Place::Unsaid);
    for (index, response) in responses.iter().enumerate() {
        level(index, response, &mut levels, context, catalogue)?;
    }
    Ok(levels.commands())
}

fn level(
    index: usize,
    response: &Response<'_>,
    levels: &mut Levels,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<(), Failure> {
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
    let Place::Here(_) = location::of(name("body.locationId"), Some(&place), context)? else { return Ok(()) };
    let LineContent::Sku(sku) = article(sku, sku, catalogue)? else { return Ok(()) };
    let available = units(&name("body.sellableQuantity"), body.and_then(|body| body.sellable_quantity))?;
    levels.add(&sku_name, Some(&place), sku, available, context)
}
