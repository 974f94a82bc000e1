//! The tools that there are: those that are compiled in, and those that an operator declared in a folder of manifests.
//!
//! Readers see one snapshot at a time, and a broken manifest never stops the others. A manifest that breaks while the
//! service runs is reported as broken, and its last good version stays in use: an operator who makes a slip in an editor
//! does not stop anybody's work. An id belongs to the tool that has it: compiled-in tools first, then the manifest that
//! held it before, then the first file by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use cts_model::ToolSpec;
use tokio::sync::watch;

pub mod command;
mod folder;
mod manifest;
pub mod program;
pub mod template;

pub use command::{Argument, CommandError, CommandLine, EnvironmentValue, Placeholders, ResolvedCommand};
pub use manifest::{MANIFEST_BYTES_MAX, ManifestFault, check_manifest, manifest_schema};
pub use program::{Program, ServiceEnvironment};

use self::folder::Folder;

/// How many names [`Registry::nearest`] gives at most.
const NEAREST_MAX: usize = 3;

/// A tool: what it promises and how it is started.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// What it promises.
    pub spec: ToolSpec,
    /// How it is started.
    pub how: How,
}

/// How a tool is started.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// The own binary, executed again.
    Native,
    /// A command line.
    Command(Box<CommandLine>),
}

impl Tool {
    /// Returns the command line of a command tool.
    #[must_use]
    pub fn command(&self) -> Option<&CommandLine> {
        match &self.how {
            How::Native => None,
            How::Command(command) => Some(command),
        }
    }

    /// Returns what must be true of this machine and is not, with what to install, plug in or make; none when the tool
    /// can run.
    #[must_use]
    pub fn unavailable_reason(&self, environment: &ServiceEnvironment) -> Option<String> {
        let Some(command) = self.command() else { return self.spec.unavailable_reason.clone() };
        let access = &self.spec.access;
        let missing =
            |paths: &[PathBuf]| paths.iter().find(|path| !path.exists()).map(|path| path.display().to_string());
        command
            .unavailable_reason(environment)
            .or_else(|| {
                missing(&access.devices)
                    .map(|path| format!("the device {path} is not there: plug it in, or mend [access] of the manifest"))
            })
            .or_else(|| {
                missing(&access.read)
                    .map(|path| format!("{path}, which the tool reads, is not there: make it, or mend the manifest"))
            })
            .or_else(|| {
                missing(&access.write).map(|path| {
                    format!("{path}, which the tool writes, is not there: make it, or mend [access] of the manifest")
                })
            })
    }
}

/// A manifest that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenManifest {
    /// Its file; the folder, when that cannot be read.
    pub path: PathBuf,
    /// Everything that is wrong with it.
    pub faults: Vec<ManifestFault>,
    /// Whether an earlier version of it is still in use.
    pub last_good_in_use: bool,
}

/// What readers see.
#[derive(Debug, Default, PartialEq)]
struct Snapshot {
    tools: BTreeMap<String, Arc<Tool>>,
    broken: Vec<BrokenManifest>,
}

/// The tools that there are. Clones are the same registry.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    native: Vec<Arc<Tool>>,
    environment: ServiceEnvironment,
    folder: Option<Mutex<Folder>>,
    snapshot: RwLock<Arc<Snapshot>>,
    generation: watch::Sender<u64>,
}

impl Registry {
    /// Returns a registry that has looked once at `tools_directory`, which may be missing. Programs are searched in the
    /// environment of this process.
    #[must_use]
    pub fn new(native: Vec<ToolSpec>, tools_directory: Option<PathBuf>) -> Self {
        Self::with_environment(native, tools_directory, ServiceEnvironment::of_process())
    }

    /// Returns a registry whose programs and secrets come from `environment`.
    #[must_use]
    pub fn with_environment(
        native: Vec<ToolSpec>,
        tools_directory: Option<PathBuf>,
        environment: ServiceEnvironment,
    ) -> Self {
        let native = native.into_iter().map(|spec| Arc::new(Tool { spec, how: How::Native })).collect();
        let registry = Self(Arc::new(Inner {
            native,
            environment,
            folder: tools_directory.map(|path| Mutex::new(Folder::new(path))),
            snapshot: RwLock::default(),
            generation: watch::Sender::new(0),
        }));
        registry.reload_if_changed();
        registry
    }

    /// Looks at the folder again and returns whether anything changed, be it a manifest or what the tools need of the
    /// machine. It reads files, so it is not for the async runtime's own threads.
    pub fn reload_if_changed(&self) -> bool {
        let mut tools: BTreeMap<String, Arc<Tool>> =
            self.0.native.iter().map(|tool| (tool.spec.id.as_str().to_owned(), Arc::clone(tool))).collect();
        let before = self.snapshot();
        let mut broken = Vec::new();
        // The lock is held to the end, so that two callers cannot put an older snapshot over a newer one.
        let mut folder = self.0.folder.as_ref().map(|folder| folder.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(folder) = folder.as_deref_mut() {
            broken = folder.scan(&mut tools);
        }
        for tool in tools.values_mut() {
            let reason = tool.unavailable_reason(&self.0.environment);
            if reason != tool.spec.unavailable_reason {
                let mut spec = tool.spec.clone();
                spec.unavailable_reason = reason;
                *tool = Arc::new(Tool { spec, how: tool.how.clone() });
            }
        }
        let after = Snapshot { tools, broken };
        if *before == after {
            return false;
        }
        *self.0.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        self.0.generation.send_modify(|generation| *generation += 1);
        true
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the tool of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Tool>> {
        self.snapshot().tools.get(id).cloned()
    }

    /// Returns every tool, sorted by id.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Tool>> {
        self.snapshot().tools.values().cloned().collect()
    }

    /// Returns every manifest that was refused, sorted by path.
    #[must_use]
    pub fn broken(&self) -> Vec<BrokenManifest> {
        self.snapshot().broken.clone()
    }

    /// Returns the ids that are near a name that is none, the nearest first.
    #[must_use]
    pub fn nearest(&self, id: &str) -> Vec<String> {
        let snapshot = self.snapshot();
        let known = snapshot.tools.keys().map(String::as_str);
        cts_model::nearest::nearest(id, known, NEAREST_MAX).into_iter().map(str::to_owned).collect()
    }

    /// Returns the number of the present snapshot, and a wakeup whenever there is a new one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    /// Returns the environment in which programs and secrets are searched.
    #[must_use]
    pub fn environment(&self) -> &ServiceEnvironment {
        &self.0.environment
    }

    /// Returns the folder of the manifests.
    #[must_use]
    pub fn tools_directory(&self) -> Option<PathBuf> {
        let folder = self.0.folder.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Path::to_path_buf(folder.path()))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.snapshot()).finish()
    }
}

#[cfg(test)]
mod tests;
