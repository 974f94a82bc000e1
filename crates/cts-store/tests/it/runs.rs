//! Runs: what is written is read back, and only the state machine changes it.

use std::time::Duration;

use cts_model::run::BadTransition;
use cts_model::{
    Code, Fault, FaultDetails, InputKind, InputRef, Isolation, IsolationLevel, Outcome, Progress, RunEvent, RunState,
    Secret, TraceContext, TraceState, Usage, WorkerId,
};
use cts_store::StoreError;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Bench, on_both, samples};

on_both! {
    async fn every_field_of_a_run_is_read_back(bench: &Bench) {
        let mut request = bench.request("rlog-to-csv");
        request.name = Some("Tuesday's drive \0 \u{1f697}".to_owned());
        request.labels = [("car".to_owned(), "corolla\0".to_owned()), ("ä".to_owned(), String::new())].into();
        request.priority = -100;
        let params = json!({"window": 0.1, "z": null, "a": [1, "\u{0}"], "big": i64::MAX});
        request.params = params.as_object().unwrap().clone();
        request.secret_params = [("token".to_owned(), Secret::new("hunter2".to_owned()))].into();
        request.inputs = vec![InputRef { kind: InputKind::Path, value: "/data/a.zst".to_owned() }];
        request.timeout = Duration::new(12, 345_678_901);
        request.environment = [("LANG".to_owned(), "C".to_owned())].into();
        request.concurrency_key = Some("device-1".to_owned());
        request.owner = Some(WorkerId::new(&bench.ids));
        let mut run = bench.run_of(request);
        let trace = TraceContext::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        run.trace = Some(TraceContext { state: TraceState::read(["a=1,b=2"]), ..trace });
        let run = bench.insert(run).await;
        assert_eq!(bench.db.run(run.id).await.unwrap(), Some(run.clone()));

        let worker = WorkerId::new(&bench.ids);
        let (id, now) = (run.id, bench.now());
        let isolation = Isolation { level: IsolationLevel::Partial, missing: vec!["UDP is not closed".to_owned()] };
        let progress = Progress { percent: Some(33.3), message: Some("half".to_owned()), ..Progress::default() };
        let fault = Fault {
            details: FaultDetails::Tool {
                stderr: "\u{0}bad".to_owned(), exit_code: Some(2), execution_time: 0.25,
                suggested_fix: "mend it".to_owned(),
            },
            ..Fault::new(Code::ToolFailed, "the tool failed")
        };
        let usage = Usage {
            exit_code: Some(2), signal: None, peak_memory_bytes: Some(u64::from(u32::MAX) * 3), cpu_seconds: Some(0.1),
        };
        let mut expected = run.clone();
        expected.apply(now, RunEvent::Claimed { worker }).unwrap();
        expected.progress = Some(progress.clone());
        expected.isolation = Some(isolation.clone());
        let claimed = bench.write(move |tx| Box::pin(async move {
            tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
            assert!(tx.set_progress(id, 1, &progress).await?);
            assert!(tx.set_isolation(id, 1, &isolation).await?);
            tx.run(id).await
        })).await;
        assert_eq!(claimed, Some(expected.clone()));

        let ended = RunEvent::Ended { attempt: 1, outcome: Outcome::ToolError, fault: Some(fault), usage };
        expected.apply(now, ended.clone()).unwrap();
        let returned = bench.write(move |tx| Box::pin(tx.change_run(id, now, ended))).await.unwrap();
        assert_eq!(returned, expected);
        assert!(expected.request.secret_params.is_empty());
        assert_eq!(bench.db.run(id).await.unwrap(), Some(expected));
    }
}

on_both! {
    async fn a_canceled_run_is_never_claimed(bench: &Bench) {
        let (id, now, worker) = (bench.submit("t").await.id, bench.now(), WorkerId::new(&bench.ids));
        let (canceled, claimed) = bench.write(move |tx| Box::pin(async move {
            let canceled = tx.change_run(id, now, RunEvent::CancelAsked).await?;
            Ok((canceled, tx.change_run(id, now, RunEvent::Claimed { worker }).await?))
        })).await;
        assert_eq!(canceled.unwrap().state, RunState::Canceled);
        assert_eq!(claimed, Err(BadTransition::Terminal(id, RunState::Canceled)));
        assert!(bench.db.running().await.unwrap().is_empty());
    }

    async fn of_many_who_claim_a_run_one_gets_it(bench: &Bench) {
        let (id, now) = (bench.submit("t").await.id, bench.now());
        let claims = (0..20).map(|_| {
            let worker = WorkerId::new(&bench.ids);
            bench.db.write(move |tx| Box::pin(tx.change_run(id, now, RunEvent::Claimed { worker })))
        });
        let claims = futures_util::future::join_all(claims).await;
        let won = claims.into_iter().filter(|claim| claim.as_ref().unwrap().is_ok()).count();
        assert_eq!(won, 1);
        assert_eq!(bench.db.run(id).await.unwrap().unwrap().attempt, 1);
    }

    async fn a_late_attempt_changes_nothing(bench: &Bench) {
        let (id, now, worker) = (bench.submit("t").await.id, bench.now(), WorkerId::new(&bench.ids));
        let again = RunEvent::Requeued {
            attempt: 1, outcome: Outcome::Lost, fault: None, not_before: None, usage: Usage::default(),
        };
        bench.write(move |tx| Box::pin(async move {
            tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
            tx.change_run(id, now, again).await?.unwrap();
            tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
            Ok(())
        })).await;
        let before = bench.db.run(id).await.unwrap().unwrap();
        let seq = bench.db.last_event_seq().await.unwrap();
        bench.write(move |tx| Box::pin(async move {
            let isolation = Isolation { level: IsolationLevel::Full, missing: Vec::new() };
            assert!(!tx.set_progress(id, 1, &Progress::default()).await?);
            assert!(!tx.set_isolation(id, 1, &isolation).await?);
            let (outcome, usage) = (Outcome::Completed, Usage::default());
            let ended = RunEvent::Ended { attempt: 1, outcome, fault: None, usage };
            let late = tx.change_run(id, now, ended).await?;
            assert_eq!(late, Err(BadTransition::Fenced { run: id, present: 2, given: 1 }));
            Ok(())
        })).await;
        assert_eq!(bench.db.run(id).await.unwrap().unwrap(), before);
        assert_eq!(bench.db.last_event_seq().await.unwrap(), seq);
    }

    async fn a_run_that_is_not_there_is_said_so(bench: &Bench) {
        let (id, now) = (cts_model::RunId::new(&bench.ids), bench.now());
        assert_eq!(bench.db.run(id).await.unwrap(), None);
        let change = bench.db.write(move |tx| Box::pin(tx.change_run(id, now, RunEvent::CancelAsked))).await;
        assert!(matches!(change, Err(StoreError::RunNotFound(missing)) if missing == id));
        assert!(!bench.write(move |tx| Box::pin(tx.set_pinned(id, true))).await);
    }

    async fn ids_that_are_runs_are_told_from_those_that_are_not(bench: &Bench) {
        let there = bench.submit("t").await.id;
        let mut asked: Vec<_> = (0..600).map(|_| cts_model::RunId::new(&bench.ids)).collect();
        asked.push(there);
        assert_eq!(bench.db.run_ids_exist(&asked).await.unwrap(), [there]);
        assert!(bench.db.run_ids_exist(&[]).await.unwrap().is_empty());
    }
}

/// What may happen to a run, in any order.
#[derive(Debug, Clone)]
enum Step {
    Claim,
    Requeue { attempt: u32, outcome: usize },
    End { attempt: u32, outcome: usize },
    Cancel,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let attempt = || 0_u32..5;
    let outcome = || 0..Outcome::ALL.len();
    let step = prop_oneof![
        3 => Just(Step::Claim),
        3 => (attempt(), outcome()).prop_map(|(attempt, outcome)| Step::Requeue { attempt, outcome }),
        1 => (attempt(), outcome()).prop_map(|(attempt, outcome)| Step::End { attempt, outcome }),
        1 => Just(Step::Cancel),
    ];
    proptest::collection::vec(step, 1..12)
}

/// Puts the same events to the model and to the store: both must say the same, and only a change makes a fact.
async fn store_follows_model(bench: &Bench, steps: Vec<Step>) {
    let mut model = bench.submit("t").await;
    let worker = WorkerId::new(&bench.ids);
    let mut seq = bench.db.last_event_seq().await.unwrap();
    for step in steps {
        bench.clock.advance(Duration::from_millis(7));
        let (id, now) = (model.id, bench.now());
        let fault = Some(Fault::new(Code::ToolFailed, "it failed"));
        let usage = Usage { exit_code: Some(1), ..Usage::default() };
        let event = match step {
            Step::Claim => RunEvent::Claimed { worker },
            Step::Requeue { attempt, outcome } => {
                let not_before = Some(now.plus(Duration::from_secs(1)));
                RunEvent::Requeued { attempt, outcome: Outcome::ALL[outcome], fault, not_before, usage }
            }
            Step::End { attempt, outcome } => RunEvent::Ended { attempt, outcome: Outcome::ALL[outcome], fault, usage },
            Step::Cancel => RunEvent::CancelAsked,
        };
        let before = model.clone();
        let expected = model.apply(now, event.clone()).map(|()| model.clone());
        let stored = bench.write(move |tx| Box::pin(tx.change_run(id, now, event))).await;
        assert_eq!(stored, expected);
        assert_eq!(bench.db.run(id).await.unwrap().unwrap(), model);
        let facts = bench.db.events_after(seq, 10).await.unwrap();
        seq = facts.last().map_or(seq, |fact| fact.seq);
        let changed = before != model;
        assert_eq!(facts.len(), usize::from(changed), "{facts:?}");
        if changed {
            assert_eq!(facts[0].payload["status"], model.state.as_str());
        }
    }
}

on_both! {
    async fn the_store_follows_the_state_machine_under_any_order_of_events(bench: &Bench) {
        for steps in samples(&steps(), 60) {
            store_follows_model(bench, steps).await;
        }
    }
}
