//! Which lines are written: a level for CTS itself, one for the libraries, others for single modules; changed while the
//! service runs.
//!
//! What may be written is decided once for each place in the code that logs, and kept there: a line that is not written
//! costs one atomic read. A change decides anew for all places; who logs meanwhile waits for nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cts_model::Level;
use tracing::Metadata;
use tracing::subscriber::Interest;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Filter};

/// What every crate of CTS begins with.
const OWN: &str = "cts";

/// The name of a module as log lines show it: `cts_engine`, `cts_engine::dispatcher`, `hyper`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleName(String);

/// A text that is no name of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a module is written as in the log: names of letters, digits and _, joined by ::, at most {} characters",
    ModuleName::LENGTH_MAX
)]
pub struct BadModuleName;

impl ModuleName {
    /// Longest name, in characters.
    pub const LENGTH_MAX: usize = 128;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a line of this target comes from the module or from one within it.
    fn holds(&self, target: &str) -> bool {
        target.strip_prefix(self.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

impl FromStr for ModuleName {
    type Err = BadModuleName;

    fn from_str(text: &str) -> Result<Self, BadModuleName> {
        let is_name = |part: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
            part.bytes().next().is_some_and(is_letter) && part.bytes().all(|b| is_letter(b) || b.is_ascii_digit())
        };
        let good = text.len() <= Self::LENGTH_MAX && text.split("::").all(is_name);
        if good { Ok(Self(text.to_owned())) } else { Err(BadModuleName) }
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which lines are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// The least level of CTS's own lines.
    pub own: Level,
    /// Whether libraries tell what they do as well, not only what went wrong.
    pub libraries: bool,
    /// Other levels for modules; the longest name that fits a line holds.
    pub modules: BTreeMap<ModuleName, Level>,
}

impl Levels {
    /// Most modules with a level of their own.
    pub const MODULES_MAX: usize = 64;

    fn of(&self, target: &str) -> LevelFilter {
        let named = self.modules.iter().filter(|(module, _)| module.holds(target));
        if let Some((_, level)) = named.max_by_key(|(module, _)| module.as_str().len()) {
            return filter(*level);
        }
        let own = filter(self.own);
        if target.starts_with(OWN) {
            return own;
        }
        own.min(if self.libraries { LevelFilter::INFO } else { LevelFilter::WARN })
    }

    /// Own spans are always there, whatever the level of lines: an error line names its request and its run also where
    /// nothing else is written.
    fn admit(&self, metadata: &Metadata<'_>) -> bool {
        let is_own_span = metadata.is_span() && metadata.target().starts_with(OWN);
        (is_own_span && *metadata.level() <= tracing::Level::INFO) || *metadata.level() <= self.of(metadata.target())
    }

    fn most(&self) -> LevelFilter {
        let levels = self.modules.values().copied().map(filter).chain([filter(self.own), LevelFilter::INFO]);
        levels.max().unwrap_or(LevelFilter::INFO)
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.own.as_str())?;
        self.modules.iter().try_for_each(|(module, level)| write!(f, ", {module}={}", level.as_str()))
    }
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warning => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    }
}

/// The levels that hold, and those of the start. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct LevelControl(Arc<Control>);

#[derive(Debug)]
struct Control {
    starting: Levels,
    now: ArcSwap<Levels>,
}

impl LevelControl {
    /// Begins with these levels. They hold for lines once the value is the filter of a log, as that of a
    /// [`crate::Telemetry`] is.
    #[must_use]
    pub fn new(starting: Levels) -> Self {
        let now = ArcSwap::from_pointee(starting.clone());
        Self(Arc::new(Control { starting, now }))
    }

    /// Returns the levels of the start.
    #[must_use]
    pub fn starting(&self) -> &Levels {
        &self.0.starting
    }

    /// Returns the levels that hold.
    #[must_use]
    pub fn now(&self) -> Arc<Levels> {
        self.0.now.load_full()
    }

    /// Changes the levels.
    pub fn set(&self, levels: Levels) {
        self.0.now.store(Arc::new(levels));
        tracing_core::callsite::rebuild_interest_cache();
    }
}

impl Default for LevelControl {
    /// Level INFO for CTS itself, and from libraries what went wrong.
    fn default() -> Self {
        Self::new(Levels { own: Level::Info, libraries: false, modules: BTreeMap::new() })
    }
}

impl<S> Filter<S> for LevelControl {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.now.load().admit(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.now.load().admit(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.now.load().most())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_as_in_the_log() {
        for good in ["cts_engine", "cts_engine::attempt::start", "hyper", "_a1"] {
            assert_eq!(good.parse::<ModuleName>().unwrap().as_str(), good);
        }
        let long = "x".repeat(129);
        for bad in ["", "a::", "::a", "a:b", "a b", "1a", "a-b", "a=debug", "a,b", "ü", &long] {
            assert_eq!(bad.parse::<ModuleName>(), Err(BadModuleName), "{bad:?}");
        }
    }

    #[test]
    fn the_longest_name_that_fits_holds() {
        let module = |name: &str, level| (name.parse::<ModuleName>().unwrap(), level);
        let levels = Levels {
            own: Level::Warning,
            libraries: false,
            modules: BTreeMap::from([
                module("cts_engine", Level::Info),
                module("cts_engine::attempt", Level::Debug),
                module("hyper", Level::Debug),
            ]),
        };
        for (target, level) in [
            ("cts_server", LevelFilter::WARN),
            ("cts_engine", LevelFilter::INFO),
            ("cts_engines", LevelFilter::WARN),
            ("cts_engine::dispatcher", LevelFilter::INFO),
            ("cts_engine::attempt", LevelFilter::DEBUG),
            ("cts_engine::attempt::start", LevelFilter::DEBUG),
            ("hyper::proto", LevelFilter::DEBUG),
            ("hyper_util", LevelFilter::WARN),
        ] {
            assert_eq!(levels.of(target), level, "{target}");
        }
        let quiet = Levels { own: Level::Error, libraries: true, modules: BTreeMap::new() };
        assert_eq!(quiet.of("hyper"), LevelFilter::ERROR, "libraries say no more than CTS itself");
        assert_eq!(levels.to_string(), "WARNING, cts_engine=INFO, cts_engine::attempt=DEBUG, hyper=DEBUG");
    }
}
