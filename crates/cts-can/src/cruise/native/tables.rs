//! The tables of an analysis, each as CSV or as JSON, and each for itself.
//!
//! A CSV has a line of column names, no comments, and ends its lines with CR LF. The JSON of a table is a list of
//! objects with the same names and values, one on each line. An empty cell is `null` there.

use std::io::{self, Write};

mod measured;
mod sheet;
mod told;

use super::CruiseResult;
use super::plan::{EngagedClock, lies_in};
use super::{BitPlace, Engaged, Stretch};
use crate::Error;
use crate::cars::SpeedUnit;
use crate::python::clock;
use sheet::{Cell, Sheet};

/// A table of what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CruiseTable {
    /// Frames and payloads of each stream before, in and after each window.
    CountsBySegment,
    /// The bits that are most likely to tell what the cruise control did.
    Candidates,
    /// Every edge of what was followed.
    Edges,
    /// Every stretch in which what was followed was on, and every window.
    Runs,
    /// What happened, in the order of time.
    Timeline,
    /// The times in which the car was engaged.
    EngagedIntervals,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Cells with commas between them, as RFC 4180 has it.
    Csv,
    /// A list of objects.
    Json,
}

impl CruiseTable {
    /// Every table, in the order in which they are written.
    pub const ALL: [Self; 6] =
        [Self::CountsBySegment, Self::Candidates, Self::Edges, Self::Runs, Self::Timeline, Self::EngagedIntervals];

    /// Returns the name of its file, without the ending.
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

    /// Returns the names of its columns.
    #[must_use]
    pub fn columns(self) -> Vec<&'static str> {
        let place = "address_hex,bit_global,byte_index,bit_lsb,bit_msb,label_lsb,label_msb";
        let columns = match self {
            Self::CountsBySegment => measured::COUNTS,
            Self::Candidates => measured::CANDIDATES,
            Self::Edges => told::EDGES,
            Self::Runs => told::RUNS,
            Self::Timeline => told::TIMELINE,
            Self::EngagedIntervals => told::ENGAGED,
        };
        columns.iter().flat_map(|column| if *column == sheet::PLACE { place } else { column }.split(',')).collect()
    }
}

impl TableFormat {
    /// Returns the ending of a file's name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

impl CruiseResult {
    /// Writes a table and returns how many rows it has.
    ///
    /// # Errors
    /// When the output does not take the bytes.
    pub fn write(&self, table: CruiseTable, format: TableFormat, out: &mut dyn Write) -> Result<u64, Error> {
        self.write_rows(table, format, out).map_err(Error::Write)
    }

    fn write_rows(&self, table: CruiseTable, format: TableFormat, out: &mut dyn Write) -> io::Result<u64> {
        let mut sheet = Sheet::begin(table.columns(), format, out)?;
        let view = View::new(self);
        match table {
            CruiseTable::CountsBySegment => measured::counts(self, &mut sheet),
            CruiseTable::Candidates => measured::candidates(self, &mut sheet),
            CruiseTable::Edges => told::edges(&view, &mut sheet),
            CruiseTable::Runs => told::runs(&view, &mut sheet),
            CruiseTable::Timeline => told::timeline(&view, &mut sheet),
            CruiseTable::EngagedIntervals => told::engaged(&view, &mut sheet),
        }?;
        sheet.end()
    }
}

/// A result with what rows ask of it again and again.
struct View<'a> {
    result: &'a CruiseResult,
    padded: &'a [Stretch],
    clock: EngagedClock,
}

impl<'a> View<'a> {
    fn new(result: &'a CruiseResult) -> Self {
        let runs = |engaged: &'a Engaged| (engaged.padded.as_slice(), engaged.runs.as_slice());
        let (padded, runs) = result.engaged.as_ref().map_or((&[][..], &[][..]), runs);
        Self { result, padded, clock: EngagedClock::new(runs) }
    }

    /// Returns whether the car was engaged at a moment, with the margin; none where nothing tells it.
    fn is_engaged(&self, time: f64) -> Option<bool> {
        self.result.engaged.as_ref().map(|_| lies_in(self.padded, time))
    }

    /// Returns whether a row of this moment is to be written.
    fn keeps(&self, time: f64) -> bool {
        !self.result.options.filters_engaged || self.is_engaged(time) != Some(false)
    }

    /// Returns whether a row of this stretch is to be written.
    fn keeps_stretch(&self, stretch: Stretch) -> bool {
        let overlaps = || self.padded.iter().any(|of| of.start <= stretch.end && stretch.start <= of.end);
        !self.result.options.filters_engaged || self.result.engaged.is_none() || overlaps()
    }

    /// Returns the first window that a moment lies in.
    fn window(&self, time: f64) -> Cell<'static> {
        let is_in = |of: &Stretch| of.start <= time && time <= of.end;
        let found = self.result.windows.iter().find(|window| is_in(&window.window));
        found.map_or(Cell::Empty, |window| Cell::Count(window.id as u64))
    }

    /// Returns a moment as seconds since the device booted.
    #[expect(clippy::cast_precision_loss, reason = "six decimals of 200 days are exact")]
    fn absolute(&self, time: f64) -> Cell<'static> {
        Cell::Number(self.result.time.zero_ns.map_or(0.0, |zero| zero as f64 / 1e9) + time, 6)
    }

    /// Returns the cells of a moment: absolute, after the begin of the log, and that as a clock shows it.
    fn moment(&self, time: f64) -> [Cell<'static>; 3] {
        [self.absolute(time), Cell::Number(time, 6), Cell::Text(clock(time).into())]
    }

    /// Returns the cells of the speed at a moment, in mph and km/h.
    fn speed(&self, time: f64) -> [Cell<'static>; 2] {
        match self.result.speed.at(time) {
            Some(mps) => speed_cells(mps),
            None => [Cell::Empty, Cell::Empty],
        }
    }
}

fn speed_cells(mps: f64) -> [Cell<'static>; 2] {
    [SpeedUnit::Mph, SpeedUnit::Kph].map(|unit| Cell::Number(unit.of_mps(mps), 2))
}

/// Returns the cells of a place, those of [`sheet::PLACE`].
fn place_cells(place: Option<BitPlace>) -> [Cell<'static>; 7] {
    let mut cells = [const { Cell::Empty }; 7];
    let Some(place) = place else { return cells };
    cells[0] = Cell::Text(place.address.to_string().into());
    let Some(bit) = place.bit else { return cells };
    let (byte, lsb) = (bit / 8, bit % 8);
    let msb = 7 - lsb;
    for (cell, number) in cells[1..5].iter_mut().zip([bit, byte, lsb, msb]) {
        *cell = Cell::Count(u64::from(number));
    }
    cells[5] = Cell::Text(format!("Byte{byte} bit{lsb} (LSB)").into());
    cells[6] = Cell::Text(format!("MSB B{byte}b{msb}").into());
    cells
}

fn bus_cell(place: Option<BitPlace>) -> Cell<'static> {
    place.map_or(Cell::Empty, |place| Cell::Count(u64::from(place.bus.0)))
}
