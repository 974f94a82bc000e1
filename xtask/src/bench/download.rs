//! An artifact of 100 MB over a local connection, beside `cat` of the same bytes to a local socket.

use std::fs::File;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Instant;

use serde_json::json;

use crate::bench::Plan;
use crate::bench::report::Row;
use crate::bench::samples::Samples;
use crate::error::{Doing, Failed};
use crate::process::command;
use crate::service::{Service, Setup};

/// Rounds of each, one after the other.
const ROUNDS: usize = 11;

/// Size of the artifact.
const BYTES: u64 = 100_000_000;

const MANIFEST: &str = r#"
id = "make-file"
name = "Make a file"
version = "1"
description = "Writes 100 MB."
command = ["head", "-c", "100000000", "/dev/urandom"]
stdout = "file.bin"
"#;

/// Measures both in turns.
pub(super) fn measure(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let service = Service::start(&Setup {
        name: "bench-download",
        profile: "release",
        manifests: vec![("make-file.toml", MANIFEST.to_owned())],
        ..Setup::default()
    })?;
    let mut connection = service.connect()?;
    let mut run = connection.post("/v1/runs", &json!({"tool_id": "make-file"}))?.json()?;
    let id = run["run_id"].as_str().unwrap_or_default().to_owned();
    while matches!(run["status"].as_str(), Some("queued" | "running")) {
        run = connection.get(&format!("/v1/runs/{id}?wait=30s"))?.json()?;
    }
    if run["status"] != "completed" {
        return Err(Failed::new(format!("the run that makes the file: {run:#}")));
    }
    let artifact = run["artifacts"][0].as_str().unwrap_or_default().to_owned();
    let copy = service.folder().join("file.bin");
    let made =
        command("head").args(["-c", &BYTES.to_string(), "/dev/urandom"]).stdout(File::create(&copy)?).status()?;
    if !made.success() {
        return Err(Failed::new("cannot make the file for cat"));
    }

    let (mut downloads, mut cats) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let bytes = connection.download(&format!("/v1/artifacts/{artifact}/download"))?;
        downloads.add(began.elapsed());
        if bytes != BYTES {
            return Err(Failed::new(format!("the download had {bytes} bytes, not {BYTES}")));
        }

        let began = Instant::now();
        let bytes = cat(&copy.display().to_string())?;
        cats.add(began.elapsed());
        if bytes != BYTES {
            return Err(Failed::new(format!("cat sent {bytes} bytes, not {BYTES}")));
        }
    }
    service.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "a size fits a double")]
    let rate = |samples: &Samples| BYTES as f64 / 1e6 / (samples.percentile_ms(50) / 1e3);
    Ok(vec![
        Row::told("cat to a local socket, p50", rate(&cats), "MB a second"),
        Row::at_least("artifact of 100 MB, p50", rate(&downloads), "MB a second", 0.5 * rate(&cats)),
        Row::told("artifact of 100 MB, p50", downloads.percentile_ms(50), "ms"),
    ])
}

/// Lets `cat` write a file to a local socket, and returns how many bytes came out of it.
fn cat(path: &str) -> Result<u64, Failed> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let sending = OwnedFd::from(TcpStream::connect(listener.local_addr()?)?);
    let (mut receiving, _) = listener.accept()?;
    let mut child = command("cat")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(sending)
        .spawn()
        .doing(|| "cannot start cat".to_owned())?;
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let read = receiving.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
    }
    child.wait()?;
    Ok(bytes)
}
