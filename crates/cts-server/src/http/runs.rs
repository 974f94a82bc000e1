//! Runs: submit, list, look at, wait for, cancel, run again.

#![expect(unused_qualifications, reason = "the macro of operations writes whole paths of query types")]

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use cts_api::page::{LIMIT_DEFAULT, LIMIT_MAX, TOTAL_COUNT};
use cts_api::{CreateRun, Problem, Rerun, Run, RunStatus};
use cts_engine::{RunView, Submission, Submitted, WaitFor};
use cts_model::{Artifact, CheckedParams, Code, FieldFault, JsonMap, RunId, RunState, Timestamp, ToolId};
use cts_store::{RunFilter, RunSort};
use http::HeaderMap;
use utoipa::IntoParams;

use crate::extract::{BaseUrl, Cx, FromQuery, Idempotency, Json, NoQuery, Path, Query, QueryFields, RawJson};
use crate::http::{created, json, json_body, json_bytes, older_clients, say_next};
use crate::problem::Refusal;
use crate::state::Shared;

/// Longest wait of one request.
const WAIT_MAX: Duration = Duration::from_mins(5);

/// Returns a run as clients see it now.
pub(crate) fn wire(shared: &Shared, view: &RunView) -> Run {
    Run::of(&view.run, view.queue_position, shared.clock.now())
}

/// Returns the body of a run, from the cache or for it.
fn answer(shared: &Shared, before: crate::cache::Before, view: &RunView) -> Response {
    let body = json_bytes(&wire(shared, view));
    if view.run.state.is_terminal() {
        shared.run_bodies.keep(before, view.run.id, body.clone());
    }
    json_body(body)
}

/// Submit a run
///
/// The run is acknowledged when this answers: whatever dies, it ends in one of its states.
#[utoipa::path(
    post, path = "/v1/runs", tag = "Runs", operation_id = "createRun", request_body = CreateRun,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable for 24 hours")),
    responses(
        (status = 201, body = Run, description = "The run was queued", headers(
            ("Location" = String, description = "Address of the run"),
            ("Idempotency-Replayed" = Option<String>, description = "true when the key was seen before"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields or parameters are wrong"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such tool"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The tool cannot run here, or the key was used for another request"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "An input is missing, unreadable, outside the roots or of the wrong kind"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "The queue is full"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The service is stopping, or the disk is low"),
    ),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    BaseUrl(base): BaseUrl,
    _: NoQuery,
    key: Idempotency,
    headers: HeaderMap,
    body: RawJson,
) -> Result<Response, Refusal> {
    let mut request = match body.read::<CreateRun>() {
        Ok(request) => request,
        Err(mut faults) => {
            faults.extend(faults_of_params(&shared, &body));
            return Err(Refusal::fields(Code::InvalidRequest, faults));
        }
    };
    if !request.ignored.is_empty() {
        let names = request.ignored.join(", ");
        tracing::info!("{names} of an older client are ignored: CTS needs no repository and installs nothing");
    }
    if older_clients::is_sender(&headers)
        && let Some(tool) = shared.engine.registry().get(&request.tool_id)
    {
        older_clients::take_back_guesses(&tool.spec.params, &mut request.params);
    }
    let submission = Submission {
        tool_id: request.tool_id,
        params: request.params,
        inputs: request.inputs.into_iter().map(Into::into).collect(),
        name: request.name,
        labels: request.labels,
        priority: request.priority.unwrap_or(0),
        timeout_seconds: request.timeout_seconds,
        environment: request.environment,
        idempotency: key.over("POST /v1/runs", &[&body.canonical]),
    };
    let submitted = shared.engine.submit(&cx, submission).await?;
    Ok(submitted_answer(&shared, &submitted, &base))
}

fn submitted_answer(shared: &Shared, submitted: &Submitted, base: &str) -> Response {
    let location = format!("{base}/v1/runs/{}", submitted.view.run.id);
    created(&wire(shared, &submitted.view), &location, submitted.replayed)
}

/// Returns the faults of the tool's own parameters in a body that is wrong elsewhere, so that all come at once.
fn faults_of_params(shared: &Shared, body: &RawJson) -> Vec<FieldFault> {
    let tool_id = body.value.get("tool_id").and_then(|id| id.as_str());
    let Some(tool) = tool_id.and_then(|id| shared.engine.registry().get(id)) else { return Vec::new() };
    let Some(params) = body.value.get("params").and_then(|params| params.as_object()) else { return Vec::new() };
    let aliases = &tool.spec.input.param_aliases;
    let params: JsonMap =
        params.iter().filter(|(name, _)| !aliases.contains(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    CheckedParams::check(&tool.spec.params, &params).err().unwrap_or_default()
}

/// Which runs.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only runs in one of these states; several may be given, also separated by commas.
    #[param(value_type = Option<Vec<RunStatus>>)]
    status: Vec<RunState>,
    /// Only runs of one of these tools; several may be given, also separated by commas.
    #[param(value_type = Option<Vec<String>>)]
    tool_id: Vec<ToolId>,
    /// Only runs with this label, as `name=value`; several may be given, and all of them must fit.
    #[param(value_type = Option<Vec<String>>)]
    label: Vec<(String, String)>,
    /// Only runs of exactly this name.
    name: Option<String>,
    /// Only runs that were acknowledged at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only runs that were acknowledged at this time or earlier.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only runs with this text in their id, tool, name, labels or inputs.
    q: Option<String>,
    /// `-created_at` (the newest first, the default) or `created_at`.
    #[param(value_type = Option<String>, pattern = "^-?created_at$")]
    sort: RunSort,
    /// Most runs of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: u32,
    /// Where to go on: from `X-Next-Cursor` of the page before.
    cursor: Option<String>,
}

impl FromQuery for ListQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        let status = fields.many("status").into_iter().filter_map(|word| {
            let found = RunState::from_word(&word);
            if found.is_none() {
                let known = RunState::ALL.map(RunState::as_str);
                let near = cts_model::nearest::did_you_mean(&word, known);
                fields.fault("status", "choice", format!("{:?} is not one of {}{near}", cut(&word), known.join(", ")));
            }
            found
        });
        let status = status.collect();
        let tool_id = fields.many("tool_id").into_iter().filter_map(|text| {
            text.parse()
                .map_err(|error: cts_model::id::BadId| fields.fault("tool_id", "pattern", error.to_string()))
                .ok()
        });
        let tool_id = tool_id.collect();
        let label = fields.each("label").into_iter().filter_map(|text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Some((name.to_owned(), value.to_owned())),
            _ => {
                fields.fault("label", "pattern", format!("label is {:?}, not name=value", cut(&text)));
                None
            }
        });
        let label = label.collect();
        let sort = match fields.text("sort").as_deref() {
            None | Some("-created_at") => RunSort::Newest,
            Some("created_at") => RunSort::Oldest,
            Some(other) => {
                fields.fault("sort", "choice", format!("sort is {:?}, not created_at or -created_at", cut(other)));
                RunSort::Newest
            }
        };
        let limit = fields.integer("limit", 1..=u64::from(LIMIT_MAX));
        Some(Self {
            status,
            tool_id,
            label,
            name: fields.text("name").filter(|text| !text.is_empty()),
            since: fields.time("since"),
            until: fields.time("until"),
            q: fields.text("q").filter(|text| !text.is_empty()),
            sort,
            limit: limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT),
            cursor: fields.text("cursor"),
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

/// List runs, the newest first
#[utoipa::path(
    get, path = "/v1/runs", tag = "Runs", operation_id = "listRuns", params(ListQuery),
    responses(
        (status = 200, body = Vec<Run>, description = "A page of runs", headers(
            ("Link" = Option<String>, description = "The next page"),
            ("X-Next-Cursor" = Option<String>, description = "Cursor of the next page"),
            ("X-Total-Count" = Option<u64>, description = "Runs on all pages, where that is cheap to know"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is wrong"),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    BaseUrl(base): BaseUrl,
    uri: http::Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    let filter = RunFilter {
        states: query.status,
        tool_ids: query.tool_id,
        labels: query.label,
        name: query.name,
        since: query.since,
        until: query.until,
        q: query.q,
    };
    let list = shared.engine.runs(&filter, query.sort, query.limit, query.cursor.as_deref()).await?;
    let runs: Vec<Run> = list.runs.iter().map(|view| wire(&shared, view)).collect();
    let mut response = json(&runs);
    if let Some(cursor) = &list.next {
        say_next(&mut response, &base, &uri, cursor);
    }
    if let Some(total) = list.total {
        response.headers_mut().insert(TOTAL_COUNT, total.into());
    }
    Ok(response)
}

/// How long to wait.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// Answers as soon as the state changes or this time is over: `30s`, `500ms`, `2m`, or seconds.
    #[param(value_type = Option<String>, pattern = r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m)?$", example = "30s")]
    wait: Option<Duration>,
}

impl FromQuery for WaitQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        let wait = fields.text("wait").and_then(|text| {
            let wait = duration(&text);
            match wait {
                Some(wait) if wait <= WAIT_MAX => Some(wait),
                Some(_) => {
                    fields.fault("wait", "range", format!("wait is at most {} s", WAIT_MAX.as_secs()));
                    None
                }
                None => {
                    let message = format!("wait is {:?}, not a time like 30s, 500ms, 2m", cut(&text));
                    fields.fault("wait", "pattern", message);
                    None
                }
            }
        });
        Some(Self { wait })
    }
}

/// Reads a duration: a number with `ms`, `s`, `m` or nothing behind it, which means seconds.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.len() > 19 || !number.starts_with(|c: char| c.is_ascii_digit()) || number.ends_with('.') {
        return None;
    }
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor).ok()
}

/// Look at a run, or wait for its next change
#[utoipa::path(
    get, path = "/v1/runs/{run_id}", tag = "Runs", operation_id = "getRun",
    params(("run_id" = String, Path, format = "uuid"), WaitQuery),
    responses(
        (status = 200, body = Run, description = "The run"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
    ),
)]
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<RunId>,
    Query(query): Query<WaitQuery>,
) -> Result<Response, Refusal> {
    // A run that has ended does not change its state any more, so that nobody waits for it either.
    if let Some(body) = shared.run_bodies.get(run) {
        return Ok(json_body(body));
    }
    let before = shared.run_bodies.before();
    let mut view = shared.engine.run(run).await?;
    if let Some(wait) = query.wait.filter(|_| !view.run.state.is_terminal()) {
        // The answer must come before the time limit of the request does.
        let wait = wait.min(shared.http.request_timeout.mul_f64(0.9));
        view = shared.engine.wait(run, WaitFor::Change(view.run.state, view.run.attempt), wait).await?;
    }
    Ok(answer(&shared, before, &view))
}

/// Cancel a run
///
/// Asking again, or asking a run that has ended, changes nothing.
#[utoipa::path(
    post, path = "/v1/runs/{run_id}/cancel", tag = "Runs", operation_id = "cancelRun",
    params(("run_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, body = Run, description = "The run as it is now"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
    ),
)]
pub(crate) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    Path(run): Path<RunId>,
    _: NoQuery,
) -> Result<Response, Refusal> {
    Ok(json(&wire(&shared, &shared.engine.cancel(&cx, run).await?)))
}

/// Cancel a run: the same as `POST /v1/runs/{run_id}/cancel`
#[utoipa::path(
    delete, path = "/v1/runs/{run_id}", tag = "Runs", operation_id = "deleteRun",
    params(("run_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, body = Run, description = "The run as it is now"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
    ),
)]
pub(crate) async fn delete(
    state: State<Arc<Shared>>,
    cx: Cx,
    run: Path<RunId>,
    query: NoQuery,
) -> Result<Response, Refusal> {
    cancel(state, cx, run, query).await
}

/// Run the same again, with changes
#[utoipa::path(
    post, path = "/v1/runs/{run_id}/rerun", tag = "Runs", operation_id = "rerun", request_body = Option<Rerun>,
    params(("run_id" = String, Path, format = "uuid"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable for 24 hours")),
    responses(
        (status = 201, body = Run, description = "The new run was queued", headers(
            ("Location" = String, description = "Address of the run"),
            ("Idempotency-Replayed" = Option<String>, description = "true when the key was seen before"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields or parameters are wrong, or a secret is needed again"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run, or its tool is gone"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The tool cannot run here, or the key was used for another request"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "An input is not there any more"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "The queue is full"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The service is stopping, or the disk is low"),
    ),
)]
pub(crate) async fn rerun(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    BaseUrl(base): BaseUrl,
    Path(run): Path<RunId>,
    _: NoQuery,
    key: Idempotency,
    Json { value, canonical }: Json<Rerun>,
) -> Result<Response, Refusal> {
    let changes = cts_engine::Rerun {
        params: value.params.unwrap_or_default(),
        inputs: value.inputs.map(|inputs| inputs.into_iter().map(Into::into).collect()),
        name: value.name,
        labels: value.labels,
        priority: value.priority,
        timeout_seconds: value.timeout_seconds,
        environment: None,
    };
    let key = key.over("POST /v1/runs/{run_id}/rerun", &[run.to_string().as_bytes(), &canonical]);
    let submitted =
        shared.engine.rerun(&cx, run, changes, key).await.map_err(|error| Refusal::from(error).of_run(run))?;
    Ok(submitted_answer(&shared, &submitted, &base))
}

/// List the artifacts of a run
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/artifacts", tag = "Runs", operation_id = "listArtifacts",
    params(("run_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, body = Vec<cts_api::Artifact>, description = "All of them; finished files of a running tool too"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
    ),
)]
pub(crate) async fn artifacts(
    State(shared): State<Arc<Shared>>,
    BaseUrl(base): BaseUrl,
    Path(run): Path<RunId>,
    _: NoQuery,
) -> Result<Response, Refusal> {
    let artifacts: Vec<Artifact> = shared.engine.artifacts(run).await?;
    let artifacts: Vec<_> = artifacts.iter().map(|artifact| cts_api::Artifact::of(artifact, &base)).collect();
    Ok(json(&artifacts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_has_a_unit_or_is_in_seconds() {
        let table = [
            ("30s", Some(30_000)),
            ("30", Some(30_000)),
            ("1.5s", Some(1500)),
            ("500ms", Some(500)),
            ("2m", Some(120_000)),
            ("0", Some(0)),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1h", None),
            ("1.s", None),
            (".5s", None),
            ("1e9", None),
            ("99999999999999999999999", None),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text:?}");
        }
    }
}
