//! What can go wrong for the one who types a command, and what is told about it.
//!
//! Every error becomes one [`Complaint`]: a sentence, every field that is wrong, what to do next, and the request id
//! where there is one. Which exit code it has is said in `exit.rs`.

use std::path::PathBuf;

use cts_api::Problem;
use cts_api::problem::FieldError;
use cts_config::ConfigFaults;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::transport::TransportError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// What the user gave is wrong.
    #[error("{}", .0.sentence)]
    Usage(Box<Complaint>),
    /// What the user asked for is not there.
    #[error("{}", .0.sentence)]
    NotFound(Box<Complaint>),
    /// The server said no.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// Nobody answers, or the connection broke for good.
    #[error("cannot talk to {to}: {source}")]
    Connection {
        /// With whom.
        to: String,
        /// Why not.
        source: TransportError,
    },
    /// Somebody answers who does not speak as the contract says.
    #[error("{to} does not answer as a CTS service: {why}")]
    NotCts {
        /// Who.
        to: String,
        /// What is odd about the answer.
        why: String,
    },
    /// The bytes that came are not those that were stored.
    #[error("{name} came with other bytes than were stored, {attempts} times: sha256 {found}, not {expected}")]
    Checksum {
        /// Which artifact.
        name: String,
        /// The sum of what came.
        found: String,
        /// The sum that the server tells.
        expected: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A file of the user cannot be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// Without a service: the own process cannot run anything.
    #[error("cannot work in process: {what}")]
    InProcess {
        /// What failed.
        what: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// Ctrl-C.
    #[error("{}", .0.sentence)]
    Interrupted(Box<Complaint>),
}

/// What is told about an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// What is wrong.
    pub(crate) sentence: String,
    /// The stable code, where there is one.
    pub(crate) code: Option<String>,
    /// Every field that is wrong.
    pub(crate) faults: Vec<FieldError>,
    /// What to do next.
    pub(crate) actions: Vec<String>,
    /// The request, for a look into the service's log.
    pub(crate) request_id: Option<String>,
    /// The system's own words, where the server tells them.
    pub(crate) details: Option<String>,
}

impl Complaint {
    /// Returns a complaint of one sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), ..Self::default() }
    }

    /// Returns the complaint with one more thing to do next.
    pub(crate) fn action(mut self, action: impl Into<String>) -> Self {
        self.actions.push(action.into());
        self
    }
}

impl CliError {
    /// Returns that what the user gave is wrong.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(Complaint::new(sentence).into())
    }

    /// Returns every field that is wrong.
    pub(crate) fn faults(faults: Vec<FieldError>, action: impl Into<String>) -> Self {
        let sentence = match faults.as_slice() {
            [only] => only.message.clone(),
            [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
            [] => "the command line is wrong".to_owned(),
        };
        Self::Usage(Complaint { faults, ..Complaint::new(sentence) }.action(action).into())
    }

    /// Returns a failure to use a file.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    /// Returns whether the server says that it is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            Self::Problem(problem) => problem.status == 404,
            _ => false,
        }
    }

    /// Returns how the program ends after it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Problem(problem) => Exit::of_category(problem.error_category),
            Self::NotFound(_) | Self::NotCts { .. } | Self::Checksum { .. } | Self::InProcess { .. } => Exit::Server,
            Self::Usage(_) | Self::Connection { .. } | Self::File { .. } | Self::Config(_) => Exit::Usage,
            Self::Interrupted(_) => Exit::Interrupted,
        }
    }

    /// Returns what is told about it.
    pub(crate) fn complaint(&self) -> Complaint {
        match self {
            Self::Usage(complaint) | Self::NotFound(complaint) | Self::Interrupted(complaint) => {
                Complaint::clone(complaint)
            }
            Self::Problem(problem) => of_problem(problem),
            Self::Connection { .. } => Complaint::new(self.to_string())
                .action("Check the address (--url, CTS_URL) and whether the service runs: cts ping.")
                .action("Without an address `cts run` works in its own process."),
            Self::NotCts { .. } => Complaint::new(self.to_string()).action("Check the address (--url, CTS_URL)."),
            Self::Checksum { .. } => {
                Complaint::new(self.to_string()).action("Something on the way changes the bytes; look at proxies.")
            }
            Self::File { source, .. } => {
                let action = match source.kind() {
                    std::io::ErrorKind::NotFound => "Check the path.",
                    std::io::ErrorKind::PermissionDenied => "Check the permissions, or name another folder.",
                    std::io::ErrorKind::StorageFull => "Free some space, or name another folder with --out-dir.",
                    _ => "Check the path and the disk.",
                };
                Complaint::new(self.to_string()).action(action)
            }
            Self::Config(_) => Complaint::new(self.to_string()),
            Self::InProcess { remedy, .. } => {
                Complaint { actions: remedy.clone().into_iter().collect(), ..Complaint::new(self.to_string()) }
            }
        }
    }

    /// Returns it for programs: the server's own problem where there is one.
    pub(crate) fn json(&self) -> Value {
        if let Self::Problem(problem) = self {
            return json!({"error": problem});
        }
        let Complaint { sentence, code, faults, actions, request_id, details: _ } = self.complaint();
        let category = match self {
            Self::NotFound(_) => "not_found",
            Self::Usage(_) | Self::Config(_) => "validation_error",
            _ => "system_error",
        };
        json!({"error": {
            "detail": sentence,
            "error_category": category,
            "error_code": code,
            "errors": faults,
            "suggested_actions": actions,
            "request_id": request_id,
        }})
    }
}

fn of_problem(problem: &Problem) -> Complaint {
    let mut complaint = Complaint {
        code: Some(problem.error_code.clone()),
        faults: problem.errors.clone().unwrap_or_default(),
        actions: problem.suggested_actions.clone(),
        request_id: Some(problem.request_id.clone()),
        details: problem.technical_details.clone(),
        ..Complaint::new(problem.detail.clone())
    };
    // The command line has no `errors`; what it shows are these very lines.
    for action in &mut complaint.actions {
        if action.contains("`errors`") {
            "Mend what is named above and try again.".clone_into(action);
        }
    }
    complaint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(category: &str, code: &str) -> CliError {
        let body = json!({
            "type": "urn:cts:problem:x", "title": "X", "status": 404, "detail": "it is so", "instance": "/v1/x",
            "error_category": category, "error_code": code, "suggested_actions": ["Mend the fields that `errors` names."],
            "recovery_attempted": false, "request_id": "r-1", "timestamp": "2026-11-25T09:30:00.123Z",
        });
        CliError::Problem(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn every_error_has_its_exit_code() {
        let io = || std::io::Error::other("x");
        let table = [
            (CliError::usage("x"), 1),
            (CliError::NotFound(Complaint::new("x").into()), 2),
            (problem("not_found", "RUN_NOT_FOUND"), 2),
            (problem("validation_error", "INVALID_PARAMETERS"), 1),
            (problem("system_error", "DISK_FULL"), 2),
            (problem("rate_limited", "QUEUE_FULL"), 2),
            (CliError::Connection { to: "x".into(), source: TransportError::broken("x") }, 1),
            (CliError::file("read", "x")(io()), 1),
            (CliError::InProcess { what: "x".into(), remedy: None }, 2),
            (CliError::NotCts { to: "x".into(), why: "x".into() }, 2),
            (CliError::Interrupted(Complaint::new("x").into()), 130),
        ];
        for (error, code) in table {
            assert_eq!(error.exit().code(), code, "{error:?}");
        }
    }

    #[test]
    fn the_actions_of_a_problem_speak_of_the_command_line() {
        let complaint = problem("validation_error", "INVALID_INPUT").complaint();
        assert_eq!(complaint.actions, ["Mend what is named above and try again."]);
        assert_eq!(complaint.request_id.as_deref(), Some("r-1"));
    }
}
