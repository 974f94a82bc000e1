//! Every plot is well-formed and limited, whatever it is drawn from; small ones are as they were.

use expect_test::{ExpectFile, expect_file};
use proptest::prelude::*;

use super::*;

/// No plot is larger than this, whatever it shows.
const BYTES_MAX: usize = 600_000;

fn check(drawing: &Drawing, expected: &ExpectFile) {
    well_formed(drawing);
    // One element a line, so that a change can be read.
    let mut text = drawing.svg.as_str().replace("><", ">\n<");
    for note in &drawing.notes {
        text.push_str(&format!("\n<!-- {note} -->"));
    }
    text.push('\n');
    expected.assert_eq(&text);
}

fn well_formed(drawing: &Drawing) {
    let svg = drawing.svg.as_str();
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg:.2000}"));
    assert_eq!(document.root_element().attribute("role"), Some("img"));
    assert!(svg.len() < BYTES_MAX, "{} bytes", svg.len());
    for word in ["NaN", "inf", "<script", "url(http", "href"] {
        assert!(!svg.contains(word), "{word} in {svg:.2000}");
    }
}

#[test]
fn a_timeline_shows_line_band_windows_and_lanes() {
    let plot = Timeline {
        quantity: "speed",
        unit: "mph",
        lines: &[Line {
            name: "speed",
            points: &[(0.0, 50.0), (10.0, 60.0), (40.0, 55.0), (60.0, 55.6)],
            gap_s_max: 20.0,
        }],
        band: Some((55.0, 56.0)),
        windows: &[PlotWindow { start: 20.5, end: 35.5, note: "complete" }],
        lanes: &[
            Lane { name: "engaged", marks: Marks::Stretches(&[(24.2, 50.0), (49.0, 52.0)]) },
            Lane { name: "set", marks: Marks::Moments(&[10.5, 10.51, 40.0]) },
            Lane { name: "brake", marks: Marks::Unknown("no DBC") },
        ],
        time: None,
    };
    check(&plot.draw("speed"), &expect_file!["snapshots/timeline.svg"]);
}

#[test]
fn a_heat_map_tells_windows_from_the_rest() {
    let mut changes = [0; 16];
    changes[0] = 900;
    changes[1] = 450;
    changes[11] = 6;
    let mut inside = [0; 16];
    inside[11] = 6;
    let row = HeatRow {
        bus: 1,
        address: "0x2A4",
        name: "Buttons & more",
        changes: &changes,
        changes_in_windows: &inside,
        fields: &[BitSpan { first_bit: 0, bits: 2, name: "counter" }],
        framed: &[11],
    };
    let plot = HeatMap { rows: &[row], rows_max: 10, more_rows: 3, is_split: true };
    check(&plot.draw("bits"), &expect_file!["snapshots/heat_map.svg"]);
}

#[test]
fn bytes_of_can_fd_share_columns() {
    let changes = vec![1; 512];
    let row = HeatRow { address: "0x18DAF110", changes: &changes, framed: &[163, 511, 600], ..HeatRow::default() };
    let drawing = HeatMap { rows: &[row], rows_max: 10, ..HeatMap::default() }.draw("bits");
    well_formed(&drawing);
    assert_eq!(drawing.notes, ["From byte 8 on a column stands for a whole byte, with the sum of its bits."]);
}

#[test]
fn a_raster_aligns_edges_at_the_marker() {
    let edge = |time, is_rise| PlotEdge { time, is_rise };
    let plot = Raster {
        marker_name: "left blinker on",
        markers: &[
            Marker { number: 1, time: 22.0, start: 20.5, end: 35.5 },
            Marker { number: 2, time: 42.0, start: 40.5, end: 43.5 },
        ],
        lanes: &[RasterLane {
            label: "0x2A4 bit 43",
            note: "score 1.00",
            edges: &[edge(23.0, true), edge(25.0, false), edge(41.0, true), edge(60.0, false)],
        }],
    };
    check(&plot.draw("raster"), &expect_file!["snapshots/raster.svg"]);
}

#[test]
fn a_level_strip_shows_when_a_bit_is_set() {
    let edge = |time, is_rise| PlotEdge { time, is_rise };
    let plot = LevelStrip {
        label: "level of bit 43",
        time: (0.0, 60.0),
        is_set_at_start: false,
        edges: &[edge(23.0, true), edge(25.0, false), edge(50.0, true)],
        windows: &[PlotWindow { start: 20.5, end: 35.5, note: "" }],
    };
    check(&plot.draw(), &expect_file!["snapshots/level_strip.svg"]);
}

#[test]
fn names_from_a_log_are_never_markup() {
    let name = "</title><script>alert(1)</script>\"' onload='x";
    let lanes = [Lane { name, marks: Marks::Unknown(name) }];
    let windows = [PlotWindow { start: 0.0, end: 1.0, note: name }];
    let lines = [Line { name, points: &[(0.0, 1.0)], gap_s_max: 1.0 }, Line { name, ..Line::default() }];
    let timeline =
        Timeline { quantity: name, unit: name, lines: &lines, lanes: &lanes, windows: &windows, ..Timeline::default() };
    let fields = [BitSpan { first_bit: 0, bits: 1, name }];
    let row = HeatRow { address: name, name, changes: &[1], fields: &fields, ..HeatRow::default() };
    let raster =
        Raster { marker_name: name, lanes: &[RasterLane { label: name, note: name, edges: &[] }], markers: &[] };
    let drawings = [
        timeline.draw(name),
        HeatMap { rows: &[row], rows_max: 5, ..HeatMap::default() }.draw(name),
        raster.draw(name),
        LevelStrip { label: name, ..LevelStrip::default() }.draw(),
    ];
    for drawing in drawings {
        let document = roxmltree::Document::parse(drawing.svg.as_str()).unwrap();
        let known = ["svg", "title", "desc", "g", "rect", "path", "text", "defs", "pattern"];
        for element in document.descendants().filter(roxmltree::Node::is_element) {
            assert!(known.contains(&element.tag_name().name()), "{element:?}");
            assert!(element.attributes().all(|attribute| !attribute.name().starts_with("on")), "{element:?}");
        }
    }
}

#[test]
fn a_million_points_edges_and_marks_stay_small() {
    let points: Vec<(f64, f64)> =
        (0..1_000_000).map(|index| (f64::from(index) * 0.001, f64::from(index % 1009 * 7919 % 1000))).collect();
    let moments: Vec<f64> = points.iter().map(|point| point.0).collect();
    let stretches: Vec<(f64, f64)> = moments.iter().map(|time| (*time, time + 0.0001)).collect();
    let edges: Vec<PlotEdge> =
        moments.iter().enumerate().map(|(index, time)| PlotEdge { time: *time, is_rise: index % 2 == 0 }).collect();
    let windows: Vec<PlotWindow<'_>> =
        moments.iter().map(|time| PlotWindow { start: *time, end: time + 1.0, note: "" }).collect();
    let markers: Vec<Marker> = (0..100_000)
        .map(|number| Marker {
            number,
            time: moments[number],
            start: moments[number] - 1.0,
            end: moments[number] + 1.0,
        })
        .collect();
    let lines = [Line { name: "a", points: &points, gap_s_max: 1.0 }; 6];
    let lanes = [
        Lane { name: "moments", marks: Marks::Moments(&moments) },
        Lane { name: "stretches", marks: Marks::Stretches(&stretches) },
    ];
    let timeline = Timeline { lines: &lines, lanes: &lanes, windows: &windows, ..Timeline::default() }.draw("a");
    well_formed(&timeline);
    assert!(timeline.notes.iter().any(|note| note.starts_with("Of 1,000,000 points")), "{:?}", timeline.notes);
    assert!(timeline.notes.iter().any(|note| note.starts_with("2 more lines")), "{:?}", timeline.notes);
    assert!(timeline.notes.iter().any(|note| note.starts_with("Only the first 200 of")), "{:?}", timeline.notes);

    well_formed(&LevelStrip { time: (0.0, 1000.0), edges: &edges, windows: &windows, ..LevelStrip::default() }.draw());
    let lane = RasterLane { label: "busy", note: "", edges: &edges };
    let raster = Raster { marker_name: "m", markers: &markers, lanes: &[lane; 40] }.draw("b");
    well_formed(&raster);
    assert!(raster.notes.iter().any(|note| note.contains("hatched stretch")), "{:?}", raster.notes);

    let changes: Vec<u64> = (0..512).map(|bit| bit * bit * 37 % 4001).collect();
    let row = HeatRow { changes: &changes, changes_in_windows: &changes, ..HeatRow::default() };
    let rows = vec![row; 1000];
    well_formed(&HeatMap { rows: &rows, rows_max: usize::MAX, more_rows: 0, is_split: true }.draw("c"));
}

/// Numbers of every kind, with those that plots are afraid of.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -100.0..100.0f64,
        Just(0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(-1e15),
    ]
}

fn any_numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(any_number(), 0..40)
}

proptest! {
    #[test]
    fn whatever_the_numbers_are_a_plot_is_well_formed(
        first in any_numbers(),
        second in any_numbers(),
        gap_s_max in any_number(),
        name in ".{0,40}",
    ) {
        let pairs: Vec<(f64, f64)> = first.iter().copied().zip(second.iter().copied()).collect();
        let windows: Vec<PlotWindow<'_>> =
            pairs.iter().map(|(start, end)| PlotWindow { start: *start, end: *end, note: &name }).collect();
        let edges: Vec<PlotEdge> = pairs.iter().map(|(time, other)| PlotEdge { time: *time, is_rise: *other > 0.0 }).collect();
        let markers: Vec<Marker> = windows
            .iter()
            .zip(&first)
            .enumerate()
            .map(|(number, (window, time))| Marker { number, time: *time, start: window.start, end: window.end })
            .collect();
        let lines = [Line { name: &name, points: &pairs, gap_s_max }];
        let lanes = [
            Lane { name: &name, marks: Marks::Stretches(&pairs) },
            Lane { name: &name, marks: Marks::Moments(&first) },
            Lane { name: &name, marks: Marks::Unknown(&name) },
        ];
        let timeline = Timeline {
            quantity: &name,
            unit: &name,
            lines: &lines,
            band: pairs.first().copied(),
            windows: &windows,
            lanes: &lanes,
            time: pairs.last().copied(),
        };
        let drawing = timeline.draw("a");
        parse(&drawing);
        prop_assert_eq!(&drawing, &timeline.draw("a"));
        parse(&Raster { marker_name: &name, markers: &markers, lanes: &[RasterLane { label: &name, note: &name, edges: &edges }] }.draw("a"));
        let strip = LevelStrip { label: &name, time: (gap_s_max, second.first().copied().unwrap_or(1.0)), is_set_at_start: true, edges: &edges, windows: &windows };
        parse(&strip.draw());
    }

    #[test]
    fn whatever_the_counts_are_a_heat_map_is_well_formed(
        changes in prop::collection::vec(any::<u64>(), 0..700),
        inside in prop::collection::vec(any::<u64>(), 0..700),
        framed in prop::collection::vec(any::<u16>(), 0..5),
        span in (any::<u16>(), any::<u16>()),
        name in ".{0,40}",
        is_split in any::<bool>(),
    ) {
        let fields = [BitSpan { first_bit: span.0, bits: span.1, name: &name }];
        let row = HeatRow {
            bus: 255,
            address: &name,
            name: &name,
            changes: &changes,
            changes_in_windows: &inside,
            fields: &fields,
            framed: &framed,
        };
        let short = HeatRow { changes: &changes[..changes.len() / 9], ..row };
        parse(&HeatMap { rows: &[row, short], rows_max: 2, more_rows: 0, is_split }.draw("a"));
    }
}

/// Like [`well_formed`], for names that may hold any word.
fn parse(drawing: &Drawing) {
    let svg = drawing.svg.as_str();
    roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg:.2000}"));
    assert!(svg.len() < BYTES_MAX, "{} bytes", svg.len());
}
