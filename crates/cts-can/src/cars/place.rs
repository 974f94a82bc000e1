//! Where a profile says that something is: `MESSAGE.SIGNAL`, with `@bus` behind it for another bus than that of the DBC
//! file, and for what is on or off with a comparison behind that.
//!
//! Without a comparison everything but 0 is on.

use std::fmt;

use super::CarFaultKind;
use super::NAME_BYTES_MAX;
use crate::frame::Bus;

/// A signal by its names.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The message that the DBC file has it in.
    pub message: String,
    /// What the DBC file calls it.
    pub signal: String,
    /// The bus, where it is not that of the DBC file.
    pub bus: Option<Bus>,
    /// Where the profile names it, from 1.
    pub line: usize,
}

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// `==`
    Equal(f64),
    /// `!=`
    NotEqual(f64),
    /// `<`
    Less(f64),
    /// `<=`
    LessOrEqual(f64),
    /// `>`
    Greater(f64),
    /// `>=`
    GreaterOrEqual(f64),
}

/// A signal and when it counts as on.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The signal.
    pub place: Place,
    /// The comparison that is true then.
    pub test: Test,
}

impl Test {
    /// Returns whether a value counts as on.
    #[must_use]
    #[inline]
    pub fn is_on(self, value: f64) -> bool {
        match self {
            Self::Equal(limit) => value == limit,
            Self::NotEqual(limit) => value != limit,
            Self::Less(limit) => value < limit,
            Self::LessOrEqual(limit) => value <= limit,
            Self::Greater(limit) => value > limit,
            Self::GreaterOrEqual(limit) => value >= limit,
        }
    }
}

impl Place {
    /// Reads `MESSAGE.SIGNAL` or `MESSAGE.SIGNAL@bus`.
    pub(super) fn parse(text: &str, line: usize) -> Result<Self, CarFaultKind> {
        let shown = || CarFaultKind::BadPlace(super::fault::shortened(text));
        let (names, bus) = match text.trim().split_once('@') {
            Some((names, bus)) => {
                let bus = bus.trim().parse().map_err(|_| CarFaultKind::BadBus(super::fault::shortened(bus)))?;
                (names.trim_end(), Some(Bus(bus)))
            }
            None => (text.trim(), None),
        };
        let (message, signal) = names.split_once('.').ok_or_else(shown)?;
        let is_name = |name: &str| {
            let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (1..=NAME_BYTES_MAX).contains(&name.len()) && is_word
        };
        if !is_name(message) || !is_name(signal) {
            return Err(shown());
        }
        Ok(Self { message: message.to_owned(), signal: signal.to_owned(), bus, line })
    }
}

impl Condition {
    /// Reads a place with or without a comparison behind it.
    pub(super) fn parse(text: &str, line: usize) -> Result<Self, CarFaultKind> {
        let Some(at) = text.find(['=', '!', '<', '>']) else {
            return Ok(Self { place: Place::parse(text, line)?, test: Test::NotEqual(0.0) });
        };
        let (place, comparison) = text.split_at(at);
        let shown = || CarFaultKind::BadTest(super::fault::shortened(comparison));
        let digits = comparison.trim_start_matches(['=', '!', '<', '>']);
        let operator = &comparison[..comparison.len() - digits.len()];
        let value = digits.trim().parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(shown)?;
        let test = match operator {
            "==" => Test::Equal(value),
            "!=" => Test::NotEqual(value),
            "<" => Test::Less(value),
            "<=" => Test::LessOrEqual(value),
            ">" => Test::Greater(value),
            ">=" => Test::GreaterOrEqual(value),
            _ => return Err(shown()),
        };
        Ok(Self { place: Place::parse(place, line)?, test })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.message, self.signal)?;
        self.bus.map_or(Ok(()), |bus| write!(f, "@{bus}"))
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(value) => write!(f, "== {value}"),
            Self::NotEqual(value) => write!(f, "!= {value}"),
            Self::Less(value) => write!(f, "< {value}"),
            Self::LessOrEqual(value) => write!(f, "<= {value}"),
            Self::Greater(value) => write!(f, "> {value}"),
            Self::GreaterOrEqual(value) => write!(f, ">= {value}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        if self.test == Test::NotEqual(0.0) { Ok(()) } else { write!(f, " {}", self.test) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_may_have_a_bus_and_a_comparison() {
        let read = |text: &str| Condition::parse(text, 7).unwrap();
        let plain = read("Cruise_Status.Cruise_On");
        assert_eq!((plain.place.bus, plain.test, plain.place.line), (None, Test::NotEqual(0.0), 7));
        let full = read(" BLINKERS_STATE.TURN_SIGNALS@128 ==2.0 ");
        assert_eq!(full.to_string(), "BLINKERS_STATE.TURN_SIGNALS@128 == 2");
        assert!(full.test.is_on(2.0) && !full.test.is_on(3.0));
        let below = read("A.B <= -0.5");
        assert_eq!([-0.5, 0.0, f64::NAN].map(|value| below.test.is_on(value)), [true, false, false]);
    }

    #[test]
    fn what_names_no_signal_is_refused() {
        for text in
            ["", "A", "A.", ".B", "A.B.C", "A B.C", "A.B@", "A.B@256", "A.B =1", "A.B == x", "A.B == inf", "A.B==="]
        {
            assert!(Condition::parse(text, 1).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_printed_is_read_again(text in "[A-Za-z_.@=<>! 0-9-]{0,24}|.{0,20}") {
            if let Ok(read) = Condition::parse(&text, 1) {
                prop_assert_eq!(Condition::parse(&read.to_string(), 1), Ok(read));
            }
        }
    }
}
