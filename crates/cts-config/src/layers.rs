//! The merge: defaults below file below `.env` below environment below flags, and every value keeps its origin.
//!
//! Each layer adds what was given under which name; [`Layers::resolve`] reads the values. Nothing is dropped in silence:
//! a name that nobody knows and a value that cannot be read are faults, also where a higher layer overrides them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cts_model::nearest::nearest;

use crate::declaration::{Declaration, VARIABLE_PREFIX, variable_of};
use crate::error::{ConfigFault, ConfigFaults, ConfigWarning, shown};
use crate::origin::Origin;
use crate::service::profile::Profile;
use crate::sources::Sources;
use crate::value::{NONE, PathBase, Raw, Value, quoted};
use crate::{dotenv, secret_file, toml_file};

/// Variables that begin like settings and have other uses: those of the client, of a run's child, and the file's name.
pub(crate) const OTHER_VARIABLES: [&str; 9] = [
    "CTS_URL",
    "CTS_API_KEY",
    "CTS_API_KEY_FILE",
    "CTS_OUT_DIR",
    "CTS_CONFIG",
    "CTS_RUN_ID",
    "CTS_ATTEMPT",
    "CTS_REQUEST_ID",
    "CTS_PARAMS",
];

/// What was found out while loading.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) faults: Vec<ConfigFault>,
    pub(crate) warnings: Vec<ConfigWarning>,
}

impl Findings {
    pub(crate) fn fault(&mut self, origin: Origin, setting: Option<&str>, message: String, remedy: String) {
        self.faults.push(ConfigFault { origin, setting: setting.map(str::to_owned), message, remedy });
    }

    /// Returns warnings and faults, both in the order of the places where they were written.
    pub(crate) fn sorted(mut self) -> (Vec<ConfigWarning>, Vec<ConfigFault>) {
        self.faults.sort_by_key(|fault| fault.origin.place());
        self.warnings.sort_by_key(|warning| warning.origin.as_ref().map(Origin::place));
        (self.warnings, self.faults)
    }

    /// Returns the warnings, or every fault there is.
    pub(crate) fn settle(self) -> Result<Vec<ConfigWarning>, ConfigFaults> {
        let (warnings, faults) = self.sorted();
        if faults.is_empty() { Ok(warnings) } else { Err(ConfigFaults(faults)) }
    }

    pub(crate) fn warn(&mut self, origin: Origin, message: String) {
        self.warnings.push(ConfigWarning { origin: Some(origin), message });
    }
}

/// A value that somebody gave for a setting.
#[derive(Debug)]
struct Given {
    declaration: &'static Declaration,
    origin: Origin,
    raw: Raw,
    /// Where a relative path begins.
    folder: PathBuf,
    as_what: AsWhat,
}

impl Given {
    fn layer(&self) -> &'static str {
        self.origin.word()
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AsWhat {
    /// The setting.
    Value,
    /// The setting, by a name that it had before.
    OldName,
    /// A file with the setting's text.
    File,
}

/// What was given, the weakest first.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    declarations: &'static [Declaration],
    sources: &'a Sources,
    givens: Vec<Given>,
    pub(crate) findings: Findings,
}

impl<'a> Layers<'a> {
    pub(crate) fn new(declarations: &'static [Declaration], sources: &'a Sources) -> Self {
        Self { declarations, sources, givens: Vec::new(), findings: Findings::default() }
    }

    /// Adds a configuration file.
    pub(crate) fn add_file(&mut self, path: &Path, text: &str) {
        let at = |position| Origin::File { path: self.sources.short(path), position: Some(position) };
        let (entries, faults) = toml_file::parse(text);
        for fault in faults {
            let remedy = "correct the line; the file is TOML: name = value".to_owned();
            self.findings.fault(at(fault.at), None, fault.message, remedy);
        }
        let names = self.names();
        for entry in entries {
            let origin = at(entry.value_at);
            let folder = path.parent().unwrap_or(path).to_path_buf();
            match self.declaration(&entry.key, |name| name.to_owned()) {
                Some((declaration, as_what)) => {
                    self.note_old_name(declaration, as_what, &origin, &entry.key, declaration.name);
                    self.give(Given { declaration, origin, raw: entry.raw, folder, as_what });
                }
                None if entry.raw == Raw::Other("a table") => {
                    let inside = entry.inner_keys.iter().find(|key| names.contains(key));
                    let remedy = match inside {
                        Some(key) => format!("write {key} at the top of the file, without a table around it"),
                        None => "take the table out".to_owned(),
                    };
                    let message = format!("unknown table{}, settings stand in none", self.repeated(&entry.key));
                    self.findings.fault(at(entry.at), None, message, remedy);
                }
                None => self.unknown(at(entry.at), "setting", &entry.key, &names),
            }
        }
    }

    /// Adds a `.env` file; what is not named `CTS_*` belongs to others.
    pub(crate) fn add_dotenv(&mut self, path: &Path, text: &str) {
        let at = |line| Origin::Dotenv { path: self.sources.short(path), line: Some(line) };
        let (assignments, faults) = dotenv::parse(text);
        for fault in faults {
            let remedy = "write NAME=value, with quotes around a value that has quotes or lines in it".to_owned();
            self.findings.fault(at(fault.line), None, fault.message.to_owned(), remedy);
        }
        let folder = path.parent().unwrap_or(path).to_path_buf();
        for assignment in assignments {
            if assignment.name == "CTS_CONFIG" {
                let message = "CTS_CONFIG has no effect here: the file is chosen before .env is read".to_owned();
                self.findings.warn(at(assignment.line), message);
            }
            self.add_variable(at(assignment.line), &assignment.name, assignment.value, &folder);
        }
    }

    /// Adds the environment. Where `strict`, an unknown `CTS_*` variable is a fault.
    pub(crate) fn add_environment(&mut self, strict: bool) {
        let sources = self.sources;
        for name in &sources.unreadable_variables {
            let known = self.declaration(name, variable_of).is_some();
            if known || strict && !OTHER_VARIABLES.contains(&name.as_str()) {
                let remedy = "set it to a text in UTF-8, or unset it".to_owned();
                self.findings.fault(Origin::Variable(name.clone()), None, "the value is not UTF-8".to_owned(), remedy);
            }
        }
        for (name, value) in &sources.environment {
            if strict || self.declaration(name, variable_of).is_some() {
                self.add_variable(Origin::Variable(name.clone()), name, value.clone(), &sources.current_dir);
            }
        }
    }

    /// Adds the command line's flags.
    pub(crate) fn add_flags(&mut self) {
        let sources = self.sources;
        let flags: Vec<String> = self.names().iter().map(|name| name.replace('_', "-")).collect();
        for (name, value) in &sources.flags {
            let name = name.trim_start_matches('-').replace('_', "-");
            let origin = Origin::Flag(name.clone());
            match self.declaration(&name, |name| name.replace('_', "-")) {
                Some((declaration, as_what)) => {
                    self.note_old_name(declaration, as_what, &origin, &name, &declaration.flag());
                    let (raw, folder) = (Raw::Loose(value.clone()), sources.current_dir.clone());
                    self.give(Given { declaration, origin, raw, folder, as_what });
                }
                None => self.unknown(origin, "flag", &name, &flags),
            }
        }
    }

    fn add_variable(&mut self, origin: Origin, name: &str, value: String, folder: &Path) {
        if let Some((declaration, as_what)) = self.declaration(name, variable_of) {
            self.note_old_name(declaration, as_what, &origin, name, &declaration.variable());
            self.give(Given { declaration, origin, raw: Raw::Loose(value), folder: folder.to_path_buf(), as_what });
        } else if name.starts_with(VARIABLE_PREFIX) && !OTHER_VARIABLES.contains(&name) {
            let variables: Vec<String> = self.names().iter().map(|name| variable_of(name)).collect();
            self.unknown(origin, "variable", name, &variables);
        }
    }

    /// Returns the setting that has this name in a layer's spelling, and as what.
    fn declaration(&self, name: &str, spell: impl Fn(&str) -> String) -> Option<(&'static Declaration, AsWhat)> {
        self.declarations.iter().find_map(|declaration| {
            if spell(declaration.name) == name {
                return Some((declaration, AsWhat::Value));
            }
            if declaration.file_name().is_some_and(|file| spell(&file) == name) {
                return Some((declaration, AsWhat::File));
            }
            declaration.old_names.iter().any(|old| spell(old) == name).then_some((declaration, AsWhat::OldName))
        })
    }

    /// Takes what was given. The text of a file that is named instead is read here; in one layer only one of both is taken.
    fn give(&mut self, mut given: Given) {
        let same = |known: &&Given| known.declaration.name == given.declaration.name && known.layer() == given.layer();
        let is_other = |known: &&Given| (known.as_what == AsWhat::File) != (given.as_what == AsWhat::File);
        if let Some(known) = self.givens.iter().find(|known| same(known) && is_other(known)) {
            let message = format!("{} is given here and by {}", given.declaration.name, known.origin);
            let remedy = "keep the value or the file, not both".to_owned();
            self.findings.fault(given.origin, Some(given.declaration.name), message, remedy);
            return;
        }
        if given.as_what == AsWhat::File {
            let base = PathBase { folder: &given.folder, home: self.sources.home.as_deref() };
            match secret_file::read(&given.raw, &base) {
                Ok((text, warning)) => {
                    if let Some(warning) = warning {
                        self.findings.warn(given.origin.clone(), warning);
                    }
                    given.raw = Raw::Quoted(text);
                }
                Err((message, remedy)) => {
                    self.findings.fault(given.origin, Some(given.declaration.name), message, remedy);
                    return;
                }
            }
        }
        self.givens.push(given);
    }

    fn note_old_name(&mut self, declaration: &Declaration, as_what: AsWhat, origin: &Origin, given: &str, now: &str) {
        if as_what == AsWhat::OldName {
            self.findings.warn(origin.clone(), format!("{given} is an old name of {}, write {now}", declaration.name));
        }
    }

    /// Returns every name that is understood today.
    fn names(&self) -> Vec<String> {
        let names = |known: &Declaration| [Some(known.name.to_owned()), known.file_name()];
        self.declarations.iter().flat_map(names).flatten().collect()
    }

    fn unknown(&mut self, origin: Origin, what: &str, name: &str, known: &[String]) {
        let message = format!("unknown {what}{}", self.repeated(name));
        // What all variables begin with makes none of them nearer.
        let prefix = if name.starts_with(VARIABLE_PREFIX) { VARIABLE_PREFIX } else { "" };
        let bare = |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned();
        let known: Vec<String> = known.iter().map(|name| bare(name)).collect();
        let near = nearest(&bare(name), known.iter().map(String::as_str), 1);
        let remedy = match near.first() {
            Some(near) => format!("did you mean \"{prefix}{near}\"?"),
            None => "take it out; docs/reference/configuration.md lists every setting".to_owned(),
        };
        self.findings.fault(origin, None, message, remedy);
    }

    /// Returns an unknown name for a message; nothing where secrets are among the settings, because what is taken for a
    /// name may be one that lost its quotes.
    fn repeated(&self, name: &str) -> String {
        let secrets = self.declarations.iter().any(|declaration| declaration.sensitive);
        if secrets { String::new() } else { format!(" {}", shown(name)) }
    }

    /// Returns the profile that was asked for; a wrong one is reported by [`Layers::resolve`].
    pub(crate) fn profile(&self) -> Profile {
        let asked = self.givens.iter().rev().filter(|given| given.declaration.name == "environment");
        asked
            .filter_map(|given| self.read(given))
            .find_map(|value| match value {
                Value::Text(word) => Profile::from_word(&word),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn read(&self, given: &Given) -> Option<Value> {
        if given.declaration.optional
            && let Raw::Loose(text) | Raw::Quoted(text) = &given.raw
            && text.trim().eq_ignore_ascii_case(NONE)
        {
            return Some(Value::Nothing);
        }
        let base = PathBase { folder: &given.folder, home: self.sources.home.as_deref() };
        given.declaration.value_type.read(&given.raw, &base)
    }

    /// Reads every value; the strongest that was given holds, and a default where none was. Without a profile the
    /// defaults are the client's.
    pub(crate) fn resolve(mut self, profile: Option<Profile>) -> (Resolved, Findings) {
        let mut resolved = Resolved { entries: Vec::with_capacity(self.declarations.len()), faulty: BTreeSet::new() };
        for declaration in self.declarations {
            let mut chain: Vec<(Origin, Value)> = Vec::new();
            let mut bad = Vec::new();
            let mut by_file = false;
            for given in self.givens.iter().filter(|given| given.declaration.name == declaration.name) {
                match self.read(given) {
                    Some(value) => {
                        by_file = given.as_what == AsWhat::File;
                        chain.push((given.origin.clone(), value));
                    }
                    None => bad.push((given.origin.clone(), given.raw.clone())),
                }
            }
            if !bad.is_empty() {
                resolved.faulty.insert(declaration.name);
            }
            for (origin, raw) in bad {
                let shown = if declaration.sensitive { String::new() } else { format!(", not {}", raw.shown()) };
                let message = format!("{} must be {}{shown}", declaration.name, declaration.expectation());
                let remedy = example(declaration, &origin);
                self.findings.fault(origin, Some(declaration.name), message, remedy);
            }
            match self.default_of(declaration, profile, &resolved) {
                Ok(default) => chain.insert(0, default),
                Err(DefaultFault::Follows) => {}
                Err(DefaultFault::NoHome(_)) if !chain.is_empty() => {}
                Err(DefaultFault::NoHome(origin)) => {
                    let message =
                        format!("{} has no default, because the home directory is not known", declaration.name);
                    let remedy = format!("set HOME, or {}", declaration.variable());
                    self.findings.fault(origin, Some(declaration.name), message, remedy);
                }
            }
            match chain.pop() {
                Some((origin, value)) => {
                    resolved.entries.push(Entry { declaration, value, origin, by_file, overrode: chain })
                }
                None => {
                    resolved.faulty.insert(declaration.name);
                }
            }
        }
        (resolved, self.findings)
    }

    fn default_of(
        &self,
        declaration: &'static Declaration,
        profile: Option<Profile>,
        resolved: &Resolved,
    ) -> Result<(Origin, Value), DefaultFault> {
        let holding = |profile| declaration.defaults.holding(profile, self.sources.kind);
        let (text, origin) = match profile.map(|profile| (holding(profile), profile)) {
            None => (declaration.defaults.development, Origin::Default),
            // The profile itself has no profile.
            Some(((text, _), _)) if declaration.name == "environment" => (text, Origin::Default),
            Some(((text, true), _)) => (text, Origin::InProcess),
            Some(((text, false), profile)) => (text, Origin::Profile(profile)),
        };
        let mut text = text.to_owned();
        for (word, variable, below_home) in
            [("{user_data}", "XDG_DATA_HOME", ".local/share"), ("{user_cache}", "XDG_CACHE_HOME", ".cache")]
        {
            if text.contains(word) {
                let Some(dir) = self.sources.user_dir(variable, below_home) else {
                    return Err(DefaultFault::NoHome(origin));
                };
                text = text.replace(word, &dir.to_string_lossy());
            }
        }
        if text.contains("{base_storage_path}") {
            let Some(Value::Path(base)) = resolved.value("base_storage_path") else {
                return Err(DefaultFault::Follows);
            };
            text = text.replace("{base_storage_path}", &base.to_string_lossy());
        }
        let folder = PathBuf::from("/");
        let given = Given { declaration, origin, raw: Raw::Loose(text), folder, as_what: AsWhat::Value };
        let value = self.read(&given).expect("a test reads every default");
        Ok((given.origin, value))
    }
}

enum DefaultFault {
    /// The user's folders are not known.
    NoHome(Origin),
    /// The setting it is made from is itself at fault, which was reported.
    Follows,
}

/// Returns what could be written instead, in the form of the place where it is written.
fn example(declaration: &Declaration, origin: &Origin) -> String {
    let text = declaration.example.unwrap_or(declaration.defaults.development);
    let text = text.replace("{user_data}", "~/.local/share").replace("{user_cache}", "~/.cache");
    let text = text.replace("{base_storage_path}", "/var/lib/cts");
    match origin {
        Origin::Flag(_) => format!("give for example --{} {text}", declaration.flag()),
        Origin::File { .. } => {
            let base = PathBase { folder: Path::new("/"), home: Some(Path::new("~")) };
            let value = declaration.value_type.read(&Raw::Loose(text.clone()), &base);
            let written = match value {
                Some(Value::Path(_)) | None => quoted(&text),
                Some(value) => declaration.value_type.write(&value),
            };
            format!("write for example {} = {written}", declaration.name)
        }
        _ => format!("set for example {}={text}", declaration.variable()),
    }
}

/// The value of a setting and how it came to be.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) declaration: &'static Declaration,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// Whether the value stood in a file of its own.
    pub(crate) by_file: bool,
    /// What it overrode, the weakest first.
    pub(crate) overrode: Vec<(Origin, Value)>,
}

impl Entry {
    /// Returns the value as it would be written, masked where it is sensitive.
    pub(crate) fn written(&self, value: &Value) -> String {
        match value {
            Value::Nothing => NONE.to_owned(),
            _ if self.declaration.sensitive => cts_model::secret::MASK.to_owned(),
            value => self.declaration.value_type.write(value),
        }
    }
}

/// The value of every setting.
#[derive(Clone)]
pub(crate) struct Resolved {
    pub(crate) entries: Vec<Entry>,
    /// Settings with a fault of their own; rules between settings leave them out.
    faulty: BTreeSet<&'static str>,
}

impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.entries.iter().map(|entry| (entry.declaration.name, entry.written(&entry.value)));
        f.debug_map().entries(entries).finish()
    }
}

impl Resolved {
    /// Tells whether none of these settings has a fault of its own.
    pub(crate) fn sound(&self, names: &[&str]) -> bool {
        !names.iter().any(|name| self.faulty.contains(name))
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.declaration.name == name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub(crate) fn origin(&self, name: &str) -> Origin {
        self.entry(name).expect("every declared setting has an entry").origin.clone()
    }
}

#[cfg(test)]
mod tests;
