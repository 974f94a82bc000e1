//! The files of the analysis: a table with CR LF for programs, and one with aligned columns for people.

use std::io::{self, Write};

use super::{BusSummary, CanSummary, StreamSummary};
use crate::fields::Field;
use crate::frame::format_name;
use crate::python::{cell, hex};

/// The columns of the table for programs.
const CSV_COLUMNS: &str = "bus,address,name,origin,format,frames,first_time,last_time,rate_hz,period_median_ms,\
    period_p95_ms,longest_gap_ms,longest_gap_start,late_frames,length_min,length_max,last_data_hex,changed_bits,\
    changed_mask,constant_bytes,counter_bits,checksum_bits,checksum";

/// The columns of the table for people.
const TEXT_COLUMNS: [&str; 13] = [
    "address",
    "name",
    "frames",
    "Hz",
    "median ms",
    "p95 ms",
    "gap ms",
    "gap at s",
    "bytes",
    "bits",
    "last payload",
    "changed bits",
    "fields",
];

/// The column of the names, which is there where a stream has one.
const NAME_COLUMN: usize = 1;

/// From this column on cells stand on the left again.
const FIRST_LEFT_COLUMN: usize = 10;

/// A payload of classic CAN has so many digits; what is longer moves its own row only.
const COLUMN_WIDTH_MAX: usize = 16;

/// The same for names.
const NAME_WIDTH_MAX: usize = 32;

/// Writes the table for programs.
pub(super) fn csv(summary: &CanSummary, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{CSV_COLUMNS}\r\n")?;
    for stream in &summary.streams {
        let StreamSummary { bus, address, frames, first_time, last_time, frames_late, .. } = stream;
        let gap = stream.longest_gap;
        let cells = [
            bus.to_string(),
            address.to_string(),
            stream.name.clone().unwrap_or_default(),
            stream.origin().name().to_owned(),
            format_name(*address, stream.is_fd()).to_owned(),
            frames.to_string(),
            format!("{first_time:.6}"),
            format!("{last_time:.6}"),
            optional(stream.rate_hz(), 3),
            optional(stream.period_median.map(milliseconds), 3),
            optional(stream.period_p95.map(milliseconds), 3),
            optional(gap.map(|gap| milliseconds(gap.seconds)), 3),
            optional(gap.map(|gap| gap.start), 6),
            frames_late.to_string(),
            stream.length_min.to_string(),
            stream.length_max.to_string(),
            hex(&stream.last_payload),
            stream.changed_bits().to_string(),
            hex(&stream.changed),
            ranges(stream.constant_bytes()),
            bits(stream.fields.iter().filter(|field| field.kind.is_counter())),
            bits(stream.fields.iter().filter(|field| !field.kind.is_counter())),
            checksum(&stream.fields),
        ];
        write!(out, "{}\r\n", cells.map(|text| cell(&text)).join(","))?;
    }
    Ok(())
}

/// Writes the table for people.
pub(super) fn text(summary: &CanSummary, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{} frames, {} streams", summary.frames(), summary.streams.len())?;
    if let Some((first, last)) = summary.span() {
        write!(out, ", {first:.3} s to {last:.3} s")?;
    }
    writeln!(out)?;
    if let Some(car) = &summary.car {
        writeln!(out, "car: {} {}", car.brand, car.fingerprint)?;
    }
    let rows: Vec<[String; 13]> = summary.streams.iter().map(text_cells).collect();
    let mut widths = TEXT_COLUMNS.map(str::len);
    for row in &rows {
        for (index, (width, cell)) in widths.iter_mut().zip(row).enumerate() {
            let width_max = if index == NAME_COLUMN { NAME_WIDTH_MAX } else { COLUMN_WIDTH_MAX };
            *width = (*width).max(cell.chars().count().min(width_max));
        }
    }
    if summary.streams.iter().all(|stream| stream.name.is_none()) {
        widths[NAME_COLUMN] = 0;
    }
    let mut rows = rows.iter();
    for bus in summary.buses() {
        writeln!(out, "\n{}", heading(&bus))?;
        write_row(out, &TEXT_COLUMNS, &widths)?;
        for row in rows.by_ref().take(bus.addresses) {
            write_row(out, row, &widths)?;
        }
    }
    Ok(())
}

fn heading(bus: &BusSummary) -> String {
    let BusSummary { bus, addresses, frames, .. } = bus;
    let (origin, physical) = (bus.origin().name(), bus.physical());
    let of = if physical == *bus { String::new() } else { format!(" on bus {physical}") };
    format!("bus {bus} ({origin}{of}): {frames} frames, {addresses} addresses")
}

fn write_row(out: &mut dyn Write, cells: &[impl AsRef<str>], widths: &[usize]) -> io::Result<()> {
    let mut line = String::new();
    for (index, (cell, &width)) in cells.iter().map(AsRef::as_ref).zip(widths).enumerate() {
        if index == NAME_COLUMN && width == 0 {
            continue;
        }
        let space = if index == 0 { "" } else { "  " };
        line.push_str(&match index {
            0 | NAME_COLUMN | FIRST_LEFT_COLUMN.. => format!("{space}{cell:<width$}"),
            _ => format!("{space}{cell:>width$}"),
        });
    }
    writeln!(out, "{}", line.trim_end())
}

fn text_cells(stream: &StreamSummary) -> [String; 13] {
    let gap = stream.longest_gap;
    let length = match (stream.length_min, stream.length_max) {
        (min, max) if min == max => max.to_string(),
        (min, max) => format!("{min}-{max}"),
    };
    [
        stream.address.to_string(),
        stream.name.clone().unwrap_or_default(),
        stream.frames.to_string(),
        optional(stream.rate_hz(), 2),
        optional(stream.period_median.map(milliseconds), 1),
        optional(stream.period_p95.map(milliseconds), 1),
        optional(gap.map(|gap| milliseconds(gap.seconds)), 1),
        optional(gap.map(|gap| gap.start), 3),
        length,
        stream.changed_bits().to_string(),
        hex(&stream.last_payload),
        hex(&stream.changed),
        stream.fields.iter().map(described).collect::<Vec<_>>().join(", "),
    ]
}

fn described(field: &Field) -> String {
    let kind = if field.kind.is_counter() { "counter" } else { "checksum" };
    format!("{kind} {}", bits([field].into_iter()))
}

fn milliseconds(seconds: f64) -> f64 {
    seconds * 1e3
}

fn optional(number: Option<f64>, decimals: usize) -> String {
    number.map(|number| format!("{number:.decimals$}")).unwrap_or_default()
}

fn checksum(fields: &[Field]) -> String {
    let checksums = fields.iter().filter(|field| !field.kind.is_counter());
    let names: Vec<String> =
        checksums.map(|field| field.kind.to_string().trim_start_matches("checksum: ").to_owned()).collect();
    names.join(" ")
}

/// Returns the bits of fields as `52-55 60-63`.
fn bits<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let texts: Vec<String> = fields.map(|field| range(field.first_bit, field.first_bit + field.bits - 1)).collect();
    texts.join(" ")
}

/// Returns ascending numbers as `0-2 5`.
fn ranges(numbers: impl Iterator<Item = usize>) -> String {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => found.push((number, number)),
        }
    }
    found.into_iter().map(|(first, last)| range(first, last)).collect::<Vec<_>>().join(" ")
}

fn range<N: PartialEq + std::fmt::Display>(first: N, last: N) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_are_a_range() {
        assert_eq!(ranges([0, 1, 2, 5, 7, 8].into_iter()), "0-2 5 7-8");
        assert_eq!(ranges(std::iter::empty()), "");
    }
}
