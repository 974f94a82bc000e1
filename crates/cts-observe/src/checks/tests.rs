//! Checks that pass, fail, panic, hang and come back; time is moved, not waited for.

use std::sync::atomic::{AtomicU32, Ordering};

use cts_model::SystemClock;

use super::*;

const PACE: Pace = Pace { interval: Duration::from_secs(30), timeout: Duration::from_secs(5) };

fn checks(checks: Vec<Check>) -> Checks {
    Checks::new(checks, PACE, Arc::new(SystemClock))
}

fn passing(name: &'static str) -> Check {
    Check::new(name, "nothing to do", || async { Ok(Details::new()) })
}

fn statuses(results: &[CheckResult]) -> Vec<&'static str> {
    results.iter().map(|result| result.status.word()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_hangs_or_panics_harms_no_other() {
    let all = checks(vec![
        passing("good"),
        Check::new("bad", "mend it", || async { Err("it is broken".to_owned()) }).critical(),
        Check::new("hanging", "wait", std::future::pending),
        Check::new("panicking", "tell us", || async { panic!("boom") }),
        passing("good_too"),
    ]);
    assert_eq!(statuses(&all.results()), ["unknown"; 5]);
    let results = all.look_once().await;
    assert_eq!(statuses(&results), ["healthy", "unhealthy", "unhealthy", "unhealthy", "healthy"]);
    let messages: Vec<&str> = results.iter().filter_map(|result| result.message.as_deref()).collect();
    assert_eq!(messages, ["it is broken", "the check took longer than 5 s", "the check panicked"]);
    assert_eq!(verdict(&results), Verdict::Unhealthy);
}

#[tokio::test(start_paused = true)]
async fn a_check_looks_once_an_interval_however_often_it_is_asked() {
    let looks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&looks);
    let all = checks(vec![Check::new("counting", "", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(Details::new()) }
    })]);
    let running = all.start();
    for _ in 0..10_000 {
        let _ = all.results();
    }
    tokio::time::sleep(Duration::from_secs(95)).await;
    assert_eq!(looks.load(Ordering::SeqCst), 4, "at 0, 30, 60 and 90 s");
    drop(running);
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(looks.load(Ordering::SeqCst), 4, "nothing looks any more");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_is_not_started_again_until_it_is_back() {
    let looks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&looks);
    let all = checks(vec![Check::new("slow", "", move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                tokio::time::sleep(Duration::from_secs(100)).await;
            }
            Ok(Details::new())
        }
    })]);
    let _running = all.start();
    tokio::time::sleep(Duration::from_secs(80)).await;
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    let result = all.results().remove(0);
    assert_eq!(result.status, Status::Unhealthy);
    assert!(result.message.unwrap().contains("hangs"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(looks.load(Ordering::SeqCst) >= 2);
    assert_eq!(all.results()[0].status, Status::Healthy);
}
