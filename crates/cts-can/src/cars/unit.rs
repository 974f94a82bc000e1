//! Units of speed, and how they become one another.

use std::fmt;

/// A unit of speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeedUnit {
    /// Kilometers per hour.
    Kph,
    /// Miles per hour, of 1609.344 m.
    #[default]
    Mph,
    /// Meters per second.
    Mps,
}

/// Meters of an international mile.
const MILE: f64 = 1609.344;

impl SpeedUnit {
    /// The words for the units in profiles and parameters.
    pub const WORDS: [&str; 3] = ["mph", "kph", "mps"];

    /// Returns the unit with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "kph" => Some(Self::Kph),
            "mph" => Some(Self::Mph),
            "mps" => Some(Self::Mps),
            _ => None,
        }
    }

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kph => "kph",
            Self::Mph => "mph",
            Self::Mps => "mps",
        }
    }

    /// Returns the meters per second of one of it.
    #[must_use]
    pub fn mps(self) -> f64 {
        match self {
            Self::Kph => 1000.0 / 3600.0,
            Self::Mph => MILE / 3600.0,
            Self::Mps => 1.0,
        }
    }

    /// Returns a speed of this unit in m/s.
    #[must_use]
    pub fn to_mps(self, speed: f64) -> f64 {
        speed * self.mps()
    }

    /// Returns a speed of m/s in this unit.
    #[must_use]
    pub fn of_mps(self, mps: f64) -> f64 {
        mps / self.mps()
    }
}

impl fmt::Display for SpeedUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_those_of_the_international_mile() {
        assert!((SpeedUnit::Mph.to_mps(55.0) - 24.5872).abs() < 1e-12);
        assert!((SpeedUnit::Kph.of_mps(SpeedUnit::Mph.to_mps(100.0)) - 160.9344).abs() < 1e-9);
        for word in SpeedUnit::WORDS {
            assert_eq!(SpeedUnit::from_word(word).map(SpeedUnit::word), Some(word));
        }
        assert_eq!(SpeedUnit::from_word("km/h"), None);
    }
}
