//! The profile that a log is read by, and what about the choice is worth a warning.

use super::Note;
use crate::cars::{BusDbc, Car, CarDbc, CarIdentity, Choice, Resolved, choose};

/// The profile that a log is read by, if any.
#[derive(Clone, Debug, Default)]
pub struct CarInUse {
    pub(super) identity: Option<CarIdentity>,
    pub(super) car: Option<Car>,
    pub(super) dbcs: Vec<BusDbc>,
    pub(super) notes: Vec<Note>,
}

impl CarInUse {
    /// Chooses among profiles by what the log says, or the one that is named; `None` where none has the name.
    ///
    /// A profile for other cars is not used, and the notes of the analysis say so.
    #[must_use]
    pub fn choose(cars: &[Car], identity: Option<CarIdentity>, named: Option<&str>) -> Option<Self> {
        let told = identity.as_ref().map(|car| format!("{} {}", car.brand, car.fingerprint).trim().to_owned());
        let told = told.unwrap_or_default();
        let (car, note) = match choose(cars, identity.as_ref(), named)? {
            Choice::Car(car) => (Some(car.clone()), None),
            Choice::NoProfile => {
                let note = Note::new(
                    format!("no profile is for the car of the log, {told}"),
                    "give a profile of its signals to read them from its frames; now what openpilot says is used",
                );
                (None, Some(note))
            }
            Choice::UnknownCar => {
                let note = Note::new(
                    "the log does not say which car it is of",
                    "name a profile with `car`; now what openpilot says is used",
                );
                (None, Some(note))
            }
            Choice::OtherCar(car) => {
                let note = Note::new(
                    format!("the profile {} is not for the car of the log, {told}, and is not used", car.name),
                    "leave out `car`, or name a profile that is for it; now what openpilot says is used",
                );
                (None, Some(note))
            }
        };
        Some(Self { identity, car, dbcs: Vec::new(), notes: note.into_iter().collect() })
    }

    /// Returns the DBC files that the profile needs, in its order.
    #[must_use]
    pub fn dbcs_needed(&self) -> &[CarDbc] {
        self.car.as_ref().map_or(&[], |car| car.dbcs.as_slice())
    }

    /// Takes the DBC files, in the order in which messages are looked for in them.
    #[must_use]
    pub fn with_dbcs(mut self, dbcs: Vec<BusDbc>) -> Self {
        self.dbcs = dbcs;
        self
    }

    /// Finds the signals of the profile; what is not found becomes a note.
    pub(super) fn resolve(&mut self) -> Resolved {
        let Some(car) = &self.car else { return Resolved::default() };
        let resolved = car.resolve(&self.dbcs);
        for fault in &resolved.faults {
            self.notes.push(Note::new(
                format!("profile {}, {fault}", car.name),
                "mend the profile or give the DBC file that has it; now what openpilot says is used",
            ));
        }
        resolved
    }
}
