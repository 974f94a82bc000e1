//! What an analyzer reads: files one after another, with progress over all of them, and what was wrong with each.

use std::fs::File;
use std::io::Read;

use cts_can::inputs::InputKind;
use cts_can::progress::Progress as CanProgress;
use cts_can::rlog::{Damage, DamageReason, LogEnd, first_can_time, time_order};
use cts_model::{Level, Progress};
use serde_json::{Value, json};

use crate::files::cannot;
use crate::native::{InputFile, ToolCx, ToolError};

/// Opens a file.
pub(crate) fn open(input: &InputFile) -> Result<File, ToolError> {
    File::open(&input.path).map_err(|error| cannot("open", &input.name, &error))
}

/// Returns whether a file is a log or a table, which its first bytes tell.
pub(crate) fn kind_of(input: &InputFile) -> Result<InputKind, ToolError> {
    let mut prefix = Vec::new();
    let read = open(input)?.take(InputKind::PREFIX_BYTES as u64).read_to_end(&mut prefix);
    read.map_err(|error| cannot("read", &input.name, &error))?;
    Ok(InputKind::of(&prefix))
}

/// Returns the inputs in the order in which they are to be read, as the parameter `join` says.
///
/// A table keeps its place, and so does a file that is no log.
pub(crate) fn joined(cx: &ToolCx) -> Result<Vec<InputFile>, ToolError> {
    joined_of(cx, cx.inputs())
}

/// Returns some of the inputs in the order in which they are to be read.
pub(crate) fn joined_of(cx: &ToolCx, given: &[InputFile]) -> Result<Vec<InputFile>, ToolError> {
    if given.len() < 2 || cx.text("join") == Some("given") {
        return Ok(given.to_vec());
    }
    let mut first_times = Vec::new();
    for input in given {
        first_times.push(match kind_of(input)? {
            InputKind::Log => first_can_time(open(input)?).map_err(|error| refuse(&input.name, &error))?,
            InputKind::Table => None,
        });
    }
    let order = time_order(&first_times);
    let joined: Vec<InputFile> = order.iter().map(|&number| given[number].clone()).collect();
    if joined != given {
        let text = format!(
            "reading the logs in the order in which they were recorded, not as given: {} comes first, {} last",
            joined[0].name,
            joined[joined.len() - 1].name
        );
        cx.log(Level::Info, text);
    }
    Ok(joined)
}

/// An error and the input that it is about.
pub(crate) struct InputError {
    /// The name of the input.
    pub(crate) name: String,
    /// What went wrong.
    pub(crate) error: cts_can::Error,
}

impl From<InputError> for ToolError {
    fn from(failed: InputError) -> Self {
        refuse(&failed.name, &failed.error)
    }
}

/// Which of several readings of the same inputs it is, for the progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    number: u64,
    count: u64,
}

impl Pass {
    /// Returns the first of so many.
    pub(crate) fn first(count: u64) -> Self {
        Self { number: 0, count }
    }

    /// Returns the one after it.
    pub(crate) fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }
}

/// Gives each input to an analysis, with progress over all of them.
pub(crate) fn each(
    cx: &mut ToolCx,
    inputs: &[InputFile],
    counted: &str,
    take: impl FnMut(File, &mut dyn FnMut(CanProgress)) -> Result<(), cts_can::Error>,
) -> Result<(), InputError> {
    each_of(cx, inputs, Pass::first(1), counted, take)
}

/// Gives each input to an analysis that reads them several times, with progress over all readings.
pub(crate) fn each_of(
    cx: &mut ToolCx,
    inputs: &[InputFile],
    pass: Pass,
    counted: &str,
    mut take: impl FnMut(File, &mut dyn FnMut(CanProgress)) -> Result<(), cts_can::Error>,
) -> Result<(), InputError> {
    let size = |input: &InputFile| std::fs::metadata(&input.path).map_or(0, |meta| meta.len());
    let sizes: Vec<u64> = inputs.iter().map(size).collect();
    let once: u64 = sizes.iter().sum();
    let total = pass.count * once;
    let mut before = pass.number * once;
    for (input, size) in inputs.iter().zip(&sizes) {
        let failed = |error| InputError { name: input.name.clone(), error };
        let file =
            File::open(&input.path).map_err(|source| failed(cts_can::Error::Read { packed_bytes: 0, source }))?;
        let mut told = |now: CanProgress| {
            let message = format!("{}: {} {counted}", input.name, now.rows);
            cx.progress(&bytes_progress(before + now.packed_bytes, total, message));
        };
        take(file, &mut told).map_err(failed)?;
        before += size;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "bytes of logs are far below 2^53")]
fn bytes_progress(current: u64, total: u64, message: String) -> Progress {
    Progress {
        percent: (total > 0).then(|| (current as f64 / total as f64 * 100.0).min(100.0)),
        message: Some(message),
        current: Some(current as f64),
        total: Some(total as f64),
        unit: Some("bytes".to_owned()),
    }
}

/// Returns the error of an analysis, with what would mend it.
pub(crate) fn refuse(name: &str, error: &cts_can::Error) -> ToolError {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let refused = ToolError::new(format!("{name}: {error}{cause}"));
    match error {
        cts_can::Error::Damaged(_) | cts_can::Error::UnknownEvent { .. } | cts_can::Error::BadEvent { .. } => {
            refused.with_hint("Leave out `strict` to keep what is whole.")
        }
        cts_can::Error::BadRow { fault: cts_can::RowFault::NoSegment, .. } => {
            refused.with_hint("Give `windows`, or a table with a column `segment`.")
        }
        cts_can::Error::TooManyTables(_) => {
            refused.with_hint("Choose messages with `bus` or `address`, or give `layout=wide`.")
        }
        cts_can::Error::TooManyColumns { .. } => {
            refused.with_hint("Choose messages with `bus` or `address`, or give `layout=messages`.")
        }
        cts_can::Error::Make { .. } => {
            refused.with_hint("Check the disk and how many files a run may open, or give `layout=wide`.")
        }
        cts_can::Error::TooManySignals(_) => refused.with_hint("Choose messages with `bus` or `address`."),
        cts_can::Error::BadRow { .. } => refused.with_hint("Give a log, or a table with the columns of rlog-to-csv."),
        _ => refused,
    }
}

/// Refuses an input that is no log at all; `wanted` tells what would be one.
pub(crate) fn refuse_other(input: &InputFile, end: &LogEnd, wanted: &str) -> Result<(), ToolError> {
    match &end.damage {
        Some(damage) if damage.reason == DamageReason::NotALog => {
            Err(ToolError::new(format!("{}: {}", input.name, damage.reason)).with_hint(wanted))
        }
        _ => Ok(()),
    }
}

/// Returns what is worth a warning about an input that was read as a log.
pub(crate) fn notes(input: &InputFile, end: Option<&LogEnd>, bad_events: u64, unknown_events: u64) -> Vec<String> {
    let name = &input.name;
    let mut notes = Vec::new();
    if let Some(damage) = end.and_then(|end| end.damage.as_ref()) {
        notes.push(format!(
            "{name}: {} after message {} (byte {} of the plain log); {} plain and {} stored bytes were not used",
            damage.reason, damage.message, damage.byte, damage.plain_bytes_lost, damage.packed_bytes_lost
        ));
    }
    if bad_events > 0 {
        notes.push(format!("{name}: {bad_events} events are broken inside and were left out"));
    }
    if unknown_events > 0 {
        notes.push(format!("{name}: {unknown_events} events are of a kind that is not known and were skipped"));
    }
    notes
}

/// Returns what a summary tells about the damage of a log.
pub(crate) fn damage_json(damage: Option<&Damage>) -> Option<Value> {
    damage.map(|damage| {
        json!({
            "reason": damage.reason.to_string(),
            "message": damage.message,
            "byte": damage.byte,
            "plain_bytes_lost": damage.plain_bytes_lost,
            "stored_bytes_lost": damage.packed_bytes_lost,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A log of one `can` event without frames.
    fn log(mono_time: u64) -> Vec<u8> {
        let words = [4 << 32, 1 << 48 | 2 << 32, mono_time, 4, 0];
        words.iter().flat_map(|word: &u64| word.to_le_bytes()).collect()
    }

    #[test]
    fn logs_are_read_as_they_were_recorded_or_as_they_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let files =
            [("b", log(30)), ("table", b"timestamp,address\n".to_vec()), ("c", log(10)), ("a", log(20)), ("e", vec![])];
        let inputs: Vec<InputFile> = files
            .iter()
            .map(|(name, bytes)| {
                let path = folder.path().join(name);
                fs::write(&path, bytes).unwrap();
                InputFile { path, name: (*name).to_owned() }
            })
            .collect();
        let names = |join: &str| -> Vec<String> {
            let params = [("join".to_owned(), json!(join))].into_iter().collect();
            let cx = ToolCx::new(params, inputs.clone(), folder.path().to_owned());
            joined(&cx).unwrap().into_iter().map(|input| input.name).collect()
        };
        assert_eq!(names("time"), ["c", "table", "a", "b", "e"]);
        assert_eq!(names("given"), ["b", "table", "c", "a", "e"]);
    }
}
