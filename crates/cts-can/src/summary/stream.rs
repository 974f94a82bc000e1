//! One bus and address: what is counted while its frames come, and what is told of it in the end.
//!
//! Frames that come late, so with a time before that of one that was seen, are counted as such, and are no period.

use super::bits::StreamBits;
use super::periods::Periods;
use crate::fields::{Field, Samples, find_fields};
use crate::frame::{Address, Bus, CLASSIC_PAYLOAD_BYTES_MAX, Origin};

/// Bytes of a payload that are looked at and kept: no bus carries more.
pub const PAYLOAD_BYTES_KEPT: usize = 64;

/// The longest time from a frame to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// How long it was, in seconds.
    pub seconds: f64,
    /// The time of the frame before it.
    pub start: f64,
}

/// What is known of a stream so far.
#[derive(Debug)]
pub(super) struct Stream {
    bus: Bus,
    address: Address,
    frames: u64,
    frames_late: u64,
    first_time: f64,
    last_time: f64,
    periods: Periods,
    longest_gap: Option<Gap>,
    length_min: usize,
    length_max: usize,
    last: [u8; PAYLOAD_BYTES_KEPT],
    last_length: usize,
    bits: StreamBits,
    samples: Samples,
}

impl Stream {
    pub(super) fn new(bus: Bus, address: Address) -> Self {
        Self {
            bus,
            address,
            frames: 0,
            frames_late: 0,
            first_time: f64::INFINITY,
            last_time: f64::NEG_INFINITY,
            periods: Periods::default(),
            longest_gap: None,
            length_min: usize::MAX,
            length_max: 0,
            last: [0; PAYLOAD_BYTES_KEPT],
            last_length: 0,
            bits: StreamBits::default(),
            samples: Samples::default(),
        }
    }

    /// Takes a frame.
    #[inline]
    pub(super) fn take(&mut self, time: f64, payload: &[u8]) {
        self.frames += 1;
        if time < self.last_time {
            self.frames_late += 1;
        } else {
            if self.frames > 1 {
                self.period(time - self.last_time);
            }
            self.last_time = time;
        }
        self.first_time = self.first_time.min(time);
        self.length_min = self.length_min.min(payload.len());
        self.length_max = self.length_max.max(payload.len());
        let kept = &payload[..payload.len().min(PAYLOAD_BYTES_KEPT)];
        if self.frames > 1 && self.last[..self.last_length] == *kept {
            return;
        }
        self.last[..kept.len()].copy_from_slice(kept);
        self.last_length = kept.len();
        self.bits.take(kept);
        self.samples.add_unless_known(kept);
    }

    #[inline]
    fn period(&mut self, seconds: f64) {
        self.periods.add(seconds);
        if self.longest_gap.is_none_or(|gap| seconds > gap.seconds) {
            self.longest_gap = Some(Gap { seconds, start: self.last_time });
        }
    }

    /// Returns what is to be told.
    pub(super) fn into_summary(self) -> StreamSummary {
        let counts = self.bits.counts();
        let fields = find_fields((self.bus, self.address), &counts, self.frames - 1, Some(&self.samples));
        StreamSummary {
            bus: self.bus,
            address: self.address,
            name: None,
            frames: self.frames,
            frames_late: self.frames_late,
            first_time: self.first_time,
            last_time: self.last_time,
            periods: self.periods.count(),
            period_median: self.periods.quantile(50),
            period_p95: self.periods.quantile(95),
            longest_gap: self.longest_gap,
            length_min: self.length_min,
            length_max: self.length_max,
            last_payload: self.last[..self.last_length].to_vec(),
            changed: self.bits.changed().take(self.length_max.min(PAYLOAD_BYTES_KEPT)).collect(),
            fields,
        }
    }
}

/// What is told of one bus and address.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSummary {
    /// The bus, as the log has it.
    pub bus: Bus,
    /// The address.
    pub address: Address,
    /// What a DBC file calls the message.
    pub name: Option<String>,
    /// How many frames there are.
    pub frames: u64,
    /// How many of them came after one with a later time.
    pub frames_late: u64,
    /// The earliest time of a frame, in seconds.
    pub first_time: f64,
    /// The latest time of a frame.
    pub last_time: f64,
    /// From how many frames the time to the next is known.
    pub periods: u64,
    /// The middle one of these times, in seconds, within a sixteenth of it.
    pub period_median: Option<f64>,
    /// The one that 95 % of these times do not exceed, within a sixteenth of it.
    pub period_p95: Option<f64>,
    /// The longest of these times.
    pub longest_gap: Option<Gap>,
    /// The length of the shortest payload, in bytes.
    pub length_min: usize,
    /// The length of the longest payload, in bytes.
    pub length_max: usize,
    /// The payload of the frame that was read last, at most [`PAYLOAD_BYTES_KEPT`] bytes.
    pub last_payload: Vec<u8>,
    /// The bits that ever changed, byte by byte as in the payload.
    pub changed: Vec<u8>,
    /// Counters and checksums.
    pub fields: Vec<Field>,
}

impl StreamSummary {
    /// Returns the mean rate, in frames a second, from the first to the last frame.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of frames are far below 2^53")]
    pub fn rate_hz(&self) -> Option<f64> {
        let seconds = self.last_time - self.first_time;
        (seconds > 0.0).then(|| (self.frames - 1) as f64 / seconds)
    }

    /// Returns what happened to its frames.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.bus.origin()
    }

    /// Returns whether some payload is too long for classic CAN.
    #[must_use]
    pub fn is_fd(&self) -> bool {
        self.length_max > CLASSIC_PAYLOAD_BYTES_MAX
    }

    /// Returns how many bits ever changed.
    #[must_use]
    pub fn changed_bits(&self) -> u32 {
        self.changed.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Returns the numbers of the bytes that never changed.
    pub fn constant_bytes(&self) -> impl Iterator<Item = usize> {
        self.changed.iter().enumerate().filter(|(_, changed)| **changed == 0).map(|(byte, _)| byte)
    }
}
