//! Signals against a slow and obvious reference, bit by bit.

use cts_can::signal::{ByteOrder, NumberKind, Signal, SignalLayout, Value};
use proptest::prelude::*;

use super::made;

/// The bits of a signal, the most significant one first; none where one is missing.
pub(crate) fn bits(layout: &SignalLayout, payload: &[u8]) -> Option<Vec<bool>> {
    let bit = |number: usize| payload.get(number / 8).map(|byte| byte >> (number % 8) & 1 == 1);
    let start = usize::from(layout.start);
    let length = usize::from(layout.length);
    match layout.order {
        ByteOrder::Intel => (start..start + length).rev().map(bit).collect(),
        ByteOrder::Motorola => {
            let mut number = start;
            let mut bits = Vec::new();
            for _ in 0..length {
                bits.push(bit(number)?);
                number = if number % 8 == 0 { number + 15 } else { number - 1 };
            }
            Some(bits)
        }
    }
}

/// The raw number of these bits.
pub(crate) fn raw(layout: &SignalLayout, bits: &[bool]) -> i128 {
    let mut number = 0;
    for bit in bits {
        number = 2 * number + i128::from(*bit);
    }
    if layout.kind == NumberKind::Signed && bits[0] { number - (1 << bits.len()) } else { number }
}

/// The value of a raw number.
pub(crate) fn value(layout: &SignalLayout, raw: i128) -> Value {
    // Whole numbers between this limit and the true one, 2 to the power of 63, do not come up.
    let is_whole = |number: f64| number.fract() == 0.0 && number.abs() < 9.2e18;
    let raw_double = match layout.kind {
        NumberKind::Float32 => f64::from(f32::from_bits(raw.try_into().unwrap())),
        NumberKind::Float64 => f64::from_bits(raw.try_into().unwrap()),
        NumberKind::Unsigned | NumberKind::Signed if is_whole(layout.factor) && is_whole(layout.offset) => {
            let whole = |number: f64| format!("{number:.0}").parse::<i128>().unwrap();
            return Value::Integer(raw * whole(layout.factor) + whole(layout.offset));
        }
        NumberKind::Unsigned | NumberKind::Signed => raw as f64,
    };
    Value::Real(raw_double * layout.factor + layout.offset)
}

/// Whether two values are the same, where two that are no numbers are.
pub(crate) fn same(one: f64, other: f64) -> bool {
    one == other || one.is_nan() && other.is_nan()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn a_signal_is_that_of_the_slow_way(
        layout in made::layout(),
        payload in prop_oneof![prop::collection::vec(any::<u8>(), 0..=8), prop::collection::vec(any::<u8>(), 0..=72)],
    ) {
        let signal = Signal::new(layout).unwrap();
        let Some(bits) = bits(&layout, &payload) else {
            prop_assert_eq!((signal.bits(&payload), signal.raw(&payload)), (None, None));
            prop_assert!(signal.value(&payload).is_none() && signal.exact(&payload).is_none());
            prop_assert!(payload.len() < signal.payload_bytes_min());
            return Ok(());
        };
        prop_assert!(payload.len() >= signal.payload_bytes_min());
        let raw = raw(&layout, &bits);
        prop_assert_eq!(signal.raw(&payload), Some(raw));
        let plain = bits.iter().fold(0_u64, |number, bit| number << 1 | u64::from(*bit));
        prop_assert_eq!(signal.bits(&payload), Some(plain));
        let (exact, expected) = (signal.exact(&payload).unwrap(), value(&layout, raw));
        match (exact, expected) {
            (Value::Integer(exact), Value::Integer(expected)) => prop_assert_eq!(exact, expected),
            (Value::Real(exact), Value::Real(expected)) => prop_assert!(same(exact, expected), "{} {}", exact, expected),
            _ => prop_assert!(false, "{exact:?} is not of the kind of {expected:?}"),
        }
        prop_assert!(same(signal.value(&payload).unwrap(), exact.nearest()));
    }
}

#[test]
fn every_width_and_start_of_eight_bytes_is_that_of_the_slow_way() {
    let payload = [0x91, 0x3C, 0xF0, 0x07, 0xAA, 0x5D, 0xE2, 0x8B];
    let mut read = 0;
    for start in 0..64 {
        for length in 1..=64 {
            for order in [ByteOrder::Intel, ByteOrder::Motorola] {
                for kind in [NumberKind::Unsigned, NumberKind::Signed] {
                    let layout = SignalLayout { start, length, order, kind, factor: 1.0, offset: 0.0 };
                    let expected = bits(&layout, &payload).map(|bits| raw(&layout, &bits));
                    assert_eq!(Signal::new(layout).unwrap().raw(&payload), expected, "{layout:?}");
                    read += u32::from(expected.is_some());
                }
            }
        }
    }
    assert_eq!(read, 64 * 65 * 2, "half of all of them lie in eight bytes");
}
