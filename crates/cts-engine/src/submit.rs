//! From a request to a queued run: everything that can be wrong is found here, before anything starts.

use std::collections::BTreeMap;
use std::time::Duration;

use cts_model::params::input_ref;
use cts_model::secret::MASK;
use cts_model::{CheckedParams, Ctx, FieldFault, InputKind, InputRef, JsonMap, Run, RunId, RunRequest};
use cts_store::IdempotencyRow;
use serde_json::Value;

use crate::error::EngineError;
use crate::tools::Tool;
use crate::{Engine, RunView, WorkerKind};

/// Longest name of a run, in characters.
pub(crate) const NAME_LENGTH_MAX: usize = 200;
/// Most labels of a run.
pub(crate) const LABELS_MAX: usize = 64;
/// Longest name of a label, in characters.
pub(crate) const LABEL_NAME_LENGTH_MAX: usize = 64;
/// Longest value of a label or an environment variable, in characters.
pub(crate) const VALUE_LENGTH_MAX: usize = 4096;
/// Priorities lie between minus this and this.
pub(crate) const PRIORITY_MAX: i32 = 100;

/// What a client asks for.
#[derive(Debug, Clone, Default)]
pub struct Submission {
    /// Which tool.
    pub tool_id: String,
    /// Raw parameters.
    pub params: JsonMap,
    /// The files to work on.
    pub inputs: Vec<InputRef>,
    /// A name for people.
    pub name: Option<String>,
    /// Labels for filters.
    pub labels: BTreeMap<String, String>,
    /// Higher first.
    pub priority: i32,
    /// A shorter time limit than the tool's.
    pub timeout_seconds: Option<f64>,
    /// Additional environment.
    pub environment: BTreeMap<String, String>,
    /// Makes the request repeatable.
    pub idempotency: Option<IdempotencyKey>,
}

/// What makes a request repeatable: the same key with the same body answers with the same run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The client's key.
    pub key: String,
    /// Which route it was used on.
    pub route: &'static str,
    /// Sum of the body.
    pub body_sha256: String,
}

/// What became of a submission.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The run as it is now.
    pub view: RunView,
    /// Whether the key was seen before, so that nothing new was made.
    pub replayed: bool,
}

/// What a repeated run changes; everything else is as it was.
#[derive(Debug, Clone, Default)]
pub struct Rerun {
    /// Parameters that replace the old ones by name; null takes one away.
    pub params: JsonMap,
    /// Other inputs.
    pub inputs: Option<Vec<InputRef>>,
    /// Another name.
    pub name: Option<String>,
    /// Other labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Another priority.
    pub priority: Option<i32>,
    /// Another time limit.
    pub timeout_seconds: Option<f64>,
    /// Other additional environment.
    pub environment: Option<BTreeMap<String, String>>,
}

impl Engine {
    /// Checks a request and puts its run into the queue; when this returns, the run survives everything.
    ///
    /// # Errors
    /// Every fault of the request at once, a full queue, a low disk, a service that is stopping.
    pub async fn submit(&self, cx: &Ctx, submission: Submission) -> Result<Submitted, EngineError> {
        if let Some(seen) = self.replay(cx, submission.idempotency.as_ref()).await? {
            return Ok(seen);
        }
        if self.inner.is_draining() {
            return Err(EngineError::Draining);
        }
        let tool = self.registry().get(&submission.tool_id).ok_or_else(|| EngineError::ToolNotFound {
            id: submission.tool_id.chars().take(64).collect(),
            nearest: self.registry().nearest(&submission.tool_id),
        })?;
        if let Some(reason) = &tool.spec.unavailable_reason {
            return Err(EngineError::ToolUnavailable { id: tool.spec.id.to_string(), reason: reason.clone() });
        }
        let idempotency = submission.idempotency.clone();
        let request = self.check(&tool, submission).await?;
        self.check_disk()?;
        let run = Run::new(RunId::new(&self.inner.ids), cx, request, self.inner.clock.now());
        let submitted = self.enqueue(cx, run, idempotency).await?;
        if !submitted.replayed {
            self.inner.metrics.submitted(&submitted.view.run);
        }
        Ok(submitted)
    }

    /// Submits the request of an earlier run again, with changes.
    ///
    /// # Errors
    /// As [`Engine::submit`]; secret parameters of a run that has ended must be given again.
    pub async fn rerun(
        &self,
        cx: &Ctx,
        id: RunId,
        changes: Rerun,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Submitted, EngineError> {
        let earlier = self.run(id).await?.run;
        let request = earlier.request;
        let mut params = request.params;
        for (name, secret) in &request.secret_params {
            params.insert(name.clone(), Value::from(secret.reveal()));
        }
        for (name, value) in changes.params {
            match value {
                Value::Null => params.remove(&name),
                value => params.insert(name, value),
            };
        }
        if let Some(tool) = self.registry().get(request.tool_id.as_str()) {
            let is_dropped = |name: &String| params.get(name).and_then(Value::as_str) == Some(MASK);
            let secrets = tool.spec.params.iter().filter(|param| param.secret).map(|param| param.name.clone());
            let dropped: Vec<String> = secrets.filter(is_dropped).collect();
            if !dropped.is_empty() {
                return Err(EngineError::SecretNeeded(dropped));
            }
        }
        let submission = Submission {
            tool_id: request.tool_id.to_string(),
            params,
            inputs: changes.inputs.unwrap_or(request.inputs),
            name: changes.name.or(request.name),
            labels: changes.labels.unwrap_or(request.labels),
            priority: changes.priority.unwrap_or(request.priority),
            // The earlier limit is kept, but never above what the tool allows today.
            timeout_seconds: changes.timeout_seconds,
            environment: changes.environment.unwrap_or(request.environment),
            idempotency,
        };
        self.submit(cx, submission).await
    }

    /// Answers a request whose key was seen before.
    async fn replay(&self, cx: &Ctx, key: Option<&IdempotencyKey>) -> Result<Option<Submitted>, EngineError> {
        let Some(key) = key else { return Ok(None) };
        let seen = self.inner.db.key(&key.key, key.route, &cx.actor.key()).await?;
        let Some(seen) = seen.filter(|row| self.inner.clock.now().since(row.at) < IDEMPOTENCY_KEPT) else {
            return Ok(None);
        };
        if seen.body_sha256 != key.body_sha256 {
            return Err(EngineError::IdempotencyKeyReused);
        }
        let Ok(id) = seen.resource_id.parse() else { return Ok(None) };
        match self.run(id).await {
            Ok(view) => Ok(Some(Submitted { view, replayed: true })),
            // The run was removed meanwhile: the key is free again.
            Err(EngineError::RunNotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn check(&self, tool: &Tool, submission: Submission) -> Result<RunRequest, EngineError> {
        let (spec, options) = (&tool.spec, &self.inner.options);
        let Submission { mut params, mut inputs, name, labels, priority, timeout_seconds, environment, .. } =
            submission;
        let mut faults = Vec::new();
        take_aliases(&spec.input.param_aliases, &mut params, &mut inputs, &mut faults);
        let checked = CheckedParams::check(&spec.params, &params).unwrap_or_else(|found| {
            faults.extend(found);
            CheckedParams::default()
        });
        faults.extend(tool.command().map(|command| command.check_values(&checked.values)).unwrap_or_default());
        check_texts(name.as_deref(), &labels, &environment, &spec.environment, &mut faults);
        if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&priority) {
            let message = format!("priority is {priority}; allowed is -{PRIORITY_MAX} to {PRIORITY_MAX}");
            faults.push(FieldFault::new("/priority", "range", message));
        }
        let timeout_max = spec.timeout.unwrap_or(options.tool_timeout).min(options.tool_timeout_max);
        let timeout = check_timeout(timeout_seconds, timeout_max, &mut faults);

        // Files are looked at even when the rest is wrong, so that every fault comes at once.
        let mut input_faults = Vec::new();
        let resolved = self.resolve_inputs(&inputs, spec, &checked.files, &mut input_faults).await?;
        if !faults.is_empty() {
            faults.extend(input_faults);
            return Err(EngineError::InvalidRequest(faults));
        }
        if !input_faults.is_empty() {
            return Err(EngineError::InvalidInput(input_faults));
        }

        let concurrency_key = (!spec.concurrency_key.is_empty()).then(|| {
            let value = |name: &String| checked.values.get(name).map_or_else(|| "null".to_owned(), Value::to_string);
            spec.concurrency_key.iter().map(value).collect::<Vec<_>>().join(",")
        });
        let mut params = checked.values;
        for name in checked.secrets.keys() {
            params.insert(name.clone(), Value::from(MASK));
        }
        Ok(RunRequest {
            tool_id: spec.id.clone(),
            tool_version: spec.version.clone(),
            name,
            labels,
            priority,
            params,
            secret_params: checked.secrets,
            inputs: resolved,
            timeout,
            environment,
            max_attempts: spec.retry_policy(&options.retry).attempts_max.max(1),
            concurrency_key,
            owner: (self.inner.kind == WorkerKind::Client).then_some(self.inner.worker),
        })
    }

    async fn enqueue(&self, cx: &Ctx, run: Run, key: Option<IdempotencyKey>) -> Result<Submitted, EngineError> {
        let queued_max = self.inner.options.max_queued_runs;
        let (actor, asked) = (cx.actor.key(), cx.clone());
        let new = run.clone();
        // The key is checked again in the transaction: two equal requests at once make one run.
        let written = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let mut remembered = None;
                    if let Some(key) = key {
                        if let Some(seen) = tx.key(&key.key, key.route, &actor).await? {
                            let is_young = new.created_at.since(seen.at) < IDEMPOTENCY_KEPT;
                            let made: Option<RunId> = seen.resource_id.parse().ok();
                            let is_there = match made {
                                Some(made) => tx.run(made).await?.is_some(),
                                None => false,
                            };
                            match made {
                                Some(_) if is_young && seen.body_sha256 != key.body_sha256 => {
                                    return Ok(Written::Reused);
                                }
                                Some(made) if is_young && is_there => return Ok(Written::Seen(made)),
                                _ => tx.forget_key(&key.key, key.route, &actor).await?,
                            };
                        }
                        remembered = Some(IdempotencyRow {
                            key: key.key,
                            route: key.route.to_owned(),
                            actor,
                            body_sha256: key.body_sha256,
                            resource_id: new.id.to_string(),
                            at: new.created_at,
                        });
                    }
                    let queued = tx.queued_count().await?;
                    if queued >= queued_max {
                        return Ok(Written::Full(queued + 1));
                    }
                    // Only now: a key must not be remembered for a run that is not there.
                    if let Some(row) = remembered {
                        tx.remember_key(&row).await?;
                    }
                    tx.insert_run(&new).await?;
                    tx.record_change(&asked, new.created_at, &[("run_id", new.id.to_string())]).await?;
                    Ok(Written::New)
                })
            })
            .await?;
        match written {
            Written::New => {
                self.inner.announce(run.id);
                self.inner.wake_dispatcher();
                tracing::info!(
                    run.id = %run.id, tool.id = %run.request.tool_id, request.id = %cx.request_id,
                    "run {} of {} queued", run.id, run.request.tool_id
                );
                let queue_position = self.inner.db.queue_position(&run).await?;
                Ok(Submitted { view: RunView { run, queue_position }, replayed: false })
            }
            Written::Full(position) => Err(EngineError::QueueFull { position }),
            Written::Seen(id) => Ok(Submitted { view: self.run(id).await?, replayed: true }),
            Written::Reused => Err(EngineError::IdempotencyKeyReused),
        }
    }

    fn check_disk(&self) -> Result<(), EngineError> {
        let (free, needed) = (self.inner.disk_free(), self.inner.options.disk_free_bytes_min);
        if free < needed { Err(EngineError::DiskLow { free, needed }) } else { Ok(()) }
    }
}

/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(24);

enum Written {
    New,
    Full(u64),
    Seen(RunId),
    Reused,
}

/// Moves the parameters by which older clients name the input to the inputs.
fn take_aliases(aliases: &[String], params: &mut JsonMap, inputs: &mut Vec<InputRef>, faults: &mut Vec<FieldFault>) {
    for alias in aliases {
        match params.remove(alias) {
            None | Some(Value::Null) => {}
            Some(Value::String(path)) => inputs.push(InputRef { kind: InputKind::Path, value: path }),
            Some(value) => match input_ref(&value) {
                Some(input) => inputs.push(input),
                None => {
                    let message = format!("{alias} is not a path");
                    faults.push(FieldFault::new(format!("/params/{alias}"), "type", message));
                }
            },
        }
    }
}

fn check_texts(
    name: Option<&str>,
    labels: &BTreeMap<String, String>,
    environment: &BTreeMap<String, String>,
    allowed: &[String],
    faults: &mut Vec<FieldFault>,
) {
    let bad = |text: &str, most: usize| text.chars().count() > most || text.contains('\0');
    if name.is_some_and(|name| bad(name, NAME_LENGTH_MAX) || name.trim().is_empty()) {
        let message = format!("a name has 1 to {NAME_LENGTH_MAX} characters");
        faults.push(FieldFault::new("/name", "length", message));
    }
    if labels.len() > LABELS_MAX {
        faults.push(FieldFault::new("/labels", "length", format!("at most {LABELS_MAX} labels are allowed")));
    }
    for (label, value) in labels {
        let pointer = || format!("/labels/{}", label.chars().take(LABEL_NAME_LENGTH_MAX).collect::<String>());
        if label.is_empty() || bad(label, LABEL_NAME_LENGTH_MAX) || label.contains('=') {
            let message = format!("the name of a label has 1 to {LABEL_NAME_LENGTH_MAX} characters and no '='");
            faults.push(FieldFault::new(pointer(), "length", message));
        }
        if bad(value, VALUE_LENGTH_MAX) {
            let message = format!("the value of a label has at most {VALUE_LENGTH_MAX} characters");
            faults.push(FieldFault::new(pointer(), "length", message));
        }
    }
    for (variable, value) in environment {
        let pointer = format!("/environment/{}", variable.chars().take(64).collect::<String>());
        if !allowed.contains(variable) {
            let mut fault = FieldFault::unknown(pointer, variable, allowed.iter().map(String::as_str));
            fault.message += "; a tool's manifest says which environment a request may set";
            faults.push(fault);
        } else if bad(value, VALUE_LENGTH_MAX) {
            let message = format!("{variable} has at most {VALUE_LENGTH_MAX} characters and no NUL");
            faults.push(FieldFault::new(pointer, "length", message));
        }
    }
}

fn check_timeout(asked: Option<f64>, most: Duration, faults: &mut Vec<FieldFault>) -> Duration {
    let Some(seconds) = asked else { return most };
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) if !timeout.is_zero() && timeout <= most => timeout,
        _ => {
            let message = format!(
                "timeout_seconds is {seconds}; it may only shorten the tool's limit of {} s",
                most.as_secs_f64()
            );
            faults.push(FieldFault::new("/timeout_seconds", "range", message));
            most
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_may_only_be_shortened() {
        let most = Duration::from_secs(300);
        for (asked, good) in [
            (None, true),
            (Some(0.5), true),
            (Some(300.0), true),
            (Some(301.0), false),
            (Some(0.0), false),
            (Some(-1.0), false),
            (Some(f64::NAN), false),
            (Some(1e300), false),
        ] {
            let mut faults = Vec::new();
            let timeout = check_timeout(asked, most, &mut faults);
            assert_eq!(faults.is_empty(), good, "{asked:?}");
            assert!(timeout <= most);
        }
    }

    #[test]
    fn an_old_name_of_the_input_becomes_an_input() {
        let mut params =
            JsonMap::from_iter([("rlog".to_owned(), Value::from("/a.zst")), ("x".to_owned(), Value::from(1))]);
        let (mut inputs, mut faults) = (Vec::new(), Vec::new());
        take_aliases(&["rlog".to_owned()], &mut params, &mut inputs, &mut faults);
        assert_eq!(inputs, [InputRef { kind: InputKind::Path, value: "/a.zst".into() }]);
        assert_eq!(params.len(), 1);
        assert!(faults.is_empty());
    }
}
