//! Stays with a run until it ends: its lines, its progress, Ctrl-C; then fetches what it made.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use cts_api::{Artifact, Run};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{Finished, Saved};
use crate::args::WaitArgs;
use crate::client::{Download, Heard, LogCounts};
use crate::destination;
use crate::error::CliError;
use crate::render::human;
use crate::render::progress::Progress;
use crate::session::Session;
use crate::transport::Transport;

/// How often the progress of a run is asked for, where it is drawn.
const LOOK_OFTEN: Duration = Duration::from_millis(250);
/// The same where it is told in lines, or not at all.
const LOOK_SELDOM: Duration = Duration::from_secs(5);
/// How many artifacts are fetched at one time.
const DOWNLOADS_MAX: usize = 4;

/// How a run is attended.
#[derive(Debug, Clone)]
pub(crate) struct Attendance<'a> {
    /// What is wanted.
    pub(crate) wait: &'a WaitArgs,
    /// What stands in front of its lines, where there are several runs.
    pub(crate) label: Option<String>,
    /// A folder of its own below the one that was named, where there are several runs.
    pub(crate) subfolder: Option<String>,
    /// Whether the progress of this one run is drawn.
    pub(crate) draws: bool,
}

/// Stays with a run to its end.
pub(crate) async fn to_the_end(session: &Session, run: Run, attendance: &Attendance<'_>) -> Result<Finished, CliError> {
    let (run, log) = Box::pin(until_ended(session, &run, attendance)).await?;
    if attendance.wait.no_download {
        return Ok(Finished { run, folder: None, saved: Vec::new(), log, trouble: None });
    }
    let named = attendance.wait.out_dir.as_deref();
    let configured = session.out_dir.as_deref();
    let mut folder = destination::folder(named, configured, &session.here.current_dir, &run.run_id);
    if let (Some(own), true) = (&attendance.subfolder, named.or(configured).is_some()) {
        folder.push(own);
    }
    let fetched = session.interruptible_again(fetch_all(session, &run.run_id, &folder)).await;
    let (saved, trouble) = match fetched {
        Ok(saved) => (saved, None),
        Err(error @ CliError::Interrupted(_)) => return Err(error),
        // The run itself went as it went; that is told in any case.
        Err(error) => (Vec::new(), Some(error)),
    };
    Ok(Finished { run, folder: Some(folder), saved, log, trouble })
}

/// Waits for the end; in process the first Ctrl-C cancels the run and the second kills it.
async fn until_ended(
    session: &Session,
    run: &Run,
    attendance: &Attendance<'_>,
) -> Result<(Run, Option<LogCounts>), CliError> {
    let mut watched = pin!(watch(session, run, attendance));
    let Transport::InProcess(app) = session.client.transport() else {
        return session.interruptible(watched).await;
    };
    let mut seen = 0;
    loop {
        tokio::select! {
            biased;
            ended = &mut watched => return ended,
            () = session.interrupts.beyond(seen) => seen += 1,
        }
        if seen == 1 {
            session.screen.note("canceling the run; Ctrl-C again kills it at once");
            session.client.cancel(&run.run_id).await?;
        } else {
            session.screen.note("killing the run");
            app.kill().await?;
            // What was recorded of it is how it ended.
            return Ok((session.client.run(&run.run_id, None).await?, None));
        }
    }
}

async fn watch(
    session: &Session,
    run: &Run,
    attendance: &Attendance<'_>,
) -> Result<(Run, Option<LogCounts>), CliError> {
    let label = attendance.label.as_deref().unwrap_or(&run.tool_id);
    let progress = attendance.draws.then(|| Progress::of_run(&session.screen, label));
    let interval = if session.screen.draws() && progress.is_some() { LOOK_OFTEN } else { LOOK_SELDOM };
    let show = |run: &Run| {
        if let Some(progress) = &progress {
            progress.run(run);
        }
    };
    show(run);
    let watched = session.client.watch(&run.run_id, interval, show);
    if !attendance.wait.follow {
        return Ok((watched.await?, None));
    }
    let followed = session.client.follow(&run.run_id, None, |heard| {
        match heard {
            Heard::Lines(lines) => {
                let prefix = attendance.label.as_deref();
                session.screen.aside(&human::log_lines(lines, prefix, false));
            }
            Heard::Note(note) => session.screen.note(&note),
        }
        // A reader who went away does not end the run.
        true
    });
    // The stream ends after the run did, with all lines told; the other one only draws.
    let (mut watched, mut followed) = (pin!(watched), pin!(followed));
    let ended = tokio::select! {
        ended = &mut followed => ended?,
        ended = &mut watched => {
            ended?;
            followed.await?
        }
    };
    match ended {
        Some((run, counts)) => Ok((run, Some(counts))),
        None => Ok((session.client.run(&run.run_id, None).await?, None)),
    }
}

/// Fetches everything that a run made.
pub(crate) async fn fetch_all(session: &Session, run_id: &str, folder: &Path) -> Result<Vec<Saved>, CliError> {
    let artifacts = session.client.artifacts(run_id).await?;
    fetch(session, artifacts, folder).await
}

/// Fetches artifacts into a folder.
pub(crate) async fn fetch(session: &Session, artifacts: Vec<Artifact>, folder: &Path) -> Result<Vec<Saved>, CliError> {
    let targets = destination::targets(folder, &artifacts);
    let saved = futures_util::stream::iter(artifacts.into_iter().zip(targets)).map(|(artifact, target)| async move {
        let download = Download { artifact: &artifact, target: target.clone() };
        let progress = Progress::of_bytes(&session.screen, &artifact.filename, artifact.size);
        let fetched = session.client.fetch(&download, |bytes| progress.at(bytes)).await?;
        drop(progress);
        Ok::<_, CliError>(Saved { artifact, path: target, lines: fetched.lines, was_there: fetched.was_there })
    });
    saved.buffered(DOWNLOADS_MAX).try_collect().await
}
