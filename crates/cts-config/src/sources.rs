//! Everything outside that a configuration is made from, as plain data.
//!
//! [`Sources::from_process`] is the only function that asks the process; tests write the fields by hand.

use std::path::{Path, PathBuf};

/// The largest file that is read as a configuration.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;

/// For what a service configuration is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `cts-lite` or `cts serve`.
    Service,
    /// `cts run` without a server: no listener, no `.env`, limits of a single user.
    InProcess,
}

/// What a configuration is made from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// For what.
    pub kind: Kind,
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
    /// Settings given as flags, without dashes in front.
    pub flags: Vec<(String, String)>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Variables named `CTS_*` whose value is not UTF-8.
    pub unreadable_variables: Vec<String>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The working directory.
    pub current_dir: PathBuf,
    /// The folder of the system's configuration.
    pub system_config_dir: PathBuf,
}

impl Sources {
    /// Where a configuration lies that nobody named.
    pub const SYSTEM_CONFIG_DIR: &str = "/etc/cts";

    /// Takes everything from this process, with what its command line said.
    #[must_use]
    pub fn from_process(kind: Kind, config: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let mut environment = Vec::new();
        let mut unreadable_variables = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => environment.push((name, value)),
                Err(_) if name.starts_with("CTS_") => unreadable_variables.push(name),
                Err(_) => {}
            }
        }
        environment.sort();
        Self {
            kind,
            config,
            flags,
            environment,
            unreadable_variables,
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            system_config_dir: PathBuf::from(Self::SYSTEM_CONFIG_DIR),
        }
    }

    /// Returns the value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a folder of the user: the variable where it holds an absolute path, else `below_home`.
    pub(crate) fn user_dir(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let named = self.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| Some(self.home.as_ref()?.join(below_home)))
    }

    /// Returns a path as people look at it: short where it lies below the working directory.
    pub(crate) fn short(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.current_dir).unwrap_or(path).to_path_buf()
    }
}

/// A file that was read, or why not.
#[derive(Debug)]
pub(crate) enum FileText {
    /// Its text.
    Text(String),
    /// It does not exist.
    Missing,
    /// It cannot be read: why.
    Unreadable(String),
}

/// Reads a file of at most [`FILE_BYTES_MAX`].
pub(crate) fn read_file(path: &Path) -> FileText {
    use std::io::Read as _;
    let read = || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 > FILE_BYTES_MAX => {
            FileText::Unreadable(format!("is larger than {FILE_BYTES_MAX} bytes"))
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => FileText::Text(text),
            Err(error) => {
                let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
                FileText::Unreadable(format!("is not UTF-8 in line {}", line + 1))
            }
        },
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            FileText::Missing
        }
        Err(error) => FileText::Unreadable(format!("cannot be read: {error}")),
    }
}
