//! What the command-line client was told: where the service is, with which key, and where artifacts go.
//!
//! Its file is `cts/config.toml` in the user's configuration folder; `CTS_URL`, `CTS_API_KEY` and `CTS_OUT_DIR` override
//! it, flags override those. Other `CTS_*` variables belong to the service and are not looked at here.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cts_model::Secret;

use crate::declaration::{Declaration, Defaults, Section};
use crate::error::{ConfigFaults, ConfigWarning};
use crate::layers::{Findings, Layers};
use crate::origin::Origin;
use crate::sources::{FileText, Sources, read_file};
use crate::value::{Check, Value, ValueType};

/// The client's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientConfig {
    /// The service's address, without a slash at the end.
    pub url: Option<String>,
    /// What the client proves itself with.
    pub api_key: Option<Secret>,
    /// Where artifacts go.
    pub out_dir: Option<PathBuf>,
}

/// The client's configuration with what should be known about it.
#[derive(Debug, Clone)]
pub struct LoadedClient {
    /// The configuration.
    pub config: ClientConfig,
    /// What does not stop the client, but should be known.
    pub warnings: Vec<ConfigWarning>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

const URL: Check = Check { test: is_url, expected: "an address such as \"http://127.0.0.1:8080\"" };
const API_KEY: Check = Check { test: is_api_key, expected: "a key of 1 to 4096 visible ASCII characters" };

pub(crate) static DECLARATIONS: [Declaration; 3] = [
    // A wrong address may hold a password, so it is not shown either.
    unset("url", ValueType::Text(URL), "The service to talk to.").optional("http://127.0.0.1:8080").sensitive(),
    unset("api_key", ValueType::Text(API_KEY), "The key to prove oneself with.").optional("the-key").secret(),
    unset("out_dir", ValueType::Path, "Where artifacts are put.").optional("~/cts-results"),
];

const fn unset(name: &'static str, value_type: ValueType, help: &'static str) -> Declaration {
    Declaration::new(name, Section::Client, value_type, Defaults::same("none"), help)
}

fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password in the address would be shown wherever the address is shown.
    let good = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '"' | '<' | '>' | '\\');
    !authority.is_empty() && !authority.starts_with(':') && rest.chars().all(good)
}

fn is_api_key(text: &str) -> bool {
    (1..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

impl ClientConfig {
    /// Loads the client's configuration. Of the sources' flags it knows `url`, `api-key` and `out-dir`.
    ///
    /// # Errors
    /// Returns every fault of the file, the variables and the flags.
    pub fn load(sources: &Sources) -> Result<LoadedClient, ConfigFaults> {
        let mut layers = Layers::new(&DECLARATIONS, sources);
        let path = sources.user_dir("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("cts/config.toml"));
        let file = path.and_then(|path| add_file(&mut layers, sources, path));
        layers.add_environment(false);
        layers.add_flags();
        let (resolved, mut findings) = layers.resolve(None);
        if let (Some(path), Some(entry)) = (&file, resolved.entry("api_key")) {
            // A file that only names the one with the key holds none.
            let own = (!entry.by_file).then_some(&entry.origin);
            let mut in_file = own.into_iter().chain(entry.overrode.iter().map(|(origin, _)| origin));
            if in_file.any(|origin| matches!(origin, Origin::File { .. })) {
                note_open_file(path, sources, &mut findings);
            }
        }
        let warnings = findings.settle()?;
        let text = |name| match resolved.value(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let config = ClientConfig {
            url: text("url").map(|url| url.trim_end_matches('/').to_owned()),
            api_key: text("api_key").map(Secret::new),
            out_dir: match resolved.value("out_dir") {
                Some(Value::Path(path)) => Some(path.clone()),
                _ => None,
            },
        };
        Ok(LoadedClient { config, warnings, file })
    }
}

fn add_file(layers: &mut Layers<'_>, sources: &Sources, path: PathBuf) -> Option<PathBuf> {
    match read_file(&path) {
        FileText::Text(text) => {
            layers.add_file(&path, text.strip_prefix('\u{feff}').unwrap_or(&text));
            Some(path)
        }
        FileText::Missing => None,
        FileText::Unreadable(why) => {
            let origin = Origin::File { path: sources.short(&path), position: None };
            layers.findings.fault(origin, None, why, "make it a readable TOML file, or take it away".to_owned());
            None
        }
    }
}

/// A key that others can read is no secret.
fn note_open_file(path: &Path, sources: &Sources, findings: &mut Findings) {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        let origin = Origin::File { path: sources.short(path), position: None };
        findings.warn(origin, "holds api_key and can be read by other users; chmod 600 keeps it to you".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::sources::Kind;

    fn sources(home: &Path, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Sources {
            kind: Kind::InProcess,
            config: None,
            flags: owned(flags),
            environment: owned(environment),
            unreadable_variables: Vec::new(),
            home: Some(home.to_path_buf()),
            current_dir: home.to_path_buf(),
            system_config_dir: home.to_path_buf(),
        }
    }

    fn load(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<LoadedClient, ConfigFaults> {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join(".config/cts")).unwrap();
        std::fs::write(home.path().join(".config/cts/config.toml"), text).unwrap();
        ClientConfig::load(&sources(home.path(), environment, flags))
    }

    fn check(loaded: Result<LoadedClient, ConfigFaults>, expected: &Expect) {
        expected.assert_eq(&match loaded {
            Ok(loaded) => format!(
                "{:?}\n{:?}",
                loaded.config,
                loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
            ),
            Err(faults) => faults.to_string(),
        });
    }

    #[test]
    fn without_a_file_nothing_is_set() {
        let home = tempfile::tempdir().unwrap();
        let loaded = ClientConfig::load(&sources(home.path(), &[], &[])).unwrap();
        assert_eq!((loaded.config, loaded.file), (ClientConfig::default(), None));
    }

    #[test]
    fn file_environment_and_flags_override_one_another() {
        let file = "url = \"http://a:1/\"\nout_dir = \"/file\"\n";
        check(
            load(file, &[], &[]),
            &expect![[r#"
            ClientConfig { url: Some("http://a:1"), api_key: None, out_dir: Some("/file") }
            []"#]],
        );
        check(
            load(file, &[("CTS_URL", "https://b"), ("CTS_API_KEY", "k3y"), ("CTS_PROT", "1")], &[]),
            &expect![[r#"
                ClientConfig { url: Some("https://b"), api_key: Some(***), out_dir: Some("/file") }
                []"#]],
        );
        check(
            load(file, &[("CTS_URL", "https://b")], &[("url", "http://c"), ("out-dir", "/flag")]),
            &expect![[r#"
            ClientConfig { url: Some("http://c"), api_key: None, out_dir: Some("/flag") }
            []"#]],
        );
    }

    #[test]
    fn the_key_may_stand_in_a_file_of_its_own() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "k3y\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let shown = path.display().to_string();
        for loaded in
            [load("", &[("CTS_API_KEY_FILE", &shown)], &[]), load(&format!("api_key_file = \"{shown}\""), &[], &[])]
        {
            let loaded = loaded.unwrap();
            assert_eq!(loaded.config.api_key, Some(Secret::new("k3y".to_owned())));
            assert!(loaded.warnings.is_empty(), "who names the file holds no key: {:?}", loaded.warnings);
        }
    }

    #[test]
    fn faults_come_all_at_once_and_without_the_key() {
        check(
            load(
                "url = \"ftp://x\"\napi_kee = \"hunter2\"\nout_dir = 4\napi_key = \"hunter 2\"\n",
                &[("CTS_API_KEY", "hunter\u{fc}")],
                &[],
            ),
            &expect![[r#"
                the configuration has 5 faults
                  .config/cts/config.toml:1:7: url must be an address such as "http://127.0.0.1:8080", or none; write for example url = "http://127.0.0.1:8080"
                  .config/cts/config.toml:2:1: unknown setting; did you mean "api_key"?
                  .config/cts/config.toml:3:11: out_dir must be a path (absolute, below ~, or relative to the file that holds it), or none, not 4; write for example out_dir = "~/cts-results"
                  .config/cts/config.toml:4:11: api_key must be a key of 1 to 4096 visible ASCII characters, or none; write for example api_key = "the-key"
                  CTS_API_KEY: api_key must be a key of 1 to 4096 visible ASCII characters, or none; set for example CTS_API_KEY=the-key"#]],
        );
        check(
            load("api_key = hunter2\nurl = 'http://u:hunter2@host'\n[hunter2]\n[[hunter2b]]\nhunter2 = 1\n", &[], &[]),
            &expect![[r#"
                the configuration has 4 faults
                  .config/cts/config.toml:1:11: string values must be quoted, expected literal string; correct the line; the file is TOML: name = value
                  .config/cts/config.toml:2:7: url must be an address such as "http://127.0.0.1:8080", or none; write for example url = "http://127.0.0.1:8080"
                  .config/cts/config.toml:3:2: unknown table, settings stand in none; take the table out
                  .config/cts/config.toml:4:3: unknown table, settings stand in none; take the table out"#]],
        );
    }

    #[test]
    fn a_key_in_a_file_that_others_can_read_is_warned_of() {
        check(
            load("api_key = \"k3y\"", &[], &[]),
            &expect![[r#"
            ClientConfig { url: None, api_key: Some(***), out_dir: None }
            [".config/cts/config.toml: holds api_key and can be read by other users; chmod 600 keeps it to you"]"#]],
        );
    }

    proptest! {
        #[test]
        fn a_key_is_never_printed(noise in "[\n=\"' a-z\\[\\]#]{0,6}", more in "[\n=\"'\\[\\]#.,]{0,3}") {
            let secret = "x7SECRETx7";
            let text = format!("{noise}api_key{noise}={more}{secret}{more}\n{noise}");
            let loaded = load(&text, &[("CTS_API_KEY", &format!("{more}{secret}\u{7}"))], &[]);
            prop_assert!(!format!("{loaded:?}").contains(secret), "{}", text);
            if let Err(faults) = loaded {
                prop_assert!(!faults.to_string().contains(secret), "{}", text);
            }
        }
    }
}
