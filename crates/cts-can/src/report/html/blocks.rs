//! What the sections of a report are made of.

use super::prose::Prose;
use crate::report::plots::Drawing;

/// The most rows of a table; the files of the analysis have all of them.
pub const TABLE_ROWS_MAX: usize = 500;

/// What a remark means to the reader. Each is shown with a sign of its own besides its color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// What was hoped for.
    Good,
    /// Neither good nor bad.
    #[default]
    Plain,
    /// Something is missing or doubtful.
    Caution,
    /// Something is wrong.
    Bad,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Plain => "plain",
            Self::Caution => "caution",
            Self::Bad => "bad",
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Good => "\u{2713}",
            Self::Plain => "i",
            Self::Caution => "!",
            Self::Bad => "\u{2715}",
        }
    }

    /// Returns what the sign means, for those who cannot see it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::Plain => "Note",
            Self::Caution => "Warning",
            Self::Bad => "Problem",
        }
    }
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(Prose),
    /// A smaller heading.
    Heading(String),
    /// Sentences that are alike.
    List(Vec<Prose>),
    /// Key figures.
    Cards(Vec<Card>),
    /// Remarks, each with what to do.
    Notes(Vec<Note>),
    /// A table.
    Table(Table),
    /// A plot with its caption.
    Figure(Figure),
    /// Names and what they stand for.
    Definitions(Vec<(String, Prose)>),
    /// Files in the same directory.
    Files(Vec<FileLink>),
    /// More for those who want it, shown when its title is chosen; on paper only the title is.
    Details(String, Vec<Block>),
}

/// A key figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: String,
    /// Its unit, or nothing.
    pub unit: String,
    /// What it means, or nothing.
    pub hint: String,
}

/// A remark with what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// What it means to the reader.
    pub tone: Tone,
    /// What is the case.
    pub title: Prose,
    /// Why, and what can be done.
    pub text: Prose,
}

/// How the cells of a column are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Text that may have several lines.
    #[default]
    Text,
    /// Text that has to stay in one line.
    Short,
    /// Numbers, aligned at the right.
    Number,
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// How its cells are set.
    pub align: Align,
}

impl Column {
    /// Returns a column.
    #[must_use]
    pub fn new(heading: &str, align: Align) -> Self {
        Self { heading: heading.to_owned(), align }
    }
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text.
    Prose(Prose),
    /// A small plot.
    Drawing(Drawing),
}

impl<P: Into<Prose>> From<P> for Cell {
    fn from(prose: P) -> Self {
        Self::Prose(prose.into())
    }
}

/// A table; the first cell of a row is its heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it shows.
    pub caption: Prose,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, at most [`TABLE_ROWS_MAX`] of them are shown.
    pub rows: Vec<Vec<Cell>>,
    /// How many more rows there are that are not given here.
    pub more_rows: usize,
}

/// A plot with its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The plot.
    pub drawing: Drawing,
    /// What it shows.
    pub caption: Prose,
    /// How it is read, for those who have not seen one before.
    pub how_to_read: Prose,
}

/// A file in the same directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileLink {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub about: Prose,
}
