//! The report of an analysis: what it says first, that nothing in it can be markup, and that it stays small.

use std::fs;

use cts_can::cars::CarIdentity;
use cts_can::cruise::native::{
    BitToggles, Candidate, CruiseOptions, CruiseResult, Levels, MarkFrom, Note, ReportAbout, Run, Stretch,
};
use cts_can::frame::Address;

use super::{analyze, car_of, try_analyze};

/// No report is larger, whatever was found.
const BYTES_MAX: usize = 2_500_000;

fn example(name: &str) -> Vec<u8> {
    fs::read(format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn made_drive() -> CruiseResult {
    analyze(&example("made-subaru-60s.rlog.zst"), &CruiseOptions::default())
}

fn about(name: &str) -> ReportAbout {
    ReportAbout {
        tool: "cruise-control-analyzer 1.0".to_owned(),
        inputs: vec![name.to_owned()],
        files: vec![("candidates.csv".to_owned(), "every candidate".to_owned()), (name.to_owned(), name.to_owned())],
    }
}

/// Parses a page and returns the names of its elements and its text, without the style.
fn parse(html: &str) -> (Vec<String>, String) {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let page = roxmltree::Document::parse_with_options(html, options).unwrap_or_else(|error| panic!("{error}"));
    let mut names = Vec::new();
    let mut text = String::new();
    for node in page.descendants() {
        if let Some(written) = node.text().filter(|_| node.is_text())
            && !node.parent().is_some_and(|parent| parent.has_tag_name("style"))
        {
            text.push_str(written);
        } else if node.is_element() && !node.has_tag_name("wbr") {
            names.push(node.tag_name().name().to_owned());
        } else if node.is_element() {
            continue;
        }
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            let is_relative = attribute.value().starts_with("./") || attribute.value().starts_with('#');
            assert!(attribute.name() != "href" || is_relative, "{attribute:?}");
        }
    }
    (names, text)
}

fn report(result: &CruiseResult, name: &str) -> (String, Vec<String>, String) {
    let html = result.report(&about(name)).to_html();
    assert!(html.len() < BYTES_MAX, "{} bytes", html.len());
    let (names, text) = parse(&html);
    for word in ["script", "iframe", "img", "link"] {
        assert!(!names.iter().any(|name| name == word), "{word}");
    }
    (html, names, text)
}

#[test]
fn the_report_of_the_made_drive_says_what_happened() {
    let result = made_drive();
    let (html, names, text) = report(&result, "made.rlog.zst");
    for said in [
        "Some bits clearly go with the cruise control",
        "is set while the car is engaged: 100.0 of 100",
        "Besides 0x146 B5b4 on bus 0 (Cruise_Buttons.Set), which tells the presses, no bit changes",
        "The car was engaged once, for 25.8 s in all",
        "The button set was pressed 3 times",
        "3 marker windows were found; one of them is not complete",
        "bus 0, bit 55",
        "byte 6, bit 7 (LSB)",
        "0x241 B6b0",
        "SUBARU_CROSSTREK_HYBRID",
        &result.analysis_id,
    ] {
        assert!(text.contains(said), "{said}");
    }
    let count = |name: &str| names.iter().filter(|other| *other == name).count();
    assert_eq!(count("figure"), 3, "a timeline, a heat map and a raster");
    assert!(count("svg") >= 3 + 20, "the best candidates have a strip each");
    assert!(html.len() < 250_000, "{} bytes", html.len());
    assert_eq!(html, made_drive().report(&about("made.rlog.zst")).to_html(), "the same log gives the same report");
}

#[test]
fn the_levels_of_a_candidate_are_its_edges() {
    let result = made_drive();
    let counted = |of: &Candidate| usize::try_from(of.rises + of.falls).unwrap();
    for candidate in &result.candidates {
        let Some(Levels { is_high_first, toggles }) = &candidate.levels else {
            assert!(counted(candidate) > 256, "{candidate:?}");
            continue;
        };
        assert_eq!(toggles.len(), counted(candidate));
        assert!(toggles.is_sorted());
        let rises = if *is_high_first { toggles.len() / 2 } else { toggles.len().div_ceil(2) };
        assert_eq!(rises as u64, candidate.rises);
    }
    for stream in &result.streams {
        let of_stream = |of: &&Candidate| (of.bus, of.address) == (stream.bus, stream.address);
        for candidate in result.candidates.iter().filter(of_stream) {
            let bit = stream.bits[usize::from(candidate.bit)];
            assert_eq!(u64::from(bit.all), candidate.rises + candidate.falls);
            assert_eq!(u64::from(bit.in_windows), candidate.window_toggles);
        }
    }
}

/// Puts a name where the log, its files, its profile or its user have one.
fn rename(result: &mut CruiseResult, name: &str) {
    result.car.identity = Some(CarIdentity { brand: name.to_owned(), fingerprint: name.to_owned() });
    result.car.profile = Some(name.to_owned());
    result.car.dbcs.iter_mut().for_each(|dbc| name.clone_into(&mut dbc.0));
    result.sources.iter_mut().for_each(|source| source.source = Some(name.to_owned()));
    result.presses.iter_mut().for_each(|press| name.clone_into(&mut press.button));
    name.clone_into(&mut result.options.button);
    result.options.marks = MarkFrom::Button(name.to_owned());
    for signal in &mut result.followed {
        name.clone_into(&mut signal.name);
        name.clone_into(&mut signal.source);
    }
    if let Some(engaged) = &mut result.engaged {
        name.clone_into(&mut engaged.source);
    }
    result.streams.iter_mut().for_each(|stream| stream.message = Some(name.to_owned()));
    for candidate in &mut result.candidates {
        candidate.signal = Some(name.to_owned());
        name.clone_into(&mut candidate.evidence);
    }
    result.notes.push(Note { message: name.to_owned(), remedy: name.to_owned() });
    name.clone_into(&mut result.analysis_id);
}

#[test]
fn names_from_logs_files_and_users_are_never_markup() {
    let renamed = |name: &str| {
        let mut result = made_drive();
        rename(&mut result, name);
        report(&result, name)
    };
    let (_, plain, _) = renamed("name");
    for name in [
        "<script>alert(1)</script>",
        "\"><script src=x>",
        "' onload='alert(1)",
        "</style></svg>",
        "a&b]]>\u{1b}\u{202E}",
    ] {
        let (html, names, text) = renamed(name);
        assert_eq!(names, plain, "{name}");
        assert!(!html.contains("<script"), "{name}");
        let shown = name.replace(['\u{1b}', '\u{202E}'], "\u{FFFD}");
        assert!(text.contains(&shown), "{name} is shown as it is");
    }
}

#[test]
fn what_is_missing_is_said_with_what_mends_it() {
    let log = example("toyota-60s.rlog.zst");
    let (_, _, text) = report(&analyze(&log, &CruiseOptions::default()), "real.rlog.zst");
    for said in ["The speed is never from 55 to 56 mph", "No marker windows were found", "Blink left when you begin"] {
        assert!(text.contains(said), "{said}");
    }
    let cut = &log[..log.len() / 2];
    let (_, _, text) = report(&analyze(cut, &CruiseOptions::default()), "cut.rlog.zst");
    assert!(text.contains("cut.rlog.zst is damaged") && text.contains("Copy the log again"));

    let nothing = include_bytes!("../../fixtures/edge/no_can.rlog.zst");
    let (_, _, text) = report(&analyze(nothing, &CruiseOptions::default()), "no_can.rlog.zst");
    for said in ["There are no CAN frames to look at", "There are no frames", "Nothing tells the speed"] {
        assert!(text.contains(said), "{said}");
    }
    let empty = try_analyze(&[&[]], &CruiseOptions::default(), car_of(&log, None)).unwrap();
    report(&empty, "");
}

#[test]
fn a_report_of_far_too_much_stays_small() {
    let mut result = made_drive();
    let run = |index: u32| Run {
        start: f64::from(index) * 0.01,
        end: f64::from(index) * 0.01 + 0.005,
        is_begun_before: true,
        is_unfinished: true,
    };
    let runs: Vec<Run> = (0..5000).map(run).collect();
    result.followed = vec![result.followed[0].clone(); 500];
    result.followed.iter_mut().for_each(|of| of.runs.clone_from(&runs));
    result.target.clone_from(&runs);
    if let Some(engaged) = &mut result.engaged {
        engaged.runs = runs;
    }
    let toggles: Vec<f64> = (0..256).map(|index| f64::from(index) * 0.2).collect();
    let mut candidate = result.candidates[0].clone();
    candidate.levels = Some(Levels { is_high_first: true, toggles });
    candidate.signal = Some("long_name.".repeat(50));
    result.candidates = vec![candidate; 4000];
    result.windows = vec![result.windows[0]; 256];
    let mut stream = result.streams[0].clone();
    stream.bits = vec![BitToggles { all: 1, in_windows: 1 }; 512];
    stream.bits.iter_mut().step_by(2).for_each(|bit| bit.all = 100_000);
    result.streams = (0..4096)
        .map(|address| {
            let mut stream = stream.clone();
            stream.address = Address(address);
            stream
        })
        .collect();
    result.fields = (0..4096)
        .flat_map(|address| {
            let mut field = result.fields[0].clone();
            field.address = Address(address);
            [field.clone(), field]
        })
        .collect();
    result.presses = vec![result.presses[0].clone(); 10_000];
    result.notes = vec![result.notes[0].clone(); 3];
    let (html, _, text) = report(&result, "name");
    assert!(text.contains("3975 more") || text.contains("3,975 more rows"), "what is left out is told");
    assert!(html.len() < BYTES_MAX);
}

#[test]
fn numbers_that_are_none_do_not_break_a_report() {
    let mut result = made_drive();
    result.time.last = f64::NAN;
    result.speed.points.iter_mut().step_by(3).for_each(|point| point.mps = f32::NAN);
    result.windows[0].window = Stretch { start: f64::NEG_INFINITY, end: f64::INFINITY };
    result.windows[1].begun = f64::NAN;
    result.candidates.iter_mut().for_each(|of| of.phi = Some(f64::NAN));
    result.options.speed_max = f64::INFINITY;
    report(&result, "name");
}
