//! How often and how long a button was pressed: `3x2.0±0.5` is three times, each for 2 s, half a second more or less.
//!
//! `3x2.0+-0.5` is the same. Without a tolerance it is a quarter of the length.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The most pulses that a pattern can ask for.
pub const PULSES_MAX: u32 = 64;

/// The longest pulse that a pattern can ask for, in seconds.
const LENGTH_MAX: f64 = 3600.0;

/// Pulses that a user made on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PulsePattern {
    /// How many.
    pub count: u32,
    /// How long each is, in seconds.
    pub length: f64,
    /// How much shorter or longer each may be, in seconds; both ends belong to it.
    pub tolerance: f64,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternFault {
    /// It does not have the parts.
    #[error("a pattern looks like 3x2.0±0.5 or 3x2.0+-0.5")]
    Shape,
    /// The count is out of its range.
    #[error("the count of pulses is a number from 1 to {PULSES_MAX}")]
    Count,
    /// The length is out of its range.
    #[error("the length of a pulse is more than 0 s and at most {LENGTH_MAX} s")]
    Length,
    /// The tolerance is out of its range.
    #[error("the tolerance is a number of seconds from 0 to the length of a pulse")]
    Tolerance,
}

impl Default for PulsePattern {
    fn default() -> Self {
        Self { count: 3, length: 2.0, tolerance: 0.5 }
    }
}

impl PulsePattern {
    /// Returns whether a pulse is as long as the pattern asks for.
    #[must_use]
    pub fn takes(&self, duration: f64) -> bool {
        self.length - self.tolerance <= duration && duration <= self.length + self.tolerance
    }
}

impl FromStr for PulsePattern {
    type Err = PatternFault;

    fn from_str(text: &str) -> Result<Self, PatternFault> {
        let text = text.trim();
        let (count, rest) = text.split_once(['x', 'X', '×']).ok_or(PatternFault::Shape)?;
        let (length, tolerance) = match rest.split_once('±').or_else(|| rest.split_once("+-")) {
            Some((length, tolerance)) => (length, Some(tolerance)),
            None => (rest, None),
        };
        let seconds = |text: &str| {
            let text = text.trim();
            text.trim_end_matches('s').trim_end().parse::<f64>().map_err(|_| PatternFault::Shape)
        };
        let count = count.trim().parse::<u32>().map_err(|_| PatternFault::Count)?;
        if !(1..=PULSES_MAX).contains(&count) {
            return Err(PatternFault::Count);
        }
        let length = seconds(length)?;
        if !(length > 0.0 && length <= LENGTH_MAX) {
            return Err(PatternFault::Length);
        }
        let tolerance = tolerance.map_or(Ok(length / 4.0), seconds)?;
        if !(0.0..=length).contains(&tolerance) {
            return Err(PatternFault::Tolerance);
        }
        Ok(Self { count, length, tolerance })
    }
}

impl fmt::Display for PulsePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{:?}±{:?}", self.count, self.length, self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_is_read_in_every_spelling() {
        for text in ["3x2.0±0.5", "3x2.0+-0.5", " 3 x 2 s ± 0.5 s", "3X2", "3×2.0±.5"] {
            assert_eq!(text.parse::<PulsePattern>(), Ok(PulsePattern::default()), "{text}");
        }
        assert_eq!(PulsePattern::default().to_string(), "3x2.0±0.5");
        let ends = [1.499_999, 1.5, 2.5, 2.500_001].map(|length| PulsePattern::default().takes(length));
        assert_eq!(ends, [false, true, true, false]);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, fault) in [
            ("", PatternFault::Shape),
            ("3", PatternFault::Shape),
            ("3x", PatternFault::Shape),
            ("0x2", PatternFault::Count),
            ("65x2", PatternFault::Count),
            ("-3x2", PatternFault::Count),
            ("3x0", PatternFault::Length),
            ("3xnan", PatternFault::Length),
            ("3x3601", PatternFault::Length),
            ("3x2±-1", PatternFault::Tolerance),
            ("3x2±3", PatternFault::Tolerance),
            ("3x2±nan", PatternFault::Tolerance),
        ] {
            assert_eq!(text.parse::<PulsePattern>(), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(count in 1..=PULSES_MAX, length in 0.001_f64..3600.0, part in 0.0_f64..=1.0) {
            let pattern = PulsePattern { count, length, tolerance: length * part };
            prop_assert_eq!(pattern.to_string().parse::<PulsePattern>(), Ok(pattern));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9x.±+naif-]{0,12}") {
            let _ = text.parse::<PulsePattern>();
        }
    }
}
