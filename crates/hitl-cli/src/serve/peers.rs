//! Refuses connections that do not come from the declared proxy. Health may be asked by anybody.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use hitl_console::{Cidr, Peer};

/// Wraps a router so that only these proxies reach what is not about health.
pub(super) fn only_from(router: Router, proxies: Vec<Cidr>) -> Router {
    router.layer(from_fn_with_state(Arc::<[Cidr]>::from(proxies), check))
}

async fn check(State(proxies): State<Arc<[Cidr]>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|info| info.0.address().ip());
    if is_served(&proxies, peer, request.uri().path()) {
        return next.run(request).await;
    }
    let why = "this console is served through its proxy only (--behind-proxy)\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

/// Returns whether a request is answered. Pure.
fn is_served(proxies: &[Cidr], peer: Option<IpAddr>, path: &str) -> bool {
    matches!(path, "/health" | "/ready")
        || peer.is_some_and(|peer| proxies.iter().any(|proxy| proxy.contains(peer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_5_only_the_proxy_reaches_what_is_not_about_health() {
        let proxies = ["10.1.0.0/16", "::1"].map(|range| range.parse().unwrap());
        let served = |peer: Option<&str>, path: &str| {
            is_served(&proxies, peer.map(|peer| peer.parse().unwrap()), path)
        };
        for peer in ["10.1.2.3", "::1", "::ffff:10.1.2.3"] {
            assert!(served(Some(peer), "/api/calls"), "{peer}");
        }
        for peer in [Some("10.2.0.1"), Some("127.0.0.1"), Some("192.0.2.1"), None] {
            for path in ["/", "/api/calls", "/sign-in", "/health/", "/api/health", "/ready/x"] {
                assert!(!served(peer, path), "{peer:?} {path}");
            }
            assert!(served(peer, "/health") && served(peer, "/ready"));
        }
    }
}
