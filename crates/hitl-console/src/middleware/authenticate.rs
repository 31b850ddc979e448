//! Authentication: the routes behind it know their reviewer, and have the whole body.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as From};
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use hitl_wire::tenant_header::{TENANT_HEADER, decode_tenant};
use tokio::time::timeout;

use super::framing::too_large;
use crate::auth::{AuthError, Reviewer};
use crate::client::{ClientAddress, client_address};
use crate::error::Problem;
use crate::serve::Peer;
use crate::state::{Shared, State};

/// The time within which a request must be authenticated.
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
/// The delay of the answer to a guess, once there were too many.
const GUESS_DELAY: Duration = Duration::from_secs(1);

/// Identifies the sender of a request, and passes the reviewer on to the handlers.
///
/// A body is read only for a reviewer, and must arrive in time.
pub(crate) async fn authenticate(
    From(state): From<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let reviewer = match identify(&state, &parts, AUTH_TIMEOUT).await {
        Ok(Some(reviewer)) => reviewer,
        Ok(None) => return Err(not_theirs()),
        Err(AuthError::Wrong) => {
            let headers = &parts.headers;
            let peer = peer_address(&parts.extensions);
            let from = peer.map(|peer| client_address(peer, headers, &state.trusted_proxies));
            return Err(refuse_guess(&state, from.map(ClientAddress::new)).await);
        }
        Err(why) => return Err(why.into()),
    };
    if let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<Peer>>() {
        peer.keep_seat();
    }
    parts.extensions.insert(reviewer);
    let body = read_body(&state, body).await?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Returns the reviewer behind a request, in the tenant that it names; `None` if that is not one of
/// theirs.
pub(crate) async fn identify(
    state: &State,
    parts: &Parts,
    deadline: Duration,
) -> Result<Option<Reviewer>, AuthError> {
    let authenticated = timeout(deadline, state.auth.authenticate(parts)).await;
    let reviewer = authenticated.unwrap_or(Err(AuthError::Unavailable))?;
    let Some(named) = parts.headers.get(TENANT_HEADER) else { return Ok(Some(reviewer)) };
    let tenant = named.to_str().ok().and_then(decode_tenant);
    Ok(tenant.and_then(|tenant| reviewer.in_tenant(tenant)))
}

fn not_theirs() -> Problem {
    let why = "you do not review the calls of this tenant";
    Problem::new(StatusCode::FORBIDDEN, "tenant", why)
}

/// Answers a wrong token. After too many from one client the answer is delayed, and names the time
/// to try again; a right token is never delayed.
async fn refuse_guess(state: &State, from: Option<ClientAddress>) -> Problem {
    let Some(wait) = state.throttle.record_failure(from) else { return AuthError::Wrong.into() };
    // If there is no free slot, the answer comes at once: a delay must not cost the server more
    // than the client.
    if let Ok(_place) = state.held_guesses.try_acquire() {
        tokio::time::sleep(GUESS_DELAY).await;
    }
    let why = "too many failed logins came from where you are; wait, then try again";
    Problem::busy(why, wait.as_secs().max(1))
}

/// Reads a body to its end, within its limits of size and time.
async fn read_body(state: &State, body: Body) -> Result<Body, Problem> {
    let limits = &state.limits;
    match timeout(limits.body_deadline, to_bytes(body, limits.body)).await {
        Ok(Ok(bytes)) => Ok(Body::from(bytes)),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large(limits.body)),
        Ok(Err(_)) => Err(Problem::bad("the body cannot be read")),
        Err(_) => {
            let why = "the body did not come in time";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slowBody", why))
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.to_string().contains("length limit"))
}

/// Returns the address of the peer, if the server has recorded it.
fn peer_address(extensions: &Extensions) -> Option<IpAddr> {
    let ours = extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.address());
    let axums = || extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    ours.or_else(axums).map(|address| address.ip())
}
