//! Tables without lines, as wide as they need and no wider than the terminal.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table as Comfy, presets,
};

use super::text::clean;

/// A table that grows row by row.
pub(crate) struct Table {
    inner: Comfy,
    wholes: Vec<usize>,
}

/// The sense of a cell, which gives it a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Well.
    Good,
    /// Not well.
    Bad,
    /// Under way, or to be looked at.
    Notable,
    /// Less important.
    Quiet,
}

/// Returns a cell of a text from anywhere.
pub(crate) fn cell(text: impl AsRef<str>) -> Cell {
    // Several lines stay several lines.
    let lines: Vec<_> = text.as_ref().split('\n').map(|line| clean(line).replace('\t', " ")).collect();
    Cell::new_owned(lines.join("\n"))
}

/// Returns a cell in a tone.
pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Cell {
    let cell = cell(text);
    match tone {
        Tone::Good => cell.fg(Color::Green),
        Tone::Bad => cell.fg(Color::Red),
        Tone::Notable => cell.fg(Color::Yellow),
        Tone::Quiet => cell.add_attribute(Attribute::Dim),
    }
}

/// Returns a cell whose text stands at its right end.
pub(crate) fn right(text: impl AsRef<str>) -> Cell {
    cell(text).set_alignment(CellAlignment::Right)
}

impl Table {
    /// Returns a table with its header; `width` is that of the terminal.
    pub(crate) fn new(header: &[&str], width: u16) -> Self {
        let mut inner = Comfy::new();
        inner.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        inner.set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
        inner.enforce_styling();
        Self { inner, wholes: Vec::new() }
    }

    /// Says that a column holds ids, which are copied and so never broken.
    pub(crate) fn whole(mut self, column: usize) -> Self {
        self.wholes.push(column);
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.inner.add_row(cells);
    }

    /// Returns the text, each line with its end.
    pub(crate) fn text(mut self) -> String {
        for column in self.inner.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for column in self.wholes {
            if let Some(column) = self.inner.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let mut text = String::new();
        for line in self.inner.lines() {
            text.push_str(trimmed(&line));
            text.push('\n');
        }
        text
    }
}

fn trimmed(line: &str) -> &str {
    line.trim_end()
}
