//! Secrets in every shape that a tool can print them in.

use cts_model::{Code, RunState};
use serde_json::json;

use super::{Bench, cx, request};

const MORE: &str = "[params.key]\ntype = \"str\"\nsecret = true\nrequired = true\n[environment]\nKEY = \"{param.key}\"";

async fn log_of(script: &str, secret: &str) -> (Bench, cts_engine::RunView, String) {
    let bench = Bench::new(&[("secretive", script, MORE)]).await;
    let submitted = bench.engine.submit(&cx(), request("secretive", json!({"key": secret}))).await.unwrap();
    let view = bench.end_of(submitted.view.run.id).await;
    let log = bench.log(view.run.id).await.join("\n");
    (bench, view, log)
}

#[tokio::test]
async fn a_secret_of_several_lines_is_masked_line_by_line() {
    let secret = "-----BEGIN KEY-----\nc2VjcmV0LW9uZQ\nc2VjcmV0LXR3bw\n-----END KEY-----\n";
    let (bench, view, log) = log_of("printf '%s' \"$KEY\"; printf '%s' \"$KEY\" >&2; exit 1", secret).await;
    assert!(!log.contains("c2VjcmV0") && log.contains("***"), "{log}");
    assert!(!format!("{:?}", view.run.fault).contains("c2VjcmV0"), "{view:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_secret_that_a_report_escapes_is_masked() {
    let script = r#"echo '::cts {"log": {"message": "p\u00e4ssw\u00f6rd"}}'
echo '::cts {"progress": {"message": "p\u00e4ssw\u00f6rd"}}'
echo '::cts {"error": {"message": "no p\u00e4ssw\u00f6rd", "hint": "use p\u00e4ssw\u00f6rd"}}'
exit 1"#;
    let (bench, view, log) = log_of(script, "pässwörd").await;
    assert!(!log.contains("pässwörd") && log.contains("***"), "{log}");
    assert!(!format!("{view:?}").contains("pässwörd"), "{view:?}");
    assert_eq!((view.run.state, view.run.fault.unwrap().code), (RunState::Failed, Code::ToolRejected));
    bench.end().await;
}

#[tokio::test]
async fn a_secret_that_lies_across_a_cut_of_a_long_line_is_masked() {
    let script = "head -c 65530 /dev/zero | tr '\\0' x; printf '%s' \"$KEY\"; head -c 100000 /dev/zero | tr '\\0' y; \
                  printf '%s\\n' \"$KEY\"";
    let (bench, view, log) = log_of(script, "hunter2hunter2").await;
    assert_eq!(view.run.state, RunState::Completed);
    assert!(!log.contains("hunter") && !log.contains("2hunter2"), "a part of it stands in the log");
    assert_eq!(log.matches("***").count(), 2);
    bench.end().await;
}
