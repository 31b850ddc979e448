//! Serving over streamable HTTP: a tower service, for axum and others.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use rmcp::model::{ErrorCode, ErrorData, JsonObject, ProtocolVersion, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use tower_service::Service;

use super::arguments::{RawArguments, Unclear, find_arguments, read_object};
use super::delivering_body::{Arrivals, DeliveringBody};
use super::delivery::DeliverySlot;
use super::handler::Handler;
use super::message::id_of;
use super::server::McpServer;
use super::session_owners::{Owner, SessionOwners};
use super::shared::Shared;
use super::transport::MAX_LINE;

/// The most sessions of clients before 2026-07-28, which each hold memory.
const MAX_SESSIONS: usize = 1_024;
/// The header that names a session.
const SESSION: &str = "mcp-session-id";
/// The header that names the version of a request.
const VERSION: &str = "mcp-protocol-version";
/// The method that opens a session.
const HANDSHAKE: &str = "initialize";
/// The methods that 2026-07-28 no longer has. `rmcp` would read their parameters by the rules of
/// older versions.
const REMOVED: [&str; 4] =
    [HANDSHAKE, "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// The settings of serving over HTTP.
///
/// A page in a browser must not reach a server on the user's machine: requests must name a host
/// that is allowed, and those with an `Origin` one that is allowed too.
#[derive(Clone, Debug)]
#[must_use = "give it to `McpServer::http_service`"]
pub struct HttpSettings {
    hosts: Vec<String>,
    origins: Vec<String>,
    max_body: usize,
}

impl Default for HttpSettings {
    /// Returns settings for this machine only: `localhost`, `127.0.0.1` and `::1`, no page of a
    /// browser, and bodies of 4 MiB.
    fn default() -> Self {
        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        Self { hosts, origins: Vec::new(), max_body: MAX_LINE }
    }
}

impl HttpSettings {
    /// Allows these hosts, and no others: names or `name:port`, as clients put them in `Host`.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Allows pages of these origins, like `https://app.example.com:443`. Without it no page may
    /// send requests.
    pub fn origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the size of the largest body, in bytes.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

impl McpServer {
    /// Returns the server as a tower service, for the path at which the host serves it:
    /// `Router::new().nest_service("/mcp", server.http_service(HttpSettings::default()))`.
    ///
    /// Put the layers that verify tokens before it; see
    /// [`Identity::of_request`](super::Identity::of_request). With
    /// [`Identity::fixed`](super::Identity::fixed), everybody who reaches the address
    /// is that person.
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub fn http_service(&self, settings: HttpSettings) -> McpHttpService {
        let HttpSettings { hosts, origins, max_body } = settings;
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts)
            .with_allowed_origins(origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(max_body);
        let sessions = Arc::new(LocalSessionManager::default());
        let shared = self.shared();
        let of_handlers = Arc::clone(&shared);
        let handler = move || Ok(Handler::new(Arc::clone(&of_handlers)));
        let inner = StreamableHttpService::new(handler, Arc::clone(&sessions), config);
        McpHttpService {
            inner,
            sessions,
            owners: SessionOwners::default(),
            arrivals: Arrivals::default(),
            shared,
            max_body,
        }
    }
}

/// A server over HTTP, as a tower service. Cheap to clone.
#[derive(Clone)]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub struct McpHttpService {
    inner: StreamableHttpService<Handler, LocalSessionManager>,
    sessions: Arc<LocalSessionManager>,
    owners: SessionOwners,
    arrivals: Arrivals,
    shared: Arc<Shared>,
    max_body: usize,
}

/// The answer to an HTTP request.
type HttpAnswer = Response<BoxBody<Bytes, Infallible>>;

impl McpHttpService {
    async fn answer<B>(self, request: Request<B>) -> HttpAnswer
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        B::Data: Send,
    {
        self.shared.begin_executing();
        let (mut head, body) = request.into_parts();
        let caller = match self.shared.identity.of_head(&head) {
            Ok(caller) => caller.context().clone(),
            Err(unknown) => return plain(StatusCode::UNAUTHORIZED, unknown.to_string()),
        };
        let owner = Owner { tenant: caller.tenant, principal: caller.principal };
        let session = head.headers.get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        if let Some(session) = &session
            && !self.owners.is_of(session, &owner)
        {
            return plain(StatusCode::NOT_FOUND, "there is no such session".to_owned());
        }
        if head.method != Method::POST {
            let body = body.map_err(Into::into).boxed_unsync();
            return self.inner.handle(Request::from_parts(head, body)).await;
        }
        let body = match Limited::new(body, self.max_body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let why =
                    format!("the body exceeds {} bytes; nothing of it was read", self.max_body);
                return plain(StatusCode::PAYLOAD_TOO_LARGE, why);
            }
            Err(_) => return plain(StatusCode::BAD_REQUEST, "the body was not read".to_owned()),
        };
        if session.is_none() && self.is_full(&body).await {
            let why = "too many sessions are open; try again later".to_owned();
            return plain(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        let version = head.headers.get(VERSION).and_then(|version| version.to_str().ok());
        if let Some(error) = removed_method(version, &body) {
            return error_message(StatusCode::NOT_FOUND, error, &body);
        }
        // What a layer before put there is not the client's.
        head.extensions.remove::<RawArguments>();
        let slot = DeliverySlot::default();
        head.extensions.insert(slot.clone());
        let body = match keep_arguments(&body) {
            Ok(None) => body,
            Ok(Some((arguments, body))) => {
                head.extensions.insert(arguments);
                // The next call is a new one if the last outcome has arrived.
                self.arrivals.until_none_of(&owner).await;
                body
            }
            Err(refused) => return *refused,
        };
        let answer = self.inner.handle(Request::from_parts(head, Full::new(body))).await;
        let opened = answer.headers().get(SESSION).and_then(|id| id.to_str().ok());
        if let (None, Some(opened)) = (session, opened) {
            self.owners.add(opened, owner.clone(), &self.sessions).await;
        }
        answer.map(|body| DeliveringBody::new(body, slot, self.arrivals, owner).boxed())
    }

    /// Returns whether a request would open a session for which there is no room.
    async fn is_full(&self, body: &Bytes) -> bool {
        may_open_session(body) && self.sessions.sessions.read().await.len() >= MAX_SESSIONS
    }
}

impl<B> Service<Request<B>> for McpHttpService
where
    B: Body + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    B::Data: Send,
{
    type Response = HttpAnswer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpAnswer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

impl fmt::Debug for McpHttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "McpHttpService({:?})", self.shared.gate)
    }
}

/// Takes the arguments of a call out of a body. `None` if it is no call.
///
/// The arguments stay in the body, because headers are compared with them, unless `rmcp` could not
/// read them: then the gate alone reads them.
fn keep_arguments(body: &Bytes) -> Result<Option<(RawArguments, Bytes)>, Box<HttpAnswer>> {
    let Ok(text) = str::from_utf8(body) else { return Ok(None) };
    match find_arguments(text) {
        Ok(None) => Ok(None),
        Ok(Some(found)) => {
            let readable = serde_json::from_str::<JsonObject>(found.arguments.text()).is_ok();
            let rest = if readable {
                body.clone()
            } else {
                Bytes::from(found.without_arguments(text).into_owned())
            };
            Ok(Some((found.arguments, rest)))
        }
        // `rmcp` says what is wrong with what is no request.
        Err(Unclear::Message) if id_of(text).is_none() => Ok(None),
        Err(unclear) => {
            let error = ErrorData::new(ErrorCode::INVALID_PARAMS, unclear.to_string(), None);
            Err(Box::new(error_message(StatusCode::BAD_REQUEST, error, body)))
        }
    }
}

/// Returns whether a request without a session may open one: it is a handshake, or it cannot be
/// read here.
fn may_open_session(body: &[u8]) -> bool {
    method_of(body).is_none_or(|method| method == HANDSHAKE)
}

/// Returns the method of a message. `None` if it is unclear.
fn method_of(body: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Named<'b> {
        #[serde(borrow)]
        method: Cow<'b, str>,
    }
    read_object::<Named<'_>>(str::from_utf8(body).ok()?).map(|named| named.method)
}

/// Returns the error for a request of a version that does not have its method any more.
fn removed_method(version: Option<&str>, body: &[u8]) -> Option<ErrorData> {
    // Versions are dates, so their texts are in their order.
    if version? < ProtocolVersion::V_2026_07_28.as_str() {
        return None;
    }
    let method = method_of(body)?;
    REMOVED
        .contains(&&*method)
        .then(|| ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method.into_owned(), None))
}

/// Returns an error as the answer to the request of this body.
fn error_message(status: StatusCode, error: ErrorData, body: &[u8]) -> HttpAnswer {
    let id = str::from_utf8(body).ok().and_then(id_of);
    let json = serde_json::to_vec(&ServerJsonRpcMessage::error(error, id)).unwrap_or_default();
    let mut answer = plain(status, String::new());
    let json_type = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, json_type);
    *answer.body_mut() = Full::new(Bytes::from(json)).boxed();
    answer
}

fn plain(status: StatusCode, text: String) -> HttpAnswer {
    let mut answer = Response::new(Full::new(Bytes::from(text)).boxed());
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_method_is_unknown_from_2026_07_28_on() {
        let body = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        for method in REMOVED {
            let at = |version| removed_method(version, body(method).as_bytes());
            assert_eq!(at(Some("2026-07-28")).unwrap().code, ErrorCode::METHOD_NOT_FOUND);
            assert!(at(Some("2025-11-25")).is_none() && at(None).is_none(), "{method}");
        }
        for other in ["tools/list", "resources/read", "Initialize"] {
            assert!(removed_method(Some("2026-07-28"), body(other).as_bytes()).is_none());
        }
        assert!(removed_method(Some("2026-07-28"), b"[]").is_none());
    }
    #[test]
    fn every_body_that_opens_a_session_is_counted_as_one() {
        for opens in [
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
            r#"{"id":1,"method":"initi\u0061lize"}"#,
            r#" {"m\u0065thod" : "\u0069nitialize"}"#,
            // What is unclear here could be clear to what reads it next.
            r#"{"method":"initialize","method":"tools/list"}"#,
            r#"{"method":"tools/list","method":"initialize"}"#,
            r#"[{"method":"initialize"}]"#,
            r#"{"method":7}"#,
            r#"{"method":"tools/list""#,
            "",
        ] {
            assert!(may_open_session(opens.as_bytes()), "{opens}");
        }
        assert!(may_open_session(b"\xff"));
        for other in [
            r#"{"method":"tools/list"}"#,
            r#"{"method":"tools/call","params":{"name":"\"initialize\"","method":"initialize"}}"#,
        ] {
            assert!(!may_open_session(other.as_bytes()), "{other}");
        }
    }
}
