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

    /// Appends a name that is long, such as that of a signal; it may be broken after its parts.
    #[must_use]
    pub fn long_name(mut self, text: &str) -> Self {
        self.0.push_str("<bdi>");
        for part in text.split_inclusive(['.', '_', '/']) {
            push_escaped(&mut self.0, part);
            self.0.push_str("<wbr/>");
        }
        self.0.push_str("</bdi>");
        self
    }

    /// Appends text in which names between backticks are written letter by letter.
    #[must_use]
    pub fn marked(mut self, text: &str) -> Self {
        let mut parts = text.split('`').peekable();
        let mut is_code = false;
        while let Some(part) = parts.next() {
            // A backtick without a partner means itself.
            self = match (is_code, parts.peek().is_some()) {
                (true, true) => self.code(part),
                (true, false) => self.text("`").text(part),
                (false, _) => self.text(part),
            };
            is_code = !is_code;
        }
        self
    }

    /// Appends text in smaller letters.
    #[must_use]
    pub fn small(self, text: &str) -> Self {
        self.element("small", text)
    }

    /// Begins a new line.
    #[must_use]
    pub fn line(mut self) -> Self {
        self.0.push_str("<br/>");
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_backticks_are_code() {
        let markup = |text: &str| Prose::new().marked(text).as_markup().to_owned();
        assert_eq!(markup("give `a<b` or `c`."), "give <code>a&lt;b</code> or <code>c</code>.");
        assert_eq!(markup("a lone ` one"), "a lone ` one");
        assert_eq!(markup("`a` and ` one"), "<code>a</code> and ` one");
        assert_eq!(markup(""), "");
    }

    #[test]
    fn a_long_name_breaks_after_its_parts() {
        let markup = Prose::new().long_name("Cruise_Status.<b>").as_markup().to_owned();
        assert_eq!(markup, "<bdi>Cruise_<wbr/>Status.<wbr/>&lt;b&gt;<wbr/></bdi>");
    }
}
