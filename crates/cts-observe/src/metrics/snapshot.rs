//! All values at one moment: the text that Prometheus reads, and sums for summaries.

use prometheus::proto::{Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};

/// All values at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    families: Vec<MetricFamily>,
}

/// One value with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    labels: Vec<(&'a str, &'a str)>,
    /// The value; of a histogram the number of observations.
    pub value: f64,
    /// Of a histogram the sum of what was observed.
    pub sum: f64,
}

impl Sample<'_> {
    /// Returns the value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| *value)
    }
}

impl Snapshot {
    pub(super) fn new(families: Vec<MetricFamily>) -> Self {
        Self { families }
    }

    /// Returns the media type of [`Snapshot::text`].
    #[must_use]
    pub fn media_type() -> &'static str {
        "text/plain; version=0.0.4; charset=utf-8"
    }

    /// Returns the text in Prometheus' exposition format 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = Vec::new();
        TextEncoder::new().encode(&self.families, &mut bytes).expect("memory takes everything, and no family is empty");
        String::from_utf8(bytes).expect("names, labels and numbers are text")
    }

    /// Returns the values of a metric.
    #[must_use]
    pub fn samples(&self, name: &str) -> Vec<Sample<'_>> {
        let family = self.families.iter().find(|family| family.name() == name);
        family.map_or_else(Vec::new, |family| {
            family.get_metric().iter().map(|metric| sample(family.get_field_type(), metric)).collect()
        })
    }

    /// Returns the sum of the values of a metric; 0 when there is none.
    #[must_use]
    pub fn total(&self, name: &str) -> f64 {
        self.samples(name).iter().map(|sample| sample.value).sum()
    }

    /// Returns the sum of the values that have this label.
    #[must_use]
    pub fn total_where(&self, name: &str, label: &str, value: &str) -> f64 {
        self.samples(name).iter().filter(|sample| sample.label(label) == Some(value)).map(|sample| sample.value).sum()
    }

    /// Returns the mean of what a histogram observed; 0 when nothing was.
    #[must_use]
    pub fn mean(&self, name: &str) -> f64 {
        let samples = self.samples(name);
        let count: f64 = samples.iter().map(|sample| sample.value).sum();
        let sum: f64 = samples.iter().map(|sample| sample.sum).sum();
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

fn sample(kind: MetricType, metric: &Metric) -> Sample<'_> {
    let labels = metric.get_label().iter().map(|pair| (pair.name(), pair.value())).collect();
    let (value, sum) = match kind {
        MetricType::COUNTER => (metric.get_counter().get_value(), 0.0),
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            let count = histogram.get_sample_count() as f64;
            (count, histogram.get_sample_sum())
        }
        _ => (metric.get_gauge().get_value(), 0.0),
    };
    Sample { labels, value, sum }
}
