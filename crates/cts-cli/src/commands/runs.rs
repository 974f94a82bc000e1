//! Runs: list, look at one, cancel, run again, wait.

use cts_api::Rerun;
use cts_model::Timestamp;
use serde_json::Value;

use super::attend::{Attendance, to_the_end};
use super::{Done, Report, cap, run};
use crate::args::{PathArgs, RerunArgs, RunsArgs, RunsCommand, WaitArgs, WhichRuns, duration};
use crate::client::Page;
use crate::error::CliError;
use crate::params::{self, Completeness, Texts};
use crate::session::Session;

/// Most runs that `--all` gathers.
const ALL_MAX: usize = 100_000;

pub(crate) async fn runs(session: &Session, args: RunsArgs) -> Result<Done, CliError> {
    match args.command {
        None => session.interruptible(list(session, &args.which)).await,
        Some(RunsCommand::List(which)) => session.interruptible(list(session, &which)).await,
        Some(RunsCommand::Get { run }) => session.interruptible(get(session, &run)).await,
        Some(RunsCommand::Cancel { runs }) => session.interruptible(cancel(session, &runs)).await,
        Some(RunsCommand::Rerun(args)) => rerun(session, args).await,
        Some(RunsCommand::Wait { run, wait }) => session.interruptible(wait_for(session, &run, wait)).await,
    }
}

async fn list(session: &Session, which: &WhichRuns) -> Result<Done, CliError> {
    let mut query = query(which, session.clock.now())?;
    let mut page = session.client.runs(&query).await?;
    while which.all && page.items.len() < ALL_MAX {
        let Some(cursor) = page.next.take() else { break };
        query.retain(|(name, _)| *name != "cursor");
        query.push(("cursor", cursor));
        let Page { items, next, .. } = session.client.runs(&query).await?;
        page.items.extend(items);
        page.next = next;
    }
    Ok(Done::well(Report::Runs(page)))
}

/// Returns the query of a list.
fn query(which: &WhichRuns, now: Timestamp) -> Result<Vec<(&'static str, String)>, CliError> {
    let mut query: Vec<(&'static str, String)> = Vec::new();
    query.extend(which.status.iter().map(|status| ("status", status.as_str().to_owned())));
    query.extend(which.tools.iter().map(|tool| ("tool_id", tool.clone())));
    query.extend(which.labels.iter().map(|(name, value)| ("label", format!("{name}={value}"))));
    query.extend(which.name.iter().map(|name| ("name", name.clone())));
    for (name, text) in [("since", &which.since), ("until", &which.until)] {
        if let Some(text) = text {
            query.push((name, moment(text, now)?.to_string()));
        }
    }
    query.extend(which.q.iter().map(|q| ("q", q.clone())));
    if which.oldest {
        query.push(("sort", "created_at".to_owned()));
    }
    let limit = if which.all { 1000 } else { which.limit };
    query.push(("limit", limit.to_string()));
    query.extend(which.cursor.iter().map(|cursor| ("cursor", cursor.clone())));
    Ok(query)
}

/// Reads a moment: RFC 3339, or how long ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    if let Ok(ago) = duration(text) {
        return Ok(now.minus(ago));
    }
    text.parse().map_err(|_| {
        CliError::usage(format!("{text:?} is neither a time like 2026-11-25T09:30:00Z nor how long ago, like 2h or 7d"))
    })
}

async fn get(session: &Session, run: &str) -> Result<Done, CliError> {
    let id = session.run_id(run).await?;
    Ok(Done::well(Report::Run(Box::new(session.client.run(&id, None).await?))))
}

async fn cancel(session: &Session, runs: &[String]) -> Result<Done, CliError> {
    let mut canceled = Vec::with_capacity(runs.len());
    for run in runs {
        let id = session.run_id(run).await?;
        canceled.push(session.client.cancel(&id).await?);
    }
    Ok(Done::well(Report::Canceled(canceled)))
}

async fn rerun(session: &Session, args: RerunArgs) -> Result<Done, CliError> {
    session.say_in_process();
    let (id, changes) = session.interruptible(changes(session, &args)).await?;
    let key = args.idempotency_key.clone().unwrap_or_else(|| session.new_key());
    let run = session.client.rerun(&id, &changes, &key).await?;
    let wait = WaitArgs { wait: args.wait.wait || session.is_in_process(), ..args.wait };
    run::finish(session, run, &wait).await
}

/// Returns the run, and what is to be different.
async fn changes(session: &Session, args: &RerunArgs) -> Result<(String, Rerun), CliError> {
    let id = session.run_id(&args.run).await?;
    let texts = Texts::gather(&args.params, &session.here)?;
    let mut params = cts_model::JsonMap::new();
    if !args.params.params.is_empty() || !args.params.param_files.is_empty() {
        let earlier = session.client.run(&id, None).await?;
        let tool = cap::find(session, &earlier.tool_id).await?;
        params = params::typed(&tool, &texts, &session.here, Completeness::Changes)?;
    }
    params.extend(args.unset.iter().map(|name| (name.clone(), Value::Null)));
    let PathArgs { paths, artifacts, .. } = &args.paths;
    let inputs = match (paths.is_empty(), artifacts.is_empty()) {
        (true, true) => None,
        _ => Some(run::inputs(session, &args.paths).await?),
    };
    let labels = &args.request.labels;
    let changes = Rerun {
        params: (!params.is_empty()).then_some(params),
        inputs,
        input: None,
        name: args.request.name.clone(),
        labels: (!labels.is_empty()).then(|| labels.iter().cloned().collect()),
        priority: args.request.priority,
        timeout_seconds: args.request.timeout.map(|timeout| timeout.as_secs_f64()),
    };
    Ok((id, changes))
}

async fn wait_for(session: &Session, run: &str, wait: WaitArgs) -> Result<Done, CliError> {
    let id = session.run_id(run).await?;
    let run = session.client.run(&id, None).await?;
    if session.is_in_process() && !run.status.is_terminal() {
        session.screen.warn("no service is running here: a queued run starts when there is one");
    }
    session.acknowledged(&id);
    // Waiting is no reason to fetch; naming a folder, or following, is.
    let fetches = wait.follow || wait.out_dir.is_some();
    let wait = WaitArgs { wait: true, no_download: wait.no_download || !fetches, ..wait };
    let attendance = Attendance { wait: &wait, label: None, subfolder: None, draws: true };
    let finished = to_the_end(session, run, &attendance).await?;
    let exit = finished.exit();
    Ok(Done { report: Report::Finished(Box::new(finished)), exit })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn query_of(line: &str) -> String {
        let Command::Runs(args) = Cli::try_parse_from(line.split_whitespace()).unwrap().command else { panic!() };
        let now = Timestamp::from_ms(1_795_599_000_000);
        match query(&args.which, now) {
            Ok(query) => query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_options_of_a_list_become_its_query() {
        assert_eq!(query_of("cts runs"), "limit=20");
        assert_eq!(
            query_of("cts runs --status failed,canceled --tool t --label a=b --query x --oldest --limit 3 --cursor c"),
            "status=failed status=canceled tool_id=t label=a=b q=x sort=created_at limit=3 cursor=c"
        );
        assert_eq!(
            query_of("cts runs --since 2h --until 2026-11-25T09:30:00Z --all"),
            "since=2026-11-25T07:30:00.000Z until=2026-11-25T09:30:00.000Z limit=1000"
        );
        assert!(query_of("cts runs --since yesterday").contains("neither a time"));
    }
}
