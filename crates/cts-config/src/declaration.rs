//! What is said about one setting: everything else derives from it.

use crate::service::profile::Profile;
use crate::sources::Kind;
use crate::value::ValueType;

/// The heading under which a setting stands in the reference, and its struct in the loaded configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The process as a whole.
    Process,
    /// What is stored where.
    Storage,
    /// The HTTP listener.
    Http,
    /// Who may do what.
    Security,
    /// How runs are executed.
    Runs,
    /// What runs leave behind.
    Artifacts,
    /// What runs say.
    Logs,
    /// How the service is watched.
    Observe,
    /// The command-line client.
    Client,
}

impl Section {
    /// Every section of the service configuration, in reading order.
    pub const SERVICE: [Self; 8] = [
        Self::Process,
        Self::Storage,
        Self::Http,
        Self::Security,
        Self::Runs,
        Self::Artifacts,
        Self::Logs,
        Self::Observe,
    ];

    /// Returns the heading.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Process => "Process",
            Self::Storage => "Storage",
            Self::Http => "HTTP",
            Self::Security => "Security",
            Self::Runs => "Runs",
            Self::Artifacts => "Artifacts",
            Self::Logs => "Logs of runs",
            Self::Observe => "Observation",
            Self::Client => "Client",
        }
    }
}

/// The defaults of a setting, written as a person would write them in a variable.
///
/// `{user_data}` and `{user_cache}` are the user's folders, `{base_storage_path}` is the value of that setting.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// In the profile development.
    pub development: &'static str,
    /// In the profile testing.
    pub testing: &'static str,
    /// In the profile staging.
    pub staging: &'static str,
    /// In the profile production.
    pub production: &'static str,
    /// Of a run in process, where that differs from the profile.
    pub in_process: Option<&'static str>,
}

impl Defaults {
    /// The same in every profile.
    #[must_use]
    pub const fn same(text: &'static str) -> Self {
        Self { development: text, testing: text, staging: text, production: text, in_process: None }
    }

    /// One for each profile: development, testing, staging, production.
    #[must_use]
    pub const fn each(texts: [&'static str; 4]) -> Self {
        let [development, testing, staging, production] = texts;
        Self { development, testing, staging, production, in_process: None }
    }

    /// Another one in process.
    #[must_use]
    pub const fn in_process(self, text: &'static str) -> Self {
        Self { in_process: Some(text), ..self }
    }

    /// Returns the default of a profile.
    #[must_use]
    pub fn of(&self, profile: Profile) -> &'static str {
        match profile {
            Profile::Development => self.development,
            Profile::Testing => self.testing,
            Profile::Staging => self.staging,
            Profile::Production => self.production,
        }
    }

    /// Returns the default that holds, and whether it is the one of a run in process.
    pub(crate) fn holding(&self, profile: Profile, kind: Kind) -> (&'static str, bool) {
        match (kind, self.in_process) {
            (Kind::InProcess, Some(text)) => (text, true),
            _ => (self.of(profile), false),
        }
    }
}

/// What is said about one setting.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// Its name: the key in the file; variable and flag derive from it.
    pub name: &'static str,
    /// Where it belongs.
    pub section: Section,
    /// What it can be.
    pub value_type: ValueType,
    /// What it is when nobody says anything.
    pub defaults: Defaults,
    /// What it does, in a sentence or two.
    pub help: &'static str,
    /// Whether it may be not set at all, which is written `none`.
    pub optional: bool,
    /// Whether its value must never be printed.
    pub sensitive: bool,
    /// Whether its text may also stand in a file of its own, which the name with `_file` behind it names.
    pub by_file: bool,
    /// Whether this version does what it says; if not, giving it is answered with a warning.
    pub works: bool,
    /// What a fault proposes where the default is no example.
    pub example: Option<&'static str>,
    /// Names that it had before; they are understood, with a warning.
    pub old_names: &'static [&'static str],
}

impl Declaration {
    /// A setting that works, is not optional, not sensitive, and never had another name.
    #[must_use]
    pub const fn new(
        name: &'static str,
        section: Section,
        value_type: ValueType,
        defaults: Defaults,
        help: &'static str,
    ) -> Self {
        let (optional, sensitive, by_file, works) = (false, false, false, true);
        let (example, old_names) = (None, &[] as &[&str]);
        Self { name, section, value_type, defaults, help, optional, sensitive, by_file, works, example, old_names }
    }

    /// The same, optional, with an example.
    #[must_use]
    pub const fn optional(self, example: &'static str) -> Self {
        Self { optional: true, example: Some(example), ..self }
    }

    /// The same, sensitive.
    #[must_use]
    pub const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    /// The same, a secret: sensitive, and its text may stand in a file of its own.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { sensitive: true, by_file: true, ..self }
    }

    /// Returns the name under which a file with its text is named, where it may have one.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        self.by_file.then(|| format!("{}_file", self.name))
    }

    /// The same, for a later version.
    #[must_use]
    pub const fn without_effect(self) -> Self {
        Self { works: false, ..self }
    }

    /// Returns the name of its environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable_of(self.name)
    }

    /// Returns the name of its command-line flag, without dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Returns the defaults for people: one where all profiles agree.
    #[must_use]
    pub fn defaults_for_people(&self) -> String {
        crate::reference::defaults(self).replace('`', "")
    }

    /// Returns what its value must be: completes "must be …".
    #[must_use]
    pub fn expectation(&self) -> String {
        let expectation = self.value_type.expectation();
        if self.optional { format!("{expectation}, or none") } else { expectation }
    }
}

/// What every variable of CTS begins with.
pub(crate) const VARIABLE_PREFIX: &str = "CTS_";

/// Returns the environment variable of a setting's name.
pub(crate) fn variable_of(name: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", name.to_ascii_uppercase())
}
