//! What a process may reach. Where this machine cannot enforce something, the run has to say so.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;

use cts_engine::supervisor::{Exit, probe};

use super::bench::{Bench, Finished};

/// Whether this machine enforces what a sentence of [`probe`] begins with. Says so when it does not, and fails where
/// everything has to be tested.
fn enforced(subject: &str) -> bool {
    let missing = probe(false).missing;
    let is_enforced = !missing.iter().any(|sentence| sentence.starts_with(subject));
    if !is_enforced {
        eprintln!("skipped: {missing:?}");
        assert_ne!(std::env::var_os("CTS_TEST_REQUIRE_ALL"), Some("1".into()), "{missing:?}");
    }
    is_enforced
}

/// Each line of the output is `ok` or an error's kind.
async fn said(bench: &Bench, words: &[&str]) -> String {
    let Finished { stdout, stderr, .. } = bench.run(&bench.tool(words)).await;
    assert_eq!(stderr, "");
    stdout
}

#[tokio::test]
async fn a_tool_writes_in_its_run_and_nowhere_else() {
    if !enforced("files") {
        return;
    }
    let bench = Bench::new();
    let outside = bench.path("elsewhere/file");
    std::fs::write(&outside, "before").unwrap();
    let script = format!(
        "
        echo x > here && mkdir -p sub/dir && mv here sub/dir/there && ln -s there sub/dir/link && rm sub/dir/link
        echo x > \"$TMPDIR/t\" && mv \"$TMPDIR/t\" moved && printf '#!/bin/sh\\necho made\\n' > made && chmod +x made && ./made
        (echo x > {0}) 2>/dev/null || echo refused
        (echo x > {1}/new) 2>/dev/null || echo refused
        rm {0} 2>/dev/null || echo refused
        mkdir {1}/new 2>/dev/null || echo refused
        ln -s {0} link; (echo x > link) 2>/dev/null || echo refused
        (echo x > /tmp/cts-outside) 2>/dev/null || echo refused
        (echo x > ../beside) 2>/dev/null || echo refused
        echo x > /dev/null && echo fine
        ",
        outside.display(),
        bench.path("elsewhere").display(),
    );
    let finished = bench.run(&bench.script(&script)).await;
    let expected = format!("made\n{}fine", "refused\n".repeat(7));
    assert_eq!(finished.stdout, expected, "{}", finished.stderr);
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "before");
}

#[tokio::test]
async fn the_service_s_data_is_closed_and_inputs_are_open() {
    if !enforced("files") {
        return;
    }
    let bench = Bench::new();
    for file in ["data/cts.db", "data/other/upload", "elsewhere/input", "elsewhere/secret"] {
        std::fs::write(bench.path(file), "x").unwrap();
    }
    let script = format!(
        "for file in {0}/data/cts.db {0}/data/other/upload {0}/elsewhere/input {0}/elsewhere/secret; do
            cat $file 2>/dev/null && echo || echo refused
        done
        ls {0}/data 2>/dev/null || echo refused
        (echo y > {0}/elsewhere/input) 2>/dev/null || echo refused",
        bench.path("").display()
    );
    let mut spec = bench.script(&script);
    spec.sandbox.readable = vec![bench.path("data/other/upload"), bench.path("elsewhere/input")];
    assert_eq!(bench.run(&spec).await.stdout, "refused\nx\nx\nrefused\nrefused\nrefused");

    // Even a folder around it does not open it, under whatever name.
    std::os::unix::fs::symlink(bench.path(""), bench.path("elsewhere/link")).unwrap();
    spec.sandbox.readable = vec![bench.path("elsewhere/link")];
    assert_eq!(bench.run(&spec).await.stdout, "refused\nrefused\nx\nx\nrefused\nrefused");
    spec.sandbox.readable = vec![bench.path("").canonicalize().unwrap()];
    assert_eq!(bench.run(&spec).await.stdout, "refused\nrefused\nx\nx\nrefused\nrefused");
}

#[tokio::test]
async fn secrets_of_the_system_and_of_the_service_are_closed() {
    if !enforced("files") {
        return;
    }
    let bench = Bench::new();
    let own = std::process::id();
    for path in ["/etc/shadow", "/etc/ssl/private", "/etc/ssh", "/root", "/home", &format!("/proc/{own}/environ")] {
        assert_ne!(said(&bench, &["read", path]).await, "ok", "{path}");
    }
    for path in ["/etc/passwd", "/proc/meminfo", "/proc/self/environ"] {
        assert_eq!(said(&bench, &["read", path]).await, "ok", "{path}");
    }
}

#[tokio::test]
async fn a_tool_in_a_folder_of_its_own_reads_what_lies_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let program = bench.path("elsewhere/tool");
    std::fs::write(&program, "#!/bin/sh\ncat \"$(dirname \"$0\")/table\"\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(bench.path("elsewhere/table"), "beside").unwrap();
    let finished = bench.run(&bench.spec(cts_engine::supervisor::Program::Named(program), &[])).await;
    assert_eq!(finished.stdout, "beside", "{finished:?}");
}

#[tokio::test]
async fn there_is_no_network_unless_the_tool_may_have_it() {
    if !enforced("network") {
        return;
    }
    let bench = Bench::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp, udp) = (tcp.local_addr().map(|_| tcp).unwrap(), udp.local_addr().map(|_| udp).unwrap());
    let (tcp_address, udp_address) = (tcp.local_addr().unwrap().to_string(), udp.local_addr().unwrap().to_string());
    for (words, closed, open) in
        [(["tcp", &tcp_address], "PermissionDenied", "ok"), (["udp", &udp_address], "PermissionDenied", "ok")]
    {
        let mut spec = bench.tool(&words);
        assert_eq!(bench.run(&spec).await.stdout, closed, "{words:?}");
        spec.sandbox.network = true;
        assert_eq!(bench.run(&spec).await.stdout, open, "{words:?}");
    }
    assert_eq!(said(&bench, &["unix"]).await, "ok", "processes of a tool may talk to each other");
}

#[tokio::test]
async fn an_abstract_socket_of_the_service_cannot_be_reached() {
    use std::os::linux::net::SocketAddrExt;
    if !enforced("signals") {
        return;
    }
    let bench = Bench::new();
    let name = bench.mark.clone();
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let mut spec = bench.tool(&["unix-abstract", &name]);
    assert_eq!(bench.run(&spec).await.stdout, "PermissionDenied");
    spec.sandbox.enforce = false;
    assert_eq!(bench.run(&spec).await.stdout, "ok");
}

#[tokio::test]
async fn a_tool_cannot_signal_its_supervisor_or_the_service() {
    if !enforced("signals") {
        return;
    }
    let bench = Bench::new();
    assert_eq!(said(&bench, &["signal", &std::process::id().to_string()]).await, "PermissionDenied");
    let finished = bench.run(&bench.script("kill -KILL $PPID 2>/dev/null || echo refused; exit 3")).await;
    assert_eq!((finished.stdout.as_str(), finished.exit), ("refused", Some(Exit::Code(3))), "{finished:?}");
    // Its own children are its own business.
    let finished = bench.run(&bench.script("sleep 1000 & kill $!; wait $!; echo $?")).await;
    assert_eq!(finished.stdout, "143");
}

#[tokio::test]
async fn rights_of_root_are_lost() {
    let bench = Bench::new();
    let finished = bench.run(&bench.script("grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' /proc/self/status")).await;
    let value = |name: &str| {
        let line = finished.stdout.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim_start_matches(':').trim().to_owned()
    };
    assert_eq!(value("NoNewPrivs"), "1");
    let files_only = 0x1f;
    for set in ["CapEff", "CapPrm"] {
        assert_eq!(u64::from_str_radix(&value(set), 16).unwrap() & !files_only, 0, "{}", finished.stdout);
    }
    if enforced("system calls") {
        assert_eq!(value("Seccomp"), "2");
    }
}

#[tokio::test]
async fn without_the_sandbox_everything_else_still_holds() {
    let bench = Bench::new();
    let outside = bench.path("elsewhere/file");
    let mut spec = bench.script(&format!("echo x > {} && echo written; sleep 1000 & exit 6", outside.display()));
    spec.sandbox.enforce = false;
    let finished = bench.run(&spec).await;
    assert_eq!((finished.stdout.as_str(), finished.exit), ("written", Some(Exit::Code(6))));
    assert_eq!(finished.ending.unwrap().leftovers, 1);
}
