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
    /// A default that belongs to no profile.
    Default,
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
            Self::Profile(_) | Self::InProcess | Self::Default => (4, 0, 0),
        }
    }

    /// Returns what kind of place this is, in a word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Profile(_) => "profile",
            Self::InProcess => "in_process",
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Dotenv { .. } => "dotenv",
            Self::Variable(_) => "variable",
            Self::Flag(_) => "flag",
        }
    }

    /// Returns the same without the folder of a file, for those who need not know where it lies.
    #[must_use]
    pub fn without_folder(&self) -> Self {
        let name = |path: &PathBuf| path.file_name().map(PathBuf::from).unwrap_or_default();
        match self {
            Self::File { path, position } => Self::File { path: name(path), position: *position },
            Self::Dotenv { path, line } => Self::Dotenv { path: name(path), line: *line },
            other => other.clone(),
        }
    }

    /// Tells whether somebody wrote this value, that is, whether it is no default.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::Profile(_) | Self::InProcess | Self::Default)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(profile) => write!(f, "default of {profile}"),
            Self::InProcess => f.write_str("default of a run in process"),
            Self::Default => f.write_str("default"),
            Self::File { path, position: Some((line, column)) } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Dotenv { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, position: None } | Self::Dotenv { path, line: None } => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}
