//! The API's description, OpenAPI 3.1, made from the code: each handler describes itself, and what holds for all of
//! them is added here.

use serde_json::{Map, Value, json};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

use super::action;
use super::extract::MAX_KEY;

/// What the description begins with.
pub(super) fn head() -> OpenApi {
    let description = "The API of a Tillmesh node. Money is in minor units, quantities are integers in the SKU's base \
        unit, times are RFC 3339. Every error is a problem (RFC 9457) whose type can be fetched. Every write takes an \
        Idempotency-Key: the same key gives the same answer. A write without a key is done as often as it is sent.";
    let info = InfoBuilder::new().title("Tillmesh").version(env!("CARGO_PKG_VERSION")).description(Some(description));
    OpenApiBuilder::new().info(info.build()).build()
}

/// The description as JSON.
pub(super) fn document(described: &OpenApi) -> Value {
    let mut document = serde_json::to_value(described).unwrap_or_default();
    document["info"]["license"] = json!({ "name": "Apache-2.0", "identifier": "Apache-2.0" });
    let paths = std::mem::take(&mut document["paths"]);
    let paths = paths.as_object().cloned().unwrap_or_default();
    document["paths"] = paths.into_iter().map(|(path, item)| (action::outer(&path), complete(item))).collect();
    document
}

/// Adds to each operation the problems that it can answer with, and to each write its idempotency key.
fn complete(mut item: Value) -> Value {
    for (method, operation) in item.as_object_mut().into_iter().flat_map(Map::iter_mut) {
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        operation["responses"]["default"] = json!({
            "description": "A problem",
            "content": { "application/problem+json": { "schema": problem } },
        });
        let import = operation["operationId"].as_str().is_some_and(|id| id.starts_with("import_"));
        // What a message means counts under the message's own id.
        let message = ["receive_message", "replay_dead_letter", "discard_dead_letter"]
            .iter()
            .any(|id| operation["operationId"] == *id);
        if ["post", "put", "patch", "delete"].contains(&method.as_str()) && !import && !message {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            operation["parameters"] = parameters.into_iter().chain([idempotency_key()]).collect();
        }
    }
    item
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "The same key gives the same answer, also after a restart. With another request it is refused. \
            A write without a key is done as often as it is sent.",
        "schema": { "type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$" },
    })
}
