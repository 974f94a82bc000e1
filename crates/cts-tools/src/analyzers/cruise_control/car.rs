//! The car profile and its DBC files: those that are shipped, and those among the inputs.

use std::io::Read;

use cts_can::cars::{self, BusDbc, Car, CarDbc, identify};
use cts_can::cruise::native::CarInUse;
use cts_can::dbc::{self, Dbc};
use cts_can::inputs::InputKind;
use cts_model::Level;

use super::Given;
use crate::files::cannot;
use crate::inputs;
use crate::native::{InputFile, ToolCx, ToolError};

/// Notes about a DBC file that are told.
const NOTES_TOLD_MAX: usize = 3;

/// Chooses the profile and reads what it needs.
pub(super) fn in_use(cx: &ToolCx, given: &Given) -> Result<CarInUse, ToolError> {
    let wanted = cx.text("car").unwrap_or("auto");
    if wanted == "none" {
        return Ok(CarInUse::default());
    }
    // Those among the inputs stand first: they are preferred to shipped ones for the same car.
    let mut known = Vec::new();
    for input in &given.profiles {
        let profile = read(input, cars::PROFILE_BYTES_MAX)?;
        known.push(Car::parse(&profile).map_err(|fault| ToolError::new(format!("{}: {fault}", input.name)))?);
    }
    for name in cars::SHIPPED {
        let profile = cars::shipped(name).unwrap_or_default();
        known.push(Car::parse(profile.as_bytes()).map_err(|fault| ToolError::new(format!("profile {name}: {fault}")))?);
    }
    let of_file = given.profiles.iter().position(|input| input.name == wanted).map(|index| known[index].name.as_str());
    let named = match wanted {
        // Whoever gives one profile means it.
        "auto" if given.profiles.len() == 1 => Some(known[0].name.as_str()),
        "auto" => None,
        wanted => of_file.or(Some(wanted)),
    };
    let identity = identity(given)?;
    let Some(car) = CarInUse::choose(&known, identity, named) else {
        let names: Vec<&str> = known.iter().map(|car| car.name.as_str()).collect();
        let hint = format!("Name one of {}, or give a profile as an input.", names.join(", "));
        return Err(ToolError::new(format!("car is {wanted:?}, and no profile has that name")).with_hint(hint));
    };
    let mut dbcs = Vec::new();
    let mut needed: Vec<CarDbc> = car.dbcs_needed().to_vec();
    match (cx.text("dbc"), needed.first()) {
        (Some(name), Some(first)) => needed = vec![CarDbc { name: stem(name).to_owned(), ..first.clone() }],
        (Some(_), None) => cx.log(Level::Warning, "dbc has no effect without a profile: name one with `car`"),
        (None, _) => {}
    }
    for CarDbc { name, bus, line } in needed {
        let at = if cx.text("dbc").is_some() { "dbc".to_owned() } else { format!("the profile, line {line},") };
        dbcs.push(BusDbc { dbc: dbc(cx, given, &name, &at)?, name, bus });
    }
    Ok(car.with_dbcs(dbcs))
}

/// Finds what the logs say of their car.
fn identity(given: &Given) -> Result<Option<cars::CarIdentity>, ToolError> {
    for input in &given.logs {
        if inputs::kind_of(input)? == InputKind::Table {
            continue;
        }
        let found = identify(inputs::open(input)?).map_err(|error| inputs::refuse(&input.name, &error))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Reads a DBC file: one among the inputs, else one that is shipped.
fn dbc(cx: &ToolCx, given: &Given, name: &str, at: &str) -> Result<Dbc, ToolError> {
    let own = given.dbcs.iter().find(|input| stem(&input.name) == name);
    let text = match own {
        Some(input) => read(input, dbc::FILE_BYTES_MAX)?,
        None => dbc::shipped(name).map(|text| text.as_bytes().to_vec()).ok_or_else(|| {
            let hint = format!("Give {name}.dbc as an input, or name one of {}.", dbc::SHIPPED.join(", "));
            ToolError::new(format!("{at} names the DBC file {name}, which is neither an input nor shipped"))
                .with_hint(hint)
        })?,
    };
    let dbc = Dbc::parse(&text).map_err(|fault| ToolError::new(format!("{name}.dbc: {fault}")))?;
    for note in dbc.notes().iter().take(NOTES_TOLD_MAX) {
        cx.log(Level::Warning, format!("{name}.dbc: {note}"));
    }
    Ok(dbc)
}

fn stem(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".dbc").unwrap_or(name)
}

/// Reads a file up to one byte more than it may have; the reader of its content refuses it then.
fn read(input: &InputFile, bytes_max: usize) -> Result<Vec<u8>, ToolError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = inputs::open(input)?.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| cannot("read", &input.name, &error))?;
    Ok(bytes)
}
