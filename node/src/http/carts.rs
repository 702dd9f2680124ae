//! Carts: begun at one node, found, changed and checked out at another.

mod ending;
mod list;
mod price;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tillmesh_core::cart::CartRow;
use tillmesh_core::command::{Command, Outcome, Request};
use tillmesh_core::id::{CartId, Name, Reference, Sku};
use tillmesh_core::money::UnitPrice;
use tillmesh_core::past::Known;
use tillmesh_core::pricing::CouponCode;
use tillmesh_core::view::read as read_row;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{Written, written};
use super::extract::{Id, Ids, Key, Params, Write};
use super::past::{self, AsOf};
use super::problem::{Problem, ProblemKind};
use super::schema;
use view::Cart;

/// A cart to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCart {
    /// Whose it is, opaque: finds the cart at another node.
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// The channel that it is begun in, which decides the promotions that are for it; left out, the node's location.
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
}

/// Goods to add to a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCartLine {
    /// What.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// How much.
    #[schema(value_type = schema::Quantity)]
    quantity: i64,
    /// A price that was agreed; left out, the catalogue's at checkout. Needed for a SKU that is not in the catalogue.
    #[schema(value_type = Option<schema::UnitPrice>)]
    unit_price: Option<UnitPrice>,
    /// Which clerk adds it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// How much of a SKU a cart shall hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CartLineChange {
    /// How much; zero removes it.
    #[schema(value_type = schema::QuantityOrZero)]
    quantity: i64,
    /// Which clerk changes it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// A coupon to add to a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCoupon {
    /// The code; case does not matter. Whether it takes something off shows the cart.
    #[schema(value_type = schema::Name)]
    code: String,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list::list))
        .routes(routes!(get))
        .routes(routes!(add_line))
        .routes(routes!(set_line, remove_line))
        .routes(routes!(add_coupon))
        .routes(routes!(remove_coupon))
        .merge(ending::routes())
}

/// Begin a cart
#[utoipa::path(post, path = "/v1/carts", tag = "carts", operation_id = "create_cart", request_body = NewCart,
    responses((status = 201, description = "The cart", body = Cart, headers(("Location" = String)))))]
async fn create(
    State(app): State<App>,
    write: Write<NewCart>,
) -> Result<([(&'static str, String); 1], Written<Cart>), Problem> {
    let NewCart { customer_ref, channel } = write.body;
    let request = write.key.request(Command::CreateCart { customer: customer_ref });
    let answer = changed(&app, Request { channel, ..request }, StatusCode::CREATED).await?;
    Ok(([("location", format!("/v1/carts/{}", answer.2.0.id))], answer))
}

/// A cart, priced as it would be checked out now
///
/// At an earlier moment it is as this node knew it then (`known=then`), without a price.
#[utoipa::path(get, path = "/v1/carts/{id}", tag = "carts", operation_id = "get_cart",
    params(("id" = schema::CartId, Path, description = "The cart"), AsOf),
    responses((status = 200, description = "The cart", body = Cart)))]
async fn get(State(app): State<App>, Id(id): Id<CartId>, mut params: Params) -> Result<Json<Cart>, Problem> {
    let question = past::question(&mut params, Known::Then)?;
    params.finish()?;
    let Some(question) = question else { return Ok(Json(Cart::of(&app, id, &read(&app, id)?).await)) };
    let question = question.limited_to_then("a cart's entries do not all say when they were made: leave it out")?;
    let row = question.answer(&app, move |past, view, reader| past.cart(view, reader, id)).await?;
    let row = row.ok_or_else(|| Problem::missing(ProblemKind::UnknownCart, "cart", id))?;
    Ok(Json(Cart::unpriced(&app, id, &row)))
}

/// Add goods to a cart
///
/// Two that are added at the same time, anywhere, both count.
#[utoipa::path(post, path = "/v1/carts/{id}/lines", tag = "carts", operation_id = "add_cart_line",
    params(("id" = schema::CartId, Path, description = "The cart")), request_body = NewCartLine,
    responses((status = 201, description = "The cart", body = Cart)))]
async fn add_line(
    State(app): State<App>,
    Id(cart): Id<CartId>,
    write: Write<NewCartLine>,
) -> Result<Written<Cart>, Problem> {
    let NewCartLine { sku, quantity, unit_price, clerk } = write.body;
    let request = write.key.request(Command::AddToCart { cart, sku, quantity, unit_price });
    changed(&app, Request { clerk, ..request }, StatusCode::CREATED).await
}

/// Set how much of a SKU a cart holds
///
/// It replaces the lines of this SKU that this node has heard of; one that somebody adds elsewhere meanwhile stays.
#[utoipa::path(patch, path = "/v1/carts/{id}/lines/{sku}", tag = "carts", operation_id = "set_cart_line",
    params(
        ("id" = schema::CartId, Path, description = "The cart"),
        ("sku" = schema::Sku, Path, description = "The SKU"),
    ),
    request_body = CartLineChange, responses((status = 200, description = "The cart", body = Cart)))]
async fn set_line(
    State(app): State<App>,
    Ids(cart, sku): Ids<CartId, Sku>,
    write: Write<CartLineChange>,
) -> Result<Written<Cart>, Problem> {
    let CartLineChange { quantity, clerk } = write.body;
    let request = write.key.request(Command::SetInCart { cart, sku, quantity });
    changed(&app, Request { clerk, ..request }, StatusCode::OK).await
}

/// Remove a SKU from a cart
#[utoipa::path(delete, path = "/v1/carts/{id}/lines/{sku}", tag = "carts", operation_id = "remove_cart_line",
    params(
        ("id" = schema::CartId, Path, description = "The cart"),
        ("sku" = schema::Sku, Path, description = "The SKU"),
    ),
    responses((status = 200, description = "The cart", body = Cart)))]
async fn remove_line(
    State(app): State<App>,
    Ids(cart, sku): Ids<CartId, Sku>,
    key: Key,
) -> Result<Written<Cart>, Problem> {
    changed(&app, key.request(Command::SetInCart { cart, sku, quantity: 0 }), StatusCode::OK).await
}

/// Add a coupon to a cart
#[utoipa::path(post, path = "/v1/carts/{id}/coupons", tag = "carts", operation_id = "add_coupon",
    params(("id" = schema::CartId, Path, description = "The cart")), request_body = NewCoupon,
    responses((status = 201, description = "The cart", body = Cart)))]
async fn add_coupon(
    State(app): State<App>,
    Id(cart): Id<CartId>,
    write: Write<NewCoupon>,
) -> Result<Written<Cart>, Problem> {
    let request = write.key.request(Command::AddCoupon { cart, code: write.body.code });
    changed(&app, request, StatusCode::CREATED).await
}

/// Take a coupon off a cart
///
/// One that is not there changes nothing.
#[utoipa::path(delete, path = "/v1/carts/{id}/coupons/{code}", tag = "carts", operation_id = "remove_coupon",
    params(
        ("id" = schema::CartId, Path, description = "The cart"),
        ("code" = schema::Name, Path, description = "The coupon"),
    ),
    responses((status = 200, description = "The cart", body = Cart)))]
async fn remove_coupon(
    State(app): State<App>,
    Ids(cart, coupon): Ids<CartId, CouponCode>,
    key: Key,
) -> Result<Written<Cart>, Problem> {
    let code = coupon.as_str().to_owned();
    changed(&app, key.request(Command::RemoveCoupon { cart, code }), StatusCode::OK).await
}

async fn changed(app: &App, request: Request, status: StatusCode) -> Result<Written<Cart>, Problem> {
    shown(app, app.handle.submit(request).await?, status).await
}

async fn shown(app: &App, outcome: Outcome, status: StatusCode) -> Result<Written<Cart>, Problem> {
    match outcome {
        Outcome::Cart { id, row, repeated } => Ok(written(status, Cart::of(app, id, &row).await, repeated)),
        _ => Err(Problem::new(ProblemKind::Internal, "the engine answered another question than was asked")),
    }
}

fn read(app: &App, id: CartId) -> Result<CartRow, Problem> {
    let row = read_row::<CartRow>(&app.handle.view(), app.handle.reader(), &id)?;
    row.filter(CartRow::is_begun).ok_or_else(|| Problem::missing(ProblemKind::UnknownCart, "cart", id))
}
