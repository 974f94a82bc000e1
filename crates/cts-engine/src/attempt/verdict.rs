//! How an attempt ended, and what follows: pure rules over what the shell saw.

use std::time::Duration;

use cts_model::attempt::RetryPolicy;
use cts_model::{Code, Fault, FaultDetails, Outcome, Run, Usage};

use super::machine::Cause;

/// What the shell saw of an attempt that ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Why it was stopped from outside.
    pub(crate) cause: Option<Cause>,
    /// Which limit the supervisor enforced.
    pub(crate) limit: Option<LimitHit>,
    /// What the tool's main process left behind; none when its end was not seen.
    pub(crate) usage: Usage,
    /// Exit statuses beside 0 that mean success.
    pub(crate) success_exit_codes: Vec<i32>,
    /// Whether its program was started.
    pub(crate) started: bool,
    /// Whether the main process's end was seen.
    pub(crate) exited: bool,
    /// How long it ran.
    pub(crate) ran_for: Duration,
    /// Its time limit.
    pub(crate) timeout: Duration,
    /// Last lines of its standard error.
    pub(crate) stderr: String,
    /// What the tool itself said was wrong, and what would mend it.
    pub(crate) said: Option<(String, Option<String>)>,
    /// A fault of the system below the tool: spawn, log or storage.
    pub(crate) system: Option<Fault>,
    /// What its outputs lack, found after it ended well.
    pub(crate) outputs: Option<Fault>,
}

/// A limit that the supervisor enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LimitHit {
    /// The fault's code.
    pub(crate) code: Code,
    /// What was measured, and the limit, in a sentence.
    pub(crate) sentence: String,
}

/// Returns how the attempt ended.
pub(crate) fn judge(seen: &Seen) -> (Outcome, Option<Fault>) {
    match seen.cause {
        Some(Cause::Canceled) => return (Outcome::Canceled, None),
        Some(Cause::Stopped) => {
            let fault = Fault::new(Code::ServiceStopped, "the service was stopped while the tool ran");
            return (Outcome::Stopped, Some(fault));
        }
        Some(Cause::Timeout) => {
            let sentence = format!("the tool took longer than its time limit of {} s", seen.timeout.as_secs_f64());
            return (Outcome::ToolError, Some(tool_fault(seen, Code::ToolTimeout, sentence)));
        }
        None => {}
    }
    if let Some(fault) = &seen.system {
        return (Outcome::SystemError, Some(fault.clone()));
    }
    if let Some(hit) = &seen.limit {
        return (Outcome::ToolError, Some(tool_fault(seen, hit.code, hit.sentence.clone())));
    }
    if !seen.exited {
        let fault = Fault::system(
            Code::SupervisorLost,
            "the supervisor of the tool died",
            "its end came without a report",
            "supervisor",
        );
        return (Outcome::SystemError, Some(fault));
    }
    match (seen.usage.exit_code, seen.usage.signal) {
        (Some(code), None) if code == 0 || seen.success_exit_codes.contains(&code) => match &seen.outputs {
            None => (Outcome::Completed, None),
            Some(fault) => {
                let details = tool_details(seen, fault.actions.first().cloned().unwrap_or_default());
                (Outcome::ToolError, Some(Fault { details, ..fault.clone() }))
            }
        },
        (code, Some(signal)) => {
            let name = signal_name(signal);
            let (code_word, sentence) = match signal {
                libc::SIGXFSZ => (Code::OutputLimit, "the tool wrote a file larger than its limit".to_owned()),
                libc::SIGXCPU => (Code::ToolTimeout, "the tool used more processor time than its limit".to_owned()),
                _ => (Code::ToolCrashed, format!("the tool was ended by signal {signal} ({name})")),
            };
            debug_assert!(code.is_none(), "a process ends by exit or by signal");
            (Outcome::ToolError, Some(tool_fault(seen, code_word, sentence)))
        }
        (code, None) => {
            let fault = match &seen.said {
                Some((message, hint)) => {
                    let fault = tool_fault(seen, Code::ToolRejected, message.clone());
                    match hint {
                        Some(hint) => with_fix(fault, hint),
                        None => fault,
                    }
                }
                None => {
                    let code = code.map_or("unknown".to_owned(), |code| code.to_string());
                    tool_fault(seen, Code::ToolFailed, format!("the tool ended with exit code {code}"))
                }
            };
            (Outcome::ToolError, Some(fault))
        }
    }
}

fn with_fix(fault: Fault, hint: &str) -> Fault {
    let mut fault = fault.with_action(hint);
    if let FaultDetails::Tool { suggested_fix, .. } = &mut fault.details {
        hint.clone_into(suggested_fix);
    }
    fault
}

fn tool_fault(seen: &Seen, code: Code, sentence: String) -> Fault {
    let fix = code.actions().first().copied().unwrap_or_default();
    Fault { details: tool_details(seen, fix.to_owned()), ..Fault::new(code, sentence) }
}

fn tool_details(seen: &Seen, suggested_fix: String) -> FaultDetails {
    FaultDetails::Tool {
        stderr: seen.stderr.clone(),
        exit_code: seen.usage.exit_code,
        execution_time: seen.ran_for.as_secs_f64(),
        suggested_fix,
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGABRT => "SIGABRT, an abort",
        libc::SIGSEGV => "SIGSEGV, a wrong memory access",
        libc::SIGBUS => "SIGBUS, a wrong memory access",
        libc::SIGILL => "SIGILL, an illegal instruction",
        libc::SIGFPE => "SIGFPE, an arithmetic fault",
        libc::SIGKILL => "SIGKILL, often the system's out-of-memory killer",
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        libc::SIGPIPE => "SIGPIPE, a closed pipe",
        libc::SIGSYS => "SIGSYS, a forbidden system call",
        _ => "see signal(7)",
    }
}

/// What follows an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// The run ends with it.
    End,
    /// Another attempt follows after this delay.
    Retry(Duration),
}

/// What matters of an attempt beside its outcome.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct After {
    /// The tool declares fallback parameters.
    pub(crate) fallback: bool,
    /// The tool's program was started.
    pub(crate) started: bool,
}

/// Returns what follows after `outcome` of the run's present attempt.
///
/// Attempts that the service's own stopping ended do not count.
pub(crate) fn next(run: &Run, outcome: Outcome, fault: Option<&Fault>, policy: &RetryPolicy, after: After) -> Next {
    let stopped = run.attempts.iter().filter(|attempt| attempt.outcome == Some(Outcome::Stopped)).count();
    let tried = run.attempt.saturating_sub(u32::try_from(stopped).unwrap_or(u32::MAX));
    let left = tried < run.request.max_attempts;
    match outcome {
        Outcome::Completed | Outcome::Canceled => Next::End,
        // A tool that has begun is run again only where it may be run twice.
        Outcome::SystemError if after.started && !policy.retry_on_lost => Next::End,
        Outcome::SystemError if left && fault.is_some_and(|fault| is_transient(fault.code)) => {
            Next::Retry(policy.delay_after(tried))
        }
        Outcome::SystemError => Next::End,
        Outcome::ToolError if after.fallback && !uses_fallback(run) => Next::Retry(Duration::ZERO),
        Outcome::ToolError => Next::End,
        Outcome::Lost if policy.retry_on_lost && left => Next::Retry(policy.delay_after(tried)),
        Outcome::Lost => Next::End,
        Outcome::Stopped if policy.retry_on_lost => Next::Retry(Duration::ZERO),
        Outcome::Stopped => Next::End,
    }
}

/// Returns whether the run's next or present attempt uses the tool's fallback parameters: an earlier one was a tool
/// error.
pub(crate) fn uses_fallback(run: &Run) -> bool {
    run.attempts.iter().any(|attempt| attempt.outcome == Some(Outcome::ToolError))
}

/// Faults of the system that may be gone a moment later.
fn is_transient(code: Code) -> bool {
    matches!(
        code,
        Code::OutOfResources | Code::SupervisorLost | Code::DatabaseError | Code::StorageError | Code::DiskFull
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use cts_model::{Actor, Clock, Ctx, Ids, JsonMap, RunEvent, RunId, RunRequest, SystemClock, WorkerId};
    use expect_test::{Expect, expect};

    use super::*;

    fn seen() -> Seen {
        Seen { exited: true, timeout: Duration::from_secs(30), ran_for: Duration::from_secs(2), ..Seen::default() }
    }

    fn exit(code: i32) -> Usage {
        Usage { exit_code: Some(code), ..Usage::default() }
    }

    fn signal(signal: i32) -> Usage {
        Usage { signal: Some(signal), ..Usage::default() }
    }

    fn check(cases: &[(&str, Seen)], expected: Expect) {
        let line = |(name, seen): &(&str, Seen)| {
            let (outcome, fault) = judge(seen);
            let fault = fault.map_or("no fault".into(), |fault| fault.to_string());
            format!("{name}: {} / {fault}\n", outcome.as_str())
        };
        expected.assert_eq(&cases.iter().map(line).collect::<String>());
    }

    #[test]
    fn every_end_has_its_outcome_and_its_fault() {
        let limit = LimitHit { code: Code::MemoryLimit, sentence: "too much".into() };
        let missing = Fault::new(Code::OutputMissing, "out.csv is missing");
        check(
            &[
                ("well", Seen { usage: exit(0), ..seen() }),
                ("well without its outputs", Seen { usage: exit(0), outputs: Some(missing), ..seen() }),
                ("exit 3", Seen { usage: exit(3), ..seen() }),
                ("exit 3 that is well", Seen { usage: exit(3), success_exit_codes: vec![3], ..seen() }),
                ("said why", Seen { usage: exit(1), said: Some(("bad log".into(), None)), ..seen() }),
                ("crash", Seen { usage: signal(libc::SIGSEGV), ..seen() }),
                ("file size", Seen { usage: signal(libc::SIGXFSZ), ..seen() }),
                ("memory", Seen { usage: signal(libc::SIGKILL), limit: Some(limit), ..seen() }),
                ("timeout", Seen { usage: signal(libc::SIGTERM), cause: Some(Cause::Timeout), ..seen() }),
                ("canceled although it ended well", Seen { usage: exit(0), cause: Some(Cause::Canceled), ..seen() }),
                ("stopped", Seen { usage: signal(libc::SIGTERM), cause: Some(Cause::Stopped), ..seen() }),
                ("supervisor died", Seen { exited: false, ..seen() }),
            ],
            expect![[r#"
                well: completed / no fault
                well without its outputs: tool_error / OUTPUT_MISSING: out.csv is missing
                exit 3: tool_error / TOOL_FAILED: the tool ended with exit code 3
                exit 3 that is well: completed / no fault
                said why: tool_error / TOOL_REJECTED: bad log
                crash: tool_error / TOOL_CRASHED: the tool was ended by signal 11 (SIGSEGV, a wrong memory access)
                file size: tool_error / OUTPUT_LIMIT: the tool wrote a file larger than its limit
                memory: tool_error / MEMORY_LIMIT: too much
                timeout: tool_error / TOOL_TIMEOUT: the tool took longer than its time limit of 30 s
                canceled although it ended well: canceled / no fault
                stopped: stopped / SERVICE_STOPPED: the service was stopped while the tool ran
                supervisor died: system_error / SUPERVISOR_LOST: the supervisor of the tool died
            "#]],
        );
    }

    /// Returns a run of at most `attempts_max` attempts in its next attempt after those that ended so.
    fn run_after(attempts_max: u32, ends: &[Outcome]) -> Run {
        let ids = Ids::new(Arc::new(SystemClock));
        let (worker, now) = (WorkerId::new(&ids), SystemClock.now());
        let cx = Ctx { request_id: "test".parse().unwrap(), actor: Actor::Anonymous, trace: None, change: None };
        let request = RunRequest {
            tool_id: "demo".parse().unwrap(),
            tool_version: String::new(),
            name: None,
            labels: BTreeMap::new(),
            priority: 0,
            params: JsonMap::new(),
            secret_params: BTreeMap::new(),
            inputs: Vec::new(),
            timeout: Duration::from_secs(1),
            environment: BTreeMap::new(),
            max_attempts: attempts_max,
            concurrency_key: None,
            owner: None,
        };
        let mut run = Run::new(RunId::new(&ids), &cx, request, now);
        run.apply(now, RunEvent::Claimed { worker }).unwrap();
        for (attempt, outcome) in (1..).zip(ends) {
            let (outcome, usage) = (*outcome, Usage::default());
            run.apply(now, RunEvent::Requeued { attempt, outcome, fault: None, not_before: None, usage }).unwrap();
            run.apply(now, RunEvent::Claimed { worker }).unwrap();
        }
        run
    }

    #[test]
    fn every_outcome_says_what_follows() {
        use Outcome::{Canceled, Completed, Lost, Stopped, SystemError, ToolError};
        let cases: &[(u32, &[Outcome], Outcome, Code)] = &[
            (3, &[], Completed, Code::Internal),
            (3, &[], Canceled, Code::Internal),
            (3, &[], ToolError, Code::ToolFailed),
            (1, &[], ToolError, Code::ToolFailed),
            (3, &[ToolError], ToolError, Code::ToolFailed),
            (3, &[SystemError], ToolError, Code::ToolFailed),
            (3, &[ToolError, SystemError], ToolError, Code::ToolFailed),
            (3, &[], SystemError, Code::OutOfResources),
            (3, &[SystemError], SystemError, Code::OutOfResources),
            (3, &[SystemError, SystemError], SystemError, Code::OutOfResources),
            (3, &[Stopped, SystemError, Stopped], SystemError, Code::OutOfResources),
            (3, &[], SystemError, Code::PermissionDenied),
            (3, &[], SystemError, Code::ProgramMissing),
            (3, &[], SystemError, Code::InvalidInput),
            (3, &[], Lost, Code::RunLost),
            (3, &[Lost, Lost], Lost, Code::RunLost),
            (1, &[], Lost, Code::RunLost),
            (3, &[], Stopped, Code::ServiceStopped),
            (1, &[Stopped, Stopped, Stopped, Stopped], Stopped, Code::ServiceStopped),
        ];
        let policy = |retry_on_lost| RetryPolicy { attempts_max: 3, delay: Duration::from_secs(1), retry_on_lost };
        let mut text = String::new();
        for (most, before, outcome, code) in cases {
            let run = run_after(*most, before);
            let fault = Fault::new(*code, "x");
            let shown = |next| match next {
                Next::End => "end".to_owned(),
                Next::Retry(delay) => format!("again after {delay:?}"),
            };
            let at_most_once = shown(next(&run, *outcome, Some(&fault), &policy(false), After::default()));
            let any_time =
                shown(next(&run, *outcome, Some(&fault), &policy(true), After { started: true, ..After::default() }));
            let fallback =
                shown(next(&run, *outcome, Some(&fault), &policy(false), After { fallback: true, started: true }));
            let before: Vec<&str> = before.iter().map(|outcome| outcome.as_str()).collect();
            text += &format!(
                "{before:?} of {most}, then {} {}: {at_most_once} | retry_on_lost: {any_time} | started, fallback: {fallback}\n",
                outcome.as_str(),
                code.as_str(),
            );
        }
        expect![[r#"
            [] of 3, then completed INTERNAL_ERROR: end | retry_on_lost: end | started, fallback: end
            [] of 3, then canceled INTERNAL_ERROR: end | retry_on_lost: end | started, fallback: end
            [] of 3, then tool_error TOOL_FAILED: end | retry_on_lost: end | started, fallback: again after 0ns
            [] of 1, then tool_error TOOL_FAILED: end | retry_on_lost: end | started, fallback: again after 0ns
            ["tool_error"] of 3, then tool_error TOOL_FAILED: end | retry_on_lost: end | started, fallback: end
            ["system_error"] of 3, then tool_error TOOL_FAILED: end | retry_on_lost: end | started, fallback: again after 0ns
            ["tool_error", "system_error"] of 3, then tool_error TOOL_FAILED: end | retry_on_lost: end | started, fallback: end
            [] of 3, then system_error OUT_OF_RESOURCES: again after 1s | retry_on_lost: again after 1s | started, fallback: end
            ["system_error"] of 3, then system_error OUT_OF_RESOURCES: again after 2s | retry_on_lost: again after 2s | started, fallback: end
            ["system_error", "system_error"] of 3, then system_error OUT_OF_RESOURCES: end | retry_on_lost: end | started, fallback: end
            ["stopped", "system_error", "stopped"] of 3, then system_error OUT_OF_RESOURCES: again after 2s | retry_on_lost: again after 2s | started, fallback: end
            [] of 3, then system_error PERMISSION_DENIED: end | retry_on_lost: end | started, fallback: end
            [] of 3, then system_error PROGRAM_MISSING: end | retry_on_lost: end | started, fallback: end
            [] of 3, then system_error INVALID_INPUT: end | retry_on_lost: end | started, fallback: end
            [] of 3, then lost RUN_LOST: end | retry_on_lost: again after 1s | started, fallback: end
            ["lost", "lost"] of 3, then lost RUN_LOST: end | retry_on_lost: end | started, fallback: end
            [] of 1, then lost RUN_LOST: end | retry_on_lost: end | started, fallback: end
            [] of 3, then stopped SERVICE_STOPPED: end | retry_on_lost: again after 0ns | started, fallback: end
            ["stopped", "stopped", "stopped", "stopped"] of 1, then stopped SERVICE_STOPPED: end | retry_on_lost: again after 0ns | started, fallback: end
        "#]].assert_eq(&text);
    }
}
