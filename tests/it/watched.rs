//! How others watch the service: a listener of its own for metrics and probes, and news for the manager of services.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::http::{self, Answer};
use crate::support::service::Place;
use crate::support::until;

fn get(address: &str, path: &str) -> Answer {
    http::send(address, "GET", path, &[], b"").unwrap()
}

/// Returns the address of the second listener.
fn watching(place: &Place) -> String {
    let told: Value = serde_json::from_slice(&std::fs::read(place.data().join("service.json")).unwrap()).unwrap();
    told["metrics_url"].as_str().unwrap().trim_start_matches("http://").to_owned()
}

#[test]
fn metrics_and_probes_have_a_port_of_their_own_that_needs_no_token() {
    let place = Place::new().set("metrics_port", "0").set("require_authentication", "true");
    let service = place.start();
    let second = watching(&place);
    assert_ne!(second, service.address);
    let metrics = get(&second, "/metrics");
    assert_eq!(metrics.status, 200);
    assert!(String::from_utf8(metrics.body).unwrap().contains("cts_uptime_seconds"));
    for path in ["/health/live", "/health/ready", "/health/startup", "/health/simple"] {
        until("it is ready", || (get(&second, path).status == 200).then_some(()));
    }
    // What needs a token needs it there, too; and nothing else is there.
    assert_eq!(get(&second, "/health/detailed").status, 401);
    for path in ["/v1/runs", "/v1/version", "/openapi.json", "/v1/config/status"] {
        assert_eq!(get(&second, path).status, 404, "{path}");
    }
    assert_eq!(http::send(&second, "POST", "/metrics", &[], b"").unwrap().status, 405);
    // On the first one they are as before.
    assert_eq!(service.try_send("GET", "/metrics", None).unwrap().status, 401);
    assert_eq!(service.try_send("GET", "/health/live", None).unwrap().status, 200);
}

#[test]
fn the_second_listener_tells_that_the_service_drains_and_is_the_last_to_go() {
    let place = Place::new().set("metrics_port", "0");
    place.tool("short", "sleep 1", "");
    let mut service = place.start();
    let second = watching(&place);
    until("it is ready", || (get(&second, "/health/ready").status == 200).then_some(()));
    // A request that is not whole yet keeps the first listener from ending at once.
    let mut open = TcpStream::connect(&service.address).unwrap();
    let head = format!(
        "POST /v1/runs HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{{",
        service.address
    );
    open.write_all(head.as_bytes()).unwrap();
    let run = service.submit("short", json!({}));
    service.until_status(&run, "running");
    service.signal(Signal::TERM);
    let told = until("it is not ready", || {
        let answer = get(&second, "/health/ready");
        (answer.status == 503).then(|| answer.json())
    });
    assert!(told["reasons"].to_string().contains("stopping"), "{told}");
    assert_eq!(get(&second, "/health/live").status, 200);
    assert_eq!(get(&second, "/metrics").status, 200);
    until("the first one takes nobody any more", || TcpStream::connect(&service.address).is_err().then_some(()));
    assert_eq!(get(&second, "/health/ready").status, 503, "it tells that to the last");
    drop(open);
    assert_eq!(service.wait().code(), Some(0));
    assert!(TcpStream::connect(&second).is_err());
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_starts() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for setting in ["metrics_port", "port"] {
        let (status, why) = Place::new().set(setting, &port).start_to_end();
        assert_eq!(status.code(), Some(1), "{why}");
        let flag = setting.replace('_', "-");
        assert!(
            why.contains(&format!("cannot listen on 127.0.0.1:{port}")) && why.contains(&format!("--{flag}")),
            "{why}"
        );
    }
    let (status, why) = Place::new().set("port", &port).set("metrics_port", &port).start_to_end();
    assert_eq!(status.code(), Some(2), "{why}");
    assert!(why.contains("metrics_port is the same as port"), "{why}");
}

/// Reads the next piece of news.
fn news(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 1024];
    let length = socket.recv(&mut bytes).expect("news come");
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

/// Reads news until one begins so, and returns those before it.
fn until_news(socket: &UnixDatagram, begin: &str) -> (Vec<String>, String) {
    let mut before = Vec::new();
    loop {
        let next = news(socket);
        if next.starts_with(begin) {
            return (before, next);
        }
        before.push(next);
    }
}

#[test]
fn the_manager_of_services_is_told_of_readiness_life_and_end() {
    let place = Place::new();
    place.tool("short", "sleep 1", "");
    let path = place.folder.path().join("notify");
    let abstract_name = format!("cts-e2e-{}", place.folder.path().display());
    let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
    for (name, socket) in [
        (path.display().to_string(), UnixDatagram::bind(&path).unwrap()),
        (format!("@{abstract_name}"), UnixDatagram::bind_addr(&address).unwrap()),
    ] {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let variables = [("NOTIFY_SOCKET", name.as_str()), ("WATCHDOG_USEC", "200000")];
        let mut service = place.start_with(&variables);
        let (before, ready) = until_news(&socket, "READY=1");
        assert!(before.iter().all(|news| news == "WATCHDOG=1"), "{before:?}");
        assert_eq!(ready, format!("READY=1\nSTATUS=listens on http://{}", service.address));
        assert_eq!(get(&service.address, "/health/live").status, 200, "ready means that it answers");
        for _ in 0..3 {
            assert_eq!(news(&socket), "WATCHDOG=1");
        }
        let run = service.submit("short", json!({}));
        service.until_status(&run, "running");
        service.signal(Signal::TERM);
        let (_, stopping) = until_news(&socket, "STOPPING=1");
        assert!(stopping.contains("\nSTATUS=stopping") && stopping.contains("\nEXTEND_TIMEOUT_USEC="), "{stopping}");
        assert_eq!(news(&socket), "WATCHDOG=1", "it lives while it drains");
        assert_eq!(service.wait().code(), Some(0));
    }
}

#[test]
fn a_manager_that_is_gone_or_strange_hinders_nothing() {
    let place = Place::new();
    for name in ["/nowhere/at/all", "vsock:2:1", ""] {
        let service = place.start_with(&[("NOTIFY_SOCKET", name), ("WATCHDOG_USEC", "200000")]);
        assert_eq!(get(&service.address, "/health/live").status, 200);
        assert_eq!(service.stop().code(), Some(0));
    }
    // A watchdog of another process is none of this one's.
    let path = place.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = path.display().to_string();
    let service = place.start_with(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "20000"), ("WATCHDOG_PID", "1")]);
    assert!(news(&socket).starts_with("READY=1"));
    assert_eq!(service.stop().code(), Some(0));
    assert!(news(&socket).starts_with("STOPPING=1"), "nothing came between");
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert!(socket.recv(&mut [0; 8]).is_err());
}
