//! Many at once, and clients that cut their sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use sha2::Digest;

use crate::support::service::Place;
use crate::support::{http, until};

#[test]
fn three_thirty_and_three_hundred_submissions_at_once() {
    let place = Place::new().set("max_concurrent_runs", "8");
    place.tool("quick", "echo $CTS_RUN_ID", "");
    let service = place.start();
    for count in [3, 30, 300] {
        let runs: Vec<String> = std::thread::scope(|scope| {
            let submit = || service.submit("quick", json!({}));
            let threads: Vec<_> = (0..count).map(|_| scope.spawn(submit)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for run in &runs {
            assert_eq!(service.end_of(run)["status"], "completed");
            assert_eq!(service.log(run).as_slice(), std::slice::from_ref(run), "each has its own log");
        }
    }
}

#[test]
fn five_clients_submit_follow_and_download_for_a_minute() {
    let place = Place::new().set("max_concurrent_runs", "4");
    place.tool("works", "for i in 1 2 3; do echo line $i; sleep 0.05; done; seq 1 1000 > numbers.txt", "");
    let service = place.start();
    let end = Instant::now() + Duration::from_secs(60);
    let counts: Vec<u32> = std::thread::scope(|scope| {
        let client = || {
            let mut count = 0;
            while Instant::now() < end {
                let run = service.submit("works", json!({}));
                let open = http::open(&service.address, "GET", &format!("/v1/runs/{run}/logs"), &[], b"").unwrap();
                let events = http::events(open, |_| true);
                let last = events.last().unwrap();
                assert_eq!((last.name.as_str(), last.id.as_deref()), ("end", Some("3.end")), "{events:?}");
                let ids: Vec<&str> = events.iter().filter_map(|event| event.id.as_deref()).collect();
                assert_eq!(ids, ["1", "2", "3", "3.end"]);
                let artifacts = service.get(&format!("/v1/runs/{run}/artifacts"));
                let id = artifacts[0]["id"].as_str().unwrap().to_owned();
                let answer = service.try_send("GET", &format!("/v1/artifacts/{id}/download"), None).unwrap();
                assert_eq!(answer.body.len(), 3893);
                count += 1;
            }
            count
        };
        let threads: Vec<_> = (0..5).map(|_| scope.spawn(client)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(counts.iter().all(|count| *count >= 1), "{counts:?}");
}

#[test]
fn a_stream_that_is_cut_goes_on_without_a_gap_or_a_repeat() {
    let place = Place::new();
    place.tool("counts", "for i in $(seq 1 40); do echo $i; sleep 0.02; done", "");
    let service = place.start();
    let run = service.submit("counts", json!({}));
    let mut seen: Vec<u64> = Vec::new();
    let path = format!("/v1/runs/{run}/logs");
    let end = loop {
        let last = seen.last().map(u64::to_string);
        let headers: Vec<(&str, &str)> = last.iter().map(|id| ("Last-Event-ID", id.as_str())).collect();
        let open = http::open(&service.address, "GET", &path, &headers, b"").unwrap();
        let mut taken = 0;
        // Dropping the socket in the middle is what a bad network does.
        let events = http::events(open, |event| {
            taken += 1;
            event.name != "end" && taken < 7
        });
        seen.extend(events.iter().filter_map(|event| event.id.as_deref()?.parse::<u64>().ok()));
        if let Some(end) = events.into_iter().find(|event| event.name == "end") {
            break end;
        }
    };
    assert_eq!(seen, (1..=40).collect::<Vec<u64>>());
    let headers = [("Last-Event-ID", end.id.as_deref().unwrap())];
    assert_eq!(http::send(&service.address, "GET", &path, &headers, b"").unwrap().status, 204);
}

#[test]
fn an_upload_that_is_cut_is_resumed_and_checked() {
    let place = Place::new();
    place.tool("sums", "sha256sum \"$1\" | cut -c1-64", "[input]\nrequired = true");
    let service = place.start();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let sum: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let body = json!({"filename": "data.bin", "size": bytes.len(), "sha256": sum});
    let created = service.try_send("POST", "/v1/uploads", Some(&body)).unwrap();
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.json()["upload_id"].as_str().unwrap().to_owned();
    let url = created.json()["upload_url"].as_str().unwrap().to_owned();
    let path = url.split_once(&service.address).map_or(url.as_str(), |(_, path)| path).to_owned();

    // Half a body, then the cable is pulled.
    let mut socket = TcpStream::connect(&service.address).unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {}\r\nUpload-Offset: 0\r\nContent-Length: {}\r\n\r\n",
        service.address,
        bytes.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(&bytes[..1_500_000]).unwrap();
    drop(socket);
    let offset = until("what has arrived is kept", || {
        let answer = http::send(&service.address, "HEAD", &path, &[], b"").ok()?;
        let offset: usize = answer.header("Upload-Offset")?.parse().ok()?;
        (offset > 0).then_some(offset)
    });
    // The server may still be writing what came last: it answers 409 until it is done.
    let offset = until("the first request is over", || {
        let answer = http::send(&service.address, "HEAD", &path, &[], b"").ok()?;
        let now: usize = answer.header("Upload-Offset")?.parse().ok()?;
        let from = now.max(offset);
        let headers = [("Upload-Offset", from.to_string())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = http::send(&service.address, "PUT", &path, &headers, &bytes[from..]).ok()?;
        (answer.status < 300).then_some(from)
    });
    assert!(offset > 0, "it did not begin anew");
    let finalized = service.try_send("POST", &format!("/v1/uploads/{id}/finalize"), Some(&json!({}))).unwrap();
    assert_eq!(finalized.status, 200, "{finalized:?}");
    let body = json!({"tool_id": "sums", "inputs": [{"type": "upload", "value": id}]});
    let run = service.try_send("POST", "/v1/runs", Some(&body)).unwrap().json()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(service.end_of(&run)["status"], "completed");
    assert_eq!(service.log(&run), [sum]);
}

#[test]
fn a_download_that_is_cut_is_resumed_by_range() {
    let place = Place::new();
    place.tool("makes", "seq 1 500000 > numbers.txt", "");
    let service = place.start();
    let run = service.submit("makes", json!({}));
    service.end_of(&run);
    let artifact = service.get(&format!("/v1/runs/{run}/artifacts"))[0].clone();
    let path = format!("/v1/artifacts/{}/download", artifact["id"].as_str().unwrap());
    let mut open = http::open(&service.address, "GET", &path, &[], b"").unwrap();
    let mut first = vec![0; 1_000_000];
    open.read_exact(&mut first).unwrap();
    drop(open);
    let range = format!("bytes={}-", first.len());
    let rest = http::send(&service.address, "GET", &path, &[("Range", &range)], b"").unwrap();
    assert_eq!(rest.status, 206, "{:?}", rest.headers);
    first.extend(rest.body);
    let sum: String = sha2::Sha256::digest(&first).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(artifact["sha256"], sum);
}
