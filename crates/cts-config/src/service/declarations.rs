//! Every setting of the service, on one page: name, type, range, defaults of the profiles, help.
//!
//! A new setting is a line here, a field in `sections.rs`, and the regenerated reference.

use std::net::IpAddr;

use crate::declaration::{Declaration, Defaults, Section};
use crate::service::profile::Profile;
use crate::units::{SizeUnit, TimeUnit};
use crate::value::{Check, ValueType};

use ValueType::{Bool, Choice, Int, List, Path, Paths};

/// Returns every setting of the service in reading order.
#[must_use]
pub fn declarations() -> &'static [Declaration] {
    DECLARATIONS
}

const HOST: Check = Check {
    test: is_host,
    expected: "an IP address or a host name without a port, for example 127.0.0.1, ::1 or localhost",
};

const CORS_ORIGIN: Check =
    Check { test: is_cors_origin, expected: "\"*\" or an origin such as \"https://cts.example.org\"" };

const NETWORK: Check =
    Check { test: is_network, expected: "an address or network such as \"127.0.0.1\" or \"10.0.0.0/8\"" };

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let is_number = |bits: &str| bits.bytes().all(|b| b.is_ascii_digit());
    bits.is_none_or(|bits| is_number(bits) && bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len()) && label.chars().all(good) && !label.starts_with('-') && !label.ends_with('-')
    };
    // What looks like an address must be one.
    let like_address = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse::<IpAddr>().is_ok() || !like_address && text.len() <= 253 && text.split('.').all(is_label)
}

fn is_cors_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return text == "*" };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good_host = address.map_or_else(|| is_host(host) && !host.contains(':'), |ip| ip.parse::<IpAddr>().is_ok());
    matches!(scheme, "http" | "https") && good_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// An address for OTLP over HTTP. Who proves oneself does so with a header.
const ENDPOINT: Check = Check {
    test: is_endpoint,
    expected: "an address such as \"http://127.0.0.1:4318\", with http or https and without user, query and fragment",
};

fn is_endpoint(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let (authority, _path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '"');
    is_cors_origin(&format!("{scheme}://{authority}")) && authority != "*" && text.chars().all(plain)
}

const fn seconds(min: u64, max: u64) -> ValueType {
    ValueType::Duration { unit: TimeUnit::Seconds, min, max }
}

const fn minutes(min: u64, max: u64) -> ValueType {
    ValueType::Duration { unit: TimeUnit::Minutes, min, max }
}

const fn days(min: u64, max: u64) -> ValueType {
    ValueType::Duration { unit: TimeUnit::Days, min, max }
}

const fn megabytes(min: u64, max: u64) -> ValueType {
    ValueType::Bytes { unit: SizeUnit::Megabytes, min, max }
}

const fn int(min: i64, max: i64) -> ValueType {
    Int { min, max }
}

/// A day, in seconds.
const DAY: u64 = 86_400;
/// A hundred years, in days: longer than anything is kept on purpose.
const DAYS_MAX: u64 = 36_500;
/// A petabyte, in megabytes.
const MEGABYTES_MAX: u64 = 1_000_000_000;

const fn same(text: &'static str) -> Defaults {
    Defaults::same(text)
}

const fn each(texts: [&'static str; 4]) -> Defaults {
    Defaults::each(texts)
}

const fn set(
    name: &'static str,
    section: Section,
    value_type: ValueType,
    defaults: Defaults,
    help: &'static str,
) -> Declaration {
    Declaration::new(name, section, value_type, defaults, help)
}

/// `base_storage_path` stands before the settings whose defaults lie below it.
static DECLARATIONS: &[Declaration] = &[
    // Process
    set(
        "environment",
        Section::Process,
        Choice(&Profile::WORDS),
        same("development"),
        "The profile: what all other settings start from.",
    ),
    set(
        "debug",
        Section::Process,
        Bool,
        each(["true", "false", "true", "false"]),
        "Whether the log also tells what the libraries do, not only CTS itself.",
    ),
    set(
        "log_level",
        Section::Process,
        Choice(&["DEBUG", "INFO", "WARNING", "ERROR"]),
        each(["DEBUG", "INFO", "INFO", "WARNING"]),
        "The least level of the service's own log lines.",
    ),
    set(
        "log_format",
        Section::Process,
        Choice(&["auto", "json", "text"]),
        same("auto"),
        "How log lines look: auto is text on a terminal and JSON elsewhere, and always JSON in production.",
    ),
    set(
        "graceful_shutdown_timeout",
        Section::Process,
        seconds(0, DAY),
        same("30"),
        "How long running work may go on after the service was asked to stop.",
    ),
    // Storage
    set(
        "base_storage_path",
        Section::Storage,
        Path,
        each(["{user_data}/cts", "/var/lib/cts", "/var/lib/cts", "/var/lib/cts"]),
        "Where database and artifacts are kept.",
    ),
    set(
        "temp_directory",
        Section::Storage,
        Path,
        each(["{user_cache}/cts", "/tmp/cts", "/tmp/cts", "/tmp/cts"]),
        "Where runs work; what is in it may be lost at any time between two runs.",
    ),
    set(
        "log_directory",
        Section::Storage,
        Path,
        each(["{base_storage_path}/logs", "/var/log/cts", "/var/log/cts", "/var/log/cts"]),
        "Where the logs of runs are kept.",
    ),
    set(
        "tools_directory",
        Section::Storage,
        Path,
        same("{base_storage_path}/tools.d"),
        "Where the manifests of command tools lie.",
    ),
    set(
        "allowed_input_roots",
        Section::Storage,
        Paths,
        each(["/", "/", "", ""]).in_process("/"),
        "Below which folders a run may name files as its input. / is whatever the service's user may read; an empty list is nothing.",
    ),
    set(
        "min_free_disk_mb",
        Section::Storage,
        megabytes(0, MEGABYTES_MAX),
        same("256"),
        "With less free disk no new run starts.",
    ),
    set(
        "cleanup_interval_minutes",
        Section::Storage,
        minutes(1, 10_080),
        same("60"),
        "How often is looked for what is no longer kept.",
    ),
    // HTTP
    set(
        "host",
        Section::Http,
        ValueType::Text(HOST),
        same("127.0.0.1"),
        "The address to listen on. Beyond loopback it needs authentication, or allow_unauthenticated.",
    ),
    set("port", Section::Http, int(0, 65_535), same("8080"), "The port to listen on; 0 is any free one."),
    set(
        "request_timeout",
        Section::Http,
        seconds(1, DAY),
        same("300"),
        "How long a request may take; streams and transfers are exempt.",
    ),
    set(
        "max_body_kb",
        Section::Http,
        ValueType::Bytes { unit: SizeUnit::Kilobytes, min: 1, max: 1_000_000 },
        same("1024"),
        "Largest body of a request that is no upload.",
    ),
    set("max_upload_mb", Section::Http, megabytes(1, MEGABYTES_MAX), same("4096"), "Largest upload."),
    set(
        "cors_allowed_origins",
        Section::Http,
        List(CORS_ORIGIN),
        each(["*", "*", "*", ""]),
        "Web pages of which origins may read answers; those that are listed may change something as well, * lets nobody. In production an explicit list; * is refused there.",
    ),
    set(
        "trusted_proxies",
        Section::Http,
        List(NETWORK),
        same(""),
        "Proxies in front of the service: only what comes from these addresses is believed when X-Forwarded-For names the client.",
    ),
    // Security
    set(
        "require_authentication",
        Section::Security,
        Bool,
        each(["false", "false", "false", "true"]).in_process("false"),
        "Whether a request needs a token. Production starts without it only with allow_unauthenticated.",
    ),
    set(
        "allow_unauthenticated",
        Section::Security,
        Bool,
        same("false"),
        "That everybody who reaches the port may use everything. Needed to listen beyond loopback, and in production, when require_authentication is off.",
    ),
    set(
        "enable_rate_limiting",
        Section::Security,
        Bool,
        each(["false", "false", "true", "true"]),
        "Whether requests are counted and held to a rate. Wrong tokens always are.",
    ),
    set(
        "max_requests_per_minute",
        Section::Security,
        int(1, 1_000_000),
        same("60"),
        "Requests a minute of one client: of a token, or of an address without one. Probes are not counted.",
    ),
    set(
        "audit_retention_days",
        Section::Security,
        days(1, DAYS_MAX),
        same("365"),
        "How long is kept who changed what.",
    ),
    // Runs
    set(
        "max_concurrent_runs",
        Section::Runs,
        int(1, 1024),
        each(["1", "3", "2", "5"]),
        "How many runs work at a time.",
    ),
    set(
        "max_queued_runs",
        Section::Runs,
        int(1, 10_000_000),
        same("10000"),
        "How many runs may wait; further ones are refused.",
    ),
    set(
        "tool_timeout_seconds",
        Section::Runs,
        seconds(30, 30 * DAY),
        same("300"),
        "How long a run may take when neither it nor its tool says otherwise.",
    ),
    set(
        "max_tool_timeout_seconds",
        Section::Runs,
        seconds(30, 365 * DAY),
        same("86400"),
        "The longest time that a run or a manifest may ask for.",
    ),
    set(
        "run_memory_mb",
        Section::Runs,
        megabytes(16, MEGABYTES_MAX),
        same("2048"),
        "Memory of all processes of a run together.",
    ),
    set("run_processes", Section::Runs, int(1, 1_000_000), same("256"), "Processes of a run."),
    set("run_open_files", Section::Runs, int(16, 1_000_000), same("1024"), "Open files of each process of a run."),
    set(
        "run_output_mb",
        Section::Runs,
        megabytes(1, MEGABYTES_MAX),
        same("10240"),
        "Size of everything that a run writes.",
    ),
    set(
        "run_stop_grace_seconds",
        Section::Runs,
        seconds(0, 3600),
        same("10"),
        "How long a run may tidy up after it was asked to stop, before it is killed.",
    ),
    set("run_attempts", Section::Runs, int(1, 100), same("3"), "How often a run is tried when the system fails."),
    set(
        "run_retry_delay_seconds",
        Section::Runs,
        seconds(0, DAY),
        same("1"),
        "How long the second attempt waits; each further one waits twice as long.",
    ),
    set("run_retention_days", Section::Runs, days(1, DAYS_MAX), same("30"), "How long ended runs are kept."),
    set(
        "run_sandbox",
        Section::Runs,
        Bool,
        same("true"),
        "Whether runs are kept from files and network that they did not ask for.",
    ),
    // Artifacts
    set(
        "max_artifact_size_mb",
        Section::Artifacts,
        megabytes(1, MEGABYTES_MAX),
        each(["4096", "4096", "100", "100"]).in_process("4096"),
        "Largest artifact; a larger file ends the run failed.",
    ),
    set("artifact_retention_days", Section::Artifacts, days(1, DAYS_MAX), same("7"), "How long artifacts are kept."),
    set(
        "artifact_storage_mb",
        Section::Artifacts,
        megabytes(0, MEGABYTES_MAX),
        same("0"),
        "Size of all artifacts together, beyond which the oldest go; 0 is no limit.",
    ),
    set(
        "artifact_scan_interval_seconds",
        Section::Artifacts,
        seconds(1, 3600),
        same("5"),
        "How often a running run is looked through for finished files.",
    ),
    // Logs
    set(
        "run_log_mb",
        Section::Logs,
        megabytes(1, 1_000_000),
        same("256"),
        "Size of a run's log; beyond it head and tail are kept.",
    ),
    set(
        "run_log_lines_per_second",
        Section::Logs,
        int(1, 10_000_000),
        same("50000"),
        "Lines a second of a run's log; the rest is counted.",
    ),
    set("log_retention_days", Section::Logs, days(1, DAYS_MAX), same("30"), "How long the logs of runs are kept."),
    set(
        "max_log_buffer_size",
        Section::Logs,
        int(1, 1_000_000),
        same("1000"),
        "How many last lines of each running run are kept in memory.",
    ),
    // Observation
    set(
        "enable_metrics",
        Section::Observe,
        Bool,
        same("true"),
        "Whether metrics are served. They cannot be off in production.",
    ),
    set(
        "metrics_port",
        Section::Observe,
        int(0, 65_535),
        same("none"),
        "A port of its own for /metrics, which needs no token there, and the probes below /health; 0 is any free one.",
    )
    .optional("9100"),
    set(
        "metrics_export_interval_seconds",
        Section::Observe,
        seconds(1, 3600),
        same("60"),
        "How often metrics are exported.",
    )
    .without_effect(),
    set(
        "enable_health_checks",
        Section::Observe,
        Bool,
        same("true"),
        "Whether the service checks itself in the background.",
    ),
    set(
        "health_check_interval_seconds",
        Section::Observe,
        seconds(1, 3600),
        same("30"),
        "How often the service checks itself.",
    ),
    set("health_check_timeout", Section::Observe, seconds(1, 600), same("5"), "How long one check may take."),
    set(
        "enable_tracing",
        Section::Observe,
        Bool,
        same("false"),
        "Whether traces are sent to an OpenTelemetry collector.",
    ),
    set(
        "tracing_endpoint",
        Section::Observe,
        ValueType::Text(ENDPOINT),
        same("http://127.0.0.1:4318"),
        "Where traces go: a collector's address for OTLP over HTTP; /v1/traces is added.",
    ),
    set(
        "tracing_headers_file",
        Section::Observe,
        Path,
        same("none"),
        "A file with headers for the collector, one \"Name: value\" a line: keys are secret, and stay out of the configuration.",
    )
    .optional("/etc/cts/tracing-headers"),
    set(
        "tracing_sample_ratio",
        Section::Observe,
        ValueType::Ratio,
        same("1.0"),
        "Which part of the traces that begin here is sent. A client that sends a trace decides for its own.",
    ),
    set(
        "tracing_batch_spans",
        Section::Observe,
        int(1, 10_000),
        same("512"),
        "Most spans of one request to the collector.",
    ),
    set(
        "tracing_queue_spans",
        Section::Observe,
        int(1, 1_000_000),
        same("2048"),
        "Most spans that wait for the collector; further ones are dropped and counted.",
    ),
    set(
        "tracing_export_interval_seconds",
        Section::Observe,
        seconds(1, 3600),
        same("5"),
        "How long spans wait for a batch to become full.",
    ),
    set(
        "tracing_timeout_seconds",
        Section::Observe,
        seconds(1, 600),
        same("10"),
        "How long one request to the collector may take.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_name() {
        for good in ["127.0.0.1", "::1", "0.0.0.0", "localhost", "cts.example.org", "a_b"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "[::1]", "127.0.0.1:80", "300.1.1.1", "1.2", "a b", "-a", "a..b", "http://a", "ü"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_network_is_an_address_with_or_without_a_number_of_bits() {
        for good in ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "0.0.0.0/0"] {
            assert!(is_network(good), "{good}");
        }
        for bad in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8"] {
            assert!(!is_network(bad), "{bad}");
        }
    }

    #[test]
    fn a_cors_origin_has_a_scheme_and_no_path() {
        for good in ["*", "https://a.example", "http://localhost:3000", "http://[::1]:80", "http://127.0.0.1"] {
            assert!(is_cors_origin(good), "{good}");
        }
        for bad in
            ["", "a.example", "https://", "https://a/", "https://a:b", "ftp://a", "https://*", "http://::1", "null"]
        {
            assert!(!is_cors_origin(bad), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_secrets() {
        for good in ["http://127.0.0.1:4318", "https://a.example/otlp", "http://[::1]:1/", "http://collector/v1/traces"]
        {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in
            ["", "*", "a:4318", "grpc://a", "http://", "http://u:p@a", "http://a?k=1", "http://a/#x", "http://a b"]
        {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

    #[test]
    fn names_are_unique_and_help_is_a_sentence() {
        for (at, declaration) in DECLARATIONS.iter().enumerate() {
            assert!(DECLARATIONS[..at].iter().all(|other| other.name != declaration.name), "{}", declaration.name);
            assert!(declaration.help.ends_with('.'), "{}", declaration.name);
            assert!(declaration.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", declaration.name);
        }
    }
}
