//! A page is well-formed, needs nothing from elsewhere, and holds no markup but its own.

use expect_test::expect_file;

use super::*;
use crate::report::plots::{HeatMap, LevelStrip, Timeline};

/// A page with every kind of block, in which every text is `name`.
fn page(name: &str) -> Page {
    let prose = || Prose::new().text(name).strong(name).code(name).small(name).line().name(name).link(name, name);
    let card = Card { label: name.into(), value: name.into(), unit: name.into(), hint: name.into() };
    let tones = [Tone::Good, Tone::Plain, Tone::Caution, Tone::Bad];
    let notes = tones.map(|tone| Note { tone, title: prose(), text: prose() });
    let strip = LevelStrip { label: name, ..LevelStrip::default() };
    let table = Table {
        caption: prose(),
        columns: vec![
            Column::new(name, Align::Short),
            Column::new(name, Align::Number),
            Column::new(name, Align::Text),
        ],
        rows: vec![vec![name.into(), prose().into(), Cell::Drawing(strip.draw())]],
        more_rows: 1,
    };
    let figures =
        [Timeline { quantity: name, unit: name, ..Timeline::default() }.draw("one"), HeatMap::default().draw("two")];
    let figures = figures.map(|drawing| Block::Figure(Figure { drawing, caption: prose(), how_to_read: prose() }));
    let blocks = vec![
        Block::Text(prose()),
        Block::Heading(name.into()),
        Block::List(vec![prose()]),
        Block::Cards(vec![card.clone()]),
        Block::Notes(notes.to_vec()),
        Block::Table(table),
        Block::Definitions(vec![(name.into(), prose())]),
        Block::Files(vec![FileLink { name: name.into(), about: prose() }]),
        Block::Details(name.into(), vec![Block::Text(Prose::new().long_name(name).marked(name))]),
    ];
    Page {
        tool: name.into(),
        title: name.into(),
        facts: vec![(name.into(), prose())],
        verdict: Verdict { tone: Tone::Good, title: name.into(), findings: vec![prose(), prose()] },
        cards: vec![card],
        sections: vec![Section::new("First", blocks), Section::new("Second", figures.to_vec())],
        footer: prose(),
    }
}

/// Returns the names of the elements of a page, in order, and checks that none is dangerous.
fn elements(html: &str) -> Vec<String> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document =
        roxmltree::Document::parse_with_options(html, options).unwrap_or_else(|error| panic!("{error}: {html}"));
    let mut names = Vec::new();
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let name = element.tag_name().name();
        assert!(!["script", "iframe", "object", "embed", "img", "link", "base", "form"].contains(&name), "{name}");
        for attribute in element.attributes() {
            let value = attribute.value();
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            match attribute.name() {
                "href" => assert!(value.starts_with("./") || value.starts_with('#'), "{attribute:?}"),
                "src" | "srcdoc" | "style" | "action" => panic!("{attribute:?}"),
                _ => {}
            }
        }
        // A place where a line may be broken is no content.
        if name != "wbr" {
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn a_page_with_every_block_is_as_it_was() {
    let html = page("name").to_html();
    let body = html.split_once("</style>").unwrap().1.replace("><", ">\n<");
    expect_file!["snapshots/page.html"].assert_eq(&body);
}

#[test]
fn texts_from_elsewhere_change_no_element() {
    let plain = elements(&page("name").to_html());
    for name in [
        "<script>alert(1)</script>",
        "\"><script>alert(1)</script>",
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "</style></svg></title><img src=x onerror=alert(1)>",
        "]]><!--",
        "&lt;&#60;",
        "a\0b\u{202E}c",
        "../../etc/passwd",
    ] {
        assert_eq!(elements(&page(name).to_html()), plain, "{name}");
    }
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let html = page("name").to_html();
    assert!(html.contains("default-src &#39;none&#39;"));
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<') && !STYLE.contains('&'));
    assert_eq!(html.matches("http://").count(), html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    assert!(!html.contains("https://"));
}

#[test]
fn every_class_that_is_drawn_has_a_style() {
    let snapshots = [
        include_str!("../plots/snapshots/timeline.svg"),
        include_str!("../plots/snapshots/heat_map.svg"),
        include_str!("../plots/snapshots/raster.svg"),
        include_str!("../plots/snapshots/level_strip.svg"),
        include_str!("snapshots/page.html"),
    ];
    // These mark what has the common style of its kind.
    let without_style = ["label"];
    for part in snapshots.iter().flat_map(|text| text.split("class=\"").skip(1)) {
        for class in part.split('"').next().unwrap().split(' ') {
            assert!(STYLE.contains(&format!(".{class}")) || without_style.contains(&class), "{class}");
        }
    }
}

#[test]
fn a_long_table_says_what_it_leaves_out() {
    let row = || vec![Cell::from("1")];
    let table = Table {
        columns: vec![Column::new("number", Align::Number)],
        rows: (0..TABLE_ROWS_MAX + 7).map(|_| row()).collect(),
        more_rows: 1000,
        ..Table::default()
    };
    let html = Page { sections: vec![Section::new("Rows", vec![Block::Table(table)])], ..Page::default() }.to_html();
    assert_eq!(html.matches("<tr>").count(), TABLE_ROWS_MAX + 1);
    assert!(html.contains("1,007 more rows are not shown here."), "{html}");
}

/// The relative luminance of a color as in WCAG 2, from `#rgb` or `#rrggbb`.
fn luminance(color: &str) -> f64 {
    let digits: Vec<char> = color.trim_start_matches('#').chars().collect();
    let width = digits.len() / 3;
    let parts = digits.chunks(width).map(|part| {
        let text: String = part.iter().cycle().take(2).collect();
        let value = f64::from(u8::from_str_radix(&text, 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    parts.zip([0.2126, 0.7152, 0.0722]).map(|(part, weight)| part * weight).sum()
}

fn contrast(first: &str, second: &str) -> f64 {
    let (first, second) = (luminance(first), luminance(second));
    (first.max(second) + 0.05) / (first.min(second) + 0.05)
}

/// Returns the color of a variable in the light or the dark half of the style.
fn color<'s>(half: &'s str, name: &str) -> &'s str {
    half.split_once(&format!("--{name}:")).unwrap_or_else(|| panic!("{name}")).1.split([';', '}']).next().unwrap()
}

#[test]
fn texts_and_marks_stand_out_from_what_is_behind_them() {
    let (light, dark) = STYLE.split_once("prefers-color-scheme:dark").unwrap();
    for half in [light, dark] {
        for text in ["ink", "muted", "link", "blue", "orange", "green", "violet", "pink", "red", "amber-ink"] {
            for behind in ["paper", "page"] {
                let contrast = contrast(color(half, text), color(half, behind));
                assert!(contrast >= 4.5, "{text} on {behind}: {contrast:.2}");
            }
        }
    }
}

#[test]
fn more_changes_never_look_like_fewer_and_one_never_like_none() {
    let (light, dark) = STYLE.split_once("prefers-color-scheme:dark").unwrap();
    for (half, grows) in [(light, false), (dark, true)] {
        for ramp in ["all", "in"] {
            let mut steps = vec![luminance(color(half, "none"))];
            steps.extend((1..=8).map(|step| luminance(color(half, &format!("{ramp}{step}")))));
            let first = contrast(color(half, "none"), color(half, &format!("{ramp}1")));
            assert!(first > 1.25, "one change is seen beside none: {ramp} {first:.2}");
            assert!(steps.is_sorted_by(|a, b| if grows { a < b } else { a > b }), "{ramp}: {steps:?}");
        }
    }
}
