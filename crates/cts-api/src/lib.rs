//! What was promised to clients: the JSON shapes of the HTTP API, and nothing else.
//!
//! One module for each noun. `of(…)` and `From<model>` here are where compatibility is kept: a change in the model
//! must not change a shape by accident. Answers always hold every member, `null` where there is nothing, so that
//! clients may rely on the keys; only a [`problem::Problem`] leaves out what does not apply.
//! Request bodies are read with [`fields::FromBody`], which finds every fault at once and names the nearest known name.
//! Durations are seconds, times RFC 3339 in UTC with milliseconds, sizes bytes.

pub mod time;

pub mod run;

pub mod tool;

pub mod artifact;
pub mod log;
pub mod log_level;
pub mod upload;

pub mod token;

pub mod config;
pub mod health;
pub mod metrics;
pub mod version;

pub mod fields;
pub mod page;
pub mod problem;
pub mod stream;

pub mod samples;

pub use artifact::{Artifact, Preview};
pub use fields::FromBody;
pub use health::Health;
pub use log::{LogEntry, LogPage};
pub use log_level::{LogLevels, SetLogLevels};
pub use problem::Problem;
pub use run::{CreateRun, Rerun, Run, RunStatus};
pub use time::Time;
pub use token::{AuditEntry, CreateSession, CreateToken, Role, Session, Token};
pub use tool::{Capabilities, ToolCapability};
pub use upload::{CreateUpload, FinalizeUpload, Upload};
pub use version::Version;
