//! What it costs to record one metric on the hot path, alone and with two threads on the same one, and to render ten
//! thousand series. Prints `name value` lines: nanoseconds, and milliseconds for the rendering. Run it in release.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use cts_observe::metrics::{Label, REQUEST_SECONDS, Registry};

/// Records of each kind in one turn.
const RECORDS: u32 = 1_000_000;
/// Turns; the median is told.
const TURNS: usize = 11;
/// Series that are rendered.
const SERIES: usize = 10_000;

#[derive(Debug, Clone, Copy)]
enum Answer {
    Good,
    Bad,
}

impl Label for Answer {
    const ALL: &'static [Self] = &[Self::Good, Self::Bad];

    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

fn main() -> std::io::Result<()> {
    let registry = Registry::new();
    let counter = registry.counter("cts_counter_total", "A counter");
    let histogram = registry.histogram("cts_seconds", "A histogram", REQUEST_SECONDS);
    let labeled = registry.counters("cts_labeled_total", "Counters by a word", &["answer"]).by::<Answer>();
    let capped = registry.counters("cts_capped_total", "Counters by a name", &["tool"]).capped(200);
    for number in 0..150 {
        capped.get(&format!("tool-{number}")).inc();
    }
    let mut out = std::io::stdout();
    writeln!(out, "counter {:.1}", nanoseconds(|_| counter.inc()))?;
    writeln!(out, "histogram {:.1}", nanoseconds(|turn| histogram.observe(f64::from(turn % 1000) * 0.001)))?;
    writeln!(
        out,
        "labeled {:.1}",
        nanoseconds(|turn| labeled.get(if turn % 2 == 0 { Answer::Good } else { Answer::Bad }).inc())
    )?;
    writeln!(out, "capped {:.1}", nanoseconds(|_| capped.get(black_box("tool-77")).inc()))?;
    let contended = std::thread::scope(|scope| {
        let other = scope.spawn(|| nanoseconds(|_| counter.inc()));
        let own = nanoseconds(|_| counter.inc());
        own.max(other.join().unwrap_or(f64::INFINITY))
    });
    writeln!(out, "contended {contended:.1}")?;

    // A histogram has a series for each bound, for the sum and for the count.
    let many = registry.histograms("cts_many_seconds", "Many histograms", &["route"], REQUEST_SECONDS);
    let of_each = REQUEST_SECONDS.len() + 3;
    for number in 0..SERIES.div_ceil(of_each) {
        many.with(&[&format!("/v1/route-{number}")]).observe(0.01);
    }
    let mut times: Vec<f64> = (0..TURNS)
        .map(|_| {
            let begun = Instant::now();
            black_box(registry.snapshot().text());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let lines = registry.snapshot().text().lines().filter(|line| !line.starts_with('#')).count();
    writeln!(out, "series {lines}")?;
    writeln!(out, "rendering {:.2}", median(&mut times))
}

fn nanoseconds(record: impl Fn(u32)) -> f64 {
    let mut times: Vec<f64> = (0..TURNS)
        .map(|_| {
            let begun = Instant::now();
            for turn in 0..RECORDS {
                record(black_box(turn));
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(RECORDS)
        })
        .collect();
    median(&mut times)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
