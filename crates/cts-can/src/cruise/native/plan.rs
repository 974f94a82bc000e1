//! What is known of the times before bits are measured: windows, presses, and when the car was engaged.
//!
//! The ends of the windows cut the time into parts; of each part it is known which windows it lies in. A part in no
//! window is a gap. A window that overlaps others has several parts.

use super::{Run, Stretch, WindowFound};

/// Seconds before a press in which an edge belongs to it: frames of other devices may come a little earlier.
pub(super) const PRESS_BEFORE: f64 = 0.1;

/// Seconds after the release in which an edge belongs to the press.
pub(super) const PRESS_AFTER: f64 = 0.5;

/// A part that there is not.
pub(super) const NO_PART: u16 = u16::MAX;

/// A group of presses that there is not.
pub(super) const NO_PRESS: u32 = u32::MAX;

/// The parts that the windows cut the time into.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Where the next part begins; with true behind the moment, with false at it.
    bounds: Vec<(f64, bool)>,
    /// The windows that each part lies in.
    windows: Vec<Vec<u16>>,
    /// The first part of each window.
    first: Vec<u16>,
    /// The last part of each window.
    last: Vec<u16>,
    /// The gaps before and after each window.
    gaps: Vec<(u16, u16)>,
}

impl Parts {
    /// Cuts the time; windows stand in the order of their starts.
    pub(super) fn new(windows: &[Stretch]) -> Self {
        let mut bounds: Vec<(f64, bool)> = windows.iter().flat_map(|of| [(of.start, false), (of.end, true)]).collect();
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        bounds.dedup();
        let mut parts = Self { bounds, ..Self::default() };
        parts.windows = vec![Vec::new(); parts.bounds.len() + 1];
        let number = |index: usize| u16::try_from(index).expect("there are fewer windows and parts");
        for (index, window) in windows.iter().enumerate() {
            let (first, last) = (parts.part(window.start), parts.part(window.end));
            parts.first.push(first);
            parts.last.push(last);
            parts.windows[usize::from(first)..=usize::from(last)].iter_mut().for_each(|of| of.push(number(index)));
        }
        for window in windows {
            let (first, last) = (usize::from(parts.part(window.start)), usize::from(parts.part(window.end)));
            // The first and the last part lie in no window.
            let before = (0..first).rev().find(|part| parts.windows[*part].is_empty()).unwrap_or(0);
            let after = (last + 1..parts.windows.len()).find(|part| parts.windows[*part].is_empty()).unwrap_or(last);
            parts.gaps.push((number(before), number(after)));
        }
        parts
    }

    pub(super) fn count(&self) -> usize {
        self.windows.len()
    }

    /// Returns the part that a moment lies in.
    pub(super) fn part(&self, time: f64) -> u16 {
        let part = self.bounds.partition_point(|(bound, is_behind)| *bound < time || *bound == time && !is_behind);
        u16::try_from(part).expect("there are two bounds for each window at most")
    }

    /// Returns the windows that a part lies in.
    pub(super) fn windows(&self, part: u16) -> &[u16] {
        &self.windows[usize::from(part)]
    }

    /// Returns the first part of a window.
    pub(super) fn first(&self, window: u16) -> u16 {
        self.first[usize::from(window)]
    }

    pub(super) fn windows_count(&self) -> usize {
        self.first.len()
    }

    /// Returns the parts of a window.
    pub(super) fn range(&self, window: u16) -> std::ops::RangeInclusive<u16> {
        let (first, last) = (self.first(window), self.last[usize::from(window)]);
        first..=last
    }

    /// Returns the gaps before and after a window.
    pub(super) fn gaps(&self, window: usize) -> (u16, u16) {
        self.gaps[window]
    }

    /// Returns the times of a part within a log.
    pub(super) fn stretch(&self, part: u16, log: Stretch) -> Stretch {
        let part = usize::from(part);
        let start = part.checked_sub(1).map_or(log.start, |index| self.bounds[index].0);
        let end = self.bounds.get(part).map_or(log.end, |bound| bound.0);
        clipped(Stretch { start, end }, log)
    }
}

/// Returns what a log has of a stretch; where that is nothing, a stretch without length at the nearer end of the log.
pub(super) fn clipped(stretch: Stretch, log: Stretch) -> Stretch {
    let start = stretch.start.clamp(log.start, log.end);
    Stretch { start, end: stretch.end.clamp(start, log.end) }
}

/// Returns the share of a log that stretches cover, which are sorted and do not overlap.
pub(super) fn share(stretches: &[Stretch], log: Stretch) -> f64 {
    let inside: f64 = stretches.iter().map(|of| clipped(*of, log).seconds()).sum();
    if log.seconds() > 0.0 { (inside / log.seconds()).min(1.0) } else { 0.0 }
}

/// Returns runs with a margin at both ends, those that touch joined.
pub(super) fn padded(runs: &[Run], before: f64, after: f64) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for run in runs {
        let (start, end) = (run.start - before, run.end + after);
        match joined.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => joined.push(Stretch { start, end }),
        }
    }
    joined
}

/// Returns whether a moment lies in one of the stretches, which are sorted and do not overlap; their ends belong to them.
pub(super) fn lies_in(stretches: &[Stretch], time: f64) -> bool {
    stretch_at(stretches, time).is_some()
}

/// Returns the number of the stretch that a moment lies in.
pub(super) fn stretch_at(stretches: &[Stretch], time: f64) -> Option<usize> {
    let after = stretches.partition_point(|stretch| stretch.start <= time);
    let index = after.checked_sub(1)?;
    (time <= stretches[index].end).then_some(index)
}

/// How long the car was engaged up to any moment.
#[derive(Debug, Default)]
pub(super) struct EngagedClock {
    /// Start and end of each time, and how long it was engaged before.
    runs: Vec<(f64, f64, f64)>,
}

impl EngagedClock {
    pub(super) fn new(runs: &[Run]) -> Self {
        let mut before = 0.0;
        let mut clock = Self::default();
        for run in runs {
            clock.runs.push((run.start, run.end, before));
            before += run.seconds();
        }
        clock
    }

    /// Returns the seconds up to a moment in which it was engaged.
    pub(super) fn at(&self, time: f64) -> f64 {
        let after = self.runs.partition_point(|(start, ..)| *start <= time);
        let Some((start, end, before)) = after.checked_sub(1).map(|index| self.runs[index]) else { return 0.0 };
        before + time.min(end) - start
    }

    /// Returns the seconds of a stretch in which it was engaged.
    pub(super) fn within(&self, stretch: Stretch) -> f64 {
        (self.at(stretch.end) - self.at(stretch.start)).max(0.0)
    }
}

/// What is known when bits are measured.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The `can` events of the log, from the first to the last.
    pub(super) log: Stretch,
    pub(super) parts: Parts,
    /// Presses with their margins, those that touch joined.
    pub(super) presses: Vec<Stretch>,
    pub(super) engaged: EngagedClock,
}

/// What is known of a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) time: f64,
    /// Seconds before it in which the car was engaged.
    pub(super) engaged: f64,
    pub(super) part: u16,
    /// The group of presses that it lies in.
    pub(super) press: u32,
}

impl Plan {
    pub(super) fn moment(&self, time: f64) -> Moment {
        let press = stretch_at(&self.presses, time).and_then(|index| u32::try_from(index).ok());
        Moment { time, engaged: self.engaged.at(time), part: self.parts.part(time), press: press.unwrap_or(NO_PRESS) }
    }
}

/// Puts what the log has of windows and of the gaps beside them into them.
pub(super) fn place_windows(windows: &mut [WindowFound], parts: &Parts, log: Stretch) {
    for (index, window) in windows.iter_mut().enumerate() {
        let (before, after) = parts.gaps(index);
        window.inside = clipped(window.window, log);
        window.before = parts.stretch(before, log);
        window.after = parts.stretch(after, log);
    }
}

#[cfg(test)]
mod tests;
