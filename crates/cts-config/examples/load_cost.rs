//! What it costs to load a configuration: a file with every setting, a `.env` with ten, fifty variables, and a flag.
//! Prints milliseconds. Run it in release.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cts_config::{Kind, ServiceConfig, Sources, declarations, example_file};

/// How often it is loaded.
const LOADS: usize = 2_000;
/// Variables of the environment, settings first.
const VARIABLES: usize = 50;
/// Settings in `.env`.
const IN_DOTENV: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    // Every line of the example file that is a setting, taken out of its comment.
    let is_setting = |line: &&str| line.split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
    let example = example_file();
    let lines: Vec<&str> = example.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_setting).collect();
    if lines.len() != declarations().len() {
        return Err("the file has not every setting".into());
    }
    std::fs::write(folder.path().join("cts-lite.toml"), lines.join("\n"))?;
    let given: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (format!("CTS_{}", name.to_ascii_uppercase()), value.trim_matches('"').to_owned()))
        .collect();
    let mut dotenv = String::new();
    for (name, value) in given.iter().take(IN_DOTENV) {
        writeln!(dotenv, "{name}={value}")?;
    }
    std::fs::write(folder.path().join(".env"), dotenv)?;
    let others = (0..).map(|number| (format!("OTHER_{number}"), "value".to_owned()));
    let sources = Sources {
        kind: Kind::Service,
        config: Some(PathBuf::from("cts-lite.toml")),
        flags: vec![("port".to_owned(), "8081".to_owned())],
        environment: given.into_iter().chain(others).take(VARIABLES).collect(),
        unreadable_variables: Vec::new(),
        home: Some(folder.path().to_owned()),
        current_dir: folder.path().to_owned(),
        system_config_dir: folder.path().to_owned(),
    };
    let mut times = Vec::with_capacity(LOADS);
    for _ in 0..LOADS {
        let begun = Instant::now();
        let loaded = ServiceConfig::load(&sources)?;
        times.push(begun.elapsed());
        if loaded.config.http.port != 8081 {
            return Err("the flag does not win".into());
        }
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let first = times[0];
    times.sort_unstable();
    let mut out = std::io::stdout();
    writeln!(out, "{} settings, {VARIABLES} variables, {IN_DOTENV} lines of .env", declarations().len())?;
    writeln!(out, "first   {:7.3} ms", ms(first))?;
    writeln!(out, "median  {:7.3} ms", ms(times[LOADS / 2]))?;
    writeln!(out, "p99     {:7.3} ms", ms(times[LOADS * 99 / 100]))?;
    writeln!(out, "longest {:7.3} ms", ms(times[LOADS - 1]))?;
    Ok(())
}
