//! The one writer of a SQLite file: group commit.
//!
//! It takes what waits, up to a bounded batch, into one transaction with one durable commit; each job has a savepoint
//! of its own, so that one that fails, panics or takes too long is undone alone. Everybody is answered after the
//! commit. The writer outlives every job and every failed commit; a caller that went away changes nothing.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::BoxFuture;
use crate::db::{SqliteOptions, open};
use crate::error::StoreError;
use crate::sql::sql;
use crate::tx::{Connection, Tx};

/// Most jobs that wait for the writer; more wait in their callers.
pub(crate) const WAITING_JOBS_MAX: usize = 1024;
/// Most jobs in one commit.
const BATCH_JOBS_MAX: usize = 128;
/// After this long a batch takes no further jobs.
const BATCH_TIME_MAX: Duration = Duration::from_millis(50);
/// Pause before another try to empty the write-ahead log, after readers held it.
const EMPTY_PAUSE: Duration = Duration::from_millis(250);
/// Pause between two tries to lock a file that another process has locked.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// What one caller wants done. Without a transaction it only passes the reason on.
pub(crate) type Job = Box<dyn for<'t> FnOnce(Result<&'t mut Tx, StoreError>) -> BoxFuture<'t, Done> + Send>;

/// How a job came out.
pub(crate) enum Done {
    /// It is settled when the commit is.
    Written(Settle),
    /// Undo it; the reason is passed on when it is undone.
    Failed(Settle),
}

/// Tells the caller, once.
pub(crate) type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

pub(crate) enum Message {
    Job(Job),
    Close(oneshot::Sender<()>),
}

pub(crate) struct Writer {
    path: PathBuf,
    options: SqliteOptions,
    queue: mpsc::Receiver<Message>,
    /// None after a failure that left the connection in an unknown state.
    tx: Option<Tx>,
    /// Whether the write-ahead log holds a secret that is in no row any more.
    log_holds_secret: bool,
}

impl Writer {
    pub(crate) fn new(path: PathBuf, options: SqliteOptions, queue: mpsc::Receiver<Message>, tx: Option<Tx>) -> Self {
        Self { path, options, queue, tx, log_holds_secret: false }
    }

    /// Serves until everybody who could send is gone, or until it is told to close.
    pub(crate) async fn serve(mut self) {
        let mut closed = None;
        while let Some(message) = self.next().await {
            match message {
                Message::Job(job) => closed = self.batch(job).await,
                Message::Close(done) => closed = Some(done),
            }
            if closed.is_some() {
                break;
            }
        }
        self.queue.close();
        while let Ok(message) = self.queue.try_recv() {
            match message {
                Message::Job(job) => refuse(job, StoreError::Closed).await,
                Message::Close(done) => {
                    let _ = done.send(());
                }
            }
        }
        if let Some(Tx { connection: Connection::Sqlite(connection), .. }) = self.tx.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed cleanly: {error}");
        }
        if let Some(done) = closed {
            let _ = done.send(());
        }
    }

    /// Returns what comes next. While nothing does, a secret that has left its row leaves the write-ahead log too.
    async fn next(&mut self) -> Option<Message> {
        while self.log_holds_secret {
            match self.queue.try_recv() {
                Ok(message) => return Some(message),
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
                Err(mpsc::error::TryRecvError::Empty) => {}
            }
            self.log_holds_secret = !self.empty_log().await;
            if self.log_holds_secret
                && let Ok(message) = tokio::time::timeout(EMPTY_PAUSE, self.queue.recv()).await
            {
                return message;
            }
        }
        self.queue.recv().await
    }

    /// Carries the write-ahead log over into the file and cuts it to nothing. Tells whether no reader was in the way.
    async fn empty_log(&mut self) -> bool {
        let Some(tx) = &mut self.tx else { return false };
        match tx.all(sql("PRAGMA wal_checkpoint(TRUNCATE)")).await {
            Ok(rows) => rows.first().is_some_and(|row| row.optional_int("busy").is_ok_and(|busy| busy == Some(0))),
            Err(error) => {
                tracing::debug!(%error, "the write-ahead log was not emptied: {error}");
                false
            }
        }
    }

    /// Does `first` and what waits behind it in one commit. Returns who asked to close, if somebody did.
    async fn batch(&mut self, first: Job) -> Option<oneshot::Sender<()>> {
        if let Err(error) = self.begin().await {
            refuse(first, error).await;
            return None;
        }
        let (mut written, mut closed) = (Vec::new(), None);
        let deadline = Instant::now() + BATCH_TIME_MAX;
        let mut next = Some(first);
        let mut jobs = 0;
        let result = loop {
            let Some(job) = next.take() else { break self.commit().await };
            jobs += 1;
            match self.one(job).await {
                Ok(Some(settle)) => written.push(settle),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
            if jobs < BATCH_JOBS_MAX && Instant::now() < deadline {
                match self.queue.try_recv() {
                    Ok(Message::Job(job)) => next = Some(job),
                    Ok(Message::Close(done)) => closed = Some(done),
                    Err(_) => {}
                }
            }
            if next.is_some()
                && let Err(error) = self.execute("RELEASE job; SAVEPOINT job").await
            {
                refuse(next.take().expect("it was just looked at"), error.clone()).await;
                break Err(error);
            }
        };
        if let Err(error) = &result {
            tracing::error!(%error, jobs, "a commit of {jobs} writes failed: {error}");
            self.roll_back().await;
        }
        if let Some(tx) = &mut self.tx {
            self.log_holds_secret |= std::mem::take(&mut tx.drops_secrets);
        }
        for settle in written {
            settle(result.clone());
        }
        closed
    }

    /// Runs one job inside the savepoint. An error is one of the whole batch.
    async fn one(&mut self, job: Job) -> Result<Option<Settle>, StoreError> {
        let tx = self.tx.as_mut().expect("a batch has begun");
        let events = tx.events.len();
        let run = AssertUnwindSafe(async { job(Ok(tx)).await }).catch_unwind();
        let done = tokio::time::timeout(self.options.write_time_max, run).await;
        let failed = match done {
            Ok(Ok(Done::Written(settle))) => return Ok(Some(settle)),
            Ok(Ok(Done::Failed(settle))) => Some(settle),
            // Its caller hears of it because the sender of its answer is gone.
            Ok(Err(_panic)) => None,
            Err(_elapsed) => {
                tracing::error!("a write took longer than {:?} and was undone", self.options.write_time_max);
                None
            }
        };
        self.tx.as_mut().expect("a batch has begun").events.truncate(events);
        let undone = self.execute("ROLLBACK TO job").await;
        if let Some(settle) = failed {
            settle(Ok(()));
        }
        undone.map(|()| None)
    }

    /// Locks the file for writing, waiting for other processes for a bounded time.
    async fn begin(&mut self) -> Result<(), StoreError> {
        if self.tx.is_none() {
            self.tx = Some(Tx::new(Connection::Sqlite(open::writer(&self.path, &self.options).await?)));
        }
        let deadline = Instant::now() + self.options.busy_wait;
        loop {
            match self.execute("BEGIN IMMEDIATE; SAVEPOINT job").await {
                Err(StoreError::Busy(_)) if Instant::now() < deadline => tokio::time::sleep(BUSY_PAUSE).await,
                Err(error) => {
                    self.roll_back().await;
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.tx.as_mut().expect("a batch has begun").flush_events().await?;
        self.execute("RELEASE job; COMMIT").await
    }

    /// Leaves no transaction open, if need be by giving the connection up.
    async fn roll_back(&mut self) {
        if let Some(tx) = &mut self.tx {
            tx.events.clear();
        }
        // The engine may have rolled back by itself, so that there is nothing to roll back: a fresh connection is sure.
        if self.execute("ROLLBACK").await.is_err()
            && let Some(Tx { connection: Connection::Sqlite(connection), .. }) = self.tx.take()
        {
            drop(connection.close().await);
        }
    }

    async fn execute(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.tx.as_mut().ok_or(StoreError::Closed)?.change(sql(text)).await.map(|_| ())
    }
}

/// Tells a job that it is not done, and why.
async fn refuse(job: Job, error: StoreError) {
    if let Done::Failed(settle) = job(Err(error)).await {
        settle(Ok(()));
    }
}

/// Returns the job that runs `f` and sends what it returns, after its commit, to `answer`.
pub(crate) fn job<T, F>(f: F, answer: oneshot::Sender<Result<T, StoreError>>) -> Job
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
{
    fn typed<F>(f: F) -> Job
    where
        F: for<'t> FnOnce(Result<&'t mut Tx, StoreError>) -> BoxFuture<'t, Done> + Send + 'static,
    {
        Box::new(f)
    }
    typed(move |tx| {
        Box::pin(async move {
            let result = match tx {
                Ok(tx) => f(tx).await,
                Err(error) => Err(error),
            };
            // A caller that has gone away does not hear the answer; what is written stays written.
            match result {
                Ok(value) => Done::Written(Box::new(move |committed: Result<(), StoreError>| {
                    drop(answer.send(committed.map(|()| value)));
                })),
                Err(error) => Done::Failed(Box::new(move |_| drop(answer.send(Err(error))))),
            }
        })
    })
}
