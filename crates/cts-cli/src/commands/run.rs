//! Runs a tool: on all files at once, or on each of them.

use std::path::PathBuf;

use cts_api::run::{Input, InputType};
use cts_api::{CreateRun, Run, ToolCapability};
use cts_model::{Code, JsonMap};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::attend::{Attendance, to_the_end};
use super::{Done, EachRow, EachRun, Report, cap, upload};
use crate::args::{PathArgs, RunArgs, WaitArgs};
use crate::destination;
use crate::error::CliError;
use crate::exit::Exit;
use crate::params::{self, Completeness, Texts};
use crate::render::progress::Progress;
use crate::session::Session;

/// How many runs are attended at one time.
const ATTENDED_MAX: usize = 16;

pub(crate) async fn run(session: &Session, args: RunArgs) -> Result<Done, CliError> {
    session.say_in_process();
    let (request, files) = session.interruptible(prepare(session, &args)).await?;
    // Without a service there is nobody who would go on with it.
    let wait = WaitArgs { wait: args.wait.wait || session.is_in_process(), ..args.wait.clone() };
    let key = args.idempotency_key.clone().unwrap_or_else(|| session.new_key());
    match files {
        None => one(session, &request, &key, &wait).await,
        Some(files) => each(session, &request, files, &key, &wait).await,
    }
}

/// Files that get a run each.
struct Files {
    files: Vec<PathBuf>,
    /// They are sent to the service.
    sends: bool,
}

/// Returns the request, and the files that get a run each.
async fn prepare(session: &Session, args: &RunArgs) -> Result<(CreateRun, Option<Files>), CliError> {
    let tool = cap::find(session, &args.tool).await?;
    let texts = Texts::gather(&args.params, &session.here)?;
    let mut params = params::typed(&tool, &texts, &session.here, Completeness::Whole)?;
    if args.paths.upload {
        upload_files_of(session, &tool, &mut params).await?;
    }
    let request = CreateRun {
        tool_id: tool.id,
        params,
        name: args.request.name.clone(),
        labels: args.request.labels.iter().cloned().collect(),
        priority: args.request.priority,
        timeout_seconds: args.request.timeout.map(|timeout| timeout.as_secs_f64()),
        environment: args.environment.iter().cloned().collect(),
        ..CreateRun::default()
    };
    if !args.each {
        let inputs = inputs(session, &args.paths).await?;
        return Ok((CreateRun { inputs, ..request }, None));
    }
    if args.paths.paths.is_empty() || !args.paths.artifacts.is_empty() {
        return Err(CliError::usage("--each takes its files from --path, and from nothing else"));
    }
    let files = session.here.expand(&args.paths.paths)?;
    Ok((request, Some(Files { files, sends: args.paths.upload })))
}

/// Returns the inputs that paths and artifacts name; files are sent first where that is wanted.
pub(crate) async fn inputs(session: &Session, paths: &PathArgs) -> Result<Vec<Input>, CliError> {
    let mut inputs = Vec::new();
    if paths.upload {
        for file in session.here.expand(&paths.paths)? {
            inputs.push(uploaded(session, &file).await?);
        }
    } else {
        for path in &paths.paths {
            inputs.push(Input { kind: InputType::Path, value: session.here.absolute_text(path)? });
        }
    }
    inputs.extend(paths.artifacts.iter().map(|id| Input { kind: InputType::Artifact, value: id.clone() }));
    Ok(inputs)
}

async fn uploaded(session: &Session, file: &std::path::Path) -> Result<Input, CliError> {
    let upload = upload::send(session, file).await?;
    Ok(Input { kind: InputType::Upload, value: upload.upload_id })
}

/// Sends the files that parameters name.
async fn upload_files_of(session: &Session, tool: &ToolCapability, params: &mut JsonMap) -> Result<(), CliError> {
    let is_path = |value: &Value| value.get("type").and_then(Value::as_str) == Some("path");
    for (name, value) in params.iter_mut() {
        let spec = tool.parameters.get(name).map(|parameter| parameter.to_spec(name));
        let takes_files = spec.is_some_and(|spec| {
            spec.kind == cts_model::ParamKind::File || spec.items == Some(cts_model::ParamKind::File)
        });
        if !takes_files {
            continue;
        }
        let values: &mut [Value] = match value {
            Value::Array(items) => items,
            one => std::slice::from_mut(one),
        };
        for value in values.iter_mut().filter(|value| is_path(value)) {
            let path = PathBuf::from(value.get("value").and_then(Value::as_str).unwrap_or_default());
            let upload = upload::send(session, &path).await?;
            *value = json!({"type": "upload", "value": upload.upload_id});
        }
    }
    Ok(())
}

async fn one(session: &Session, request: &CreateRun, key: &str, wait: &WaitArgs) -> Result<Done, CliError> {
    let run = submit(session, request, key).await?;
    finish(session, run, wait).await
}

async fn submit(session: &Session, request: &CreateRun, key: &str) -> Result<Run, CliError> {
    let mut submitted = session.client.create_run(request, key).await;
    if let Err(CliError::Problem(problem)) = &mut submitted
        && problem.error_code == Code::InvalidInput.as_str()
        && !session.is_in_process()
    {
        // What lies on this machine may be out of the service's sight.
        problem.suggested_actions.push("A file of this machine goes to a service elsewhere with --upload.".to_owned());
    }
    submitted
}

/// Stays with a run that was acknowledged, where that is wanted.
pub(crate) async fn finish(session: &Session, run: Run, wait: &WaitArgs) -> Result<Done, CliError> {
    session.acknowledged(&run.run_id);
    if !wait.waits() {
        return Ok(Done::well(Report::Submitted(Box::new(run))));
    }
    session.screen.note(&format!("run {}", run.run_id));
    let attendance = Attendance { wait, label: None, subfolder: None, draws: true };
    let finished = to_the_end(session, run, &attendance).await?;
    let exit = finished.exit();
    Ok(Done { report: Report::Finished(Box::new(finished)), exit })
}

/// One run for each file; all are submitted before the first is waited for.
async fn each(
    session: &Session,
    request: &CreateRun,
    files: Files,
    key: &str,
    wait: &WaitArgs,
) -> Result<Done, CliError> {
    let Files { files, sends } = files;
    let names = destination::folder_names(&files);
    let total = files.len() as u64;
    let progress = Progress::of_count(&session.screen, &request.tool_id, total);
    let mut submitted = Vec::with_capacity(files.len());
    for (index, (file, name)) in files.into_iter().zip(names).enumerate() {
        let submit = async {
            let input = if sends {
                uploaded(session, &file).await?
            } else {
                Input { kind: InputType::Path, value: session.here.absolute_text(&file)? }
            };
            let request = CreateRun { inputs: vec![input], ..request.clone() };
            submit(session, &request, &format!("{key}-{index}")).await
        };
        let run = match session.interruptible(submit).await {
            Err(error @ CliError::Interrupted(_)) => return Err(error),
            run => run,
        };
        if let Ok(run) = &run {
            session.acknowledged(&run.run_id);
        }
        submitted.push((file, name, run));
    }
    let attended = futures_util::stream::iter(submitted).map(|(file, name, run)| {
        let progress = &progress;
        async move {
            let result = match run {
                Ok(run) if wait.waits() => {
                    let attendance =
                        Attendance { wait, label: Some(name.clone()), subfolder: Some(name), draws: false };
                    to_the_end(session, run, &attendance).await.map(|finished| EachRun::Finished(Box::new(finished)))
                }
                Ok(run) => Ok(EachRun::Submitted(Box::new(run))),
                Err(error) => Err(error),
            };
            progress.one_more();
            EachRow { input: file.display().to_string(), result }
        }
    });
    let rows: Vec<EachRow> = attended.buffered(ATTENDED_MAX).collect().await;
    drop(progress);
    let exit = Exit::of_all(rows.iter().map(|row| match &row.result {
        Ok(EachRun::Submitted(_)) => Exit::Completed,
        Ok(EachRun::Finished(finished)) => finished.exit(),
        Err(error) => error.exit(),
    }));
    Ok(Done { report: Report::Each(rows), exit })
}
