//! What a client sends to start a run, or to start it again.

use std::collections::BTreeMap;

use cts_model::JsonMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::{Fields, FromBody};
use crate::run::Input;

/// Longest name of a run, in characters.
pub const NAME_LENGTH_MAX: usize = 200;
/// Most labels of a run, and most variables of its environment.
pub const LABEL_COUNT_MAX: usize = 64;
/// Longest name or value of a label, in characters.
pub const LABEL_LENGTH_MAX: usize = 4096;
/// Longest name or value of a variable of the environment, in characters.
pub const ENVIRONMENT_LENGTH_MAX: usize = 4096;
/// The highest priority; the lowest is its negative.
pub const PRIORITY_MAX: i64 = 100;
/// Most inputs that a request names; a directory or glob may stand for more files.
pub const INPUT_COUNT_MAX: usize = 1000;

/// A request to run a tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = crate::samples::create_run_json)]
pub struct CreateRun {
    /// Which tool; see `GET /v1/capabilities`.
    #[schema(min_length = 1, max_length = 64)]
    pub tool_id: String,
    /// Parameters by name; the schema `<ToolId>Params` of the tool says which.
    #[serde(skip_serializing_if = "JsonMap::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>)]
    pub params: JsonMap,
    /// The files to work on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<Input>>, max_items = 1000)]
    pub inputs: Vec<Input>,
    /// A single file to work on: the same as `inputs` with one item. Give one of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Labels for filters: at most 64.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub labels: BTreeMap<String, String>,
    /// Higher first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -100, maximum = 100)]
    pub priority: Option<i32>,
    /// Time limit of one attempt; it may only shorten the tool's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0)]
    pub timeout_seconds: Option<f64>,
    /// Additional environment of the tool; only names that the tool allows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub environment: BTreeMap<String, String>,
    /// Sent by older clients; ignored.
    #[serde(skip)]
    #[schema(ignore)]
    pub ignored: Vec<&'static str>,
}

/// Fields of older clients that are accepted at the top and ignored with a log line.
const IGNORED: [&str; 3] = ["repo_root", "deps_dir", "install_missing_deps"];

impl FromBody for CreateRun {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let tool_id = fields.text("tool_id", 64);
        let tool_id = fields.required("tool_id", tool_id);
        let params = fields.object("params").unwrap_or_default();
        let inputs = fields.inputs(INPUT_COUNT_MAX).unwrap_or_default();
        let common = Common::read(fields);
        let environment = fields.texts("environment", LABEL_COUNT_MAX, ENVIRONMENT_LENGTH_MAX).unwrap_or_default();
        let ignored = IGNORED.into_iter().filter(|name| fields.ignored(name)).collect();
        let Common { name, labels, priority, timeout_seconds } = common;
        Some(Self {
            tool_id: tool_id?,
            params,
            inputs,
            input: None,
            name,
            labels: labels.unwrap_or_default(),
            priority,
            timeout_seconds,
            environment,
            ignored,
        })
    }
}

/// Changes to the request of an earlier run; what is not given stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// Parameters that replace those of the same name; `null` takes one away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, serde_json::Value>>)]
    pub params: Option<JsonMap>,
    /// Other files to work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub inputs: Option<Vec<Input>>,
    /// One other file to work on. Give one of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Other labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Another priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -100, maximum = 100)]
    pub priority: Option<i32>,
    /// Another time limit of one attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0)]
    pub timeout_seconds: Option<f64>,
}

impl FromBody for Rerun {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let params = fields.object("params");
        let inputs = fields.inputs(INPUT_COUNT_MAX);
        let Common { name, labels, priority, timeout_seconds } = Common::read(fields);
        Some(Self { params, inputs, input: None, name, labels, priority, timeout_seconds })
    }
}

/// What both requests have.
struct Common {
    name: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    priority: Option<i32>,
    timeout_seconds: Option<f64>,
}

impl Common {
    fn read(fields: &mut Fields<'_>) -> Self {
        let priority = fields.integer("priority", -PRIORITY_MAX..=PRIORITY_MAX);
        Self {
            name: fields.text("name", NAME_LENGTH_MAX),
            labels: fields.texts("labels", LABEL_COUNT_MAX, LABEL_LENGTH_MAX),
            priority: priority.and_then(|priority| i32::try_from(priority).ok()),
            timeout_seconds: fields.positive("timeout_seconds"),
        }
    }
}
