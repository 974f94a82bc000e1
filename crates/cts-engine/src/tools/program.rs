//! The program of a command tool: where it is, and what else the tool needs of this machine.
//!
//! A bare name is searched in the service's `PATH`, as a shell does; anything with a `/` is a path. Nothing is started
//! here. Values of the service's environment are never printed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where programs are searched when the service has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The environment in which the service was started: where `PATH`, `{env.NAME}` and `{secret.NAME}` come from.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ServiceEnvironment(BTreeMap<OsString, OsString>);

impl ServiceEnvironment {
    /// Takes variables.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// Returns the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// Returns the value of a variable; an empty one counts as none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        std::env::split_paths(self.get("PATH").unwrap_or(OsStr::new(DEFAULT_PATH)))
    }
}

impl fmt::Debug for ServiceEnvironment {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The program of a command tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// Searched in the service's `PATH`.
    Name(String),
    /// At this place.
    Path(PathBuf),
}

impl Program {
    /// Reads a word of a manifest that lies in `folder`.
    #[must_use]
    pub fn parse(word: &str, folder: &Path) -> Self {
        if word.contains('/') {
            Self::Path(folder.join(word.strip_prefix("./").unwrap_or(word)))
        } else {
            Self::Name(word.to_owned())
        }
    }

    /// Returns where the program is on this machine.
    #[must_use]
    pub fn find(&self, environment: &ServiceEnvironment) -> Option<PathBuf> {
        match self {
            Self::Path(path) => is_program(path).then(|| path.clone()),
            // A relative folder in PATH would mean another program in every directory.
            Self::Name(name) => environment
                .folders()
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(name))
                .find(|path| is_program(path)),
        }
    }

    /// Returns why the program cannot be started, for an operator.
    #[must_use]
    pub fn missing_reason(&self) -> String {
        match self {
            Self::Name(name) => {
                format!("the program {name} is not installed, or not in the PATH of the service: install {name}")
            }
            Self::Path(path) if path.exists() => {
                format!("{} is not a program: make it an executable file (chmod +x)", path.display())
            }
            Self::Path(path) => format!("the program {} is not there: install it at this place", path.display()),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn environment(path: &str) -> ServiceEnvironment {
        ServiceEnvironment::new([("PATH".into(), path.into()), ("KEY".into(), "hunter2".into())])
    }

    #[test]
    fn a_name_is_searched_and_a_path_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("my-tool");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        let found = environment(folder.path().to_str().unwrap());
        assert_eq!(Program::Name("my-tool".into()).find(&found), None, "it may not be executed");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Program::Name("my-tool".into()).find(&found), Some(program.clone()));
        assert_eq!(Program::Name("my-tool".into()).find(&environment("/nowhere:relative")), None);
        assert_eq!(Program::parse("./my-tool", folder.path()).find(&environment("")), Some(program));
        assert_eq!(Program::parse("/bin/sh", folder.path()), Program::Path("/bin/sh".into()));
        let reason = Program::parse("/no/such", folder.path()).missing_reason();
        assert_eq!(reason, "the program /no/such is not there: install it at this place");
    }

    #[test]
    fn values_of_the_environment_are_not_printed() {
        assert_eq!(format!("{:?}", environment("/bin")), r#"{"KEY", "PATH"}"#);
    }
}
