//! What the files say about themselves: how, from what and with which settings they were made.
//!
//! Half of it is constant, also where the Python tool means otherwise: no window is ever set, and no interval is known
//! when the count of them is written.

use std::io::{self, Write};

use super::exports::{CHATTER_SLOPE, CHATTER_START, Export};
use super::{CompatOptions, EngagedMode};
use crate::python::Json;

const MAIN_SOURCE: &str = "0x241:B4b5 (MSB)";
const BRAKE_SOURCE: &str = "carState.brakePressed";
const SPEED_SOURCE: &str = "carState.vEgo";
const BUS_POLICY: &str = "auto=max-frames";
const ANALYZER_VERSION: &str = "0.1.0";

/// Keys of the object that have a comment line of their own, in the order of the lines.
const COMMENTS: [&str; 14] = [
    "schema_version",
    "analysis_id",
    "tool_version",
    "time_origin",
    "window_start_abs_s",
    "window_end_abs_s",
    "window_start_mmss",
    "window_end_mmss",
    "main_source",
    "brake_source",
    "speed_source",
    "id_bus_map",
    "bus_policy",
    "scoring",
];

/// What a run of the analysis is known by, given by whoever starts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// When it ran, as text; the Python tool gives local time with microseconds.
    pub timestamp: String,
    /// The id of the run; the Python tool gives each file another one.
    pub analysis_id: String,
    /// The version of the tool.
    pub tool_version: String,
    /// The log as the user named it.
    pub log_file: String,
    /// Accepted for clients of the Python tool, without effect.
    pub repo_root: Option<String>,
    /// Accepted for clients of the Python tool, without effect.
    pub deps_dir: Option<String>,
    /// Accepted for clients of the Python tool, without effect.
    pub install_missing_deps: bool,
    /// The folder of the files as the user named it.
    pub output_dir: String,
    /// Where the log lies.
    pub file_path: String,
    /// Its size in bytes.
    pub file_size: u64,
    /// The end of its name, with the dot.
    pub file_extension: String,
}

/// Returns what was asked for: the file of its own, and the front of every object.
pub(super) fn config(options: &CompatOptions, provenance: &Provenance) -> Json {
    let text = |text: &String| Json::from(text.clone());
    let number = Json::Float;
    let marker_type = || Json::from(if options.markers { "blinkers" } else { "none" });
    Json::object([
        ("timestamp", text(&provenance.timestamp)),
        (
            "cli_args",
            Json::object([
                ("log_file", text(&provenance.log_file)),
                ("speed_min", number(options.speed_min)),
                ("speed_max", number(options.speed_max)),
                ("repo_root", Json::optional_text(provenance.repo_root.as_deref())),
                ("deps_dir", Json::optional_text(provenance.deps_dir.as_deref())),
                ("install_missing_deps", Json::Bool(provenance.install_missing_deps)),
                ("marker_type", marker_type()),
                ("marker_pre", number(options.rule.pre)),
                ("marker_post", number(options.rule.post)),
                ("marker_timeout", number(options.rule.timeout)),
                ("export_csv", Json::Bool(options.export_csv)),
                ("export_json", Json::Bool(options.export_json)),
                ("output_dir", text(&provenance.output_dir)),
                ("engaged_bit", Json::optional_text(options.engaged_bit.as_deref())),
                ("engaged_bus", options.engaged_bus.map_or(Json::Null, Json::Integer)),
                ("engaged_mode", Json::from(options.engaged_mode.name())),
                ("engaged_margin", number(options.engaged_margin)),
            ]),
        ),
        (
            "input_metadata",
            Json::object([
                ("file_path", text(&provenance.file_path)),
                ("file_size", Json::Integer(i64::try_from(provenance.file_size).unwrap_or(i64::MAX))),
                ("file_extension", text(&provenance.file_extension)),
            ]),
        ),
        (
            "gate_sources",
            Json::object([
                ("main_source", Json::from(MAIN_SOURCE)),
                ("brake_source", Json::from(BRAKE_SOURCE)),
                ("speed_source", Json::from(SPEED_SOURCE)),
            ]),
        ),
        ("bus_selection_policy", Json::from(BUS_POLICY)),
        ("analyzer_version", Json::from(ANALYZER_VERSION)),
        (
            "marker_config",
            Json::object([
                ("marker_type", marker_type()),
                ("pre_time", number(options.rule.pre)),
                ("post_time", number(options.rule.post)),
                ("timeout", number(options.rule.timeout)),
                ("enabled", Json::Bool(options.markers)),
            ]),
        ),
    ])
}

/// Returns what a table says about itself; `buses` is there where it has rows.
pub(super) fn meta(options: &CompatOptions, provenance: &Provenance, export: Export, buses: Option<Json>) -> Json {
    let Json::Object(mut entries) = config(options, provenance) else { return Json::Null };
    let mut put = |key: &'static str, value: Json| entries.push((key.into(), value));
    put("tool_version", Json::from(provenance.tool_version.clone()));
    put("schema_version", Json::from(format!("{}.v1", export.name())));
    put("time_origin", Json::from("window_start"));
    put("window_start_abs_s", Json::Float(0.0));
    put("window_end_abs_s", Json::Float(0.0));
    put("window_start_mmss", Json::from("00:00.000"));
    put("window_end_mmss", Json::from("00:00.000"));
    put("main_source", Json::from(MAIN_SOURCE));
    put("brake_source", Json::from(BRAKE_SOURCE));
    put("speed_source", Json::from(SPEED_SOURCE));
    put("bus_policy", Json::from(BUS_POLICY));
    if let Some(buses) = buses {
        put("id_bus_map", buses);
    }
    put("engaged_mode", Json::from(options.engaged_mode.name()));
    put("engaged_bit", Json::optional_text(options.engaged_bit.as_deref()));
    put("engaged_bus", options.engaged_bus.map_or(Json::Null, Json::Integer));
    put("engaged_margin_s", Json::Float(options.engaged_margin));
    put("engaged_intervals_count", Json::Integer(0));
    if options.engaged_mode == EngagedMode::Filter {
        put("candidates_scope", Json::from("full-window"));
    }
    let scoring = Json::object([
        ("chatter_penalty_start", Json::Integer(i64::from(CHATTER_START))),
        ("chatter_penalty_slope", Json::Float(CHATTER_SLOPE)),
    ]);
    put("scoring", scoring);
    if export == Export::Candidates {
        put("reserved_fields", Json::List(vec![Json::from("score_engaged")]));
    }
    put("analysis_id", Json::from(provenance.analysis_id.clone()));
    Json::Object(entries)
}

/// Writes the lines in front of a table, which end in LF.
pub(super) fn write_comments(meta: &Json, out: &mut dyn Write) -> io::Result<()> {
    let Json::Object(entries) = meta else { return Ok(()) };
    for key in COMMENTS {
        let Some((_, value)) = entries.iter().find(|(name, _)| name == key) else { continue };
        match value {
            Json::Text(text) => writeln!(out, "# {key}: {text}")?,
            value => writeln!(out, "# {key}: {}", value.compact())?,
        }
    }
    writeln!(out, "# meta_json: {}", meta.compact())
}
