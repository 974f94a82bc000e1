//! The reference page and the example file, made from the declarations.
//!
//! Both are committed; a test compares them, and `UPDATE_EXPECT=1 cargo test -p cts-config` writes them anew.

use std::fmt::Write as _;

use crate::client;
use crate::declaration::{Declaration, Section};
use crate::layers::OTHER_VARIABLES;
use crate::service::declarations::declarations;
use crate::service::profile::Profile;
use crate::value::{PathBase, Raw, Value, quoted};

/// Returns `docs/reference/configuration.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(HEAD);
    for section in Section::SERVICE {
        let _ = write!(
            page,
            "\n## {}\n\n| setting | default | may be | what it does |\n| --- | --- | --- | --- |\n",
            section.heading()
        );
        for declaration in declarations().iter().filter(|declaration| declaration.section == section) {
            row(&mut page, declaration);
        }
    }
    page.push_str(CLIENT_HEAD);
    for declaration in &client::DECLARATIONS {
        row(&mut page, declaration);
    }
    let others = OTHER_VARIABLES.map(|name| format!("`{name}`")).join(", ");
    let _ = write!(
        page,
        "\n## Other variables\n\nThese begin with `CTS_` too and are no settings of the service: {others}.\n"
    );
    page
}

const HEAD: &str = "# Configuration

This page is generated from the declarations in `crates/cts-config`; change them, not the page.

Every setting has one name. Where the name is `max_concurrent_runs`, the file says `max_concurrent_runs = 3`, the
environment and `.env` say `CTS_MAX_CONCURRENT_RUNS=3`, and the command line says `--max-concurrent-runs 3`. The
stronger place wins:

1. the command line's flags,
2. the environment,
3. `.env`, from the folder of the configuration file, else from the working directory; read by the service only,
4. the configuration file: `--config FILE`, else `CTS_CONFIG`, else `/etc/cts/cts-lite.toml` where it exists,
5. the defaults of the profile that `environment` chooses.

All faults are reported at once, each with the place where it was written, and the service does not start on one: not on
a value that cannot be, and not on a name that it does not know. `cts-lite --check-config` and `cts config
explain` print every value, where it came from and what it overrode; `cts config explain SETTING` tells all about one. [Operating
the service](../guides/operating.md) tells more.

Times are numbers in the unit that the table names, or texts such as `\"90s\"`, `\"5m\"`, `\"1h 30m\"`, `\"7 days\"`. Sizes are
numbers in the unit of the table, or texts such as `\"100 MB\"` and `\"2 GiB\"`; 1 MB is 10⁶ bytes, 1 MiB is 2²⁰. Lists are
arrays in the file and separated by commas elsewhere. `~` is the user's home, and a relative path begins at the folder
of the file that holds it, in the environment and on the command line at the working directory. In values nothing is
substituted: `$` is a dollar.

`cts run` without a server reads the same file and environment, without `.env`; defaults that differ there are marked
*in process*.

Rules between settings:

- `tool_timeout_seconds` is at most `max_tool_timeout_seconds`; `metrics_port` is not `port`.
- No run reads the service's own folders (`base_storage_path`, `log_directory`, its part of `temp_directory`) and
  `tracing_headers_file`, whatever `allowed_input_roots` says, unless one of the roots lies inside of them by name.
- Production without authentication needs `require_authentication = false` and `allow_unauthenticated = true`; so does
  every other profile that listens beyond loopback. `docs/guides/access.md` tells how the first token is made.
- Production refuses `*` in `cors_allowed_origins` and `enable_metrics = false`, and directories that belong to another
  user or that everybody may write to.
- A secret is never printed. Where the table says so, its text may stand in a file of its own, which the name with `_file`
  behind it names (`CTS_..._FILE` in the environment), as containers hand secrets over; value and file in one place are a
  fault.
- Settings marked *later* are checked, but have no effect in this version; giving one is answered with a warning.
";

const CLIENT_HEAD: &str = "
## Client

The client `cts` reads `cts/config.toml` in the user's configuration folder (`$XDG_CONFIG_HOME`, else `~/.config`), then
`CTS_URL`, `CTS_API_KEY`, `CTS_API_KEY_FILE` and `CTS_OUT_DIR`, then its flags.

| setting | default | may be | what it does |
| --- | --- | --- | --- |
";

fn row(page: &mut String, declaration: &Declaration) {
    let later = if declaration.works { "" } else { " *Later.*" };
    let by_file =
        declaration.file_name().map_or(String::new(), |name| format!(" `{name}` names a file that holds it."));
    let cell = |text: &str| text.replace('|', "\\|");
    let _ = writeln!(
        page,
        "| `{}` | {} | {} | {}{by_file}{later} |",
        declaration.name,
        cell(&defaults(declaration)),
        cell(&declaration.expectation()),
        cell(declaration.help),
    );
}

/// Returns the defaults for people: one where all profiles agree.
pub(crate) fn defaults(declaration: &Declaration) -> String {
    let code = |text: &str| format!("`{}`", written(declaration, text));
    let texts = Profile::ALL.map(|profile| declaration.defaults.of(profile));
    let mut parts: Vec<(Vec<&str>, &str)> = Vec::new();
    for (profile, text) in Profile::ALL.iter().zip(texts) {
        match parts.iter_mut().find(|(_, known)| *known == text) {
            Some((profiles, _)) => profiles.push(profile.as_str()),
            None => parts.push((vec![profile.as_str()], text)),
        }
    }
    let mut cell = match parts.as_slice() {
        [(_, text)] => code(text),
        parts => parts
            .iter()
            .map(|(names, text)| format!("{}: {}", names.join(", "), code(text)))
            .collect::<Vec<_>>()
            .join("; "),
    };
    if let Some(text) = declaration.defaults.in_process {
        let _ = write!(cell, "; in process: {}", code(text));
    }
    cell
}

/// Returns a default as the file would have it.
fn written(declaration: &Declaration, text: &str) -> String {
    let people = text.replace("{user_data}", "~/.local/share").replace("{user_cache}", "~/.cache");
    let people = people.replace("{base_storage_path}", "<base_storage_path>");
    let base = PathBase { folder: std::path::Path::new("/"), home: Some(std::path::Path::new("~")) };
    match declaration.value_type.read(&Raw::Loose(text.to_owned()), &base) {
        _ if declaration.optional && text == "none" => text.to_owned(),
        Some(Value::Path(_)) | None => quoted(&people),
        Some(value) => declaration.value_type.write(&value),
    }
}

/// Returns `deploy/cts-lite.example.toml`: every setting with its help, commented out, with a default.
#[must_use]
pub fn example_file() -> String {
    let mut file = String::from(
        "# Configuration of cts-lite: every setting with its default in production.\n\
         # Take the # away from a line to change it. docs/reference/configuration.md explains everything.\n",
    );
    for section in Section::SERVICE {
        let _ = write!(file, "\n# ---- {} ----\n", section.heading());
        for declaration in declarations().iter().filter(|declaration| declaration.section == section) {
            let later = if declaration.works { "" } else { " (no effect in this version)" };
            let text = declaration.defaults.production.replace("{base_storage_path}", "/var/lib/cts");
            let value = match (declaration.name, text.as_str()) {
                ("environment", _) => quoted("production"),
                (_, "none") => quoted("none"),
                (_, text) => written(declaration, text),
            };
            let _ = write!(
                file,
                "\n# {}{later}\n# Must be {}.\n# {} = {value}\n",
                declaration.help,
                declaration.expectation(),
                declaration.name
            );
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn the_committed_reference_and_example_are_those_of_the_declarations() {
        expect_file!["../../../docs/reference/configuration.md"].assert_eq(&reference_page());
        expect_file!["../../../deploy/cts-lite.example.toml"].assert_eq(&example_file());
    }
}
