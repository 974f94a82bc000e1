//! Artifacts: list, fetch, open.

use std::path::{Path, PathBuf};

use cts_api::Artifact;
use cts_model::ArtifactId;

use super::attend::fetch;
use super::{Done, Opened, Report};
use crate::args::{ArtCommand, ArtGetArgs};
use crate::client::Download;
use crate::destination;
use crate::error::{CliError, Complaint};
use crate::render::progress::Progress;
use crate::session::Session;

pub(crate) async fn art(session: &Session, command: ArtCommand) -> Result<Done, CliError> {
    match command {
        ArtCommand::List { run } => {
            let run = session.run_id(&run).await?;
            Ok(Done::well(Report::Artifacts(session.client.artifacts(&run).await?)))
        }
        ArtCommand::Get(args) => get(session, args).await,
        ArtCommand::Open { artifact, out_dir } => open(session, &artifact, out_dir.as_deref()).await,
    }
}

async fn get(session: &Session, args: ArtGetArgs) -> Result<Done, CliError> {
    let mut artifacts = named(session, &args.id).await?;
    if !args.names.is_empty() {
        artifacts = chosen(artifacts, &args.names)?;
    }
    if let Some(output) = &args.output {
        return get_one(session, artifacts, output).await;
    }
    let Some(run_id) = artifacts.first().map(|artifact| artifact.run_id.clone()) else {
        return Ok(Done::well(Report::Saved(Vec::new())));
    };
    let folder = folder(session, args.out_dir.as_deref(), &run_id);
    Ok(Done::well(Report::Saved(fetch(session, artifacts, &folder).await?)))
}

fn folder(session: &Session, named: Option<&Path>, run_id: &str) -> PathBuf {
    destination::folder(named, session.out_dir.as_deref(), &session.here.current_dir, run_id)
}

/// Returns the artifact of an id, or all of the run of an id.
async fn named(session: &Session, id: &str) -> Result<Vec<Artifact>, CliError> {
    if id != "last" && id.parse::<ArtifactId>().is_ok() {
        match session.client.artifact(id).await {
            Ok(artifact) => return Ok(vec![artifact]),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    let run = session.run_id(id).await?;
    match session.client.artifacts(&run).await {
        Err(error) if error.is_not_found() => {
            let complaint = Complaint::new(format!("there is neither an artifact nor a run {id}"))
                .action("List the runs with `cts runs`, the artifacts of one with `cts art list RUN`.");
            Err(CliError::NotFound(complaint.into()))
        }
        other => other,
    }
}

/// Returns the artifacts with these names.
fn chosen(artifacts: Vec<Artifact>, names: &[String]) -> Result<Vec<Artifact>, CliError> {
    let mut patterns = Vec::with_capacity(names.len());
    for name in names {
        let pattern = glob::Pattern::new(name);
        patterns.push(pattern.map_err(|error| CliError::usage(format!("the glob {name} is wrong: {error}")))?);
    }
    for (name, pattern) in names.iter().zip(&patterns) {
        if !artifacts.iter().any(|artifact| artifact.filename == *name || pattern.matches(&artifact.filename)) {
            let there: Vec<&str> = artifacts.iter().map(|artifact| artifact.filename.as_str()).collect();
            let complaint = Complaint::new(format!("the run made no file {name:?}")).action(format!(
                "It made: {}.",
                if there.is_empty() { "nothing".to_owned() } else { there.join(", ") }
            ));
            return Err(CliError::NotFound(complaint.into()));
        }
    }
    let is_wanted = |artifact: &Artifact| {
        names.contains(&artifact.filename) || patterns.iter().any(|pattern| pattern.matches(&artifact.filename))
    };
    Ok(artifacts.into_iter().filter(is_wanted).collect())
}

async fn get_one(session: &Session, artifacts: Vec<Artifact>, output: &Path) -> Result<Done, CliError> {
    let [artifact] = artifacts.as_slice() else {
        let sentence = format!("--output takes one artifact, and these are {}", artifacts.len());
        return Err(CliError::Usage(Complaint::new(sentence).action("Name one of them, or use --out-dir.").into()));
    };
    if output == Path::new("-") {
        session.client.fetch_to(artifact, &mut tokio::io::stdout()).await?;
        return Ok(Done::well(Report::Nothing));
    }
    let saved = save(session, artifact.clone(), session.here.absolute(output)).await?;
    Ok(Done::well(Report::Saved(vec![saved])))
}

async fn save(session: &Session, artifact: Artifact, path: PathBuf) -> Result<super::Saved, CliError> {
    let download = Download { artifact: &artifact, target: path.clone() };
    let progress = Progress::of_bytes(&session.screen, &artifact.filename, artifact.size);
    let fetched = session.client.fetch(&download, |bytes| progress.at(bytes)).await?;
    drop(progress);
    Ok(super::Saved { artifact, path, lines: fetched.lines, was_there: fetched.was_there })
}

async fn open(session: &Session, id: &str, out_dir: Option<&Path>) -> Result<Done, CliError> {
    let artifact = match id.parse::<ArtifactId>() {
        Ok(_) => session.client.artifact(id).await?,
        Err(error) => {
            let complaint = Complaint::new(error.to_string()).action("List them with `cts art list RUN`.");
            return Err(CliError::NotFound(complaint.into()));
        }
    };
    let folder = folder(session, out_dir, &artifact.run_id);
    let artifacts = [artifact];
    let targets = destination::targets(&folder, &artifacts);
    let [artifact] = artifacts;
    let target = targets.into_iter().next().unwrap_or(folder);
    let saved = save(session, artifact, target).await?;
    let is_shown = session.has_desktop && !session.screen.is_json() && show_on_desktop(&saved.path);
    let preview = if is_shown { None } else { Some(session.client.preview(&saved.artifact.id).await?) };
    Ok(Done::well(Report::Opened(Box::new(Opened { saved, preview }))))
}

/// Hands a file to the program that the desktop has for it; false when there is none.
fn show_on_desktop(path: &Path) -> bool {
    use std::process::Stdio;
    #[expect(clippy::disallowed_methods, reason = "the desktop's own opener shows a file to the user; it is no tool")]
    let mut command = std::process::Command::new("xdg-open");
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
