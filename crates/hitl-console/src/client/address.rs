//! The client behind a request.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;

use super::Cidr;
use super::forwarded::{Hop, forwarded, x_forwarded_for};

/// The origin of a client: its address; for IPv6 the network of 64 bits within which a client may
/// choose its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClientAddress(IpAddr);

impl ClientAddress {
    pub(crate) fn new(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Returns the client of a request that came over a connection from `peer`.
///
/// Only a trusted proxy is believed. Of the addresses that it names, the right-most one counts that
/// is not itself a trusted proxy's: everything to the left of that was written by the client. An
/// address that cannot be read ends the search at the proxy that passed it on. If both headers are
/// present, one of them may be the client's own; then they count only as far as they agree.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let client = |hops: Vec<Hop>| {
        let mut nearest = peer;
        for hop in hops {
            let Some(hop) = hop else { break };
            nearest = hop;
            if !is_trusted(hop) {
                break;
            }
        }
        nearest
    };
    match (x_forwarded_for(headers).map(client), forwarded(headers).map(client)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn client(peer: &str, lines: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|range| range.parse().unwrap());
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        assert_eq!(client("192.0.2.1", &[(XFF, "198.51.100.1")]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &[("forwarded", "for=198.51.100.1")]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[(XFF, "198.51.100.1")]), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &[(XFF, "198.51.100.1")]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_right_most_address_counts_that_is_no_proxy() {
        // The part that the client wrote itself is on the left.
        assert_eq!(client("10.0.0.1", &[(XFF, "1.1.1.1, 198.51.100.1")]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[(XFF, "10.0.0.9,198.51.100.1 ,10.0.0.2")]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[(XFF, "1.1.1.1"), (XFF, "198.51.100.1")]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[(XFF, "10.0.0.3, 10.0.0.2")]), "10.0.0.3");
        for port in ["198.51.100.1:4711", "::ffff:198.51.100.1"] {
            assert_eq!(client("10.0.0.1", &[(XFF, port)]), "198.51.100.1");
        }
        for v6 in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711"] {
            assert_eq!(client("2001:db8:ffff::1", &[(XFF, v6)]), "2001:db8::7");
            let quoted = format!("proto=https; For=\"{v6}\";by=10.0.0.1");
            assert_eq!(client("10.0.0.1", &[("forwarded", &quoted)]), "2001:db8::7");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_search_at_the_proxy_that_passed_it_on() {
        for hop in ["unknown", "_hidden", "", "198.51.100.1, ", "198.51.100.1 x", "999.1.1.1", "é"]
        {
            assert_eq!(client("10.0.0.1", &[(XFF, hop)]), "10.0.0.1", "{hop}");
            assert_eq!(client("10.0.0.1", &[(XFF, &format!("{hop}, 10.0.0.2"))]), "10.0.0.2");
        }
        for element in ["for=_x", "for=\"1.1.1.1", "by=1.1.1.1", "for=1.1.1.1;for=2.2.2.2", "for"] {
            assert_eq!(client("10.0.0.1", &[("forwarded", element)]), "10.0.0.1", "{element}");
        }
    }

    #[test]
    fn two_headers_count_only_as_far_as_they_agree() {
        let both = |xff, forwarded| client("10.0.0.1", &[(XFF, xff), ("forwarded", forwarded)]);
        assert_eq!(both("198.51.100.1", "for=198.51.100.1"), "198.51.100.1");
        assert_eq!(both("198.51.100.1", "for=1.1.1.1"), "10.0.0.1");
        assert_eq!(both("198.51.100.1", "for=_x"), "10.0.0.1");
    }

    #[test]
    fn a_long_list_is_not_read_to_its_end() {
        let list = vec!["10.0.0.2"; 100_000].join(",");
        assert_eq!(client("10.0.0.1", &[(XFF, &format!("1.1.1.1,{list}"))]), "10.0.0.2");
    }

    #[test]
    fn one_client_has_one_network_of_ipv6() {
        let of = |text: &str| ClientAddress::new(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
