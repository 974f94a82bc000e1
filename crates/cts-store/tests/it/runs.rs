//! Runs: what is written is read back, and only the state machine changes it.

use std::time::Duration;

use cts_model::run::BadTransition;
use cts_model::{
    Code, Fault, FaultDetails, InputKind, InputRef, Isolation, IsolationLevel, Outcome, Progress, RunEvent, RunState,
    Secret, Usage, WorkerId,
};
use cts_store::StoreError;
use serde_json::json;

use crate::support::on_both;

on_both! {
    async fn every_field_of_a_run_is_read_back(bench: &Bench) {
        let mut request = bench.request("rlog-to-csv");
        request.name = Some("Tuesday's drive \0 \u{1f697}".to_owned());
        request.labels = [("car".to_owned(), "corolla\0".to_owned()), ("ä".to_owned(), String::new())].into();
        request.priority = -100;
        request.params = json!({"window": 0.1, "z": null, "a": [1, "\u{0}"], "big": i64::MAX}).as_object().unwrap().clone();
        request.secret_params = [("token".to_owned(), Secret::new("hunter2".to_owned()))].into();
        request.inputs = vec![InputRef { kind: InputKind::Path, value: "/data/a.zst".to_owned() }];
        request.timeout = Duration::new(12, 345_678_901);
        request.environment = [("LANG".to_owned(), "C".to_owned())].into();
        request.concurrency_key = Some("device-1".to_owned());
        request.owner = Some(WorkerId::new(&bench.ids));
        let mut run = bench.run_of(request);
        run.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
        let run = bench.insert(run).await;
        assert_eq!(bench.db.run(run.id).await.unwrap(), Some(run.clone()));

        let worker = WorkerId::new(&bench.ids);
        let (id, now) = (run.id, bench.now());
        let isolation = Isolation { level: IsolationLevel::Partial, missing: vec!["UDP is not closed".to_owned()] };
        let progress = Progress { percent: Some(33.3), message: Some("half".to_owned()), ..Progress::default() };
        let fault = Fault {
            details: FaultDetails::Tool {
                stderr: "\u{0}bad".to_owned(), exit_code: Some(2), execution_time: 0.25, suggested_fix: "mend it".to_owned(),
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
        let returned = bench.write(move |tx| Box::pin(async move { tx.change_run(id, now, ended).await })).await.unwrap();
        assert_eq!(returned, expected);
        assert!(expected.request.secret_params.is_empty());
        assert_eq!(bench.db.run(id).await.unwrap(), Some(expected));
    }
}
