//! The names of the safety rules that a panda can follow.
//!
//! A number without a name is no error; newer software has newer rules.

use std::fmt;

/// The rules by which a panda decides what may be sent: one set for each make of car.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafetyModel(pub u16);

/// The names of the schema (openpilot 0.10), by number.
const NAMES: [&str; 39] = [
    "silent",
    "hondaNidec",
    "toyota",
    "elm327",
    "gm",
    "hondaBoschGiraffe",
    "ford",
    "cadillac",
    "hyundai",
    "chrysler",
    "tesla",
    "subaru",
    "gmPassive",
    "mazda",
    "nissan",
    "volkswagen",
    "toyotaIpas",
    "allOutput",
    "gmAscm",
    "noOutput",
    "hondaBosch",
    "volkswagenPq",
    "subaruPreglobal",
    "hyundaiLegacy",
    "hyundaiCommunity",
    "volkswagenMlb",
    "hongqi",
    "body",
    "hyundaiCanfd",
    "volkswagenMqbEvo",
    "chryslerCusw",
    "psa",
    "fcaGiorgio",
    "rivian",
    "volkswagenMeb",
    "byd",
    "volvo",
    "bmw",
    "mg",
];

impl SafetyModel {
    /// Returns the name of the schema, such as `subaruPreglobal`; none for a number that it does not know.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.get(usize::from(self.0)).copied()
    }
}

/// Writes the name, or the number where there is none.
impl fmt::Display for SafetyModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_prints_its_name_or_its_number() {
        let rows = [(0, "silent"), (2, "toyota"), (11, "subaru"), (22, "subaruPreglobal"), (28, "hyundaiCanfd")];
        let ends = [(38, "mg"), (39, "39"), (u16::MAX, "65535")];
        for (number, text) in rows.into_iter().chain(ends) {
            assert_eq!(SafetyModel(number).to_string(), text);
        }
    }
}
