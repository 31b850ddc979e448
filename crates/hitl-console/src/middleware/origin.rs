//! Protection against requests from other sites.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};

use super::host::HostPort;
use crate::error::Problem;

/// The header that a request without a bearer token must have to change something. Any value will
/// do: a page of another site cannot set the header.
pub(super) const MARK: &str = "x-hitl-console";

/// Refuses a request that another site may have made.
///
/// Browsers name the origin of a request, in `Origin` or `Sec-Fetch-Site`; if they do, it must be
/// the `host` of the request. A change must also be JSON, which a form of another site cannot send.
pub(super) fn check(request: &Request, host: &HostPort) -> Result<(), Problem> {
    let headers = request.headers();
    if !is_ours(headers, host) {
        return Err(Problem::forbidden("origin", "this request comes from another site"));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    if text(headers, "sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return Err(Problem::forbidden("origin", "this request comes from another site"));
    }
    let json = text(headers, header::CONTENT_TYPE.as_str())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "contentType",
            "a change is sent as JSON: set `Content-Type: application/json`",
        ));
    }
    let bearer = text(headers, header::AUTHORIZATION.as_str())
        .is_some_and(|value| crate::auth::bearer(value).is_some());
    if bearer || headers.contains_key(MARK) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "csrf",
        "a change without a bearer token needs the header `X-Hitl-Console: 1`",
    ))
}

/// Returns whether an `Origin`, if there is one, is exactly the host of the request.
fn is_ours(headers: &HeaderMap, host: &HostPort) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some((scheme, from)) = origin.to_str().ok().and_then(|origin| origin.split_once("://"))
    else {
        return false;
    };
    // A port that is left out is that of the scheme, in both.
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    HostPort::parse(from).is_some_and(|from| from.is(host, usual))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
