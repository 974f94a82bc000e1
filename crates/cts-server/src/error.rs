//! Why the service did not start or did not end well: what was being done, to what, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use cts_config::ConfigFaults;
use cts_engine::EngineError;
use cts_model::Fault;
use cts_observe::TelemetryError;
use cts_observe::trace::TraceError;
use cts_store::StoreError;

/// Why the service did not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration has faults.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// Another service uses the data directory.
    #[error("{} is used by another service: {holder}", data_dir.display())]
    Locked {
        /// The data directory.
        data_dir: PathBuf,
        /// Who uses it, as far as that is known.
        holder: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The setting that names the port.
        setting: &'static str,
        /// The address.
        address: String,
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
    /// The database or the blobs cannot be used.
    #[error("cannot open {}", path.display())]
    Store {
        /// Which.
        path: PathBuf,
        /// What they said.
        #[source]
        source: StoreError,
    },
    /// The engine failed.
    #[error("the engine failed")]
    Engine(#[source] EngineError),
    /// The runtime cannot be made.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// The log cannot be set up.
    #[error("cannot set up the log")]
    Telemetry(#[source] TelemetryError),
    /// Traces cannot be sent.
    #[error("cannot send traces")]
    Tracing(#[source] TraceError),
    /// Root works on what belongs to somebody else.
    #[error("{} belongs to user {owner}, and root would leave files there that this user cannot write", folder.display())]
    Owner {
        /// The data directory.
        folder: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// What was asked for is refused.
    #[error("{}", .0.message)]
    Refused(Fault),
    /// A task panicked.
    #[error("a task panicked: {0}")]
    Panicked(String),
}

impl ServerError {
    /// Returns a maker of [`ServerError::File`].
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// Returns a maker of [`ServerError::Store`].
    pub(crate) fn store(path: &Path) -> impl FnOnce(StoreError) -> Self {
        let path = path.to_owned();
        move |source| Self::Store { path, source }
    }

    /// Returns the exit code: 2 for configuration and lock, 1 for the rest.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Locked { .. } | Self::Tracing(_) => 2,
            _ => 1,
        }
    }

    /// Returns what to do about it, where that is not said already.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Config(_) => return None,
            Self::Locked { .. } => "stop that service, or name another data directory with --data-dir".to_owned(),
            Self::Listen { setting, address, source } => match source.kind() {
                io::ErrorKind::AddrInUse => {
                    let flag = setting.replace('_', "-");
                    format!(
                        "stop the program that uses {address}, or name another port with --{flag} (0 takes a free one); \
                         `cts doctor` tells whose it is"
                    )
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need a right of their own; name a higher one".to_owned()
                }
                io::ErrorKind::AddrNotAvailable => "name an address of this machine with --host".to_owned(),
                _ => "name an address of this machine with --host and --port".to_owned(),
            },
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => "give the service's user the right to it".to_owned(),
                io::ErrorKind::ReadOnlyFilesystem => "name a data directory that can be written".to_owned(),
                io::ErrorKind::StorageFull => "free some space".to_owned(),
                _ => return None,
            },
            Self::Store { source, .. } => source.fault().actions.join(" "),
            Self::Engine(error) => error.fault().actions.join(" "),
            Self::Owner { owner, .. } => format!("run it as that user: sudo -u '#{owner}' ..."),
            Self::Refused(fault) => fault.actions.join(" "),
            Self::Tracing(_) => "mend tracing_endpoint or the file that tracing_headers_file names".to_owned(),
            Self::Runtime(_) | Self::Telemetry(_) | Self::Panicked(_) => return None,
        };
        Some(text)
    }

    /// Returns the error with all its causes and what to do about it, for people.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        if let Some(remedy) = self.remedy() {
            text.push('\n');
            text.push_str(&remedy);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use cts_config::{ConfigFault, Origin};
    use expect_test::expect;

    use super::*;

    #[test]
    fn an_error_says_what_was_being_done_why_it_failed_and_what_to_do() {
        let source = io::Error::from(io::ErrorKind::AddrInUse);
        let error = ServerError::Listen { setting: "port", address: "127.0.0.1:8080".to_owned(), source };
        expect![[r#"
            cannot listen on 127.0.0.1:8080: address in use
            stop the program that uses 127.0.0.1:8080, or name another port with --port (0 takes a free one); `cts doctor` tells whose it is"#]]
        .assert_eq(&error.report());
        assert_eq!(error.exit_code(), 1);
        let fault = ConfigFault {
            origin: Origin::Flag("port".to_owned()),
            setting: None,
            message: "port is wrong".to_owned(),
            remedy: "mend it".to_owned(),
        };
        let error = ServerError::from(ConfigFaults(vec![fault]));
        expect![[r#"
            the configuration has 1 fault
              --port: port is wrong; mend it"#]]
        .assert_eq(&error.report());
        let error = ServerError::Locked { data_dir: "/d".into(), holder: "process 7".to_owned() };
        assert_eq!(error.exit_code(), 2);
    }
}
