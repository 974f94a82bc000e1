//! Tools for people: the list, one with its parameters, manifests that were checked.

use std::fmt::Write as _;
use std::time::Duration;

use cts_api::time::duration_text;
use cts_api::tool::{ParameterType, ToolCategory, ToolInput, ToolParameter};
use cts_api::{Capabilities, ToolCapability};
use cts_server::embedded::ManifestFault;

use super::{Look, field};
use crate::commands::ManifestCheck;
use crate::render::table::{Table, Tone, cell, toned};
use crate::render::text::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, bound, clean, count, paint, typed};

/// Longest mark below a place, in characters.
const MARK_MAX: usize = 60;

fn category(category: ToolCategory) -> &'static str {
    match category {
        ToolCategory::Analyzer => "analyzer",
        ToolCategory::Monitor => "monitor",
        ToolCategory::Wrapper => "wrapper",
        ToolCategory::Tool => "tool",
    }
}

/// Returns the list of tools.
pub(super) fn list(capabilities: &Capabilities, broken: &[String], look: &Look) -> String {
    let tools: Vec<&ToolCapability> = capabilities.tools.iter().chain(&capabilities.monitors).collect();
    let mut text = String::new();
    if tools.is_empty() {
        text.push_str("no tools\n");
    } else {
        let mut table = Table::new(&["TOOL", "KIND", "VERSION", "WHAT"], look.width);
        for tool in &tools {
            let what = first_sentence(&tool.description);
            let (name, what) = match &tool.unavailable_reason {
                None => (cell(&tool.id), cell(what)),
                Some(reason) => {
                    (toned(&tool.id, Tone::Quiet), toned(format!("{what}\nnot here: {reason}"), Tone::Notable))
                }
            };
            table.row(vec![name, cell(category(tool.category)), cell(&tool.version), what]);
        }
        text += &table.text();
    }
    for manifest in broken {
        let name = clean(manifest);
        let _ = writeln!(text, "{} {name} was refused; cts tools check FILE tells why", paint(YELLOW, "!"));
    }
    if !tools.is_empty() {
        let _ = writeln!(text, "\n{}", paint(DIM, "cts cap TOOL shows the parameters of one"));
    }
    text
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].lines().next().unwrap_or_default()
}

/// Returns a tool with its parameters.
pub(super) fn one(tool: &ToolCapability, look: &Look) -> String {
    let id = clean(&tool.id);
    let mut text = format!("{} {} {}\n", paint(BOLD, &id), clean(&tool.version), paint(DIM, category(tool.category)));
    for line in tool.description.lines() {
        let _ = writeln!(text, "{}", clean(line));
    }
    if let Some(reason) = &tool.unavailable_reason {
        let _ = writeln!(text, "{} {}", paint(YELLOW, "It cannot run here:"), clean(reason));
    }
    text.push('\n');
    text += &field("input", input(&tool.input));
    text += &field(
        "makes",
        if tool.outputs.is_empty() { "what it writes".into() } else { clean(&tool.outputs.join(", ")).into_owned() },
    );
    let limit = Duration::try_from_secs_f64(tool.timeout_seconds).unwrap_or_default();
    text += &field("time limit", duration_text(limit));
    if tool.requires_hardware {
        text += &field("hardware", "needed");
    }
    if tool.parameters.0.is_empty() {
        text += &field("parameters", "none");
    } else {
        let mut table = Table::new(&["PARAMETER", "TYPE", "DEFAULT", "ALLOWED", "WHAT"], look.width);
        for (name, parameter) in &tool.parameters.0 {
            table.row(vec![
                cell(name),
                cell(kind(parameter)),
                default(parameter),
                cell(allowed(parameter)),
                cell(what(parameter)),
            ]);
        }
        let _ = write!(text, "\n{}", table.text());
    }
    let _ = write!(text, "\nExample\n  {}\n", paint(CYAN, example(tool)));
    text
}

fn input(input: &ToolInput) -> String {
    let number = match (input.required, input.many) {
        (true, true) => "one or more files",
        (true, false) => "one file",
        (false, true) => "any number of files",
        (false, false) => "one file or none",
    };
    let mut text = number.to_owned();
    if !input.extensions.is_empty() {
        let _ = write!(text, " ({})", clean(&input.extensions.join(", ")));
    }
    if !input.description.is_empty() {
        let _ = write!(text, ": {}", clean(&input.description));
    }
    text
}

fn word(kind: ParameterType) -> &'static str {
    cts_model::ParamKind::from(kind).as_str()
}

fn kind(parameter: &ToolParameter) -> String {
    match (parameter.kind, parameter.items) {
        (ParameterType::List, Some(items)) => format!("list of {}", word(items)),
        (kind, _) => word(kind).to_owned(),
    }
}

fn default(parameter: &ToolParameter) -> comfy_table::Cell {
    match (&parameter.default, parameter.required) {
        (_, true) => toned("required", Tone::Notable),
        (value, false) if value.is_null() => toned("none", Tone::Quiet),
        (value, false) => cell(with_unit(&typed(value), parameter)),
    }
}

fn with_unit(text: &str, parameter: &ToolParameter) -> String {
    match &parameter.unit {
        Some(unit) if !text.is_empty() => format!("{text} {unit}"),
        _ => text.to_owned(),
    }
}

/// Returns the values that are allowed, as far as the type does not say it.
fn allowed(parameter: &ToolParameter) -> String {
    let mut parts = Vec::new();
    if !parameter.choices.is_empty() {
        parts.push(parameter.choices.iter().map(typed).collect::<Vec<_>>().join(" | "));
    }
    let is_length = matches!(parameter.kind, ParameterType::Str | ParameterType::List);
    let range = match (parameter.minimum, parameter.maximum) {
        (Some(least), Some(most)) => Some(format!("{} to {}", bound(least), bound(most))),
        (Some(least), None) => Some(format!("at least {}", bound(least))),
        (None, Some(most)) => Some(format!("at most {}", bound(most))),
        (None, None) => None,
    };
    parts.extend(range.map(|range| match (is_length, parameter.kind) {
        (true, ParameterType::List) => format!("{range} items"),
        (true, _) => format!("{range} characters"),
        (false, _) => with_unit(&range, parameter),
    }));
    parts.extend(parameter.pattern.as_ref().map(|pattern| format!("like {pattern}")));
    parts.join("\n")
}

fn what(parameter: &ToolParameter) -> String {
    let mut text = parameter.description.clone();
    if parameter.secret {
        text.push_str(" (never shown; give it with --param-file)");
    }
    if let Some(example) = parameter.examples.first() {
        let _ = write!(text, "\nfor example {}", typed(example));
    }
    text
}

/// Returns a command line that runs the tool.
fn example(tool: &ToolCapability) -> String {
    let mut line = format!("cts run {}", clean(&tool.id));
    if tool.input.required {
        let end = tool.input.extensions.first().map_or("", String::as_str);
        let _ = write!(line, " --path FILE{}", clean(end));
    }
    for (name, parameter) in tool.parameters.0.iter().filter(|(_, parameter)| parameter.required) {
        let value = parameter.examples.first().or(parameter.choices.first()).map_or("VALUE".to_owned(), typed);
        let _ = write!(line, " -p {}={value}", clean(name));
    }
    line.push_str(" --follow");
    line
}

/// Returns what is right and wrong with manifests, with the very place.
pub(super) fn checks(checks: &[ManifestCheck]) -> String {
    let mut text = String::new();
    let mut faults = 0;
    for check in checks {
        let path = check.path.display().to_string();
        match &check.result {
            Ok(tool) => {
                let parameters = count(tool.parameters as u64, "parameter", "parameters");
                let _ = writeln!(text, "{} {}: {}, {parameters}", paint(GREEN, "✓"), clean(&path), clean(&tool.id));
                if let Some(reason) = &tool.unavailable_reason {
                    let _ = writeln!(text, "  {} it cannot run here: {}", paint(YELLOW, "!"), clean(reason));
                }
            }
            Err(found) => {
                faults += found.len() as u64;
                found.iter().for_each(|fault| text += &manifest_fault(&path, fault));
            }
        }
    }
    if faults > 0 {
        let _ = writeln!(text, "{}", paint(RED, count(faults, "fault", "faults")));
    }
    text
}

/// Returns a fault with its line and a mark below the place.
fn manifest_fault(path: &str, fault: &ManifestFault) -> String {
    let place = format!("{path}:{}:{}", fault.line, fault.column);
    let mut text = format!("{} {}: {}\n", paint(RED, "✗"), paint(BOLD, clean(&place)), clean(&fault.message));
    if fault.source_line.is_empty() {
        return text;
    }
    let number = fault.line.to_string();
    let gap = " ".repeat(number.len());
    // Tabs stay tabs in front of the mark, so that it stands below the place.
    let lead: String =
        fault.source_line.chars().take(fault.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let room = fault.source_line.chars().count().saturating_sub(fault.column - 1).max(1);
    let mark = "^".repeat(fault.width.clamp(1, room.min(MARK_MAX)));
    let bar = paint(DIM, "|");
    let _ = writeln!(text, "  {} {bar} {}", paint(DIM, &number), clean(&fault.source_line));
    let _ = writeln!(text, "  {gap} {bar} {lead}{}", paint(RED, mark));
    text
}
