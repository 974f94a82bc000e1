//! Every setting as a flag of the command line: `--max-concurrent-runs 8`, and `--set max_concurrent_runs=8`.
//!
//! Both programs that start a service take these. The flags come from the declarations, so a new setting has its flag
//! at once; the help names those that people use most, and the rest is in the reference.

use std::sync::LazyLock;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use cts_config::{Declaration, declarations};

/// Flags with a place of their own in the help, with what they mean: name of the flag, setting, value, help.
const SHOWN: [(&str, &str, &str, &str); 3] = [
    ("host", "host", "ADDRESS", "Address or name to listen on"),
    ("port", "port", "PORT", "Port to listen on; 0 takes a free one"),
    ("data-dir", "base_storage_path", "DIR", "Where database, artifacts and logs lie"),
];

/// Name, flag and help of every setting, and of the files that secrets may stand in: the parser wants names that live as
/// long as the program.
static FLAGS: LazyLock<Vec<(String, String, &'static str)>> = LazyLock::new(|| {
    let names = |known: &'static Declaration| {
        let file = known.file_name().map(|name| (name, "A file that holds the secret"));
        [Some((known.name.to_owned(), known.help)), file].into_iter().flatten()
    };
    let named = declarations().iter().flat_map(names);
    named.map(|(name, help)| (name.clone(), name.replace('_', "-"), help)).collect()
});

/// Settings that the command line gives, in the order of their strength: `--set` is stronger than a flag of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingFlags(pub(crate) Vec<(String, String)>);

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        let mut take = |id: &str, setting: &str| {
            if let Some(values) = matches.get_many::<String>(id) {
                given.extend(values.map(|value| (setting.to_owned(), value.clone())));
            }
        };
        for (name, ..) in FLAGS.iter() {
            take(name, name);
        }
        for (flag, setting, ..) in SHOWN {
            if flag != setting {
                take(flag, setting);
            }
        }
        for text in matches.get_many::<String>("set").into_iter().flatten() {
            match text.split_once('=') {
                Some((name, value)) if !name.is_empty() => given.push((name.to_owned(), value.to_owned())),
                _ => return Err(clap::Error::raw(ErrorKind::ValueValidation, "--set is written as NAME=VALUE\n")),
            }
        }
        Ok(Self(given))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        // An empty value is a value: it empties a list.
        let flag =
            |id: &'static str, flag: &'static str| Arg::new(id).long(flag).global(true).action(ArgAction::Append);
        let shown = SHOWN.map(|(name, _, value, help)| flag(name, name).value_name(value).help(help));
        let set = flag("set", "set").value_name("NAME=VALUE");
        let set = set.help("Any setting, for example max_concurrent_runs=8; may be given several times");
        let rest = FLAGS.iter().filter(|(name, ..)| SHOWN.iter().all(|(flag, ..)| flag != name));
        let rest = rest.map(|(name, long, help)| flag(name, long).value_name("VALUE").help(*help).hide(true));
        command.args(shown).arg(set).args(rest)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(args: &[&str]) -> Result<Vec<(String, String)>, String> {
        let command = SettingFlags::augment_args(Command::new("x"));
        let matches = command.try_get_matches_from([&["x"], args].concat()).map_err(|error| error.to_string())?;
        SettingFlags::from_arg_matches(&matches).map(|flags| flags.0).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_is_a_flag() {
        for declaration in declarations() {
            let flag = format!("--{}", declaration.flag());
            let expected = vec![(declaration.name.to_owned(), "-x y".to_owned())];
            assert_eq!(given(&[&format!("{flag}=-x y")]), Ok(expected), "{flag}");
        }
    }

    #[test]
    fn the_data_directory_and_any_setting_have_short_ways() {
        let pairs = |list: &[(&str, &str)]| Ok(list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect());
        assert_eq!(given(&[]), pairs(&[]));
        assert_eq!(given(&["--data-dir", "/d", "--port", "1"]), pairs(&[("port", "1"), ("base_storage_path", "/d")]));
        let several = ["--set", "port=2", "--port", "1", "--set", "allowed_input_roots="];
        assert_eq!(given(&several), pairs(&[("port", "1"), ("port", "2"), ("allowed_input_roots", "")]));
        assert!(given(&["--set", "port"]).unwrap_err().contains("NAME=VALUE"));
        assert!(given(&["--max-concurent-runs", "3"]).unwrap_err().contains("--max-concurrent-runs"));
    }
}
