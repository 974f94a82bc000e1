//! Whether a port is free, and whose it is: read from what the kernel lists, so that no port is taken even for a moment.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Finding;

/// Most open files of other processes that are looked through for a socket.
const FILES_MAX: usize = 1_000_000;
/// The state of a socket that listens, in the kernel's list.
const LISTENS: &str = "0A";

/// Somebody who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    /// The process, where this user may see it.
    pub process: Option<(u32, String)>,
}

/// Looks at one port.
pub(super) async fn look(setting: &'static str, host: String, port: u16) -> (Finding, Option<Listener>) {
    let addresses: Vec<SocketAddr> = match tokio::net::lookup_host((host.as_str(), port)).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let remedy = "name an address of this machine with the setting host";
            return (Finding::wrong(setting, format!("{host} is no address: {error}"), remedy), None);
        }
    };
    let looked = tokio::task::spawn_blocking(move || look_at(setting, &host, &addresses)).await;
    looked.unwrap_or_else(|error| (Finding::unknown(setting, format!("the look at it failed: {error}")), None))
}

fn look_at(setting: &'static str, host: &str, addresses: &[SocketAddr]) -> (Finding, Option<Listener>) {
    let Some(first) = addresses.first() else {
        return (Finding::wrong(setting, format!("{host} has no address"), "correct the setting host"), None);
    };
    let port = first.port();
    let listening = listening();
    let taken =
        addresses.iter().find_map(|wanted| listening.iter().find(|(address, _)| collide(*wanted, *address)).copied());
    if let Some((address, inode)) = taken {
        let process = process_of(inode);
        let who = process
            .as_ref()
            .map_or_else(|| "another program".to_owned(), |(pid, name)| format!("process {pid} ({name})"));
        let flag = setting.replace('_', "-");
        let remedy = format!("stop that program, or choose another port with the setting {setting} (--{flag})");
        let finding = Finding::wrong(setting, format!("{address} is taken by {who}"), remedy);
        return (finding, Some(Listener { address, process }));
    }
    // An address that is not of this machine can be told without the port.
    if let Err(error) = std::net::TcpListener::bind((first.ip(), 0)) {
        let remedy = "name an address of this machine with the setting host";
        return (Finding::wrong(setting, format!("cannot listen on {}: {error}", first.ip()), remedy), None);
    }
    if port < unprivileged_from() && !rustix::process::geteuid().is_root() {
        let remedy = format!("give the service that right (CAP_NET_BIND_SERVICE), or choose a higher {setting}");
        let message = format!("port {port} needs a right of its own");
        return (Finding::notable(setting, message, remedy), None);
    }
    (Finding::good(setting, format!("{host} port {port} is free")), None)
}

fn unprivileged_from() -> u16 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

/// Tells whether somebody who listens on `taken` keeps another one from listening on `wanted`.
fn collide(wanted: SocketAddr, taken: SocketAddr) -> bool {
    let any = |ip: IpAddr| ip.is_unspecified();
    let same = match (wanted.ip(), taken.ip()) {
        // The address of all of IPv6 is mostly that of all of IPv4 as well.
        (IpAddr::V4(_), IpAddr::V6(other)) => other.is_unspecified(),
        (IpAddr::V6(own), IpAddr::V4(_)) => own.is_unspecified(),
        (own, other) => own == other || any(own) || any(other),
    };
    wanted.port() == taken.port() && same
}

/// Returns every listening socket with its number.
fn listening() -> Vec<(SocketAddr, u64)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (v4, v6) = (read("/proc/net/tcp"), read("/proc/net/tcp6"));
    v4.lines().chain(v6.lines()).filter_map(listening_line).collect()
}

/// Reads a line of the kernel's list: `  0: 0100007F:1F90 00000000:0000 0A … inode …`.
fn listening_line(line: &str) -> Option<(SocketAddr, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = words.get(1)?.split_once(':')?;
    if *words.get(3)? != LISTENS {
        return None;
    }
    // Each group of eight digits is a word in the order of the machine.
    let word = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::to_ne_bytes);
    let ip: IpAddr = match address.len() {
        8 => Ipv4Addr::from(word(address)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (at, part) in bytes.chunks_mut(4).enumerate() {
                part.copy_from_slice(&word(address.get(at * 8..at * 8 + 8)?)?);
            }
            let ip = Ipv6Addr::from(bytes);
            ip.to_ipv4_mapped().map_or(ip.into(), IpAddr::V4)
        }
        _ => return None,
    };
    Some((SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?), words.get(9)?.parse().ok()?))
}

/// Returns the process that has a socket open; none where it belongs to another user.
fn process_of(socket: u64) -> Option<(u32, String)> {
    let wanted = format!("socket:[{socket}]");
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).collect::<HashSet<_>>();
    let mut looked = 0;
    for pid in pids {
        for file in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            looked += 1;
            if looked > FILES_MAX {
                return None;
            }
            if fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str()) {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                return Some((pid, name.trim().to_owned()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::State;
    use super::*;

    #[test]
    fn the_kernels_list_is_read() {
        let line =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100";
        assert_eq!(listening_line(line), Some(("127.0.0.1:8080".parse().unwrap(), 4711)));
        let line =
            "   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 7 1";
        assert_eq!(listening_line(line), Some(("[::1]:80".parse().unwrap(), 7)));
        for other in
            ["", "  sl  local_address rem_address   st", "   0: 0100007F:1F90 0100007F:0001 01 0:0 00:0 0 0 0 7 1"]
        {
            assert_eq!(listening_line(other), None, "{other}");
        }
    }

    #[test]
    fn addresses_collide_as_the_kernel_says() {
        for (wanted, taken, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("0.0.0.0:80", "127.0.0.2:80", true),
            ("127.0.0.1:80", "[::]:80", true),
            ("127.0.0.1:80", "[::1]:80", false),
            ("[::]:80", "127.0.0.1:80", true),
        ] {
            assert_eq!(collide(wanted.parse().unwrap(), taken.parse().unwrap()), expected, "{wanted} {taken}");
        }
    }

    #[tokio::test]
    async fn a_port_is_free_or_has_an_owner() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let (finding, listener) = look("port", "127.0.0.1".to_owned(), port).await;
        assert_eq!(finding.state, State::Wrong);
        let listener = listener.unwrap();
        assert_eq!(listener.address, taken.local_addr().unwrap());
        assert_eq!(listener.process.unwrap().0, std::process::id());
        assert!(finding.remedy.unwrap().contains("--port"));
        drop(taken);
        let (finding, listener) = look("port", "127.0.0.1".to_owned(), port).await;
        assert_eq!((finding.state, listener), (State::Good, None), "{}", finding.message);
        // 192.0.2.0/24 is for documentation: no machine has it.
        let (finding, _) = look("metrics_port", "192.0.2.1".to_owned(), 9).await;
        assert_eq!(finding.state, State::Wrong, "{}", finding.message);
    }
}
