//! Which profile is for the car that a log is of.
//!
//! A log says what its car is with its `carParams` event. A profile is taken for a log by itself only where its models or
//! makes name that car, and a profile that a user names is not taken where they name others: signals of another car would
//! be read from messages that have nothing to do with them.

use std::io::Read;

use super::Car;
use crate::Error;
use crate::rlog::LogReader;

/// How much of a log is searched for what its car is, in bytes as stored.
pub const IDENTITY_SEARCH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How many bytes of a name are kept.
const NAME_BYTES_MAX: usize = 128;

/// What a log says of its car.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarIdentity {
    /// The make, such as `toyota`.
    pub brand: String,
    /// The model, such as `TOYOTA_RAV4`.
    pub fingerprint: String,
}

/// Which profile is taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice<'a> {
    /// This one.
    Car(&'a Car),
    /// None of them is for the car.
    NoProfile,
    /// The log does not say what its car is, and no profile was named.
    UnknownCar,
    /// The profile that was named is for other cars.
    OtherCar(&'a Car),
}

/// Finds what a log says of its car, in its beginning; none where it says nothing there.
///
/// # Errors
/// When the input cannot be read.
pub fn identify(input: impl Read) -> Result<Option<CarIdentity>, Error> {
    let mut log = LogReader::new(input.take(IDENTITY_SEARCH_BYTES_MAX));
    while let Some(event) = log.next_event()? {
        let Ok(event) = event else { continue };
        let Ok(Some(params)) = event.car_params() else { continue };
        if let Some(found) = CarIdentity::new(params.brand, params.fingerprint) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl CarIdentity {
    /// Returns the identity with these names, of which one at least says something.
    pub(crate) fn new(brand: &str, fingerprint: &str) -> Option<Self> {
        let kept = |text: &str| {
            let end = (0..=text.len().min(NAME_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end));
            text[..end.unwrap_or(0)].trim().to_owned()
        };
        let found = Self { brand: kept(brand), fingerprint: kept(fingerprint) };
        (!found.brand.is_empty() || !found.fingerprint.is_empty()).then_some(found)
    }
}

impl Car {
    /// Returns whether the profile is for a car; one without makes and models is for every car that it is named for.
    #[must_use]
    pub fn is_for(&self, car: &CarIdentity) -> bool {
        let is_for_all = self.brands.is_empty() && self.fingerprints.is_empty();
        is_for_all || self.names(car)
    }

    fn names(&self, car: &CarIdentity) -> bool {
        let is_model = !car.fingerprint.is_empty()
            && self.fingerprints.iter().any(|pattern| fits(pattern.as_bytes(), car.fingerprint.as_bytes()));
        is_model || self.brands.iter().any(|brand| brand.eq_ignore_ascii_case(&car.brand))
    }
}

/// Chooses among profiles for what the log says, or the one that is named.
///
/// Those that stand first are preferred. `None` where no profile has the name.
#[must_use]
pub fn choose<'a>(cars: &'a [Car], identity: Option<&CarIdentity>, named: Option<&str>) -> Option<Choice<'a>> {
    if let Some(name) = named {
        let car = cars.iter().find(|car| car.name == name)?;
        let is_for = identity.is_none_or(|identity| car.is_for(identity));
        return Some(if is_for { Choice::Car(car) } else { Choice::OtherCar(car) });
    }
    let Some(identity) = identity else { return Some(Choice::UnknownCar) };
    Some(cars.iter().find(|car| car.names(identity)).map_or(Choice::NoProfile, Choice::Car))
}

/// Returns whether a text is what a pattern says, where `*` stands for any characters; letters of both cases are equal.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[at_text]) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                // The last star takes one more.
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (at_pattern, at_text) = (at + 1, taken + 1);
            }
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slowly(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|taken| slowly(rest, &text[taken..])),
            [byte, rest @ ..] => text.first() == Some(byte) && slowly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_as_the_slow_way_says(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), slowly(pattern.as_bytes(), text.as_bytes()));
        }
    }

    #[test]
    fn a_car_is_known_by_its_model_or_its_make() {
        let car = |name: &str, rest: &str| {
            let text = format!("name = \"{name}\"\n{rest}\n[[dbc]]\nname = \"d\"\nbus = 0\n");
            Car::parse(text.as_bytes()).unwrap()
        };
        let cars =
            [car("all", ""), car("rav4", "fingerprints = [\"TOYOTA_RAV4*\"]"), car("toyota", "brands = [\"toyota\"]")];
        let identity = |brand, fingerprint| CarIdentity::new(brand, fingerprint).unwrap();
        let name = |identity: Option<&CarIdentity>, named| match choose(&cars, identity, named).unwrap() {
            Choice::Car(car) => car.name.clone(),
            other => format!("{other:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect(),
        };
        let rav4 = identity("toyota", "toyota_rav4_tss2");
        assert_eq!(name(Some(&rav4), None), "rav4");
        assert_eq!(name(Some(&identity("toyota", "TOYOTA_COROLLA")), None), "toyota");
        assert_eq!(name(Some(&identity("honda", "CIVIC")), None), "NoProfile");
        assert_eq!(name(None, None), "UnknownCar");
        assert_eq!(name(Some(&rav4), Some("all")), "all");
        assert_eq!(name(None, Some("toyota")), "toyota");
        assert_eq!(name(Some(&identity("honda", "CIVIC")), Some("toyota")), "OtherCar");
        assert_eq!(choose(&cars, None, Some("lada")), None);
        assert_eq!(CarIdentity::new(" ", ""), None);
    }
}
