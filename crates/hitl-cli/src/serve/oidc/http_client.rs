//! One request to the provider, over TLS; plain text only to this machine.

use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use ureq::Agent;
use ureq::config::Config;

use crate::backend::trusted_roots;
use crate::exit::Failure;
use crate::serve::address::is_loopback_host;

/// The time within which the provider must answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Sends requests to the provider.
#[derive(Clone)]
pub(super) struct HttpClient(Agent);

/// The error of a request. It quotes neither the request nor the answer.
#[derive(Debug)]
pub(super) struct HttpError(String);

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HttpError {}

impl HttpClient {
    /// Prepares requests; those over TLS trust the roots that this machine trusts.
    pub(super) fn new(issuer: &str) -> Result<Self, Failure> {
        let mut config = Config::builder()
            // A redirect could lead anywhere, and carry a code or a secret there.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("hitl/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(TIMEOUT));
        if issuer.starts_with("http://") {
            config = config.proxy(None);
        } else {
            config = config.tls_config(trusted_roots()?);
        }
        Ok(Self(config.build().new_agent()))
    }

    fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !is_private(request.uri().scheme_str(), request.uri().host()) {
            let why =
                "the provider names an address without TLS; its addresses begin with https://";
            return Err(HttpError(why.to_owned()));
        }
        let answer = self.0.run(request).map_err(|error| HttpError(error.to_string()))?;
        let (parts, body) = answer.into_parts();
        let mut bytes = Vec::new();
        body.into_with_config()
            .limit(MAX_BYTES)
            .reader()
            .read_to_end(&mut bytes)
            .map_err(|error| HttpError(error.to_string()))?;
        Ok(HttpResponse::from_parts(parts, bytes))
    }
}

/// Returns whether nobody on the way reads what goes to an address.
pub(super) fn is_private(scheme: Option<&str>, host: Option<&str>) -> bool {
    match scheme {
        Some("https") => host.is_some(),
        Some("http") => host.is_some_and(is_loopback_host),
        _ => false,
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let client = self.clone();
        async move {
            let sent = tokio::task::spawn_blocking(move || client.send(request)).await;
            sent.unwrap_or_else(|_| Err(HttpError("the request was not sent".to_owned())))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_nothing_goes_over_a_network_in_the_clear() {
        for (url, expected) in [
            ("https://id.example.com/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://[::1]:8080/token", true),
            ("http://localhost/token", true),
            ("http://id.example.com/token", false),
            ("http://localhost.example.com/token", false),
            ("ftp://id.example.com", false),
            ("/token", false),
        ] {
            let uri: ureq::http::Uri = url.parse().unwrap();
            assert_eq!(is_private(uri.scheme_str(), uri.host()), expected, "{url}");
        }
    }
}
