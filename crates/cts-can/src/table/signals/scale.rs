//! Numbers of signals as their DBC file means them: decimal, with as many decimals as factor and offset have.
//!
//! A factor of 0.04 is stored as the double next to it, so a double for 69 × 0.04 is 2.7600000000000002. The file says
//! 2.76, and that is what stands in a table. Where factor or offset are no short decimals, or the signal is a float,
//! the double itself is taken.

use std::io::Write as _;

use crate::signal::{NumberKind, Signal};

/// The most decimals of a factor or an offset.
const DECIMALS_MAX: usize = 9;

/// How the raw number of a signal becomes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// `(raw * factor + offset) / 10^decimals`, exactly.
    Decimal { factor: i64, offset: i64, decimals: u32 },
    /// As doubles have it.
    Double,
}

impl Scale {
    pub(super) fn of(signal: &Signal) -> Self {
        let layout = signal.layout();
        if matches!(layout.kind, NumberKind::Float32 | NumberKind::Float64) {
            return Self::Double;
        }
        decimal_scale(layout.factor, layout.offset).unwrap_or(Self::Double)
    }

    /// Returns the double that is nearest to the value.
    pub(super) fn number(self, signal: &Signal, bits: u64) -> f64 {
        match self {
            Self::Decimal { factor, offset, decimals } => {
                let units = units(signal, bits, factor, offset);
                units as f64 / f64::from(10_u32.pow(decimals))
            }
            Self::Double => signal.value_of(bits),
        }
    }

    /// Appends the value as text.
    pub(super) fn push(self, out: &mut Vec<u8>, signal: &Signal, bits: u64) {
        match self {
            Self::Decimal { factor, offset, decimals } => {
                push_decimal(out, units(signal, bits, factor, offset), decimals)
            }
            Self::Double => write!(out, "{}", signal.exact_of(bits)).expect("memory takes everything"),
        }
    }
}

/// 64 bits times 63 bits, and then one more.
fn units(signal: &Signal, bits: u64, factor: i64, offset: i64) -> i128 {
    signal.raw_of(bits) * i128::from(factor) + i128::from(offset)
}

fn decimal_scale(factor: f64, offset: f64) -> Option<Scale> {
    let (factor, factor_decimals) = decimal(factor)?;
    let (offset, offset_decimals) = decimal(offset)?;
    let decimals = factor_decimals.max(offset_decimals);
    let factor = factor.checked_mul(10_i64.pow(decimals - factor_decimals))?;
    let offset = offset.checked_mul(10_i64.pow(decimals - offset_decimals))?;
    Some(Scale::Decimal { factor, offset, decimals })
}

/// Returns the shortest decimal that means a double, as a whole number and how many of its digits are decimals.
fn decimal(number: f64) -> Option<(i64, u32)> {
    let text = number.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    if decimals.len() > DECIMALS_MAX {
        return None;
    }
    let digits: i64 = format!("{whole}{decimals}").parse().ok()?;
    Some((digits, u32::try_from(decimals.len()).ok()?))
}

fn push_decimal(out: &mut Vec<u8>, units: i128, decimals: u32) {
    if units < 0 {
        out.push(b'-');
    }
    let Ok(size) = u64::try_from(units.unsigned_abs()) else {
        let (size, unit) = (units.unsigned_abs(), 10_u128.pow(decimals));
        let written = match decimals {
            0 => write!(out, "{size}"),
            _ => write!(out, "{}.{:0width$}", size / unit, size % unit, width = decimals as usize),
        };
        return written.expect("memory takes everything");
    };
    // The longest is 20 digits and a point.
    let mut text = [b'0'; 24];
    let mut at = text.len();
    let mut rest = size;
    for _ in 0..decimals {
        at -= 1;
        text[at] = b"0123456789"[(rest % 10) as usize];
        rest /= 10;
    }
    if decimals > 0 {
        at -= 1;
        text[at] = b'.';
    }
    loop {
        at -= 1;
        text[at] = b"0123456789"[(rest % 10) as usize];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::{ByteOrder, SignalLayout};

    fn signal(factor: f64, offset: f64, kind: NumberKind) -> Signal {
        let length = if kind == NumberKind::Float32 { 32 } else { 64 };
        Signal::new(SignalLayout { start: 0, length, order: ByteOrder::Intel, kind, factor, offset }).unwrap()
    }

    fn text(signal: &Signal, raw: i64) -> String {
        let mut out = Vec::new();
        Scale::of(signal).push(&mut out, signal, raw.cast_unsigned());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_have_the_decimals_of_their_factor_and_offset() {
        for (factor, offset, raw, expected) in [
            (1.0, 0.0, -5, "-5"),
            (0.04, 0.0, 69, "2.76"),
            (0.01, -67.67, 6767, "0.00"),
            (0.057, 0.5, 3, "0.671"),
            (-0.5, 0.0, 1, "-0.5"),
            (0.1, 0.0, -1, "-0.1"),
            (2.0, 0.25, 4, "8.25"),
            (0.0, 7.0, 99, "7"),
            (1e9, 1e-9, i64::MAX, "9223372036854775807000000000.000000001"),
            // Too long for a decimal: the double as it is.
            (1.0 / 3.0, 0.0, 1, "0.3333333333333333"),
            (1e-12, 0.0, 5, "5e-12"),
            (1e300, 0.0, 2, "2e+300"),
        ] {
            let signal = signal(factor, offset, NumberKind::Signed);
            assert_eq!(text(&signal, raw), expected, "{raw} * {factor} + {offset}");
        }
    }

    #[test]
    fn floats_are_as_they_are() {
        let signal = signal(1.0, 0.0, NumberKind::Float32);
        assert_eq!(text(&signal, i64::from(0.1_f32.to_bits())), "0.10000000149011612");
        assert_eq!(Scale::of(&signal).number(&signal, u64::from(f32::INFINITY.to_bits())), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn the_number_is_the_double_nearest_to_the_text(
            factor in -100_000_i32..100_000,
            offset in -100_000_i32..100_000,
            decimals in 0_i32..6,
            raw in -(1_i64 << 34)..(1 << 34),
        ) {
            let power = 10_f64.powi(decimals);
            let signal = signal(f64::from(factor) / power, f64::from(offset) / power, NumberKind::Signed);
            let number = Scale::of(&signal).number(&signal, raw.cast_unsigned());
            prop_assert_eq!(text(&signal, raw).parse::<f64>().unwrap(), number);
            let plain = raw as f64 * signal.layout().factor + signal.layout().offset;
            prop_assert!((number - plain).abs() <= 1e-9 * plain.abs().max(1.0), "{number} and {plain}");
        }
    }
}
