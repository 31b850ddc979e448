//! An upstream behind a URL: the streamable HTTP transport, with exact texts.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hitl_base::redact::Redactor;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::common::http_header::{
    EVENT_STREAM_MIME_TYPE, HEADER_SESSION_ID, JSON_MIME_TYPE,
};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::{Sse, SseStream};

use super::wire::{Incoming, LONGEST_LINE, RawAnswer, SlotOf, classify, encode, slot_of};

/// Where the bearer token of an upstream is.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: a token is never an argument, where every process of the machine could read it.
pub enum BearerToken {
    /// The name of an environment variable.
    Variable(String),
    /// A file that holds it alone.
    File(PathBuf),
}

/// A server behind a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUpstream {
    url: String,
    bearer: Option<BearerToken>,
}

/// The error for a URL that cannot be an upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UpstreamUrlError(String);

impl HttpUpstream {
    /// Names the URL of the server's endpoint. A token is sent only over TLS, or to this machine.
    ///
    /// # Errors
    /// The URL is none of `http` or `https`, holds a user or password, or would carry the token in
    /// plain text.
    pub fn new(
        url: impl Into<String>,
        bearer: Option<BearerToken>,
    ) -> Result<Self, UpstreamUrlError> {
        let url = url.into();
        let refuse = |why: &str| Err(UpstreamUrlError(why.to_owned()));
        let Ok(parsed) = url.parse::<http::Uri>() else {
            return refuse("the URL of the server is not one");
        };
        let Some(authority) = parsed.authority() else {
            return refuse("the URL of the server names no host");
        };
        if authority.as_str().contains('@') {
            return refuse("the URL of the server holds a user or password: use a bearer token");
        }
        let host = authority.host();
        let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match parsed.scheme_str() {
            Some("https") => {}
            Some("http") if bearer.is_none() || is_local => {}
            Some("http") => {
                return refuse(
                    "the token would pass in plain text: the URL must begin with https://",
                );
            }
            _ => return refuse("the URL of the server begins with https:// or http://"),
        }
        Ok(Self { url, bearer })
    }

    /// Returns the URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the name of the variable with the token.
    pub(super) fn token_variable(&self) -> Option<&str> {
        match &self.bearer {
            Some(BearerToken::Variable(name)) => Some(name),
            Some(BearerToken::File(_)) | None => None,
        }
    }

    /// Reads the token. The error names where it should be, and no part of it.
    fn token(&self) -> Result<Option<String>, String> {
        let (token, place) = match &self.bearer {
            None => return Ok(None),
            Some(BearerToken::Variable(name)) => {
                let why = format!("the variable {name} has no token");
                (std::env::var(name).map_err(|_| why)?, name.clone())
            }
            Some(BearerToken::File(path)) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                (text, path.display().to_string())
            }
        };
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{place} has no token"));
        }
        Ok(Some(token.to_owned()))
    }

    /// Returns the transport to the server. Nothing is sent yet.
    pub(super) fn transport(
        &self,
    ) -> Result<StreamableHttpClientTransport<ExactHttpClient>, String> {
        let mut config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        config.auth_header = self.token()?;
        // Who answers after the end of a session may be another version of the server: the
        // connection ends, and the tools of the next one are compared with the pins.
        config.reinit_on_expired_session = false;
        let client = ExactHttpClient::new().map_err(|error| error.to_string())?;
        Ok(StreamableHttpClientTransport::with_client(client, config))
    }
}

impl fmt::Debug for HttpUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUpstream({})", Redactor::standard().text(&self.url))
    }
}

/// A client that sends arguments as they were approved, and keeps the texts of results.
#[derive(Clone, Debug)]
pub(super) struct ExactHttpClient {
    inner: reqwest::Client,
}

type HttpResult<T> = Result<T, StreamableHttpError<reqwest::Error>>;

impl ExactHttpClient {
    fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            // A redirect would take arguments and token to a server that nobody named.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hitl/", env!("CARGO_PKG_VERSION")));
        Ok(Self { inner: tls::with_roots(client).build()? })
    }

    async fn post_exact(
        &self,
        SlotOf { id, slot, token: progress }: SlotOf,
        url: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<StreamableHttpPostResponse> {
        let body = encode(&message)?;
        let mut request = self
            .inner
            .post(url.as_ref())
            .header(ACCEPT, [EVENT_STREAM_MIME_TYPE, JSON_MIME_TYPE].join(", "))
            .header(CONTENT_TYPE, JSON_MIME_TYPE);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let had_session = session.is_some();
        if let Some(session) = session {
            request = request.header(HEADER_SESSION_ID, session.as_ref());
        }
        slot.note_sent(progress);
        let response = match request.body(body).send().await {
            Ok(response) => response,
            Err(error) => {
                if error.is_connect() {
                    // No connection, so nothing was sent.
                    slot.fill(RawAnswer::NotSent(error.without_url().to_string()));
                    return Err(StreamableHttpError::UnexpectedEndOfStream);
                }
                return Err(StreamableHttpError::Client(error));
            }
        };
        let status = response.status();
        if status == reqwest::StatusCode::NOT_FOUND && had_session {
            slot.fill(RawAnswer::NotSent("it has ended the session".to_owned()));
            return Err(StreamableHttpError::SessionExpired);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let (is_json, is_stream) = (
            kind.eq_ignore_ascii_case(JSON_MIME_TYPE),
            kind.eq_ignore_ascii_case(EVENT_STREAM_MIME_TYPE),
        );
        let session = response.headers().get(HEADER_SESSION_ID);
        let session = session.and_then(|value| value.to_str().ok()).map(str::to_owned);
        if is_stream && status.is_success() {
            let events = SseStream::from_bytes_stream(bounded(response.bytes_stream()));
            let events = events.inspect(move |event| {
                let Ok(Sse { data: Some(data), .. }) = event else { return };
                if let Incoming::Answer(answered, answer) = classify(data)
                    && answered == id
                {
                    slot.fill(answer);
                }
            });
            return Ok(StreamableHttpPostResponse::Sse(events.boxed(), session));
        }
        if is_json {
            let text = text_of(response).await?;
            if let Incoming::Answer(answered, answer) = classify(&text) {
                if answered == id {
                    slot.fill(answer);
                }
                let message: ServerJsonRpcMessage = serde_json::from_str(&text)?;
                return Ok(StreamableHttpPostResponse::Json(message, session));
            }
        }
        if status.is_client_error() {
            // The server refused the request itself.
            slot.fill(RawAnswer::NotSent(format!("it answers HTTP {status}")));
        }
        Err(StreamableHttpError::UnexpectedServerResponse(format!("HTTP {status}").into()))
    }
}

/// Reads a body of bounded length.
async fn text_of(response: reqwest::Response) -> HttpResult<String> {
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(part) = body.next().await {
        let part = part.map_err(StreamableHttpError::Client)?;
        if bytes.len() + part.len() > LONGEST_LINE {
            return Err(StreamableHttpError::ResponseBodyTooLarge { max_size: LONGEST_LINE });
        }
        bytes.extend_from_slice(&part);
    }
    String::from_utf8(bytes)
        .map_err(|_| StreamableHttpError::UnexpectedServerResponse("it is not UTF-8".into()))
}

/// Ends a stream of events in which one is longer than 16 MiB.
fn bounded<S, B>(stream: S) -> BoxStream<'static, std::io::Result<B>>
where
    S: futures::Stream<Item = Result<B, reqwest::Error>> + Send + 'static,
    B: AsRef<[u8]> + Send + 'static,
{
    let limited = stream.scan(EventLength::default(), |length, part| {
        let part = part.map_err(std::io::Error::other).and_then(|part| {
            if length.after(part.as_ref()) > LONGEST_LINE {
                return Err(std::io::Error::other("an event is longer than 16 MiB"));
            }
            Ok(part)
        });
        std::future::ready(Some(part))
    });
    limited.boxed()
}

/// The length of the event that is being read, across the parts in which it comes.
#[derive(Debug, Default)]
struct EventLength {
    bytes: usize,
    /// True while the line that is being read is empty.
    is_at_start: bool,
    /// True if the last byte was a carriage return, which ends a line as `\n` and `\r\n` do.
    after_return: bool,
}

impl EventLength {
    /// Reads a part, and returns the longest length that an event has reached in it.
    fn after(&mut self, part: &[u8]) -> usize {
        let mut longest = 0;
        for byte in part {
            self.bytes += 1;
            longest = longest.max(self.bytes);
            let ends_line = matches!(byte, b'\r' | b'\n');
            if *byte == b'\n' && self.after_return {
                // The second half of `\r\n`.
            } else if ends_line && self.is_at_start {
                // An event ends with an empty line.
                self.bytes = 0;
            } else {
                self.is_at_start = ends_line;
            }
            self.after_return = *byte == b'\r';
        }
        longest
    }
}

impl StreamableHttpClient for ExactHttpClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        url: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<StreamableHttpPostResponse> {
        match slot_of(&message) {
            Some(exact) => self.post_exact(exact, url, message, session, token, headers).await,
            None => self.inner.post_message(url, message, session, token, headers).await,
        }
    }

    async fn post_message_with_response_limits(
        &self,
        url: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> HttpResult<StreamableHttpPostResponse> {
        if let Some(exact) = slot_of(&message) {
            return self.post_exact(exact, url, message, session, token, headers).await;
        }
        let inner = &self.inner;
        inner.post_message_with_response_limits(url, message, session, token, headers, limits).await
    }

    async fn delete_session(
        &self,
        url: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<()> {
        self.inner.delete_session(url, session, token, headers).await
    }

    async fn get_stream(
        &self,
        url: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> HttpResult<BoxStream<'static, Result<Sse, SseError>>> {
        self.inner.get_stream(url, session, last_event, token, headers).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        url: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        longest: usize,
    ) -> HttpResult<BoxStream<'static, Result<Sse, SseError>>> {
        let inner = &self.inner;
        inner
            .get_stream_with_max_sse_event_size(url, session, last_event, token, headers, longest)
            .await
    }
}

/// TLS with the roots that the machine trusts.
mod tls {
    use std::sync::Arc;

    pub(super) fn with_roots(client: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        let mut roots = rustls::RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (_added, _unreadable) = roots.add_parsable_certificates(found.certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        match config {
            Ok(config) => client.tls_backend_preconfigured(config),
            // Without versions in common, every connection fails.
            Err(_) => client,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_measured_one_by_one_in_any_parts_and_with_any_ends_of_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let event = format!("event: a{end}data: 12345{end}{end}");
            let stream = event.repeat(3);
            for part in 1..=stream.len() {
                let mut length = EventLength::default();
                let lengths = stream.as_bytes().chunks(part).map(|it| length.after(it));
                let longest = lengths.max().unwrap();
                assert!(longest <= event.len() + 1, "{end:?} in parts of {part}: {longest}");
                assert!(longest + 2 >= event.len(), "{end:?} in parts of {part}: {longest}");
            }
            let mut length = EventLength::default();
            let endless = format!("data: 1{end}").repeat(9);
            assert_eq!(length.after(endless.as_bytes()), endless.len());
        }
    }

    #[test]
    fn invariant_8_a_token_goes_over_tls_or_to_this_machine() {
        let token = || Some(BearerToken::Variable("X".to_owned()));
        for url in ["https://a.example/mcp", "http://127.0.0.1:1/mcp", "http://localhost:1/"] {
            assert!(HttpUpstream::new(url, token()).is_ok(), "{url}");
        }
        assert!(HttpUpstream::new("http://a.example/mcp", None).is_ok());
        for url in [
            "http://a.example/mcp",
            "http://127.0.0.1.a.example/",
            "http://localhost.a.example/",
            "ftp://a.example/",
            "a.example",
            "/mcp",
            "",
            "https://ann:pw@a.example/",
        ] {
            let error = HttpUpstream::new(url, token()).expect_err(url);
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }

    #[test]
    fn invariant_8_an_error_about_a_token_holds_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "s3cret with space").unwrap();
        let upstream =
            HttpUpstream::new("https://a.example", Some(BearerToken::File(path.clone()))).unwrap();
        let why = upstream.token().unwrap_err();
        assert!(!why.contains("s3cret") && why.contains("token"), "{why}");
        std::fs::write(&path, "s3cret\n").unwrap();
        assert_eq!(upstream.token(), Ok(Some("s3cret".to_owned())));
        std::fs::remove_file(&path).unwrap();
        assert!(upstream.token().is_err());
    }
}
