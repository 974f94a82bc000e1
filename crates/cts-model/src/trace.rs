//! Traces as W3C Trace Context has them: which trace something belongs to, and below which span.
//!
//! What is read here comes from outside: a `traceparent` that is not well formed is none, and a `tracestate` that is not
//! well formed is left out. What is written is always version 00.

use std::fmt;
use std::sync::Arc;

/// The id of a trace: 16 bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span: 8 bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// Returns the id of these bytes; none when all are zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl SpanId {
    /// Returns the id of these bytes; none when all are zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    f.write_str(std::str::from_utf8(&text[..2 * bytes.len()]).unwrap_or_default())
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// A span of a trace, whose own it is or that of somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Whether the trace is recorded, as whoever began it decided.
    pub sampled: bool,
    /// What other systems keep with the trace: passed on as it came.
    pub state: Option<TraceState>,
}

impl TraceContext {
    /// Returns the context of another span of the same trace.
    #[must_use]
    pub fn span(&self, span_id: SpanId) -> Self {
        Self { span_id, ..self.clone() }
    }

    /// Reads a `traceparent`; none where it is not well formed. The form of later versions begins as that of version 00.
    #[must_use]
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let [version] = from_hex(bytes.get(..2)?)?;
        let has_end = match version {
            0 => bytes.len() == 55,
            0xFF => false,
            _ => bytes.len() == 55 || bytes.get(55) == Some(&b'-'),
        };
        if !has_end || [2, 35, 52].iter().any(|at| bytes[*at] != b'-') {
            return None;
        }
        let trace_id = TraceId::from_bytes(from_hex(&bytes[3..35])?)?;
        let span_id = SpanId::from_bytes(from_hex(&bytes[36..52])?)?;
        let [flags] = from_hex(&bytes[53..55])?;
        Some(Self { trace_id, span_id, sampled: flags & 1 == 1, state: None })
    }

    /// Returns the `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-0{}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// Reads lower case hex.
fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// A `tracestate`: a list of names and values of other systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceState(Arc<str>);

impl TraceState {
    /// Longest text that is kept, in bytes; what follows is cut away entry by entry.
    pub const LENGTH_MAX: usize = 512;
    /// Most entries.
    pub const ENTRIES_MAX: usize = 32;

    /// Reads the values of the headers, in their order; none where they are not well formed or hold nothing.
    #[must_use]
    pub fn read<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut kept = String::new();
        let mut keys: Vec<&str> = Vec::new();
        let mut is_full = false;
        for entry in values.into_iter().flat_map(|value| value.split(',')) {
            let entry = entry.trim_matches([' ', '\t']);
            if entry.is_empty() {
                continue;
            }
            let (key, value) = entry.split_once('=')?;
            if keys.len() == Self::ENTRIES_MAX || keys.contains(&key) || !is_key(key) || !is_value(value) {
                return None;
            }
            keys.push(key);
            is_full |= kept.len() + usize::from(!kept.is_empty()) + entry.len() > Self::LENGTH_MAX;
            if !is_full {
                if !kept.is_empty() {
                    kept.push(',');
                }
                kept.push_str(entry);
            }
        }
        (!kept.is_empty()).then(|| Self(kept.into()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_key(key: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let begins = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= 256 && key.bytes().next().is_some_and(begins) && key.bytes().all(good)
}

fn is_value(value: &str) -> bool {
    // The entry was trimmed, so that no value ends with a space.
    let good = |byte: u8| (0x20..=0x7E).contains(&byte) && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let read = TraceContext::from_traceparent(GOOD).unwrap();
        assert_eq!(read.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(read.span_id.to_string(), "00f067aa0ba902b7");
        assert!(read.sampled);
        assert_eq!(read.traceparent(), GOOD);
        let later = GOOD.replacen("00", "cc", 1) + "-more";
        assert_eq!(TraceContext::from_traceparent(&later), Some(read));
        let flags = |flags: &str| TraceContext::from_traceparent(&format!("{}{flags}", &GOOD[..53])).unwrap().sampled;
        assert_eq!([flags("00"), flags("02"), flags("03"), flags("ff")], [false, false, true, true]);
    }

    #[test]
    fn a_traceparent_that_is_not_well_formed_is_none() {
        let bad = [
            String::new(),
            "garbage".into(),
            GOOD.to_uppercase(),
            GOOD[..54].into(),
            format!("{GOOD}0"),
            format!("{GOOD}-more"),
            format!(" {GOOD}"),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("00", "cc", 1) + "x",
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("-01", "-0g"),
            GOOD.replace('-', "_"),
            GOOD.replace("4b", "ü"),
            "ü".repeat(28),
        ];
        for text in bad {
            assert_eq!(TraceContext::from_traceparent(&text), None, "{text:?}");
        }
    }

    #[test]
    fn a_tracestate_is_kept_as_it_came_or_left_out() {
        let read = |values: &[&str]| TraceState::read(values.iter().copied()).map(|state| state.as_str().to_owned());
        assert_eq!(read(&["a=1", " b@x=2 ,, c/d=x y"]).as_deref(), Some("a=1,b@x=2,c/d=x y"));
        for bad in ["", ",", "a", "a=", "=1", "A=1", "a=1,a=2", "a=b=c", "a=ü", "a=\u{7}", "_a=1"] {
            assert_eq!(read(&[bad]), None, "{bad:?}");
        }
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert!(read(&[&many(32)]).is_some() && read(&[&many(33)]).is_none());
        let long = ["a", "b", "c"].map(|key| format!("{key}={}", "x".repeat(250))).join(",");
        assert_eq!(read(&[&long]).unwrap(), long[..505], "what does not fit is cut away entry by entry");
    }
}
