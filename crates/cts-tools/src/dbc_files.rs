//! Which DBC files a run uses: those that come with CTS, and those among its inputs.
//!
//! An input whose name ends in `.dbc` is a DBC file and no log. So a user's own collection is used by giving its files,
//! or their folder, as inputs.

use std::io::Read;
use std::sync::Arc;

use cts_can::dbc::{Dbc, FILE_BYTES_MAX, SHIPPED, shipped};
use cts_can::frame::Bus;
use cts_can::table::signals::GivenDbc;
use cts_model::{Level, ParamKind, ParamSpec};
use serde_json::{Value, json};

use crate::files::cannot;
use crate::inputs;
use crate::native::{InputFile, ToolCx, ToolError};

/// How many files may be used at one time.
const FILES_MAX: usize = 64;

/// How much of what is doubtful about one file is told.
const NOTES_TOLD_MAX: usize = 10;

/// What a name ends in that is one of a DBC file.
const EXTENSION: &str = ".dbc";

/// The files of a run, the first of which decides where several know a message.
pub(crate) struct DbcFiles {
    /// What they say.
    pub(crate) dbcs: Arc<[GivenDbc]>,
    /// What they are called.
    pub(crate) names: Vec<String>,
}

/// Returns the parameter that names DBC files to decode signals by.
pub(crate) fn param() -> ParamSpec {
    param_for("Decode signals by these DBC files")
}

/// Returns the parameter that names DBC files; `what` begins to say what for.
pub(crate) fn param_for(what: &str) -> ParamSpec {
    ParamSpec {
        maximum: Some(64.0),
        pattern: Some("[^@]{1,256}(@[0-9]{1,3})?".to_owned()),
        examples: vec![json!(["toyota_new_mc_pt_generated", "toyota_adas@1", "mine.dbc"])],
        ..ParamSpec::new(
            "dbc",
            ParamKind::List,
            &format!(
                "{what}: files among the inputs, or those that come with CTS ({}), each with \
                 @ and a bus behind it where it is for one bus; default: the .dbc files among the inputs",
                SHIPPED.join(", ")
            ),
        )
    }
}

/// Returns the inputs that are DBC files, and the others.
pub(crate) fn split(inputs: &[InputFile]) -> (Vec<InputFile>, Vec<InputFile>) {
    let is_dbc = |input: &InputFile| input.name.to_ascii_lowercase().ends_with(EXTENSION);
    inputs.iter().cloned().partition(is_dbc)
}

/// Returns the files that a run asks for, none where it asks for none; `given` are those among its inputs.
pub(crate) fn files(cx: &ToolCx, given: &[InputFile]) -> Result<Option<DbcFiles>, ToolError> {
    let asked: Vec<&str> = cx.list("dbc").iter().filter_map(Value::as_str).collect();
    let asked: Vec<(String, Option<Bus>)> = if asked.is_empty() {
        given.iter().map(|input| (input.name.clone(), None)).collect()
    } else {
        asked.into_iter().map(name_and_bus).collect::<Result<_, _>>()?
    };
    if asked.is_empty() {
        return Ok(None);
    }
    if asked.len() > FILES_MAX {
        let text = format!("there are {} DBC files, and at most {FILES_MAX} are used at one time", asked.len());
        return Err(ToolError::new(text).with_hint("Name those that you need in `dbc`."));
    }
    for unused in given.iter().filter(|input| !asked.iter().any(|(name, _)| is_called(input, name))) {
        cx.log(Level::Warning, format!("{} is not used: `dbc` does not name it", unused.name));
    }
    let mut names = Vec::new();
    let mut dbcs = Vec::new();
    for (name, bus) in asked {
        let dbc = read(cx, given, &name)?;
        dbcs.push(GivenDbc { dbc, bus });
        names.push(bus.map_or_else(|| name.clone(), |bus| format!("{name}@{bus}")));
    }
    Ok(Some(DbcFiles { dbcs: dbcs.into(), names }))
}

fn name_and_bus(text: &str) -> Result<(String, Option<Bus>), ToolError> {
    let Some((name, bus)) = text.rsplit_once('@') else { return Ok((text.to_owned(), None)) };
    let number = bus.parse().ok().filter(|number| *number < 128);
    let refuse = || ToolError::new(format!("dbc has {text:?}; a bus is a number from 0 to 127"));
    Ok((name.to_owned(), Some(Bus(number.ok_or_else(refuse)?))))
}

/// Returns whether an input has this name, with or without its folders and its end.
fn is_called(input: &InputFile, name: &str) -> bool {
    let file = input.name.rsplit('/').next().unwrap_or_default();
    let stem = file.get(..file.len().saturating_sub(EXTENSION.len())).unwrap_or_default();
    [input.name.as_str(), file, stem].contains(&name)
}

fn read(cx: &ToolCx, given: &[InputFile], name: &str) -> Result<Dbc, ToolError> {
    let text = match given.iter().find(|input| is_called(input, name)) {
        Some(input) => {
            let mut bytes = Vec::new();
            // One byte more than there may be shows that there are too many.
            let read = inputs::open(input)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
            read.map_err(|error| cannot("read", &input.name, &error))?;
            bytes
        }
        None => match shipped(name.strip_suffix(EXTENSION).unwrap_or(name)) {
            Some(text) => text.as_bytes().to_vec(),
            None => {
                let text = format!("dbc has {name:?}, and no input and no file that comes with CTS is called so");
                let hint = format!("Give the file as an input beside the log, or one of: {}.", SHIPPED.join(", "));
                return Err(ToolError::new(text).with_hint(hint));
            }
        },
    };
    let dbc = Dbc::parse(&text).map_err(|fault| ToolError::new(format!("{name}: {fault}")))?;
    for note in dbc.notes().iter().take(NOTES_TOLD_MAX) {
        cx.log(Level::Warning, format!("{name}: {note}"));
    }
    let untold = dbc.notes().len().saturating_sub(NOTES_TOLD_MAX) as u64 + dbc.notes_left_out();
    if untold > 0 {
        cx.log(Level::Warning, format!("{name}: {untold} more lines are doubtful"));
    }
    Ok(dbc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str) -> InputFile {
        InputFile { path: "/x".into(), name: name.to_owned() }
    }

    #[test]
    fn an_input_is_a_dbc_file_by_its_name() {
        let (dbcs, logs) = split(&[input("a.DBC"), input("rlog.zst"), input("b/c.dbc"), input("dbc")]);
        let names = |inputs: Vec<InputFile>| inputs.into_iter().map(|input| input.name).collect::<Vec<_>>();
        assert_eq!(names(dbcs), ["a.DBC", "b/c.dbc"]);
        assert_eq!(names(logs), ["rlog.zst", "dbc"]);
    }

    #[test]
    fn a_name_may_leave_out_folders_and_the_end() {
        for name in ["cars/mine.dbc", "mine.dbc", "mine"] {
            assert!(is_called(&input("cars/mine.dbc"), name), "{name}");
        }
        assert!(!is_called(&input("cars/mine.dbc"), "min"));
    }

    #[test]
    fn a_bus_may_stand_behind_a_name() {
        assert_eq!(name_and_bus("a.dbc").unwrap(), ("a.dbc".to_owned(), None));
        assert_eq!(name_and_bus("a@1").unwrap(), ("a".to_owned(), Some(Bus(1))));
        let message = name_and_bus("a@128").unwrap_err().to_string();
        assert_eq!(message, "dbc has \"a@128\"; a bus is a number from 0 to 127");
    }
}
