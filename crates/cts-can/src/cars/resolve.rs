//! From the names in a profile to the bits on a bus.
//!
//! A message that several of the profile's DBC files have at different addresses has several sources; which of them a
//! car sends is seen in its log. What cannot be found is told, and does not keep the rest from being used.

use std::fmt;

use thiserror::Error;

use super::{Car, Condition, Place, SpeedUnit, Test};
use crate::dbc::{Dbc, DbcMessage};
use crate::frame::{Address, Bus};

/// A DBC file of a profile, read.
#[derive(Clone, Debug)]
pub struct BusDbc {
    /// Its name, without `.dbc`.
    pub name: String,
    /// The bus that it describes.
    pub bus: Bus,
    /// Its messages.
    pub dbc: Dbc,
}

/// What a signal tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleKind {
    /// How fast the car is.
    Speed,
    /// Whether a button is pressed.
    Button(String),
    /// Whether the main switch of the cruise control is on.
    CruiseAvailable,
    /// Whether the cruise control drives.
    CruiseEngaged,
    /// The speed that it is set to.
    SetSpeed,
    /// Whether the driver brakes.
    Brake,
    /// Whether the driver presses the gas pedal.
    Gas,
    /// Whether the left blinker is on.
    LeftBlinker,
    /// Whether the right blinker is on.
    RightBlinker,
}

impl fmt::Display for RoleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speed => f.write_str("speed"),
            Self::Button(name) => write!(f, "button {name}"),
            Self::CruiseAvailable => f.write_str("cruise available"),
            Self::CruiseEngaged => f.write_str("cruise engaged"),
            Self::SetSpeed => f.write_str("set speed"),
            Self::Brake => f.write_str("brake"),
            Self::Gas => f.write_str("gas"),
            Self::LeftBlinker => f.write_str("left blinker"),
            Self::RightBlinker => f.write_str("right blinker"),
        }
    }
}

/// A role and what can fill it; the first source whose frames occur does.
#[derive(Clone, Debug)]
pub struct Role {
    /// What it tells.
    pub kind: RoleKind,
    /// Where it can be read.
    pub sources: Vec<RoleSignal>,
}

/// Signals of one message on one bus.
#[derive(Clone, Debug)]
pub struct RoleSignal {
    /// The bus.
    pub bus: Bus,
    /// The message.
    pub message: DbcMessage,
    /// Which of its signals.
    pub signals: Vec<usize>,
    /// When a signal counts as on.
    pub test: Test,
    /// The unit of a speed.
    pub unit: SpeedUnit,
    /// The DBC file that it is from.
    pub dbc: String,
}

/// The signals of a profile.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// What was found.
    pub roles: Vec<Role>,
    /// What was not.
    pub faults: Vec<RoleFault>,
}

/// A signal that none of the DBC files has.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {kind}: no DBC file of the profile has {place}{}", self.near())]
pub struct RoleFault {
    /// Where the profile names it, from 1.
    pub line: usize,
    /// What it would tell.
    pub kind: RoleKind,
    /// The signal by its names.
    pub place: String,
    /// Signals that the message does have, some of them; none where there is no such message.
    pub signals: Vec<String>,
}

/// How many signals a fault names.
const NAMED_MAX: usize = 8;

impl RoleFault {
    fn near(&self) -> String {
        if self.signals.is_empty() {
            "; name a message of one of them, or add its DBC file".to_owned()
        } else {
            format!("; the message has {}", self.signals.join(", "))
        }
    }
}

impl RoleSignal {
    /// Returns the address of its frames.
    #[must_use]
    pub fn address(&self) -> Address {
        self.message.address
    }

    /// Returns the bit, 8 × byte + bit with bit 0 the least significant one of its byte, where it is a single one that is
    /// 1 while the signal counts as on.
    #[must_use]
    pub fn bit(&self) -> Option<u16> {
        let [index] = self.signals[..] else { return None };
        let layout = self.message.signals[index].signal.layout();
        let is_direct = self.test.is_on(layout.factor + layout.offset) && !self.test.is_on(layout.offset);
        (layout.length == 1 && is_direct).then_some(layout.start)
    }

    /// Returns the names of the signals.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.signals.iter().map(|index| self.message.signals[*index].name.as_str()).collect()
    }

    /// Calls back with each value that a payload has.
    #[inline]
    pub fn each_value(&self, payload: &[u8], mut each: impl FnMut(f64)) {
        for index in &self.signals {
            let signal = &self.message.signals[*index];
            if signal.mux.is_none() {
                signal.signal.value(payload).into_iter().for_each(&mut each);
            } else {
                self.message.decode(payload, |found, value| {
                    if found == *index {
                        each(value);
                    }
                });
            }
        }
    }
}

/// Writes `Cruise_Status.Cruise_On (0x241 on bus 0)`.
impl fmt::Display for RoleSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.message.name, self.names().join("+"))?;
        if self.test != Test::NotEqual(0.0) {
            write!(f, " {}", self.test)?;
        }
        write!(f, " ({} on bus {})", self.message.address, self.bus)
    }
}

impl Car {
    /// Finds the signals of the profile in its DBC files, which come in the profile's order.
    #[must_use]
    pub fn resolve(&self, dbcs: &[BusDbc]) -> Resolved {
        let mut resolved = Resolved::default();
        if let Some(speed) = &self.speed {
            resolved.add(dbcs, RoleKind::Speed, &speed.signals, Test::NotEqual(0.0), speed.unit);
        }
        let mut on_or_off = |kind: RoleKind, condition: &Condition| {
            let places = std::slice::from_ref(&condition.place);
            resolved.add(dbcs, kind, places, condition.test, SpeedUnit::default());
        };
        for (name, condition) in &self.buttons {
            on_or_off(RoleKind::Button(name.clone()), condition);
        }
        let single = [
            (RoleKind::CruiseAvailable, &self.cruise_available),
            (RoleKind::CruiseEngaged, &self.cruise_engaged),
            (RoleKind::Brake, &self.brake),
            (RoleKind::Gas, &self.gas),
        ];
        for (kind, condition) in single {
            condition.iter().for_each(|condition| on_or_off(kind.clone(), condition));
        }
        if let Some((left, right)) = &self.blinkers {
            on_or_off(RoleKind::LeftBlinker, left);
            on_or_off(RoleKind::RightBlinker, right);
        }
        if let Some((place, unit)) = &self.set_speed {
            resolved.add(dbcs, RoleKind::SetSpeed, std::slice::from_ref(place), Test::NotEqual(0.0), *unit);
        }
        resolved
    }
}

impl Resolved {
    fn add(&mut self, dbcs: &[BusDbc], kind: RoleKind, places: &[Place], test: Test, unit: SpeedUnit) {
        let Some(first) = places.first() else { return };
        let mut sources: Vec<RoleSignal> = Vec::new();
        let mut missing = (first, Vec::new());
        for BusDbc { name, bus, dbc } in dbcs {
            let Some(message) = dbc.message_named(&first.message) else { continue };
            let bus = first.bus.unwrap_or(*bus);
            let found: Result<Vec<usize>, &Place> =
                places.iter().map(|place| message.signal_index(&place.signal).ok_or(place)).collect();
            match found {
                Ok(signals) => {
                    if !sources.iter().any(|known| (known.bus, known.address()) == (bus, message.address)) {
                        sources.push(RoleSignal {
                            bus,
                            message: message.clone(),
                            signals,
                            test,
                            unit,
                            dbc: name.clone(),
                        });
                    }
                }
                Err(place) => {
                    let names = message.signals.iter().take(NAMED_MAX).map(|signal| signal.name.clone());
                    missing = (place, names.collect());
                }
            }
        }
        if sources.is_empty() {
            let (place, signals) = missing;
            self.faults.push(RoleFault { line: place.line, kind, place: place.to_string(), signals });
        } else {
            self.roles.push(Role { kind, sources });
        }
    }
}
