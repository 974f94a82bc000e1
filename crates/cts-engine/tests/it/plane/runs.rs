//! The journey of one run, and how it ends.

use std::time::Duration;

use cts_engine::EngineError;
use cts_model::{Code, FaultDetails, IsolationLevel, Outcome, RunState};
use serde_json::json;

use super::{Bench, cx, request};

#[tokio::test]
async fn a_run_goes_from_the_queue_to_its_artifacts() {
    let script = "echo hello; echo 'WARN careful' >&2; echo '::cts {\"progress\": 50}'; echo sh > out.txt; mkdir sub; echo 2 > sub/b.csv";
    let bench = Bench::new(&[("demo", script, "")]).await;
    let run = bench.submit("demo").await;
    let view = bench.end_of(run).await;
    assert_eq!(view.run.state, RunState::Completed, "{view:?}");
    assert_eq!((view.run.attempt, view.run.usage.exit_code), (1, Some(0)));
    assert_eq!(view.run.progress.as_ref().and_then(|progress| progress.percent), Some(50.0));
    assert!(view.run.isolation.as_ref().is_some_and(|isolation| isolation.level != IsolationLevel::Off));
    assert!(view.run.started_at.is_some() && view.run.ended_at.is_some() && view.run.usage.cpu_seconds.is_some());
    let mut log = bench.log(run).await;
    log.sort();
    assert_eq!(log, ["INFO tool stdout hello", "WARNING tool stderr WARN careful"]);
    let artifacts = bench.engine.artifacts(run).await.unwrap();
    let found: Vec<(&str, u64)> = artifacts.iter().map(|a| (a.path.as_str(), a.size)).collect();
    assert_eq!(found, [("out.txt", 3), ("sub/b.csv", 2)]);
    assert_eq!(
        artifacts[1].sha256.to_string(),
        "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3",
        "the sum of \"2\\n\""
    );
    bench.end().await;
}

#[tokio::test]
async fn every_way_to_fail_has_its_code() {
    let tools = [
        ("exit", "echo broken >&2; exit 3", ""),
        ("said", "echo '::cts {\"error\": {\"message\": \"row 7 is bad\", \"hint\": \"mend row 7\"}}'; exit 1", ""),
        ("crash", "kill -SEGV $$", ""),
        ("slow", "sleep 60", "timeout = \"300ms\""),
        ("promise", "true", "[[outputs]]\npattern = \"*.csv\"\nrequired = true"),
        (
            "large",
            "echo small > small.txt; head -c 2000000 /dev/zero > large.bin",
            "[limits]\nartifact_size = \"1 MB\"",
        ),
        ("hog", "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 5", "[limits]\nmemory = \"64 MB\""),
    ];
    let bench = Bench::new(&tools).await;
    let mut ends = Vec::new();
    for (tool, ..) in tools {
        let view = bench.end_of(bench.submit(tool).await).await;
        let fault = view.run.fault.clone().unwrap();
        assert_eq!(view.run.state, RunState::Failed, "{view:?}");
        assert!(!fault.actions.is_empty());
        if tool == "exit" {
            let FaultDetails::Tool { stderr, exit_code, .. } = &fault.details else { panic!("{fault:?}") };
            assert_eq!((stderr.as_str(), *exit_code), ("broken", Some(3)));
        }
        if tool == "large" {
            let kept = bench.engine.artifacts(view.run.id).await.unwrap();
            assert_eq!(kept.iter().map(|a| a.path.as_str()).collect::<Vec<_>>(), ["small.txt"]);
            assert!(fault.message.contains("large.bin") && fault.message.contains("max_artifact_size_mb"));
        }
        ends.push((tool, fault.code));
    }
    assert_eq!(
        ends,
        [
            ("exit", Code::ToolFailed),
            ("said", Code::ToolRejected),
            ("crash", Code::ToolCrashed),
            ("slow", Code::ToolTimeout),
            ("promise", Code::OutputMissing),
            ("large", Code::ArtifactTooLarge),
            ("hog", Code::MemoryLimit),
        ]
    );
    bench.end().await;
}

#[tokio::test]
async fn a_tool_error_is_tried_once_more_with_the_fallback_parameters() {
    let script = "echo \"depth $DEPTH\"; echo part > part.txt; test $DEPTH = 1";
    let more =
        "[params.depth]\ntype = \"int\"\ndefault = 9\n[fallback]\ndepth = 1\n[environment]\nDEPTH = \"{param.depth}\"";
    let bench = Bench::new(&[("deep", script, more)]).await;
    let view = bench.end_of(bench.submit("deep").await).await;
    assert_eq!((view.run.state, view.run.attempt), (RunState::Completed, 2), "{view:?}");
    assert!(view.run.recovery_attempted);
    let outcomes: Vec<Option<Outcome>> = view.run.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::ToolError), Some(Outcome::Completed)]);
    assert_eq!(view.run.artifacts.len(), 1, "those of the failed attempt are gone");
    let log = bench.log(view.run.id).await;
    assert_eq!(log, ["INFO tool stdout depth 9", "INFO system - attempt 2 of 3 begins", "INFO tool stdout depth 1"]);
    bench.end().await;
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_and_counted_and_the_tool_is_not_held_up() {
    let more = "[limits]\nlog_size = \"200 kB\"\nlog_lines_per_second = 1000000";
    let bench = Bench::new(&[("flood", "seq 1 100000; echo done", more)]).await;
    let view = bench.end_of(bench.submit("flood").await).await;
    assert_eq!(view.run.state, RunState::Completed);
    let log = bench.log(view.run.id).await;
    assert_eq!(log.first().map(String::as_str), Some("INFO tool stdout 1"));
    assert_eq!(log.last().map(String::as_str), Some("INFO tool stdout done"));
    assert!(log.len() < 4000, "{}", log.len());
    assert!(log.iter().any(|line| line.contains("lines were left out here")));
    bench.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_found_at_once() {
    let more = "[input]\nrequired = true\n[params.n]\ntype = \"int\"\nminimum = 1\n[environment]\nN = \"{param.n}\"";
    let bench = Bench::new(&[("demo", "true", more)]).await;
    let mut bad = request("demo", json!({"n": 0, "m": 1}));
    bad.priority = 1000;
    bad.timeout_seconds = Some(1e9);
    bad.environment.insert("LD_PRELOAD".into(), "x".into());
    let EngineError::InvalidRequest(faults) = bench.engine.submit(&cx(), bad).await.unwrap_err() else {
        panic!("a wrong request")
    };
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/params/m", "/params/n", "/environment/LD_PRELOAD", "/priority", "/timeout_seconds", "/inputs"]
    );
    let only_input = bench.engine.submit(&cx(), request("demo", json!({"n": 1}))).await.unwrap_err();
    assert!(matches!(only_input, EngineError::InvalidInput(_)), "{only_input:?}");
    let unknown = bench.engine.submit(&cx(), request("dmeo", json!({}))).await.unwrap_err();
    assert_eq!(unknown.fault().actions[0], "Did you mean demo?");
    bench.end().await;
}

#[tokio::test]
async fn a_secret_reaches_the_child_and_nothing_else() {
    let script = "echo \"got $KEY\"; test -n \"$KEY\"";
    let more = "[params.key]\ntype = \"str\"\nsecret = true\nrequired = true\n[environment]\nKEY = \"{param.key}\"";
    let bench = Bench::new(&[("secretive", script, more)]).await;
    let submitted = bench.engine.submit(&cx(), request("secretive", json!({"key": "hunter2hunter2"}))).await.unwrap();
    let view = bench.end_of(submitted.view.run.id).await;
    assert_eq!(view.run.state, RunState::Completed, "{view:?}");
    assert_eq!(bench.log(view.run.id).await, ["INFO tool stdout got ***"]);
    assert!(!format!("{view:?}").contains("hunter2"));
    assert!(view.run.request.secret_params.is_empty(), "dropped at the end");
    let again = bench.engine.rerun(&cx(), view.run.id, cts_engine::Rerun::default(), None).await.unwrap_err();
    assert!(matches!(again, EngineError::SecretNeeded(_)), "{again:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_run_can_be_waited_for_without_looking_all_the_time() {
    let bench = Bench::new(&[("quick", "true", "")]).await;
    let run = bench.submit("quick").await;
    let started = std::time::Instant::now();
    bench.end_of(run).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    bench.end().await;
}

#[tokio::test]
async fn a_status_that_the_manifest_calls_good_completes_the_run_and_is_told() {
    let bench = Bench::new(&[("differs", "exit 3", "success_exit_codes = [3]")]).await;
    let run = bench.end_of(bench.submit("differs").await).await.run;
    assert_eq!((run.state, run.usage.exit_code), (RunState::Completed, Some(3)), "{run:?}");
    bench.end().await;
}

#[tokio::test]
async fn the_last_progress_counts_also_when_the_tool_ends_with_it() {
    let bench = Bench::new(&[("quick", "echo '::cts {\"progress\": 100}'", "")]).await;
    let runs = futures_util::future::join_all((0..60).map(|_| bench.submit("quick"))).await;
    for run in runs {
        let run = bench.end_of(run).await.run;
        assert_eq!(run.progress.and_then(|progress| progress.percent), Some(100.0));
    }
    bench.end().await;
}
