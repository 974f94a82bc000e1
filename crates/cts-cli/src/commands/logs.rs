//! Shows or follows the log of a run.

use cts_api::LogEntry;
use cts_api::log::LogLevel;
use cts_api::page::LOG_LIMIT_MAX;

use super::{Done, Report};
use crate::args::LogsArgs;
use crate::client::Heard;
use crate::error::CliError;
use crate::render::{human, json};
use crate::session::Session;

/// Which lines are shown.
struct Which {
    level: LogLevel,
    /// In lower case.
    text: Option<String>,
}

impl Which {
    fn shows(&self, entry: &LogEntry) -> bool {
        let has_text = |text: &String| entry.message.to_lowercase().contains(text);
        entry.level >= self.level && self.text.as_ref().is_none_or(has_text)
    }
}

pub(crate) async fn logs(session: &Session, args: LogsArgs) -> Result<Done, CliError> {
    let run = session.run_id(&args.run).await?;
    let which = Which {
        level: args.level.map_or(LogLevel::Debug, LogLevel::from),
        text: args.grep.as_deref().filter(|text| !text.is_empty()).map(str::to_lowercase),
    };
    if args.follow {
        follow(session, &run, &args, &which).await?;
    } else {
        stored(session, &run, &args, &which).await?;
    }
    Ok(Done::well(Report::Nothing))
}

async fn follow(session: &Session, run: &str, args: &LogsArgs, which: &Which) -> Result<(), CliError> {
    if session.is_in_process() && !session.client.run(run, None).await?.status.is_terminal() {
        session.screen.note("no service is running here: the lines of another process are shown");
    }
    let heard = |heard: Heard<'_>| match heard {
        Heard::Lines(lines) => show(session, lines, which, args.timestamps),
        Heard::Note(note) => {
            session.screen.note(&note);
            true
        }
    };
    let ended = session.client.follow(run, args.from, heard).await?;
    if let Some((run, _)) = ended {
        session.screen.note(&format!("run {} {}", run.run_id, run.status.as_str()));
    }
    Ok(())
}

async fn stored(session: &Session, run: &str, args: &LogsArgs, which: &Which) -> Result<(), CliError> {
    let mut from = args.from.unwrap_or(1);
    loop {
        let mut query = vec![("from", from.to_string()), ("limit", LOG_LIMIT_MAX.to_string())];
        if let Some(text) = &which.text {
            query.push(("q", text.clone()));
        }
        if which.level == LogLevel::Error {
            query.push(("level", "ERROR".to_owned()));
        }
        let page = session.client.log_page(run, &query).await?;
        let goes_on = show(session, &page.logs, which, args.timestamps);
        if !goes_on || !page.has_more || page.next_from <= from {
            return Ok(());
        }
        from = page.next_from;
    }
}

/// Prints lines; false when nobody reads any more.
fn show(session: &Session, lines: &[LogEntry], which: &Which, timestamps: bool) -> bool {
    let lines: Vec<LogEntry> = lines.iter().filter(|entry| which.shows(entry)).cloned().collect();
    let text =
        if session.screen.is_json() { json::log_lines(&lines) } else { human::log_lines(&lines, None, timestamps) };
    session.screen.out(&text)
}
