//! A signal: which bits of a payload it takes, and which number they mean.
//!
//! Bits are counted as DBC files count them: bit `n` lies in byte `n / 8` and bit 0 of a byte is its least
//! significant one. Where a signal lies is worked out once, so that reading it is one load, one shift and one
//! mask, whatever its length and byte order. A signal that does not lie within a payload has no value there;
//! no bit is ever made up. The number is `raw * factor + offset`.

use thiserror::Error;

mod value;

pub use value::Value;

/// The longest signal, in bits.
pub const SIGNAL_BITS_MAX: u16 = 64;

/// The longest payload that a signal may be described in: the longest message of ISO 15765-2 with a length of
/// 12 bits. One frame has 64 bytes at most; transport protocols join several.
pub const PAYLOAD_BYTES_MAX: u16 = 4095;

const BITS: u16 = 8;

/// In which direction a signal runs through the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Little-endian, `@1`: the start is the least significant bit and the signal goes on into later bytes.
    Intel,
    /// Big-endian, `@0`: the start is the most significant bit; the signal runs down to bit 0 of its byte and goes
    /// on at bit 7 of the next.
    Motorola,
}

/// What kind of number the bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// A whole number from 0.
    Unsigned,
    /// A whole number in two's complement.
    Signed,
    /// IEEE 754 with 32 bits.
    Float32,
    /// IEEE 754 with 64 bits.
    Float64,
}

/// What a signal is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalLayout {
    /// Number of the first bit: the least significant one for Intel, the most significant one for Motorola.
    pub start: u16,
    /// How many bits, 1 to [`SIGNAL_BITS_MAX`].
    pub length: u16,
    /// How they are joined.
    pub order: ByteOrder,
    /// How they are read.
    pub kind: NumberKind,
    /// What the raw number is multiplied with.
    pub factor: f64,
    /// What is added then.
    pub offset: f64,
}

/// Why there can be no such signal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalFault {
    /// No bits, or more than a number has.
    #[error("a signal has 1 to {SIGNAL_BITS_MAX} bits, not {0}")]
    Length(u16),
    /// Only two lengths have a meaning as IEEE 754.
    #[error("a {wanted}-bit float cannot have {found} bits")]
    FloatLength {
        /// Bits that the kind has.
        wanted: u16,
        /// Bits that the signal has.
        found: u16,
    },
    /// It ends after the longest payload.
    #[error("the signal ends beyond byte {PAYLOAD_BYTES_MAX}")]
    BeyondPayload,
    /// Infinite, or not a number at all.
    #[error("factor and offset have to be finite")]
    EndlessScale,
}

/// A signal that can be read from payloads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    layout: SignalLayout,
    /// The first of the bytes that are loaded: the eight that end with the signal, or the first eight.
    at: u16,
    /// The first byte after the signal.
    end: u16,
    /// How far the loaded word, or the ninth byte, is shifted.
    shift: u8,
    /// Whether it lies in nine bytes; then it has 57 bits or more, and a shift of 1 to 7.
    is_wide: bool,
    /// Whether the double that is nearest to a value needs a whole number on the way.
    is_large: bool,
    /// Factor and offset, where both are whole: then every value is.
    whole: Option<(i64, i64)>,
}

/// A payload, prepared so that the usual signals need no memory access of their own.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    bytes: &'a [u8],
    /// The first eight bytes, the first of them lowest; missing ones are zero.
    head: u64,
}

impl<'a> Payload<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let head = match bytes.first_chunk::<8>() {
            Some(head) => u64::from_le_bytes(*head),
            None => bytes.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
        };
        Self { bytes, head }
    }

    /// Returns the eight bytes from there on. They exist, because the signal they belong to does.
    #[inline]
    fn word(&self, at: usize) -> Option<u64> {
        if at == 0 {
            return Some(self.head);
        }
        self.bytes.get(at..)?.first_chunk::<8>().map(|chunk| u64::from_le_bytes(*chunk))
    }
}

impl Signal {
    /// Returns the signal with this layout.
    ///
    /// # Errors
    /// When no payload has such bits, the bits are no such number, or factor or offset are not finite.
    pub fn new(layout: SignalLayout) -> Result<Self, SignalFault> {
        let SignalLayout { start, length, order, kind, factor, offset } = layout;
        if !(1..=SIGNAL_BITS_MAX).contains(&length) {
            return Err(SignalFault::Length(length));
        }
        let wanted = match kind {
            NumberKind::Unsigned | NumberKind::Signed => length,
            NumberKind::Float32 => 32,
            NumberKind::Float64 => 64,
        };
        if wanted != length {
            return Err(SignalFault::FloatLength { wanted, found: length });
        }
        if !(factor.is_finite() && offset.is_finite()) {
            return Err(SignalFault::EndlessScale);
        }
        // Counted in the direction of the signal, which for Motorola is from the top of each byte.
        let first_bit = match order {
            ByteOrder::Intel => start,
            ByteOrder::Motorola => start / BITS * BITS + (BITS - 1 - start % BITS),
        };
        let last_bit = first_bit.checked_add(length - 1).ok_or(SignalFault::BeyondPayload)?;
        let (first, end) = (first_bit / BITS, last_bit / BITS + 1);
        if end > PAYLOAD_BYTES_MAX {
            return Err(SignalFault::BeyondPayload);
        }
        let is_wide = end - first > BITS;
        let at = if is_wide { first } else { end.saturating_sub(BITS) };
        let shift = match (order, is_wide) {
            (ByteOrder::Intel, _) => first_bit - at * BITS,
            (ByteOrder::Motorola, false) => 63 - (last_bit - at * BITS),
            (ByteOrder::Motorola, true) => BITS - 1 - last_bit % BITS,
        };
        let shift = u8::try_from(shift).map_err(|_| SignalFault::BeyondPayload)?;
        // A sum of zeros has no sign.
        let layout = SignalLayout { offset: offset + 0.0, ..layout };
        let is_float = matches!(kind, NumberKind::Float32 | NumberKind::Float64);
        let whole = whole(factor).zip(whole(offset)).filter(|_| !is_float);
        let is_large = whole.is_some_and(|scale| scale != (1, 0) && !fits_double(length, scale));
        Ok(Self { layout, at, end, shift, is_wide, is_large, whole })
    }

    /// Returns what the signal is made of.
    #[must_use]
    pub fn layout(&self) -> &SignalLayout {
        &self.layout
    }

    /// Returns whether a bit of a payload belongs to the signal.
    #[must_use]
    pub fn holds(&self, bit: u16) -> bool {
        let SignalLayout { start, length, order, .. } = self.layout;
        // Counted from the top of each byte, a Motorola signal runs upwards, too.
        let place = |bit: u16| match order {
            ByteOrder::Intel => u32::from(bit),
            ByteOrder::Motorola => u32::from(bit / BITS * BITS + (BITS - 1 - bit % BITS)),
        };
        (place(start)..place(start) + u32::from(length)).contains(&place(bit))
    }

    /// Returns how many bytes a payload has at least that holds the signal.
    #[must_use]
    pub fn payload_bytes_min(&self) -> usize {
        usize::from(self.end)
    }

    /// Returns whether every value is a whole number.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Returns the bits as they stand in the payload, the last one lowest; none where the payload is too short.
    #[must_use]
    #[inline]
    pub fn bits(&self, payload: &[u8]) -> Option<u64> {
        self.bits_of(&Payload::new(payload))
    }

    /// Returns the number before factor and offset; for floats that of their bits. None where the payload is too
    /// short.
    #[must_use]
    pub fn raw(&self, payload: &[u8]) -> Option<i128> {
        self.bits(payload).map(|bits| self.raw_of(bits))
    }

    /// Returns the double that is nearest to the value; none where the payload is too short.
    #[must_use]
    #[inline]
    pub fn value(&self, payload: &[u8]) -> Option<f64> {
        self.bits(payload).map(|bits| self.value_of(bits))
    }

    /// Returns the value, exact where it is a whole number; none where the payload is too short.
    #[must_use]
    pub fn exact(&self, payload: &[u8]) -> Option<Value> {
        self.bits(payload).map(|bits| self.exact_of(bits))
    }

    #[inline]
    pub(crate) fn bits_of(&self, payload: &Payload<'_>) -> Option<u64> {
        if payload.bytes.len() < usize::from(self.end) {
            return None;
        }
        let at = usize::from(self.at);
        let word = payload.word(at)?;
        let is_intel = self.layout.order == ByteOrder::Intel;
        let shift = u32::from(self.shift);
        let bits = if self.is_wide {
            let ninth = u64::from(*payload.bytes.get(at + 8)?);
            if is_intel {
                word >> shift | ninth << (64 - shift)
            } else {
                word.swap_bytes() << (8 - shift) | ninth >> shift
            }
        } else {
            let word = if is_intel { word } else { word.swap_bytes() };
            word >> shift
        };
        Some(bits & u64::MAX >> (SIGNAL_BITS_MAX - self.layout.length))
    }

    #[inline]
    fn signed(&self, bits: u64) -> i64 {
        let unused = SIGNAL_BITS_MAX - self.layout.length;
        (bits << unused).cast_signed() >> unused
    }

    pub(crate) fn raw_of(&self, bits: u64) -> i128 {
        match self.layout.kind {
            NumberKind::Signed => i128::from(self.signed(bits)),
            NumberKind::Unsigned | NumberKind::Float32 | NumberKind::Float64 => i128::from(bits),
        }
    }

    #[inline]
    pub(crate) fn value_of(&self, bits: u64) -> f64 {
        if self.is_large {
            return self.exact_of(bits).nearest();
        }
        let raw = match self.layout.kind {
            NumberKind::Unsigned => bits as f64,
            NumberKind::Signed => self.signed(bits) as f64,
            #[expect(clippy::cast_possible_truncation, reason = "such a signal has 32 bits")]
            NumberKind::Float32 => f64::from(f32::from_bits(bits as u32)),
            NumberKind::Float64 => f64::from_bits(bits),
        };
        raw * self.layout.factor + self.layout.offset
    }

    pub(crate) fn exact_of(&self, bits: u64) -> Value {
        match self.whole {
            // 64 bits times 63 bits, and then one more.
            Some((factor, offset)) => Value::Integer(self.raw_of(bits) * i128::from(factor) + i128::from(offset)),
            None => Value::Real(self.value_of(bits)),
        }
    }
}

/// Returns a number as a whole one, where it is one.
fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let is_whole = number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number);
    #[expect(clippy::cast_possible_truncation, reason = "the number is whole and within the limits")]
    is_whole.then_some(number as i64)
}

/// Returns whether doubles hold every value, and every step on the way to it, of a signal with so many bits.
fn fits_double(length: u16, (factor, offset): (i64, i64)) -> bool {
    let raw_max = u128::from(u64::MAX >> (SIGNAL_BITS_MAX - length));
    let product = raw_max * u128::from(factor.unsigned_abs());
    product + u128::from(offset.unsigned_abs()) <= 1 << f64::MANTISSA_DIGITS
}

#[cfg(test)]
mod tests;
