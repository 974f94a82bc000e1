//! Typed parameters from the texts of the command line, by the tool's own schema and never by guessing.

use std::io::Read as _;
use std::path::Path;

use cts_api::ToolCapability;
use cts_api::problem::FieldError;
use cts_api::tool::ParameterType;
use cts_model::params::parse_text;
use cts_model::{ArtifactId, CheckedParams, FieldFault, JsonMap, ParamSpec, UploadId};
use serde_json::{Value, json};

use crate::args::ParamArgs;
use crate::error::CliError;
use crate::files::Here;

/// Largest value that is read from a file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Texts with their names, in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<(String, String)>);

impl Texts {
    /// Takes what was typed, and reads what is in files.
    pub(crate) fn gather(args: &ParamArgs, here: &Here) -> Result<Self, CliError> {
        let mut texts = args.params.clone();
        for (name, path) in &args.param_files {
            texts.push((name.clone(), read_value(path, here)?));
        }
        Ok(Self(texts))
    }
}

fn read_value(path: &str, here: &Here) -> Result<String, CliError> {
    let mut text = String::new();
    let read = match path {
        "-" => std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_string(&mut text),
        path => std::fs::File::open(here.absolute(Path::new(path)))
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)),
    };
    read.map_err(CliError::file("read the parameter from", path))?;
    // The line end belongs to the file, not to the value.
    let value = text.strip_suffix('\n').unwrap_or(&text);
    Ok(value.strip_suffix('\r').unwrap_or(value).to_owned())
}

/// What is asked of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// All that are required must be there.
    Whole,
    /// They change those of an earlier run.
    Changes,
}

/// Makes typed values; every fault comes at once.
pub(crate) fn typed(
    tool: &ToolCapability,
    texts: &Texts,
    here: &Here,
    completeness: Completeness,
) -> Result<JsonMap, CliError> {
    let specs: Vec<ParamSpec> = tool.parameters.0.iter().map(|(name, parameter)| parameter.to_spec(name)).collect();
    let mut values = JsonMap::new();
    let mut faults: Vec<FieldFault> = Vec::new();
    for (name, text) in &texts.0 {
        let pointer = format!("/params/{name}");
        let Some((spec, parameter)) = specs.iter().find(|spec| spec.name == *name).zip(tool.parameters.get(name))
        else {
            let known = specs.iter().map(|spec| spec.name.as_str());
            faults.push(FieldFault::unknown(pointer, name, known));
            continue;
        };
        let value = match parse_text(spec, text) {
            Ok(value) => absolute_files(value, here),
            Err(message) => {
                faults.push(FieldFault::new(pointer, "type", message));
                continue;
            }
        };
        match values.get_mut(name) {
            None => {
                values.insert(name.clone(), value);
            }
            Some(Value::Array(items)) if parameter.kind == ParameterType::List => match value {
                Value::Array(more) => items.extend(more),
                one => items.push(one),
            },
            Some(_) => faults.push(FieldFault::new(pointer, "repeated", format!("parameter {name} is given twice"))),
        }
    }
    // Ranges, choices, patterns and what is missing: the same rules as the service's, so that all is told at once.
    let known: Vec<ParamSpec> = match completeness {
        Completeness::Whole => specs,
        Completeness::Changes => specs.into_iter().map(|spec| ParamSpec { required: false, ..spec }).collect(),
    };
    let wrong: Vec<String> = faults.iter().map(|fault| fault.pointer.clone()).collect();
    if let Err(more) = CheckedParams::check(&known, &values) {
        faults.extend(more.into_iter().filter(|fault| !wrong.contains(&fault.pointer)));
    }
    if faults.is_empty() {
        return Ok(values);
    }
    let faults = faults.iter().map(FieldError::from).collect();
    Err(CliError::faults(faults, format!("See the parameters of the tool with `cts cap {}`.", tool.id)))
}

/// A file parameter names a path of this machine; `upload:ID` and `artifact:ID` name what the service has.
fn absolute_files(value: Value, here: &Here) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| absolute_files(item, here)).collect()),
        Value::Object(object) if object.get("type").and_then(Value::as_str) == Some("path") => {
            let text = object.get("value").and_then(Value::as_str).unwrap_or_default();
            match text.split_once(':') {
                Some(("upload", id)) if id.parse::<UploadId>().is_ok() => json!({"type": "upload", "value": id}),
                Some(("artifact", id)) if id.parse::<ArtifactId>().is_ok() => json!({"type": "artifact", "value": id}),
                _ => match here.absolute_text(Path::new(text)) {
                    Ok(path) => json!({"type": "path", "value": path}),
                    Err(_) => Value::Object(object),
                },
            }
        }
        value => value,
    }
}

#[cfg(test)]
mod tests;
