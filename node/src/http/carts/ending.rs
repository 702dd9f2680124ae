//! How a cart ends: checked out, or merged into another; and its token, without which neither happens.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tillmesh_core::cart::{CartRow, MergePolicy};
use tillmesh_core::command::{Command, Outcome, Priced, PromiseTerms, Request};
use tillmesh_core::id::{CartId, Reference};
use tillmesh_core::refusal::Refusal;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::view::Cart;
use super::{price, read, shown};
use crate::http::App;
use crate::http::body::{TenderBody, Written, all};
use crate::http::extract::{Id, Write, WriteOrNothing};
use crate::http::orders::OrderBody;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::reservations::{DEFAULT_TTL_SECONDS, check_ttl, patient_until};
use crate::http::sales::{MadeOrder, made};
use crate::http::schema;
use crate::runtime::{SubmitError, now};

/// How long a request waits for a token, in milliseconds: many times what two messages take, and no longer than a
/// customer notices.
const PATIENCE_MILLIS: i64 = 500;
/// How often a checkout prices a cart again that changed meanwhile; a cart that changes more often is not ready to be
/// paid.
const CHECKOUT_ATTEMPTS: usize = 3;

/// How a cart is checked out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckoutRequest {
    /// What becomes of the goods.
    kind: CheckoutKind,
    /// How it is paid; of a promise, nothing is.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    tenders: Vec<TenderBody>,
    /// How long promised goods are kept unless the promise is confirmed, in seconds; left out, 900.
    #[schema(minimum = 1, maximum = 2_678_400, default = 900)]
    ttl_seconds: Option<u32>,
    /// Whether a promise is confirmed from the beginning: then it has no end of its own.
    #[serde(default)]
    #[schema(required = false, default = false)]
    confirmed: bool,
    /// Who checks out, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// What becomes of the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CheckoutKind {
    /// They go with the customer.
    Physical,
    /// They are promised, as by a reservation. A fork's are not.
    Promise,
}

/// A cart whose lines go on in another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeRequest {
    /// The cart that ends.
    #[schema(value_type = schema::CartId)]
    from: CartId,
    /// How much of each SKU.
    policy: MergePolicyWord,
}

/// How much of a SKU the cart has in the end.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MergePolicy)]
enum MergePolicyWord {
    /// What both held together.
    Sum,
    /// What the one held that held more.
    Max,
    /// What it held itself; of what it did not hold, what the other held.
    Keep,
}

impl From<MergePolicyWord> for MergePolicy {
    fn from(word: MergePolicyWord) -> Self {
        match word {
            MergePolicyWord::Sum => Self::Sum,
            MergePolicyWord::Max => Self::Max,
            MergePolicyWord::Keep => Self::Keep,
        }
    }
}

/// Nothing needs to be said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(claim)).routes(routes!(fork)).routes(routes!(merge)).routes(routes!(check_out))
}

/// Get a cart's token: who holds it, and nobody else, checks the cart out
///
/// Another node that holds it is asked for it, for half a second at most. Where it is not heard, the problem
/// `cart-held-elsewhere` names it; the way on is a fork.
#[utoipa::path(post, path = "/v1/carts/{id}/~claim", tag = "carts", operation_id = "claim_cart",
    params(("id" = schema::CartId, Path, description = "The cart")), request_body = Option<Nothing>,
    responses((status = 200, description = "The cart, which this node holds now", body = Cart)))]
async fn claim(
    State(app): State<App>,
    Id(cart): Id<CartId>,
    write: WriteOrNothing<Nothing>,
) -> Result<Written<Cart>, Problem> {
    let outcome = with_token(&app, write.key.request(Command::ClaimCart { cart })).await?;
    shown(&app, outcome, StatusCode::OK).await
}

/// Begin a cart of the lines of another one, whose holder cannot be reached
///
/// The fork holds the lines that this node knows, and is checked out with the goods in hand. The other cart stays as it
/// is; if both are checked out, both orders stand.
#[utoipa::path(post, path = "/v1/carts/{id}/~fork", tag = "carts", operation_id = "fork_cart",
    params(("id" = schema::CartId, Path, description = "The other cart")), request_body = Option<Nothing>,
    responses((status = 201, description = "The fork", body = Cart, headers(("Location" = String)))))]
async fn fork(
    State(app): State<App>,
    Id(cart): Id<CartId>,
    write: WriteOrNothing<Nothing>,
) -> Result<([(&'static str, String); 1], Written<Cart>), Problem> {
    let outcome = app.handle.submit(write.key.request(Command::ForkCart { cart })).await?;
    let answer = shown(&app, outcome, StatusCode::CREATED).await?;
    Ok(([("location", format!("/v1/carts/{}", answer.2.0.id))], answer))
}

/// Let the lines of another cart go on in this one
///
/// For a guest's cart, once the customer has said who she is. The other cart ends, so its token is needed, and fetched
/// as by a claim. Lines that arrive there later open a continuation.
#[utoipa::path(post, path = "/v1/carts/{id}/~merge", tag = "carts", operation_id = "merge_carts",
    params(("id" = schema::CartId, Path, description = "The cart that takes the lines")), request_body = MergeRequest,
    responses((status = 200, description = "The cart", body = Cart)))]
async fn merge(
    State(app): State<App>,
    Id(into): Id<CartId>,
    write: Write<MergeRequest>,
) -> Result<Written<Cart>, Problem> {
    let MergeRequest { from, policy } = write.body;
    let request = write.key.request(Command::MergeCarts { into, from, policy: policy.into() });
    shown(&app, with_token(&app, request).await?, StatusCode::OK).await
}

/// Check a cart out: sell its goods over the counter, or promise them
///
/// Prices and promotions are those of this moment. The order keeps what proves them. A node that does not hold the
/// cart's token claims it first.
#[utoipa::path(post, path = "/v1/carts/{id}/~checkout", tag = "carts", operation_id = "check_out_cart",
    params(("id" = schema::CartId, Path, description = "The cart")), request_body = CheckoutRequest,
    responses((status = 201, description = "The order", body = OrderBody, headers(("Location" = String)))))]
async fn check_out(
    State(app): State<App>,
    Id(id): Id<CartId>,
    write: Write<CheckoutRequest>,
) -> Result<MadeOrder, Problem> {
    let checkout = write.body;
    checkout.check()?;
    let mut attempt = 1;
    loop {
        let priced = price_for_checkout(&app, &read(&app, id)?).await?;
        let request = write.key.request(checkout.command(&app, id, priced));
        let request = Request { clerk: checkout.clerk.clone(), until: patient_until(&app), ..request };
        match app.handle.submit(request).await {
            Err(SubmitError::Refused(Refusal::CartChanged { .. })) if attempt < CHECKOUT_ATTEMPTS => attempt += 1,
            result => return made(result?),
        }
    }
}

impl CheckoutRequest {
    fn check(&self) -> Result<(), Problem> {
        let invalid = |field, value: &str, rule| Err(Problem::field(ProblemKind::InvalidField, field, value, rule));
        match self.kind {
            CheckoutKind::Physical if self.ttl_seconds.is_some() => {
                invalid("ttl_seconds", "set", "goods that go with the customer are not kept for her")
            }
            CheckoutKind::Physical if self.confirmed => {
                invalid("confirmed", "true", "only a promise is confirmed; kind is \"physical\"")
            }
            CheckoutKind::Physical => Ok(()),
            CheckoutKind::Promise if !self.tenders.is_empty() => {
                let count = format!("{} entries", self.tenders.len());
                invalid("tenders", &count, "a promise is not paid here; kind is \"promise\"")
            }
            CheckoutKind::Promise => self.ttl_seconds.map_or(Ok(()), check_ttl),
        }
    }

    fn command(&self, app: &App, cart: CartId, priced: Priced) -> Command {
        match self.kind {
            CheckoutKind::Physical => Command::Checkout { cart, priced, tenders: all(self.tenders.clone()) },
            CheckoutKind::Promise => {
                let ttl = self.ttl_seconds.unwrap_or(DEFAULT_TTL_SECONDS);
                let ttl_seconds = (!self.confirmed).then_some(ttl);
                Command::PromiseCart { cart, priced, terms: PromiseTerms { ttl_seconds, until: patient_until(app) } }
            }
        }
    }
}

/// A cart that was checked out is not priced: the engine answers with its order where the key is the same, else
/// refuses.
async fn price_for_checkout(app: &App, row: &CartRow) -> Result<Priced, Problem> {
    if row.checkouts().is_empty() {
        return price::price(app, row).await?.for_checkout();
    }
    Ok(Priced { add_ids: Vec::new(), lines: Vec::new(), adjustments: Vec::new(), proof: None })
}

/// Gives a command that needs a cart's token, which another node may give away in a moment.
async fn with_token(app: &App, request: Request) -> Result<Outcome, SubmitError> {
    app.handle.submit(Request { until: Some(now().plus_millis(PATIENCE_MILLIS)), ..request }).await
}
