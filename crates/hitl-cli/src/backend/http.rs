//! One request to a console, and its answer.

use std::cell::RefCell;
use std::io::{BufReader, Read as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hitl_wire::ErrorBody;
use hitl_wire::tenant_header::{TENANT_HEADER, encode_tenant};
use serde::Serialize;
use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, BodyReader, RequestBuilder};

use crate::exit::{Exit, Failure};

/// The time within which an answer must arrive.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The time that a stream may be silent: a console sends something every 15 seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(40);
/// The maximum size of an answer, in bytes.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;
/// The environment variable with the token.
const TOKEN_VARIABLE: &str = "HITL_TOKEN";
/// The header with a one-time code.
const CODE_HEADER: &str = "hitl-code";
/// The most characters of a code that a console reads.
const MAX_CODE_CHARS: usize = 64;

/// A console's address, and the token.
pub(super) struct Http {
    agent: Agent,
    base: String,
    token: Token,
    /// The tenant that each request names, encoded; `None` for that of the token.
    tenant: Option<String>,
    /// The code that is sent with the next action.
    code: RefCell<Option<String>>,
}

/// A secret: it appears in no message and in no `Debug`.
struct Token(String);

impl Http {
    /// Prepares requests to the console at this address, with the token of the file, or of the
    /// environment, about this tenant.
    pub(super) fn open(
        url: &str,
        token_file: Option<&Path>,
        tenant: Option<&str>,
    ) -> Result<Self, Failure> {
        let address = Address::read(url)?;
        let tenant = tenant.map(|tenant| encode_tenant(tenant).into_owned());
        let token = token(token_file)?;
        let mut config = Config::builder()
            // A redirect must not pass the token on: it is for the console alone.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("hitl/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(RESPONSE_TIMEOUT))
            .timeout_recv_response(Some(RESPONSE_TIMEOUT))
            .timeout_per_read(Some(READ_TIMEOUT));
        if address.is_loopback {
            config = config.proxy(None);
        }
        if address.is_tls {
            config = config.tls_config(tls()?);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            base: address.base,
            token,
            tenant,
            code: RefCell::default(),
        })
    }

    /// Keeps a one-time code for the next [`post_once`](Self::post_once).
    pub(super) fn send_code(&self, code: &str) -> Result<(), Failure> {
        self.code.replace(Some(checked_code(code)?));
        Ok(())
    }

    /// Sends a change that a person makes, with the one-time code that is kept for it. A code
    /// counts once, so the request is sent once.
    pub(super) fn post_once(&self, path: &str, body: &impl Serialize) -> Result<String, Failure> {
        let Some(code) = self.code.take() else { return self.post(path, body) };
        let request = self.agent.post(self.url(path)).content_type("application/json");
        let request = self.sign(request).header(CODE_HEADER, code);
        let answer =
            request.send(serde_json::to_string(body)?).map_err(|error| self.lost(&error))?;
        Self::text(answer)
    }

    /// Requests a document.
    pub(super) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<String, Failure> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let request = self.agent.get(self.url(path)).query_pairs(pairs);
        let answer = self.sign(request).call();
        Self::text(answer.map_err(|error| self.unreachable(&error))?)
    }

    /// Sends a change. The body names its subject, so that sending it twice is harmless; it is sent
    /// again if the response was lost.
    pub(super) fn post(&self, path: &str, body: &impl Serialize) -> Result<String, Failure> {
        let body = serde_json::to_string(body)?;
        let send = || {
            let request = self.agent.post(self.url(path)).content_type("application/json");
            self.sign(request).send(&body)
        };
        let answer = send().or_else(|_| send()).map_err(|error| self.lost(&error))?;
        Self::text(answer)
    }

    /// Opens the stream of events, after the last event that was seen.
    pub(super) fn stream(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> Result<BufReader<BodyReader<'static>>, Failure> {
        let mut request = self.sign(self.agent.get(self.url(path)));
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let answer = request.call().map_err(|error| self.unreachable(&error))?;
        if !answer.status().is_success() {
            return Err(refused(answer));
        }
        Ok(BufReader::new(answer.into_body().into_with_config().limit(u64::MAX).reader()))
    }

    /// Adds who asks, and about which tenant.
    fn sign<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let request = request.header("authorization", self.bearer());
        match &self.tenant {
            Some(tenant) => request.header(TENANT_HEADER, tenant),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.0)
    }

    fn text(answer: Response<Body>) -> Result<String, Failure> {
        if !answer.status().is_success() {
            return Err(refused(answer));
        }
        let mut text = String::new();
        let mut body = answer.into_body().into_with_config().limit(MAX_BODY_BYTES).reader();
        body.read_to_string(&mut text).map_err(|error| {
            Failure::new(Exit::Failed, format!("the answer was cut off: {error}"))
        })?;
        Ok(text)
    }

    fn lost(&self, error: &ureq::Error) -> Failure {
        let Failure { exit, message } = self.unreachable(error);
        Failure::new(exit, format!("{message}; it may or may not have arrived: check again"))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::new(
            Exit::Failed,
            format!("the console at {} cannot be reached: {error}", self.base),
        )
    }
}

/// Returns the failure for a console's refusal.
fn refused(answer: Response<Body>) -> Failure {
    let status = answer.status().as_u16();
    let mut text = String::new();
    // A body that cannot be read counts as empty.
    let _ = answer
        .into_body()
        .into_with_config()
        .limit(MAX_BODY_BYTES)
        .reader()
        .read_to_string(&mut text);
    let Ok(ErrorBody { error }) = serde_json::from_str(&text) else {
        let why = format!("the console answered {status}, and not as a console does; check --url");
        return Failure::new(Exit::Failed, why);
    };
    let message = hitl_base::display::visible(&error.message);
    let decided = error.current.as_ref().and_then(|call| call.decided.as_ref());
    let by = decided.map(|decided| hitl_base::display::visible(decided.by.as_str()));
    let by = by.map(|by| format!("; it was decided by {by}")).unwrap_or_default();
    Failure::new(exit(status, &error.kind), format!("{message}{by}"))
}

/// Returns the exit code for a console's refusal.
fn exit(status: u16, kind: &str) -> Exit {
    match (status, kind) {
        (400, _) | (422, "badRequest" | "invalidArguments") => Exit::Usage,
        (404, _) => Exit::NotFound,
        (409, "unknownTool" | "toolChanged") => Exit::Refused,
        (409, _) | (403, "alreadyVoted") => Exit::Conflict,
        (401 | 403 | 422, _) | (429, "codesClosed") => Exit::Refused,
        _ => Exit::Failed,
    }
}

/// Returns a code in the form of its header. A code that no header can hold is never sent, so
/// nothing was done.
fn checked_code(code: &str) -> Result<String, Failure> {
    let code = code.trim();
    let is_sendable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if code.is_empty() || code.len() > MAX_CODE_CHARS || !code.bytes().all(is_sendable) {
        return Err(Failure::usage(
            "a one-time code is digits, or letters in groups of four; nothing was done",
        ));
    }
    Ok(code.to_owned())
}

/// The address of a console.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// The address without a trailing slash.
    base: String,
    is_loopback: bool,
    is_tls: bool,
}

impl Address {
    /// Refuses an address that would send a token in the clear over a network, and one that
    /// contains a secret.
    fn read(url: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Err(Failure::usage(format!("--url: {why}")));
        let Ok(uri) = url.parse::<Uri>() else {
            return wrong("this is no address; it looks like http://127.0.0.1:7171");
        };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return wrong("this is no address; it looks like http://127.0.0.1:7171");
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return wrong(
                "an address without a user and without a query; the token is in HITL_TOKEN",
            );
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let is_loopback = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match scheme {
            "https" => {}
            "http" if is_loopback => {}
            "http" => return wrong("a token is not sent over a network in the clear: use https"),
            _ => return wrong("http or https"),
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            base: format!("{scheme}://{authority}{path}"),
            is_loopback,
            is_tls: scheme == "https",
        })
    }
}

/// Returns a TLS configuration with this machine's trusted roots.
pub(crate) fn tls() -> Result<TlsConfig, Failure> {
    let trusted = rustls_native_certs::load_native_certs().certs;
    if trusted.is_empty() {
        let why = "this machine trusts no certificate, so that no https address can be checked: install \
                   them (Debian: ca-certificates), or name their file in SSL_CERT_FILE";
        return Err(Failure::new(Exit::Failed, why));
    }
    let roots = trusted.iter().map(|root| Certificate::from_der(root).to_owned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder().root_certs(RootCerts::from(roots));
    Ok(config.unversioned_rustls_crypto_provider(provider).build())
}

/// Reads the token from the file or the environment; never from the command line, which others can
/// see.
fn token(file: Option<&Path>) -> Result<Token, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?,
        None => std::env::var(TOKEN_VARIABLE).map_err(|_| {
            let why =
                "say who you are: put the token into HITL_TOKEN, or its file into --token-file";
            Failure::usage(why)
        })?,
    };
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_graphic();
    if text.is_empty() || !text.bytes().all(plain) {
        return Err(Failure::usage("the token is one word of printable characters"));
    }
    Ok(Token(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_a_token_is_not_sent_over_a_network_in_the_clear() {
        let base = |url: &str| Address::read(url).map(|address| address.base).ok();
        for (url, expected) in [
            ("http://127.0.0.1:7171", "http://127.0.0.1:7171"),
            ("http://localhost:80/review/", "http://localhost:80/review"),
            ("http://[::1]:7171/", "http://[::1]:7171"),
            ("https://review.example.com/", "https://review.example.com"),
        ] {
            assert_eq!(base(url).as_deref(), Some(expected));
        }
        for refused in [
            "http://review.example.com",
            "http://127.0.0.1.evil.com",
            "http://10.0.0.1:7171",
            "http://0.0.0.0:7171",
            "ftp://127.0.0.1",
            "http://ann:secret@127.0.0.1:7171",
            "http://127.0.0.1:7171/?token=secret",
            "127.0.0.1:7171",
            "/api",
            "",
        ] {
            assert_eq!(base(refused), None, "{refused}");
        }
        assert!(Address::read("http://127.0.0.1").unwrap().is_loopback);
        assert!(!Address::read("https://example.com").unwrap().is_loopback);
    }

    #[test]
    fn invariant_5_a_code_that_no_header_holds_is_refused_before_anything_is_sent() {
        assert_eq!(checked_code(" ABCD-EFGH-IJKL-MNOP\n").unwrap(), "ABCD-EFGH-IJKL-MNOP");
        assert_eq!(checked_code("123 456").unwrap(), "123 456");
        for wrong in
            ["", " \n", "123\n456", "12\u{e9}456", "\u{ff11}23456", "1\0", "1\t2", &"1".repeat(65)]
        {
            let refused = checked_code(wrong).unwrap_err();
            assert_eq!(refused.exit, Exit::Usage, "{wrong:?}");
            assert!(refused.message.contains("nothing was done"), "{}", refused.message);
        }
    }

    #[test]
    fn a_refusal_has_the_exit_code_that_a_store_gives() {
        for (status, kind, expected) in [
            (400, "badRequest", Exit::Usage),
            (401, "invalidToken", Exit::Refused),
            (403, "notEntitled", Exit::Refused),
            (404, "notFound", Exit::NotFound),
            (409, "decided", Exit::Conflict),
            (409, "stale", Exit::Conflict),
            (409, "toolChanged", Exit::Refused),
            (422, "confirm", Exit::Refused),
            (422, "invalidArguments", Exit::Usage),
            (403, "codeNeeded", Exit::Refused),
            (429, "codesClosed", Exit::Refused),
            (429, "tooMany", Exit::Failed),
            (503, "store", Exit::Failed),
        ] {
            assert_eq!(exit(status, kind), expected, "{status} {kind}");
        }
    }
}
