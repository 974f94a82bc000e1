//! Clients that are slow, endless or many: each has a bound, and the others are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::service::{Place, Service};
use crate::support::{http, skip};

/// How long an answer to somebody else may take meanwhile.
const SERVED: Duration = Duration::from_secs(5);

/// Longest wait of a client for the service.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients that only sit there.
const CROWD: usize = 10_000;

fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(&service.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn others_are_served(service: &Service) {
    let begun = Instant::now();
    assert_eq!(service.try_send("GET", "/v1/health", None).unwrap().status, 200);
    assert!(begun.elapsed() < SERVED, "others waited {:?}", begun.elapsed());
}

/// Writes a piece again and again until the service has had enough; returns what it answered.
fn write_until_refused(stream: &mut TcpStream, piece: &[u8], at_most: usize) -> (usize, String) {
    let mut written = 0;
    while written < at_most {
        match stream.write(piece) {
            Ok(count) => written += count,
            Err(_) => break,
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (written, String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_flood_of_headers_is_refused() {
    let place = Place::new();
    let service = place.start();
    let mut many = connect(&service);
    many.write_all(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    let (written, answer) = write_until_refused(&mut many, b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaa\r\n", 64 << 20);
    assert!(written < 16 << 20, "it took {written} bytes of headers");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 400"), "{answer}");
    let mut long = connect(&service);
    long.write_all(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Long: ").unwrap();
    let (written, answer) = write_until_refused(&mut long, &[b'a'; 4096], 64 << 20);
    assert!(written < 16 << 20, "it took {written} bytes of one header");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 400"), "{answer}");
    others_are_served(&service);
}

#[test]
fn a_body_without_end_is_refused_with_413() {
    let place = Place::new();
    let service = place.start();
    let mut stream = connect(&service);
    stream
        .write_all(
            b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
              Transfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(std::iter::repeat_n(b' ', 0x1_0000));
    chunk.extend(b"\r\n");
    let (written, answer) = write_until_refused(&mut stream, &chunk, 256 << 20);
    assert!(written < 256 << 20, "it took {written} bytes");
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("\"error_code\":\"BODY_TOO_LARGE\""), "{answer}");
    others_are_served(&service);
}

/// Ten thousand clients that send nothing, or never end the head of their request, are more than there are places for.
#[test]
fn ten_thousand_idle_and_slow_clients_lock_nobody_out() {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if files.maximum.is_some_and(|most| most < CROWD as u64 + 500) {
        return skip("too few files may be open");
    }
    let raised = rustix::process::Rlimit { current: files.maximum, maximum: files.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let place = Place::new().set("max_concurrent_runs", "2");
    place.tool("quick", "true", "");
    place.tool("long", "sleep 60", "");
    let service = place.start();
    let watched = service.submit("long", json!({}));
    let follow = format!("/v1/runs/{watched}/logs");
    let stream = http::open(&service.address, "GET", &follow, &[], b"").unwrap();
    let before = resident(&service);
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        let mut client = connect(&service);
        if number % 2 == 0 {
            client.write_all(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap();
        }
        crowd.push(client);
        // No faster than they are accepted: the kernel's own queue would turn them away for a second.
        if number % 200 == 0 {
            others_are_served(&service);
        }
    }
    others_are_served(&service);
    let took = resident(&service).saturating_sub(before);
    assert!(took < 128 << 20, "ten thousand connections took {took} bytes");
    // Who came first had to leave; who came last has a place, and gets an answer when the head ends.
    let mut buffer = [0; 12];
    assert_eq!(crowd[0].read(&mut buffer).unwrap_or(0), 0);
    crowd[CROWD - 2].write_all(b"x\r\nConnection: close\r\n\r\n").unwrap();
    crowd[CROWD - 2].read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"HTTP/1.1 200");
    let run = service.submit("quick", json!({}));
    assert_eq!(service.end_of(&run)["status"], "completed");
    // Who follows a log is not idle, however quiet it is.
    service.try_send("DELETE", &format!("/v1/runs/{watched}"), None).unwrap();
    let events = http::events(stream, |event| event.name != "end");
    assert_eq!(events.last().map(|event| event.name.as_str()), Some("end"));
}

fn resident(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}
