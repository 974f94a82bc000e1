//! The tables of what was measured: streams and bits.

use std::io;

use super::super::{BitPlace, CruiseResult, StreamCounts, Stretch, StretchCount};
use super::place_cells;
use super::sheet::{Cell, PLACE, Sheet};

pub(super) const COUNTS: &[&str] = &[
    "address_hex,bus,pre_count,window_count,post_count,delta,uniq_pre,uniq_window,uniq_post",
    "window,pre_s,window_s,post_s,pre_per_s,window_per_s,post_per_s,total_count,uniq_total,changes,message",
];

pub(super) const CANDIDATES: &[&str] = &[
    PLACE,
    "score,rises_set,falls_end,toggles,bus,kind,phi,windows_part,presses_part,high_s,engaged_s,high_engaged_s,seconds",
    "windows_hit,window_toggles,presses_hit,press_toggles,signal,evidence",
];

#[expect(clippy::cast_precision_loss, reason = "counts of frames are far below 2^53")]
fn per_second(frames: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { frames as f64 / seconds } else { 0.0 }
}

/// Frames of a stream before, in and after a window, with how long these are.
struct Counted<'a> {
    stream: &'a StreamCounts,
    window: Cell<'static>,
    parts: [(StretchCount, f64); 3],
}

impl Counted<'_> {
    fn rates(&self) -> [f64; 3] {
        self.parts.map(|(count, seconds)| per_second(count.frames, seconds))
    }

    /// Returns the rate in the window less the higher of the others.
    fn delta(&self) -> f64 {
        let [before, inside, after] = self.rates();
        inside - before.max(after)
    }

    fn row(&self, sheet: &mut Sheet<'_>) -> io::Result<()> {
        let Self { stream, window, parts } = self;
        let frames = parts.map(|(count, _)| Cell::Count(count.frames));
        let unique = parts.map(|(count, _)| Cell::Count(count.unique));
        let seconds = parts.map(|(_, seconds)| Cell::Number(seconds, 3));
        let rates = self.rates().map(|rate| Cell::Number(rate, 3));
        let first = [Cell::Text(stream.address.to_string().into()), Cell::Count(u64::from(stream.bus.0))];
        let last = [
            Cell::Count(stream.frames),
            Cell::Count(stream.unique),
            Cell::Count(stream.changes),
            Cell::optional(stream.message.as_deref()),
        ];
        let cells = first.into_iter().chain(frames).chain([Cell::Number(self.delta(), 3)]).chain(unique);
        sheet.row(cells.chain([window.clone()]).chain(seconds).chain(rates).chain(last))
    }
}

/// Writes the streams for each window, those whose rate rose most in it first; without windows each stream once.
pub(super) fn counts<'a>(result: &'a CruiseResult, sheet: &mut Sheet<'_>) -> io::Result<()> {
    if result.windows.is_empty() {
        let whole = Stretch { start: result.time.first, end: result.time.last }.seconds();
        for stream in &result.streams {
            let all = StretchCount { frames: stream.frames, unique: stream.unique };
            let none = (StretchCount::default(), 0.0);
            Counted { stream, window: Cell::Empty, parts: [(all, whole), none, none] }.row(sheet)?;
        }
    }
    for (index, window) in result.windows.iter().enumerate() {
        let seconds = [window.before, window.inside, window.after].map(|stretch| stretch.seconds());
        let counted = |stream: &'a StreamCounts| {
            let of = stream.windows[index];
            let counts = [of.before, of.inside, of.after];
            let parts = [0, 1, 2].map(|part: usize| (counts[part], seconds[part]));
            Counted { stream, window: Cell::Count(window.id as u64), parts }
        };
        let mut rows: Vec<Counted<'_>> = result.streams.iter().map(counted).collect();
        rows.sort_by(|a, b| b.delta().total_cmp(&a.delta()));
        rows.iter().try_for_each(|row| row.row(sheet))?;
    }
    Ok(())
}

/// Writes the candidates, the best ones first.
pub(super) fn candidates(result: &CruiseResult, sheet: &mut Sheet<'_>) -> io::Result<()> {
    for found in &result.candidates {
        let place = BitPlace { address: found.address, bus: found.bus, bit: Some(found.bit) };
        let cells = [
            Cell::Number(found.score, 1),
            Cell::Count(found.rises),
            Cell::Count(found.falls),
            Cell::Count(found.rises + found.falls),
            Cell::Count(u64::from(found.bus.0)),
            Cell::text(found.kind.word()),
            Cell::number(found.phi, 4),
            Cell::number(found.windows_part, 4),
            Cell::number(found.presses_part, 4),
            Cell::Number(found.high, 3),
            Cell::Number(found.engaged, 3),
            Cell::Number(found.high_engaged, 3),
            Cell::Number(found.seconds, 3),
            Cell::Count(found.windows_hit),
            Cell::Count(found.window_toggles),
            Cell::Count(found.presses_hit),
            Cell::Count(found.press_toggles),
            Cell::optional(found.signal.as_deref()),
            Cell::text(&found.evidence),
        ];
        sheet.row(place_cells(Some(place)).into_iter().chain(cells))?;
    }
    Ok(())
}
