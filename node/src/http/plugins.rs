//! The plugins that a node runs, and what they said lately.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tillmesh_core::id::{Name, ObjectHash};
use tillmesh_core::time::Timestamp;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::extract::{Id, Params};
use super::page::{Ask, MAX_PAGE, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::schema;
use crate::plugin::LogLevel;
use crate::runtime::{PluginAtWork, Said};

/// A plugin of the node's settings.
#[derive(Debug, Serialize, ToSchema)]
struct PluginBody {
    /// Its name.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// SHA-256 of its component.
    #[schema(value_type = schema::ObjectHash)]
    component: ObjectHash,
    /// What it serves, such as `tillmesh:channel/inbound@0.1.0`.
    serves: Vec<&'static str>,
    /// What it may import.
    may_import: Vec<&'static str>,
    /// Instructions that a call may use, beside what its input adds.
    fuel: u64,
    /// Bytes of memory that a call may use.
    memory_bytes: usize,
}

/// A line that a plugin logged.
#[derive(Debug, Serialize, ToSchema)]
struct PluginLine {
    /// When its call ended.
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
    /// What it was called for: `translate`, `look`, `render`, `acknowledge` or `price`.
    hook: &'static str,
    /// The channel; left out: a cart was priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
    /// `debug`, `info`, `warn` or `error`.
    level: &'static str,
    /// The words.
    message: String,
}

/// The last lines that a plugin logged.
#[derive(Debug, Serialize, ToSchema)]
struct PluginLines {
    /// The lines, the oldest first.
    lines: Vec<PluginLine>,
}

/// How many lines.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Lines {
    /// The most lines; 100 unless given.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
}

/// How many lines there are unless the client says otherwise.
const LINES: usize = 100;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(log))
}

/// The plugins, by name
#[utoipa::path(get, path = "/v1/plugins", tag = "channels", operation_id = "list_plugins", params(PageParams),
    responses((status = 200, description = "A page", body = Page<PluginBody>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<PluginBody>>, Problem> {
    let ask = Ask::of(&mut params, "plugins")?;
    params.finish()?;
    let after: Option<Name> = ask.after_id()?;
    let plugins = app.handle.plugins().iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
    Ok(Json(ask.page(plugins.map(|(name, plugin)| PluginBody::of(name, plugin)), |plugin| plugin.name.to_string())))
}

/// What a plugin said lately
///
/// Of the last thousand lines of all plugins since the node started.
#[utoipa::path(get, path = "/v1/plugins/{name}/log", tag = "channels", operation_id = "get_plugin_log",
    params(("name" = schema::Name, Path, description = "The plugin"), Lines),
    responses((status = 200, description = "The lines", body = PluginLines)))]
async fn log(State(app): State<App>, Id(name): Id<Name>, mut params: Params) -> Result<Json<PluginLines>, Problem> {
    let limit = params.number("limit", 1, MAX_PAGE)?.unwrap_or(LINES);
    params.finish()?;
    if !app.handle.plugins().contains_key(&name) {
        return Err(Problem::missing(ProblemKind::UnknownPlugin, "plugin", name));
    }
    let lines = app.handle.plugin_log().of(&name, limit).into_iter().map(PluginLine::from).collect();
    Ok(Json(PluginLines { lines }))
}

impl PluginBody {
    fn of(name: &Name, PluginAtWork { plugin, capabilities }: &PluginAtWork) -> Self {
        let limits = plugin.limits();
        Self {
            name: name.clone(),
            component: plugin.hash(),
            serves: plugin.exports().iter().map(|export| export.name()).collect(),
            may_import: capabilities.iter().map(|capability| capability.name()).collect(),
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
        }
    }
}

impl From<Said> for PluginLine {
    fn from(said: Said) -> Self {
        let level = match said.level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        Self { at: said.at, hook: said.hook, channel: said.channel, level, message: said.message }
    }
}
