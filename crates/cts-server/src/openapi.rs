//! The document of the API: from the route table and the wire types, and for each tool a schema of its parameters.
//!
//! What the service publishes holds the tools that are there; what the repository holds is the code's own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cts_api::tool::{example, params_schema, schema_name};
use cts_engine::Registry;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};

use crate::access::credentials::USUAL_COOKIE;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "CTS",
        description = "Runs tools on driving logs and tells what happened.\n\n\
            Errors are `application/problem+json` (RFC 9457). Unknown fields and query parameters are refused with the \
            nearest known name. Every answer carries `X-Request-ID`.\n\n\
            Where the service requires authentication, an operation needs a token of the role in `x-required-role`, or of a \
            stronger one (viewer, operator, admin). Without authentication nothing is asked for.",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Service", description = "Version, health, what it can do"),
        (name = "Runs", description = "Submit, follow, cancel; logs and artifacts of a run"),
        (name = "Artifacts", description = "Files that runs made"),
        (name = "Uploads", description = "Files that clients send, to be inputs of runs"),
        (name = "Access", description = "Tokens, the session of a browser, the audit log"),
    ),
    components(schemas(
        cts_api::Problem, cts_api::LogEntry, cts_api::stream::RunChange, cts_api::stream::Reset,
    )),
)]
struct Head;

/// The ways in which a client proves itself, as the document names them.
pub(crate) const SCHEMES: [&str; 2] = ["token", "session"];
/// The member of an operation that says which role it needs.
pub(crate) const REQUIRED_ROLE: &str = "x-required-role";

/// Returns the document before the routes are added.
pub(crate) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    let components = document.components.get_or_insert_default();
    let token = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("cts_…");
    let token = token.description(Some("A token; the older scheme JWT means the same.")).build();
    let cookie = ApiKeyValue::with_description(
        USUAL_COOKIE,
        "The session of a browser, made from a token by POST /v1/session. The name ends in the port of the service's \
         address, and is cts_session where the address has none. Changes need the header X-CSRF-Token as well.",
    );
    components.add_security_scheme(SCHEMES[0], SecurityScheme::Http(token));
    components.add_security_scheme(SCHEMES[1], SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}

/// The document, and what was made of it for the tools that were there last.
#[derive(Debug)]
pub(crate) struct Document {
    base: Value,
    served: Mutex<Option<(u64, Bytes)>>,
}

impl Document {
    /// Takes the document of the route table. Where nobody has to prove who they are, it does not say so either.
    pub(crate) fn new(openapi: &utoipa::openapi::OpenApi, is_closed: bool) -> Self {
        let mut base = finished(openapi);
        if !is_closed {
            operations(&mut base).for_each(|operation| drop(operation.remove("security")));
        }
        Self { base, served: Mutex::new(None) }
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
    let mut text = serde_json::to_string_pretty(&finished(&crate::routes::table().document()))
        .expect("a JSON tree is always JSON");
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
    for operation in operations(&mut document) {
        let role = operation.get(REQUIRED_ROLE).and_then(Value::as_str).map(str::to_owned);
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            if let Some(role) = role {
                add_refusals(responses, &role, &problem);
            }
            responses.insert("default".to_owned(), problem.clone());
        }
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        parameters.into_iter().flatten().for_each(say_form);
    }
    document
}

/// Returns every operation of a document.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let items = paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut);
    items.flat_map(|item| item.values_mut()).filter_map(Value::as_object_mut)
}

/// Adds the answers of the gate to those of a handler, in the order of their statuses.
fn add_refusals(responses: &mut Map<String, Value>, role: &str, problem: &Value) {
    let challenge = json!({"description": "How a client proves itself", "schema": {"type": "string"}});
    let seconds = json!({"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}});
    let refusals = [
        ("401", "The token is missing or not good".to_owned(), "WWW-Authenticate", challenge),
        ("403", format!("The token has not the role {role}, or a foreign page asks"), "", Value::Null),
        ("429", "Too many requests, or too many wrong tokens".to_owned(), "Retry-After", seconds),
    ];
    for (status, description, header, schema) in refusals {
        let description = match responses.get(status).and_then(|known| known["description"].as_str()) {
            Some(known) => format!("{known}; or: {}", description.to_lowercase()),
            None => description,
        };
        let mut response = problem.clone();
        response["description"] = description.into();
        if !header.is_empty() {
            response["headers"] = json!({header: schema});
        }
        responses.insert(status.to_owned(), response);
    }
    responses.sort_keys();
}

/// Says of a parameter that it is absent rather than null, and of a header which form it has.
fn say_form(parameter: &mut Value) {
    let pattern = match parameter["name"].as_str() {
        Some("Idempotency-Key") => Some("^[!-~]{1,255}$"),
        Some("X-CSRF-Token") => Some("^[0-9a-f]{64}$"),
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
