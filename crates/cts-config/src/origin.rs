//! Where a value came from, as people write it: `cts-lite.toml:12:3`, `.env:4`, `CTS_PORT`, `--port`.

use std::fmt;
use std::path::PathBuf;

use crate::service::profile::Profile;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The defaults of a profile.
    Profile(Profile),
    /// What a run without a server starts from, where it differs from the profile.
    InProcess,
    /// A default of the client.
    Client,
    /// A configuration file.
    File {
        /// Its path, short where it lies below the working directory.
        path: PathBuf,
        /// Line and column from 1; none for the file as a whole.
        position: Option<(usize, usize)>,
    },
    /// A `.env` file.
    Dotenv {
        /// Its path, short where it lies below the working directory.
        path: PathBuf,
        /// Line from 1; none for the file as a whole.
        line: Option<usize>,
    },
    /// An environment variable.
    Variable(String),
    /// A command-line flag, without its dashes.
    Flag(String),
}

impl Origin {
    /// Returns where this stands among others in a list: files first, in the order of their lines.
    pub(crate) fn place(&self) -> (u8, usize, usize) {
        match self {
            Self::File { position, .. } => {
                let (line, column) = position.unwrap_or_default();
                (0, line, column)
            }
            Self::Dotenv { line, .. } => (1, line.unwrap_or_default(), 0),
            Self::Variable(_) => (2, 0, 0),
            Self::Flag(_) => (3, 0, 0),
            Self::Profile(_) | Self::InProcess | Self::Client => (4, 0, 0),
        }
    }

    /// Tells whether somebody wrote this value, that is, whether it is no default.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::Profile(_) | Self::InProcess | Self::Client)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(profile) => write!(f, "default of {profile}"),
            Self::InProcess => f.write_str("default of a run in process"),
            Self::Client => f.write_str("default"),
            Self::File { path, position: Some((line, column)) } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Dotenv { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, position: None } | Self::Dotenv { path, line: None } => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}
