//! What a user can choose.

use crate::bitwatch::{Watch, WatchFault, Window};
use crate::cars::SpeedUnit;
use crate::frame::Bus;
use crate::markers::MarkerRule;

/// How many windows are told apart.
pub const WINDOWS_MAX: usize = 64;

/// How many bits a user can have followed.
pub const FOLLOWED_MAX: usize = 64;

/// What the windows are made of.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkFrom {
    /// There are none.
    Nothing,
    /// The blinkers: left, then right.
    Blinkers,
    /// Presses of a button of the profile; each is a window with its margins.
    Button(String),
    /// Presses of the bookmark button of openpilot; each is a window with its margins.
    Bookmarks,
    /// The user names them, in seconds after the first `can` event.
    Windows(Vec<Window>),
}

/// What tells whether the car is engaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngagedFrom {
    /// The first that the log has of the profile's cruise control, `carState.cruiseState.enabled` and
    /// `selfdriveState.enabled`.
    #[default]
    Auto,
    /// The cruise control of the car: the first two of these.
    Cruise,
    /// openpilot: `selfdriveState.enabled`.
    Selfdrive,
    /// A bit.
    Bit(Watch),
    /// Nothing; it is not looked at.
    Nothing,
}

/// What a user can choose.
#[derive(Clone, Debug, PartialEq)]
pub struct CruiseOptions {
    /// The lowest speed of the target range.
    pub speed_min: f64,
    /// The highest one; it belongs to the range.
    pub speed_max: f64,
    /// The unit of both.
    pub speed_unit: SpeedUnit,
    /// What the windows are made of.
    pub marks: MarkFrom,
    /// How marks become windows.
    pub rule: MarkerRule,
    /// The button whose presses candidates are held against.
    pub button: String,
    /// What tells whether the car is engaged.
    pub engaged: EngagedFrom,
    /// The bus that the engaged bit is looked for on, where the bit does not name one.
    pub engaged_bus: Option<Bus>,
    /// Seconds that are added at both ends of each time in which the car was engaged, for what is written.
    pub engaged_margin: f64,
    /// Whether edges, runs and moments outside of these times are left out.
    pub filters_engaged: bool,
    /// Further bits whose every edge is told.
    pub watch: Vec<Watch>,
    /// How many candidates are told.
    pub candidates_max: usize,
    /// Whether damage and unknown kinds of event end the analysis with an error.
    pub strict: bool,
}

/// Reads which bit tells whether the car is engaged: as [`Watch`] has it, such as `0x241@0:B6b0` or `0x241:55`, or as the
/// Python tool has it.
///
/// There `0x241:b55` is bit 55, `0x241:MSB B6b0` is what its tables show as a label, and `0x241:MSB B8` counts 8 bits down
/// from the highest of 8 bytes, bit 63.
///
/// # Errors
/// When the text names no bit.
pub fn engaged_bit(text: &str) -> Result<Watch, WatchFault> {
    let Some((place, bit)) = text.split_once(':') else { return text.parse() };
    let bit = bit.trim();
    if let Some(number) = bit.strip_prefix('b') {
        return format!("{place}:{number}").parse();
    }
    let Some(label) = bit.strip_prefix("MSB").map(str::trim_start) else { return text.parse() };
    match label.strip_prefix('B').and_then(|number| number.parse::<u16>().ok()) {
        Some(down @ 0..=63) => format!("{place}:{}", 63 - down).parse(),
        Some(_) => Err(WatchFault::TooHigh),
        None => format!("{place}:{label}").parse(),
    }
}

impl Default for CruiseOptions {
    fn default() -> Self {
        Self {
            speed_min: 55.0,
            speed_max: 56.0,
            speed_unit: SpeedUnit::Mph,
            marks: MarkFrom::Blinkers,
            rule: MarkerRule::default(),
            button: "set".to_owned(),
            engaged: EngagedFrom::Auto,
            engaged_bus: None,
            engaged_margin: 0.5,
            filters_engaged: false,
            watch: Vec::new(),
            candidates_max: 200,
            strict: false,
        }
    }
}
