use expect_test::{Expect, expect};

use super::*;

/// Shows how SQLite answers a question, without the outer lookups that all have in common.
async fn check(filter: RunFilter, expected: Expect) {
    let db = Db::open_memory().await.unwrap();
    let question = Question::new(&filter, RunSort::Newest);
    let after = "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11".parse().unwrap();
    let rows = db.all(question.page(Some(after), 50).explained()).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.text("detail").unwrap()).collect();
    expected.assert_eq(&plan.join("\n"));
    db.close().await;
}

fn tool(id: &str) -> ToolId {
    id.parse().unwrap()
}

#[tokio::test]
async fn every_list_follows_an_index_that_has_its_order() {
    check(
        RunFilter::default(),
        expect![[r#"
        SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
        LIST SUBQUERY 4
        CO-ROUTINE branch
        SEARCH r USING COVERING INDEX sqlite_autoindex_runs_1 (id<?)
        SCAN branch
        CREATE BLOOM FILTER
        CORRELATED SCALAR SUBQUERY 1
        USE TEMP B-TREE FOR string_agg(ORDER BY)
        SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
    let filter = RunFilter { tool_ids: vec![tool("a")], states: vec![RunState::Failed], ..RunFilter::default() };
    check(
        filter,
        expect![[r#"
        SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
        LIST SUBQUERY 4
        CO-ROUTINE branch
        SEARCH r USING COVERING INDEX runs_by_tool_and_status (tool_id=? AND status=? AND id<?)
        SCAN branch
        CREATE BLOOM FILTER
        CORRELATED SCALAR SUBQUERY 1
        USE TEMP B-TREE FOR string_agg(ORDER BY)
        SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
    check(
        RunFilter { states: vec![RunState::Running], ..RunFilter::default() },
        expect![[r#"
        SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
        LIST SUBQUERY 4
        CO-ROUTINE branch
        SEARCH r USING COVERING INDEX runs_by_status (status=? AND id<?)
        SCAN branch
        CREATE BLOOM FILTER
        CORRELATED SCALAR SUBQUERY 1
        USE TEMP B-TREE FOR string_agg(ORDER BY)
        SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
    let two = vec![RunState::Failed, RunState::Canceled];
    check(
        RunFilter { tool_ids: vec![tool("a")], states: two, ..RunFilter::default() },
        expect![[r#"
        SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
        LIST SUBQUERY 6
        MERGE (UNION ALL)
        LEFT
        CO-ROUTINE branch
        SEARCH r USING COVERING INDEX runs_by_tool_and_status (tool_id=? AND status=? AND id<?)
        SCAN branch
        USE TEMP B-TREE FOR ORDER BY
        RIGHT
        CO-ROUTINE branch
        SEARCH r USING COVERING INDEX runs_by_tool_and_status (tool_id=? AND status=? AND id<?)
        SCAN branch
        USE TEMP B-TREE FOR ORDER BY
        CREATE BLOOM FILTER
        CREATE BLOOM FILTER
        CORRELATED SCALAR SUBQUERY 1
        USE TEMP B-TREE FOR string_agg(ORDER BY)
        SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
    let labels = vec![("k".to_owned(), "v".to_owned()), ("l".to_owned(), "w".to_owned())];
    let filter = RunFilter { labels, states: vec![RunState::Failed], ..RunFilter::default() };
    check(
        filter,
        expect![[r#"
            SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
            LIST SUBQUERY 5
            CO-ROUTINE branch
            SEARCH l USING PRIMARY KEY (label=? AND value=? AND run_id<?)
            SEARCH r USING INDEX sqlite_autoindex_runs_1 (id=?)
            SEARCH m EXISTS USING COVERING INDEX run_labels_by_run (run_id=? AND label=? AND value=?)
            SCAN branch
            CREATE BLOOM FILTER
            CORRELATED SCALAR SUBQUERY 1
            USE TEMP B-TREE FOR string_agg(ORDER BY)
            SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
    let filter = RunFilter { name: Some("n".to_owned()), tool_ids: vec![tool("a")], ..RunFilter::default() };
    check(
        filter,
        expect![[r#"
        SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
        LIST SUBQUERY 4
        CO-ROUTINE branch
        SEARCH r USING INDEX runs_by_name (name=? AND id<?)
        SCAN branch
        CREATE BLOOM FILTER
        CORRELATED SCALAR SUBQUERY 1
        USE TEMP B-TREE FOR string_agg(ORDER BY)
        SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
    let filter = RunFilter { tool_ids: (0..30).map(|n| tool(&format!("t{n}"))).collect(), ..RunFilter::default() };
    check(
        filter,
        expect![[r#"
        SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)
        LIST SUBQUERY 4
        CO-ROUTINE branch
        SEARCH r USING INDEX sqlite_autoindex_runs_1 (id<?)
        SCAN branch
        CREATE BLOOM FILTER
        CORRELATED SCALAR SUBQUERY 1
        USE TEMP B-TREE FOR string_agg(ORDER BY)
        SEARCH a USING INDEX sqlite_autoindex_artifacts_2 (run_id=?)"#]],
    )
    .await;
}
