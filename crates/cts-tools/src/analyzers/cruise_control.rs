//! `cruise-control-analyzer`: what the cruise control did, and which bits tell it.
//!
//! By default true to the frames, for any car with a profile or with what openpilot's own events say; with
//! `mode=compat` the files of the Python tool of that name, for the one Subaru that it knows. Logs are read twice, and
//! every file is written for itself: one that cannot be written does not keep the others from it.

use std::io::Write;

mod car;
mod compat;
mod native;
mod params;
mod summary;

use cts_can::Error;
use cts_model::{Level, RelPath, ToolSpec};

use crate::files;
use crate::inputs;
use crate::native::{InputFile, NativeTool, ToolCx, ToolError};
use crate::spec::{self, CSV, HTML, JSON, optional_output, output};

/// The tool.
#[derive(Debug)]
pub struct CruiseControl;

impl NativeTool for CruiseControl {
    fn spec(&self) -> ToolSpec {
        let mut spec = spec::analyzer(
            "cruise-control-analyzer",
            "Cruise control analyzer",
            "Tells what the cruise control and the driver did, finds the windows that the driver marked, and ranks the \
             bits of every bus by how well they go with being engaged, with the windows and with presses of a button.",
        );
        spec.tags = ["can", "openpilot", "cruise-control", "bits", "reverse-engineering"].map(str::to_owned).to_vec();
        spec.input = spec::files(
            "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2, or CSV tables of rlog-to-csv; several \
             follow one another in time; beside them car profiles (.toml) and DBC files (.dbc)",
            &["log_file", "rlog", "csv"],
        );
        spec.outputs = vec![
            optional_output("**/*.csv", CSV),
            optional_output("**/config_snapshot.json", JSON),
            optional_output("**/*.json", JSON),
            optional_output("**/*.html", HTML),
            output(files::SUMMARY, JSON),
        ];
        spec.params = params::specs();
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        spec::tell_old_clients(cx);
        let inputs = Given::sorted(cx)?;
        if cx.text("mode") == Some("compat") { compat::run(cx, &inputs) } else { native::run(cx, &inputs) }
    }
}

/// The inputs by what they are.
struct Given {
    /// Logs and tables of frames, in the order in which they are read.
    logs: Vec<InputFile>,
    profiles: Vec<InputFile>,
    dbcs: Vec<InputFile>,
}

impl Given {
    fn sorted(cx: &ToolCx) -> Result<Self, ToolError> {
        let mut given = Self { logs: Vec::new(), profiles: Vec::new(), dbcs: Vec::new() };
        for input in inputs::joined(cx)? {
            let name = input.name.to_ascii_lowercase();
            let of = if name.ends_with(".toml") {
                &mut given.profiles
            } else if name.ends_with(".dbc") {
                &mut given.dbcs
            } else {
                &mut given.logs
            };
            of.push(input);
        }
        if given.logs.is_empty() {
            return Err(ToolError::new("there is no log among the inputs").with_hint("Give an openpilot log."));
        }
        Ok(given)
    }
}

/// The files that a run writes, each for itself.
struct Outputs {
    /// What their names begin with: nothing, or a folder and a slash.
    prefix: String,
    written: Vec<String>,
    /// Names of those that could not be written, with the reason.
    failed: Vec<(String, String)>,
}

impl Outputs {
    fn new(cx: &ToolCx) -> Result<Self, ToolError> {
        let given = cx.text("output_dir").unwrap_or_default();
        // Older clients send the path on their own machine: its last part is the name here.
        let folder = given.trim_end_matches('/');
        let folder = if given.starts_with('/') { folder.rsplit('/').next().unwrap_or_default() } else { folder };
        let folder = folder.trim_start_matches("./");
        let prefix = if folder.is_empty() || folder == "." {
            String::new()
        } else {
            let path: RelPath = folder.parse().map_err(|_| {
                ToolError::new(format!("output_dir is {given:?}, which is no path below the run's folder"))
            })?;
            format!("{path}/")
        };
        Ok(Self { prefix, written: Vec::new(), failed: Vec::new() })
    }

    /// Writes a file; where that fails the others go on.
    fn write(&mut self, cx: &ToolCx, name: &str, content: impl FnOnce(&mut dyn Write) -> Result<(), Error>) {
        let name = format!("{}{name}", self.prefix);
        match files::write(cx.out_dir(), &name, content) {
            Ok(()) => self.written.push(name),
            Err(error) => {
                cx.log(Level::Error, format!("{name} is missing: {error}"));
                self.failed.push((name, error.to_string()));
            }
        }
    }

    /// Ends a run: with an error where a file is missing.
    fn end(self) -> Result<(), ToolError> {
        let Some((_, reason)) = self.failed.first() else { return Ok(()) };
        let names: Vec<&str> = self.failed.iter().map(|(name, _)| name.as_str()).collect();
        let (failed, all) = (self.failed.len(), self.failed.len() + self.written.len());
        let message = format!("{failed} of {all} files could not be written: {}: {reason}", names.join(", "));
        Err(ToolError::new(message).with_hint("Check the disk; the other files are whole."))
    }
}

#[cfg(test)]
mod tests;
