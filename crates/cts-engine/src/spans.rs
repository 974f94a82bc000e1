//! The spans of a run: its wait in the queue, its attempts, the files that they store. All are parts of the request that
//! asked for the run, whose context stands in the row: so they belong to its trace also after a restart, or where another
//! worker makes the attempt.

use std::time::Duration;

use cts_model::{ArtifactDraft, Code, Outcome, Run, Timestamp};
use cts_observe::{Span, SpanKind, SpanPlace};

use crate::Inner;

/// How an attempt ended, for its span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptEnd {
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<Code>,
    pub(crate) exit_code: Option<i32>,
}

impl Inner {
    /// Returns the place of something that is done for a run: a part of what its `trace` says, which in the row is the
    /// request and within an attempt is that.
    pub(crate) fn place_within(&self, run: &Run) -> Option<SpanPlace> {
        run.trace.as_ref().map(|whole| self.tracer.within(whole, &self.ids))
    }

    /// Tells how long a run waited before its attempt.
    pub(crate) fn tell_queue_wait(&self, run: &Run, due: Timestamp, waited: Duration) {
        let Some(place) = self.place_within(run) else { return };
        let context = place.context.clone();
        self.tracer.tell(&context, || {
            about(run, Span::new("queue wait", SpanKind::Internal, place, due, waited))
                .with("cts.run.priority", run.request.priority)
        });
    }

    /// Tells an attempt that began at `start` and is recorded.
    pub(crate) fn tell_attempt(&self, run: &Run, place: Option<SpanPlace>, start: Timestamp, end: AttemptEnd) {
        let Some(place) = place else { return };
        let (context, took) = (place.context.clone(), self.clock.now().since(start));
        self.tracer.tell(&context, || {
            let span = about(run, Span::new("attempt", SpanKind::Internal, place, start, took))
                .with("cts.attempt.outcome", end.outcome.as_str())
                .with("cts.worker.id", self.worker.to_string().as_str())
                .with_some("error.type", end.code.map(Code::as_str))
                .with_some("process.exit.code", end.exit_code);
            match end.outcome {
                Outcome::Completed | Outcome::Canceled => span,
                outcome => span.failed(outcome.as_str()),
            }
        });
    }

    /// Tells that an attempt stored files, or could not.
    pub(crate) fn tell_stored(
        &self,
        run: &Run,
        start: Timestamp,
        took: Duration,
        drafts: &[ArtifactDraft],
        failure: Option<&str>,
    ) {
        let Some(place) = self.place_within(run).filter(|_| !drafts.is_empty() || failure.is_some()) else { return };
        let context = place.context.clone();
        self.tracer.tell(&context, || {
            let bytes: u64 = drafts.iter().map(|draft| draft.size).sum();
            let span = about(run, Span::new("store artifacts", SpanKind::Internal, place, start, took))
                .with("cts.artifact.count", drafts.len() as u64)
                .with("cts.artifact.bytes", bytes);
            match failure {
                Some(why) => span.failed(why),
                None => span,
            }
        });
    }
}

fn about(run: &Run, span: Span) -> Span {
    span.with("cts.run.id", run.id.to_string().as_str())
        .with("cts.tool.id", run.request.tool_id.as_str())
        .with("cts.request.id", run.request_id.as_str())
        .with("cts.attempt.number", run.attempt)
}
