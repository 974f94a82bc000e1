//! One attempt of a run, as a machine without IO.
//!
//! The shell around it (`attempt.rs`) turns what happens outside into an [`Event`] and does the [`Effect`] that comes
//! out. Time comes in with the event; nothing here reads a clock.
//!
//! Invariants: an attempt ends once, with the first cause; `Kill` never comes before `Terminate` and the whole grace
//! period, but for the second signal to the service; after `Kill` it waits at most [`Timing::kill_wait`].

use std::time::Duration;

/// Time since the attempt's start.
pub(crate) type Elapsed = Duration;

/// The times of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// The tool is asked to end after this long.
    pub(crate) timeout: Duration,
    /// Between the soft stop and the hard one.
    pub(crate) grace: Duration,
    /// After the hard stop the attempt is given up when its end is not seen within this long.
    pub(crate) kill_wait: Duration,
}

/// What happens to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A sleep is over, or nothing in particular.
    Woke,
    /// Somebody asked for the run's end.
    CancelAsked,
    /// The service is stopping and its time is over.
    StopAsked,
    /// The service must end at once.
    KillAsked,
    /// No process of the attempt is left.
    Ended,
}

/// Why an attempt was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It took longer than its time limit.
    Timeout,
    /// Somebody asked for the run's end.
    Canceled,
    /// The service is stopping.
    Stopped,
}

/// What the shell has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Wake the machine at this time, or earlier.
    Sleep {
        /// Since the attempt's start.
        until: Elapsed,
    },
    /// Ask every process to end, then wake at `kill_at`.
    Terminate {
        /// Why.
        cause: Cause,
        /// When the hard stop comes.
        kill_at: Elapsed,
    },
    /// End every process, then wake at `give_up_at`.
    Kill {
        /// When the attempt is given up.
        give_up_at: Elapsed,
    },
    /// Nothing is left to do: judge how it ended.
    Finish {
        /// Why it was stopped, when it did not end by itself.
        cause: Option<Cause>,
        /// Whether the end of all processes was seen.
        seen: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum State {
    Running,
    Terminating { cause: Cause, kill_at: Elapsed },
    Killed { cause: Cause, give_up_at: Elapsed },
    Ended,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Machine {
    timing: Timing,
    state: State,
}

impl Machine {
    /// Returns the machine of an attempt that starts now, and what to do first.
    pub(crate) fn start(timing: Timing) -> (Self, Effect) {
        (Self { timing, state: State::Running }, Effect::Sleep { until: timing.timeout })
    }

    /// Returns what to do after `event`, which happened at `now`.
    pub(crate) fn on(&mut self, now: Elapsed, event: Event) -> Option<Effect> {
        match (self.state, event) {
            (State::Ended, _) => None,
            (State::Running, Event::Ended) => Some(self.finish(None, true)),
            (State::Terminating { cause, .. } | State::Killed { cause, .. }, Event::Ended) => {
                Some(self.finish(Some(cause), true))
            }
            (State::Running, Event::CancelAsked) => Some(self.terminate(now, Cause::Canceled)),
            (State::Running, Event::StopAsked) => Some(self.terminate(now, Cause::Stopped)),
            (State::Running, Event::Woke) if now >= self.timing.timeout => Some(self.terminate(now, Cause::Timeout)),
            (State::Running, Event::Woke) => Some(Effect::Sleep { until: self.timing.timeout }),
            (State::Running, Event::KillAsked) => Some(self.kill(now, Cause::Stopped)),
            (State::Terminating { cause, .. }, Event::KillAsked) => Some(self.kill(now, cause)),
            (State::Terminating { cause, kill_at }, Event::Woke) if now >= kill_at => Some(self.kill(now, cause)),
            // The first cause stays; asking again does not shorten the grace period.
            (State::Terminating { kill_at, .. }, _) => Some(Effect::Sleep { until: kill_at }),
            (State::Killed { cause, give_up_at }, Event::Woke) if now >= give_up_at => {
                Some(self.finish(Some(cause), false))
            }
            (State::Killed { give_up_at, .. }, _) => Some(Effect::Sleep { until: give_up_at }),
        }
    }

    fn terminate(&mut self, now: Elapsed, cause: Cause) -> Effect {
        let kill_at = now + self.timing.grace;
        self.state = State::Terminating { cause, kill_at };
        Effect::Terminate { cause, kill_at }
    }

    fn kill(&mut self, now: Elapsed, cause: Cause) -> Effect {
        let give_up_at = now + self.timing.kill_wait;
        self.state = State::Killed { cause, give_up_at };
        Effect::Kill { give_up_at }
    }

    fn finish(&mut self, cause: Option<Cause>, seen: bool) -> Effect {
        self.state = State::Ended;
        Effect::Finish { cause, seen }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    const TIMING: Timing =
        Timing { timeout: Duration::from_secs(10), grace: Duration::from_secs(3), kill_wait: Duration::from_secs(5) };

    fn check(events: &[(u64, Event)], expected: Expect) {
        let (mut machine, first) = Machine::start(TIMING);
        let mut text = format!("0 start -> {first:?}\n");
        for (second, event) in events {
            let effect = machine.on(Duration::from_secs(*second), *event);
            text += &format!("{second} {event:?} -> {}\n", effect.map_or("nothing".into(), |e| format!("{e:?}")));
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn a_tool_that_ends_by_itself_is_judged_by_its_exit() {
        check(
            &[(4, Event::Woke), (5, Event::Ended), (6, Event::CancelAsked)],
            expect![[r#"
            0 start -> Sleep { until: 10s }
            4 Woke -> Sleep { until: 10s }
            5 Ended -> Finish { cause: None, seen: true }
            6 CancelAsked -> nothing
        "#]],
        );
    }

    #[test]
    fn a_tool_that_ignores_the_time_limit_is_killed_after_the_grace_period() {
        check(
            &[(10, Event::Woke), (12, Event::Woke), (12, Event::CancelAsked), (13, Event::Woke), (14, Event::Ended)],
            expect![[r#"
                0 start -> Sleep { until: 10s }
                10 Woke -> Terminate { cause: Timeout, kill_at: 13s }
                12 Woke -> Sleep { until: 13s }
                12 CancelAsked -> Sleep { until: 13s }
                13 Woke -> Kill { give_up_at: 18s }
                14 Ended -> Finish { cause: Some(Timeout), seen: true }
            "#]],
        );
    }

    #[test]
    fn what_cannot_be_killed_is_given_up_and_said_to_be() {
        check(
            &[(1, Event::CancelAsked), (4, Event::Woke), (8, Event::Woke), (9, Event::Woke)],
            expect![[r#"
            0 start -> Sleep { until: 10s }
            1 CancelAsked -> Terminate { cause: Canceled, kill_at: 4s }
            4 Woke -> Kill { give_up_at: 9s }
            8 Woke -> Sleep { until: 9s }
            9 Woke -> Finish { cause: Some(Canceled), seen: false }
        "#]],
        );
    }

    #[test]
    fn a_second_signal_ends_all_at_once() {
        check(
            &[(1, Event::StopAsked), (2, Event::KillAsked), (2, Event::Ended)],
            expect![[r#"
            0 start -> Sleep { until: 10s }
            1 StopAsked -> Terminate { cause: Stopped, kill_at: 4s }
            2 KillAsked -> Kill { give_up_at: 7s }
            2 Ended -> Finish { cause: Some(Stopped), seen: true }
        "#]],
        );
    }

    fn any_event() -> impl Strategy<Value = Event> {
        use Event::{CancelAsked, Ended, KillAsked, StopAsked, Woke};
        prop::sample::select(vec![Woke, Woke, Woke, CancelAsked, StopAsked, KillAsked, Ended])
    }

    proptest! {
        #[test]
        fn an_attempt_ends_once_and_is_never_killed_before_its_grace_is_over(
            steps in prop::collection::vec((0_u64..8, any_event()), 0..40)
        ) {
            let (mut machine, _) = Machine::start(TIMING);
            let (mut now, mut kill_at, mut finished) = (Duration::ZERO, None, 0);
            for (wait, event) in steps {
                now += Duration::from_secs(wait);
                match machine.on(now, event) {
                    Some(Effect::Terminate { kill_at: at, .. }) => {
                        prop_assert_eq!(kill_at, None, "asked to end once");
                        kill_at = Some(at);
                    }
                    Some(Effect::Kill { .. }) if event != Event::KillAsked => {
                        prop_assert!(kill_at.is_some_and(|at| now >= at));
                    }
                    Some(Effect::Finish { .. }) => finished += 1,
                    Some(Effect::Sleep { until }) => {
                        prop_assert!(until >= now || event != Event::Woke);
                    }
                    _ => {}
                }
            }
            prop_assert!(finished <= 1);
        }
    }
}
