//! A bounded queue of lines and the thread that writes them.
//!
//! [`Queue::push`] never waits for the output. What does not fit is dropped; once the output moves again, a line says how
//! many were. An output that fails takes its lines with it, counted as dropped, and the thread goes on.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most bytes that wait.
pub(super) const QUEUE_BYTES_MAX: usize = 4 << 20;

/// How long an output that is not ready is left alone. Standard error is so when another process made its pipe that way.
const NOT_READY_PAUSE: Duration = Duration::from_millis(5);

/// Makes the line that says how many were dropped.
type Notice = Box<dyn Fn(u64) -> String + Send>;

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Dropped since the last line that said so.
    dropped_unsaid: u64,
    /// Whether the thread is writing what it took.
    writing: bool,
}

impl State {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.dropped_unsaid == 0 && !self.writing
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    idle: Condvar,
    dropped: AtomicU64,
}

impl Queue {
    /// Starts the thread; it lives as long as the process.
    pub(super) fn start(output: Box<dyn Write + Send>, notice: Notice) -> std::io::Result<Arc<Self>> {
        let queue = Arc::new(Self::default());
        let of_thread = Arc::clone(&queue);
        std::thread::Builder::new().name("cts-log".into()).spawn(move || of_thread.write_for_ever(output, &notice))?;
        Ok(queue)
    }

    /// Adds a line with its line break.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.waiting.len() + line.len() > QUEUE_BYTES_MAX {
            state.dropped_unsaid += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            state.waiting.extend_from_slice(line);
        }
        self.filled.notify_one();
    }

    /// Returns how many lines were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until nothing waits; tells whether that came before `at_most` was over.
    pub(super) fn flush(&self, at_most: Duration) -> bool {
        let waited = self.idle.wait_timeout_while(self.lock(), at_most, |state| !state.is_idle());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_idle()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement, so a panic elsewhere does not make it wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_for_ever(&self, mut output: Box<dyn Write + Send>, notice: &Notice) {
        let mut batch = Vec::new();
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && state.dropped_unsaid == 0 {
                state.writing = false;
                self.idle.notify_all();
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.writing = true;
            std::mem::swap(&mut state.waiting, &mut batch);
            let dropped = std::mem::take(&mut state.dropped_unsaid);
            drop(state);
            if dropped > 0 {
                batch.extend_from_slice(notice(dropped).as_bytes());
            }
            self.write(&mut *output, &batch);
            batch.clear();
        }
    }

    /// Writes everything, or counts the lines that could not be written.
    fn write(&self, output: &mut dyn Write, mut batch: &[u8]) {
        while !batch.is_empty() {
            match output.write(batch) {
                Ok(count) if count > 0 => batch = &batch[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(NOT_READY_PAUSE),
                Ok(_) | Err(_) => {
                    let lines = batch.iter().filter(|byte| **byte == b'\n').count();
                    self.dropped.fetch_add(lines as u64, Ordering::Relaxed);
                    return;
                }
            }
        }
        let _ = output.flush();
    }
}
