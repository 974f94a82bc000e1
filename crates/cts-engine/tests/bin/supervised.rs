//! The binary that the engine's tests execute: the supervisor, a native tool that does what it is told, and a service
//! that can be killed. It is never part of a release.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it is a part of the tests")]

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::path::PathBuf;
use std::process::ExitCode;

use cts_engine::attempt::process::{ChildNews, spawn};
use cts_engine::supervisor::{ChildSpec, Report, run_if_supervisor};

fn main() -> ExitCode {
    if let Some(status) = run_if_supervisor() {
        return status;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["say", text] => println!("{text}"),
        ["status", code] => return ExitCode::from(code.parse::<u8>().unwrap()),
        ["tcp", address] => tell(TcpStream::connect(address).map(drop)),
        ["udp", address] => {
            tell(UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", address).map(drop)))
        }
        ["unix"] => tell(std::os::unix::net::UnixStream::pair().and_then(|(mut one, mut two)| {
            one.write_all(b"x")?;
            two.read_exact(&mut [0])
        })),
        ["unix-abstract", name] => tell(
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|address| std::os::unix::net::UnixStream::connect_addr(&address).map(drop)),
        ),
        ["hog"] => hog(),
        ["files"] => open_files(),
        ["signal", pid] => {
            let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
            tell(rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(Into::into));
        }
        ["read", path] => tell(std::fs::read(path).map(drop)),
        ["service", spec, supervisor] => return service(spec, supervisor),
        other => panic!("unknown words: {other:?}"),
    }
    ExitCode::SUCCESS
}

fn tell(result: std::io::Result<()>) {
    match result {
        Ok(()) => println!("ok"),
        Err(error) => println!("{:?}", error.kind()),
    }
}

/// Takes memory until something happens.
fn hog() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 4 << 20]);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn open_files() {
    let mut numbers: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    // The last one is the folder that is being read.
    numbers.pop();
    println!("{numbers:?}");
}

/// Starts a tool, says so, and hangs without reading anything else.
fn service(spec: &str, supervisor: &str) -> ExitCode {
    let spec: ChildSpec = serde_json::from_str(spec).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut child, _output) = spawn(&spec, &PathBuf::from(supervisor)).await.unwrap();
        let news = child.next_news().await;
        assert!(matches!(news, Some(ChildNews::Report(Report::Started { .. }))), "{news:?}");
        println!("started");
        std::future::pending::<ExitCode>().await
    })
}
