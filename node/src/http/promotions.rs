//! Promotions: what the pricing plugin chooses from.

use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, Outcome};
use tillmesh_core::id::Name;
use tillmesh_core::money::Money;
use tillmesh_core::pricing::{self, Combine, CouponCode, PromotionKind, Target};
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{Written, written};
use super::extract::{Id, Params, Write};
use super::page::{Ask, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::schema;

/// A promotion. It takes part where time, channel, currency and minimum allow it and its coupon, if it has one, was
/// given.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Promotion {
    /// Its id. In a body it may be left out; if it is there, it must be that of the path.
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    id: Option<Name>,
    /// What it takes off.
    #[schema(value_type = schema::PromotionKind)]
    kind: PromotionKind,
    /// The coupon that switches it on, in capitals; without one it is on for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    coupon: Option<CouponCode>,
    /// What it applies to; left out, everything.
    #[serde(default)]
    #[schema(value_type = schema::Target, required = false)]
    target: Target,
    /// The least subtotal of the whole cart, before any promotion, from which on it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    minimum_subtotal: Option<Money>,
    /// Higher goes first; the id decides among equals.
    #[serde(default)]
    #[schema(required = false)]
    priority: i32,
    /// `with-others`: together with every other of this kind. `exclusive`: alone, if it takes off more than the others
    /// together.
    #[serde(default)]
    #[schema(value_type = CombineWord, required = false)]
    combine: Combine,
    /// The first moment at which it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    valid_from: Option<Timestamp>,
    /// The first moment at which it no longer applies; later than `valid_from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    valid_until: Option<Timestamp>,
    /// The channels it is for, compared with where a cart was begun; none listed means every one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Name>, max_items = 1_000, required = false)]
    channels: Vec<Name>,
    /// Whether its coupon has a number of uses: a node that has not heard of its issue then refuses it, instead of
    /// taking it for one without a limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false, default = false)]
    limited: bool,
}

/// What a promotion may be combined with.
#[derive(ToSchema)]
#[schema(as = Combine, rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes the core's type of the same words")]
enum CombineWord {
    /// Every other of this kind.
    WithOthers,
    /// None.
    Exclusive,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put, get)).routes(routes!(list))
}

/// Put a promotion into the catalogue
#[utoipa::path(put, path = "/v1/promotions/{id}", tag = "catalogue", operation_id = "put_promotion",
    params(("id" = schema::Name, Path, description = "The promotion's id")), request_body = Promotion,
    responses((status = 200, description = "It is in the catalogue", body = Promotion)))]
async fn put(State(app): State<App>, Id(id): Id<Name>, write: Write<Promotion>) -> Result<Written<Promotion>, Problem> {
    let promotion = write.body.named(id)?;
    promotion.check()?;
    let command = Command::PutPromotion(Box::new(promotion.clone()));
    let outcome = app.handle.submit(write.key.request(command)).await?;
    Ok(written(StatusCode::OK, promotion.into(), matches!(outcome, Outcome::Repeated)))
}

/// A promotion
#[utoipa::path(get, path = "/v1/promotions/{id}", tag = "catalogue", operation_id = "get_promotion",
    params(("id" = schema::Name, Path, description = "The promotion's id")),
    responses((status = 200, description = "The promotion", body = Promotion)))]
async fn get(State(app): State<App>, Id(id): Id<Name>) -> Result<Json<Promotion>, Problem> {
    let promotion = app.handle.view().promotions.get(&id).cloned();
    let missing = || Problem::missing(ProblemKind::UnknownPromotion, "promotion", id);
    promotion.map(|promotion| Json(promotion.into())).ok_or_else(missing)
}

/// The promotions, by id
#[utoipa::path(get, path = "/v1/promotions", tag = "catalogue", operation_id = "list_promotions", params(PageParams),
    responses((status = 200, description = "A page", body = Page<Promotion>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<Promotion>>, Problem> {
    let ask = Ask::of(&mut params, "promotions")?;
    params.finish()?;
    let from = ask.after_id::<Name>()?.map_or(Bound::Unbounded, Bound::Excluded);
    let view = app.handle.view();
    let promotions = view.promotions.range_from(from).map(|(_, promotion)| Promotion::from(promotion.clone()));
    Ok(Json(ask.page(promotions, |promotion| promotion.id.as_ref().map(ToString::to_string).unwrap_or_default())))
}

impl Promotion {
    fn named(self, id: Name) -> Result<pricing::Promotion, Problem> {
        if let Some(other) = self.id.filter(|other| *other != id) {
            return Err(Problem::field(
                ProblemKind::InvalidField,
                "id",
                other.as_str(),
                "it must be the id of the path",
            ));
        }
        Ok(pricing::Promotion {
            id,
            kind: self.kind,
            coupon: self.coupon,
            target: self.target,
            minimum_subtotal: self.minimum_subtotal,
            priority: self.priority,
            combine: self.combine,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            channels: self.channels,
            limited: self.limited,
        })
    }
}

impl From<pricing::Promotion> for Promotion {
    fn from(promotion: pricing::Promotion) -> Self {
        Self {
            id: Some(promotion.id),
            kind: promotion.kind,
            coupon: promotion.coupon,
            target: promotion.target,
            minimum_subtotal: promotion.minimum_subtotal,
            priority: promotion.priority,
            combine: promotion.combine,
            valid_from: promotion.valid_from,
            valid_until: promotion.valid_until,
            channels: promotion.channels,
            limited: promotion.limited,
        }
    }
}
