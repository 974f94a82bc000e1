//! Made DBC files: what they should mean, and the same as text, written in the ways of several editors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use cts_can::signal::{ByteOrder, NumberKind, SignalLayout};
use proptest::prelude::*;
use proptest::sample::{Index, select};

#[derive(Clone, Debug)]
pub(crate) struct MadeMessage {
    /// With the mark of extended addresses.
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) length_bytes: u16,
    pub(crate) signals: Vec<MadeSignal>,
}

#[derive(Clone, Debug)]
pub(crate) struct MadeSignal {
    pub(crate) name: String,
    pub(crate) layout: SignalLayout,
    pub(crate) unit: String,
    pub(crate) values: BTreeMap<i64, String>,
    /// The index of its switch, which comes before it, and the switch's values.
    pub(crate) mux: Option<(usize, BTreeSet<u64>)>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    line_end: &'static str,
    space: &'static str,
    has_head: bool,
    lines_come_first: bool,
    has_all_switch_lines: bool,
    has_noise: bool,
}

pub(crate) fn style() -> impl Strategy<Value = Style> {
    (select(vec!["\n", "\r\n", "\r"]), select(vec!["", " ", "\t "]), any::<[bool; 4]>()).prop_map(
        |(line_end, space, [has_head, lines_come_first, has_all_switch_lines, has_noise])| Style {
            line_end,
            space,
            has_head,
            lines_come_first,
            has_all_switch_lines,
            has_noise,
        },
    )
}

pub(crate) fn layout() -> impl Strategy<Value = SignalLayout> {
    let number = prop_oneof![
        Just(1.0),
        select(vec![0.0, -1.0, 2.0, 0.01, 0.5, -0.1, 1e15 - 1.0, 1e-7]),
        (-1000_i32..1000).prop_map(f64::from),
        prop::num::f64::NORMAL
            .prop_filter("the reference is not exact there", |number| !(9.1e18..1e19).contains(&number.abs())),
    ];
    let kind = select(vec![NumberKind::Unsigned, NumberKind::Signed, NumberKind::Float32, NumberKind::Float64]);
    let order = select(vec![ByteOrder::Intel, ByteOrder::Motorola]);
    let start = prop_oneof![0_u16..64, 0_u16..520];
    let length = prop_oneof![1_u16..=16, 1_u16..=64, 57_u16..=64];
    (start, length, order, kind, number.clone(), number).prop_map(|(start, length, order, kind, factor, offset)| {
        let length = match kind {
            NumberKind::Unsigned | NumberKind::Signed => length,
            NumberKind::Float32 => 32,
            NumberKind::Float64 => 64,
        };
        SignalLayout { start, length, order, kind, factor, offset }
    })
}

fn signal() -> impl Strategy<Value = (MadeSignal, Option<(Index, BTreeSet<u64>)>)> {
    let text = "[ -\\[\\]-~°é€Ж]{0,8}";
    let values = prop::collection::btree_map(prop_oneof![-3_i64..8, any::<i64>()], text, 0..4);
    let mux = prop::option::of((any::<Index>(), prop::collection::btree_set(0_u64..6, 1..4)));
    ("[A-Za-z_][A-Za-z0-9_]{0,8}", layout(), text, values, mux).prop_map(|(name, layout, unit, values, mux)| {
        let signal = MadeSignal { name, layout, unit, values, mux: None };
        (signal, mux)
    })
}

fn message() -> impl Strategy<Value = MadeMessage> {
    let id = prop_oneof![0_u32..0x800, (0_u32..1 << 29).prop_map(|address| address | 1 << 31)];
    (id, "[A-Za-z_][A-Za-z0-9_]{0,8}", 0_u16..=64, prop::collection::vec(signal(), 0..8)).prop_map(
        |(id, name, length_bytes, drafts)| {
            let mut signals: Vec<MadeSignal> = Vec::new();
            for (number, (mut signal, mux)) in drafts.into_iter().enumerate() {
                signal.name = format!("{}_{number}", signal.name);
                signal.mux = mux.filter(|_| number > 0).map(|(switch, values)| (switch.index(number), values));
                signals.push(signal);
            }
            MadeMessage { id, name, length_bytes, signals }
        },
    )
}

/// Messages with addresses of their own.
pub(crate) fn messages() -> impl Strategy<Value = Vec<MadeMessage>> {
    prop::collection::vec(message(), 1..6).prop_map(|mut messages| {
        let mut addresses = BTreeSet::new();
        messages.retain(|message| addresses.insert(message.id & !(1 << 31)));
        messages
    })
}

/// The values of a switch as ascending ranges that do not touch each other.
pub(crate) fn ranges(values: &BTreeSet<u64>) -> Vec<RangeInclusive<u64>> {
    let starts = values.iter().filter(|value| **value == 0 || !values.contains(&(**value - 1)));
    let end = |start: u64| (start..).find(|value| !values.contains(&(value + 1))).unwrap();
    starts.map(|start| *start..=end(*start)).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// The line of a signal, and the lines about it that stand elsewhere.
fn signal_lines(message: &MadeMessage, index: usize, style: Style) -> (String, Vec<String>) {
    let MadeMessage { id, signals, .. } = message;
    let MadeSignal { name, layout, unit, values, mux } = &signals[index];
    let is_switch = |index| signals.iter().any(|signal| signal.mux.as_ref().is_some_and(|mux| mux.0 == index));
    let roots: Vec<usize> =
        (0..signals.len()).filter(|index| is_switch(*index) && signals[*index].mux.is_none()).collect();
    let mut others = Vec::new();
    let mut mark = String::new();
    if let Some((switch, values)) = mux {
        let first = values.first().unwrap();
        write!(mark, " m{first}").unwrap();
        let is_plain = roots == [*switch] && values.len() == 1;
        if style.has_all_switch_lines || !is_plain {
            let values: Vec<String> = values.iter().map(|value| format!("{value}-{value}")).collect();
            let switch = &signals[*switch].name;
            others.push(format!("SG_MUL_VAL_ {id} {name} {switch} {};", values.join(",")));
        }
    }
    if is_switch(index) {
        mark += if mux.is_some() { "M" } else { " M" };
    }
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(|(value, text)| format!("{value} {}", quoted(text))).collect();
        others.push(format!("VAL_ {id} {name} {} ;", values.join(" ")));
    }
    let order = if layout.order == ByteOrder::Intel { 1 } else { 0 };
    let (sign, number) = match layout.kind {
        NumberKind::Unsigned => ('+', None),
        NumberKind::Signed => ('-', None),
        NumberKind::Float32 => ('-', Some(1)),
        NumberKind::Float64 => ('+', Some(2)),
    };
    others.extend(number.map(|number| format!("SIG_VALTYPE_ {id} {name} :{} {number};", style.space)));
    let SignalLayout { start, length, factor, offset, .. } = layout;
    let space = style.space;
    let line = format!(
        " SG_ {name}{mark} :{space}{start}|{length}{space}@{order}{sign}{space}({factor:?},{space}{offset:e}){space}[0|0]{space}{} A,{space}B",
        quoted(unit)
    );
    (line, others)
}

/// The text of a file with these messages.
pub(crate) fn text(messages: &[MadeMessage], style: Style) -> String {
    let mut own = Vec::new();
    let mut others = Vec::new();
    for message in messages {
        let MadeMessage { id, name, length_bytes, .. } = message;
        own.push(format!("BO_ {id} {name}{}: {length_bytes} A", style.space));
        for index in 0..message.signals.len() {
            let (line, about) = signal_lines(message, index, style);
            own.push(line);
            others.extend(about);
            if style.has_noise {
                own.push(format!("CM_ SG_ {id} {} \"BO_ 1 \\\"N\\\": 8\n SG_ ;\";", message.signals[index].name));
                others.push(format!("BA_ \"GenSigStartValue\" SG_ {id} {} 0", message.signals[index].name));
            }
        }
        own.push(String::new());
    }
    let mut lines = Vec::new();
    if style.has_head {
        lines.extend(
            ["VERSION \"\"", "", "NS_ :", "\tCM_", "\tBA_", "\tVAL_", "\tFILTER", "", "BS_:", "", "BU_: A B"]
                .map(String::from),
        );
    }
    if style.lines_come_first {
        lines.append(&mut others);
    }
    lines.append(&mut own);
    lines.append(&mut others);
    lines.join(style.line_end)
}
