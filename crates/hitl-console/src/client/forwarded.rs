//! Headers in which proxies name the origin of a request: `X-Forwarded-For` and `Forwarded` (RFC
//! 7239).

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The maximum number of hops that are examined, from the right.
const MAX_HOPS: usize = 32;

/// One hop of a list; `None` if it is not an address.
pub(super) type Hop = Option<IpAddr>;

/// Returns the hops that `X-Forwarded-For` names, the nearest first; `None` without the header.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let list = lines(headers, "x-forwarded-for")?;
    Some(nearest_first(&list, address))
}

/// Returns the hops that `Forwarded` names, the nearest first; `None` without the header.
pub(super) fn forwarded(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let list = lines(headers, "forwarded")?;
    // A quoted text may contain the separators of elements; a proxy that writes addresses does not
    // need one there, so such a list is cut and its pieces are no addresses.
    Some(nearest_first(&list, |element| {
        let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
        let mut of = pairs.by_ref().filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
        let (_, value) = of.next()?;
        if of.next().is_some() {
            return None;
        }
        let value = value.trim();
        address(value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value))
    }))
}

/// Returns all lines of a list. Bytes from the client that are no text must not hide the proxy's
/// additions.
fn lines(headers: &HeaderMap, name: &str) -> Option<Vec<String>> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect();
    (!lines.is_empty()).then_some(lines)
}

fn nearest_first(lines: &[String], read: impl Fn(&str) -> Hop) -> Vec<Hop> {
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    hops.map(str::trim).take(MAX_HOPS).map(read).collect()
}

/// Parses `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Hop {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6),
        None => text
            .parse::<IpAddr>()
            .ok()
            .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())),
    };
    address.map(|address| address.to_canonical())
}
