//! The rows of the six tables, and the two forms in which they are written.
//!
//! Rows are made while they are written. Tables have CR LF behind the header and each row, lists of records have two
//! spaces of indent and no line end at their end.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::io::{self, Write};

use super::findings::Findings;
use super::messages::{SET_BIT, Target};
use crate::frame::Address;
use crate::python::{Json, cell, floored_clock, repr, round};

/// What the Python tool takes for the blinkers, whatever they are.
const MARKER: (Address, u16) = (Address(0x027), 43);

/// What stands for no message at all.
const NO_MESSAGE: (Address, u16) = (Address(0), 0);

/// Toggles above which a bit loses part of its score, and how much for each of them.
pub(super) const CHATTER_START: i32 = 40;
pub(super) const CHATTER_SLOPE: f64 = 0.1;

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Frames of each address in each marker window.
    CountsBySegment,
    /// The bits of the five messages that change most often.
    Candidates,
    /// Presses of the set button.
    Edges,
    /// The marker windows.
    Runs,
    /// Target speeds and markers in the order of time.
    Timeline,
    /// When the car was engaged.
    EngagedIntervals,
}

/// A row: a value for each column.
pub(super) type Row = Vec<Json>;

impl Export {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 6] =
        [Self::CountsBySegment, Self::Candidates, Self::Edges, Self::Runs, Self::Timeline, Self::EngagedIntervals];

    /// Returns the name, which is that of its files too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CountsBySegment => "counts_by_segment",
            Self::Candidates => "candidates",
            Self::Edges => "edges",
            Self::Runs => "runs",
            Self::Timeline => "timeline",
            Self::EngagedIntervals => "engaged_intervals",
        }
    }

    /// Returns the names of the columns as the header of the table has them.
    fn header(self) -> &'static str {
        match self {
            Self::CountsBySegment => {
                "address_hex,bus,pre_count,window_count,post_count,delta,uniq_pre,uniq_window,uniq_post"
            }
            Self::Candidates => {
                "address_hex,bit_global,byte_index,bit_lsb,bit_msb,label_lsb,label_msb,score,rises_set,falls_end,\
                 toggles,penalty,bus"
            }
            Self::Edges => {
                "address_hex,bit_global,byte_index,bit_lsb,bit_msb,label_lsb,label_msb,ts_abs,ts_rel,ts_mmss,edge_type,\
                 speed_mph,bus"
            }
            Self::Runs | Self::EngagedIntervals => {
                "address_hex,bit_global,byte_index,bit_lsb,bit_msb,label_lsb,label_msb,start_abs,start_rel,start_mmss,\
                 end_abs,end_rel,end_mmss,duration_s,duration_mmss,bus"
            }
            Self::Timeline => {
                "ts_abs,ts_rel,ts_mmss,address_hex,bit_global,byte_index,bit_lsb,bit_msb,label_lsb,label_msb,event,\
                 value,speed_mph,bus"
            }
        }
    }

    fn columns(self) -> impl Iterator<Item = &'static str> {
        self.header().split(',')
    }
}

pub(super) fn write_table(export: Export, rows: impl Iterator<Item = Row>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}\r\n", export.header())?;
    for row in rows {
        let cells: Vec<_> = row.iter().map(text_of).collect();
        write!(out, "{}\r\n", cells.join(","))?;
    }
    Ok(())
}

fn text_of(value: &Json) -> String {
    match value {
        Json::Text(text) => cell(text),
        Json::Float(number) => repr(*number),
        other => other.compact(),
    }
}

pub(super) fn write_records(export: Export, rows: impl Iterator<Item = Row>, out: &mut dyn Write) -> io::Result<()> {
    let mut is_empty = true;
    for row in rows {
        let record = Json::Object(export.columns().map(Cow::Borrowed).zip(row).collect());
        let before = if is_empty { "[" } else { "," };
        write!(out, "{before}\n  {}", record.indented(1))?;
        is_empty = false;
    }
    out.write_all(if is_empty { b"[]" } else { b"\n]" })
}

/// Returns the bus of each address of the rows, in their order; none where there are no rows.
pub(super) fn buses(export: Export, rows: impl Iterator<Item = Row>) -> Option<Json> {
    let place = |name| export.columns().position(|column| column == name).expect("every table has this column");
    let (address, bus) = (place("address_hex"), place("bus"));
    let mut known = HashSet::new();
    let mut buses = Vec::new();
    for row in rows {
        let Json::Text(text) = &row[address] else { continue };
        if !known.contains(text) {
            known.insert(text.clone());
            buses.push((text.clone(), row[bus].clone()));
        }
    }
    (!buses.is_empty()).then_some(Json::Object(buses))
}

impl Findings {
    /// Returns the rows of a table in its order.
    pub(super) fn rows(&self, export: Export) -> Box<dyn Iterator<Item = Row> + '_> {
        match export {
            Export::CountsBySegment => Box::new(self.counts()),
            Export::Candidates => Box::new(self.candidates()),
            Export::Edges => Box::new(self.edges()),
            Export::Runs => Box::new(self.runs()),
            Export::Timeline => Box::new(self.timeline()),
            Export::EngagedIntervals => Box::new(self.engaged_rows()),
        }
    }

    fn counts(&self) -> impl Iterator<Item = Row> + '_ {
        let mut all: Vec<_> = self.window_changes.iter().flatten().collect();
        all.sort_by_key(|changes| (Reverse(changes.frames), text_order(changes.address)));
        all.into_iter().map(|changes| {
            let frames = i64::from(changes.frames);
            let numbers = [0, 0, frames, 0, frames, 0, 1, 0].map(Json::Integer);
            [Json::from(changes.address.to_string())].into_iter().chain(numbers).collect()
        })
    }

    fn candidates(&self) -> impl Iterator<Item = Row> + '_ {
        let mut all = Vec::new();
        for found in self.targets() {
            for bit in &found.top {
                let toggles = bit.count as f64;
                let penalty = ((toggles - f64::from(CHATTER_START)) * CHATTER_SLOPE).max(0.0);
                all.push((round(toggles - penalty, 3), found.target.address(), *bit, round(penalty, 3)));
            }
        }
        all.sort_by(|(score, address, bit, _), (other_score, other_address, other, _)| {
            let by_score = other_score.total_cmp(score);
            by_score.then_with(|| (text_order(*address), bit.bit).cmp(&(text_order(*other_address), other.bit)))
        });
        all.into_iter().map(|(score, address, bit, penalty)| {
            let rises = bit.count / 2;
            let mut row = identity((address, bit.bit));
            row.extend([Json::Float(score), count(rises), count(bit.count - rises), count(bit.count)]);
            row.extend([Json::Float(penalty), Json::Integer(0)]);
            row
        })
    }

    fn edges(&self) -> impl Iterator<Item = Row> + '_ {
        let mut presses = self.set_presses().to_vec();
        presses.sort_by(|press, other| round(press.time, 3).total_cmp(&round(other.time, 3)));
        presses.into_iter().map(|press| {
            let mut row = identity((Target::CruiseButtons.address(), SET_BIT));
            row.extend(moment(press.time));
            row.extend([Json::from("rise"), Json::Float(round(press.mph.unwrap_or(0.0), 1)), Json::Integer(0)]);
            row
        })
    }

    fn runs(&self) -> impl Iterator<Item = Row> + '_ {
        let duration = |begun: f64, ended: Option<f64>| ended.map_or(0.0, |ended| round(ended - begun, 3));
        let mut windows = self.partial.windows.clone();
        windows.sort_by(|window, other| {
            duration(other.begun, other.ended).total_cmp(&duration(window.begun, window.ended))
        });
        windows.into_iter().map(move |window| {
            let mut row = identity(MARKER);
            row.extend(moment(window.begun));
            row.extend(match window.ended {
                Some(ended) => moment(ended),
                None => [Json::Float(0.0), Json::Float(0.0), Json::from("incomplete")],
            });
            row.extend(lasting(duration(window.begun, window.ended)));
            row.push(Json::Integer(0));
            row
        })
    }

    fn timeline(&self) -> impl Iterator<Item = Row> + '_ {
        let mut all: Vec<_> =
            self.speed_events().iter().map(|event| (event.start, NO_MESSAGE, "target_speed")).collect();
        for window in &self.partial.windows {
            all.push((window.begun, MARKER, "marker_start"));
            all.extend(window.ended.map(|ended| (ended, MARKER, "marker_end")));
        }
        all.sort_by(|(time, (address, _), event), (other_time, (other_address, _), other_event)| {
            let by_time = round(*time, 3).total_cmp(&round(*other_time, 3));
            by_time.then_with(|| (text_order(*address), event).cmp(&(text_order(*other_address), other_event)))
        });
        all.into_iter().map(|(time, of, event)| {
            let mut row = moment(time).to_vec();
            row.extend(identity(of));
            row.extend([Json::from(event), Json::from(""), Json::Float(0.0), Json::Integer(0)]);
            row
        })
    }

    fn engaged_rows(&self) -> impl Iterator<Item = Row> + '_ {
        let selector = self.selector();
        let bus = self.options().engaged_bus.unwrap_or(0);
        let rows = selector.into_iter().flat_map(|selector| self.engaged.iter().map(move |found| (selector, found)));
        rows.map(move |(selector, interval)| {
            let mut row = identity((selector.address, selector.bit));
            row.extend(moment(interval.start));
            row.extend(moment(interval.end));
            row.extend(lasting(round(interval.end - interval.start, 3)));
            row.push(Json::Integer(bus));
            row
        })
    }
}

/// Orders addresses as their texts are ordered, so that `0x18DAF110` comes before `0x190`.
fn text_order(address: Address) -> (u32, u32) {
    let digits = (8 - address.0.leading_zeros() / 4).max(3);
    (address.0 << (4 * (8 - digits)), digits)
}

fn count(number: u64) -> Json {
    Json::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns the columns that say which bit a row is about.
fn identity((address, bit): (Address, u16)) -> Row {
    let (byte, lsb) = (bit / 8, bit % 8);
    let msb = 7 - lsb;
    let mut row = vec![Json::from(address.to_string())];
    row.extend([bit, byte, lsb, msb].map(|number| Json::Integer(i64::from(number))));
    row.extend([format!("Byte{byte} bit{lsb} (LSB)"), format!("MSB B{byte}b{msb}")].map(Json::from));
    row
}

/// Returns the columns of a moment: since boot, since the beginning, which is the boot, and as minutes.
fn moment(time: f64) -> [Json; 3] {
    let time = round(time, 3);
    [Json::Float(time), Json::Float(time), Json::from(floored_clock(time))]
}

/// Returns the columns of a duration.
fn lasting(duration: f64) -> [Json; 2] {
    [Json::Float(duration), Json::from(floored_clock(duration))]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bit_has_its_names() {
        let texts: Vec<_> = identity((Address(0x146), 43)).iter().map(text_of).collect();
        assert_eq!(texts, ["0x146", "43", "5", "3", "4", "Byte5 bit3 (LSB)", "MSB B5b4"]);
    }

    #[test]
    fn every_table_says_address_and_bus() {
        for export in Export::ALL {
            assert_eq!(buses(export, std::iter::empty()), None, "{}", export.name());
            let columns: HashSet<_> = export.columns().collect();
            assert_eq!(columns.len(), export.columns().count(), "{}", export.name());
        }
    }

    #[test]
    fn lists_of_records_are_those_of_python() {
        let written = |rows: Vec<Row>| {
            let mut out = Vec::new();
            write_records(Export::CountsBySegment, rows.into_iter(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(vec![]), "[]");
        let row = || vec![Json::from("0x001"), Json::Integer(0)];
        let record = "{\n    \"address_hex\": \"0x001\",\n    \"bus\": 0\n  }";
        assert_eq!(written(vec![row(), row()]), format!("[\n  {record},\n  {record}\n]"));
    }

    proptest! {
        #[test]
        fn addresses_are_ordered_as_texts(one: u32, other: u32, shift in 0_u32..32, other_shift in 0_u32..32) {
            let (one, other) = (Address(one >> shift), Address(other >> other_shift));
            prop_assert_eq!(text_order(one).cmp(&text_order(other)), one.to_string().cmp(&other.to_string()));
        }
    }
}
