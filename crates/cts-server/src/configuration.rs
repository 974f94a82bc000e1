//! What the service was told, for those who ask it: over HTTP, at the command line, and itself in its own check.
//!
//! A secret is told to nobody. Outside of development and testing nobody learns over HTTP where files lie either.

use std::fmt::{self, Write as _};
use std::path::Path;

use cts_api::config::{ConfigReport, DirectoryReport, FaultReport, OriginKind, Overridden, Setting};
use cts_config::{
    ConfigFault, Directory, DirectoryState, ExplainedSetting, Explanation, Layer, Loaded, Origin, ServiceConfig,
    Sources,
};
use serde_json::Value;

/// What the service was told, and where it can look again whether that is still what is written.
#[derive(Clone, Default)]
pub struct Configuration {
    explanation: Explanation,
    sources: Option<Sources>,
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment among the sources may hold anything.
        f.debug_struct("Configuration").field("profile", &self.explanation.profile).finish_non_exhaustive()
    }
}

/// What has become of a configuration since it was loaded.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// What is wrong with it now.
    pub(crate) faults: Vec<ConfigFault>,
    /// Settings with other values than those that hold.
    pub(crate) changed: Vec<&'static str>,
    /// What should be known.
    pub(crate) warnings: usize,
}

impl Configuration {
    /// Returns what was loaded from these sources.
    #[must_use]
    pub fn of(loaded: &Loaded, sources: Sources) -> Self {
        Self { explanation: loaded.explanation(), sources: Some(sources) }
    }

    /// Returns every setting for HTTP.
    pub(crate) fn settings(&self, with_paths: bool) -> Vec<Setting> {
        self.explanation.settings.iter().map(|explained| setting(explained, with_paths)).collect()
    }

    /// Returns the value of a setting.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.explanation.setting(name)?.value.as_ref().map(|layer| &layer.json)
    }

    /// Looks at the files and directories again. What it reads may take a while.
    pub(crate) fn look_again(&self) -> Again {
        let Some(sources) = &self.sources else { return Again::default() };
        let now = ServiceConfig::explain(sources);
        let changed = self.explanation.differing(&now);
        let (mut faults, mut warnings) = (now.faults, now.warnings.len());
        if faults.is_empty()
            && let Ok(loaded) = ServiceConfig::load(sources)
        {
            for directory in loaded.look_at_directories() {
                match directory.state {
                    DirectoryState::Usable => {}
                    DirectoryState::Doubtful(_) => warnings += 1,
                    DirectoryState::Unmakeable(fault) | DirectoryState::Refused(fault) => faults.push(fault),
                    // They were made at the start; the next start would make them anew.
                    DirectoryState::Missing => warnings += 1,
                }
            }
        }
        Again { faults, changed, warnings }
    }
}

fn kind(origin: &Origin) -> OriginKind {
    match origin {
        Origin::Profile(_) => OriginKind::Profile,
        Origin::InProcess => OriginKind::InProcess,
        Origin::Default => OriginKind::Default,
        Origin::File { .. } => OriginKind::File,
        Origin::Dotenv { .. } => OriginKind::Dotenv,
        Origin::Variable(_) => OriginKind::Variable,
        Origin::Flag(_) => OriginKind::Flag,
    }
}

/// Returns a setting as programs see it.
#[must_use]
pub fn setting(explained: &ExplainedSetting, with_paths: bool) -> Setting {
    let declaration = explained.declaration;
    let value_type = declaration.value_type;
    let is_hidden = !with_paths && matches!(value_type.word(), "path" | "paths");
    let value = |layer: &Layer| if is_hidden { Value::Null } else { layer.json.clone() };
    let origin = |origin: &Origin| if with_paths { origin.to_string() } else { origin.without_folder().to_string() };
    let overrode = |layer: &Layer| Overridden {
        value: value(layer),
        origin: origin(&layer.origin),
        origin_kind: kind(&layer.origin),
    };
    let range = value_type.range();
    Setting {
        name: declaration.name.to_owned(),
        section: declaration.section.heading().to_owned(),
        value: explained.value.as_ref().map_or(Value::Null, value),
        masked: explained.value.as_ref().is_some_and(|layer| layer.masked || is_hidden && !layer.json.is_null()),
        origin: explained.value.as_ref().map(|layer| origin(&layer.origin)),
        origin_kind: explained.value.as_ref().map(|layer| kind(&layer.origin)),
        overrode: explained.overrode.iter().map(overrode).collect(),
        value_type: value_type.word().to_owned(),
        unit: value_type.unit().map(str::to_owned),
        minimum: range.map(|(least, _)| least),
        maximum: range.map(|(_, most)| most),
        choices: value_type.choices().iter().map(|word| (*word).to_owned()).collect(),
        optional: declaration.optional,
        must_be: declaration.expectation(),
        default: declaration.defaults_for_people(),
        description: declaration.help.to_owned(),
        variable: declaration.variable(),
        flag: format!("--{}", declaration.flag()),
        works: declaration.works,
    }
}

/// Everything about a configuration that nobody runs yet: what it says, and the directories that it names.
#[derive(Debug)]
pub struct Examined {
    /// What it says; faults of directories are among the faults.
    pub explanation: Explanation,
    /// The configuration, where every value can be read; rules between settings may be broken.
    pub loaded: Option<Loaded>,
    /// The directories; none where a value cannot be read.
    pub directories: Vec<Directory>,
}

/// Looks at a configuration and changes nothing.
#[must_use]
pub fn examine(sources: &Sources) -> Examined {
    let mut explanation = ServiceConfig::explain(sources);
    let loaded = ServiceConfig::load_to_look(sources);
    let directories = loaded.as_ref().map(Loaded::look_at_directories).unwrap_or_default();
    for directory in &directories {
        match &directory.state {
            DirectoryState::Refused(fault) => explanation.faults.push(fault.clone()),
            DirectoryState::Doubtful(warning) => explanation.warnings.push(warning.clone()),
            // Who looks may be somebody else than the service's user, and elsewhere.
            DirectoryState::Usable | DirectoryState::Missing | DirectoryState::Unmakeable(_) => {}
        }
    }
    Examined { explanation, loaded, directories }
}

impl Examined {
    /// Returns it as programs see it; with a name that setting alone.
    #[must_use]
    pub fn report(&self, only: Option<&str>) -> ConfigReport {
        let shown = |path: &Path| path.display().to_string();
        let explanation = &self.explanation;
        let wanted = |setting: &&ExplainedSetting| only.is_none_or(|name| setting.declaration.name == name);
        ConfigReport {
            environment: explanation.profile.as_str().to_owned(),
            file: explanation.file.as_deref().map(shown),
            dotenv: explanation.dotenv.as_deref().map(shown),
            ok: explanation.faults.is_empty(),
            settings: explanation.settings.iter().filter(wanted).map(|explained| setting(explained, true)).collect(),
            directories: self.directories.iter().map(directory).collect(),
            warnings: explanation.warnings.iter().map(ToString::to_string).collect(),
            faults: explanation.faults.iter().map(fault).collect(),
        }
    }

    /// Returns it as a page for people: a configuration file that means the same, with everything else in comments.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = self.explanation.page();
        for found in &self.directories {
            let (name, path) = (found.setting, found.path.display());
            match &found.state {
                DirectoryState::Missing => {
                    let _ = writeln!(page, "\n# note: {name} {path} is not there; the start makes it");
                }
                DirectoryState::Unmakeable(fault) => {
                    let _ = writeln!(page, "\n# note: {}; {}", fault.message, fault.remedy);
                }
                DirectoryState::Usable | DirectoryState::Doubtful(_) | DirectoryState::Refused(_) => {}
            }
        }
        page
    }
}

fn directory(found: &Directory) -> DirectoryReport {
    let state = match found.state {
        DirectoryState::Usable => "usable",
        DirectoryState::Missing => "missing",
        DirectoryState::Unmakeable(_) => "unmakeable",
        DirectoryState::Doubtful(_) => "doubtful",
        DirectoryState::Refused(_) => "refused",
    };
    let (setting, path) = (found.setting.to_owned(), found.path.display().to_string());
    DirectoryReport { setting, path, state: state.to_owned() }
}

fn fault(fault: &ConfigFault) -> FaultReport {
    FaultReport {
        setting: fault.setting.clone(),
        origin: fault.origin.to_string(),
        message: fault.message.clone(),
        remedy: fault.remedy.clone(),
    }
}
