//! What each kind of problem means, under the address that is its type.

use axum::Json;
use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::{Problem, ProblemBody, ProblemKind};

/// A kind of problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemKind)]
struct Kind {
    /// Its URI, as in the member `type` of a problem.
    #[serde(rename = "type")]
    kind: String,
    /// Its HTTP status.
    status: u16,
    /// In words.
    title: &'static str,
    /// What it means and what to do.
    meaning: &'static str,
}

/// The kinds of problems.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemKinds)]
struct Kinds {
    /// All of them.
    items: Vec<Kind>,
}

/// The routes. The schema of a problem, which every operation may answer with, is described along.
pub(super) fn routes() -> OpenApiRouter<App> {
    let mut described = OpenApiRouter::new().routes(routes!(list)).routes(routes!(get));
    let components = described.get_openapi_mut().components.get_or_insert_default();
    let mut schemas = Vec::new();
    <ProblemBody as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.schemas.insert("Problem".to_owned(), <ProblemBody as utoipa::PartialSchema>::schema());
    described
}

/// Every kind of problem
#[utoipa::path(get, path = "/problems", tag = "problems", operation_id = "list_problems",
    responses((status = 200, description = "The kinds", body = Kinds)))]
async fn list() -> Json<Kinds> {
    Json(Kinds { items: ProblemKind::ALL.iter().copied().map(Kind::from).collect() })
}

/// What a kind of problem means and what to do
#[utoipa::path(get, path = "/problems/{name}", tag = "problems", operation_id = "get_problem",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The kind", body = Kind)))]
async fn get(params: Result<RawPathParams, RawPathParamsRejection>) -> Result<Json<Kind>, Problem> {
    // A name that is no text is none of a problem.
    let params = params.ok();
    let name = params.as_ref().and_then(|params| params.iter().next()).map_or("", |(_, name)| name);
    let kind =
        ProblemKind::named(name).ok_or_else(|| Problem::missing(ProblemKind::UnknownProblem, "problem", name))?;
    Ok(Json(kind.into()))
}

impl From<ProblemKind> for Kind {
    fn from(kind: ProblemKind) -> Self {
        Self { kind: kind.uri(), status: kind.status().as_u16(), title: kind.title(), meaning: kind.text() }
    }
}
