//! The cruise analyzer in its compat mode, from logs to files.

mod drive;
mod golden;
mod report;

use std::collections::BTreeMap;

use cts_can::Error;
use cts_can::cruise::compat::{CompatOptions, Findings, FirstLook, Looked, OutputFile, Provenance};

/// Looks at logs, and at the same logs again where that is asked for.
pub(crate) fn analyze(logs: &[&[u8]], options: &CompatOptions) -> Result<Findings, Error> {
    let mut first = FirstLook::new(options.clone());
    for log in logs {
        first.add(*log, &mut |_| {})?;
    }
    match first.finish() {
        Looked::Complete(findings) => Ok(*findings),
        Looked::Again(mut second) => {
            for log in logs {
                second.add(*log, &mut |_| {})?;
            }
            Ok(*second.finish())
        }
    }
}

pub(crate) fn file(findings: &Findings, file: OutputFile, provenance: &Provenance) -> String {
    let mut out = Vec::new();
    findings.write(file, provenance, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Returns every file by its name.
pub(crate) fn files(findings: &Findings) -> BTreeMap<String, String> {
    let text = |of: &OutputFile| (of.name(), file(findings, *of, &Provenance::default()));
    findings.files().iter().map(text).collect()
}
