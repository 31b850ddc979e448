//! Keeps the connection to an upstream: starts it, lists its tools, starts it again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::redact::Redactor;
use rmcp::RoleClient;
use rmcp::model::{
    ClientRequest, ListToolsRequest, PaginatedRequestParams, ProtocolVersion, SubscriptionFilter,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, Peer, PeerRequestOptions, RunningService,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::assembly::Assembly;
use super::back_off::BackOff;
use super::child::ChildTransport;
use super::handler::UpstreamHandler;
use super::link::{Connection, LinkState};
use super::notices::{Notice, Notices};
use super::spec::Target;
use super::upstream::Upstream;
use super::wire::{AnswerSlot, RawAnswer};
use crate::pins::DefinitionList;

/// The time that a server has for its handshake: interpreters on a busy machine need half a minute.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(90);
/// The time that a server has for one page of its list of tools.
const LIST_LIMIT: Duration = Duration::from_secs(60);
/// The most pages of one list.
const MOST_PAGES: usize = 200;
/// The time after which the pin file is looked at again, for changes of an operator.
const PIN_INTERVAL: Duration = Duration::from_millis(500);

/// The supervisor of one upstream.
#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) upstream: Upstream,
    /// The position of the upstream in the assembly.
    pub(super) at: usize,
    pub(super) assembly: Arc<Assembly>,
    pub(super) notices: Notices,
    pub(super) stop: CancellationToken,
}

/// The way in which the handshake is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handshake {
    /// The newest way first.
    Auto,
    /// The way of 2025-11-25 and before, for servers that end when they are asked anything else.
    Initialize,
}

impl Supervisor {
    /// Runs until it is stopped.
    pub(super) async fn run(self) {
        let mut back_off = BackOff::default();
        let mut handshake = Handshake::Auto;
        loop {
            let began = Instant::now();
            let why = tokio::select! {
                why = self.connect_and_keep(&mut handshake) => why,
                () = self.stop.cancelled() => break,
            };
            if self.stop.is_cancelled() {
                break;
            }
            let wait = back_off.after(began.elapsed());
            tracing::warn!(upstream = self.upstream.name(), why, retry_in = ?wait, "a server is not connected");
            self.upstream.link().set(LinkState::Down(why));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => break,
            }
            self.upstream.link().set(LinkState::Starting);
        }
        self.upstream.link().set(LinkState::Closed);
    }

    /// Connects, and returns why the connection has ended.
    async fn connect_and_keep(&self, handshake: &mut Handshake) -> String {
        let tools_changed = Arc::new(Notify::new());
        let handler = UpstreamHandler {
            name: self.upstream.name().into(),
            in_flight: self.upstream.in_flight().clone(),
            notices: self.notices.clone(),
            sampling: self.upstream.spec().sampling,
            tools_changed: Arc::clone(&tools_changed),
        };
        let connected =
            tokio::time::timeout(HANDSHAKE_LIMIT, self.connect(handler, *handshake)).await;
        let running = match connected {
            Ok(Ok(running)) => running,
            Ok(Err(why)) => {
                *handshake = match *handshake {
                    Handshake::Auto => Handshake::Initialize,
                    Handshake::Initialize => Handshake::Auto,
                };
                return why;
            }
            Err(_) => return "it did not answer within 90 seconds".to_owned(),
        };
        self.keep(running, &tools_changed).await
    }

    async fn connect(
        &self,
        handler: UpstreamHandler,
        handshake: Handshake,
    ) -> Result<RunningService<RoleClient, UpstreamHandler>, String> {
        let lifecycle = match handshake {
            Handshake::Auto => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
            },
            Handshake::Initialize => ClientLifecycleMode::Initialize,
        };
        let served = match &self.upstream.spec().target {
            Target::Command(command) => {
                let calls = self.upstream.in_flight().clone();
                let transport = ChildTransport::start(command, self.upstream.name(), calls)
                    .map_err(|error| {
                        format!("`{}` cannot be started: {error}", command.program())
                    })?;
                handler.serve_with_lifecycle(transport, lifecycle).await
            }
            Target::Http(server) => {
                handler.serve_with_lifecycle(server.transport()?, lifecycle).await
            }
        };
        served.map_err(|error| without_secrets(&format!("the handshake failed: {error}")))
    }

    /// Keeps a connection until it ends. The list of tools is read again whenever the server says
    /// that it has changed, and compared again whenever the pins have.
    async fn keep(
        &self,
        running: RunningService<RoleClient, UpstreamHandler>,
        tools_changed: &Notify,
    ) -> String {
        let peer = running.peer().clone();
        let ending = running.cancellation_token();
        // Read before the comparison: a change during it is compared with afterwards.
        let mut pins_then = self.assembly.pins().changed_at();
        let mut list = match self.list_and_compare(&peer).await {
            Ok(list) => list,
            Err(why) => {
                ending.cancel();
                let _ended = running.waiting().await;
                return why;
            }
        };
        let listening = listen(peer.clone(), tools_changed, &self.notices);
        let first = Instant::now() + PIN_INTERVAL;
        let mut pin_interval = tokio::time::interval_at(first, PIN_INTERVAL);
        let closed = running.waiting();
        tokio::pin!(closed, listening);
        loop {
            let checked = tokio::select! {
                _ = &mut closed => return "the server has ended".to_owned(),
                () = self.stop.cancelled() => {
                    ending.cancel();
                    let _ended = closed.await;
                    return "the gateway is ending".to_owned();
                }
                never = &mut listening => match never {},
                () = tools_changed.notified() => {
                    pins_then = self.assembly.pins().changed_at();
                    // Until the new list is compared, nothing is called.
                    self.upstream.link().set(LinkState::Starting);
                    self.list_and_compare(&peer).await.map(|new| list = new)
                }
                _ = pin_interval.tick() => {
                    let now = self.assembly.pins().changed_at();
                    if now == pins_then {
                        continue;
                    }
                    pins_then = now;
                    self.compare(&peer, &list).await
                }
            };
            if let Err(why) = checked {
                ending.cancel();
                let _ended = closed.await;
                return why;
            }
        }
    }

    async fn list_and_compare(&self, peer: &Peer<RoleClient>) -> Result<DefinitionList, String> {
        let list = list_tools(peer).await?;
        self.compare(peer, &list).await?;
        Ok(list)
    }

    async fn compare(&self, peer: &Peer<RoleClient>, list: &DefinitionList) -> Result<(), String> {
        let served =
            self.assembly.compare(self.at, list).await.map_err(|error| error.to_string())?;
        let connection = Connection { peer: peer.clone(), served };
        self.upstream.link().set(LinkState::Ready(Arc::new(connection)));
        Ok(())
    }
}

/// The URL of a server, and what it answers to one that it does not believe, may hold a secret.
fn without_secrets(why: &str) -> String {
    Redactor::standard().text(why).into_owned()
}

/// Reads the whole list of tools, each as it was sent.
async fn list_tools(peer: &Peer<RoleClient>) -> Result<DefinitionList, String> {
    let mut list = DefinitionList::default();
    if peer.peer_info().is_some_and(|info| info.capabilities.tools.is_none()) {
        return Ok(list);
    }
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let params = PaginatedRequestParams::default().with_cursor(cursor);
        let mut request = ListToolsRequest::with_param(params);
        let slot = AnswerSlot::default();
        request.extensions.insert(slot.clone());
        let sent = peer
            .send_request_with_option(
                ClientRequest::ListToolsRequest(request),
                PeerRequestOptions::with_timeout(LIST_LIMIT),
            )
            .await;
        let answered = match sent {
            Ok(handle) => handle.await_response().await.map(drop),
            Err(error) => Err(error),
        };
        let page = match (slot.answer(), answered) {
            (Some(RawAnswer::Result(page)), _) => page,
            (
                Some(
                    RawAnswer::Error { message, .. }
                    | RawAnswer::Unreadable(message)
                    | RawAnswer::NotSent(message),
                ),
                _,
            ) => {
                return Err(format!("it does not list its tools: {message}"));
            }
            (None, Err(error)) => return Err(format!("it does not list its tools: {error}")),
            (None, Ok(())) => return Err("it does not list its tools".to_owned()),
        };
        cursor = list.add_page(page).map_err(|error| error.to_string())?;
        if cursor.is_none() {
            return Ok(list);
        }
    }
    Err("its list of tools has more than 200 pages".to_owned())
}

/// Listens to the changes of a server that says them only to those who ask, from 2026-07-28 on.
/// Never ends: an older one says them anyway, and one that ends the subscription is asked no more.
async fn listen(peer: Peer<RoleClient>, tools_changed: &Notify, notices: &Notices) -> Infallible {
    use rmcp::model::ServerNotification as Said;
    let is_modern =
        peer.peer_info().is_some_and(|info| info.protocol_version >= ProtocolVersion::V_2026_07_28);
    if !is_modern {
        return std::future::pending().await;
    }
    let filter = SubscriptionFilter::builder()
        .tools_list_changed()
        .prompts_list_changed()
        .resources_list_changed()
        .build();
    let Ok(mut subscription) = peer.listen(filter).await else {
        return std::future::pending().await;
    };
    while let Ok(Some(said)) = subscription.next().await {
        match said {
            Said::ToolListChangedNotification(_) => tools_changed.notify_one(),
            Said::PromptListChangedNotification(_) => notices.send(Notice::PromptsChanged),
            Said::ResourceListChangedNotification(_) => notices.send(Notice::ResourcesChanged),
            _ => {}
        }
    }
    std::future::pending().await
}
