//! Stock: what there is where, and what changes it without a customer.

mod explain;

use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, Request};
use tillmesh_core::document::Scope;
use tillmesh_core::event::AdjustmentReason;
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::past::Known;
use tillmesh_core::stock::StockRow;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::View;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use explain::Explanation;

use super::App;
use super::body::{ChangeLine, CountLine, GoodsLine, MAX_LINES, Recorded, Written, all, recorded};
use super::extract::{Id, Params, Write};
use super::page::{Ask, Page, PageParams};
use super::past::{self, AsOf, Question};
use super::problem::{Problem, ProblemKind};
use super::reservations::patient_until;
use super::schema;

/// A SKU at one location.
#[derive(Debug, Serialize, ToSchema)]
struct StockAtLocation {
    /// The location.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The SKU.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// Units there, by the books; negative when more left than was ever booked in.
    on_hand: i64,
    /// Units promised and still owed.
    promised: i64,
    /// Units that can be promised or sold.
    #[schema(minimum = 0)]
    available: i64,
    /// Units promised beyond what there is.
    #[schema(minimum = 0)]
    shortfall: i64,
    /// Units that ever came in.
    entered: i64,
    /// Units that ever left.
    left: i64,
    /// What counts corrected: on hand is what came in, less what left, and this.
    counted_adjustment: i64,
    /// Units that anybody may sell over the counter: neither promised nor some node's to promise.
    #[schema(minimum = 0)]
    floor: i64,
    /// Units that some node may promise: `explain` says which.
    #[schema(minimum = 0)]
    rights: i64,
    /// Where the numbers come from, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

/// A SKU at every location that this node hears of. Numbers are sums over the locations.
#[derive(Debug, Serialize, ToSchema)]
struct Stock {
    /// The SKU.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// Units, by the books.
    on_hand: i64,
    /// Units promised and still owed.
    promised: i64,
    /// Units that can be promised or sold.
    #[schema(minimum = 0)]
    available: i64,
    /// Units promised beyond what there is.
    #[schema(minimum = 0)]
    shortfall: i64,
    /// Location by location.
    by_location: Vec<StockAtLocation>,
    /// Whether there may be more at locations that this node does not hold; left out, it holds every location.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

/// Declares a request that moves goods at one location.
macro_rules! movement {
    (
        $(#[$doc:meta])* $name:ident, $line:ty,
        $(#[$reference_doc:meta])* reference
        $(, $(#[$extra_doc:meta])* $extra:ident: $kind:ty)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// Where; left out, the node's own location.
            #[schema(value_type = Option<schema::Name>)]
            pub location: Option<Name>,
            /// What and how much.
            #[schema(min_items = 1, max_items = 500)]
            pub lines: Vec<$line>,
            $($(#[$extra_doc])* pub $extra: $kind,)?
            $(#[$reference_doc])*
            #[schema(value_type = Option<schema::Reference>)]
            pub reference: Option<Reference>,
            /// Who did it, opaque.
            #[schema(value_type = Option<schema::Reference>)]
            pub clerk: Option<Reference>,
            /// When it happened; left out, now.
            #[schema(value_type = Option<schema::Timestamp>)]
            pub occurred_at: Option<Timestamp>,
        }
    };
}

movement! {
    /// Goods to book in.
    Receipt, GoodsLine,
    /// The delivery's own document: the number of its delivery note or dispatch advice. Each SKU of it is booked in
    /// once, so the parts of a purchase order that comes in several deliveries each have a reference of their own, and
    /// not the purchase order's number.
    reference
}
movement! {
    /// What was found on the shelves; each SKU once.
    Count, CountLine,
    /// The other side's document, such as a count sheet.
    reference
}
movement! {
    /// A correction.
    Adjustment, ChangeLine,
    /// The other side's document, such as a damage report.
    reference,
    /// Why.
    #[schema(value_type = ReasonWord)]
    reason: AdjustmentReason
}

/// Why stock was corrected.
#[derive(ToSchema)]
#[schema(as = AdjustmentReason, rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes the core's type of the same words")]
enum ReasonWord {
    /// Broken or spoiled.
    Damaged,
    /// Found again.
    Found,
    /// Missing without a known cause.
    Lost,
    /// Stolen.
    Stolen,
    /// Written off, or any other cause.
    WrittenOff,
}

/// Goods to move between locations.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Transfer {
    /// Where from; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    from: Option<Name>,
    /// Where to.
    #[schema(value_type = schema::Name)]
    to: Name,
    /// What and how much.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<GoodsLine>,
    /// The other side's document.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who did it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Which stock.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Filter {
    /// Only this location.
    #[param(value_type = Option<schema::Name>)]
    location: Option<String>,
}

/// Whether to explain.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Explain {
    /// Whether to say who may promise how many, which promises are open and which events led there.
    #[param(value_type = Option<bool>)]
    explain: Option<bool>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(receive))
        .routes(routes!(count))
        .routes(routes!(transfer))
        .routes(routes!(adjust))
}

/// Stock, by location and SKU
#[utoipa::path(get, path = "/v1/stock", tag = "stock", operation_id = "list_stock", params(Filter, PageParams),
    responses((status = 200, description = "A page", body = Page<StockAtLocation>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<StockAtLocation>>, Problem> {
    let location: Option<Name> = params.id("location")?;
    if let Some(location) = &location {
        check_held(&app, location)?;
    }
    let ask = Ask::of(&mut params, &format!("stock {location:?}"))?;
    params.finish()?;
    let from = match (ask.after_pair::<Name, Sku>()?, &location) {
        (Some(after), _) => Bound::Excluded(after),
        (None, Some(location)) => first_of(location).map_or(Bound::Unbounded, Bound::Included),
        (None, None) => Bound::Unbounded,
    };
    let view = app.handle.view();
    let rows = view.stock.range_from(from).take_while(|((at, _), _)| location.as_ref().is_none_or(|only| only == at));
    let rows = rows.map(|((location, sku), row)| StockAtLocation::of(location, sku, row));
    Ok(Json(ask.page(rows, |row| format!("{}/{}", row.location, row.sku))))
}

/// A SKU at every location
///
/// A product that never moved has zeros; a SKU that is neither in the catalogue nor ever moved is not found. An earlier
/// moment is answered from the log: that takes as long as reading all that was heard at its locations.
#[utoipa::path(get, path = "/v1/stock/{sku}", tag = "stock", operation_id = "get_stock",
    params(("sku" = schema::Sku, Path, description = "The SKU"), Explain, AsOf),
    responses((status = 200, description = "What there is", body = Stock)))]
async fn get(State(app): State<App>, Id(sku): Id<Sku>, mut params: Params) -> Result<Json<Stock>, Problem> {
    let explain = params.word("explain", &["", "true", "false"])?.is_some_and(|word| word != "false");
    let question = past::question(&mut params, Known::Now)?;
    params.finish()?;
    let rows = rows_of(&app, &sku)?;
    let rows = match question {
        Some(_) if explain => {
            let rule = "an earlier moment is not explained: ask for the events that led there with /v1/events";
            return Err(Problem::field(ProblemKind::InvalidParameter, "explain", "true", rule));
        }
        Some(question) => earlier(&app, &sku, rows, question).await?,
        None => rows,
    };
    let mut by_location = Vec::with_capacity(rows.len());
    for (location, row) in &rows {
        let explanation = explain.then(|| Explanation::of(&app, location, &sku, row)).transpose()?;
        by_location.push(StockAtLocation { explanation, ..StockAtLocation::of(location, &sku, row) });
    }
    let sum = |of: fn(&StockAtLocation) -> i64| by_location.iter().map(of).sum();
    Ok(Json(Stock {
        on_hand: sum(|row| row.on_hand),
        promised: sum(|row| row.promised),
        available: sum(|row| row.available),
        shortfall: sum(|row| row.shortfall),
        sku,
        by_location,
        partial: !app.handle.settings().scopes.is_every_location(),
    }))
}

/// The rows of a SKU at an earlier moment, at the locations where it has one now.
async fn earlier(
    app: &App,
    sku: &Sku,
    rows: Vec<(Name, StockRow)>,
    question: Question,
) -> Result<Vec<(Name, StockRow)>, Problem> {
    let sku = sku.clone();
    let answer = question.answer(app, move |past, view, reader| {
        let row = |location: Name| Ok(past.stock(view, reader, &location, &sku)?.map(|row| (location, row)));
        rows.into_iter().filter_map(|(location, _)| row(location).transpose()).collect()
    });
    answer.await
}

/// The rows of a SKU that is in the catalogue or ever moved.
fn rows_of(app: &App, sku: &Sku) -> Result<Vec<(Name, StockRow)>, Problem> {
    let view = app.handle.view();
    let rows: Vec<_> = everywhere(&view, sku).into_iter().map(|(location, row)| (location, row.clone())).collect();
    if rows.is_empty() && view.products.get(sku).is_none() {
        return Err(Problem::missing(ProblemKind::UnknownProduct, "product or stock of the SKU", sku));
    }
    Ok(rows)
}

/// Book goods in
///
/// A delivery that is sent again under its `reference` is refused with `already-received`, whatever the key.
#[utoipa::path(post, path = "/v1/stock/receipts", tag = "stock", operation_id = "receive_stock", request_body = Receipt,
    responses((status = 201, description = "They are booked in", body = Recorded)))]
async fn receive(State(app): State<App>, write: Write<Receipt>) -> Result<Written<Recorded>, Problem> {
    recorded(app.handle.submit(write.body.request(&write.key)).await?)
}

/// Record a stock-take
///
/// Without `occurred_at` it covers every event that this node has heard of; with it, every event that happened no
/// later.
#[utoipa::path(post, path = "/v1/stock/counts", tag = "stock", operation_id = "count_stock", request_body = Count,
    responses((status = 201, description = "It is recorded", body = Recorded)))]
async fn count(State(app): State<App>, write: Write<Count>) -> Result<Written<Recorded>, Problem> {
    let Count { location, lines, reference, clerk, occurred_at } = write.body;
    let request = write.key.request(Command::Count { location, lines: all(lines) });
    recorded(app.handle.submit(Request { reference, clerk, occurred_at, ..request }).await?)
}

/// Move goods to another location
///
/// Refused when more would leave than is available: a transfer is planned.
#[utoipa::path(post, path = "/v1/stock/transfers", tag = "stock", operation_id = "transfer_stock",
    request_body = Transfer,
    responses((status = 201, description = "They have moved: an event at either location", body = Recorded)))]
async fn transfer(State(app): State<App>, write: Write<Transfer>) -> Result<Written<Recorded>, Problem> {
    let Transfer { from, to, lines, reference, clerk } = write.body;
    let request = write.key.request(Command::Transfer { from, to, lines: all(lines) });
    let until = patient_until(&app);
    recorded(app.handle.submit(Request { reference, clerk, until, ..request }).await?)
}

/// Correct stock: lost, damaged, found
#[utoipa::path(post, path = "/v1/stock/adjustments", tag = "stock", operation_id = "adjust_stock",
    request_body = Adjustment, responses((status = 201, description = "It is recorded", body = Recorded)))]
async fn adjust(State(app): State<App>, write: Write<Adjustment>) -> Result<Written<Recorded>, Problem> {
    recorded(app.handle.submit(write.body.request(&write.key)).await?)
}

impl Receipt {
    /// What the engine is asked.
    pub(super) fn request(self, key: &super::extract::Key) -> Request {
        let Self { location, lines, reference, clerk, occurred_at } = self;
        Request { reference, clerk, occurred_at, ..key.request(Command::Receive { location, lines: all(lines) }) }
    }
}

impl Adjustment {
    /// What the engine is asked.
    pub(super) fn request(self, key: &super::extract::Key) -> Request {
        let Self { location, lines, reason, reference, clerk, occurred_at } = self;
        let command = Command::Adjust { location, lines: all(lines), reason };
        Request { reference, clerk, occurred_at, ..key.request(command) }
    }
}

impl StockAtLocation {
    fn of(location: &Name, sku: &Sku, row: &StockRow) -> Self {
        Self {
            location: location.clone(),
            sku: sku.clone(),
            on_hand: row.on_hand(),
            promised: row.open(),
            available: row.available(),
            shortfall: row.shortfall(),
            entered: row.entered,
            left: row.left,
            counted_adjustment: row.adjustment(),
            floor: row.floor(),
            rights: row.all_rights(),
            explanation: None,
        }
    }
}

/// Nothing is known of a location that is not held, which is not the same as nothing being there.
fn check_held(app: &App, location: &Name) -> Result<(), Problem> {
    let scope = Scope::Stock(location.clone());
    if app.handle.settings().scopes.admits(&scope) {
        return Ok(());
    }
    Err(Problem::scope_not_held("location", location.as_str(), &scope.to_string()))
}

/// The rows of a SKU, location by location. Rows are ordered by location, so each location is skipped to.
fn everywhere<'a>(view: &'a View, sku: &Sku) -> Vec<(Name, &'a StockRow)> {
    let mut found = Vec::new();
    let mut next = view.stock.iter().next().map(|((location, _), _)| location.clone());
    while let Some(location) = next {
        let key = (location, sku.clone());
        found.extend(view.stock.get(&key).map(|row| (key.0.clone(), row)));
        let beyond = last_of(&key.0).map_or(Bound::Unbounded, Bound::Excluded);
        next = view.stock.range_from(beyond).map(|((location, _), _)| location).find(|it| **it > key.0).cloned();
    }
    found
}

/// A key before every row of a location: `!` is the first character that a SKU can begin with.
fn first_of(location: &Name) -> Option<(Name, Sku)> {
    Some((location.clone(), Sku::new("!").ok()?))
}

/// A key behind every row of a location: the longest SKU of the last character.
fn last_of(location: &Name) -> Option<(Name, Sku)> {
    let last = char::MAX.to_string();
    Some((location.clone(), Sku::new(&last.repeat(Sku::MAX_LEN / last.len())).ok()?))
}

const _: () = assert!(MAX_LINES == 500, "the descriptions of requests state how many lines they take");

#[cfg(test)]
mod tests;
