//! What can go wrong in the engine, each with the fault that a client sees.

use std::io;
use std::path::PathBuf;

use cts_model::{ArtifactId, Code, Fault, FieldFault, RunId, UploadId};
use cts_store::StoreError;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No tool has this id.
    #[error("there is no tool {id:?}")]
    ToolNotFound {
        /// As it was asked for.
        id: String,
        /// Tools whose ids are near.
        nearest: Vec<String>,
    },
    /// The tool cannot run on this machine.
    #[error("tool {id} cannot run here: {reason}")]
    ToolUnavailable {
        /// Which tool.
        id: String,
        /// Why.
        reason: String,
    },
    /// Parameters or other fields of the request are wrong.
    #[error("{} fault(s) in the request", .0.len())]
    InvalidRequest(Vec<FieldFault>),
    /// Inputs are missing, unreadable, outside the roots or of the wrong kind.
    #[error("{} fault(s) in the inputs", .0.len())]
    InvalidInput(Vec<FieldFault>),
    /// No run has this id.
    #[error("there is no run {0}")]
    RunNotFound(RunId),
    /// No artifact has this id.
    #[error("there is no artifact {0}")]
    ArtifactNotFound(ArtifactId),
    /// No upload has this id.
    #[error("there is no upload {0}")]
    UploadNotFound(UploadId),
    /// The part of an upload does not begin where the last one ended.
    #[error("the upload is at offset {present}, not {given}")]
    UploadOffset {
        /// Where it is.
        present: u64,
        /// Where the client thought it was.
        given: u64,
    },
    /// The upload has more bytes than were declared, or more than the limit.
    #[error("the upload is larger than {limit} bytes")]
    UploadTooLarge {
        /// Declared size or limit.
        limit: u64,
    },
    /// Bytes are missing.
    #[error("the upload has {present} of {size} bytes")]
    UploadIncomplete {
        /// How many there are.
        present: u64,
        /// How many were declared.
        size: u64,
    },
    /// Another request writes to the upload at this moment.
    #[error("another request writes to upload {0}")]
    UploadBusy(UploadId),
    /// The sum of the bytes is not the declared one.
    #[error("the bytes have the sha256 {found}, declared was {declared}")]
    ChecksumMismatch {
        /// What was declared.
        declared: String,
        /// What the bytes have.
        found: String,
    },
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
    /// The run had secret parameters, which are dropped at its end.
    #[error("the secret parameters of the run were dropped: {}", .0.join(", "))]
    SecretNeeded(Vec<String>),
    /// The queue is full.
    #[error("the queue is full: the run would be number {position}")]
    QueueFull {
        /// The place that the run would have.
        position: u64,
    },
    /// The service is stopping.
    #[error("the service is stopping")]
    Draining,
    /// The disk is so low that nothing new is accepted.
    #[error("only {free} bytes are free on the disk, {needed} are needed")]
    DiskLow {
        /// Free bytes.
        free: u64,
        /// Free bytes that are needed.
        needed: u64,
    },
    /// The body of an upload broke off.
    #[error("the body broke off: {0}")]
    BodyBroken(String),
    /// A cursor of a list cannot be read.
    #[error("the cursor is not one of this list")]
    BadCursor,
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// A file of a log failed.
    #[error("cannot use the log of run {run}")]
    Log {
        /// Which run.
        run: RunId,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A file or folder failed.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was being done, as a verb.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A background task panicked.
    #[error("a task panicked: {0}")]
    Panicked(String),
}

impl EngineError {
    /// Returns a maker of [`EngineError::File`].
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    /// Returns the fault that a client sees.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let text = self.to_string();
        match self {
            Self::ToolNotFound { nearest, .. } => {
                let fault = Fault::new(Code::ToolNotFound, text);
                match nearest.as_slice() {
                    [] => fault,
                    near => fault.with_action(format!("Did you mean {}?", near.join(" or "))),
                }
            }
            Self::ToolUnavailable { .. } => Fault::new(Code::ToolUnavailable, text),
            Self::InvalidRequest(faults) => {
                let only_params = faults.iter().all(|fault| fault.pointer.starts_with("/params/"));
                let code = if only_params { Code::InvalidParameters } else { Code::InvalidRequest };
                Fault::fields(code, faults.clone())
            }
            Self::InvalidInput(faults) => Fault::fields(Code::InvalidInput, faults.clone()),
            Self::RunNotFound(_) => Fault::new(Code::RunNotFound, text),
            Self::ArtifactNotFound(_) => Fault::new(Code::ArtifactNotFound, text),
            Self::UploadNotFound(_) => Fault::new(Code::UploadNotFound, text),
            Self::UploadOffset { .. } | Self::UploadBusy(_) => Fault::new(Code::UploadOffsetMismatch, text),
            Self::UploadTooLarge { .. } => Fault::new(Code::BodyTooLarge, text),
            Self::UploadIncomplete { .. } => Fault::new(Code::UploadIncomplete, text),
            Self::ChecksumMismatch { .. } => Fault::new(Code::ChecksumMismatch, text),
            Self::IdempotencyKeyReused => Fault::new(Code::IdempotencyKeyReused, text),
            Self::SecretNeeded(names) => {
                let fields = names.iter().map(|name| {
                    let message = format!("parameter {name} is secret: give it again");
                    FieldFault::new(format!("/params/{name}"), "missing", message)
                });
                Fault::fields(Code::SecretNeeded, fields.collect())
            }
            Self::QueueFull { .. } => Fault::new(Code::QueueFull, text),
            Self::Draining => Fault::new(Code::Draining, text),
            Self::DiskLow { free, needed } => {
                Fault::system(Code::DiskFull, text, format!("{free} of {needed} bytes free"), "ENOSPC")
            }
            Self::BodyBroken(_) => Fault::new(Code::InvalidBody, text),
            Self::BadCursor => Fault::fields(Code::InvalidRequest, vec![FieldFault::new("?cursor", "invalid", text)]),
            Self::Store(error) => error.fault(),
            Self::Log { source, .. } | Self::File { source, .. } => io_fault(source, text),
            Self::Panicked(_) => Fault::system(Code::Internal, text, "a task panicked", "panic"),
        }
    }
}

/// Returns the fault of an error of the system: each of its types has its own code and its own actions.
pub(crate) fn io_fault(error: &io::Error, doing: impl Into<String>) -> Fault {
    let (code, error_type) = match error.raw_os_error() {
        Some(libc::ENOSPC) => (Code::DiskFull, "ENOSPC".to_owned()),
        Some(libc::EDQUOT) => (Code::DiskFull, "EDQUOT".to_owned()),
        Some(libc::EROFS) => (Code::PermissionDenied, "EROFS".to_owned()),
        Some(libc::EACCES) => (Code::PermissionDenied, "EACCES".to_owned()),
        Some(libc::EPERM) => (Code::PermissionDenied, "EPERM".to_owned()),
        Some(libc::ENOMEM) => (Code::OutOfResources, "ENOMEM".to_owned()),
        Some(libc::EAGAIN) => (Code::OutOfResources, "EAGAIN".to_owned()),
        Some(libc::EMFILE | libc::ENFILE) => (Code::OutOfResources, "EMFILE".to_owned()),
        _ => (Code::StorageError, format!("{:?}", error.kind())),
    };
    Fault::system(code, doing, error, &error_type)
}
