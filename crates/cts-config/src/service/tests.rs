//! The service configuration as a whole: defaults of the profiles, rules between settings, files, and what is printed.

use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{ConfigFault, Profile, Section};

mod every_setting;

/// Sources with nothing in them, in a directory of their own.
pub(super) fn sources(dir: &Path) -> Sources {
    Sources {
        kind: Kind::Service,
        config: None,
        flags: Vec::new(),
        environment: Vec::new(),
        unreadable_variables: Vec::new(),
        home: Some(PathBuf::from("/home/ada")),
        current_dir: dir.to_path_buf(),
        system_config_dir: dir.join("etc"),
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(|line| line.trim().split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Loads with these variables, `NAME=value` a line, and this file.
fn load(kind: Kind, environment: &str, file: &str) -> Result<Loaded, ConfigFaults> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cts-lite.toml"), file).unwrap();
    let config = Some(PathBuf::from("cts-lite.toml"));
    ServiceConfig::load(&Sources { kind, config, environment: pairs(environment), ..sources(dir.path()) })
}

fn check(loaded: Result<Loaded, ConfigFaults>, expected: &Expect) {
    expected.assert_eq(&match loaded {
        Ok(loaded) => {
            loaded.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect::<String>() + "starts"
        }
        Err(faults) => faults.to_string(),
    });
}

#[test]
fn each_profile_starts_from_its_own_defaults() {
    let mut table = String::new();
    let loaded: Vec<Loaded> = Profile::ALL
        .iter()
        .map(|profile| {
            load(Kind::Service, &format!("CTS_ENVIRONMENT={profile}\nCTS_ALLOW_UNAUTHENTICATED=true"), "").unwrap()
        })
        .chain([load(Kind::InProcess, "CTS_ENVIRONMENT=production", "").unwrap()])
        .collect();
    for declaration in declarations::declarations() {
        let mut values: Vec<String> = loaded
            .iter()
            .map(|loaded| loaded.resolved.entry(declaration.name).unwrap())
            .map(|entry| match entry.overrode.first() {
                Some((_, default)) => entry.written(default),
                None => entry.written(&entry.value),
            })
            .collect();
        values.dedup();
        table += &format!("{} {}\n", declaration.name, values.join(" | "));
    }
    expect![[r#"
        environment "development"
        debug true | false | true | false
        log_level "DEBUG" | "INFO" | "WARNING"
        log_format "auto"
        graceful_shutdown_timeout 30
        base_storage_path "/home/ada/.local/share/cts" | "/var/lib/cts"
        temp_directory "/home/ada/.cache/cts" | "/tmp/cts"
        log_directory "/home/ada/.local/share/cts/logs" | "/var/log/cts"
        tools_directory "/home/ada/.local/share/cts/tools.d" | "/var/lib/cts/tools.d"
        allowed_input_roots ["/"] | [] | ["/"]
        min_free_disk_mb 256
        cleanup_interval_minutes 60
        host "127.0.0.1"
        port 8080
        request_timeout 300
        max_body_kb 1024
        max_upload_mb 4096
        cors_allowed_origins ["*"] | []
        trusted_proxies []
        require_authentication false | true | false
        allow_unauthenticated false
        enable_rate_limiting false | true
        max_requests_per_minute 60
        audit_retention_days 365
        max_concurrent_runs 1 | 3 | 2 | 5
        max_queued_runs 10000
        tool_timeout_seconds 300
        max_tool_timeout_seconds 86400
        run_memory_mb 2048
        run_processes 256
        run_open_files 1024
        run_output_mb 10240
        run_stop_grace_seconds 10
        run_attempts 3
        run_retry_delay_seconds 1
        run_retention_days 30
        run_sandbox true
        max_artifact_size_mb 4096 | 100 | 4096
        artifact_retention_days 7
        artifact_storage_mb 0
        artifact_scan_interval_seconds 5
        run_log_mb 256
        run_log_lines_per_second 50000
        log_retention_days 30
        max_log_buffer_size 1000
        enable_metrics true
        metrics_port none
        metrics_export_interval_seconds 60
        enable_health_checks true
        health_check_interval_seconds 30
        health_check_timeout 5
        enable_tracing false
        tracing_endpoint "http://127.0.0.1:4318"
        tracing_headers_file none
        tracing_sample_ratio 1.0
        tracing_batch_spans 512
        tracing_queue_spans 2048
        tracing_export_interval_seconds 5
        tracing_timeout_seconds 10
    "#]]
    .assert_eq(&table);
}

#[test]
fn values_arrive_without_units_in_their_fields() {
    let file = "tool_timeout_seconds = \"5m\"\nmax_artifact_size_mb = \"1.5 GB\"\nmetrics_port = 9000\nallowed_input_roots = [\"logs\", \"~/drives\"]\nlog_level = \"warn\"\nlog_format = \"json\"\nport = 0\n";
    let loaded =
        load(Kind::Service, "CTS_RUN_STOP_GRACE_SECONDS=0.5\nXDG_DATA_HOME=/data\nXDG_CACHE_HOME=relative", file)
            .unwrap();
    let config = loaded.config;
    assert_eq!(config.runs.tool_timeout, Duration::from_secs(300));
    assert_eq!(config.limits().artifact_bytes, 1_500_000_000);
    assert_eq!(config.limits().stop_grace, Duration::from_millis(500));
    assert_eq!(config.observe.metrics_port, Some(9000));
    assert_eq!(config.http.port, 0);
    assert_eq!(config.process.log_level, cts_model::Level::Warning);
    assert_eq!(config.process.log_format, sections::LogFormat::Json);
    let roots = &config.storage.allowed_input_roots;
    assert!(roots[0].is_absolute() && roots[0].ends_with("logs"), "{roots:?}");
    assert_eq!(roots[1], Path::new("/home/ada/drives"));
    assert_eq!(config.storage.base_storage_path, Path::new("/data/cts"));
    assert_eq!(config.storage.tools_directory, Path::new("/data/cts/tools.d"));
    assert_eq!(config.storage.temp_directory, Path::new("/home/ada/.cache/cts"));
}

#[test]
fn every_setting_can_be_given_by_file_variable_and_flag() {
    let dir = tempfile::tempdir().unwrap();
    for declaration in declarations::declarations() {
        let loaded = ServiceConfig::load(&sources(dir.path())).unwrap();
        let entry = loaded.resolved.entry(declaration.name).unwrap();
        // The default of require_authentication is the only value that it may have.
        let written = declaration.value_type.write(&entry.value);
        let plain = written.trim_matches('"').to_owned();
        let base = sources(dir.path());
        std::fs::write(dir.path().join("c.toml"), format!("{} = {written}", declaration.name)).unwrap();
        for given in [
            Sources { config: Some("c.toml".into()), ..base.clone() },
            Sources { environment: vec![(declaration.variable(), plain.clone())], ..base.clone() },
            Sources { flags: vec![(declaration.flag(), plain.clone())], ..base.clone() },
        ] {
            let loaded = ServiceConfig::load(&given).unwrap();
            let now = loaded.resolved.entry(declaration.name).unwrap();
            assert_eq!(now.value, entry.value, "{}", declaration.name);
            assert!(now.origin.is_given(), "{}", declaration.name);
        }
    }
}

#[test]
fn production_refuses_what_it_cannot_stand_for() {
    let production = |more: &str| load(Kind::Service, &format!("CTS_ENVIRONMENT=production\n{more}"), "");
    check(production(""), &expect!["starts"]);
    check(
        production("CTS_ALLOW_UNAUTHENTICATED=true"),
        &expect![[r#"
            warning: CTS_ALLOW_UNAUTHENTICATED: has no effect while require_authentication is on: every request needs a token
            starts"#]],
    );
    check(
        production("CTS_REQUIRE_AUTHENTICATION=false"),
        &expect![[r#"
        the configuration has 1 fault
          CTS_REQUIRE_AUTHENTICATION: require_authentication is off in production; set allow_unauthenticated = true if that is meant"#]],
    );
    check(
        production("CTS_REQUIRE_AUTHENTICATION=false\nCTS_ALLOW_UNAUTHENTICATED=true\nCTS_HOST=0.0.0.0"),
        &expect![[r#"
            warning: CTS_ALLOW_UNAUTHENTICATED: everybody who reaches the port may use everything: require_authentication is off
            starts"#]],
    );
    check(production("CTS_REQUIRE_AUTHENTICATION=true"), &expect!["starts"]);
    check(
        production(
            "CTS_ALLOW_UNAUTHENTICATED=1\nCTS_CORS_ALLOWED_ORIGINS=https://a,*\nCTS_ENABLE_METRICS=no\nCTS_DEBUG=on\nCTS_RUN_SANDBOX=off",
        ),
        &expect![[r#"
            the configuration has 2 faults
              CTS_CORS_ALLOWED_ORIGINS: cors_allowed_origins has "*", which lets every web page use the service; list the origins, or none with []
              CTS_ENABLE_METRICS: enable_metrics is off in production; take it out, or set it to true"#]],
    );
    check(production("CTS_HOST=0.0.0.0\nCTS_CORS_ALLOWED_ORIGINS=https://a"), &expect!["starts"]);
    check(
        production(
            "CTS_ALLOW_UNAUTHENTICATED=1\nCTS_CORS_ALLOWED_ORIGINS=https://a\nCTS_DEBUG=on\nCTS_RUN_SANDBOX=off",
        ),
        &expect![[r#"
            warning: CTS_ALLOW_UNAUTHENTICATED: has no effect while require_authentication is on: every request needs a token
            warning: CTS_DEBUG: debug is on in production: the log tells more than it should
            warning: CTS_RUN_SANDBOX: run_sandbox is off in production: tools may read and write what the service's user may
            starts"#]],
    );
}

#[test]
fn to_be_reached_from_elsewhere_needs_authentication_or_a_word() {
    let development = |more: &str| load(Kind::Service, more, "");
    check(development("CTS_REQUIRE_AUTHENTICATION=true"), &expect!["starts"]);
    check(development("CTS_REQUIRE_AUTHENTICATION=true\nCTS_HOST=0.0.0.0"), &expect!["starts"]);
    check(
        development("CTS_HOST=0.0.0.0"),
        &expect![[r#"
            the configuration has 1 fault
              CTS_HOST: 0.0.0.0 can be reached from other machines, and everybody there could use everything; set require_authentication = true, or listen on 127.0.0.1, or set allow_unauthenticated = true if that is meant"#]],
    );
    check(
        development("CTS_HOST=cts.example.org\nCTS_ALLOW_UNAUTHENTICATED=true"),
        &expect![[r#"
            warning: CTS_ALLOW_UNAUTHENTICATED: everybody who reaches the port may use everything: require_authentication is off
            starts"#]],
    );
    for loopback in ["127.0.0.9", "::1", "localhost"] {
        check(development(&format!("CTS_HOST={loopback}")), &expect!["starts"]);
    }
}

#[test]
fn in_process_the_rules_of_the_listener_do_not_hold() {
    check(
        load(Kind::InProcess, "CTS_ENVIRONMENT=production\nCTS_HOST=0.0.0.0", "cors_allowed_origins = ['*']"),
        &expect!["starts"],
    );
}

#[test]
fn settings_of_a_later_version_are_warned_of_when_they_are_given() {
    check(load(Kind::Service, "CTS_ENVIRONMENT=staging\nCTS_ENABLE_RATE_LIMITING=true", ""), &expect!["starts"]);
    check(
        load(Kind::Service, "CTS_ENABLE_TRACING=true\nCTS_METRICS_PORT=9091\nCTS_ENABLE_METRICS=false", ""),
        &expect![[r#"
            warning: CTS_METRICS_PORT: serves the probes alone: enable_metrics is off
            starts"#]],
    );
}

#[test]
fn rules_between_settings_name_the_one_that_was_written() {
    check(
        load(Kind::Service, "CTS_TOOL_TIMEOUT_SECONDS=2d\nCTS_METRICS_PORT=8080", ""),
        &expect![[r#"
        the configuration has 2 faults
          CTS_METRICS_PORT: metrics_port is the same as port; choose another one, or none to serve metrics on port itself
          CTS_TOOL_TIMEOUT_SECONDS: tool_timeout_seconds (172800s) is more than max_tool_timeout_seconds (86400s); lower the first or raise the second"#]],
    );
    check(
        load(Kind::Service, "CTS_MAX_TOOL_TIMEOUT_SECONDS=60", ""),
        &expect![[r#"
        the configuration has 1 fault
          CTS_MAX_TOOL_TIMEOUT_SECONDS: tool_timeout_seconds (300s) is more than max_tool_timeout_seconds (60s); lower the first or raise the second"#]],
    );
}

#[test]
fn one_mistake_is_one_fault() {
    check(
        load(
            Kind::Service,
            "CTS_ENVIRONMENT=prod\nCTS_HOST=0.0.0.0:80\nCTS_TOOL_TIMEOUT_SECONDS=1\nCTS_BASE_STORAGE_PATH=~bob/x",
            "",
        ),
        &expect![[r#"
            the configuration has 4 faults
              CTS_ENVIRONMENT: environment must be development, testing, staging or production, not "prod"; set for example CTS_ENVIRONMENT=development
              CTS_BASE_STORAGE_PATH: base_storage_path must be a path (absolute, below ~, or relative to the file that holds it), not "~bob/x"; set for example CTS_BASE_STORAGE_PATH=~/.local/share/cts
              CTS_HOST: host must be an IP address or a host name without a port, for example 127.0.0.1, ::1 or localhost, not "0.0.0.0:80"; set for example CTS_HOST=127.0.0.1
              CTS_TOOL_TIMEOUT_SECONDS: tool_timeout_seconds must be a time from 30 seconds to 30 days: a number of seconds, or a text such as "5m", not "1"; set for example CTS_TOOL_TIMEOUT_SECONDS=300"#]],
    );
    check(
        load(Kind::Service, "CTS_PROT=1\nCTS_TEST_X=1", "prot = 1\nport 80\n[http]\nport = 80"),
        &expect![[r#"
            the configuration has 5 faults
              cts-lite.toml:1:1: unknown setting "prot"; did you mean "port"?
              cts-lite.toml:2:6: key with no value, expected `=`; correct the line; the file is TOML: name = value
              cts-lite.toml:3:2: unknown table "http", settings stand in none; write port at the top of the file, without a table around it
              CTS_PROT: unknown variable "CTS_PROT"; did you mean "CTS_PORT"?
              CTS_TEST_X: unknown variable "CTS_TEST_X"; take it out; docs/reference/configuration.md lists every setting"#]],
    );
}

#[test]
fn a_home_that_is_not_known_is_a_fault_only_where_it_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let homeless = Sources { home: None, ..sources(dir.path()) };
    check(
        ServiceConfig::load(&homeless),
        &expect![[r#"
            the configuration has 2 faults
              default of development: base_storage_path has no default, because the home directory is not known; set HOME, or CTS_BASE_STORAGE_PATH
              default of development: temp_directory has no default, because the home directory is not known; set HOME, or CTS_TEMP_DIRECTORY"#]],
    );
    let named = "CTS_BASE_STORAGE_PATH=/a\nCTS_TEMP_DIRECTORY=/b\nCTS_LOG_DIRECTORY=/c";
    check(ServiceConfig::load(&Sources { environment: pairs(named), ..homeless }), &expect!["starts"]);
}

#[test]
fn a_variable_that_is_no_text_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["CTS_PORT", "CTS_OUT_DIR"].map(str::to_owned).to_vec();
    check(
        ServiceConfig::load(&Sources { unreadable_variables: names, ..sources(dir.path()) }),
        &expect![[r#"
        the configuration has 1 fault
          CTS_PORT: the value is not UTF-8; set it to a text in UTF-8, or unset it"#]],
    );
}

/// Writes these files below a directory, loads, and shows where the port came from.
fn port_of(files: &[(&str, &str)], config: Option<&str>, environment: &str, kind: Kind) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let config = config.map(PathBuf::from);
    match ServiceConfig::load(&Sources { kind, config, environment: pairs(environment), ..sources(dir.path()) }) {
        Ok(loaded) => format!("{} from {}", loaded.config.http.port, loaded.origin("port").unwrap()),
        Err(faults) => faults.to_string().replace(&dir.path().display().to_string(), "DIR"),
    }
}

#[test]
fn the_file_is_the_named_one_else_the_systems_one() {
    let files = [("etc/cts-lite.toml", "port = 1"), ("a/b.toml", "port = 2"), ("c.toml", "port = 3")];
    let port = |config, environment| port_of(&files, config, environment, Kind::Service);
    assert_eq!(port(None, ""), "1 from etc/cts-lite.toml:1:8");
    assert_eq!(port(None, "CTS_CONFIG=a/b.toml"), "2 from a/b.toml:1:8");
    assert_eq!(port(Some("c.toml"), "CTS_CONFIG=a/b.toml"), "3 from c.toml:1:8");
    assert_eq!(port_of(&[], None, "", Kind::Service), "8080 from default of development");
    expect![[r#"
        the configuration has 2 faults
          CTS_PORT: port must be a whole number from 0 to 65535, not "x"; set for example CTS_PORT=8080
          --config: there is no configuration file DIR/gone.toml; name a file that exists"#]]
    .assert_eq(&port(Some("gone.toml"), "CTS_PORT=x"));
    expect![[r#"
        the configuration has 1 fault
          a: cannot be read: Is a directory (os error 21); make it a readable TOML file, or name another one with --config"#]].assert_eq(&port(None, "CTS_CONFIG=a"));
}

#[test]
fn dotenv_is_read_beside_the_file_else_in_the_working_directory_and_by_the_service_only() {
    let both = [(".env", "CTS_PORT=4\nOTHER=x"), ("a/.env", "CTS_PORT=5"), ("a/b.toml", "port = 2")];
    let one = [(".env", "\nCTS_PORT=4"), ("a/b.toml", "port = 2")];
    assert_eq!(port_of(&both, Some("a/b.toml"), "", Kind::Service), "5 from a/.env:1");
    assert_eq!(port_of(&one, Some("a/b.toml"), "", Kind::Service), "4 from .env:2");
    assert_eq!(port_of(&both, None, "", Kind::Service), "4 from .env:1");
    assert_eq!(port_of(&both, None, "CTS_PORT=6", Kind::Service), "6 from CTS_PORT");
    assert_eq!(port_of(&both, Some("a/b.toml"), "", Kind::InProcess), "2 from a/b.toml:1:8");
    assert_eq!(port_of(&[(".env/bin/x", "")], None, "", Kind::Service), "8080 from default of development");
}

#[test]
fn files_that_cannot_be_read_as_text_are_faults() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("latin.toml"), b"# a\n# \xfc\n").unwrap();
    std::fs::write(dir.path().join("big.toml"), " ".repeat((1 << 20) + 1)).unwrap();
    for (name, expected) in [
        (
            "latin.toml",
            expect![[r#"
        the configuration has 1 fault
          latin.toml: is not UTF-8 in line 2; make it a readable TOML file, or name another one with --config"#]],
        ),
        (
            "big.toml",
            expect![[r#"
        the configuration has 1 fault
          big.toml: is larger than 1048576 bytes; make it a readable TOML file, or name another one with --config"#]],
        ),
    ] {
        check(ServiceConfig::load(&Sources { config: Some(name.into()), ..sources(dir.path()) }), &expected);
    }
}

#[test]
fn the_report_tells_origins_and_means_the_same_when_it_is_read_again() {
    let environment = "CTS_ENVIRONMENT=production\nCTS_ALLOW_UNAUTHENTICATED=true\nCTS_PORT=9001";
    let loaded = load(Kind::Service, environment, "port = 9000\nrun_memory_mb = \"512 MiB\"\n").unwrap();
    let report = loaded.explanation().page();
    for line in [
        "environment = \"production\"                       # CTS_ENVIRONMENT, over \"development\" from default",
        "port = 9001                                      # CTS_PORT, over 9000 from cts-lite.toml:1:8, over 8080 from default of production",
        "run_memory_mb = \"536870912 B\"                    # cts-lite.toml:2:17, over 2048 from default of production",
        "require_authentication = true                    # default of production",
        "max_concurrent_runs = 5                          # default of production",
        "metrics_port = \"none\"                            # default of production",
    ] {
        assert!(report.lines().any(|known| known == line), "{line}\n{report}");
    }
    assert_eq!(load(Kind::Service, "", &report).unwrap().config, loaded.config);
}

#[test]
fn the_example_file_changes_nothing_as_it_is_and_every_line_of_it_can_be_taken() {
    assert_eq!(
        load(Kind::Service, "", &crate::example_file()).unwrap().config,
        load(Kind::Service, "", "").unwrap().config
    );
    let is_setting = |line: &&str| line.split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
    let example = crate::example_file();
    let settings: Vec<&str> = example.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_setting).collect();
    assert_eq!(settings.len(), declarations::declarations().len());
    let taken = load(Kind::Service, "", &settings.join("\n")).unwrap().config;
    let production = load(Kind::Service, "CTS_ENVIRONMENT=production", "").unwrap().config;
    assert_eq!(taken, production);
}

#[test]
fn every_section_has_settings() {
    for section in Section::SERVICE {
        assert!(declarations::declarations().iter().any(|declaration| declaration.section == section), "{section:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_loading_panic(
        file in "([a-z_]{1,9}|port|host|run_memory_mb|[=\\[\\]{}\"'\n#.,0-9 ~/-]|5m|MB|true){0,30}",
        dotenv in "(CTS_PORT|CTS_HOST|CTS_[A-Z]{1,3}|[=\"'\\\\\n#$ a-z0-9]){0,30}",
        value in "\\PC{0,20}",
        at in 0..declarations::declarations().len(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.toml"), file).unwrap();
        std::fs::write(dir.path().join(".env"), dotenv).unwrap();
        let declaration = &declarations::declarations()[at];
        let environment = vec![(declaration.variable(), value.clone())];
        let flags = vec![(declaration.flag(), value)];
        let loaded = ServiceConfig::load(&Sources { config: Some("c.toml".into()), environment, flags, ..sources(dir.path()) });
        match loaded {
            Ok(loaded) => prop_assert!(!loaded.explanation().page().is_empty()),
            Err(faults) => prop_assert!(!faults.0.is_empty() && !faults.to_string().is_empty()),
        }
    }
}
