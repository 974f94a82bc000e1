//! A page of HTML around text, tables and plots.
//!
//! The page is also well-formed XML. It forbids itself scripts and anything from elsewhere, has its style inside, and is
//! made for light and dark screens, for phones and for paper. All texts are escaped where they are written.

use std::fmt::Write as _;

mod blocks;
mod prose;

pub use blocks::{Align, Block, Card, Cell, Column, Figure, FileLink, Note, TABLE_ROWS_MAX, Table, Tone};
pub use prose::Prose;

use super::escape::{id_of, push_escaped, push_relative_target};
use super::plots::{count_of, grouped};

/// The style of the page.
const STYLE: &str = include_str!("html/style.css");

/// What a page may load and run: nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A whole report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Which tool made it.
    pub tool: String,
    /// What it is about.
    pub title: String,
    /// What was looked at: names and values.
    pub facts: Vec<(String, Prose)>,
    /// What was found.
    pub verdict: Verdict,
    /// The key figures.
    pub cards: Vec<Card>,
    /// The parts, in the order of the table of contents.
    pub sections: Vec<Section>,
    /// What made the page and under which terms it may be read.
    pub footer: Prose,
}

/// What was found, in a few sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What it means to the reader.
    pub tone: Tone,
    /// The shortest form of it.
    pub title: String,
    /// The findings, one sentence or two each.
    pub findings: Vec<Prose>,
}

/// A part of a page, with a heading of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading; the section's address in the page is made of it.
    pub heading: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

impl Section {
    /// Returns a section.
    #[must_use]
    pub fn new(heading: &str, blocks: Vec<Block>) -> Self {
        Self { heading: heading.to_owned(), blocks }
    }
}

impl Page {
    /// Returns the page as HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut writer = Writer { out: String::with_capacity(64 * 1024), figures: 0, tables: 0 };
        writer.page(self);
        writer.out
    }
}

/// Writes the parts of a page.
struct Writer {
    out: String,
    /// How many figures were written, for their numbers.
    figures: usize,
    /// How many tables were written, for the names of their captions.
    tables: usize,
}

impl Writer {
    /// Appends markup that is known to be markup.
    fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    fn text(&mut self, text: &str) {
        push_escaped(&mut self.out, text);
    }

    /// Appends an element that holds text only.
    fn element(&mut self, open: &'static str, text: &str, close: &'static str) {
        self.raw(open);
        self.text(text);
        self.raw(close);
    }

    fn page(&mut self, page: &Page) {
        self.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>");
        self.element("<meta http-equiv=\"Content-Security-Policy\" content=\"", POLICY, "\"/>");
        self.raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>");
        self.raw(
            "<meta name=\"color-scheme\" content=\"light dark\"/><meta name=\"referrer\" content=\"no-referrer\"/>",
        );
        self.element("<title>", &page.title, "</title>");
        self.raw("<style>\n");
        self.raw(STYLE);
        self.raw("</style></head>\n<body><header class=\"wide top\">");
        self.element("<p class=\"eyebrow\">", &page.tool, "</p>");
        self.element("<h1>", &page.title, "</h1>");
        if !page.facts.is_empty() {
            self.raw("<dl class=\"facts\">");
            for (name, value) in &page.facts {
                self.element("<div><dt>", name, "</dt>");
                self.raw("<dd>");
                self.raw(value.as_markup());
                self.raw("</dd></div>");
            }
            self.raw("</dl>");
        }
        self.raw("</header>\n<main class=\"wide\">");
        self.verdict(&page.verdict);
        self.cards(&page.cards);
        self.contents(&page.sections);
        for section in &page.sections {
            self.section(section);
        }
        self.raw("\n</main>\n<footer class=\"wide\"><p>");
        self.raw(page.footer.as_markup());
        self.raw("</p></footer></body></html>\n");
    }

    fn verdict(&mut self, verdict: &Verdict) {
        if verdict.title.is_empty() && verdict.findings.is_empty() {
            return;
        }
        let _ = write!(self.out, "<div class=\"verdict {}\"><h2>", verdict.tone.class());
        self.sign(verdict.tone);
        self.element("<span>", &verdict.title, "</span></h2>");
        match &verdict.findings[..] {
            [] => {}
            [finding] => self.paragraph(finding),
            findings => self.list(findings),
        }
        self.raw("</div>");
    }

    fn sign(&mut self, tone: Tone) {
        let (word, sign) = (tone.word(), tone.sign());
        let _ = write!(self.out, "<span class=\"mark\" role=\"img\" aria-label=\"{word}\">{sign}</span>");
    }

    fn contents(&mut self, sections: &[Section]) {
        if sections.len() < 2 {
            return;
        }
        self.raw("\n<nav aria-label=\"Contents\"><ol>");
        for section in sections {
            let _ = write!(self.out, "<li><a href=\"#{}\">", id_of(&section.heading));
            self.text(&section.heading);
            self.raw("</a></li>");
        }
        self.raw("</ol></nav>");
    }

    fn section(&mut self, section: &Section) {
        let id = id_of(&section.heading);
        let _ = write!(self.out, "\n<section id=\"{id}\" aria-labelledby=\"{id}-heading\"><h2 id=\"{id}-heading\">");
        self.text(&section.heading);
        self.raw("</h2>");
        for block in &section.blocks {
            self.block(block);
        }
        self.raw("</section>");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Text(prose) => self.paragraph(prose),
            Block::Heading(text) => self.element("<h3>", text, "</h3>"),
            Block::List(items) => self.list(items),
            Block::Cards(cards) => self.cards(cards),
            Block::Notes(notes) => notes.iter().for_each(|note| self.note(note)),
            Block::Table(table) => self.table(table),
            Block::Figure(figure) => self.figure(figure),
            Block::Definitions(definitions) => self.definitions(definitions),
            Block::Files(files) => self.files(files),
            Block::Details(title, blocks) => {
                self.element("<details><summary>", title, "</summary>");
                blocks.iter().for_each(|block| self.block(block));
                self.raw("</details>");
            }
        }
    }

    fn paragraph(&mut self, prose: &Prose) {
        self.raw("<p>");
        self.raw(prose.as_markup());
        self.raw("</p>");
    }

    fn list(&mut self, items: &[Prose]) {
        self.raw("<ul>");
        for item in items {
            self.raw("<li>");
            self.raw(item.as_markup());
            self.raw("</li>");
        }
        self.raw("</ul>");
    }

    fn cards(&mut self, cards: &[Card]) {
        if cards.is_empty() {
            return;
        }
        self.raw("<div class=\"cards\">");
        for card in cards {
            self.element("<div class=\"card\"><div class=\"label\">", &card.label, "</div>");
            self.element("<div class=\"value\">", &card.value, "");
            if !card.unit.is_empty() {
                self.element(" <span class=\"unit\">", &card.unit, "</span>");
            }
            self.raw("</div>");
            if !card.hint.is_empty() {
                self.element("<div class=\"hint\">", &card.hint, "</div>");
            }
            self.raw("</div>");
        }
        self.raw("</div>");
    }

    fn note(&mut self, note: &Note) {
        let _ = write!(self.out, "<div class=\"note {}\" role=\"note\">", note.tone.class());
        self.sign(note.tone);
        self.raw("<div><b>");
        self.raw(note.title.as_markup());
        self.raw("</b>");
        self.paragraph(&note.text);
        self.raw("</div></div>");
    }

    fn table(&mut self, table: &Table) {
        self.tables += 1;
        let id = format!("table-{}", self.tables);
        // A caption of its own kind would be as narrow as its table.
        let label = if table.caption == Prose::default() {
            format!("aria-label=\"Table {}\"", self.tables)
        } else {
            let _ = write!(self.out, "<p class=\"caption\" id=\"{id}\">{}</p>", table.caption.as_markup());
            format!("aria-labelledby=\"{id}\"")
        };
        let _ = write!(self.out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" {label}><table {label}>");
        self.raw("<thead><tr>");
        for column in &table.columns {
            let _ = write!(self.out, "<th scope=\"col\"{}>", class_of(column.align));
            self.text(&column.heading);
            self.raw("</th>");
        }
        self.raw("</tr></thead><tbody>");
        for row in table.rows.iter().take(TABLE_ROWS_MAX) {
            self.raw("<tr>");
            for (index, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
                let name = if index == 0 { "th" } else { "td" };
                let scope = if index == 0 { " scope=\"row\"" } else { "" };
                let _ = write!(self.out, "<{name}{scope}{}>", class_of(column.align));
                match cell {
                    Cell::Prose(prose) => self.raw(prose.as_markup()),
                    Cell::Drawing(drawing) => self.raw(drawing.svg.as_str()),
                }
                let _ = write!(self.out, "</{name}>");
            }
            self.raw("</tr>\n");
        }
        self.raw("</tbody></table></div>");
        let more = table.more_rows + table.rows.len().saturating_sub(TABLE_ROWS_MAX);
        if more > 0 {
            let verb = if more == 1 { "is" } else { "are" };
            let _ = write!(self.out, "<p class=\"more\">{} {verb} not shown here.</p>", count_of(more, "more row"));
        }
    }

    fn figure(&mut self, figure: &Figure) {
        self.figures += 1;
        let number = grouped(self.figures as u64);
        let _ = write!(
            self.out,
            "\n<figure><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figure {number}\">"
        );
        self.raw(figure.drawing.svg.as_str());
        let _ = write!(self.out, "</div>\n<figcaption><b>Figure {number}.</b> ");
        self.raw(figure.caption.as_markup());
        for note in &figure.drawing.notes {
            self.raw(" ");
            self.text(note);
        }
        if figure.how_to_read != Prose::default() {
            self.raw("<details><summary>How to read this</summary>");
            self.paragraph(&figure.how_to_read);
            self.raw("</details>");
        }
        self.raw("</figcaption></figure>");
    }

    fn definitions(&mut self, definitions: &[(String, Prose)]) {
        self.raw("<dl class=\"definitions\">");
        for (name, value) in definitions {
            self.element("<dt>", name, "</dt>");
            self.raw("<dd>");
            self.raw(value.as_markup());
            self.raw("</dd>");
        }
        self.raw("</dl>");
    }

    fn files(&mut self, files: &[FileLink]) {
        self.raw("<ul class=\"files\">");
        for file in files {
            self.raw("<li><a class=\"file\" href=\"");
            push_relative_target(&mut self.out, &file.name);
            self.raw("\">");
            self.text(&file.name);
            self.raw("</a><span>");
            self.raw(file.about.as_markup());
            self.raw("</span></li>");
        }
        self.raw("</ul>");
    }
}

fn class_of(align: Align) -> &'static str {
    match align {
        Align::Text => "",
        Align::Short => " class=\"short\"",
        Align::Number => " class=\"num\"",
    }
}

#[cfg(test)]
mod tests;
