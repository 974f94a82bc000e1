//! A configuration that explains itself: every setting with its value, where that came from, what it overrode, what it
//! may be; and everything that is wrong. `--check-config`, `cts config explain`, `cts doctor` and `/config/status` tell
//! parts of it.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::declarations::declarations;
use super::profile::Profile;
use crate::declaration::{Declaration, Section};
use crate::error::{ConfigFault, ConfigWarning};
use crate::layers::{Entry, Findings, Resolved};
use crate::origin::Origin;
use crate::value::Value;

/// A configuration with everything that is known about it.
#[derive(Debug, Clone, Default)]
pub struct Explanation {
    /// The profile.
    pub profile: Profile,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
    /// The `.env` file that was read.
    pub dotenv: Option<PathBuf>,
    /// Every setting, in reading order.
    pub settings: Vec<ExplainedSetting>,
    /// What does not stop the start, but should be known.
    pub warnings: Vec<ConfigWarning>,
    /// Everything that is wrong; with one of them the service does not start.
    pub faults: Vec<ConfigFault>,
}

/// A setting with its history.
#[derive(Debug, Clone)]
pub struct ExplainedSetting {
    /// What is said about it.
    pub declaration: &'static Declaration,
    /// The value that holds; none where nothing that was given can be read and there is no default.
    pub value: Option<Layer>,
    /// What it overrode, the strongest first; the default comes last.
    pub overrode: Vec<Layer>,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Where it came from.
    pub origin: Origin,
    /// The value as the file would have it; a sensitive one is masked.
    pub text: String,
    /// The value as a number of the setting's unit, a text, a list; null for none and for a sensitive one.
    pub json: Json,
    /// Whether there is a value that is not shown.
    pub masked: bool,
}

impl Layer {
    fn of(entry: &Entry, origin: &Origin, value: &Value) -> Self {
        let masked = entry.declaration.sensitive && *value != Value::Nothing;
        // What is no value is a word of its own in a file, too.
        let text = match value {
            Value::Nothing => entry.declaration.value_type.write(value),
            value => entry.written(value),
        };
        let json = if masked { Json::Null } else { entry.declaration.value_type.json(value) };
        Self { origin: origin.clone(), text, json, masked }
    }
}

impl Explanation {
    /// Returns a configuration that was loaded, with what was found while doing so.
    pub(super) fn of(
        resolved: &Resolved,
        findings: Findings,
        profile: Profile,
        file: Option<PathBuf>,
        dotenv: Option<PathBuf>,
    ) -> Self {
        let explained = |declaration: &'static Declaration| match resolved.entry(declaration.name) {
            Some(entry) => ExplainedSetting {
                declaration,
                value: Some(Layer::of(entry, &entry.origin, &entry.value)),
                overrode: entry.overrode.iter().rev().map(|(origin, value)| Layer::of(entry, origin, value)).collect(),
            },
            None => ExplainedSetting { declaration, value: None, overrode: Vec::new() },
        };
        let (warnings, faults) = findings.sorted();
        let settings = declarations().iter().map(explained).collect();
        Self { profile, file, dotenv, settings, warnings, faults }
    }

    /// Returns a setting by its name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&ExplainedSetting> {
        self.settings.iter().find(|setting| setting.declaration.name == name)
    }

    /// Returns the names of the settings whose values are others than there.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<&'static str> {
        let text = |setting: Option<&ExplainedSetting>| {
            Some((setting?.value.as_ref()?.text.clone(), setting?.declaration.name))
        };
        let differs = |setting: &&ExplainedSetting| {
            text(Some(setting)).map(|(text, _)| text)
                != text(other.setting(setting.declaration.name)).map(|(text, _)| text)
        };
        self.settings.iter().filter(differs).map(|setting| setting.declaration.name).collect()
    }

    /// Returns the page with every setting. It is a TOML file that, given to the service, means the same.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::new();
        let path = |path: &Option<PathBuf>| path.as_ref().map_or("none".into(), |path| path.display().to_string());
        let _ = writeln!(page, "# configuration file: {}\n# .env file: {}", path(&self.file), path(&self.dotenv));
        for section in Section::SERVICE {
            let _ = writeln!(page, "\n# {}", section.heading());
            for setting in self.settings.iter().filter(|setting| setting.declaration.section == section) {
                page.push_str(&setting.line());
            }
        }
        for warning in &self.warnings {
            let _ = writeln!(page, "\n# warning: {warning}");
        }
        for fault in &self.faults {
            let _ = writeln!(page, "\n# fault: {fault}");
        }
        page
    }
}

impl ExplainedSetting {
    /// Returns the setting as a line of a file, with its history behind it.
    fn line(&self) -> String {
        let name = self.declaration.name;
        let Some(value) = &self.value else { return format!("# {name} has no value\n") };
        let mut line = format!("{:<48} # {}", format!("{name} = {}", value.text), value.origin);
        for layer in &self.overrode {
            let _ = write!(line, ", over {} from {}", layer.text, layer.origin);
        }
        line.push('\n');
        line
    }

    /// Returns everything about the setting, for people.
    #[must_use]
    pub fn page(&self) -> String {
        let declaration = self.declaration;
        let mut page = match &self.value {
            Some(value) => format!("{} = {}\n  from {}\n", declaration.name, value.text, value.origin),
            None => format!("{} has no value\n", declaration.name),
        };
        for layer in &self.overrode {
            let _ = writeln!(page, "  over {} from {}", layer.text, layer.origin);
        }
        let _ = writeln!(page, "\n{}", declaration.help);
        let mut fact = |name: &str, text: &str| {
            let _ = writeln!(page, "  {name:<10} {text}");
        };
        fact("type", declaration.value_type.word());
        fact("must be", &declaration.expectation());
        if let Some(unit) = declaration.value_type.unit() {
            fact("unit", unit);
        }
        fact("default", &declaration.defaults_for_people());
        fact("section", declaration.section.heading());
        fact("variable", &declaration.variable());
        fact("flag", &format!("--{}", declaration.flag()));
        if !declaration.old_names.is_empty() {
            fact("old names", &declaration.old_names.join(", "));
        }
        if declaration.sensitive {
            fact("secret", "its value is never shown");
        }
        if !declaration.works {
            fact("effect", "none in this version");
        }
        page
    }
}
