//! Which of the bits that toggled in the windows only are likely to be what the user did, and why.
//!
//! The score is a sum of four parts, 100 at most:
//! - 50 × the share of the windows in which the pulses are those of the pattern;
//! - 20 × the share of the windows in which the bit toggles at all;
//! - 15 × n / (n + 20), where n is the number of frames outside of the windows, all without a toggle;
//! - 15 × how near the number of toggles is to that of the pattern in these windows: the smaller over the larger.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::followed::FollowedBit;
use super::{PulsePattern, Window};
use crate::bitwatch::streams::Stream;
use crate::frame::{Address, Bus};
use crate::segments::Segment;

/// So many quiet frames outside of the windows are half of the evidence that there can be.
const QUIET_FRAMES_HALF: f64 = 20.0;

/// What a bit did in one window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowPulses {
    /// The number of the window, from 1.
    pub window: usize,
    /// Whether the bit is 1 in its pulses, and 0 at rest.
    pub is_active_high: bool,
    /// How often it toggled.
    pub toggles: u64,
    /// How long the pulses were, in seconds; of very many only the first, and none where very many bits have pulses.
    pub pulses: Vec<f64>,
    /// How many pulses there were.
    pub pulse_count: u64,
    /// Whether the last pulse had not ended with the window, and was measured up to its end.
    pub is_unfinished: bool,
    /// Whether the pulses are those of the pattern.
    pub shows_pattern: bool,
}

/// A bit that toggled in the windows only.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The bus.
    pub bus: Bus,
    /// The address.
    pub address: Address,
    /// The bit, 8 × byte + bit, where bit 0 is the least significant one of its byte.
    pub bit: u16,
    /// How often it toggled.
    pub toggles: u64,
    /// The time of its first toggle.
    pub first_time: f64,
    /// Frames of its stream outside of the windows, all without a toggle of it.
    pub frames_outside: u64,
    /// How many windows there are.
    pub windows: usize,
    /// What it did in the windows in which it toggled.
    pub pulses: Vec<WindowPulses>,
    /// How likely it is what the user did, from 0 to 100.
    pub score: f64,
    order: u64,
}

impl Candidate {
    pub(super) fn new(
        stream: &Stream,
        bit: u16,
        followed: FollowedBit,
        windows: &[Window],
        pattern: &PulsePattern,
    ) -> Self {
        let (order, first_time) = (followed.order, followed.first_time);
        let pulses: Vec<WindowPulses> = followed
            .into_windows()
            .map(|found| {
                let mut pulses = found.pulses;
                let end = windows[usize::from(found.window)].end;
                let unfinished = found.begun.filter(|begun| end > *begun).map(|begun| end - begun);
                let pulse_count = found.pulse_count + u64::from(unfinished.is_some());
                let all_fit = found.all_fit && unfinished.is_none_or(|pulse| pattern.takes(pulse));
                pulses.extend(unfinished);
                WindowPulses {
                    window: usize::from(found.window) + 1,
                    is_active_high: !found.rests_high,
                    toggles: found.toggles,
                    pulses,
                    pulse_count,
                    is_unfinished: unfinished.is_some(),
                    shows_pattern: all_fit && pulse_count == u64::from(pattern.count),
                }
            })
            .collect();
        let mut candidate = Self {
            bus: stream.bus,
            address: stream.address,
            bit,
            toggles: pulses.iter().map(|window| window.toggles).sum(),
            first_time,
            frames_outside: stream.frames[Segment::Pre as usize] + stream.frames[Segment::Post as usize],
            windows: windows.len(),
            pulses,
            score: 0.0,
            order,
        };
        candidate.score = candidate.scored(pattern);
        candidate
    }

    /// Returns whether the pulses of some window are those of the pattern.
    #[must_use]
    pub fn shows_pattern(&self) -> bool {
        self.pulses.iter().any(|window| window.shows_pattern)
    }

    /// Returns what speaks for the bit.
    #[must_use]
    pub fn evidence(&self, pattern: &PulsePattern) -> String {
        let shown = self.pulses.iter().filter(|window| window.shows_pattern).count();
        let mut text = format!(
            "toggles in {} of {} windows; pulses are {pattern} in {shown}; quiet in {} frames outside",
            self.pulses.len(),
            self.windows,
            self.frames_outside
        );
        let pulses: u64 = self.pulses.iter().map(|window| window.pulse_count).sum();
        let _ = write!(text, "; {} toggles, {pulses} pulses", self.toggles);
        text
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of frames are far below 2^53")]
    fn scored(&self, pattern: &PulsePattern) -> f64 {
        let windows = self.windows.max(1) as f64;
        let shown = self.pulses.iter().filter(|window| window.shows_pattern).count() as f64 / windows;
        let toggled = self.pulses.len() as f64 / windows;
        let outside = self.frames_outside as f64;
        let quiet = outside / (outside + QUIET_FRAMES_HALF);
        let expected = 2.0 * f64::from(pattern.count) * self.pulses.len() as f64;
        let toggles = self.toggles as f64;
        let near = if toggles > 0.0 { expected.min(toggles) / expected.max(toggles) } else { 0.0 };
        50.0 * shown + 20.0 * toggled + 15.0 * quiet + 15.0 * near
    }
}

/// Puts the likely ones first; equal ones by their first toggle.
pub(super) fn rank(candidates: &mut [Candidate]) {
    // Tenths, as they are shown: what looks equal is ordered by time.
    #[expect(clippy::cast_possible_truncation, reason = "a score is between 0 and 100")]
    let tenths = |score: f64| (score * 10.0).round() as i64;
    candidates.sort_by_key(|candidate| {
        (Reverse(tenths(candidate.score)), candidate.order, candidate.bus, candidate.address, candidate.bit)
    });
}
