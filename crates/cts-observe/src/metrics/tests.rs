//! The registry and what it tells.

use expect_test::expect;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Shape {
    Round,
    Flat,
}

impl Label for Shape {
    const ALL: &'static [Self] = &[Self::Round, Self::Flat];

    fn word(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Flat => "flat",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

#[test]
fn the_text_is_that_of_prometheus() {
    let registry = Registry::new();
    registry.counter("cts_things_total", "Things that were made").inc_by(3);
    let shapes = registry.counters("cts_shapes_total", "Shapes", &["shape"]).by::<Shape>();
    shapes.get(Shape::Flat).inc();
    registry.histogram("cts_wait_seconds", "Waits, in seconds", &[0.1, 1.0]).observe(0.5);
    registry.gauge("cts_left", "What is \"left\" \\ over\nhere").set(-2);
    expect![[r#"
        # HELP cts_left What is "left" \\ over\nhere
        # TYPE cts_left gauge
        cts_left -2
        # HELP cts_shapes_total Shapes
        # TYPE cts_shapes_total counter
        cts_shapes_total{shape="flat"} 1
        cts_shapes_total{shape="round"} 0
        # HELP cts_things_total Things that were made
        # TYPE cts_things_total counter
        cts_things_total 3
        # HELP cts_wait_seconds Waits, in seconds
        # TYPE cts_wait_seconds histogram
        cts_wait_seconds_bucket{le="0.1"} 0
        cts_wait_seconds_bucket{le="1"} 1
        cts_wait_seconds_bucket{le="+Inf"} 1
        cts_wait_seconds_sum 0.5
        cts_wait_seconds_count 1
    "#]]
    .assert_eq(&registry.snapshot().text());
}

#[test]
fn names_beyond_the_limit_are_one() {
    let registry = Registry::new();
    let by_tool = registry.counters("cts_used_total", "Uses", &["tool"]).capped(2);
    for name in ["a", "b", "c", "d", "a"] {
        by_tool.get(name).inc();
    }
    let snapshot = registry.snapshot();
    let values = ["a", "b", OTHER].map(|tool| snapshot.total_where("cts_used_total", "tool", tool));
    assert_eq!(values, [2.0, 1.0, 2.0]);
    assert_eq!(snapshot.samples("cts_used_total").len(), 3);
}

#[test]
fn summaries_are_made_from_the_same_values() {
    let registry = Registry::new();
    let waits = registry.histograms("cts_wait_seconds", "Waits", &["kind"], WORK_SECONDS);
    waits.with(&["a"]).observe(1.0);
    waits.with(&["b"]).observe(3.0);
    let snapshot = registry.snapshot();
    assert_eq!((snapshot.total("cts_wait_seconds"), snapshot.mean("cts_wait_seconds")), (2.0, 2.0));
    assert_eq!((snapshot.total("cts_none"), snapshot.mean("cts_none")), (0.0, 0.0));
}

#[test]
fn every_metric_is_described() {
    let registry = Registry::new();
    let _ = registry.counters("cts_b_total", "Bs", &["x", "y"]);
    let _ = registry.gauge("cts_a", "As");
    let names: Vec<String> = registry.descriptions().into_iter().map(|metric| metric.name).collect();
    assert_eq!(names, ["cts_a", "cts_b_total"]);
    // A family without members has no place in the text.
    assert!(!registry.snapshot().text().contains("cts_b_total"));
}
