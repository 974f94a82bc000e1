//! How traces are sent, from the service configuration.

use std::io::{self, Read as _};
use std::path::Path;

use cts_config::ServiceConfig;
use cts_model::Secret;
use cts_observe::TracingOptions;

use crate::error::ServerError;

/// Largest file of headers.
const HEADERS_BYTES_MAX: u64 = 64 << 10;

/// Returns how traces are sent; none when they are not.
///
/// # Errors
/// A file of headers that cannot be read, or is none.
pub fn tracing_options(config: &ServiceConfig, instance: String) -> Result<Option<TracingOptions>, ServerError> {
    let observe = &config.observe;
    if !observe.enable_tracing {
        return Ok(None);
    }
    let tracing = &observe.tracing;
    let headers = match &tracing.headers_file {
        Some(path) => read_headers(path).map_err(ServerError::file("read the headers in", path))?,
        None => Vec::new(),
    };
    Ok(Some(TracingOptions {
        endpoint: tracing.endpoint.clone(),
        headers,
        ratio: f64::from(tracing.sample_millionths) / 1e6,
        batch_spans_max: tracing.batch_spans,
        queue_spans_max: tracing.queue_spans,
        interval: tracing.export_interval,
        timeout: tracing.timeout,
        version: env!("CARGO_PKG_VERSION"),
        environment: config.profile.as_str().to_owned(),
        instance,
    }))
}

fn read_headers(path: &Path) -> io::Result<Vec<(String, Secret)>> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(HEADERS_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > HEADERS_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {HEADERS_BYTES_MAX} bytes")));
    }
    headers(&text).map_err(io::Error::other)
}

/// Reads `Name: value` lines; empty ones and those that begin with # are left out. What is wrong is told by its number:
/// a line may be a secret.
fn headers(text: &str) -> Result<Vec<(String, Secret)>, String> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let pair = |(number, line): (usize, &str)| match line.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), Secret::new(value.trim().to_owned())))
        }
        _ => Err(format!("line {number} is not \"Name: value\"")),
    };
    lines.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_a_bad_line_is_not_repeated() {
        let read = headers("# for the collector\n\nAuthorization: Basic dTpw\r\n x-key :a:b\n").unwrap();
        let shown: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        assert_eq!(shown, [("Authorization", "Basic dTpw"), ("x-key", "a:b")]);
        for bad in ["hunter2", "a: b\nhunter2", ": hunter2"] {
            let why = headers(bad).unwrap_err();
            assert!(why.contains("is not") && !why.contains("hunter2"), "{why}");
        }
    }
}
