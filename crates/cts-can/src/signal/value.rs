//! The value of a signal, exact where it is a whole number, and as text.

use std::fmt;

use crate::python::write_repr;

/// The value of a signal.
///
/// As text a whole number has no point, and any other one has the shortest digits that mean it, with a point or an
/// exponent: `-5`, `0.0`, `2.7600000000000002`, `1e-05`. This is how Python prints an `int` and a `float`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// The signal's raw number, its factor and its offset are whole, so this is exact.
    Integer(i128),
    /// Any other.
    Real(f64),
}

impl Value {
    /// Returns the double that is nearest to it.
    #[must_use]
    pub fn nearest(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Real(value) => value,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Real(value) => write_repr(f, *value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_point_and_others_look_as_in_python() {
        let integers = [0, -5, 36_763_440_220_423, i128::from(u64::MAX) * i128::from(i64::MIN)];
        assert_eq!(
            integers.map(|value| Value::Integer(value).to_string()),
            ["0", "-5", "36763440220423", "-170141183460469231722463931679029329920"]
        );
        let reals = [0.0, -0.0, 71.87, 69.0 * 0.04, 2e-5, 1e-4, 1e15, 1e16, -1.5e-7, 5e-324, -f64::MAX];
        let texts = [
            "0.0",
            "-0.0",
            "71.87",
            "2.7600000000000002",
            "2e-05",
            "0.0001",
            "1000000000000000.0",
            "1e+16",
            "-1.5e-07",
            "5e-324",
            "-1.7976931348623157e+308",
        ];
        assert_eq!(reals.map(|value| Value::Real(value).to_string()), texts);
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        assert_eq!(odd.map(|value| Value::Real(value).to_string()), ["nan", "inf", "-inf"]);
    }
}
