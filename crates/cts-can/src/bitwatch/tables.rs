//! The files of the analysis: tables with CR LF, and JSON with two spaces of indent and no line end at its end.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::compat::{self, Edge};
use super::streams::{Stream, Streams};
use super::watch::msb_name;
use super::{BitwatchOptions, Table, native};
use crate::python::{Durations, cell, clamped_clock, clock, hex, repr, rounded};
use crate::segments::Segment;

/// Writes a table of the compat mode.
pub(super) fn compat(
    found: &compat::Found,
    streams: &Streams,
    _: &BitwatchOptions,
    table: Table,
    out: &mut dyn Write,
) -> io::Result<()> {
    let address = |stream: usize| streams.all()[stream].address;
    match table {
        Table::Counts => {
            write!(out, "address,pre,window,post,delta\r\n")?;
            for index in streams.sorted() {
                let Stream { address, frames: [pre, window, post], .. } = &streams.all()[index];
                let delta = i128::from(*window) - i128::from(*pre.max(post));
                write!(out, "{address},{pre},{window},{post},{delta}\r\n")?;
            }
        }
        Table::PerAddress => {
            let all = streams.all();
            let entry = |stream: &Stream| (stream.address.to_string(), payloads(stream, &stream.segments, 2));
            out.write_all(object(all.iter().map(entry), 0).as_bytes())?;
        }
        Table::BitEdges => {
            write!(out, "address,byte,msb_bit,lsb_bit,global_idx,timestamp,rel,edge,segment\r\n")?;
            for edge in &found.edges {
                let relative = clamped_clock(edge.time - found.window_start);
                write!(out, "{},{}\r\n", address(usize::from(edge.stream)), edge_cells(edge, &relative))?;
            }
        }
        Table::Candidates => {
            write!(out, "address,global_idx,toggles\r\n")?;
            for candidate in &found.candidates {
                write!(out, "{},{},{}\r\n", address(candidate.stream), candidate.bit, candidate.toggles)?;
            }
        }
        Table::Pulses => {
            write!(out, "address,global_idx,pulses,valid_three_2s\r\n")?;
            let (mut pulses, mut text) = (found.pulses(), Durations::default());
            for candidate in &found.candidates {
                text.clear();
                pulses.each(candidate, |pulse| text.push(pulse));
                write!(out, "{},{},", address(candidate.stream), candidate.bit)?;
                text.write_cell(out)?;
                write!(out, ",{}\r\n", truth(candidate.is_valid))?;
            }
        }
        Table::Fields => {}
    }
    Ok(())
}

/// Writes a table of the native mode.
pub(super) fn native(
    found: &native::Found,
    streams: &Streams,
    options: &BitwatchOptions,
    table: Table,
    out: &mut dyn Write,
) -> io::Result<()> {
    match table {
        Table::Counts => native_counts(found, streams, out),
        Table::PerAddress => out.write_all(native_payloads(streams).as_bytes()),
        Table::BitEdges => {
            write!(out, "address,bus,byte,msb_bit,lsb_bit,global_idx,timestamp,rel,edge,segment\r\n")?;
            for edge in &found.edges {
                let Stream { address, bus, .. } = &streams.all()[usize::from(edge.stream)];
                let relative = clock(edge.time - origin(found, edge.time));
                write!(out, "{address},{bus},{}\r\n", edge_cells(edge, &relative))?;
            }
            Ok(())
        }
        Table::Candidates => {
            write!(out, "address,bus,global_idx,toggles,bit,first_toggle,windows,score,evidence\r\n")?;
            for found in &found.candidates {
                write!(
                    out,
                    "{},{},{},{},{},{},{},{:.1},{}\r\n",
                    found.address,
                    found.bus,
                    found.bit,
                    found.toggles,
                    msb_name(found.bit),
                    repr(found.first_time),
                    found.pulses.len(),
                    found.score,
                    cell(&found.evidence(&options.pattern))
                )?;
            }
            Ok(())
        }
        Table::Pulses => {
            let pattern = options.pattern;
            write!(
                out,
                "address,bus,global_idx,pulses,valid_three_2s,pattern,active,window,pulse_count,unfinished\r\n"
            )?;
            for found in &found.candidates {
                for window in &found.pulses {
                    write!(out, "{},{},{},", found.address, found.bus, found.bit)?;
                    Durations::of(&window.pulses).write_cell(out)?;
                    write!(
                        out,
                        ",{},{pattern},{},{},{},{}\r\n",
                        truth(window.shows_pattern),
                        if window.is_active_high { "high" } else { "low" },
                        window.window,
                        window.pulse_count,
                        truth(window.is_unfinished)
                    )?;
                }
            }
            Ok(())
        }
        Table::Fields => {
            write!(out, "address,bus,kind,first_bit,bits,sure,observed\r\n")?;
            for field in &found.fields {
                write!(
                    out,
                    "{},{},{},{},{},{:.3},{}\r\n",
                    field.address, field.bus, field.kind, field.first_bit, field.bits, field.sure, field.observed
                )?;
            }
            Ok(())
        }
    }
}

fn truth(is_true: bool) -> &'static str {
    if is_true { "True" } else { "False" }
}

/// Returns the cells of an edge behind its address and bus.
fn edge_cells(edge: &Edge, relative: &str) -> String {
    let (byte, lsb) = (edge.bit / 8, edge.bit % 8);
    let change = if edge.is_rise { "0->1" } else { "1->0" };
    format!("{byte},{},{lsb},{},{},{relative},{change},{}", 7 - lsb, edge.bit, repr(edge.time), edge.segment.name())
}

/// Returns where the clock of a moment begins: at the last window that began before it, else at the first one.
fn origin(found: &native::Found, time: f64) -> f64 {
    if let Some(origin) = found.origin {
        return origin;
    }
    let begun = found.windows.iter().rev().find(|window| window.start <= time);
    begun.or(found.windows.first()).map_or(found.first_time, |window| window.start)
}

#[expect(clippy::cast_precision_loss, reason = "counts of frames are far below 2^53")]
fn native_counts(found: &native::Found, streams: &Streams, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "address,bus,pre,window,post,delta,pre_per_s,window_per_s,post_per_s\r\n")?;
    for index in streams.sorted() {
        let Stream { address, bus, frames, .. } = &streams.all()[index];
        let [pre, window, post] = frames;
        let mut rates = [0.0; 3];
        for (rate, (count, seconds)) in rates.iter_mut().zip(frames.iter().zip(found.seconds)) {
            *rate = if seconds > 0.0 { *count as f64 / seconds } else { 0.0 };
        }
        let delta = rates[1] - rates[0].max(rates[2]);
        let [delta, pre_rate, window_rate, post_rate] = [delta, rates[0], rates[1], rates[2]].map(rounded);
        write!(out, "{address},{bus},{pre},{window},{post},{delta},{pre_rate},{window_rate},{post_rate}\r\n")?;
    }
    Ok(())
}

/// Returns the payloads by address, bus and stretch.
fn native_payloads(streams: &Streams) -> String {
    let order = streams.sorted();
    let all = streams.all();
    let by_address = order.chunk_by(|a, b| all[*a].address == all[*b].address).map(|buses| {
        let bus = |index: &usize| {
            let stream = &all[*index];
            let mut segments = stream.segments.clone();
            segments.sort();
            (stream.bus.to_string(), payloads(stream, &segments, 4))
        };
        (all[buses[0]].address.to_string(), object(buses.iter().map(bus), 2))
    });
    object(by_address, 0)
}

fn payloads(stream: &Stream, segments: &[Segment], indent: usize) -> String {
    let entry = |segment: &Segment| {
        let inner = " ".repeat(indent + 4);
        let mut text = format!("{{\n{inner}\"unique_payloads\": {},\n", stream.payloads.unique(*segment));
        let _ = write!(text, "{inner}\"top_payloads\": [");
        for (index, top) in stream.payloads.top(*segment).iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let bytes = hex(&top.bytes);
            let _ = write!(text, "{comma}\n{inner}  [\n{inner}    \"{bytes}\",\n{inner}    {}\n{inner}  ]", top.count);
        }
        let _ = write!(text, "\n{inner}]\n{}}}", " ".repeat(indent + 2));
        (segment.name().to_owned(), text)
    };
    object(segments.iter().map(entry), indent)
}

/// Returns a JSON object; its keys need no escapes, its values are JSON with the indent of their place.
fn object(entries: impl Iterator<Item = (String, String)>, indent: usize) -> String {
    let mut text = String::from("{");
    let mut is_empty = true;
    for (key, value) in entries {
        let comma = if is_empty { "" } else { "," };
        is_empty = false;
        let _ = write!(text, "{comma}\n{}\"{key}\": {value}", " ".repeat(indent + 2));
    }
    if !is_empty {
        let _ = write!(text, "\n{}", " ".repeat(indent));
    }
    text.push('}');
    text
}
