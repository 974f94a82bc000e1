//! Lists of runs: every filter against the same filter in plain code, and pages that neither skip nor repeat.

use std::time::Duration;

use cts_model::{Outcome, Run, RunEvent, RunId, RunState, Timestamp, Usage, WorkerId};
use cts_store::{RunFilter, RunSort, StoreError};
use proptest::prelude::*;

use crate::support::{Bench, on_both, samples};

/// Walks the whole list in pages of `limit`.
async fn walk(bench: &Bench, filter: &RunFilter, sort: RunSort, limit: u32) -> Vec<RunId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = bench.db.runs(filter, sort, limit, cursor.as_deref()).await.unwrap();
        assert!(page.runs.len() <= usize::try_from(limit).unwrap());
        ids.extend(page.runs.iter().map(|run| run.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return ids,
        }
    }
}

/// Brings a run into a state.
async fn bring_to(bench: &Bench, run: &mut Run, state: RunState) {
    let (id, now, worker) = (run.id, bench.now(), WorkerId::new(&bench.ids));
    let end = |outcome| RunEvent::Ended { attempt: 1, outcome, fault: None, usage: Usage::default() };
    let events = match state {
        RunState::Queued => vec![],
        RunState::Running => vec![RunEvent::Claimed { worker }],
        RunState::Completed => vec![RunEvent::Claimed { worker }, end(Outcome::Completed)],
        RunState::Failed => vec![RunEvent::Claimed { worker }, end(Outcome::ToolError)],
        RunState::Canceled => vec![RunEvent::CancelAsked],
    };
    for event in events {
        *run = bench.write(move |tx| Box::pin(tx.change_run(id, now, event))).await.unwrap();
    }
}

const TOOLS: [&str; 3] = ["alpha", "beta", "gamma"];
const NAMES: [Option<&str>; 4] = [None, Some("Nightly"), Some("50%_off"), Some("nightly 2")];

fn run_shape() -> impl Strategy<Value = (usize, usize, usize, Option<u8>, u64)> {
    (0..TOOLS.len(), 0..RunState::ALL.len(), 0..NAMES.len(), proptest::option::of(0_u8..3), 0_u64..5_000)
}

fn filters(start: Timestamp) -> impl Strategy<Value = RunFilter> {
    let states = proptest::sample::subsequence(RunState::ALL.to_vec(), 0..=5);
    let tools = proptest::sample::subsequence(TOOLS.to_vec(), 0..=3);
    let labels = proptest::collection::vec((0_u8..2, 0_u8..3), 0..3);
    let moment = move || {
        proptest::option::weighted(0.3, (0_u64..60_000).prop_map(move |ms| start.plus(Duration::from_millis(ms))))
    };
    let name = proptest::option::weighted(0.2, proptest::sample::select(vec!["Nightly", "50%_off", "none such"]));
    let q =
        proptest::option::weighted(0.3, proptest::sample::select(vec!["NIGHT", "%", "_", "alph", "batch=1", "zzz"]));
    (states, tools, labels, moment(), moment(), name, q).prop_map(|(states, tools, labels, since, until, name, q)| {
        RunFilter {
            states,
            tool_ids: tools.into_iter().map(|tool| tool.parse().unwrap()).collect(),
            labels: labels
                .into_iter()
                .map(|(label, value)| (["batch", "car"][usize::from(label)].to_owned(), value.to_string()))
                .collect(),
            name: name.map(str::to_owned),
            since,
            until,
            q: q.map(str::to_owned),
        }
    })
}

/// The same filter in plain code.
fn fits(filter: &RunFilter, run: &Run) -> bool {
    let request = &run.request;
    let words = || {
        let mut words = vec![run.id.to_string(), request.tool_id.to_string()];
        words.extend(request.name.clone());
        words.extend(request.labels.iter().map(|(label, value)| format!("{label}={value}")));
        words
    };
    (filter.states.is_empty() || filter.states.contains(&run.state))
        && (filter.tool_ids.is_empty() || filter.tool_ids.contains(&request.tool_id))
        && filter.labels.iter().all(|(label, value)| request.labels.get(label) == Some(value))
        && (filter.name.is_none() || filter.name == request.name)
        && filter.since.is_none_or(|since| run.created_at >= since)
        && filter.until.is_none_or(|until| run.created_at <= until)
        && filter.q.as_ref().is_none_or(|q| words().iter().any(|word| word.to_lowercase().contains(&q.to_lowercase())))
}

on_both! {
    async fn a_filter_finds_what_the_same_filter_in_plain_code_finds(bench: &Bench) {
        let start = bench.now();
        let mut runs = Vec::new();
        for (tool, state, name, label, pause) in samples(&run_shape(), 60) {
            bench.clock.advance(Duration::from_millis(pause));
            let mut request = bench.request(TOOLS[tool]);
            request.name = NAMES[name].map(str::to_owned);
            if let Some(label) = label {
                request.labels.insert("batch".to_owned(), label.to_string());
                request.labels.insert("car".to_owned(), (label / 2).to_string());
            }
            let mut run = bench.insert(bench.run_of(request)).await;
            bring_to(bench, &mut run, RunState::ALL[state]).await;
            runs.push(run);
        }
        let mut found = 0;
        for (number, filter) in samples(&filters(start), 120).into_iter().enumerate() {
            let mut expected: Vec<RunId> = runs.iter().filter(|run| fits(&filter, run)).map(|run| run.id).collect();
            found += expected.len();
            let limit = [1, 3, 7, 1000][number % 4];
            let total = bench.db.runs(&filter, RunSort::Newest, limit, None).await.unwrap().total;
            assert!(total.is_none_or(|total| total == u64::try_from(expected.len()).unwrap()), "{filter:?}");
            assert_eq!(walk(bench, &filter, RunSort::Oldest, limit).await, expected, "{filter:?}");
            expected.reverse();
            assert_eq!(walk(bench, &filter, RunSort::Newest, limit).await, expected, "{filter:?}");
        }
        assert!(found > 300, "the filters should find something: {found}");
    }

    async fn a_page_neither_skips_nor_repeats_while_runs_are_added(bench: &Bench) {
        let mut there = Vec::new();
        for _ in 0..37 {
            bench.clock.advance(Duration::from_millis(3));
            there.push(bench.submit("t").await.id);
        }
        for sort in [RunSort::Newest, RunSort::Oldest] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            for page_number in 0..40 {
                let page = bench.db.runs(&RunFilter::default(), sort, 5, cursor.as_deref()).await.unwrap();
                seen.extend(page.runs.iter().map(|run| run.id));
                let Some(next) = page.next else { break };
                cursor = Some(next);
                if page_number < 8 {
                    bench.clock.advance(Duration::from_millis(3));
                    bench.submit("t").await;
                    bench.submit("t").await;
                }
            }
            let order: Vec<RunId> = {
                let mut order = seen.clone();
                order.sort_unstable();
                order.dedup();
                if sort == RunSort::Newest { order.reverse(); }
                order
            };
            assert_eq!(seen, order, "in order and none twice");
            assert!(there.iter().all(|id| seen.contains(id)), "none is skipped");
        }
    }

    async fn the_total_is_told_where_an_index_knows_it(bench: &Bench) {
        for _ in 0..4 {
            bench.submit("alpha").await;
        }
        bench.submit("beta").await;
        let total = async |filter: RunFilter, limit| {
            bench.db.runs(&filter, RunSort::Newest, limit, None).await.unwrap().total
        };
        assert_eq!(total(RunFilter::default(), 2).await, Some(5));
        assert_eq!(total(RunFilter::default(), 50).await, Some(5));
        let alpha = RunFilter { tool_ids: vec!["alpha".parse().unwrap()], ..RunFilter::default() };
        assert_eq!(total(alpha, 2).await, Some(4));
        let canceled = RunFilter { states: vec![RunState::Canceled], ..RunFilter::default() };
        assert_eq!(total(canceled, 2).await, Some(0));
        let search = RunFilter { q: Some("a".to_owned()), ..RunFilter::default() };
        assert_eq!(total(search, 2).await, None);
    }

    async fn a_cursor_that_was_not_made_by_this_list_is_refused(bench: &Bench) {
        bench.submit("t").await;
        bench.submit("t").await;
        let next = bench.db.runs(&RunFilter::default(), RunSort::Newest, 1, None).await.unwrap().next.unwrap();
        let ones = "1".repeat(33);
        for cursor in ["", "n", "x0193", "n'; DROP TABLE runs; --", "näääääääääääääääää", &ones] {
            let refused = bench.db.runs(&RunFilter::default(), RunSort::Newest, 1, Some(cursor)).await;
            assert!(matches!(refused, Err(StoreError::BadCursor)), "{cursor:?}");
        }
        let other_order = bench.db.runs(&RunFilter::default(), RunSort::Oldest, 1, Some(&next)).await;
        assert!(matches!(other_order, Err(StoreError::BadCursor)));
    }
}
