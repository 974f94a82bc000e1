//! The pictures of the guide: the plots of the report on the made drive that comes with the project.
//!
//! `UPDATE_EXPECT=1` writes them anew.

use expect_test::{ExpectFile, expect_file};

use super::*;

#[test]
fn the_pictures_of_the_guide() {
    let log =
        fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/made-subaru-60s.rlog.zst")).unwrap();
    let ran = run(&[("made-subaru-60s.rlog.zst", &log)], json!({"export_csv": false, "export_json": false}));
    ran.result.as_ref().unwrap();
    let report = ran.file("analysis_report.html");
    for (plot, picture) in pictures() {
        picture.assert_eq(&alone(&report, plot));
    }
}

fn pictures() -> [(&'static str, ExpectFile); 3] {
    [
        ("timeline", expect_file!["../../../../../../docs/guides/pictures/drive.svg"]),
        ("raster", expect_file!["../../../../../../docs/guides/pictures/raster.svg"]),
        ("heat-map", expect_file!["../../../../../../docs/guides/pictures/bits.svg"]),
    ]
}

/// Takes a plot out of a report, as a file of its own: with the report's style, on the report's paper.
fn alone(report: &str, plot: &str) -> String {
    let style = between(report, "<style>", "</style>");
    let name = format!("aria-labelledby=\"{plot}-title\"");
    let at = report.find(&name).unwrap_or_else(|| panic!("no plot is called {plot}"));
    let start = report[..at].rfind("<svg ").unwrap();
    let svg = &report[start..];
    let (tag, content) = svg[..svg.find("</svg>").unwrap()].split_once('>').unwrap();
    format!("{tag}><style>{style}\nsvg{{background:var(--paper);font-family:sans-serif}}</style>{content}</svg>\n")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}
