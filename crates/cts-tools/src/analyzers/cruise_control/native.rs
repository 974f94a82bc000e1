//! The default mode: two readings of the logs, and the tables of what they told.

use cts_can::cruise::native::{CruiseResult, CruiseTable, ReportAbout, Scan, TableFormat};
use cts_model::Level;

use super::{Given, Outputs, car, params, summary};
use crate::files;
use crate::inputs::{self, InputError, Pass};
use crate::native::{ToolCx, ToolError};

/// The name of the report.
const REPORT: &str = "analysis_report.html";

const NO_LOG: &str = "Give an openpilot log (rlog or qlog) or a CSV table of rlog-to-csv.";

pub(super) fn run(cx: &mut ToolCx, given: &Given) -> Result<(), ToolError> {
    let options = params::options(cx)?;
    let mut outputs = Outputs::new(cx)?;
    if options.filters_engaged && cx.text("engaged") == Some("none") && !cx.is_given("engaged_bit") {
        cx.log(Level::Warning, "engaged_mode=filter has no effect with engaged=none");
    }
    let car = car::in_use(cx, given)?;
    let mut scan = Scan::new(options, car);
    inputs::each_of(cx, &given.logs, Pass::first(2), "frames", |log, told| scan.add(log, told).map(|_| ()))?;
    let mut measure = scan.finish();
    for (input, found) in given.logs.iter().zip(&measure.known().inputs) {
        if let Some(end) = &found.log_end {
            inputs::refuse_other(input, end, NO_LOG)?;
        }
    }
    inputs::each_of(cx, &given.logs, Pass::first(2).next(), "frames measured", |log, told| measure.add(log, told))?;
    let failed = |error| InputError { name: "the analysis".to_owned(), error };
    let result = measure.finish().map_err(failed)?;
    let warnings = tell(cx, given, &result);
    for table in CruiseTable::ALL {
        for (param, format) in [("export_csv", TableFormat::Csv), ("export_json", TableFormat::Json)] {
            if cx.is_on(param) {
                let name = format!("{}.{}", table.name(), format.ending());
                outputs.write(cx, &name, |out| result.write(table, format, out).map(|_| ()));
            }
        }
    }
    if cx.is_on("export_csv") || cx.is_on("export_json") {
        let config = summary::config(cx, given, &result);
        outputs.write(cx, "config_snapshot.json", |out| writeln!(out, "{config:#}").map_err(cts_can::Error::Write));
    }
    if cx.is_on("report") {
        let about = about(given, &outputs);
        outputs.write(cx, REPORT, |out| {
            out.write_all(result.report(&about).to_html().as_bytes()).map_err(cts_can::Error::Write)
        });
    }
    let told = summary::summary(given, &result, &outputs, &warnings);
    files::write_summary(cx, &told)?;
    outputs.end()?;
    let best = result.candidates.first().map(|best| {
        let signal = best.signal.as_deref().map(|signal| format!(" ({signal})")).unwrap_or_default();
        format!("; {} bit {} on bus {} leads{signal}", best.address, best.bit, best.bus)
    });
    cx.done(&format!(
        "{} windows, {} presses, engaged for {:.1} s{}",
        result.windows.len(),
        result.presses.len(),
        result.engaged.as_ref().map_or(0.0, |engaged| engaged.seconds),
        best.unwrap_or_default()
    ));
    Ok(())
}

/// Returns what the report tells besides the result.
fn about(given: &Given, outputs: &Outputs) -> ReportAbout {
    // The report lies beside the files that it names.
    let beside = |name: &String| name.strip_prefix(outputs.prefix.as_str()).unwrap_or(name).to_owned();
    ReportAbout {
        tool: concat!("cruise-control-analyzer ", env!("CARGO_PKG_VERSION")).to_owned(),
        inputs: given.logs.iter().map(|input| input.name.clone()).collect(),
        files: outputs.written.iter().map(|name| (beside(name), what_is_in(name).to_owned())).collect(),
    }
}

/// Returns in words what a file of the analysis holds.
fn what_is_in(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or(name);
    match file.split('.').next().unwrap_or(file) {
        "counts_by_segment" => "frames of each bus and address, for each window",
        "candidates" => "the bits that are most likely to tell it",
        "edges" => "every edge of the signals that were followed",
        "runs" => "windows, and how long signals were on",
        "timeline" => "what happened, in the order of time",
        "engaged_intervals" => "when the car was engaged",
        "config_snapshot" => "what was asked for, and what it was found with",
        _ => "more",
    }
}

/// Says in the log where the facts come from and what is worth a warning; returns the warnings.
fn tell(cx: &ToolCx, given: &Given, result: &CruiseResult) -> Vec<String> {
    for source in &result.sources {
        if let Some(text) = &source.source {
            cx.log(Level::Info, format!("{} is told by {text}", source.role.word().replace('_', " ")));
        }
    }
    let mut warnings = Vec::new();
    for (input, found) in given.logs.iter().zip(&result.inputs) {
        warnings.extend(inputs::notes(input, found.log_end.as_ref(), found.bad_events, found.unknown_events));
    }
    warnings.extend(result.notes.iter().map(ToString::to_string));
    for warning in &warnings {
        cx.log(Level::Warning, warning.clone());
    }
    warnings
}
