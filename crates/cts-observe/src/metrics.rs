//! What CTS counts and measures, and how that is told: one registry, from which the text for Prometheus and the summary
//! for people are made.
//!
//! Metrics are fields of the structs of the planes; who counts holds a handle and touches atomics only. Labels are
//! bounded by their type: the variants of an enum ([`Label`]), a list that is known at the start ([`Family`]), or names
//! up to a limit ([`Capped`]), beyond which everything is `other`.

mod label;
mod machine;
mod snapshot;

use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};

pub use label::{Capped, Family, Label, Labeled, OTHER};
pub use machine::{Machine, MachineMetrics, ProcessMetrics};
pub use snapshot::{Sample, Snapshot};

/// A number that only grows.
pub type Counter = prometheus::IntCounter;
/// A number that goes up and down.
pub type Gauge = prometheus::IntGauge;
/// The same with a fraction.
pub type FloatGauge = prometheus::Gauge;
/// How often something took how long, or was how large.
pub type Histogram = prometheus::Histogram;

/// Bounds for requests: from half a millisecond to a minute, in seconds.
pub const REQUEST_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// Bounds for writes to a database: from a tenth of a millisecond to ten seconds, in seconds.
pub const WRITE_SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// Bounds for work: from ten milliseconds to a day, in seconds.
pub const WORK_SECONDS: &[f64] =
    &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// What a metric is, for the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, which begins with `cts_`, `process_` or `system_`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it tells, with its unit.
    pub help: String,
}

/// All metrics of a process.
#[derive(Debug, Default)]
pub struct Registry {
    collectors: prometheus::Registry,
    descriptions: Mutex<Vec<Description>>,
}

impl Registry {
    /// Returns an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a counter; its name ends in `_total`.
    ///
    /// # Panics
    /// This and all that follow: when the name is taken or malformed, which the first test that builds the metrics shows.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        let counter = Counter::with_opts(Opts::new(name, help)).expect("the name is well formed");
        self.add(&counter, name, "counter", &[], help)
    }

    /// Adds a counter with fractions.
    #[must_use]
    pub fn float_counter(&self, name: &str, help: &str) -> prometheus::Counter {
        let counter = prometheus::Counter::with_opts(Opts::new(name, help)).expect("the name is well formed");
        self.add(&counter, name, "counter", &[], help)
    }

    /// Adds a gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::with_opts(Opts::new(name, help)).expect("the name is well formed");
        self.add(&gauge, name, "gauge", &[], help)
    }

    /// Adds a gauge with fractions.
    #[must_use]
    pub fn float_gauge(&self, name: &str, help: &str) -> FloatGauge {
        let gauge = FloatGauge::with_opts(Opts::new(name, help)).expect("the name is well formed");
        self.add(&gauge, name, "gauge", &[], help)
    }

    /// Adds a histogram with these upper bounds.
    #[must_use]
    pub fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        let histogram = Histogram::with_opts(options).expect("the name and the bounds are well formed");
        self.add(&histogram, name, "histogram", &[], help)
    }

    /// Adds counters, one for each combination of labels that is asked for.
    #[must_use]
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Family<Counter> {
        let family = IntCounterVec::new(Opts::new(name, help), labels).expect("names are well formed");
        Family::new(self.add(&family, name, "counter", labels, help))
    }

    /// Adds gauges, one for each combination of labels that is asked for.
    #[must_use]
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Family<Gauge> {
        let family = IntGaugeVec::new(Opts::new(name, help), labels).expect("names are well formed");
        Family::new(self.add(&family, name, "gauge", labels, help))
    }

    /// Adds gauges with fractions, one for each combination of labels that is asked for.
    #[must_use]
    pub fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> Family<FloatGauge> {
        let family = GaugeVec::new(Opts::new(name, help), labels).expect("names are well formed");
        Family::new(self.add(&family, name, "gauge", labels, help))
    }

    /// Adds histograms, one for each combination of labels that is asked for.
    #[must_use]
    pub fn histograms(&self, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> Family<Histogram> {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        let family = HistogramVec::new(options, labels).expect("names and bounds are well formed");
        Family::new(self.add(&family, name, "histogram", labels, help))
    }

    /// Returns what every metric is, sorted by name.
    #[must_use]
    pub fn descriptions(&self) -> Vec<Description> {
        let mut all = self.descriptions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Returns all values as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.collectors.gather())
    }

    fn add<C: Collector + Clone + 'static>(
        &self,
        collector: &C,
        name: &str,
        kind: &'static str,
        labels: &[&str],
        help: &str,
    ) -> C {
        self.collectors.register(Box::new(collector.clone())).expect("every metric is added once");
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let description = Description { name: name.to_owned(), kind, labels, help: help.to_owned() };
        self.descriptions.lock().unwrap_or_else(PoisonError::into_inner).push(description);
        collector.clone()
    }
}

/// A kind of metric that a family can hold.
pub trait Member: Clone {
    /// Where its members come from.
    type Vector: Clone;

    /// Returns the member with these values of the labels.
    fn of(vector: &Self::Vector, values: &[&str]) -> Self;
}

impl Member for Counter {
    type Vector = IntCounterVec;

    fn of(vector: &IntCounterVec, values: &[&str]) -> Self {
        vector.with_label_values(values)
    }
}

impl Member for Gauge {
    type Vector = IntGaugeVec;

    fn of(vector: &IntGaugeVec, values: &[&str]) -> Self {
        vector.with_label_values(values)
    }
}

impl Member for FloatGauge {
    type Vector = GaugeVec;

    fn of(vector: &GaugeVec, values: &[&str]) -> Self {
        vector.with_label_values(values)
    }
}

impl Member for Histogram {
    type Vector = HistogramVec;

    fn of(vector: &HistogramVec, values: &[&str]) -> Self {
        vector.with_label_values(values)
    }
}

#[cfg(test)]
mod tests;
