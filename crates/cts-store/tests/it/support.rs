//! A database for one test, on either engine, gone when the test ends; and runs to put into it.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use cts_model::{
    Actor, Clock as _, Ctx, Ids, JsonMap, ManualClock, RequestId, Run, RunId, RunRequest, Timestamp, ToolId,
};
use cts_store::{BoxFuture, Db, StoreError, Tx};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use sqlx::{AssertSqlSafe, Connection as _};

/// A database, a clock and a maker of ids.
pub(crate) struct Bench {
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ids: Ids,
    schema: Option<String>,
}

/// Where a PostgreSQL for tests is.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
pub(crate) fn postgres_url() -> String {
    std::env::var("CTS_TEST_POSTGRES_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
pub(crate) fn must_run_all() -> bool {
    std::env::var("CTS_TEST_REQUIRE_ALL").is_ok_and(|all| all == "1")
}

fn new_bench(db: Db, schema: Option<String>) -> Bench {
    let clock = ManualClock::new(Timestamp::from_ms(1_764_063_000_000));
    let ids = Ids::new(Arc::clone(&clock) as Arc<dyn cts_model::Clock>);
    Bench { db, clock, ids, schema }
}

pub(crate) async fn sqlite() -> Bench {
    new_bench(Db::open_memory().await.unwrap(), None)
}

/// Returns a name that no other test uses.
pub(crate) fn unique_schema() -> String {
    let ids = Ids::new(Arc::new(cts_model::SystemClock));
    format!("cts_test_{}", ids.next().simple())
}

/// None when there is no PostgreSQL here.
pub(crate) async fn postgres() -> Option<Bench> {
    let schema = unique_schema();
    match Db::connect_postgres(&postgres_url(), Some(&schema)).await {
        Ok(db) => Some(new_bench(db, Some(schema))),
        Err(StoreError::Connect(error)) if !must_run_all() => {
            println!("skipped: no PostgreSQL at hand: {error}");
            None
        }
        Err(error) => panic!("cannot use PostgreSQL: {error}"),
    }
}

pub(crate) async fn drop_schema(schema: &str) {
    let mut connection = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
    let drop = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE"));
    sqlx::query(drop).execute(&mut connection).await.unwrap();
}

impl Bench {
    pub(crate) async fn end(self) {
        self.db.close().await;
        if let Some(schema) = self.schema {
            drop_schema(&schema).await;
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn request(&self, tool: &str) -> RunRequest {
        RunRequest {
            tool_id: ToolId::from_str(tool).unwrap(),
            tool_version: "1.0".to_owned(),
            name: None,
            labels: BTreeMap::new(),
            priority: 0,
            params: JsonMap::new(),
            secret_params: BTreeMap::new(),
            inputs: Vec::new(),
            timeout: Duration::from_secs(60),
            environment: BTreeMap::new(),
            max_attempts: 3,
            concurrency_key: None,
            owner: None,
        }
    }

    pub(crate) fn run_of(&self, request: RunRequest) -> Run {
        let cx = Ctx { request_id: RequestId::new(&self.ids), actor: Actor::Local, trace: None, change: None };
        Run::new(RunId::new(&self.ids), &cx, request, self.now())
    }

    /// Writes a new run of a tool.
    pub(crate) async fn submit(&self, tool: &str) -> Run {
        self.insert(self.run_of(self.request(tool))).await
    }

    pub(crate) async fn insert(&self, run: Run) -> Run {
        let stored = run.clone();
        self.write(move |tx| Box::pin(async move { tx.insert_run(&stored).await })).await;
        run
    }

    /// Writes what must go well.
    pub(crate) async fn write<T, F>(&self, f: F) -> T
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.db.write(f).await.unwrap()
    }
}

/// Returns examples of a strategy, the same with every run, for properties whose bodies wait. What fails is not made
/// smaller; the examples are small to begin with.
pub(crate) fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Makes of each test body two tests, one for each engine.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($bench:ident: &Bench) $body:block)*) => {$(
        $(#[$doc])*
        async fn $name($bench: &$crate::support::Bench) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let bench = $crate::support::sqlite().await;
                super::$name(&bench).await;
                bench.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(bench) = $crate::support::postgres().await else { return };
                super::$name(&bench).await;
                bench.end().await;
            }
        }
    )*};
}
pub(crate) use on_both;
