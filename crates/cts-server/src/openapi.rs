//! The document of the API: from the route table and the wire types, and for each tool a schema of its parameters.
//!
//! What the service publishes holds the tools that are there; what the repository holds is the code's own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cts_api::tool::{example, params_schema, schema_name};
use cts_engine::Registry;
use serde_json::{Value, json};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "CTS",
        description = "Runs tools on driving logs and tells what happened.\n\n\
            Errors are `application/problem+json` (RFC 9457). Unknown fields and query parameters are refused with the \
            nearest known name. Every answer carries `X-Request-ID`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Service", description = "Version, health, what it can do"),
        (name = "Runs", description = "Submit, follow, cancel; logs and artifacts of a run"),
        (name = "Artifacts", description = "Files that runs made"),
        (name = "Uploads", description = "Files that clients send, to be inputs of runs"),
    ),
    components(schemas(
        cts_api::Problem, cts_api::LogEntry, cts_api::stream::RunChange, cts_api::stream::Reset,
    )),
)]
struct Head;

/// Returns the document before the routes are added.
pub(crate) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The document, and what was made of it for the tools that were there last.
#[derive(Debug)]
pub(crate) struct Document {
    base: Value,
    served: Mutex<Option<(u64, Bytes)>>,
}

impl Document {
    /// Takes the document of the route table.
    pub(crate) fn new(openapi: &utoipa::openapi::OpenApi) -> Self {
        Self { base: finished(openapi), served: Mutex::new(None) }
    }

    /// Returns the document with the tools that are there now.
    pub(crate) fn served(&self, registry: &Registry) -> Bytes {
        // The number is taken first: tools that change meanwhile make the next reader build it again.
        let generation = *registry.watch().borrow();
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bytes)) = &*served
            && *known == generation
        {
            return bytes.clone();
        }
        let mut document = self.base.clone();
        add_tools(&mut document, registry);
        let bytes: Bytes = serde_json::to_vec(&document).expect("a JSON tree is always JSON").into();
        *served = Some((generation, bytes.clone()));
        bytes
    }
}

/// Returns the code's own document as the repository holds it.
#[must_use]
pub fn repository_document() -> String {
    let (_, openapi) = crate::routes::table().split_for_parts();
    let mut text = serde_json::to_string_pretty(&finished(&openapi)).expect("a JSON tree is always JSON");
    text.push('\n');
    text
}

/// Adds to every operation what every operation answers.
fn finished(openapi: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(openapi).expect("an OpenAPI document is always JSON");
    let problem = json!({
        "description": "What went wrong",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operation in paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut) {
        for operation in operation.values_mut() {
            if let Some(responses) = operation.get_mut("responses") {
                responses["default"] = problem.clone();
            }
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            parameters.into_iter().flatten().for_each(say_form);
        }
    }
    document
}

/// Says of a parameter that it is absent rather than null, and of a header which form it has.
fn say_form(parameter: &mut Value) {
    let pattern = match parameter["name"].as_str() {
        Some("Idempotency-Key") => Some("^[!-~]{1,255}$"),
        Some("Last-Event-ID") => Some(r"^([0-9]{1,19}(\.end)?)?$"),
        _ => None,
    };
    let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { return };
    if let Some(Value::Array(kinds)) = schema.get("type")
        && let [kind, Value::String(null)] = kinds.as_slice()
        && null == "null"
    {
        schema["type"] = kind.clone();
    }
    if let Some(pattern) = pattern {
        schema.insert("pattern".to_owned(), pattern.into());
    }
}

/// Adds the schema of each tool's parameters; two ids that would have one name are told apart by a number.
fn add_tools(document: &mut Value, registry: &Registry) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let mut taken: BTreeSet<String> = schemas.keys().cloned().collect();
    for tool in registry.list() {
        let base = schema_name(tool.spec.id.as_str());
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}{number}");
            number += 1;
        }
        let mut schema = params_schema(&tool.spec);
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("$schema");
            schema.insert("description".to_owned(), format!("Parameters of the tool `{}`.", tool.spec.id).into());
            schema.insert("example".to_owned(), example(&tool.spec));
        }
        schemas.insert(name, schema);
    }
}
