//! Streams that fell silent: paused for much longer than they use to, or stopped before the others did.
//!
//! Only streams that come regularly are judged: those with enough periods of which nearly all are about alike. What is
//! sent when something happens is silent most of the time, and that tells nothing.

use super::StreamSummary;
use crate::frame::{Address, Bus};

/// A stream is judged from this many periods on.
pub const PERIODS_MIN: u64 = 20;

/// A regular stream has 95 % of its periods below so many times the middle one.
const REGULAR_FACTOR_MAX: f64 = 3.0;

/// A silence is at least so many of the periods that 95 % do not exceed.
const SILENCE_FACTOR_MIN: f64 = 5.0;

/// A silence has at least so many seconds: the device itself pauses for shorter ones.
const SILENCE_SECONDS_MIN: f64 = 0.25;

/// What a silence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceKind {
    /// Frames came again after it.
    Paused,
    /// No frame came any more, although there are frames of other addresses on the bus.
    Stopped,
}

/// A time without frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silence {
    /// The bus.
    pub bus: Bus,
    /// The address.
    pub address: Address,
    /// What it is.
    pub kind: SilenceKind,
    /// The time of the last frame before it.
    pub start: f64,
    /// How long it was, in seconds; of one that stopped up to the last frame on its bus.
    pub seconds: f64,
    /// The time from a frame to the next that is usual for the stream.
    pub period_median: f64,
}

/// Returns the silences of streams that stand by bus; the longest first, equal ones by bus and address.
pub(super) fn silences(streams: &[StreamSummary]) -> Vec<Silence> {
    let mut found = Vec::new();
    for bus in streams.chunk_by(|a, b| a.bus == b.bus) {
        let end = bus.iter().map(|stream| stream.last_time).fold(f64::NEG_INFINITY, f64::max);
        for stream in bus {
            let (Some(median), Some(p95)) = (stream.period_median, stream.period_p95) else { continue };
            if stream.periods < PERIODS_MIN || p95 > REGULAR_FACTOR_MAX * median {
                continue;
            }
            let limit = (SILENCE_FACTOR_MIN * p95).max(SILENCE_SECONDS_MIN);
            let paused = stream.longest_gap.map(|gap| (SilenceKind::Paused, gap.start, gap.seconds));
            let stopped = (SilenceKind::Stopped, stream.last_time, end - stream.last_time);
            for (kind, start, seconds) in paused.into_iter().chain([stopped]).filter(|(.., seconds)| *seconds >= limit)
            {
                found.push(Silence {
                    bus: stream.bus,
                    address: stream.address,
                    kind,
                    start,
                    seconds,
                    period_median: median,
                });
            }
        }
    }
    found.sort_by(|a, b| {
        b.seconds
            .total_cmp(&a.seconds)
            .then((a.bus, a.address, a.start).partial_cmp(&(b.bus, b.address, b.start)).expect("times are finite"))
    });
    found
}
