//! The console answers to its own names only. Otherwise a page of another site, whose name is made
//! to resolve to this machine, would be of the same origin (DNS rebinding).

use std::net::Ipv6Addr;

use axum::extract::Request;
use axum::http::{StatusCode, header};

use crate::error::Problem;

/// The target of a request, as a `Host`, an `Origin` or a URI names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    /// In lower case, without the trailing dot; an IPv6 address in brackets, in its canonical form.
    name: String,
    port: Option<u16>,
}

impl HostPort {
    /// Reads `name`, `name:port`, `[address]` or `[address]:port`, and nothing else: no user before
    /// an `@`, no path, no encoding.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = if let Some(text) = text.strip_prefix('[') {
            let (address, rest) = text.split_once(']')?;
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), rest)
        } else {
            let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            (domain(name)?, rest)
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { name, port })
    }

    pub(crate) fn into_name(self) -> String {
        self.name
    }

    /// Returns whether both are the same, where `usual` is the default port.
    pub(super) fn is(&self, other: &Self, usual: u16) -> bool {
        self.name == other.name && self.port.unwrap_or(usual) == other.port.unwrap_or(usual)
    }

    /// Returns whether it is one of the console's own names.
    pub(super) fn is_ours(&self, named: &[String]) -> bool {
        matches!(self.name.as_str(), "localhost" | "127.0.0.1" | "[::1]")
            || named.contains(&self.name)
    }
}

/// Returns a name of letters, digits, `-`, `_` and dots between parts, or at the end.
fn domain(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !part.is_empty() && part.bytes().all(plain)
    };
    (name.len() <= 253 && name.split('.').all(is_part)).then(|| name.to_ascii_lowercase())
}

/// Returns the target of a request. A request of HTTP/1.0 need not name it, and is refused then;
/// one that names it twice, in `Host` and in its URI, must name the same.
pub(super) fn host_of(request: &Request) -> Option<HostPort> {
    let uri = request.uri();
    let named = match uri.authority() {
        Some(authority) => Some(HostPort::parse(authority.as_str())?),
        None => None,
    };
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(only), None) => Some(HostPort::parse(only.to_str().ok()?)?),
        _ => return None,
    };
    match (header, named) {
        (Some(header), Some(named)) => named.is(&header, usual).then_some(header),
        (header, named) => header.or(named),
    }
}

/// Refuses a request that is for another host, or for none.
pub(super) fn check(request: &Request, allowed: &[String]) -> Result<HostPort, Problem> {
    host_of(request).filter(|host| host.is_ours(allowed)).ok_or_else(|| {
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host",
            "the console does not answer to this host name; its host can add it with `Console::host`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn is_ours(host: &str, named: &[String]) -> bool {
        HostPort::parse(host).is_some_and(|host| host.is_ours(named))
    }

    #[test]
    fn only_loopback_and_named_hosts_are_ours() {
        let named = ["review.example.com".to_owned()];
        for ours in [
            "localhost",
            "LOCALHOST:80",
            "localhost.",
            "127.0.0.1:7171",
            "[::1]",
            "[::1]:1",
            "[0:0:0:0:0:0:0:1]:65535",
        ] {
            assert!(is_ours(ours, &[]), "{ours}");
        }
        for ours in ["Review.Example.com:443", "review.example.com.:443"] {
            assert!(is_ours(ours, &named), "{ours}");
        }
        for other in [
            "review.example.com.evil.com",
            "evil.com",
            "127.0.0.1.evil.com",
            "0.0.0.0",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "[::ffff:127.0.0.1]",
            "[::]",
        ] {
            assert!(!is_ours(other, &named), "{other}");
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in [
            "",
            ".",
            ":80",
            "::1",
            "localhost..",
            ".localhost",
            "localhost:",
            "localhost:+80",
            "localhost:80 ",
            " localhost",
            "localhost:65536",
            "localhost:80:80",
            "localhost:80@evil.com",
            "evil@localhost",
            "localhost@evil.com",
            "user:pass@localhost",
            "localhost/evil",
            "localhost?x",
            "localhost#x",
            "localhost\\evil",
            "localhost,evil.com",
            "localhost%00.evil.com",
            "local%68ost",
            "localhost\t",
            "lоcalhost",
            "[::1",
            "::1]",
            "[::1]x",
            "[::1]80",
            "[::1%lo]",
            "[localhost]",
            "[127.0.0.1]",
            "http://localhost",
        ] {
            assert_eq!(HostPort::parse(text), None, "{text:?}");
        }
    }

    fn host(uri: &str, hosts: &[&str]) -> Option<String> {
        let request = Request::builder().uri(uri);
        let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
        host_of(&request.body(Body::empty()).unwrap()).map(HostPort::into_name)
    }

    #[test]
    fn a_request_is_for_one_host_only() {
        assert_eq!(host("/", &["localhost:80"]).as_deref(), Some("localhost"));
        assert_eq!(host("/", &[]), None);
        assert_eq!(host("/", &["localhost", "localhost"]), None);
        assert_eq!(host("http://localhost/", &["localhost", "localhost"]), None);
        // As in HTTP/2, or in a request to a proxy.
        assert_eq!(host("http://localhost/", &[]).as_deref(), Some("localhost"));
        assert_eq!(host("http://localhost:80/", &["LOCALHOST"]).as_deref(), Some("localhost"));
        assert_eq!(host("https://localhost/", &["localhost:443"]).as_deref(), Some("localhost"));
        for (uri, header) in [
            ("http://localhost/", "evil.com"),
            ("http://evil.com/", "localhost"),
            ("http://localhost:81/", "localhost"),
            ("http://localhost@evil.com/", "localhost"),
            ("http://evil.com@localhost/", "localhost"),
            ("http://localhost/", "bad host"),
        ] {
            assert_eq!(host(uri, &[header]), None, "{uri} {header}");
        }
    }
}
