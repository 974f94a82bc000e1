//! Where a request comes from. A header that names the client is believed from a trusted proxy only: it decides whose
//! count a request is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;

/// Most hops of a header that are looked at.
const HOPS_MAX: usize = 32;

/// The other end of the connection on which a request came: an extension of the request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Addresses that begin with the same bits: `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// A text that is no network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not an address or network such as 127.0.0.1, 10.0.0.0/8 or fd00::/8")]
pub struct BadNetwork(String);

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.chars().take(64).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().map_err(|_| bad())?,
            Some(_) => return Err(bad()),
            None => most,
        };
        if bits <= most { Ok(Self { address, bits }) } else { Err(bad()) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Network {
    /// Returns whether an address is one of the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same_bits(own.to_bits().into(), other.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same_bits(own.to_bits(), other.to_bits(), self.bits, 128),
            _ => false,
        }
    }
}

fn same_bits(own: u128, other: u128, bits: u32, of: u32) -> bool {
    bits == 0 || (own ^ other) >> (of - bits) == 0
}

/// Returns the client's address: the peer's, or behind trusted proxies the last one of `X-Forwarded-For` that is none of
/// them.
pub(crate) fn client(peer: Option<Peer>, trusted: &[Network], headers: &HeaderMap) -> Option<IpAddr> {
    let mut client = peer?.0.ip().to_canonical();
    if trusted.is_empty() {
        return Some(client);
    }
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev().take(HOPS_MAX) {
        if !is_trusted(client) {
            break;
        }
        // What a proxy cannot name stays unknown: the proxy itself stands for it.
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        client = address.to_canonical();
    }
    Some(client)
}

/// Returns what stands for a client in the counts: of IPv6 its network, since one machine has as many addresses there as
/// it likes; without an address all are one.
pub(crate) fn counted(address: Option<IpAddr>) -> IpAddr {
    match address {
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Some(address) => address,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_network_is_an_address_with_a_number_of_bits() {
        let inside = [("10.0.0.0/8", "10.9.8.7"), ("127.0.0.1", "127.0.0.1"), ("::/0", "::1"), ("fd00::/8", "fd12::1")];
        for (network, address) in inside {
            assert!(network.parse::<Network>().unwrap().contains(address.parse().unwrap()), "{network} {address}");
        }
        let outside =
            [("10.0.0.0/8", "11.0.0.0"), ("127.0.0.1", "127.0.0.2"), ("0.0.0.0/0", "::1"), ("fd00::/8", "fe00::1")];
        for (network, address) in outside {
            assert!(!network.parse::<Network>().unwrap().contains(address.parse().unwrap()), "{network} {address}");
        }
        assert!("10.0.0.0/8".parse::<Network>().unwrap().contains("::ffff:10.0.0.1".parse().unwrap()));
        for bad in ["", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_who_its_client_is() {
        let table = [
            ("9.9.9.9", &[][..], "1.1.1.1", "9.9.9.9"),
            ("127.0.0.1", &["127.0.0.1"], "1.1.1.1", "1.1.1.1"),
            ("9.9.9.9", &["127.0.0.1"], "1.1.1.1", "9.9.9.9"),
            // What the client itself wrote stands before what the proxy wrote.
            ("127.0.0.1", &["127.0.0.1"], "6.6.6.6, 1.1.1.1", "1.1.1.1"),
            ("127.0.0.1", &["127.0.0.1", "10.0.0.0/8"], "6.6.6.6, 1.1.1.1, 10.0.0.9", "1.1.1.1"),
            ("127.0.0.1", &["127.0.0.1"], "1.1.1.1, unknown", "127.0.0.1"),
            ("127.0.0.1", &["127.0.0.1"], "", "127.0.0.1"),
            ("::ffff:9.9.9.9", &["127.0.0.1"], "", "9.9.9.9"),
        ];
        for (peer, trusted, header, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(header));
            let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 1));
            let found = client(Some(peer), &networks(trusted), &headers).unwrap();
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{trusted:?} {header}");
        }
        assert_eq!(client(None, &[], &HeaderMap::new()), None);
    }

    #[test]
    fn the_addresses_of_one_network_of_ipv6_are_counted_as_one() {
        let of = |text: &str| counted(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
