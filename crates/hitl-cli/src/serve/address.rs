//! Public addresses. Pure.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The address under which browsers see the console: `https://review.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl {
    scheme: Scheme,
    /// In lower case; an IPv6 address in brackets.
    host: String,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl PublicUrl {
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }
}

/// Returns whether a host name, or an address with or without brackets, is this machine's own.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "an address without a path: https://review.example.com";
        let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err("an address begins with https:// (or http:// on this machine alone)"),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let end = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority[end..].find(':') {
            Some(colon) => authority.split_at(end + colon),
            None => (authority, ""),
        };
        let port = match port.strip_prefix(':') {
            None => None,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| FORM)?)
            }
            Some(_) => return Err(FORM),
        };
        let is_address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if !is_address && (host.is_empty() || !host.bytes().all(plain)) {
            return Err(FORM);
        }
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        let read = |text: &str| text.parse::<PublicUrl>().map(|url| url.to_string());
        for (text, expected) in [
            ("https://Review.Example.com/", "https://review.example.com"),
            ("https://review.example.com:8443", "https://review.example.com:8443"),
            ("http://127.0.0.1:7171", "http://127.0.0.1:7171"),
            ("http://[::1]:7171/", "http://[::1]:7171"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected));
        }
        for wrong in [
            "",
            "review.example.com",
            "ftp://example.com",
            "https://",
            "https:///",
            "https://example.com/review",
            "https://example.com?x",
            "https://example.com#x",
            "https://ann@example.com",
            "https://ann:secret@example.com",
            "https://example.com:",
            "https://example.com:+1",
            "https://example.com:65536",
            "https://[::1",
            "https://[example]",
            "https://exa mple.com",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_this_machines_own_names_are_loopback() {
        for ours in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]", "::1"] {
            assert!(is_loopback_host(ours), "{ours}");
        }
        for other in ["localhost.evil.com", "0.0.0.0", "[::]", "10.0.0.1", "127.0.0.1.evil.com"] {
            assert!(!is_loopback_host(other), "{other}");
        }
    }
}
