//! Tools as clients see them: what there is, what each takes and makes.

use std::time::Duration;

use cts_model as model;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

mod schema;

pub use schema::{example, params_schema, schema_name};

/// What the service can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Capabilities {
    /// Tools that end, by id.
    pub tools: Vec<ToolCapability>,
    /// Tools that stream until they are stopped, by id.
    pub monitors: Vec<ToolCapability>,
    /// Version of the HTTP API.
    pub api_version: String,
    /// What this service has, in words for programs.
    pub features: Vec<String>,
}

/// What one tool takes and makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::tool_json)]
pub struct ToolCapability {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it is for.
    pub category: ToolCategory,
    /// Its version.
    pub version: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The files that it works on.
    pub input: ToolInput,
    /// What it makes: globs over the names of its files.
    pub outputs: Vec<String>,
    /// How its live data is read.
    pub data_stream_type: DataStreamType,
    /// Its parameters by name, in the order in which a form shows them.
    #[schema(value_type = BTreeMap<String, ToolParameter>)]
    pub parameters: Parameters,
    /// JSON Schema 2020-12 of its parameters.
    pub schema: Value,
    /// Time limit of one attempt.
    pub timeout_seconds: f64,
    /// Whether it talks to hardware.
    pub requires_hardware: bool,
    /// Whether it streams live data.
    pub is_real_time: bool,
    /// Whether it can run on this machine.
    pub available: bool,
    /// Why not.
    #[schema(required)]
    pub unavailable_reason: Option<String>,
}

/// What a tool is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolCategory {
    /// Reads logs and ends.
    Analyzer,
    /// Streams until it is stopped.
    Monitor,
    /// Calls an outside API.
    Wrapper,
    /// Anything else.
    Tool,
}

/// How live data of a tool is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataStreamType {
    /// Server-Sent Events.
    Sse,
    /// A WebSocket.
    Websocket,
}

/// The files that a tool works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolInput {
    /// At least one is needed.
    pub required: bool,
    /// More than one may be given.
    pub many: bool,
    /// File name ends it takes, with the dot; empty for any.
    pub extensions: Vec<String>,
    /// For people.
    pub description: String,
}

/// One parameter of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolParameter {
    /// The type of its value.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Its value when none is given.
    pub default: Value,
    /// Help for people.
    pub description: String,
    /// The only values allowed; empty for any.
    pub choices: Vec<Value>,
    /// It must be given.
    pub required: bool,
    /// Least number, or least length of a text or list.
    #[schema(required)]
    pub minimum: Option<f64>,
    /// Greatest number, or greatest length of a text or list.
    #[schema(required)]
    pub maximum: Option<f64>,
    /// A regular expression that the whole text must match.
    #[schema(required)]
    pub pattern: Option<String>,
    /// Type of a list's items.
    #[schema(required)]
    pub items: Option<ParameterType>,
    /// Unit of a number.
    #[schema(required)]
    pub unit: Option<String>,
    /// It is never shown.
    pub secret: bool,
    /// Examples.
    pub examples: Vec<Value>,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// Text.
    Str,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Yes or no.
    Bool,
    /// Several values of the type in `items`; one value stands for a list of one.
    List,
    /// A file, named as an input is.
    File,
}

impl From<model::ParamKind> for ParameterType {
    fn from(kind: model::ParamKind) -> Self {
        match kind {
            model::ParamKind::Str => Self::Str,
            model::ParamKind::Int => Self::Int,
            model::ParamKind::Float => Self::Float,
            model::ParamKind::Bool => Self::Bool,
            model::ParamKind::List => Self::List,
            model::ParamKind::File => Self::File,
        }
    }
}

impl From<ParameterType> for model::ParamKind {
    fn from(kind: ParameterType) -> Self {
        match kind {
            ParameterType::Str => Self::Str,
            ParameterType::Int => Self::Int,
            ParameterType::Float => Self::Float,
            ParameterType::Bool => Self::Bool,
            ParameterType::List => Self::List,
            ParameterType::File => Self::File,
        }
    }
}

impl From<&model::ParamSpec> for ToolParameter {
    fn from(spec: &model::ParamSpec) -> Self {
        Self {
            kind: spec.kind.into(),
            default: spec.default.clone().filter(|_| !spec.secret).unwrap_or_default(),
            description: spec.description.clone(),
            choices: spec.choices.clone(),
            required: spec.required,
            minimum: spec.minimum,
            maximum: spec.maximum,
            pattern: spec.pattern.clone(),
            items: spec.items.map(ParameterType::from),
            unit: spec.unit.clone(),
            secret: spec.secret,
            examples: spec.examples.clone(),
        }
    }
}

impl ToolParameter {
    /// Returns the spec of this parameter, by which a client makes typed values from texts.
    #[must_use]
    pub fn to_spec(&self, name: &str) -> model::ParamSpec {
        let mut spec = model::ParamSpec::new(name, self.kind.into(), &self.description);
        spec.items = self.items.map(model::ParamKind::from);
        spec.default = Some(self.default.clone()).filter(|default| !default.is_null());
        spec.choices.clone_from(&self.choices);
        spec.required = self.required;
        spec.minimum = self.minimum;
        spec.maximum = self.maximum;
        spec.pattern.clone_from(&self.pattern);
        spec.unit.clone_from(&self.unit);
        spec.secret = self.secret;
        spec.examples.clone_from(&self.examples);
        spec
    }
}

/// Parameters by name, which keep the order in which the tool declares them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters(pub Vec<(String, ToolParameter)>);

impl Parameters {
    /// Returns the parameter of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ToolParameter> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, parameter)| parameter)
    }
}

impl Serialize for Parameters {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, parameter)| (name, parameter)))
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = model::JsonMap::deserialize(deserializer)?;
        let parameters = object.into_iter().map(|(name, value)| match serde_json::from_value(value) {
            Ok(parameter) => Ok((name, parameter)),
            Err(error) => Err(serde::de::Error::custom(error)),
        });
        parameters.collect::<Result<_, _>>().map(Self)
    }
}

impl ToolCapability {
    /// Returns the wire form of a tool; `service_timeout` is the time limit of tools without one of their own.
    #[must_use]
    pub fn of(spec: &model::ToolSpec, service_timeout: Duration) -> Self {
        let is_monitor = spec.category == model::ToolCategory::Monitor;
        Self {
            id: spec.id.to_string(),
            name: spec.name.clone(),
            description: spec.description.clone(),
            category: match spec.category {
                model::ToolCategory::Analyzer => ToolCategory::Analyzer,
                model::ToolCategory::Monitor => ToolCategory::Monitor,
                model::ToolCategory::Wrapper => ToolCategory::Wrapper,
                model::ToolCategory::Tool => ToolCategory::Tool,
            },
            version: spec.version.clone(),
            tags: spec.tags.clone(),
            input: ToolInput {
                required: spec.input.required,
                many: spec.input.many,
                extensions: spec.input.extensions.clone(),
                description: spec.input.description.clone(),
            },
            outputs: spec.outputs.iter().map(|output| output.pattern.clone()).collect(),
            data_stream_type: if is_monitor { DataStreamType::Websocket } else { DataStreamType::Sse },
            parameters: Parameters(spec.params.iter().map(|param| (param.name.clone(), param.into())).collect()),
            schema: params_schema(spec),
            timeout_seconds: spec.timeout.unwrap_or(service_timeout).as_secs_f64(),
            requires_hardware: spec.requires_hardware,
            is_real_time: is_monitor,
            available: spec.unavailable_reason.is_none(),
            unavailable_reason: spec.unavailable_reason.clone(),
        }
    }
}
