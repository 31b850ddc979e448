//! The console answers to its own names only. Otherwise a page of another site, whose name is made
//! to point at this machine, would be of the same origin (DNS rebinding).

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};

use crate::error::Problem;

/// Refuses a request that is for another host, or for none.
pub(super) fn check(request: &Request, allowed: &[String]) -> Result<(), Problem> {
    let named = name_of(request.headers()).or_else(|| request.uri().host());
    if named.is_some_and(|name| is_allowed(name, allowed)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "host",
        "the console does not answer to this host name; its host can add it with `Console::host`",
    ))
}

fn name_of(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::HOST).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    only.to_str().ok().map(without_port)
}

/// `[::1]:80` is `[::1]`, `localhost:80` is `localhost`.
pub(super) fn without_port(host: &str) -> &str {
    match host.rfind(']') {
        Some(end) => &host[..=end],
        None => host.split(':').next().unwrap_or(host),
    }
}

pub(super) fn is_allowed(name: &str, allowed: &[String]) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]") || allowed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_named_hosts_are_ours() {
        let allowed = ["review.example.com".to_owned()];
        for ours in ["localhost", "LOCALHOST:80", "127.0.0.1:7171", "[::1]", "[::1]:1"] {
            assert!(is_allowed(without_port(ours), &[]), "{ours}");
        }
        assert!(is_allowed(without_port("Review.Example.com:443"), &allowed));
        for other in
            ["review.example.com.evil.com", "evil.com", "127.0.0.1.evil.com", "0.0.0.0", "", "::1"]
        {
            assert!(!is_allowed(without_port(other), &allowed), "{other}");
        }
    }
}
