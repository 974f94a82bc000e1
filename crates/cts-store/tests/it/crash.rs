//! Death in the middle: what was acknowledged is there, and nothing is there by half.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use cts_model::{Outcome, RunEvent, RunId, RunState, Usage, WorkerId};
use cts_store::{Db, RunFilter, RunSort, SqliteOptions};

/// Names the file that the child writes to; without it the child's part does nothing.
const CHILD_FILE: &str = "CTS_STORE_CRASH_FILE";

/// The part of the child: writes runs and says each one that was acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the parent tells its child through the environment")]
async fn child_of_what_was_acknowledged_survives_a_kill() {
    let Ok(path) = std::env::var(CHILD_FILE) else { return };
    let db = Db::open_sqlite(Path::new(&path), &SqliteOptions::default()).await.unwrap();
    let bench = crate::support::sqlite().await;
    let writers = (0..4).map(|_| async {
        loop {
            let run = bench.run_of(bench.request("t"));
            let (id, now, worker) = (run.id, run.created_at, WorkerId::new(&bench.ids));
            db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await.unwrap();
            println!("\nwritten {id} queued");
            // Two changes in one write: both or none.
            let ended =
                RunEvent::Ended { attempt: 1, outcome: Outcome::Completed, fault: None, usage: Usage::default() };
            let write = db.write(move |tx| {
                Box::pin(async move {
                    tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
                    tx.change_run(id, now, ended).await
                })
            });
            write.await.unwrap().unwrap();
            println!("\nwritten {id} completed");
        }
    });
    futures_util::future::join_all(writers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the test kills a process of its own")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    let mut acknowledged: Vec<(RunId, RunState)> = Vec::new();
    for lines_before_kill in [1, 7, 40, 100, 3] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_of_what_was_acknowledged_survives_a_kill", "--nocapture"])
            .env(CHILD_FILE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // A line that the kill cut off is no acknowledgment that somebody heard.
            let words: Vec<&str> = line.split(' ').collect();
            let ["written", id, state] = words.as_slice() else { continue };
            let Some(state) = RunState::from_word(state) else { continue };
            acknowledged.push((id.parse().unwrap(), state));
            lines += 1;
            if lines == lines_before_kill {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(lines >= lines_before_kill);
        check(&path, &acknowledged).await;
    }
}

async fn check(path: &Path, acknowledged: &[(RunId, RunState)]) {
    let db = Db::open_sqlite(path, &SqliteOptions::default()).await.unwrap();
    for &(id, state) in acknowledged {
        let run = db.run(id).await.unwrap().unwrap_or_else(|| panic!("run {id} was acknowledged and is lost"));
        assert!(run.state == state || run.state == RunState::Completed, "run {id} fell back to {:?}", run.state);
    }
    // Two changes of one write are there together, and each change has its fact.
    let (mut facts, mut cursor) = (0, None);
    loop {
        let page = db.runs(&RunFilter::default(), RunSort::Newest, 100, cursor.as_deref()).await.unwrap();
        for run in page.runs {
            assert_ne!(run.state, RunState::Running);
            facts += if run.state == RunState::Queued { 1 } else { 3 };
        }
        let Some(next) = page.next else { break };
        cursor = Some(next);
    }
    assert_eq!(db.events_after(0, 1_000_000).await.unwrap().len(), facts);
    let closed = tokio::time::timeout(Duration::from_secs(10), db.close()).await;
    closed.expect("closing does not take long");
}
