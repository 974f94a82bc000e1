//! Any bytes as a DBC file and a payload: what is read decodes as it should, and is read again when it is written.

#![no_main]

use std::fmt::Write as _;

use cts_can::dbc::{Dbc, DbcMessage, DbcSignal, MESSAGES_MAX, NAME_BYTES_MAX, NOTES_MAX, SIGNALS_MAX, VALUES_MAX};
use cts_can::signal::{ByteOrder, NumberKind};
use libfuzzer_sys::fuzz_target;

/// The bytes at the end of the input that are a payload too.
const PAYLOAD_BYTES: usize = 64;

fuzz_target!(|file: &[u8]| {
    let dbc = match Dbc::parse(file) {
        Ok(dbc) => dbc,
        Err(fault) => {
            let line_ends = file.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            assert!((1..=line_ends as u64 + 1).contains(&fault.line), "{fault}");
            assert!((1..=file.len() as u64 + 1).contains(&fault.column), "{fault}");
            assert!(!fault.kind.remedy().is_empty());
            return;
        }
    };
    assert!(dbc.messages().len() <= MESSAGES_MAX && dbc.notes().len() <= NOTES_MAX);
    assert!(dbc.messages().is_sorted_by(|one, other| one.address < other.address));
    assert!(dbc.messages().iter().map(|message| message.signals.len()).sum::<usize>() <= SIGNALS_MAX);
    let signals = || dbc.messages().iter().flat_map(|message| &message.signals);
    assert!(signals().map(|signal| signal.values.len()).sum::<usize>() <= VALUES_MAX);

    let payload = &file[file.len().saturating_sub(PAYLOAD_BYTES)..];
    for length in [0, 1, 7, 8, 9, payload.len()] {
        let payload = &payload[..payload.len().min(length)];
        dbc.messages().iter().for_each(|message| decode(message, payload));
    }
    // A file may hold nothing but the message that editors make up; names may become longer as UTF-8.
    let is_short = |name: &str| name.len() <= NAME_BYTES_MAX;
    if dbc.messages().is_empty() {
        return;
    }
    if dbc.messages().iter().all(|message| is_short(&message.name)) && signals().all(|signal| is_short(&signal.name)) {
        let again = Dbc::parse(text(&dbc).as_bytes()).expect("what was understood is understood again");
        assert_eq!(again.messages(), dbc.messages());
    }
});

/// Decodes a payload in both ways, and holds every signal against itself.
fn decode(message: &DbcMessage, payload: &[u8]) {
    let mut doubles = Vec::new();
    message.decode(payload, |index, value| doubles.push((index, value.to_bits())));
    assert!(doubles.is_sorted_by(|one, other| one.0 < other.0), "signals come in their order, each once");
    let mut exact = Vec::new();
    message.decode_exact(payload, |index, value| exact.push((index, value.nearest().to_bits())));
    assert_eq!(doubles, exact);
    let there = |index| doubles.iter().any(|(found, _)| *found == index);
    for (index, signal) in message.signals.iter().enumerate() {
        assert_eq!(message.signal_index(&signal.name), Some(index));
        let value = signal.signal.value(payload);
        assert_eq!(value.is_some(), payload.len() >= signal.signal.payload_bytes_min());
        let is_chosen = signal.mux.as_ref().is_none_or(|mux| {
            let switch = message.signals[mux.switch].signal.bits(payload);
            there(mux.switch) && switch.is_some_and(|bits| mux.takes(bits))
        });
        let expected = value.filter(|_| is_chosen).map(|value| (index, value.to_bits()));
        assert_eq!(doubles.iter().find(|(found, _)| *found == index).copied(), expected);
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// Writes the messages as a DBC file.
fn text(dbc: &Dbc) -> String {
    let mut text = String::new();
    for message in dbc.messages() {
        let id = message.address.0 | 1 << 31;
        writeln!(text, "BO_ {id} {}: {} X", message.name, message.length_bytes).expect("memory takes everything");
        for signal in &message.signals {
            write_signal(&mut text, id, message, signal).expect("memory takes everything");
        }
    }
    text
}

fn write_signal(text: &mut String, id: u32, message: &DbcMessage, signal: &DbcSignal) -> std::fmt::Result {
    let DbcSignal { name, unit, values, mux, .. } = signal;
    let layout = signal.signal.layout();
    let order = if layout.order == ByteOrder::Intel { 1 } else { 0 };
    let sign = if layout.kind == NumberKind::Signed { '-' } else { '+' };
    let (start, length, factor, offset) = (layout.start, layout.length, layout.factor, layout.offset);
    let unit = quoted(unit);
    writeln!(text, " SG_ {name} : {start}|{length}@{order}{sign} ({factor:?},{offset:?}) [0|0] {unit} X")?;
    match layout.kind {
        NumberKind::Float32 => writeln!(text, "SIG_VALTYPE_ {id} {name} : 1;")?,
        NumberKind::Float64 => writeln!(text, "SIG_VALTYPE_ {id} {name} : 2;")?,
        NumberKind::Unsigned | NumberKind::Signed => {}
    }
    if let Some(mux) = mux {
        let ranges: Vec<String> = mux.values.iter().map(|range| format!("{}-{}", range.start(), range.end())).collect();
        writeln!(text, "SG_MUL_VAL_ {id} {name} {} {};", message.signals[mux.switch].name, ranges.join(","))?;
    }
    let values: Vec<String> = values.iter().map(|(value, words)| format!("{value} {}", quoted(words))).collect();
    writeln!(text, "VAL_ {id} {name} {};", values.join(" "))
}
