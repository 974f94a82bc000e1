//! A connection that is cut again and again: nothing is lost and nothing comes twice.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::Place;

/// How many bytes of an answer, or of a request, pass before the connection is cut.
#[derive(Clone, Copy)]
struct Cut {
    answer: usize,
    request: usize,
    /// How many connections are cut; the later ones live.
    connections: usize,
}

/// Stands in front of a service; returns its address and the number of connections it cut.
fn proxy(service: &str, cut: Cut) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target = service.strip_prefix("http://").unwrap().to_owned();
    let cuts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&cuts);
    // The thread ends with the process of the tests: accepting has no other end.
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&target) else { continue };
            let lives = counted.load(Ordering::SeqCst) >= cut.connections;
            let (answer, request) = if lives { (usize::MAX, usize::MAX) } else { (cut.answer, cut.request) };
            for (from, to, most) in [(&client, &server, request), (&server, &client, answer)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || pass(from, to, most, &counted));
            }
        }
    });
    (url, cuts)
}

fn pass(mut from: TcpStream, mut to: TcpStream, most: usize, cuts: &AtomicUsize) {
    let mut buffer = [0_u8; 4096];
    let mut passed = 0;
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 {
            break;
        }
        let part = read.min(most - passed);
        if to.write_all(&buffer[..part]).is_err() {
            break;
        }
        passed += part;
        if passed >= most {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let place = Place::new();
    let service = place.serve();
    let script = "script=head -c 3000000 /dev/urandom > random.bin";
    let run = place.cts(&["run", "shell", "-p", script, "--wait", "--no-download", "--json"]).ends(0).json();
    let run = run["run_id"].as_str().unwrap();
    let (url, cuts) = proxy(&service.url, Cut { answer: 700_000, request: usize::MAX, connections: 4 });
    let said = place.cts(&["art", "get", run, "--url", &url, "--out-dir", "out"]).ends(0);
    assert!(said.out.contains("3.0 MB"), "{}", said.out);
    assert_eq!(std::fs::metadata(place.path("work/out/random.bin")).unwrap().len(), 3_000_000);
    assert_eq!(cuts.load(Ordering::SeqCst), 4, "it was cut on the way");
    let left: Vec<_> = std::fs::read_dir(place.path("work/out")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["random.bin"], "nothing temporary is left");
    let again = place.cts(&["art", "get", run, "--out-dir", "out"]).ends(0);
    assert!(again.out.contains("was there"), "{}", again.out);
}

#[test]
fn every_line_of_a_log_comes_once_over_cut_connections() {
    let place = Place::new();
    let service = place.serve();
    let script = "script=i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); sleep 0.002; done";
    let run = place.cts(&["run", "shell", "-p", script, "--json"]).ends(0).json();
    let run = run["run_id"].as_str().unwrap().to_owned();
    let (url, cuts) = proxy(&service.url, Cut { answer: 12_000, request: usize::MAX, connections: 4 });
    let said = place.cts(&["logs", &run, "--follow", "--grep", "line", "--url", &url, "-q"]).ends(0);
    let expected: Vec<String> = (0..400).map(|i| format!("line {i}")).collect();
    assert_eq!(said.out.lines().collect::<Vec<_>>(), expected);
    assert_eq!(cuts.load(Ordering::SeqCst), 4, "it was cut on the way");
}

#[test]
fn an_upload_goes_on_where_it_was_cut() {
    let place = Place::new();
    let service = place.serve();
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(place.path("work/big.bin"), &bytes).unwrap();
    let (url, cuts) = proxy(&service.url, Cut { answer: usize::MAX, request: 3_000_000, connections: 2 });
    let upload = place.cts(&["upload", "big.bin", "--url", &url, "--json"]).ends(0).json();
    assert_eq!((upload[0]["status"].as_str(), upload[0]["size"].as_u64()), (Some("ready"), Some(12_000_000)));
    assert_eq!(cuts.load(Ordering::SeqCst), 2, "it was cut on the way");
}

#[test]
fn a_run_is_followed_to_its_end_over_a_restart_of_the_connection() {
    let place = Place::new();
    let service = place.serve();
    let script = "script=for i in 1 2 3 4 5 6 7 8; do echo step $i; sleep 0.1; done; echo x > x.txt";
    let (url, cuts) = proxy(&service.url, Cut { answer: 1_500, request: usize::MAX, connections: 3 });
    let run = place.cts(&["run", "shell", "-p", script, "--json"]).ends(0).json();
    let said =
        place.cts(&["runs", "wait", run["run_id"].as_str().unwrap(), "--follow", "-o", "out", "--url", &url]).ends(0);
    assert_eq!(said.out.lines().filter(|line| line.starts_with("step ")).count(), 8, "{}", said.out);
    assert!(place.path("work/out/x.txt").exists());
    assert_eq!(cuts.load(Ordering::SeqCst), 3, "it was cut on the way");
}
