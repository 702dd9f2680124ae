//! Vouchers: coupons with a number of uses and gift cards. A code is said to whoever issued it, and to nobody after.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, Outcome, Request, VoucherIssue};
use tillmesh_core::document::Scope;
use tillmesh_core::event::Body;
use tillmesh_core::id::{Epoch, EventId, Name, Reference};
use tillmesh_core::money::Money;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::View;
use tillmesh_core::voucher::{self, VoucherCode, VoucherKind};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{TenderBody, Written, all, written};
use super::extract::{Id, Write};
use super::problem::{Problem, ProblemKind};
use super::schema;

/// A voucher to issue. A code that was issued before gets more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewVoucher {
    /// What it is.
    kind: VoucherWord,
    /// What a gift card is worth.
    #[schema(value_type = Option<schema::Money>)]
    amount: Option<Money>,
    /// How many times a coupon may be used.
    #[schema(value_type = Option<schema::Quantity>)]
    uses: Option<i64>,
    /// Its code; left out, the node makes one. A gift card's has 16 letters and digits at least.
    #[schema(min_length = 1, max_length = 64)]
    code: Option<String>,
    /// The first moment at which it is worth nothing any more; left out, there is none.
    #[schema(value_type = Option<schema::Timestamp>)]
    valid_until: Option<Timestamp>,
    /// The only promotion that a coupon is for; left out, every one that names its code.
    #[schema(value_type = Option<schema::Name>)]
    promotion: Option<Name>,
    /// How a gift card was paid for, to the last minor unit; left out, it was given away or is paid for otherwise. It
    /// is in the day's totals of the node's own location, as owed and not as sold.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    tenders: Vec<TenderBody>,
    /// The other side's document.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who issued it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// What a voucher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = VoucherKind)]
enum VoucherWord {
    /// It switches a promotion on, so many times.
    Coupon,
    /// It pays.
    GiftCard,
}

/// A voucher that was issued.
#[derive(Debug, Serialize, ToSchema)]
struct IssuedVoucher {
    /// The event.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// Its code. Nobody keeps it: asked again under the same key, the answer is the same.
    code: String,
    /// What it is.
    kind: VoucherWord,
    /// What was put onto a gift card.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    amount: Option<Money>,
    /// How many uses a coupon got.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<i64>,
    /// The first moment at which it is worth nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    valid_until: Option<Timestamp>,
    /// The only promotion that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    promotion: Option<Name>,
    /// When it was issued.
    #[schema(value_type = schema::Timestamp)]
    issued_at: Timestamp,
}

/// A voucher as this node knows it.
#[derive(Debug, Serialize, ToSchema)]
struct Voucher {
    /// What it is.
    kind: VoucherWord,
    /// The end of its code: `****` and the last four characters. `****` alone of one under 16 letters and digits, and
    /// of one that no node made where a 0 or 1 among the four may be an O, I or L on the card.
    ending: String,
    /// What is left on a gift card.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    balance: Option<Money>,
    /// How much of that this node can take now, without asking anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    balance_here: Option<Money>,
    /// How many uses a coupon has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<i64>,
    /// How many of them this node can take now, without asking anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_here: Option<i64>,
    /// Who else can take how much, in uses or minor units.
    holders: Vec<VoucherHolder>,
    /// The first moment at which it is worth nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    valid_until: Option<Timestamp>,
    /// The only promotion that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    promotion: Option<Name>,
}

/// Who can take how much of a voucher.
#[derive(Debug, Serialize, ToSchema)]
struct VoucherHolder {
    /// The node.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// How much, in uses or minor units.
    available: i64,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(issue)).routes(routes!(get))
}

/// Issue a voucher, or put more onto one
///
/// What a gift card is paid for with comes into the drawer; it is no sale, since it is owed until the card pays.
#[utoipa::path(post, path = "/v1/vouchers", tag = "vouchers", operation_id = "issue_voucher",
    request_body = NewVoucher,
    responses((status = 201, description = "It is worth something from now on", body = IssuedVoucher)))]
async fn issue(State(app): State<App>, write: Write<NewVoucher>) -> Result<Written<IssuedVoucher>, Problem> {
    let issue = write.body.issue()?;
    let NewVoucher { reference, clerk, .. } = write.body;
    let request = write.key.request(Command::IssueVoucher(Box::new(issue)));
    let outcome = app.handle.submit(Request { reference, clerk, ..request }).await?;
    let (issued, repeated) = IssuedVoucher::of(outcome)?;
    Ok(written(StatusCode::CREATED, issued, repeated))
}

/// What a voucher is worth
#[utoipa::path(get, path = "/v1/vouchers/{code}", tag = "vouchers", operation_id = "get_voucher",
    params(("code" = String, Path, description = "The code")),
    responses((status = 200, description = "What is left", body = Voucher)))]
async fn get(State(app): State<App>, Id(code): Id<VoucherCode>) -> Result<Json<Voucher>, Problem> {
    let settings = app.handle.settings();
    let scope = Scope::Stock(settings.vouchers.clone());
    if !settings.scopes.admits(&scope) {
        return Err(Problem::scope_not_held("vouchers.location", settings.vouchers.as_str(), &scope.to_string()));
    }
    let view = app.handle.view();
    let known = voucher::read(&view, &settings.vouchers, &settings.fleet, &code).into_iter().next();
    let own = app.handle.writer().epoch;
    let shown = known.map(|known| Json(Voucher::of(&view, own, &code, known)));
    shown.ok_or_else(|| {
        let hint = if code.is_mistyped() { "; its check character does not fit, so it was mistyped" } else { "" };
        let detail = format!("there is no voucher {} at this node{hint}", code.ending());
        Problem::new(ProblemKind::UnknownVoucher, detail)
    })
}

impl NewVoucher {
    fn issue(&self) -> Result<VoucherIssue, Problem> {
        let code = self.code.as_deref().map(VoucherCode::new).transpose();
        let code = code.map_err(|error| invalid("code", &error.rule))?;
        let (kind, quantity) = match (self.kind, self.amount, self.uses) {
            (VoucherWord::GiftCard, Some(amount), None) => (VoucherKind::GiftCard(amount.currency), amount.amount),
            (VoucherWord::GiftCard, None, _) => return Err(invalid("amount", "a gift card is worth an amount")),
            (VoucherWord::GiftCard, _, Some(_)) => return Err(invalid("uses", "a gift card has none")),
            (VoucherWord::Coupon, None, Some(uses)) => (VoucherKind::Coupon, uses),
            (VoucherWord::Coupon, _, None) => return Err(invalid("uses", "a coupon has a number of uses")),
            (VoucherWord::Coupon, Some(_), _) => return Err(invalid("amount", "a coupon has none")),
        };
        if kind != VoucherKind::Coupon && self.promotion.is_some() {
            return Err(invalid("promotion", "a gift card is for everything"));
        }
        let (valid_until, promotion) = (self.valid_until, self.promotion.clone());
        let tenders = all(self.tenders.clone());
        Ok(VoucherIssue { kind, code, quantity, valid_until, promotion, tenders })
    }
}

fn invalid(field: &str, rule: &str) -> Problem {
    Problem::field(ProblemKind::InvalidField, field, "", rule)
}

impl IssuedVoucher {
    fn of(outcome: Outcome) -> Result<(Self, bool), Problem> {
        if let Outcome::Issued { code, events, repeated } = outcome
            && let Some((event, _)) = events.into_iter().next()
            && let Body::Issue(issue) = event.body
            && let Some(kind) = voucher::kind_of(&issue.voucher)
        {
            let code = if kind == VoucherKind::Coupon { code.as_coupon().map(String::from) } else { None }
                .unwrap_or_else(|| code.grouped());
            let (amount, uses) = worth(kind, issue.quantity);
            let (valid_until, promotion) = (issue.valid_until, issue.promotion);
            let (id, issued_at, kind) = (event.id, event.recorded_at, VoucherWord::of(kind));
            return Ok((Self { id, code, kind, amount, uses, valid_until, promotion, issued_at }, repeated));
        }
        Err(Problem::new(ProblemKind::Internal, "the engine answered another question than was asked"))
    }
}

impl VoucherWord {
    const fn of(kind: VoucherKind) -> Self {
        match kind {
            VoucherKind::Coupon => Self::Coupon,
            VoucherKind::GiftCard(_) => Self::GiftCard,
        }
    }
}

/// So much of a gift card, or so many uses of a coupon.
fn worth(kind: VoucherKind, quantity: i64) -> (Option<Money>, Option<i64>) {
    let amount = kind.currency().map(|currency| Money { amount: quantity, currency });
    (amount, amount.is_none().then_some(quantity))
}

impl Voucher {
    fn of(view: &View, own: Epoch, code: &VoucherCode, known: voucher::Voucher) -> Self {
        let here = known.rights.get(&own).copied().unwrap_or_default();
        let ((balance, uses), (balance_here, uses_here)) = (worth(known.kind, known.balance), worth(known.kind, here));
        let others = known.rights.iter().filter(|(epoch, _)| **epoch != own);
        let holder = |(epoch, available): (&Epoch, &i64)| {
            let (writer, _) = view.writers.iter().find(|(writer, _)| writer.epoch == *epoch)?;
            Some(VoucherHolder { node: writer.node.clone(), available: *available })
        };
        Self {
            kind: VoucherWord::of(known.kind),
            ending: code.ending(),
            balance,
            balance_here,
            uses,
            uses_here,
            holders: others.filter_map(holder).collect(),
            valid_until: known.terms.valid_until,
            promotion: known.terms.promotion,
        }
    }
}
