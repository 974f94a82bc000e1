//! What buttons, cruise control and brake did: changes from one decoded frame to the next.
//!
//! The first frame has nothing before it and changes nothing, so a button that is down in it was never pressed.

use super::FOUND_MAX;
use super::limited::Limited;
use super::messages::{Brake, Buttons, Status};

/// How often the decoded signals changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalChanges {
    /// Frames in which a button differs from the frame before.
    pub buttons: u64,
    /// Frames in which the state of cruise control differs.
    pub status: u64,
    /// Those of them in which cruise control became active.
    pub status_activations: u64,
    /// Frames in which braking by cruise control differs.
    pub brake: u64,
    /// Those of them in which it became active.
    pub brake_activations: u64,
}

/// The signals so far.
#[derive(Debug)]
pub(super) struct Signals {
    buttons: Option<Buttons>,
    status: Option<Status>,
    brake: Option<Brake>,
    changes: SignalChanges,
    set_presses: Limited<f64>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            buttons: None,
            status: None,
            brake: None,
            changes: SignalChanges::default(),
            set_presses: Limited::new(FOUND_MAX),
        }
    }
}

impl Signals {
    pub(super) fn buttons(&mut self, time: f64, now: Buttons) {
        let Some(before) = self.buttons.replace(now).filter(|before| *before != now) else { return };
        self.changes.buttons += 1;
        if now.set && !before.set {
            self.set_presses.push(time);
        }
    }

    pub(super) fn status(&mut self, now: Status) {
        let Some(before) = self.status.replace(now).filter(|before| *before != now) else { return };
        self.changes.status += 1;
        self.changes.status_activations += u64::from(now.activated && !before.activated);
    }

    pub(super) fn brake(&mut self, now: Brake) {
        let Some(before) = self.brake.replace(now).filter(|before| *before != now) else { return };
        self.changes.brake += 1;
        self.changes.brake_activations += u64::from(now.activated && !before.activated);
    }

    /// Returns the changes, when the set button was pressed, and how many presses were too many.
    pub(super) fn finish(self) -> (SignalChanges, Vec<f64>, u64) {
        let (presses, left_out) = self.set_presses.into_parts();
        (self.changes, presses, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_is_set_going_down() {
        let rows: [(&[u64], u64, &[f64]); 5] = [
            (&[0, 0], 0, &[]),
            (&[1 << 43, 1 << 43], 0, &[]),
            (&[0, 1 << 43, 1 << 43, 0, 1 << 43], 3, &[1.0, 4.0]),
            (&[1 << 43, 0, 1 << 43 | 1 << 42], 2, &[2.0]),
            (&[0, 1 << 42, 1 << 42 | 1 << 44, 0], 3, &[]),
        ];
        for (words, changes, presses) in rows {
            let mut signals = Signals::default();
            for (second, word) in (0_u32..).zip(words) {
                signals.buttons(f64::from(second), Buttons::decode(*word));
            }
            let (found, times, _) = signals.finish();
            assert_eq!((found.buttons, times.as_slice()), (changes, presses), "{words:x?}");
        }
    }

    #[test]
    fn activations_are_among_the_changes() {
        let mut signals = Signals::default();
        for word in [0, 1 << 54, 1 << 54 | 1 << 55, 1 << 54 | 1 << 55 | 1 << 60, 0] {
            signals.status(Status::decode(word));
        }
        for word in [1 << 39, 0, 1 << 38, 1 << 38 | 1 << 39] {
            signals.brake(Brake::decode(word));
        }
        let expected = SignalChanges { buttons: 0, status: 4, status_activations: 1, brake: 3, brake_activations: 1 };
        assert_eq!(signals.finish().0, expected);
    }

    #[test]
    fn more_presses_than_fit_are_counted() {
        let mut signals = Signals::default();
        for _ in 0..=FOUND_MAX {
            signals.buttons(1.0, Buttons::decode(0));
            signals.buttons(1.0, Buttons::decode(1 << 43));
        }
        let (_, presses, left_out) = signals.finish();
        assert_eq!((presses.len(), left_out), (FOUND_MAX, 1));
    }
}
