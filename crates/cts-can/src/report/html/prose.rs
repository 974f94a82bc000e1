//! A sentence of a report: text, with names, code and links in it.
//!
//! It is put together from pieces that are escaped one by one, so that no piece can be markup.

use crate::report::escape::{id_of, push_escaped};

/// A sentence or two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose(String);

impl Prose {
    /// Begins an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends plain text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        push_escaped(&mut self.0, text);
        self
    }

    /// Appends text that matters.
    #[must_use]
    pub fn strong(self, text: &str) -> Self {
        self.element("strong", text)
    }

    /// Appends what is written letter by letter, such as an address.
    #[must_use]
    pub fn code(self, text: &str) -> Self {
        self.element("code", text)
    }

    /// Appends a name from elsewhere, which may be written in any direction.
    #[must_use]
    pub fn name(self, text: &str) -> Self {
        self.element("bdi", text)
    }

    /// Appends a link to the section with this heading.
    #[must_use]
    pub fn link(mut self, heading: &str, text: &str) -> Self {
        self.0.push_str("<a href=\"#");
        self.0.push_str(&id_of(heading));
        self.0.push_str("\">");
        push_escaped(&mut self.0, text);
        self.0.push_str("</a>");
        self
    }

    /// Returns it as markup.
    pub(super) fn as_markup(&self) -> &str {
        &self.0
    }

    fn element(mut self, name: &'static str, text: &str) -> Self {
        self.0.push_str(&format!("<{name}>"));
        push_escaped(&mut self.0, text);
        self.0.push_str(&format!("</{name}>"));
        self
    }
}

impl From<&str> for Prose {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Prose {
    fn from(text: String) -> Self {
        Self::new().text(&text)
    }
}
