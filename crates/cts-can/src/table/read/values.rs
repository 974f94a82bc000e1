//! What the text of a cell says, as Python reads it: quickly where it is written as `rlog-to-csv` writes it.

use crate::error::RowFault;
use crate::frame::{Address, Bus};
use crate::segments::Segment;

/// Powers of ten that a double holds exactly, as far as quick times need them.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Whole numbers of so many digits are exact as doubles.
const EXACT_DIGITS_MAX: usize = 15;

const NO_DIGIT: u8 = 0xFF;

/// The value of each hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0x1C..=0x1F)
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// Takes out the underscores that Python allows between digits; none where one stands elsewhere.
fn without_underscores(text: &[u8]) -> Option<String> {
    for (index, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
        if index == 0 || !is_digit(text.get(index - 1)) || !is_digit(text.get(index + 1)) {
            return None;
        }
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(text.replace('_', ""))
}

pub(super) fn segment(text: &[u8]) -> Option<Segment> {
    let text = trimmed(text);
    [Segment::Pre, Segment::Window, Segment::Post]
        .into_iter()
        .find(|segment| text.eq_ignore_ascii_case(segment.name().as_bytes()))
}

pub(super) fn time(text: &[u8]) -> Result<f64, RowFault> {
    if let Some(time) = quick_time(text) {
        return Ok(time);
    }
    let time: Option<f64> = without_underscores(trimmed(text)).and_then(|text| text.parse().ok());
    match time {
        Some(time) if time.is_finite() => Ok(time),
        Some(_) => Err(RowFault::EndlessTime),
        None => Err(RowFault::BadTime),
    }
}

/// Digits with at most one point and no more of them than are exact: one division rounds as the slow way does.
fn quick_time(text: &[u8]) -> Option<f64> {
    let mut whole: u64 = 0;
    let mut point = None;
    if text.len() > EXACT_DIGITS_MAX || text.is_empty() {
        return None;
    }
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = whole * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() && text.len() > 1 => point = Some(index),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |index| text.len() - index - 1);
    #[expect(clippy::cast_precision_loss, reason = "at most 15 digits are exact")]
    let whole = whole as f64;
    Some(whole / TENS[decimals])
}

/// Returns the address of a text: hexadecimal with `0x`, else decimal, else hexadecimal.
pub(super) fn address(text: &[u8]) -> Result<Address, RowFault> {
    let text = trimmed(text);
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
    if let Some(digits) = digits.filter(|digits| (1..=8).contains(&digits.len())) {
        let mut value = 0;
        let mut bad = 0;
        for byte in digits {
            let digit = DIGITS[usize::from(*byte)];
            bad |= digit & 0xF0;
            value = value << 4 | u32::from(digit & 0x0F);
        }
        if bad == 0 {
            return Ok(Address(value));
        }
    }
    let plain =
        |text| without_underscores(text).filter(|text| !text.starts_with(['+', '-'])).ok_or(RowFault::BadAddress);
    let value = match digits {
        Some(digits) => u64::from_str_radix(&plain(digits)?, 16),
        None => {
            let text = plain(text)?;
            text.parse().or_else(|_| u64::from_str_radix(&text, 16))
        }
    };
    let value = value.map_err(|_| RowFault::BadAddress)?;
    u32::try_from(value).map(Address).map_err(|_| RowFault::BadAddress)
}

pub(super) fn bus(text: &[u8]) -> Result<Bus, RowFault> {
    if let [digit @ b'0'..=b'9'] = text {
        return Ok(Bus(digit - b'0'));
    }
    let value = without_underscores(trimmed(text)).and_then(|text| text.parse().ok());
    value.map(Bus).ok_or(RowFault::BadBus)
}

/// Puts the bytes of a payload into `payload`.
#[inline]
pub(super) fn payload(text: &[u8], payload: &mut Vec<u8>) -> Result<(), RowFault> {
    payload.clear();
    let (pairs, rest) = text.as_chunks::<2>();
    let mut bad = 0;
    if rest.is_empty() {
        payload.extend(pairs.iter().map(|[high, low]| {
            let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
            bad |= (high | low) & 0xF0;
            high << 4 | low & 0x0F
        }));
        if bad == 0 {
            return Ok(());
        }
    }
    loose_payload(text, payload)
}

/// The same for a text with blanks, commas, `0x` or an odd count of digits, which gets a zero in front.
#[cold]
fn loose_payload(text: &[u8], payload: &mut Vec<u8>) -> Result<(), RowFault> {
    payload.clear();
    let mut digits: Vec<u8> = trimmed(text).iter().copied().filter(|byte| *byte != b' ').collect();
    let mut kept = 0;
    let mut at = 0;
    while at < digits.len() {
        if digits[at..].starts_with(b"0x") {
            at += 2;
            continue;
        }
        digits[kept] = digits[at];
        kept += 1;
        at += 1;
    }
    digits.truncate(kept);
    digits.retain(|byte| *byte != b',');
    if digits.len() % 2 == 1 {
        digits.insert(0, b'0');
    }
    let mut rest = digits.as_slice();
    loop {
        while let [b'\t'..=b'\r', tail @ ..] = rest {
            rest = tail;
        }
        let [high, low, tail @ ..] = rest else { break };
        let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
        if high == NO_DIGIT || low == NO_DIGIT {
            return Err(RowFault::BadPayload);
        }
        payload.push(high << 4 | low);
        rest = tail;
    }
    if rest.is_empty() { Ok(()) } else { Err(RowFault::BadPayload) }
}
