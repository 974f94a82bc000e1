//! The states of a run under every order of events.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::clock::{Ids, ManualClock};
use crate::ctx::{Actor, Ctx};
use crate::fault::Code;

fn new_run() -> (Run, WorkerId) {
    let ids = Ids::new(ManualClock::new(Timestamp::from_ms(1_000)) as Arc<dyn crate::Clock>);
    let cx = Ctx { request_id: "r1".parse().unwrap(), actor: Actor::System, trace: None, change: None };
    let request = RunRequest {
        tool_id: "demo".parse().unwrap(),
        tool_version: "1".into(),
        name: None,
        labels: BTreeMap::new(),
        priority: 0,
        params: JsonMap::new(),
        secret_params: BTreeMap::from([("key".into(), Secret::new("s".into()))]),
        inputs: Vec::new(),
        timeout: Duration::from_secs(30),
        environment: BTreeMap::new(),
        max_attempts: 3,
        concurrency_key: None,
        owner: None,
    };
    (Run::new(RunId::new(&ids), &cx, request, Timestamp::from_ms(1_000)), WorkerId::new(&ids))
}

fn ended(attempt: u32, outcome: Outcome) -> RunEvent {
    let fault = (outcome == Outcome::ToolError).then(|| Fault::new(Code::ToolFailed, "the tool failed"));
    RunEvent::Ended { attempt, outcome, fault, usage: Usage::default() }
}

fn requeued(attempt: u32) -> RunEvent {
    RunEvent::Requeued {
        attempt,
        outcome: Outcome::SystemError,
        fault: None,
        not_before: None,
        usage: Usage::default(),
    }
}

#[test]
fn a_late_write_of_an_older_attempt_changes_nothing() {
    let (mut run, worker) = new_run();
    let now = Timestamp::from_ms(2_000);
    run.apply(now, RunEvent::Claimed { worker }).unwrap();
    run.apply(now, requeued(1)).unwrap();
    run.apply(now, RunEvent::Claimed { worker }).unwrap();
    let before = run.clone();
    assert!(matches!(run.apply(now, ended(1, Outcome::Completed)), Err(BadTransition::Fenced { .. })));
    assert_eq!(run, before);
}

#[test]
fn a_run_that_was_asked_to_end_is_not_tried_again() {
    let (mut run, worker) = new_run();
    let now = Timestamp::from_ms(2_000);
    run.apply(now, RunEvent::Claimed { worker }).unwrap();
    run.apply(now, RunEvent::CancelAsked).unwrap();
    assert_eq!(run.state, RunState::Running);
    run.apply(now, requeued(1)).unwrap();
    assert_eq!(run.state, RunState::Canceled);
    assert!(run.request.secret_params.is_empty(), "secrets are dropped at the end");
}

#[test]
fn a_canceled_run_never_starts() {
    let (mut run, worker) = new_run();
    run.apply(Timestamp::from_ms(2), RunEvent::CancelAsked).unwrap();
    assert!(run.apply(Timestamp::from_ms(3), RunEvent::Claimed { worker }).is_err());
    assert_eq!((run.state, run.attempt), (RunState::Canceled, 0));
}

fn any_event(worker: WorkerId) -> impl Strategy<Value = RunEvent> {
    prop_oneof![
        Just(RunEvent::Claimed { worker }),
        (0_u32..4).prop_map(requeued),
        (0_u32..4, prop::sample::select(&Outcome::ALL[..])).prop_map(|(attempt, outcome)| ended(attempt, outcome)),
        Just(RunEvent::CancelAsked),
    ]
}

proptest! {
    #[test]
    fn every_order_of_events_ends_a_run_at_most_once(
        events in prop::collection::vec(any_event(new_run().1), 0..40)
    ) {
        let (mut run, _) = new_run();
        let mut terminal = None;
        for (step, event) in events.into_iter().enumerate() {
            let before = run.clone();
            let result = run.apply(Timestamp::from_ms(2_000 + i64::try_from(step).unwrap()), event);
            if let Some(state) = terminal {
                prop_assert!(result.is_err());
                prop_assert_eq!(run.state, state);
            }
            if result.is_err() {
                prop_assert_eq!(&run, &before, "a refused event changes nothing");
            }
            if run.state.is_terminal() {
                terminal = Some(run.state);
            }
            // What must always hold.
            prop_assert_eq!(run.attempt as usize, run.attempts.len());
            prop_assert_eq!(run.worker.is_some(), run.state == RunState::Running);
            prop_assert_eq!(run.ended_at.is_some(), run.state.is_terminal());
            let open = run.attempts.iter().filter(|attempt| attempt.outcome.is_none()).count();
            prop_assert_eq!(open, usize::from(run.state == RunState::Running));
        }
    }
}
