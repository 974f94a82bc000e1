//! An error in the shape that crosses a border: category, stable code, sentence for people, what to do next.
//!
//! Every plane's own error type knows its [`Fault`]; the HTTP status is chosen in `cts-server/src/problem.rs` and the
//! exit code in `cts-cli/src/exit.rs`, nowhere else.

use std::fmt;

use crate::nearest::did_you_mean;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// The request is wrong; found before anything starts.
    Validation,
    /// The tool failed.
    Tool,
    /// The system failed below the tool.
    System,
    /// It is not allowed.
    Auth,
    /// It is not there.
    NotFound,
    /// It does not fit the present state.
    Conflict,
    /// Too much at once.
    RateLimited,
    /// It would cost more than was allowed.
    BudgetExceeded,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 8] = [
        Self::Validation,
        Self::Tool,
        Self::System,
        Self::Auth,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::BudgetExceeded,
    ];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation_error",
            Self::Tool => "tool_error",
            Self::System => "system_error",
            Self::Auth => "auth_error",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::BudgetExceeded => "budget_exceeded",
        }
    }

    /// Returns the category of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $category:ident [$($action:literal),*];)*) => {
        /// The stable codes of faults: each with its category and what to do next.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the stable word, in upper snake case.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// Returns the category to which the code belongs.
            #[must_use]
            pub fn category(self) -> Category { match self { $(Self::$name => Category::$category,)* } }

            /// Returns what to do next, in sentences for people.
            #[must_use]
            pub fn actions(self) -> &'static [&'static str] { match self { $(Self::$name => &[$($action),*],)* } }
        }
    };
}

codes! {
    /// A field or parameter of the request is wrong; `errors` tells which.
    InvalidRequest "INVALID_REQUEST" Validation ["Mend the fields that `errors` names and send the request again."];
    /// The body is not JSON, or not of the declared content type.
    InvalidBody "INVALID_BODY" Validation ["Send the body as JSON with Content-Type: application/json."];
    /// The body has a media type that is not taken here.
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" Validation ["Send the body with Content-Type: application/json, a file as multipart/form-data."];
    /// The body is larger than the limit.
    BodyTooLarge "BODY_TOO_LARGE" Validation ["Send a smaller body, or raise max_body_kb or max_upload_mb."];
    /// A parameter of the tool is wrong.
    InvalidParameters "INVALID_PARAMETERS" Validation ["See the parameters of the tool with `cts cap TOOL`."];
    /// An input is missing, unreadable, outside the roots or of the wrong kind.
    InvalidInput "INVALID_INPUT" Validation ["Check the path and its permissions, or upload the file with `cts upload`."];
    /// The declared sum is not that of the bytes.
    ChecksumMismatch "CHECKSUM_MISMATCH" Validation ["Upload the file again."];
    /// The upload has not all its bytes, or was not finalized.
    UploadIncomplete "UPLOAD_INCOMPLETE" Conflict ["Send the missing bytes from the offset that HEAD tells, then finalize."];
    /// The offset of a part is not the end of what is there.
    UploadOffsetMismatch "UPLOAD_OFFSET_MISMATCH" Conflict ["Ask for the offset with HEAD and go on from there."];
    /// The range lies outside the bytes.
    RangeNotSatisfiable "RANGE_NOT_SATISFIABLE" Validation ["Ask for a range within the size of the artifact."];
    /// The method is not one of this path.
    MethodNotAllowed "METHOD_NOT_ALLOWED" Validation ["See the API document at /docs."];
    /// The answer cannot be given in a form that the client accepts.
    NotAcceptable "NOT_ACCEPTABLE" Validation ["Accept one of the media types that the detail names."];
    /// The path is not one of the API.
    RouteNotFound "ROUTE_NOT_FOUND" NotFound ["See the API document at /docs."];
    /// No tool has this id.
    ToolNotFound "TOOL_NOT_FOUND" NotFound ["List the tools with `cts cap`."];
    /// The tool cannot run on this machine.
    ToolUnavailable "TOOL_UNAVAILABLE" Conflict ["See `unavailable_reason` of the tool in `cts cap`."];
    /// No run has this id.
    RunNotFound "RUN_NOT_FOUND" NotFound ["List the runs with `cts runs`."];
    /// No artifact has this id, or it expired.
    ArtifactNotFound "ARTIFACT_NOT_FOUND" NotFound ["List the artifacts of the run with `cts art list RUN`; old ones are removed after artifact_retention_days."];
    /// No upload has this id, or it expired.
    UploadNotFound "UPLOAD_NOT_FOUND" NotFound ["Start a new upload."];
    /// The key was used for another request.
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" Conflict ["Use a new Idempotency-Key for a new request."];
    /// A secret parameter of the run was dropped when it ended.
    SecretNeeded "SECRET_NEEDED" Validation ["Give the secret parameters again."];
    /// A change that comes from a foreign page.
    ForeignOrigin "FOREIGN_ORIGIN" Auth ["Open the interface at the service's own address, or name the origin in cors_allowed_origins."];
    /// The request needs a token.
    AuthenticationRequired "AUTHENTICATION_REQUIRED" Auth ["Send a token in the header Authorization: Bearer; `cts` takes it from CTS_API_KEY.", "Ask an admin for one, or make the first with `cts-lite token create` on the service's machine."];
    /// The token is none that is known here.
    InvalidToken "INVALID_TOKEN" Auth ["Check that the token was copied whole, and that it is one of this service.", "Ask an admin for a new one: `cts token create`."];
    /// The token's time is over.
    TokenExpired "TOKEN_EXPIRED" Auth ["Ask an admin for a new one: `cts token create`."];
    /// Somebody took the token back.
    TokenRevoked "TOKEN_REVOKED" Auth ["Ask an admin for a new one: `cts token create`."];
    /// The token may not do this.
    RoleRequired "ROLE_REQUIRED" Auth ["Use a token of the role that the detail names, or ask an admin for one."];
    /// A change by a session without the proof that the page itself asks for it.
    CsrfTokenRequired "CSRF_TOKEN_REQUIRED" Auth ["Send the csrf_token of GET /v1/session in the header X-CSRF-Token."];
    /// Too many tokens that were wrong came from this address.
    TooManyAttempts "TOO_MANY_ATTEMPTS" RateLimited ["Wait as long as Retry-After says, then send the right token."];
    /// More requests came than the rate allows.
    RateLimited "RATE_LIMITED" RateLimited ["Wait as long as Retry-After says.", "Ask the operator to raise max_requests_per_minute."];
    /// No token has this id.
    TokenNotFound "TOKEN_NOT_FOUND" NotFound ["List the tokens with `cts token list`."];
    /// There are as many tokens as there may be.
    TooManyTokens "TOO_MANY_TOKENS" Conflict ["Revoke tokens that nobody uses: `cts token list`, `cts token revoke`."];
    /// The queue is full.
    QueueFull "QUEUE_FULL" RateLimited ["Wait until some runs have ended, or raise max_queued_runs."];
    /// Too many streams are open.
    TooManyStreams "TOO_MANY_STREAMS" RateLimited ["Close some streams and try again."];
    /// The service is shutting down.
    Draining "DRAINING" System ["Try again when the service is back."];
    /// The request took longer than `request_timeout`.
    RequestTimeout "REQUEST_TIMEOUT" System ["Try again; raise request_timeout when it is always slow."];

    /// The tool ended with an exit code that is not zero.
    ToolFailed "TOOL_FAILED" Tool ["Read the last lines of the log.", "Check the parameters and the input."];
    /// The tool said itself what was wrong with its input or parameters.
    ToolRejected "TOOL_REJECTED" Tool ["Read the message; it names the place in the input or the parameter."];
    /// The tool was ended by a signal that nobody here sent.
    ToolCrashed "TOOL_CRASHED" Tool ["The tool itself is at fault: report it to its author with the log.", "Try a smaller input."];
    /// The tool took longer than its time limit.
    ToolTimeout "TOOL_TIMEOUT" Tool ["Give a smaller input or a longer timeout_seconds.", "Raise tool_timeout_seconds or the tool's own timeout."];
    /// The tool used more memory than it may.
    MemoryLimit "MEMORY_LIMIT" Tool ["Give a smaller input.", "Raise run_memory_mb or the tool's own memory limit."];
    /// The tool started more processes than it may.
    ProcessLimit "PROCESS_LIMIT" Tool ["Raise run_processes or the tool's own limit, when so many are meant."];
    /// The tool wrote more than it may.
    OutputLimit "OUTPUT_LIMIT" Tool ["Raise run_output_mb or the tool's own limit.", "Let the tool write less."];
    /// One file is larger than an artifact may be.
    ArtifactTooLarge "ARTIFACT_TOO_LARGE" Tool ["Raise max_artifact_size_mb or the tool's own limit."];
    /// A file that the tool promises is not there.
    OutputMissing "OUTPUT_MISSING" Tool ["Read the log: the tool ended well but did not write what it promises.", "Mend `outputs` in its manifest when the file is optional."];
    /// The service died while the tool ran, and the tool may not be run twice.
    RunLost "RUN_LOST" System ["Check what the tool has done before you run it again.", "Set retry_on_lost = true in its manifest when it may always be run again."];
    /// The service was stopped while the tool ran.
    ServiceStopped "SERVICE_STOPPED" System ["Run it again.", "Raise graceful_shutdown_timeout when runs need longer."];

    /// The disk is full, or so low that nothing new is started.
    DiskFull "DISK_FULL" System ["Free some space: remove old artifacts or lower artifact_retention_days and artifact_storage_mb.", "Move base_storage_path to a larger disk."];
    /// A file or folder may not be used.
    PermissionDenied "PERMISSION_DENIED" System ["Give the service's user the permission that the message names.", "Name the folder under `read` or `write` in the tool's manifest."];
    /// The program of the tool is not there.
    ProgramMissing "PROGRAM_MISSING" System ["Install the program, or mend `command` in the tool's manifest.", "Check the PATH of the service."];
    /// The machine has no memory or no process left.
    OutOfResources "OUT_OF_RESOURCES" System ["Lower max_concurrent_runs.", "Give the machine more memory or more processes."];
    /// The database did not take or give what it should.
    DatabaseError "DATABASE_ERROR" System ["See the service's log for the cause.", "Check the disk and the database file."];
    /// The store of artifacts did not take or give what it should.
    StorageError "STORAGE_ERROR" System ["See the service's log for the cause.", "Check the disk below base_storage_path."];
    /// The supervisor of the attempt died.
    SupervisorLost "SUPERVISOR_LOST" System ["Run it again; see the service's log when it happens again."];
    /// The tool was there when the run was queued and is not there now.
    ToolGone "TOOL_GONE" System ["Bring the tool's manifest back, or run another tool."];
    /// Anything else.
    Internal "INTERNAL_ERROR" System ["Report it with the request id."];
}

impl Code {
    /// Returns the code of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

/// One fault of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// JSON pointer into the request: `/params/window_start`; `?limit` for a query parameter.
    pub pointer: String,
    /// Stable code in lower snake case: `missing`, `unknown`, `type`, `range`, `choice`, `pattern`, `length`…
    pub code: String,
    /// For people; never holds a secret value.
    pub message: String,
}

impl FieldFault {
    /// Returns one fault of one field.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), message: message.into() }
    }

    /// Returns the fault of a name that is not known, with the nearest one that is.
    #[must_use]
    pub fn unknown<'a>(pointer: impl Into<String>, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let name: String = name.chars().take(64).collect();
        let message = format!("unknown name {name:?}{}", did_you_mean(&name, known));
        Self::new(pointer, "unknown", message)
    }
}

/// What a fault knows beyond its sentence.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum FaultDetails {
    /// Nothing.
    #[default]
    None,
    /// Of a validation error.
    Fields(Vec<FieldFault>),
    /// Of a tool error.
    Tool {
        /// Last lines of stderr.
        stderr: String,
        /// Exit status of the tool.
        exit_code: Option<i32>,
        /// How long the attempt ran, in seconds.
        execution_time: f64,
        /// What would mend it.
        suggested_fix: String,
    },
    /// Of a system error.
    System {
        /// The system's own words.
        system_error: String,
        /// Its type, for example `ENOSPC` or `supervisor`.
        error_type: String,
    },
}

/// An error in the shape that crosses a border.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Stable code.
    pub code: Code,
    /// One sentence for people.
    pub message: String,
    /// What else is known.
    pub details: FaultDetails,
    /// What to do next; begins with what is special to this case, then what the code always says.
    pub actions: Vec<String>,
}

impl Fault {
    /// Returns a fault with the actions of its code.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let actions = code.actions().iter().map(|&action| action.to_owned()).collect();
        Self { code, message: message.into(), details: FaultDetails::None, actions }
    }

    /// Returns a validation fault with every field that is wrong.
    #[must_use]
    pub fn fields(code: Code, fields: Vec<FieldFault>) -> Self {
        let message = match fields.as_slice() {
            [only] => only.message.clone(),
            [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
            [] => "the request is wrong".to_owned(),
        };
        Self { details: FaultDetails::Fields(fields), ..Self::new(code, message) }
    }

    /// Returns a system fault with the system's own words.
    #[must_use]
    pub fn system(code: Code, message: impl Into<String>, error: impl fmt::Display, error_type: &str) -> Self {
        let details = FaultDetails::System { system_error: error.to_string(), error_type: error_type.to_owned() };
        Self { details, ..Self::new(code, message) }
    }

    /// Returns the fault with an action in front of the others.
    #[must_use]
    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.actions.insert(0, action.into());
        self
    }

    /// Returns the category of its code.
    #[must_use]
    pub fn category(&self) -> Category {
        self.code.category()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_upper_snake_case_has_an_action_and_is_read_back() {
        for &code in Code::ALL {
            let text = code.as_str();
            assert!(text.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{text}");
            assert!(!code.actions().is_empty(), "{text} says what to do next");
            assert_eq!(Code::from_word(text), Some(code), "{text} is unique");
        }
    }

    #[test]
    fn an_unknown_field_names_the_nearest_one() {
        let fault = FieldFault::unknown("/tol_id", "tol_id", ["tool_id", "params"]);
        assert_eq!(fault.message, "unknown name \"tol_id\"; did you mean \"tool_id\"?");
    }
}
