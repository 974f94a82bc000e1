//! What a run tells about itself: everything in short, and what it was asked for.

use cts_can::cars::SpeedUnit;
use cts_can::cruise::native::{BitPlace, CruiseResult, Run, Stretch};
use serde_json::{Map, Value, json};

use super::{Given, Outputs};
use crate::inputs;
use crate::native::ToolCx;

/// The best of the candidates stand in the summary, the others in their file only.
const CANDIDATES_TOLD_MAX: usize = 50;

/// Of presses, stretches and windows so many stand in the summary.
const TOLD_MAX: usize = 200;

fn rounded(number: f64, decimals: i32) -> f64 {
    let scale = 10.0_f64.powi(decimals);
    (number * scale).round() / scale
}

fn seconds(time: f64) -> f64 {
    rounded(time, 6)
}

fn mph(mps: f64) -> f64 {
    rounded(SpeedUnit::Mph.of_mps(mps), 2)
}

fn stretch(stretch: Stretch) -> Value {
    json!({"start": seconds(stretch.start), "end": seconds(stretch.end)})
}

fn run(run: &Run) -> Value {
    let complete = !run.is_begun_before && !run.is_unfinished;
    json!({"start": seconds(run.start), "end": seconds(run.end), "complete": complete})
}

fn place(place: Option<BitPlace>) -> Option<Value> {
    place.map(|place| json!({"address": place.address.to_string(), "bus": place.bus.0, "bit": place.bit}))
}

fn sources(result: &CruiseResult) -> Value {
    let mut told: Map<String, Value> = Map::new();
    for source in &result.sources {
        let Some(text) = &source.source else {
            told.entry(source.role.word()).or_insert(Value::Null);
            continue;
        };
        let known = told.get(source.role.word()).and_then(Value::as_str);
        let text = known.map_or_else(|| text.clone(), |known| format!("{known}, {text}"));
        told.insert(source.role.word().to_owned(), json!(text));
    }
    Value::Object(told)
}

fn car(result: &CruiseResult) -> Value {
    let dbcs: Vec<Value> = result.car.dbcs.iter().map(|(name, bus)| json!({"name": name, "bus": bus.0})).collect();
    json!({
        "brand": result.car.identity.as_ref().map(|car| car.brand.as_str()),
        "fingerprint": result.car.identity.as_ref().map(|car| car.fingerprint.as_str()),
        "profile": result.car.profile,
        "dbcs": dbcs,
    })
}

fn inputs_json(given: &Given, result: &CruiseResult) -> Value {
    let of = given.logs.iter().zip(&result.inputs).map(|(input, found)| {
        let end = found.log_end.as_ref();
        json!({
            "name": input.name,
            "kind": found.kind.name(),
            "stored_bytes": end.map(|end| end.packed_bytes),
            "compression": end.map(|end| end.format.name()),
            "frames": found.rows,
            "unknown_events": found.unknown_events,
            "broken_events": found.bad_events,
            "damage": inputs::damage_json(end.and_then(|end| end.damage.as_ref())),
        })
    });
    Value::Array(of.collect())
}

/// Returns what was asked for and what it was found with.
pub(super) fn config(cx: &ToolCx, given: &Given, result: &CruiseResult) -> Value {
    json!({
        "tool": "cruise-control-analyzer",
        "tool_version": env!("CARGO_PKG_VERSION"),
        "schema_version": "config_snapshot.v2",
        "analysis_id": result.analysis_id,
        "mode": "native",
        "params": cx.params(),
        "inputs": inputs_json(given, result),
        "car": car(result),
        "gate_sources": sources(result),
        "bus_policy": "each bus for itself",
        "time_origin": "the first can event of the first log",
        "time_zero_ns": result.time.zero_ns,
    })
}

/// Returns everything in short.
pub(super) fn summary(given: &Given, result: &CruiseResult, outputs: &Outputs, warnings: &[String]) -> Value {
    let failed: Vec<Value> =
        outputs.failed.iter().map(|(name, reason)| json!({"name": name, "reason": reason})).collect();
    let windows: Vec<Value> = result
        .windows
        .iter()
        .map(|window| {
            json!({
                "id": window.id,
                "mark": window.mark.word(),
                "begun": seconds(window.begun),
                "ended": window.ended.map(seconds),
                "start": seconds(window.window.start),
                "end": seconds(window.window.end),
            })
        })
        .collect();
    let presses: Vec<Value> = result
        .presses
        .iter()
        .take(TOLD_MAX)
        .map(|press| {
            json!({
                "button": press.button,
                "time": seconds(press.run.start),
                "seconds": seconds(press.run.seconds()),
                "mph": press.mps.map(mph),
                "in_target": press.is_in_target,
            })
        })
        .collect();
    let engaged = result.engaged.as_ref().map(|engaged| {
        json!({
            "source": engaged.source,
            "place": place(engaged.place),
            "seconds": seconds(engaged.seconds),
            "times": engaged.runs.iter().take(TOLD_MAX).map(run).collect::<Vec<_>>(),
            "with_margin": engaged.padded.iter().take(TOLD_MAX).map(|of| stretch(*of)).collect::<Vec<_>>(),
        })
    });
    let candidates: Vec<Value> = result
        .candidates
        .iter()
        .take(CANDIDATES_TOLD_MAX)
        .map(|found| {
            json!({
                "address": found.address.to_string(),
                "bus": found.bus.0,
                "bit": found.bit,
                "signal": found.signal,
                "score": rounded(found.score, 1),
                "kind": found.kind.word(),
                "evidence": found.evidence,
            })
        })
        .collect();
    let [low, mean, high] = result.speed.range.map_or([None; 3], |range| range.map(|mps| Some(mph(mps))));
    json!({
        "tool": "cruise-control-analyzer",
        "mode": "native",
        "analysis_id": result.analysis_id,
        "files": outputs.written,
        "files_failed": failed,
        "car": car(result),
        "sources": sources(result),
        "time_zero_ns": result.time.zero_ns,
        "seconds": seconds(result.time.last - result.time.first),
        "speed": {
            "samples": result.speed.points_seen,
            "min_mph": low,
            "mean_mph": mean,
            "max_mph": high,
            "impossible_wheels": result.speed.impossible,
            "mean_difference_to_openpilot_mps": result.speed.difference.map(|mps| rounded(mps, 3)),
        },
        "target_speed": {
            "min": result.options.speed_min,
            "max": result.options.speed_max,
            "unit": result.options.speed_unit.word(),
            "times_count": result.target.len(),
            "times": result.target.iter().take(TOLD_MAX).map(run).collect::<Vec<_>>(),
        },
        "presses_count": result.presses.len(),
        "presses": presses,
        "windows": windows,
        "engaged": engaged,
        "streams": result.streams.len(),
        "fields": result.fields.len(),
        "bits_scored": result.bits_scored,
        "bits_left_out_as_fields": result.bits_in_fields,
        "candidates_count": result.candidates.len(),
        "candidates": candidates,
        "warnings": warnings,
        "inputs": inputs_json(given, result),
    })
}
