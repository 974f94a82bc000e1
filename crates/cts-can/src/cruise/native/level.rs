//! Something that is on or off, told again and again: the stretches in which it was on.
//!
//! What comes with an earlier time than what came before is left out and counted; so the stretches never overlap. How
//! many of them are kept has a limit that all levels of a scan share.

use super::Run;

/// How many stretches all levels of a scan keep together.
pub(super) const RUNS_MAX: usize = 1 << 20;

/// The stretches in which something was on.
#[derive(Debug, Default)]
pub(super) struct Level {
    runs: Vec<Run>,
    /// Since when it is on, and whether it was when it was first seen.
    on: Option<(f64, bool)>,
    last: Option<f64>,
    pub(super) samples: u64,
    pub(super) late: u64,
    left_out: u64,
}

impl Level {
    /// Takes a sample. `room` is how many more stretches may be kept.
    #[inline]
    pub(super) fn push(&mut self, time: f64, is_on: bool, room: &mut usize) {
        let is_first = self.last.is_none();
        if self.last.is_some_and(|last| time < last) {
            self.late += 1;
            return;
        }
        self.last = Some(time);
        self.samples += 1;
        if is_on == self.on.is_some() {
            return;
        }
        self.change(time, is_first, room);
    }

    fn change(&mut self, time: f64, is_first: bool, room: &mut usize) {
        match self.on.take() {
            None => self.on = Some((time, is_first)),
            Some((start, is_begun_before)) => {
                self.keep(Run { start, end: time, is_begun_before, is_unfinished: false }, room);
            }
        }
    }

    fn keep(&mut self, run: Run, room: &mut usize) {
        if *room == 0 {
            self.left_out += 1;
            return;
        }
        *room -= 1;
        self.runs.push(run);
    }

    /// Returns the stretches, of which one that has not ended goes on to the last sample, and how many were left out.
    pub(super) fn finish(mut self) -> (Vec<Run>, u64) {
        if let (Some((start, is_begun_before)), Some(end)) = (self.on.take(), self.last) {
            // The last one is always kept: whether it is on at the end is worth more than one place.
            self.runs.push(Run { start, end, is_begun_before, is_unfinished: true });
        }
        (self.runs, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(samples: &[(f64, bool)], mut room: usize) -> Level {
        let mut level = Level::default();
        for (time, is_on) in samples {
            level.push(*time, *is_on, &mut room);
        }
        level
    }

    #[test]
    fn stretches_know_whether_their_ends_were_seen() {
        let samples = [(0.0, true), (1.0, false), (2.0, true), (3.0, true), (4.0, false), (5.0, true), (6.0, true)];
        let (runs, left_out) = level(&samples, 9).finish();
        let ends: Vec<_> =
            runs.iter().map(|run| (run.start, run.end, run.is_begun_before, run.is_unfinished)).collect();
        assert_eq!(ends, [(0.0, 1.0, true, false), (2.0, 4.0, false, false), (5.0, 6.0, false, true)]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn late_samples_and_stretches_without_room_are_counted() {
        let samples = [(1.0, true), (0.5, false), (2.0, false), (3.0, true), (4.0, false)];
        let level = level(&samples, 1);
        assert_eq!((level.late, level.samples), (1, 4));
        let (runs, left_out) = level.finish();
        assert_eq!((runs.len(), left_out), (1, 1));
    }
}
