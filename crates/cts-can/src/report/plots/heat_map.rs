//! How often each bit of each message changed: a row for each bus and address, a column for each bit.
//!
//! The first eight bytes have a column for each bit, further bytes of CAN FD one for each byte. Colors go from few changes to
//! many in steps that the legend tells. Where the changes in marked windows are told apart, the upper half of a cell
//! stands for them and the lower half for all others. Counters and checksums are hatched, bits of interest framed.

use super::{Drawing, WIDTH, count_of, cut, grouped};
use crate::report::svg::{Path, Svg, rect};

/// The most rows that are drawn.
pub const ROWS_MAX: usize = 200;

/// Bits that have a column of their own.
const BITS: usize = 64;

/// Bytes that a frame of CAN FD has at most.
const BYTES_MAX: usize = 64;

/// How many steps of color there are.
const LEVELS: usize = 8;

const LEFT: f64 = 250.0;
const RIGHT: f64 = WIDTH - 18.0;
const TOP: f64 = 62.0;
const ROW_HEIGHT: f64 = 16.0;
const CELL_HEIGHT: f64 = 13.0;
const LEGEND_HEIGHT: f64 = 34.0;

/// Bits that belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BitSpan<'a> {
    /// The first bit, 8 × byte + bit, where bit 0 is the least significant one of its byte.
    pub first_bit: u16,
    /// How many bits.
    pub bits: u16,
    /// What they are.
    pub name: &'a str,
}

/// One message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatRow<'a> {
    /// The bus.
    pub bus: u8,
    /// The address as it is written in the report.
    pub address: &'a str,
    /// What the message is called, or nothing.
    pub name: &'a str,
    /// How often each bit changed in the whole log; as many bits as the message has.
    pub changes: &'a [u64],
    /// How often each bit changed in marked windows; empty where there are none.
    pub changes_in_windows: &'a [u64],
    /// Counters and checksums.
    pub fields: &'a [BitSpan<'a>],
    /// Bits that are framed.
    pub framed: &'a [u16],
}

/// How often each bit of each message changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatMap<'a> {
    /// The messages, most interesting first.
    pub rows: &'a [HeatRow<'a>],
    /// The most rows that are drawn, up to [`ROWS_MAX`].
    pub rows_max: usize,
    /// How many more messages there are that have no row.
    pub more_rows: usize,
    /// Whether changes in marked windows are told apart from others.
    pub is_split: bool,
}

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    bytes: usize,
    /// Width of the column of a bit; that of a byte is half of it.
    width: f64,
}

impl Columns {
    fn new(rows: &[HeatRow<'_>]) -> Self {
        let bits = rows.iter().map(|row| row.changes.len().min(BYTES_MAX * 8)).max().unwrap_or(0);
        let bytes = bits.div_ceil(8).max(8);
        let width = (RIGHT - LEFT) / (number(BITS) + number(bytes - 8) / 2.0);
        // Whole tenths of a pixel keep all columns equally wide.
        Self { bytes, width: (width * 5.0).floor() / 5.0 }
    }

    fn count(&self) -> usize {
        BITS + self.bytes - 8
    }

    fn left(&self, column: usize) -> f64 {
        LEFT + (number(column.min(BITS)) + number(column.saturating_sub(BITS)) / 2.0) * self.width
    }

    /// Returns the column of a bit.
    fn of(bit: usize) -> usize {
        if bit < BITS { bit } else { BITS + bit / 8 - 8 }
    }
}

/// From which number of changes on each step of color begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Levels([u64; LEVELS]);

impl Levels {
    fn new(highest: u64) -> Self {
        let fine = [1, 2, 5, 10, 20, 50, 100, 200];
        let middle = [1, 3, 10, 30, 100, 300, 1000, 3000];
        let coarse = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];
        Self(if highest < 500 {
            fine
        } else if highest < 10_000 {
            middle
        } else {
            coarse
        })
    }

    /// Returns the step of a number of changes, from 1; 0 for none.
    fn of(&self, changes: u64) -> usize {
        self.0.iter().take_while(|from| **from <= changes).count()
    }

    fn legend(&self, level: usize) -> String {
        let from = self.0[level];
        match self.0.get(level + 1) {
            Some(next) if *next == from + 1 => grouped(from),
            Some(next) => format!("{}\u{2013}{}", grouped(from), grouped(next - 1)),
            None => format!("{}+", grouped(from)),
        }
    }
}

impl HeatMap<'_> {
    /// Draws the plot; `id` is a name of its own in the page.
    #[must_use]
    pub fn draw(&self, id: &str) -> Drawing {
        let rows = &self.rows[..self.rows.len().min(self.rows_max.min(ROWS_MAX))];
        let more = self.rows.len() - rows.len() + self.more_rows;
        let mut notes = Vec::new();
        if more > 0 {
            notes.push(format!("{} with lower scores are not drawn.", count_of(more, "more message")));
        }
        let columns = Columns::new(rows);
        if columns.bytes > 8 {
            notes.push("From byte 8 on a column stands for a whole byte, with the sum of its bits.".to_owned());
        }
        let highest = rows.iter().flat_map(|row| cells(row.changes)).max().unwrap_or(0);
        let levels = Levels::new(highest);
        let used = levels.of(highest);
        let bottom = TOP + number(rows.len()) * ROW_HEIGHT;
        let legend_rows = if self.is_split { 2.0 } else { 1.0 };
        let size = (WIDTH, bottom + 18.0 + legend_rows * LEGEND_HEIGHT);
        let description = format!(
            "{} as rows, their bits as columns; the most changes of a column are {}. The tables of the report have the figures.",
            count_of(rows.len(), "message"),
            grouped(highest),
        );
        let mut svg = Svg::figure(id, size, "Changes of each bit of each message", &description);
        let hatch = format!("{id}-hatch");
        draw_hatch(&mut svg, &hatch);
        draw_head(&mut svg, columns);
        let mut cells = CellPaths::default();
        let mut frames = Path::default();
        let mut hatched = Path::default();
        let mut top = TOP;
        for row in rows {
            draw_label(&mut svg, row, columns, top);
            self.add_cells(&mut cells, row, columns, levels, top);
            for field in row.fields {
                add_span(&mut hatched, columns, usize::from(field.first_bit), usize::from(field.bits), top);
            }
            for bit in row.framed {
                add_span(&mut frames, columns, usize::from(*bit), 1, top);
            }
            top += ROW_HEIGHT;
        }
        svg.path("cell none", &cells.none.0);
        for level in 0..LEVELS {
            svg.path(&format!("cell all{}", level + 1), &cells.all[level].0);
            svg.path(&format!("cell in{}", level + 1), &cells.inside[level].0);
        }
        draw_separators(&mut svg, columns, bottom);
        if !hatched.is_empty() {
            // What counts and checks frames steps back behind what a user may have done.
            svg.path("veil", &hatched);
            svg.shape(
                "path",
                &[
                    ("class", "hatch".into()),
                    ("fill", format!("url(#{hatch})").as_str().into()),
                    ("d", hatched.commands().into()),
                ],
            );
        }
        svg.path("frame", &frames);
        for (index, row) in rows.iter().enumerate() {
            let area = rect("hit", (0.0, TOP + number(index) * ROW_HEIGHT), (RIGHT, ROW_HEIGHT));
            svg.titled_shape("rect", &area, &row_title(row));
        }
        self.draw_legend(&mut svg, levels, used, bottom + 18.0, &hatch);
        Drawing { svg: svg.finish(), notes }
    }

    fn add_cells(&self, paths: &mut CellPaths, row: &HeatRow<'_>, columns: Columns, levels: Levels, top: f64) {
        let all = cells(row.changes);
        paths.none.add(columns, (0, all.len()), top, CELL_HEIGHT);
        if !self.is_split {
            add_runs(&mut paths.all, columns, &all, levels, (top, CELL_HEIGHT));
            return;
        }
        let mut inside = cells(row.changes_in_windows);
        inside.resize(all.len(), 0);
        let outside: Vec<u64> = all.iter().zip(&inside).map(|(all, inside)| all.saturating_sub(*inside)).collect();
        let half = CELL_HEIGHT / 2.0;
        add_runs(&mut paths.inside, columns, &inside, levels, (top, half));
        add_runs(&mut paths.all, columns, &outside, levels, (top + half, half));
    }

    fn draw_legend(&self, svg: &mut Svg, levels: Levels, used: usize, top: f64, hatch: &str) {
        let ramps: &[(&str, &str)] = if self.is_split {
            &[("in", "in windows, upper half"), ("all", "outside, lower half")]
        } else {
            &[("all", "changes")]
        };
        let mut middle = top + 8.0;
        for (ramp, name) in ramps {
            svg.text("tick end", (LEFT - 8.0, middle + 4.0), name);
            let mut left = LEFT;
            svg.rect("cell none", (left, middle - 7.0), (14.0, 14.0));
            svg.text("tick", (left + 19.0, middle + 4.0), "none");
            left += 62.0;
            for level in 0..used.max(1) {
                let text = levels.legend(level);
                svg.rect(&format!("cell {ramp}{}", level + 1), (left, middle - 7.0), (14.0, 14.0));
                svg.text("tick", (left + 19.0, middle + 4.0), &text);
                left += 32.0 + 6.8 * number(text.chars().count());
            }
            middle += 24.0;
        }
        let fill = format!("url(#{hatch})");
        svg.rect("cell none", (LEFT, middle - 7.0), (14.0, 14.0));
        svg.shape(
            "rect",
            &[
                ("fill", fill.as_str().into()),
                ("x", LEFT.into()),
                ("y", (middle - 7.0).into()),
                ("width", 14.0.into()),
                ("height", 14.0.into()),
            ],
        );
        svg.text("tick", (LEFT + 19.0, middle + 4.0), "counter or checksum");
        svg.rect("frame", (LEFT + 165.0, middle - 7.0), (14.0, 14.0));
        svg.text("tick", (LEFT + 184.0, middle + 4.0), "candidate");
    }
}

/// The cells of each step of color, and those behind them.
#[derive(Debug, Default)]
struct CellPaths {
    none: CellPath,
    all: [CellPath; LEVELS],
    inside: [CellPath; LEVELS],
}

#[derive(Debug, Default)]
struct CellPath(Path);

impl CellPath {
    /// Adds columns from the first up to before the second as one block.
    fn add(&mut self, columns: Columns, (from, to): (usize, usize), top: f64, height: f64) {
        if from == to {
            return;
        }
        let (left, right) = (columns.left(from), columns.left(to));
        self.0.move_to(left, top);
        self.0.line_to(right, top);
        self.0.line_to(right, top + height);
        self.0.line_to(left, top + height);
    }
}

/// Adds neighbors of one step of color as one block each.
fn add_runs(
    paths: &mut [CellPath; LEVELS],
    columns: Columns,
    cells: &[u64],
    levels: Levels,
    (top, height): (f64, f64),
) {
    let mut from = 0;
    for run in cells.chunk_by(|a, b| levels.of(*a) == levels.of(*b)) {
        let level = levels.of(run[0]);
        if level > 0 {
            paths[level - 1].add(columns, (from, from + run.len()), top, height);
        }
        from += run.len();
    }
}

/// Returns the changes of each column: of each bit, and from byte 8 on of each byte.
fn cells(changes: &[u64]) -> Vec<u64> {
    let changes = &changes[..changes.len().min(BYTES_MAX * 8)];
    let (bits, bytes) = changes.split_at(changes.len().min(BITS));
    let sums = bytes.chunks(8).map(|byte| byte.iter().fold(0, |sum: u64, changes| sum.saturating_add(*changes)));
    bits.iter().copied().chain(sums).collect()
}

fn add_span(path: &mut Path, columns: Columns, first: usize, bits: usize, top: f64) {
    let last = (first + bits.max(1) - 1).min(columns.bytes * 8 - 1);
    if first > last {
        return;
    }
    let (left, right) = (columns.left(Columns::of(first)), columns.left(Columns::of(last) + 1));
    path.move_to(left, top);
    path.line_to(right, top);
    path.line_to(right, top + CELL_HEIGHT);
    path.line_to(left, top + CELL_HEIGHT);
    path.close();
}

fn draw_hatch(svg: &mut Svg, id: &str) {
    svg.open("defs", &[]);
    svg.open(
        "pattern",
        &[
            ("id", id.into()),
            ("width", 5.0.into()),
            ("height", 5.0.into()),
            ("patternUnits", "userSpaceOnUse".into()),
            ("patternTransform", "rotate(45)".into()),
        ],
    );
    svg.rect("hatch-line", (0.0, 0.0), (1.6, 5.0));
    svg.close();
    svg.close();
}

fn draw_head(svg: &mut Svg, columns: Columns) {
    svg.text("small end", (28.0, TOP - 8.0), "bus");
    svg.text("small", (36.0, TOP - 8.0), "message");
    svg.text("name end", (LEFT - 8.0, TOP - 26.0), "byte");
    svg.text("name end", (LEFT - 8.0, TOP - 8.0), "bit");
    for byte in 0..8 {
        svg.text("tick middle", (columns.left(byte * 8 + 4), TOP - 26.0), &byte.to_string());
        svg.text("small middle", (columns.left(byte * 8) + columns.width / 2.0, TOP - 8.0), &(byte * 8).to_string());
    }
    for byte in (8..columns.bytes).step_by(8) {
        svg.text("tick middle", (columns.left(BITS + byte - 8) + columns.width / 2.0, TOP - 26.0), &byte.to_string());
    }
}

fn draw_label(svg: &mut Svg, row: &HeatRow<'_>, columns: Columns, top: f64) {
    let base = top + CELL_HEIGHT - 2.5;
    let (name_left, name_characters) = if row.address.len() > 6 { (118.0, 18) } else { (86.0, 23) };
    svg.text("small end", (28.0, base), &row.bus.to_string());
    svg.text("code", (36.0, base), &cut(row.address, 11));
    svg.text("tick", (name_left, base), &cut(row.name, name_characters));
    let end = Columns::of((row.changes.len().min(BYTES_MAX * 8)).saturating_sub(1)) + 1;
    if !row.changes.is_empty() && end < columns.count() {
        let mut rail = Path::default();
        rail.line(
            (columns.left(end), top + CELL_HEIGHT / 2.0),
            (columns.left(columns.count()), top + CELL_HEIGHT / 2.0),
        );
        svg.path("rail", &rail);
    }
}

/// Draws lines between the columns, wider ones between bytes.
fn draw_separators(svg: &mut Svg, columns: Columns, bottom: f64) {
    let (mut thin, mut wide) = (Path::default(), Path::default());
    for column in 0..=columns.count() {
        let left = columns.left(column);
        let path = if column % 8 == 0 && column <= BITS { &mut wide } else { &mut thin };
        path.line((left, TOP), (left, bottom));
    }
    svg.path("thin", &thin);
    svg.path("wide", &wide);
}

/// Returns what a row says when it is pointed at.
fn row_title(row: &HeatRow<'_>) -> String {
    const BITS_TOLD: usize = 6;
    let mut bits: Vec<(usize, u64)> =
        row.changes.iter().copied().enumerate().filter(|(_, changes)| *changes > 0).collect();
    bits.sort_by_key(|(bit, changes)| (std::cmp::Reverse(*changes), *bit));
    let mut title = format!("Bus {}, {} {}: ", row.bus, row.address, cut(row.name, 60));
    if bits.is_empty() {
        title.push_str("no bit changed");
    }
    for (index, (bit, changes)) in bits.iter().take(BITS_TOLD).enumerate() {
        let inside = row.changes_in_windows.get(*bit).filter(|inside| **inside > 0);
        let inside = inside.map_or(String::new(), |inside| format!(" ({} in windows)", grouped(*inside)));
        let comma = if index > 0 { ", " } else { "" };
        title.push_str(&format!("{comma}bit {bit} {}{inside}", grouped(*changes)));
    }
    if bits.len() > BITS_TOLD {
        title.push_str(&format!(" and {} more", bits.len() - BITS_TOLD));
    }
    for field in row.fields.iter().take(BITS_TOLD) {
        let last = field.first_bit.saturating_add(field.bits.max(1) - 1);
        title.push_str(&format!("; bits {} to {last}: {}", field.first_bit, cut(field.name, 60)));
    }
    title
}

#[expect(clippy::cast_precision_loss, reason = "rows and columns are few")]
fn number(count: usize) -> f64 {
    count as f64
}
