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
use crate::config::CanaryMode;
use crate::plugin::{LogLevel, Terms};
use crate::runtime::{Canary, CanaryState, Place, Reloaded, Said, Versions};

/// A plugin of the node's settings.
#[derive(Debug, Serialize, ToSchema)]
struct PluginBody {
    /// Its name.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// SHA-256 of its component.
    #[schema(value_type = schema::ObjectHash)]
    component: ObjectHash,
    /// The same in hexadecimal, as the settings have it.
    sha256: String,
    /// What it serves, such as `tillmesh:channel/inbound@0.1.0`.
    serves: Vec<&'static str>,
    /// What it may import.
    may_import: Vec<&'static str>,
    /// Instructions that a call may use, beside what its input adds.
    fuel: u64,
    /// Bytes of memory that a call may use.
    memory_bytes: usize,
    /// Whether an instance serves more than one call. False, too, once one of them was seen to answer otherwise than a
    /// fresh one.
    reuse: bool,
    /// A newer component on trial; left out: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryBody>,
}

/// A newer component of a plugin on trial.
#[derive(Debug, Serialize, ToSchema)]
struct CanaryBody {
    /// SHA-256 of its component.
    #[schema(value_type = schema::ObjectHash)]
    component: ObjectHash,
    /// The same in hexadecimal, as the settings have it.
    sha256: String,
    /// Of a hundred messages, how many it does; left out: it looks on.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<u8>,
    /// How often it was called.
    calls: u64,
    /// How often it failed where the component at work did not.
    errors: u64,
    /// Where it looks on, how often it answered something else.
    differences: u64,
    /// Whether it was withdrawn for its errors, and is not called any more.
    withdrawn: bool,
}

/// A plugin after its settings were read again.
#[derive(Debug, Serialize, ToSchema)]
struct ReloadedBody {
    /// Its name.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// SHA-256 of the component that does its work now.
    #[schema(value_type = schema::ObjectHash)]
    component: ObjectHash,
    /// The same in hexadecimal, as the settings have it.
    sha256: String,
    /// Whether anything of it is other than before.
    changed: bool,
}

/// The plugins after the settings were read again.
#[derive(Debug, Serialize, ToSchema)]
struct ReloadedBodies {
    /// Each, by name.
    plugins: Vec<ReloadedBody>,
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
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(log)).routes(routes!(reload))
}

/// The plugins, by name
#[utoipa::path(get, path = "/v1/plugins", tag = "channels", operation_id = "list_plugins", params(PageParams),
    responses((status = 200, description = "A page", body = Page<PluginBody>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<PluginBody>>, Problem> {
    let ask = Ask::of(&mut params, "plugins")?;
    params.finish()?;
    let after: Option<Name> = ask.after_id()?;
    let plugins = app.handle.plugins().iter().filter(|place| after.as_ref().is_none_or(|after| place.name > *after));
    Ok(Json(ask.page(plugins.map(|place| PluginBody::of(place)), |plugin| plugin.name.to_string())))
}

/// Read the plugins of the settings' file again
///
/// Their components take the place of those at work, all of them or none, and no message is dropped: what is being
/// called goes on with what it began with. Plugins are added and taken away by a start, and channels changed.
#[utoipa::path(post, path = "/v1/plugins:reload", tag = "channels", operation_id = "reload_plugins",
    responses((status = 200, description = "What does their work now", body = ReloadedBodies)))]
async fn reload(State(app): State<App>, params: Params) -> Result<Json<ReloadedBodies>, Problem> {
    params.finish()?;
    let reloaded = app.handle.reload_plugins().await?;
    let body = |Reloaded { name, component, changed }| {
        let sha256 = hexadecimal(component);
        ReloadedBody { name, component, sha256, changed }
    };
    Ok(Json(ReloadedBodies { plugins: reloaded.into_iter().map(body).collect() }))
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
    if app.handle.plugins().place(&name).is_none() {
        return Err(Problem::missing(ProblemKind::UnknownPlugin, "plugin", name));
    }
    let lines = app.handle.plugin_log().of(&name, limit).into_iter().map(PluginLine::from).collect();
    Ok(Json(PluginLines { lines }))
}

impl PluginBody {
    fn of(place: &Place) -> Self {
        let Versions { current: plugin, canary } = place.versions();
        let Terms { capabilities, limits, .. } = plugin.terms();
        Self {
            name: place.name.clone(),
            component: plugin.hash(),
            sha256: hexadecimal(plugin.hash()),
            serves: plugin.exports().iter().map(|export| export.name()).collect(),
            may_import: capabilities.iter().map(|capability| capability.name()).collect(),
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
            reuse: plugin.is_reused(),
            canary: canary.map(|canary| CanaryBody::of(&canary)),
        }
    }
}

fn hexadecimal(hash: ObjectHash) -> String {
    data_encoding::HEXLOWER.encode(hash.as_bytes())
}

impl CanaryBody {
    fn of(canary: &Canary) -> Self {
        let CanaryState { calls, errors, differences, withdrawn } = canary.state();
        let share = match canary.settings.mode {
            CanaryMode::Share(percent) => Some(percent),
            CanaryMode::Shadow => None,
        };
        let (component, sha256) = (canary.plugin.hash(), hexadecimal(canary.plugin.hash()));
        Self { component, sha256, share, calls, errors, differences, withdrawn }
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
