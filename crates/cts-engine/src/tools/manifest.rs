//! The manifest of a command tool: TOML in, a tool or every fault with its place out.
//!
//! Nothing here looks at the machine: whether the program is installed is asked later, again and again
//! ([`super::Tool::unavailable_reason`]). A text never panics here, and each fault lies on a line of the text.

use std::fmt;
use std::path::{Path, PathBuf};

use cts_model::tool::{LimitOverrides, ToolRetry};
use cts_model::{Access, InputSpec, OutputSpec, RelPath, ToolCategory, ToolId, ToolKind, ToolSpec};

use self::command::Templates;
use self::section::{Faults, Section};
use self::tree::Span;
use super::command::{Argument, CommandLine};
use super::template::{Part, Placeholder};
use super::{How, Tool};

mod command;
mod keys;
mod params;
mod schema;
mod section;
mod tree;
mod units;

pub use schema::manifest_schema;

/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// Longest line of a manifest that a fault repeats, in characters.
const SHOWN_LINE_MAX: usize = 200;

/// One fault of a manifest with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters of the line are meant; at least 1.
    pub width: usize,
    /// What is wrong, and where it is near what was meant.
    pub message: String,
    /// The line itself, without its end; cut when it is very long.
    pub source_line: String,
}

impl ManifestFault {
    /// Returns a fault at some bytes of a text.
    pub(super) fn at(text: &str, span: &Span, message: String) -> Self {
        // A fault at the end of the file is shown where the last words stand.
        let start = if span.start >= text.len() { text.trim_end().len() } else { span.start };
        let start = (0..=start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let source = text[line_start..line_end].trim_end_matches('\r');
        let end = span.end.clamp(start, line_end);
        let meant = text.get(start..end).unwrap_or_default().chars().count();
        Self {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: meant.max(1),
            message,
            source_line: source.chars().take(SHOWN_LINE_MAX).collect(),
        }
    }

    /// Returns a fault of a whole file.
    pub(super) fn whole(message: String) -> Self {
        Self { line: 1, column: 1, width: 1, message, source_line: String::new() }
    }
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// A manifest without faults.
pub(super) struct Manifest {
    pub(super) tool: Tool,
    /// Where its id stands.
    pub(super) id_span: Span,
}

/// Reads a manifest. `path` is where it lies: relative paths in it begin at its folder.
///
/// # Errors
/// Every fault in the order of the text. A text that is not TOML has one: what follows a broken line cannot be trusted.
pub fn check_manifest(path: &Path, text: &str) -> Result<Tool, Vec<ManifestFault>> {
    read(path, text).map(|manifest| manifest.tool)
}

pub(super) fn read(path: &Path, text: &str) -> Result<Manifest, Vec<ManifestFault>> {
    let mut faults = Faults::new(text);
    if text.len() > MANIFEST_BYTES_MAX {
        faults.add(&(0..0), format!("the manifest is larger than {MANIFEST_BYTES_MAX} bytes"));
        return Err(faults.into_sorted());
    }
    let root = match tree::read(text) {
        Ok(root) => root,
        Err((span, message)) => {
            faults.add(&span, message);
            return Err(faults.into_sorted());
        }
    };
    let found = Section::of(keys::MANIFEST, "the manifest", &root, &mut faults)
        .and_then(|top| read_tool(path, &top, &mut faults));
    match found {
        Some(manifest) if faults.is_empty() => Ok(manifest),
        _ => Err(faults.into_sorted()),
    }
}

fn read_tool(path: &Path, top: &Section<'_>, faults: &mut Faults<'_>) -> Option<Manifest> {
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let id = top.text("id", faults).and_then(|id| id.parse::<ToolId>().ok());
    let name = top.text("name", faults);
    let description = top.text("description", faults);
    let version = top.text("version", faults).unwrap_or("1");
    let category = top.text("category", faults).and_then(ToolCategory::from_word).unwrap_or(ToolCategory::Tool);

    // A stand-in id keeps the rest readable when the id itself has a fault; such a tool is never returned.
    let spec_id = id.clone().or_else(|| "unnamed".parse().ok())?;
    let mut spec = ToolSpec::new(
        spec_id,
        ToolKind::Command,
        category,
        name.unwrap_or_default(),
        version,
        description.unwrap_or_default(),
    );
    spec.tags = top.texts("tags", faults).into_iter().map(|(tag, _)| tag.to_owned()).collect();
    let params = params::read(top, faults);
    spec.params = params.iter().map(|param| param.spec.clone()).collect();
    spec.input = read_input(top, faults);
    read_outputs(top, &mut spec, faults);
    spec.timeout = top.duration("timeout", faults);
    spec.limits = read_limits(top, faults);
    read_concurrency(top, &mut spec, faults);
    read_retry(top, &mut spec.retry, faults);
    spec.fallback = params::read_fallback(top, &spec, faults);
    spec.access = read_access(top, &folder, faults);
    spec.requires_hardware = !spec.access.devices.is_empty();
    spec.environment = command::allowed_variables(top, faults);
    let stdout = read_stdout(top, faults);
    let success_exit_codes = top.counts("success_exit_codes", faults).unwrap_or_else(|| vec![0]);

    let mut templates = Templates {
        params: &spec.params,
        input: &spec.input,
        used: spec.concurrency_key.iter().cloned().collect(),
        input_used: false,
        dash_refused: Default::default(),
    };
    let started = top.get("command").and_then(|node| templates.command(node, &folder, faults));
    let environment = templates.environment(top, faults);
    // Only a command that was understood can tell what it leaves unused.
    if started.is_some() {
        for param in params.iter().filter(|param| !templates.used.contains(&param.spec.name)) {
            let name = &param.spec.name;
            faults.add(
                &param.span,
                format!("the parameter {name} is used nowhere: put {{param.{name}}} into command or [environment]"),
            );
        }
        if let Some(entry) = top.entry("input").filter(|_| !templates.input_used) {
            faults.add(&entry.key_span, "no argument holds the input: put {input} or {inputs} into command");
        }
    }
    let dash_refused = templates.dash_refused.into_iter().collect();
    let (program, args) = started?;
    add_own_files(&args, &folder, &mut spec.access);
    let command =
        CommandLine { program, args, environment, manifest_dir: folder, stdout, success_exit_codes, dash_refused };
    id?;
    let id_span = top.get("id").map_or(0..0, |node| node.span.clone());
    Some(Manifest { tool: Tool { spec, how: How::Command(Box::new(command)) }, id_span })
}

fn read_input(top: &Section<'_>, faults: &mut Faults<'_>) -> InputSpec {
    let without = InputSpec { none: true, ..InputSpec::default() };
    let Some(node) = top.get("input") else { return without };
    let Some(section) = Section::of(keys::INPUT, "[input]", node, faults) else { return without };
    let mut extensions = Vec::new();
    for (extension, node) in section.texts("extensions", faults) {
        if extension.len() < 2 || !extension.starts_with('.') || extension.contains('/') {
            faults.add(
                &node.span,
                format!("an extension begins with its dot: \".{}\"", extension.trim_matches(['.', '*', '/'])),
            );
        }
        extensions.push(extension.to_owned());
    }
    InputSpec {
        required: section.bool("required", faults).unwrap_or(true),
        many: section.bool("many", faults).unwrap_or(false),
        none: false,
        extensions,
        description: section.text("description", faults).unwrap_or_default().to_owned(),
        param_aliases: Vec::new(),
    }
}

fn read_outputs(top: &Section<'_>, spec: &mut ToolSpec, faults: &mut Faults<'_>) {
    for node in top.tables("outputs", faults) {
        let Some(section) = Section::of(keys::OUTPUT, "[[outputs]]", node, faults) else { continue };
        let required = section.bool("required", faults).unwrap_or(false);
        let media_type = section.text("media_type", faults).map(str::to_owned);
        let Some(pattern) = section.text("pattern", faults) else { continue };
        let bad = match globset::GlobBuilder::new(pattern).literal_separator(true).build() {
            Err(error) => Some(format!("pattern is not a glob: {}", error.kind())),
            Ok(_) if pattern.starts_with('/') || pattern.split('/').any(|part| matches!(part, "" | "." | "..")) => {
                Some("pattern is relative to the run's directory, without . and ..".to_owned())
            }
            Ok(_) => None,
        };
        match (bad, section.get("pattern")) {
            (Some(message), Some(node)) => faults.add(&node.span, message),
            _ => spec.outputs.push(OutputSpec { pattern: pattern.to_owned(), required, media_type }),
        }
    }
    spec.only_declared_outputs = top.bool("only_declared_outputs", faults).unwrap_or(false);
    if spec.only_declared_outputs
        && top.get("outputs").is_none()
        && let Some(entry) = top.entry("only_declared_outputs")
    {
        faults.add(&entry.key_span, "only_declared_outputs without [[outputs]] would keep no file at all");
    }
}

fn read_stdout(top: &Section<'_>, faults: &mut Faults<'_>) -> Option<RelPath> {
    let text = top.text("stdout", faults)?;
    let node = top.get("stdout")?;
    match text.parse() {
        Ok(path) => Some(path),
        Err(_) => {
            faults.add(&node.span, "stdout is not a relative path below the run's directory, such as \"result.txt\"");
            None
        }
    }
}

fn read_concurrency(top: &Section<'_>, spec: &mut ToolSpec, faults: &mut Faults<'_>) {
    spec.concurrency = top.count("concurrency", faults);
    for (name, node) in top.texts("concurrency_key", faults) {
        match spec.params.iter().find(|param| param.name == name) {
            Some(param) if param.secret => {
                faults.add(&node.span, format!("{name} is secret and cannot be part of a key that is stored"));
            }
            Some(_) if spec.concurrency_key.iter().any(|known| known == name) => {
                faults.add(&node.span, format!("{name} stands twice in concurrency_key"));
            }
            Some(_) => spec.concurrency_key.push(name.to_owned()),
            None => {
                let known = spec.params.iter().map(|param| param.name.as_str());
                let near = cts_model::nearest::did_you_mean(name, known);
                faults.add(&node.span, format!("concurrency_key: no parameter is named {name}{near}"));
            }
        }
    }
    spec.concurrency_per_key = top.count("concurrency_per_key", faults);
    if spec.concurrency_key.is_empty() {
        if let Some(entry) = top.entry("concurrency_per_key").filter(|_| top.get("concurrency_key").is_none()) {
            faults.add(&entry.key_span, "concurrency_per_key needs concurrency_key: the parameters that make the key");
        }
    } else {
        spec.concurrency_per_key.get_or_insert(1);
    }
}

fn read_limits(top: &Section<'_>, faults: &mut Faults<'_>) -> LimitOverrides {
    let section = top.get("limits").and_then(|node| Section::of(keys::LIMITS, "[limits]", node, faults));
    let Some(section) = section else { return LimitOverrides::default() };
    LimitOverrides {
        memory_bytes: section.size("memory", faults),
        processes: section.count("processes", faults),
        open_files: section.count("open_files", faults).map(u64::from),
        output_bytes: section.size("output_size", faults),
        artifact_bytes: section.size("artifact_size", faults),
        log_bytes: section.size("log_size", faults),
        log_lines_per_second: section.count("log_lines_per_second", faults),
        stop_grace: section.duration("stop_grace", faults),
    }
}

fn read_retry(top: &Section<'_>, retry: &mut ToolRetry, faults: &mut Faults<'_>) {
    let section = top.get("retry").and_then(|node| Section::of(keys::RETRY, "[retry]", node, faults));
    let Some(section) = section else { return };
    retry.attempts_max = section.count("attempts", faults);
    retry.delay = section.duration("delay", faults);
    retry.retry_on_lost = section.bool("retry_on_lost", faults).unwrap_or(false);
}

fn read_access(top: &Section<'_>, folder: &Path, faults: &mut Faults<'_>) -> Access {
    let section = top.get("access").and_then(|node| Section::of(keys::ACCESS, "[access]", node, faults));
    let Some(section) = section else { return Access::default() };
    let mut paths = |key: &str| -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for (text, node) in section.texts(key, faults) {
            if text.starts_with('~') || text.contains('\0') || text.contains('$') {
                faults.add(&node.span, format!("{key} holds {text:?}; write the whole path, nothing is expanded here"));
            } else if key == "devices" && !text.starts_with("/dev/") {
                faults.add(&node.span, "a device is named by its path below /dev, for example \"/dev/ttyUSB0\"");
            } else {
                paths.push(folder.join(text.strip_prefix("./").unwrap_or(text)));
            }
        }
        paths
    };
    let (read, write, devices) = (paths("read"), paths("write"), paths("devices"));
    Access {
        network: section.bool("network", faults).unwrap_or(false),
        read,
        write,
        devices,
        unconfined: section.bool("unconfined", faults).unwrap_or(false),
    }
}

/// Lets the tool read the files beside its manifest that its arguments name: `{manifest_dir}/script.py`.
fn add_own_files(args: &[Argument], folder: &Path, access: &mut Access) {
    let templates = args.iter().flat_map(|argument| match argument {
        Argument::One(template) => std::slice::from_ref(template),
        Argument::Group(args) | Argument::When { args, .. } | Argument::Each { args, .. } => args,
    });
    for template in templates {
        let [Part::Hole(Placeholder::ManifestDir), rest @ ..] = template.parts() else { continue };
        let path = match rest {
            [] => folder.to_path_buf(),
            [Part::Text(text)] => folder.join(text.trim_start_matches('/')),
            _ => continue,
        };
        if !access.read.contains(&path) {
            access.read.push(path);
        }
    }
}

#[cfg(test)]
mod tests;
