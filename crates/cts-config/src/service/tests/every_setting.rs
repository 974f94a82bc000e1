//! The promised settings, one row each: the defaults of the four profiles, what is refused, and how people may write it.

use super::*;

/// A setting as it was promised.
struct Row {
    name: &'static str,
    /// Development, testing, staging, production, as a file would have them.
    defaults: [&'static str; 4],
    /// What it cannot be.
    refused: &'static [&'static str],
    /// What people may write, and the value that it means, as a file would have it.
    taken: &'static [(&'static str, &'static str)],
}

const fn row(
    name: &'static str,
    defaults: [&'static str; 4],
    refused: &'static [&'static str],
    taken: &'static [(&'static str, &'static str)],
) -> Row {
    Row { name, defaults, refused, taken }
}

const fn same(text: &'static str) -> [&'static str; 4] {
    [text; 4]
}

const NO_BOOL: &[&str] = &["maybe", "2", ""];
const BOOL: &[(&str, &str)] =
    &[("true", "true"), ("YES", "true"), ("on", "true"), ("1", "true"), ("off", "false"), ("0", "false")];
const SECONDS: &[(&str, &str)] = &[("60", "60"), ("2m", "120"), ("1h 30m", "5400"), ("90s", "90")];
const SECONDS_TO_TEN_MINUTES: &[(&str, &str)] = &[("60", "60"), ("2m", "120"), ("90s", "90")];
const DAYS: &[(&str, &str)] = &[("14", "14"), ("7 days", "7"), ("48h", "2"), ("36h", "\"129600s\"")];
const MEGABYTES: &[(&str, &str)] =
    &[("200", "200"), ("1.5 GB", "1500"), ("100mb", "100"), ("512 MiB", "\"536870912 B\"")];

const ROWS: &[Row] = &[
    row(
        "environment",
        same("\"development\""),
        &["prod", "", "dev"],
        &[("Production", "\"production\""), ("staging", "\"staging\"")],
    ),
    row("debug", ["true", "false", "true", "false"], NO_BOOL, BOOL),
    row(
        "log_level",
        ["\"DEBUG\"", "\"INFO\"", "\"INFO\"", "\"WARNING\""],
        &["LOUD", "", "7"],
        &[("debug", "\"DEBUG\""), ("warn", "\"WARNING\""), ("ERROR", "\"ERROR\"")],
    ),
    row(
        "host",
        same("\"127.0.0.1\""),
        &["", "127.0.0.1:80", "300.1.1.1", "http://a"],
        &[("::1", "\"::1\""), ("localhost", "\"localhost\"")],
    ),
    row("port", same("8080"), &["-1", "65536", "http", "80.0", ""], &[("0", "0"), ("65535", "65535")]),
    row("max_concurrent_runs", ["1", "3", "2", "5"], &["0", "-1", "1.5", "many", ""], &[("1", "1"), ("64", "64")]),
    row(
        "tool_timeout_seconds",
        same("300"),
        &["29", "29s", "0", "-5", "5 fortnights", ""],
        &[("30", "30"), ("5m", "300")],
    ),
    row("max_artifact_size_mb", ["4096", "4096", "100", "100"], &["0", "-1", "1M", "big"], MEGABYTES),
    row("artifact_retention_days", same("7"), &["0", "-1", "12h"], DAYS),
    row("run_memory_mb", same("2048"), &["15", "0", "-1"], MEGABYTES),
    row("run_processes", same("256"), &["0", "x"], &[("1", "1")]),
    row("run_open_files", same("1024"), &["15", "x"], &[("16", "16")]),
    row("run_output_mb", same("10240"), &["0", "-1"], MEGABYTES),
    row("run_stop_grace_seconds", same("10"), &["-1", "2h"], &[("0", "0"), ("500ms", "\"0.500000000s\"")]),
    row("run_attempts", same("3"), &["0", "101"], &[("1", "1")]),
    row("run_retry_delay_seconds", same("1"), &["-1", "2 days"], SECONDS),
    row("run_retention_days", same("30"), &["0"], DAYS),
    row("log_retention_days", same("30"), &["0"], DAYS),
    row("run_log_mb", same("256"), &["0"], MEGABYTES),
    row("run_log_lines_per_second", same("50000"), &["0", "1e6"], &[("1_000_000", "1000000")]),
    row("artifact_storage_mb", same("0"), &["-1"], &[("0", "0"), ("2 TB", "2000000")]),
    row("max_upload_mb", same("4096"), &["0"], MEGABYTES),
    row("max_body_kb", same("1024"), &["0", "2 TB"], &[("1 MB", "1000"), ("64 KB", "64")]),
    row("max_tool_timeout_seconds", same("86400"), &["29", "366 days"], &[("300", "300"), ("1d", "86400")]),
    row("max_log_buffer_size", same("1000"), &["0", "x"], &[("1", "1")]),
    row("artifact_scan_interval_seconds", same("5"), &["0", "2h"], &[("1", "1"), ("1m", "60")]),
    row("cleanup_interval_minutes", same("60"), &["0", "30s"], &[("90", "90"), ("2h", "120")]),
    row("health_check_interval_seconds", same("30"), &["0", "2h"], &[("1", "1"), ("1m", "60")]),
    row("enable_rate_limiting", ["false", "false", "true", "true"], NO_BOOL, BOOL),
    row("max_requests_per_minute", same("60"), &["0", "-1"], &[("600", "600")]),
    row("require_authentication", ["false", "false", "false", "true"], NO_BOOL, BOOL),
    row(
        "cors_allowed_origins",
        ["[\"*\"]", "[\"*\"]", "[\"*\"]", "[]"],
        &["https://a/", "a.example", "https://a,,"],
        &[
            ("", "[]"),
            ("https://a.example, http://localhost:3000", "[\"https://a.example\", \"http://localhost:3000\"]"),
            ("[\"https://a.example\"]", "[\"https://a.example\"]"),
        ],
    ),
    row("enable_metrics", same("true"), NO_BOOL, BOOL),
    row("enable_health_checks", same("true"), NO_BOOL, BOOL),
    row("metrics_export_interval_seconds", same("60"), &["0", "2h"], &[("15s", "15")]),
    row("enable_tracing", same("false"), NO_BOOL, BOOL),
    row(
        "tracing_endpoint",
        same("\"http://127.0.0.1:4318\""),
        &["", "127.0.0.1:4318", "grpc://a", "http://user:secret@a"],
        &[("https://a.example/otlp", "\"https://a.example/otlp\"")],
    ),
    row("tracing_headers_file", same("none"), &[""], &[("/etc/cts/headers", "\"/etc/cts/headers\""), ("none", "none")]),
    row(
        "tracing_sample_ratio",
        same("1.0"),
        &["", "-0.1", "1.1", "10%", "1e-3", "0.1234567", "."],
        &[("0", "0.0"), ("1", "1.0"), ("0.1", "0.1"), ("0.000001", "0.000001"), ("1.000000", "1.0")],
    ),
    row("tracing_batch_spans", same("512"), &["0", "10001"], &[("1", "1")]),
    row("tracing_queue_spans", same("2048"), &["0", "1000001"], &[("1", "1")]),
    row("tracing_export_interval_seconds", same("5"), &["0", "2h"], SECONDS_TO_TEN_MINUTES),
    row("tracing_timeout_seconds", same("10"), &["0", "11m"], SECONDS_TO_TEN_MINUTES),
    row("metrics_port", same("none"), &["-1", "65536", "x"], &[("9100", "9100"), ("none", "none"), ("0", "0")]),
    row("allow_unauthenticated", same("false"), NO_BOOL, BOOL),
    row("health_check_timeout", same("5"), &["0", "11m"], &[("1", "1"), ("1m", "60")]),
    row("graceful_shutdown_timeout", same("30"), &["-1", "25h"], SECONDS),
    row("request_timeout", same("300"), &["0", "25h"], SECONDS),
    row(
        "tools_directory",
        [
            "\"/home/ada/.local/share/cts/tools.d\"",
            "\"/var/lib/cts/tools.d\"",
            "\"/var/lib/cts/tools.d\"",
            "\"/var/lib/cts/tools.d\"",
        ],
        &["", "~bob/tools"],
        &[("/srv/tools", "\"/srv/tools\""), ("~/tools", "\"/home/ada/tools\"")],
    ),
    row(
        "allowed_input_roots",
        ["[\"/\"]", "[\"/\"]", "[]", "[]"],
        &["~bob/x"],
        &[("/a,/b", "[\"/a\", \"/b\"]"), ("", "[]")],
    ),
    row("max_queued_runs", same("10000"), &["0"], &[("1", "1")]),
    row(
        "base_storage_path",
        ["\"/home/ada/.local/share/cts\"", "\"/var/lib/cts\"", "\"/var/lib/cts\"", "\"/var/lib/cts\""],
        &["", "~bob/x"],
        &[("/srv/cts", "\"/srv/cts\"")],
    ),
    row(
        "temp_directory",
        ["\"/home/ada/.cache/cts\"", "\"/tmp/cts\"", "\"/tmp/cts\"", "\"/tmp/cts\""],
        &[""],
        &[("/srv/tmp", "\"/srv/tmp\"")],
    ),
    row(
        "log_directory",
        ["\"/home/ada/.local/share/cts/logs\"", "\"/var/log/cts\"", "\"/var/log/cts\"", "\"/var/log/cts\""],
        &[""],
        &[("/srv/logs", "\"/srv/logs\"")],
    ),
];

/// What a setting is when nothing but these variables is given.
fn written(name: &str, environment: Vec<(String, String)>) -> Result<(String, Vec<Layer>), Vec<ConfigFault>> {
    let explanation = ServiceConfig::explain(&Sources { environment, ..sources(Path::new("/nowhere")) });
    let faults: Vec<_> =
        explanation.faults.iter().filter(|fault| fault.setting.as_deref() == Some(name)).cloned().collect();
    // What rules between settings say about a value is not about how it is written.
    if faults.iter().any(|fault| fault.message.contains(" must be ")) {
        return Err(faults);
    }
    let setting = explanation.setting(name).unwrap();
    let text = setting.value.as_ref().unwrap().text.clone();
    let text = if text == "\"none\"" { "none".to_owned() } else { text };
    Ok((text, setting.overrode.clone()))
}

#[test]
fn every_profile_starts_from_the_defaults_that_were_promised() {
    for Row { name, defaults, .. } in ROWS {
        for (profile, expected) in Profile::ALL.iter().zip(defaults) {
            let (value, overrode) = written(name, pairs(&format!("CTS_ENVIRONMENT={profile}"))).unwrap();
            // The profile itself overrides its own default.
            let default = overrode.last().map_or(value, |layer| layer.text.clone());
            assert_eq!(&default, expected, "{name} in {profile}");
        }
    }
}

#[test]
fn what_a_setting_cannot_be_is_refused_with_its_origin_and_a_remedy() {
    for Row { name, refused, .. } in ROWS {
        let variable = format!("CTS_{}", name.to_ascii_uppercase());
        for text in *refused {
            let faults = written(name, vec![(variable.clone(), (*text).to_owned())]).unwrap_err();
            let [fault] = faults.as_slice() else { panic!("{name} = {text:?}: {faults:?}") };
            assert_eq!(fault.origin, Origin::Variable(variable.clone()), "{name} = {text:?}");
            assert!(fault.message.starts_with(&format!("{name} must be ")), "{fault}");
            assert!(fault.remedy.contains(&variable), "{fault}");
        }
    }
}

#[test]
fn people_write_values_as_they_like_and_mean_the_same() {
    for Row { name, taken, .. } in ROWS {
        let variable = format!("CTS_{}", name.to_ascii_uppercase());
        for (text, expected) in *taken {
            let (value, _) = written(name, vec![(variable.clone(), (*text).to_owned())])
                .unwrap_or_else(|faults| panic!("{name} = {text:?}: {faults:?}"));
            assert_eq!(&value, expected, "{name} = {text:?}");
        }
    }
}

#[test]
fn every_setting_says_what_it_may_be_for_programs_too() {
    let explanation = ServiceConfig::explain(&sources(Path::new("/nowhere")));
    for setting in &explanation.settings {
        let (declaration, value) = (setting.declaration, setting.value.as_ref().unwrap());
        let value_type = declaration.value_type;
        let fits = match value_type.word() {
            _ if declaration.optional && value.json.is_null() => true,
            "bool" => value.json.is_boolean(),
            "int" | "time" | "size" => {
                let (least, most) = value_type.range().unwrap();
                value.json.as_i64().is_some_and(|number| (least..=most).contains(&number))
            }
            "ratio" => value.json.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number)),
            "list" | "paths" => value.json.is_array(),
            "choice" => value_type.choices().contains(&value.json.as_str().unwrap()),
            "text" | "path" => value.json.is_string(),
            word => panic!("{word}"),
        };
        assert!(fits, "{} = {}", declaration.name, value.json);
        let is_measured = matches!(value_type.word(), "time" | "size");
        assert_eq!(value_type.unit().is_some(), is_measured, "{}", declaration.name);
    }
}

#[test]
fn a_setting_explains_itself_on_a_page() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.toml"), "max_artifact_size_mb = \"1.5 GB\"\n").unwrap();
    std::fs::write(dir.path().join(".env"), "CTS_MAX_ARTIFACT_SIZE_MB=200\n").unwrap();
    let given = Sources {
        config: Some("c.toml".into()),
        environment: pairs("CTS_MAX_ARTIFACT_SIZE_MB=300\nCTS_ENVIRONMENT=staging"),
        flags: vec![("max_artifact_size_mb".to_owned(), "400".to_owned())],
        ..sources(dir.path())
    };
    let explanation = ServiceConfig::explain(&given);
    let setting = explanation.setting("max_artifact_size_mb").unwrap();
    expect![[r#"
        max_artifact_size_mb = 400
          from --max-artifact-size-mb
          over 300 from CTS_MAX_ARTIFACT_SIZE_MB
          over 200 from .env:1
          over 1500 from c.toml:1:24
          over 100 from default of staging

        Largest artifact; a larger file ends the run failed.
          type       size
          must be    a size from 1 MB to 1000 TB: a number of MB, or a text such as "2 GB"
          unit       MB
          default    development, testing: 4096; staging, production: 100; in process: 4096
          section    Artifacts
          variable   CTS_MAX_ARTIFACT_SIZE_MB
          flag       --max-artifact-size-mb
    "#]]
    .assert_eq(&setting.page());
    let layers: Vec<_> = setting.overrode.iter().map(|layer| (layer.origin.word(), layer.json.clone())).collect();
    let expected = [("variable", 300), ("dotenv", 200), ("file", 1500), ("profile", 100)];
    assert_eq!(layers, expected.map(|(word, number)| (word, serde_json::json!(number))));
    assert_eq!(setting.overrode[2].origin.without_folder().to_string(), "c.toml:1:24");
}

#[test]
fn with_faults_everything_else_is_explained_all_the_same() {
    let given =
        Sources { environment: pairs("CTS_PORT=x\nCTS_HOST=::1\nCTS_PROT=1"), ..sources(Path::new("/nowhere")) };
    let explanation = ServiceConfig::explain(&given);
    assert_eq!(explanation.faults.len(), 2);
    assert_eq!(explanation.setting("host").unwrap().value.as_ref().unwrap().text, "\"::1\"");
    assert_eq!(explanation.setting("port").unwrap().value.as_ref().unwrap().text, "8080", "what would hold without it");
    let page = explanation.page();
    assert!(page.contains("# fault: CTS_PORT: port must be"), "{page}");
    let healthy = ServiceConfig::explain(&sources(Path::new("/nowhere")));
    assert_eq!(healthy.differing(&explanation), ["host"]);
    assert_eq!(healthy.differing(&healthy), Vec::<&str>::new());
}
