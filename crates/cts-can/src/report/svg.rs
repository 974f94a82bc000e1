//! Writes the few shapes of SVG that the plots are made of.
//!
//! What is written is always well-formed: texts and attributes are escaped, and what is open is closed at the end.
//! Coordinates are tenths of a pixel, limited, and written as short as they can be, so that the same drawing always has
//! the same bytes. Nothing has a color of its own: classes do, and the page's style says which.

use super::escape::push_escaped;

/// Coordinates beyond this many tenths of a pixel are drawn there.
const TENTHS_MAX: f64 = 200_000.0;

/// Markup that is well-formed and escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Returns the markup as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(f64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// Attributes of an element, in the order in which they are written.
pub(crate) type Attributes<'a> = [(&'static str, Value<'a>)];

/// A drawing that is being written.
#[derive(Debug)]
pub(crate) struct Svg {
    out: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// Begins a drawing of some pixels with a name and a description for those who cannot see it.
    pub(crate) fn figure(id: &str, size: (f64, f64), title: &str, description: &str) -> Self {
        let mut svg = Self { out: String::new(), open: Vec::new() };
        let title_id = format!("{id}-title");
        let description_id = format!("{id}-description");
        svg.root(
            size,
            &[("aria-labelledby", title_id.as_str().into()), ("aria-describedby", description_id.as_str().into())],
        );
        svg.open("title", &[("id", title_id.as_str().into())]);
        push_escaped(&mut svg.out, title);
        svg.close();
        svg.open("desc", &[("id", description_id.as_str().into())]);
        push_escaped(&mut svg.out, description);
        svg.close();
        svg
    }

    /// Begins a small drawing that stands in a line of text.
    pub(crate) fn inline(size: (f64, f64), label: &str) -> Self {
        let mut svg = Self { out: String::new(), open: Vec::new() };
        svg.root(size, &[("aria-label", label.into())]);
        svg
    }

    fn root(&mut self, (width, height): (f64, f64), label: &Attributes<'_>) {
        let mut view = String::from("0 0 ");
        push_tenths(&mut view, tenths(width));
        view.push(' ');
        push_tenths(&mut view, tenths(height));
        let mut attributes = vec![
            ("xmlns", Value::Text("http://www.w3.org/2000/svg")),
            ("viewBox", Value::Text(&view)),
            ("width", width.into()),
            ("height", height.into()),
            ("role", Value::Text("img")),
        ];
        attributes.extend_from_slice(label);
        self.open("svg", &attributes);
    }

    /// Begins an element that holds others.
    pub(crate) fn open(&mut self, name: &'static str, attributes: &Attributes<'_>) {
        self.start(name, attributes);
        self.out.push('>');
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    /// Writes an element that holds nothing.
    pub(crate) fn shape(&mut self, name: &'static str, attributes: &Attributes<'_>) {
        self.start(name, attributes);
        self.out.push_str("/>");
    }

    /// Writes an element that shows a text when it is pointed at.
    pub(crate) fn titled_shape(&mut self, name: &'static str, attributes: &Attributes<'_>, title: &str) {
        self.open(name, attributes);
        self.open("title", &[]);
        push_escaped(&mut self.out, title);
        self.close();
        self.close();
    }

    /// Writes a rectangle.
    pub(crate) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.shape("rect", &rect(class, (x, y), (width, height)));
    }

    /// Writes a line of text.
    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        self.open("text", &[("class", class.into()), ("x", x.into()), ("y", y.into())]);
        push_escaped(&mut self.out, text);
        self.close();
    }

    /// Writes a path, if there is anything in it.
    pub(crate) fn path(&mut self, class: &str, path: &Path) {
        if !path.commands.is_empty() {
            self.shape("path", &[("class", class.into()), ("d", path.commands.as_str().into())]);
        }
    }

    /// Ends the drawing.
    pub(crate) fn finish(mut self) -> Markup {
        while !self.open.is_empty() {
            self.close();
        }
        Markup(self.out)
    }

    fn start(&mut self, name: &'static str, attributes: &Attributes<'_>) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            match value {
                Value::Text(text) => push_escaped(&mut self.out, text),
                Value::Number(number) => push_tenths(&mut self.out, tenths(*number)),
            }
            self.out.push('"');
        }
    }
}

/// Returns the attributes of a rectangle.
pub(crate) fn rect<'a>(
    class: &'a str,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
) -> [(&'static str, Value<'a>); 5] {
    [("class", class.into()), ("x", x.into()), ("y", y.into()), ("width", width.into()), ("height", height.into())]
}

/// The commands of a path, relative to each other, without the drift of rounding.
#[derive(Debug, Default)]
pub(crate) struct Path {
    commands: String,
    x: i32,
    y: i32,
    begin: (i32, i32),
    last: Option<char>,
}

impl Path {
    /// Goes to a point without drawing.
    pub(crate) fn move_to(&mut self, x: f64, y: f64) {
        let (x, y) = (tenths(x), tenths(y));
        self.command('m', &[x - self.x, y - self.y]);
        (self.x, self.y) = (x, y);
        self.begin = (x, y);
    }

    /// Draws a straight line to a point.
    pub(crate) fn line_to(&mut self, x: f64, y: f64) {
        let (x, y) = (tenths(x), tenths(y));
        let (right, down) = (x - self.x, y - self.y);
        (self.x, self.y) = (x, y);
        match (right, down) {
            (0, 0) => {}
            (right, 0) => self.command('h', &[right]),
            (0, down) => self.command('v', &[down]),
            (right, down) => self.command('l', &[right, down]),
        }
    }

    /// Draws a line from one point to another.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.move_to(from.0, from.1);
        self.line_to(to.0, to.1);
    }

    /// Goes back to where the line began.
    pub(crate) fn close(&mut self) {
        self.commands.push('z');
        self.last = None;
        (self.x, self.y) = self.begin;
    }

    /// Returns the commands as they stand in an attribute.
    pub(crate) fn commands(&self) -> &str {
        &self.commands
    }

    /// Returns whether nothing was drawn.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    fn command(&mut self, name: char, numbers: &[i32]) {
        // A command that is repeated needs no name, but numbers after a move would be lines.
        if self.last != Some(name) || name == 'm' {
            self.commands.push(name);
        } else if numbers[0] >= 0 {
            self.commands.push(' ');
        }
        for (index, number) in numbers.iter().enumerate() {
            if index > 0 && *number >= 0 {
                self.commands.push(' ');
            }
            push_tenths(&mut self.commands, *number);
        }
        self.last = Some(name);
    }
}

/// Returns a coordinate in tenths; one that is no number lies at 0.
#[expect(clippy::cast_possible_truncation, reason = "the number is within the limits of its type, or none and then 0")]
fn tenths(pixels: f64) -> i32 {
    (pixels * 10.0).round().clamp(-TENTHS_MAX, TENTHS_MAX) as i32
}

fn push_tenths(out: &mut String, tenths: i32) {
    if tenths < 0 {
        out.push('-');
    }
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    if whole > 0 || rest == 0 {
        out.push_str(&whole.to_string());
    }
    if rest > 0 {
        out.push('.');
        out.push_str(&rest.to_string());
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_drawing_is_closed_and_escaped() {
        let mut svg = Svg::figure("speed", (96.0, 20.5), "a < b", "say \"so\" & 'so'");
        svg.open("g", &[("class", "<b>".into())]);
        svg.text("tick", (1.25, -0.04), "</text><script>");
        expect![[r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 20.5" width="96" height="20.5" role="img" aria-labelledby="speed-title" aria-describedby="speed-description"><title id="speed-title">a &lt; b</title><desc id="speed-description">say &quot;so&quot; &amp; &#39;so&#39;</desc><g class="&lt;b&gt;"><text class="tick" x="1.3" y="0">&lt;/text&gt;&lt;script&gt;</text></g></svg>"##]]
        .assert_eq(svg.finish().as_str());
    }

    #[test]
    fn a_path_is_short_and_does_not_drift() {
        let mut path = Path::default();
        path.move_to(10.0, 5.0);
        for step in 1..=4 {
            path.line_to(10.0 + f64::from(step) * 0.33, 5.0 - f64::from(step % 2));
        }
        path.line_to(20.0, 5.0);
        path.line_to(20.0, 7.5);
        path.line((0.0, 0.0), (1.0, 0.0));
        expect!["m10 5l.3-1 .4 1 .3-1 .3 1h8.7v2.5m-20-7.5h1"].assert_eq(&path.commands);
    }

    #[test]
    fn a_coordinate_that_is_no_number_is_drawn_all_the_same() {
        let mut path = Path::default();
        path.move_to(f64::NAN, f64::INFINITY);
        path.line_to(f64::NEG_INFINITY, 1e300);
        expect!["m0 20000h-20000"].assert_eq(&path.commands);
    }
}
