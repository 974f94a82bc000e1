//! `mode=compat`: the files of the Python tool.
//!
//! What varies from run to run there is fixed by the log here: the time is that of the log's first CAN event, read as if
//! devices booted with the epoch, and the id comes from the parameters and the log.

use cts_can::cruise::analysis_name;
use cts_can::cruise::compat::{CompatOptions, EngagedMode, Findings, FirstLook, Looked, Provenance};
use cts_can::rlog::first_can_time;
use cts_model::Level;
use serde_json::{Value, json};

use super::{Given, Outputs, params};
use crate::files;
use crate::inputs::{self, Pass};
use crate::native::{ToolCx, ToolError};

/// Parameters that this mode does not know.
const UNKNOWN: [&str; 9] =
    ["car", "dbc", "speed_unit", "button", "engaged", "windows", "watch", "candidates", "report"];

pub(super) fn run(cx: &mut ToolCx, given: &Given) -> Result<(), ToolError> {
    let options = options(cx)?;
    let mut warnings = unknown(cx);
    let mut outputs = Outputs::new(cx)?;
    let strict = options.strict;
    let provenance = provenance(cx, given)?;
    let mut first = FirstLook::new(options);
    inputs::each_of(cx, &given.logs, Pass::first(2), "frames", |log, told| first.add(log, told).map(|_| ()))?;
    let findings = match first.finish() {
        Looked::Complete(findings) => findings,
        Looked::Again(mut second) => {
            let pass = Pass::first(2).next();
            inputs::each_of(cx, &given.logs, pass, "frames again", |log, told| second.add(log, told))?;
            second.finish()
        }
    };
    debug_assert_eq!(findings.options().strict, strict);
    for (input, found) in given.logs.iter().zip(findings.inputs()) {
        if let Some(end) = &found.log_end {
            inputs::refuse_other(input, end, "Give an openpilot log (rlog or qlog).")?;
        }
        warnings.extend(inputs::notes(input, found.log_end.as_ref(), found.bad_events, found.unknown_events));
    }
    warnings.extend(findings.warnings());
    for warning in &warnings {
        cx.log(Level::Warning, warning.clone());
    }
    for file in findings.files() {
        outputs.write(cx, &file.name(), |out| findings.write(file, &provenance, out));
    }
    let told = summary(given, &findings, &provenance, &outputs, &warnings);
    files::write_summary(cx, &told)?;
    let (files, events) = (outputs.written.len(), findings.speed_events().len());
    outputs.end()?;
    cx.done(&format!("{events} times at the target speed; wrote {files} files"));
    Ok(())
}

fn options(cx: &ToolCx) -> Result<CompatOptions, ToolError> {
    let defaults = CompatOptions::default();
    let markers = match cx.text("marker_type") {
        Some("none") => false,
        Some("blinkers") | None => true,
        Some(other) => {
            let text = format!("marker_type is {other}, but mode=compat knows blinkers and none");
            return Err(ToolError::new(text).with_hint("Leave out `mode`."));
        }
    };
    Ok(CompatOptions {
        speed_min: cx.number("speed_min").unwrap_or(defaults.speed_min),
        speed_max: cx.number("speed_max").unwrap_or(defaults.speed_max),
        markers,
        rule: params::rule(cx),
        engaged_bit: cx.text("engaged_bit").map(str::to_owned),
        engaged_bus: params::engaged_bus(cx).map(|bus| i64::from(bus.0)),
        engaged_mode: if cx.text("engaged_mode") == Some("filter") {
            EngagedMode::Filter
        } else {
            EngagedMode::Annotate
        },
        engaged_margin: cx.number("engaged_margin").unwrap_or(defaults.engaged_margin),
        export_csv: cx.is_on("export_csv"),
        export_json: cx.is_on("export_json"),
        strict: cx.is_on("strict"),
    })
}

/// Returns a warning for each parameter that has no effect here.
fn unknown(cx: &ToolCx) -> Vec<String> {
    let specs = params::specs();
    let is_meant = |name: &&&str| {
        let default = specs.iter().find(|spec| spec.name == ***name).and_then(|spec| spec.default.as_ref());
        cx.params().get(**name).is_some_and(|value| Some(value) != default && *value != json!([]))
    };
    UNKNOWN.iter().filter(is_meant).map(|name| format!("{name} has no effect with mode=compat")).collect()
}

fn provenance(cx: &ToolCx, given: &Given) -> Result<Provenance, ToolError> {
    let log = &given.logs[0];
    let zero = first_can_time(inputs::open(log)?).map_err(|error| inputs::refuse(&log.name, &error))?;
    let size = std::fs::metadata(&log.path).map_or(0, |meta| meta.len());
    let params = Value::Object(cx.params().clone()).to_string();
    let extension = log.name.rsplit_once('.').map(|(_, extension)| format!(".{extension}"));
    Ok(Provenance {
        timestamp: timestamp(zero.unwrap_or(0)),
        analysis_id: analysis_name([params.as_str(), &format!("|{zero:?}|{size}")]),
        // What the Python tool writes wherever it is installed.
        tool_version: "unknown".to_owned(),
        log_file: log.name.clone(),
        repo_root: cx.text("repo_root").map(str::to_owned),
        deps_dir: cx.text("deps_dir").map(str::to_owned),
        install_missing_deps: cx.is_on("install_missing_deps"),
        output_dir: cx.text("output_dir").unwrap_or(".").to_owned(),
        file_path: log.name.clone(),
        file_size: size,
        file_extension: extension.unwrap_or_default(),
    })
}

/// Returns nanoseconds since the epoch as ISO 8601 with microseconds, without a zone, as Python's `isoformat`.
fn timestamp(nanoseconds: u64) -> String {
    let micros = nanoseconds / 1000;
    let (days, of_day) = (micros / 86_400_000_000, micros % 86_400_000_000);
    // Counting from a March 1st puts the leap day last; Howard Hinnant's `civil_from_days`.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (seconds, rest) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:06}")
}

fn summary(
    given: &Given,
    findings: &Findings,
    provenance: &Provenance,
    outputs: &Outputs,
    warnings: &[String],
) -> Value {
    let inputs: Vec<Value> = given
        .logs
        .iter()
        .zip(findings.inputs())
        .map(|(input, found)| {
            let damage = found.log_end.as_ref().and_then(|end| end.damage.as_ref());
            json!({
                "name": input.name,
                "kind": found.kind.name(),
                "frames": found.rows,
                "unknown_events": found.unknown_events,
                "broken_events": found.bad_events,
                "damage": inputs::damage_json(damage),
            })
        })
        .collect();
    let failed: Vec<Value> =
        outputs.failed.iter().map(|(name, reason)| json!({"name": name, "reason": reason})).collect();
    json!({
        "tool": "cruise-control-analyzer",
        "mode": "compat",
        "analysis_id": provenance.analysis_id,
        "files": outputs.written,
        "files_failed": failed,
        "speed_events": findings.speed_events().len(),
        "set_presses": findings.set_presses().len(),
        "marker_windows": findings.marker_windows().count(),
        "engaged_intervals": findings.engaged_intervals().len(),
        "warnings": warnings,
        "inputs": inputs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let rows = [
            (0, "1970-01-01T00:00:00.000000"),
            (58_900_123_456_789, "1970-01-01T16:21:40.123456"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000"),
            (1_704_067_199_999_999_000, "2023-12-31T23:59:59.999999"),
        ];
        for (nanoseconds, expected) in rows {
            assert_eq!(timestamp(nanoseconds), expected);
        }
    }
}
