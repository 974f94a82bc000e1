//! The parameters, and the options that they mean.

use cts_can::bitwatch::{Watch, Window, check_windows};
use cts_can::cars::SpeedUnit;
use cts_can::cruise::native::{CruiseOptions, EngagedFrom, FOLLOWED_MAX, MarkFrom, WINDOWS_MAX, engaged_bit};
use cts_can::frame::Bus;
use cts_can::markers::MarkerRule;
use cts_model::{ParamKind, ParamSpec};
use serde_json::{Value, json};

use crate::native::{ToolCx, ToolError};
use crate::spec;

/// The most candidates that can be asked for.
const CANDIDATES_MAX: f64 = 10_000.0;

/// The longest margin, in seconds.
const MARGIN_MAX: f64 = 3600.0;

fn text(name: &str, help: &str) -> ParamSpec {
    ParamSpec { minimum: Some(1.0), maximum: Some(128.0), ..ParamSpec::new(name, ParamKind::Str, help) }
}

fn speed(name: &str, default: f64, help: &str) -> ParamSpec {
    ParamSpec {
        default: Some(json!(default)),
        minimum: Some(0.0),
        maximum: Some(1000.0),
        ..ParamSpec::new(name, ParamKind::Float, help)
    }
}

fn margin(name: &str, default: f64, help: &str) -> ParamSpec {
    ParamSpec {
        default: Some(json!(default)),
        minimum: Some(0.0),
        maximum: Some(MARGIN_MAX),
        ..spec::seconds(name, help)
    }
}

fn export(name: &str, help: &str) -> ParamSpec {
    ParamSpec { default: Some(json!(true)), ..spec::switch(name, help) }
}

/// Returns the specs of the parameters.
pub(super) fn specs() -> Vec<ParamSpec> {
    let mut specs = vec![
        spec::choice(
            "mode",
            &["native", "compat"],
            "native is true to the frames of any car; compat gives the old tool's files for the Subaru that it knows",
        ),
        ParamSpec {
            default: Some(json!("auto")),
            examples: vec![json!("auto"), json!("subaru"), json!("toyota"), json!("my_car.toml"), json!("none")],
            ..text(
                "car",
                "The profile of the car: the one that the log's carParams choose (auto), one that is shipped, one among \
                 the inputs by its name or file, or none",
            )
        },
        ParamSpec {
            examples: vec![json!("toyota_nodsu_pt_generated"), json!("my_car.dbc")],
            ..text("dbc", "The DBC file of the profile's first bus, in place of the profile's own: shipped or an input")
        },
        speed("speed_min", 55.0, "The lowest speed of the target range, in speed_unit"),
        speed("speed_max", 56.0, "The highest speed of the target range, in speed_unit; it belongs to the range"),
        spec::choice("speed_unit", &SpeedUnit::WORDS, "The unit of speed_min and speed_max"),
        spec::choice(
            "marker_type",
            &["blinkers", "none", "button", "bookmark"],
            "What the windows are made of: left and right blinker, presses of the button, or bookmarks in openpilot",
        ),
        margin("marker_pre", 1.5, "How long before its mark a window begins"),
        margin("marker_post", 1.5, "How long after its mark a window ends"),
        margin("marker_timeout", 15.0, "The longest time from left to right blinker"),
        ParamSpec {
            maximum: Some(WINDOWS_MAX as f64),
            examples: vec![json!(["20..32", "45+5"])],
            ..ParamSpec::new(
                "windows",
                ParamKind::List,
                "The windows themselves, in place of marks: each start..end or start+length, in seconds after the first \
                 CAN event",
            )
        },
        ParamSpec {
            default: Some(json!("set")),
            ..text("button", "The button of the profile whose presses candidates are held against")
        },
        spec::choice(
            "engaged",
            &["auto", "cruise", "selfdrive", "none"],
            "What tells that the car is engaged: the first that there is (auto), its cruise control, or openpilot",
        ),
        ParamSpec {
            examples: vec![json!("0x241@0:B6b0"), json!("0x241:55"), json!("0x241:b55"), json!("0x241:MSB B6b0")],
            ..text("engaged_bit", "The bit that tells it, in place of engaged; at any address")
        },
        ParamSpec {
            minimum: Some(0.0),
            maximum: Some(255.0),
            ..ParamSpec::new("engaged_bus", ParamKind::Int, "The bus of engaged_bit; default: the one with most frames")
        },
        spec::choice(
            "engaged_mode",
            &["annotate", "filter"],
            "Whether edges, runs and moments tell that the car was engaged, or those while it was not are left out",
        ),
        margin("engaged_margin", 0.5, "How much longer it counts as engaged, at both ends"),
        ParamSpec {
            maximum: Some(FOLLOWED_MAX as f64),
            examples: vec![json!(["0x027:B4b5", "0x027@1:34"])],
            ..ParamSpec::new("watch", ParamKind::List, "Further bits whose every edge and run is told")
        },
        ParamSpec {
            default: Some(json!(200)),
            minimum: Some(1.0),
            maximum: Some(CANDIDATES_MAX),
            ..ParamSpec::new("candidates", ParamKind::Int, "How many candidates are told")
        },
        export("export_csv", "Write the tables as CSV"),
        export("export_json", "Write the tables as JSON"),
        export("report", "Write a page with plots, for people; not in compat mode"),
        ParamSpec {
            default: Some(json!(".")),
            minimum: Some(1.0),
            maximum: Some(512.0),
            ..ParamSpec::new("output_dir", ParamKind::Str, "The folder of the files, below the run's folder")
        },
        spec::join(),
        spec::strict(),
    ];
    specs.extend(spec::old_clients());
    specs
}

/// Returns how marks become windows.
pub(super) fn rule(cx: &ToolCx) -> MarkerRule {
    let MarkerRule { pre, post, timeout } = MarkerRule::default();
    MarkerRule {
        pre: cx.number("marker_pre").unwrap_or(pre),
        post: cx.number("marker_post").unwrap_or(post),
        timeout: cx.number("marker_timeout").unwrap_or(timeout),
    }
}

/// Returns the bus that the engaged bit is looked for on.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the spec allows whole numbers to 255")]
pub(super) fn engaged_bus(cx: &ToolCx) -> Option<Bus> {
    cx.number("engaged_bus").map(|bus| Bus(bus as u8))
}

/// Returns what a user can choose.
pub(super) fn options(cx: &ToolCx) -> Result<CruiseOptions, ToolError> {
    let defaults = CruiseOptions::default();
    let button = cx.text("button").unwrap_or(&defaults.button).to_owned();
    Ok(CruiseOptions {
        speed_min: cx.number("speed_min").unwrap_or(defaults.speed_min),
        speed_max: cx.number("speed_max").unwrap_or(defaults.speed_max),
        speed_unit: cx.text("speed_unit").and_then(SpeedUnit::from_word).unwrap_or_default(),
        marks: marks(cx, &button)?,
        rule: rule(cx),
        button,
        engaged: engaged(cx)?,
        engaged_bus: engaged_bus(cx),
        engaged_margin: cx.number("engaged_margin").unwrap_or(defaults.engaged_margin),
        filters_engaged: cx.text("engaged_mode") == Some("filter"),
        watch: watch(cx)?,
        candidates_max: candidates_max(cx).unwrap_or(defaults.candidates_max),
        strict: cx.is_on("strict"),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the spec allows whole numbers to 10000")]
fn candidates_max(cx: &ToolCx) -> Option<usize> {
    cx.number("candidates").map(|count| count as usize)
}

fn texts<'a>(cx: &'a ToolCx, name: &str) -> impl Iterator<Item = &'a str> {
    cx.list(name).iter().filter_map(Value::as_str)
}

fn marks(cx: &ToolCx, button: &str) -> Result<MarkFrom, ToolError> {
    let mut windows = Vec::new();
    for text in texts(cx, "windows") {
        let window: Window = text.parse().map_err(|fault| ToolError::new(format!("windows has {text:?}: {fault}")))?;
        windows.push(window);
    }
    if !windows.is_empty() {
        let windows = check_windows(windows).map_err(|fault| ToolError::new(format!("windows: {fault}")))?;
        return Ok(MarkFrom::Windows(windows));
    }
    Ok(match cx.text("marker_type") {
        Some("none") => MarkFrom::Nothing,
        Some("button") => MarkFrom::Button(button.to_owned()),
        Some("bookmark") => MarkFrom::Bookmarks,
        _ => MarkFrom::Blinkers,
    })
}

fn engaged(cx: &ToolCx) -> Result<EngagedFrom, ToolError> {
    if let Some(text) = cx.text("engaged_bit") {
        let hint = "Write 0x241@0:B6b0 or 0x241:55; the tables show the label of a bit.";
        let bit = engaged_bit(text)
            .map_err(|fault| ToolError::new(format!("engaged_bit is {text:?}: {fault}")).with_hint(hint))?;
        return Ok(EngagedFrom::Bit(bit));
    }
    Ok(match cx.text("engaged") {
        Some("cruise") => EngagedFrom::Cruise,
        Some("selfdrive") => EngagedFrom::Selfdrive,
        Some("none") => EngagedFrom::Nothing,
        _ => EngagedFrom::Auto,
    })
}

fn watch(cx: &ToolCx) -> Result<Vec<Watch>, ToolError> {
    let read = |text: &str| text.parse().map_err(|fault| ToolError::new(format!("watch has {text:?}: {fault}")));
    texts(cx, "watch").map(read).collect()
}
