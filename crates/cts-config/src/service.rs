//! The service configuration: loaded once at start, with every fault at once and the origin of every value.
//!
//! Loading reads the configuration file and `.env` and nothing else of the outside; it creates nothing. What must exist
//! is created and checked by [`Loaded::prepare_directories`].

pub mod declarations;
mod directories;
mod explanation;
pub mod profile;
mod refusals;
pub mod sections;

use std::path::{Path, PathBuf};

use crate::error::{ConfigFaults, ConfigWarning};
use crate::layers::{Findings, Layers, Resolved};
use crate::origin::Origin;
use crate::service::profile::Profile;
use crate::sources::{FileText, Kind, Sources, read_file};
pub use directories::{Directory, DirectoryState};
pub use explanation::{ExplainedSetting, Explanation, Layer};
pub use sections::ServiceConfig;

/// The name of the configuration file in the system's configuration folder.
pub const FILE_NAME: &str = "cts-lite.toml";

/// A configuration with its history.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: ServiceConfig,
    /// What does not stop the start, but should be known.
    pub warnings: Vec<ConfigWarning>,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
    /// The `.env` file that was read.
    pub dotenv: Option<PathBuf>,
    resolved: Resolved,
}

impl ServiceConfig {
    /// Loads the configuration.
    ///
    /// # Errors
    /// Returns every fault that can be found without starting.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigFaults> {
        let Merged { resolved, findings, profile, file, dotenv, .. } = merge(sources);
        let warnings = findings.settle()?;
        let config = sections::build(&resolved, sources.kind, profile);
        Ok(Loaded { config, warnings, file, dotenv, resolved })
    }

    /// Loads the configuration for those who only look: what every setting means is known, but rules between settings may be
    /// broken, with which no service starts. None where a value cannot be read.
    #[must_use]
    pub fn load_to_look(sources: &Sources) -> Option<Loaded> {
        let Merged { resolved, findings, profile, file, dotenv, is_readable } = merge(sources);
        let config = is_readable.then(|| sections::build(&resolved, sources.kind, profile))?;
        let (warnings, _) = findings.sorted();
        Some(Loaded { config, warnings, file, dotenv, resolved })
    }

    /// Explains the configuration, whether it has faults or not.
    #[must_use]
    pub fn explain(sources: &Sources) -> Explanation {
        let Merged { resolved, findings, profile, file, dotenv, .. } = merge(sources);
        Explanation::of(&resolved, findings, profile, file, dotenv)
    }
}

/// All layers in one, and what was found out.
struct Merged {
    resolved: Resolved,
    findings: Findings,
    profile: Profile,
    file: Option<PathBuf>,
    dotenv: Option<PathBuf>,
    /// Whether every value is known: all that may be wrong are rules between settings.
    is_readable: bool,
}

fn merge(sources: &Sources) -> Merged {
    let mut layers = Layers::new(declarations::declarations(), sources);
    let file = add_file(&mut layers, sources);
    let dotenv = match sources.kind {
        Kind::Service => add_dotenv(&mut layers, sources, file.as_deref()),
        Kind::InProcess => None,
    };
    layers.add_environment(true);
    layers.add_flags();
    let profile = layers.profile();
    let (resolved, mut findings) = layers.resolve(Some(profile));
    let is_readable = findings.faults.is_empty();
    refusals::check(&resolved, sources.kind, profile, &mut findings);
    Merged { resolved, findings, profile, file, dotenv, is_readable }
}

impl Loaded {
    /// Creates the directories that are missing, for the own user alone, and checks the others.
    ///
    /// # Errors
    /// Returns a fault for every directory that cannot be created or used; in production also for one in which others
    /// may write.
    pub fn prepare_directories(&self) -> Result<Vec<ConfigWarning>, ConfigFaults> {
        let mut findings = Findings::default();
        directories::prepare(&self.resolved, &self.config, &mut findings);
        findings.settle()
    }

    /// Looks at the directories and changes nothing: those that are missing are made by [`Self::prepare_directories`].
    #[must_use]
    pub fn look_at_directories(&self) -> Vec<Directory> {
        directories::look(&self.resolved, &self.config)
    }

    /// Explains the configuration.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        let findings = Findings { faults: Vec::new(), warnings: self.warnings.clone() };
        Explanation::of(&self.resolved, findings, self.config.profile, self.file.clone(), self.dotenv.clone())
    }

    /// Returns where the value of a setting came from.
    #[must_use]
    pub fn origin(&self, setting: &str) -> Option<&Origin> {
        self.resolved.entry(setting).map(|entry| &entry.origin)
    }
}

/// Adds the file that was named, else the system's one where it exists; returns the one that was read.
fn add_file(layers: &mut Layers<'_>, sources: &Sources) -> Option<PathBuf> {
    let variable =
        sources.variable("CTS_CONFIG").map(|path| (PathBuf::from(path), Origin::Variable("CTS_CONFIG".into())));
    let flag = sources.config.clone().map(|path| (path, Origin::Flag("config".into())));
    let (path, named_by) = match flag.or(variable) {
        Some((path, origin)) => (sources.current_dir.join(path), Some(origin)),
        None => (sources.system_config_dir.join(FILE_NAME), None),
    };
    let in_file = Origin::File { path: sources.short(&path), position: None };
    match (read_file(&path), named_by) {
        (FileText::Text(text), _) => {
            layers.add_file(&path, text.strip_prefix('\u{feff}').unwrap_or(&text));
            return Some(path);
        }
        (FileText::Missing, None) => {}
        (FileText::Missing, Some(origin)) => {
            let message = format!("there is no configuration file {}", path.display());
            layers.findings.fault(origin, None, message, "name a file that exists".to_owned());
        }
        (FileText::Unreadable(why), _) => {
            let remedy = "make it a readable TOML file, or name another one with --config".to_owned();
            layers.findings.fault(in_file, None, why, remedy);
        }
    }
    None
}

/// Adds the `.env` of the configuration file's folder, else that of the working directory; returns the one that was read.
fn add_dotenv(layers: &mut Layers<'_>, sources: &Sources, file: Option<&Path>) -> Option<PathBuf> {
    let folders = file.and_then(Path::parent).into_iter().chain([sources.current_dir.as_path()]);
    // Elsewhere `.env` is a folder of another tool; that one is not meant.
    let path = folders.map(|folder| folder.join(".env")).find(|path| path.exists() && !path.is_dir())?;
    match read_file(&path) {
        FileText::Text(text) => {
            layers.add_dotenv(&path, &text);
            return Some(path);
        }
        FileText::Missing => {}
        FileText::Unreadable(why) => {
            let origin = Origin::Dotenv { path: sources.short(&path), line: None };
            layers.findings.fault(origin, None, why, "make it readable, or take it away".to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests;
