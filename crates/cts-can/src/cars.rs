//! Car profiles: which signals of a car tell its speed, its pedals, its blinkers and its cruise control.
//!
//! A profile is a small TOML file. It names the cars that it is for, the DBC files of their buses, and for each role a
//! signal by its names there, so that byte order, length and scale come from the DBC and nowhere else. [`Car::parse`]
//! reads a profile, [`choose`](fn@choose) finds the one for a log, and [`Car::resolve`] finds its signals. A text never panics here;
//! each fault names its line and what mends it, and unknown keys are refused.

mod choose;
mod fault;
mod parse;
mod place;
mod resolve;
mod unit;

pub use choose::{CarIdentity, Choice, IDENTITY_SEARCH_BYTES_MAX, choose, identify};
pub use fault::{CarFault, CarFaultKind};
pub use place::{Condition, Place, Test};
pub use resolve::{BusDbc, Resolved, Role, RoleFault, RoleKind, RoleSignal};
pub use unit::SpeedUnit;

use crate::frame::Bus;

/// The largest profile, in bytes.
pub const PROFILE_BYTES_MAX: usize = 64 * 1024;

/// The longest name of a profile, a file, a message, a signal or a button, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// The most DBC files, brands, fingerprints, speed signals or buttons of a profile.
pub const ITEMS_MAX: usize = 16;

/// The names of the profiles that come with the crate.
pub const SHIPPED: [&str; 2] = ["subaru", "toyota"];

/// Returns the text of a profile that comes with the crate.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    match name {
        "subaru" => Some(include_str!("../cars/subaru.toml")),
        "toyota" => Some(include_str!("../cars/toyota.toml")),
        _ => None,
    }
}

/// A car profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Car {
    /// What it is called.
    pub name: String,
    /// Makes that it is for, as `carParams` has them.
    pub brands: Vec<String>,
    /// Models that it is for; `*` stands for any characters.
    pub fingerprints: Vec<String>,
    /// The DBC files of its buses; a message is looked for in each of them, in this order.
    pub dbcs: Vec<CarDbc>,
    /// What tells how fast the car is.
    pub speed: Option<CarSpeed>,
    /// Buttons of the cruise control, by name.
    pub buttons: Vec<(String, Condition)>,
    /// Whether the main switch of the cruise control is on.
    pub cruise_available: Option<Condition>,
    /// Whether the cruise control drives.
    pub cruise_engaged: Option<Condition>,
    /// The speed that it is set to, with its unit.
    pub set_speed: Option<(Place, SpeedUnit)>,
    /// Whether the driver brakes.
    pub brake: Option<Condition>,
    /// Whether the driver presses the gas pedal.
    pub gas: Option<Condition>,
    /// Whether the left and the right blinker are on.
    pub blinkers: Option<(Condition, Condition)>,
}

/// A DBC file and the bus that it describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarDbc {
    /// Its name, without `.dbc`.
    pub name: String,
    /// The bus, as logs number it.
    pub bus: Bus,
    /// Where the profile names it, from 1.
    pub line: usize,
}

/// Signals whose mean is the speed; all of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct CarSpeed {
    /// The signals, most often one for each wheel.
    pub signals: Vec<Place>,
    /// Their unit.
    pub unit: SpeedUnit,
}

#[cfg(test)]
mod tests;
