//! The words that the specs of the analyzers share: an analyzer's frame, its kinds of output, its common parameters.

use cts_model::{InputSpec, OutputSpec, ParamKind, ParamSpec, ToolCategory, ToolKind, ToolSpec};
use serde_json::json;

use crate::native::ToolCx;

/// Parameters of older clients that did something in the Python tools only.
const OLD_CLIENTS: [&str; 3] = ["repo_root", "deps_dir", "install_missing_deps"];

/// Media type of a table.
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
/// Media type of a JSON object on every line.
pub(crate) const NDJSON: &str = "application/x-ndjson";
/// Media type of a Parquet file.
pub(crate) const PARQUET: &str = "application/vnd.apache.parquet";
/// Media type of lines that have a form of their own.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
/// Media type of a report.
pub(crate) const HTML: &str = "text/html; charset=utf-8";
/// Media type of a summary.
pub(crate) const JSON: &str = "application/json";

/// Returns the spec of an analyzer of this version, without inputs, outputs and parameters.
pub(crate) fn analyzer(id: &str, name: &str, description: &str) -> ToolSpec {
    let id = id.parse().expect("the id is a slug");
    ToolSpec::new(id, ToolKind::Native, ToolCategory::Analyzer, name, env!("CARGO_PKG_VERSION"), description)
}

/// Returns the input of a tool that reads one or more files, which older clients call by these parameters.
pub(crate) fn files(description: &str, param_aliases: &[&str]) -> InputSpec {
    InputSpec {
        required: true,
        many: true,
        none: false,
        extensions: Vec::new(),
        description: description.to_owned(),
        param_aliases: param_aliases.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// Returns an output that every run has.
pub(crate) fn output(pattern: &str, media_type: &str) -> OutputSpec {
    OutputSpec { pattern: pattern.to_owned(), required: true, media_type: Some(media_type.to_owned()) }
}

/// Returns an output that not every run has.
pub(crate) fn optional_output(pattern: &str, media_type: &str) -> OutputSpec {
    OutputSpec { required: false, ..output(pattern, media_type) }
}

/// Returns a parameter that is a time or a length of time.
pub(crate) fn seconds(name: &str, help: &str) -> ParamSpec {
    ParamSpec {
        minimum: Some(-1e9),
        maximum: Some(1e9),
        unit: Some("s".to_owned()),
        ..ParamSpec::new(name, ParamKind::Float, help)
    }
}

/// Returns a parameter that is off unless it is asked for.
pub(crate) fn switch(name: &str, help: &str) -> ParamSpec {
    ParamSpec { default: Some(json!(false)), ..ParamSpec::new(name, ParamKind::Bool, help) }
}

/// Returns a parameter that is one of some words, the first one by default.
pub(crate) fn choice(name: &str, words: &[&str], help: &str) -> ParamSpec {
    ParamSpec {
        default: words.first().map(|word| json!(word)),
        choices: words.iter().map(|word| json!(word)).collect(),
        ..ParamSpec::new(name, ParamKind::Str, help)
    }
}

/// Returns the parameter that ends a run at the first damage.
pub(crate) fn strict() -> ParamSpec {
    switch("strict", "Fail on a damaged log or an unknown kind of event")
}

/// Returns the parameter that orders several inputs.
pub(crate) fn join() -> ParamSpec {
    choice(
        "join",
        &["time", "given"],
        "Order of several inputs: that in which the logs were recorded, which their content tells, or as given",
    )
}

/// Returns the parameters that older clients send and that do nothing.
pub(crate) fn old_clients() -> impl Iterator<Item = ParamSpec> {
    OLD_CLIENTS.into_iter().map(|name| {
        let kind = if name == "install_missing_deps" { ParamKind::Bool } else { ParamKind::Str };
        ParamSpec::new(name, kind, "Accepted from older clients; does nothing here")
    })
}

/// Says which of the given parameters do nothing.
pub(crate) fn tell_old_clients(cx: &ToolCx) {
    for name in OLD_CLIENTS.into_iter().filter(|name| cx.text(name).is_some() || cx.is_on(name)) {
        cx.log(cts_model::Level::Info, format!("{name} does nothing: this tool needs no Python and no openpilot"));
    }
}
