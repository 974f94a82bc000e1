//! What a run, a tool, an artifact, a fault *is*: the nouns of CTS and their rules.
//!
//! This crate does no IO: it reads no clock, opens no file, knows no database, no HTTP and no process. Time and ids
//! come in through [`Clock`] and [`Ids`]. Its types are not wire types: they do not derive `Serialize`; the shapes that
//! clients see are in `cts-api`, those of the database in `cts-store`.
//!
//! Modules in reading order: who and when, what they may do, the run and its attempts, tools and what they are given, what comes out,
//! what goes wrong.

pub mod clock;
pub mod ctx;
pub mod id;
pub mod secret;

pub mod audit;
pub mod token;
pub mod trace;

pub mod attempt;
pub mod run;

pub mod input;
pub mod limit;
pub mod params;
pub mod tool;

pub mod artifact;
pub mod child_line;
pub mod log;
pub mod upload;

pub mod fault;
pub mod nearest;

pub use artifact::{Artifact, ArtifactDraft, RelPath, Sha256};
pub use attempt::{Attempt, Isolation, IsolationLevel, Outcome, RetryPolicy, Usage};
pub use audit::{AuditEntry, Change, Target};
pub use clock::{Clock, Ids, ManualClock, SystemClock, Timestamp};
pub use ctx::{Actor, Ctx, RequestId};
pub use fault::{Category, Code, Fault, FaultDetails, FieldFault};
pub use id::{ArtifactId, RunId, TokenId, ToolId, UploadId, WorkerId};
pub use input::{InputKind, InputRef};
pub use limit::Limits;
pub use log::{Level, LogLine, LogOrigin, OutputStream};
pub use params::CheckedParams;
pub use run::{Progress, Run, RunEvent, RunRequest, RunState};
pub use secret::Secret;
pub use token::{Role, Standing, Token, TokenName};
pub use tool::{Access, Category as ToolCategory, InputSpec, OutputSpec, ParamKind, ParamSpec, ToolKind, ToolSpec};
pub use trace::{SpanId, TraceContext, TraceId, TraceState};
pub use upload::{Upload, UploadState};

/// A JSON object: names to values, in the order in which they were given.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
