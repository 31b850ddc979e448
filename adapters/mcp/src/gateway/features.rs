//! Everything but tools, passed on to the upstreams.

#![expect(
    deprecated,
    reason = "logging and old subscriptions are of older versions, which have them"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use rmcp::model::{
    CallToolResult, CompleteRequestParams, CompleteResult, ErrorCode, GetPromptRequestParams,
    GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    LoggingLevel, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    Reference, ResourceUpdatedNotificationParam, ServerCapabilities, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, Peer, RequestContext, ServiceError, SubscriptionContext};
use rmcp::{ErrorData, RoleServer};

use super::catalog::Catalog;
use super::link::Connection;
use super::notices::{Notice, Notices};
use super::upstream::Upstream;
use crate::server::ServerFeatures;

/// The time for which a request waits for a server that is being started.
const START_LIMIT: Duration = Duration::from_secs(30);
/// The time for which a list of tools waits for servers that have not been heard of: shorter than
/// the limits of clients, which get `list_changed` afterwards.
const LIST_LIMIT: Duration = Duration::from_secs(20);
/// Between the name of an upstream and that of its prompt, where there are several upstreams.
const SEPARATOR: &str = "__";
/// The most resources of which it is known whose they are.
const MOST_RESOURCES: usize = 20_000;

/// Everything that a gateway offers besides tools.
pub(super) struct GatewayFeatures {
    upstreams: Vec<Upstream>,
    catalog: Arc<Catalog>,
    notices: Notices,
    level: Mutex<Option<LoggingLevel>>,
    /// The positions of the upstreams that listed resources last, by URI. Empty for only one.
    resources: Mutex<HashMap<String, usize>>,
}

impl fmt::Debug for GatewayFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.upstreams.iter().map(Upstream::name).collect();
        write!(f, "GatewayFeatures({names:?})")
    }
}

/// A connection, with the upstream that it is to.
type Connected<'u> = (&'u Upstream, Arc<Connection>);

impl GatewayFeatures {
    pub(super) fn new(upstreams: Vec<Upstream>, catalog: Arc<Catalog>, notices: Notices) -> Self {
        let (level, resources) = (Mutex::new(None), Mutex::default());
        Self { upstreams, catalog, notices, level, resources }
    }

    pub(super) fn upstreams(&self) -> &[Upstream] {
        &self.upstreams
    }

    /// Returns the connections that have a capability. A server that cannot be reached is left out,
    /// unless it is the only one.
    async fn having(
        &self,
        has: impl Fn(&ServerCapabilities) -> bool,
    ) -> Result<Vec<Connected<'_>>, ErrorData> {
        // At once: several servers that are down take the time of one.
        let ready = self.upstreams.iter().map(|upstream| upstream.link().ready(START_LIMIT));
        let mut found = Vec::new();
        for (upstream, ready) in self.upstreams.iter().zip(join_all(ready).await) {
            match ready {
                Ok(connection) => {
                    if connection.info().is_some_and(|info| has(&info.capabilities)) {
                        found.push((upstream, connection));
                    }
                }
                Err(why) if self.upstreams.len() == 1 => return Err(unreachable(upstream, &why)),
                Err(why) => left_out(upstream, &why),
            }
        }
        Ok(found)
    }

    /// Returns the connection of the server that listed a resource; of a resource that no list had,
    /// those of all servers with resources.
    async fn of_uri(&self, uri: &str) -> Result<Vec<Connected<'_>>, ErrorData> {
        let Some(at) = self.resources().get(uri).copied() else {
            return self.having(|it| it.resources.is_some()).await;
        };
        let Some(upstream) = self.upstreams.get(at) else { return Ok(Vec::new()) };
        let ready = upstream.link().ready(START_LIMIT).await;
        let connection = ready.map_err(|why| unreachable(upstream, &why))?;
        Ok(vec![(upstream, connection)])
    }

    fn resources(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn are_several(&self) -> bool {
        self.upstreams.len() > 1
    }

    /// Returns the upstream that a prompt's name is of, and its name there.
    async fn of_prompt<'u>(&'u self, name: &str) -> Result<(Connected<'u>, String), ErrorData> {
        let names = self.upstreams.iter().map(Upstream::name);
        let Some((at, own)) = owner_of_prompt(names, name) else {
            return Err(ErrorData::invalid_params("there is no prompt of this name", None));
        };
        let upstream = &self.upstreams[at];
        let ready = upstream.link().ready(START_LIMIT).await;
        let connection = ready.map_err(|why| unreachable(upstream, &why))?;
        Ok(((upstream, connection), own.to_owned()))
    }
}

/// Returns the position of the upstream that a prompt is of, and its name there. One upstream may
/// be named `a` and another one `a__b`: the longest name counts, as a list has written it.
fn owner_of_prompt<'u, 'n>(
    upstreams: impl ExactSizeIterator<Item = &'u str>,
    name: &'n str,
) -> Option<(usize, &'n str)> {
    if upstreams.len() == 1 {
        return Some((0, name));
    }
    let own = |(at, upstream): (usize, &str)| {
        let own = name.strip_prefix(upstream)?.strip_prefix(SEPARATOR)?;
        Some((at, own))
    };
    upstreams.enumerate().filter_map(own).min_by_key(|(_, own)| own.len())
}

fn left_out(upstream: &Upstream, why: &str) {
    tracing::warn!(upstream = upstream.name(), why, "a server is left out of a list");
}

fn unreachable(upstream: &Upstream, why: &str) -> ErrorData {
    let message = format!("the server `{}` cannot be reached: {why}", upstream.name());
    ErrorData::internal_error(message, None)
}

/// Returns the lists that came. A server that fails does not cost those of the others.
fn listed<'u, T>(
    asked: &[Connected<'u>],
    answers: Vec<Result<Vec<T>, ServiceError>>,
) -> Vec<(&'u Upstream, Vec<T>)> {
    let mut found = Vec::new();
    for ((upstream, _), answer) in asked.iter().zip(answers) {
        match answer {
            Ok(list) => found.push((*upstream, list)),
            Err(error) => left_out(upstream, &error.to_string()),
        }
    }
    found
}

/// Returns the error of an upstream as it was, and others in words.
fn passed_on(error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        other => ErrorData::internal_error(format!("the server gave no answer: {other}"), None),
    }
}

#[async_trait]
impl ServerFeatures for GatewayFeatures {
    fn instructions(&self) -> Option<String> {
        let all = self.upstreams.iter().filter_map(|upstream| {
            let said = upstream.link().now()?.info()?.instructions.clone()?;
            Some(if self.are_several() { format!("# {}\n{said}", upstream.name()) } else { said })
        });
        let all: Vec<_> = all.collect();
        (!all.is_empty()).then(|| all.join("\n\n"))
    }

    fn capabilities(&self, mut own: ServerCapabilities) -> ServerCapabilities {
        let all = ServerCapabilities::builder()
            .enable_logging()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .build();
        let known: Vec<_> =
            self.upstreams.iter().filter_map(|upstream| upstream.link().now()?.info()).collect();
        // A handshake does not wait for servers: what is not known yet is offered, and answered
        // with empty lists if it is not there.
        let is_known = known.len() == self.upstreams.len();
        let any = |has: fn(&ServerCapabilities) -> bool| {
            !is_known || known.iter().any(|info| has(&info.capabilities))
        };
        if any(|it| it.logging.is_some()) {
            own.logging = all.logging;
        }
        if any(|it| it.completions.is_some()) {
            own.completions = all.completions;
        }
        if any(|it| it.prompts.is_some()) {
            own.prompts = all.prompts;
        }
        if any(|it| it.resources.is_some()) {
            own.resources = all.resources;
        }
        own
    }

    async fn prepare(&self) {
        let waits = self.upstreams.iter().map(|upstream| upstream.link().settled(LIST_LIMIT));
        join_all(waits).await;
    }

    async fn prepare_call(&self, tool: &str) {
        // A server that is down does not hold up the tools of the others.
        if self.catalog.get(tool).is_none() {
            self.prepare().await;
        }
    }

    fn tool(&self, own: Tool) -> Option<Tool> {
        Some(self.catalog.get(&own.name).unwrap_or(own))
    }

    fn missing_tool(&self, tool: &str) -> Option<String> {
        self.catalog.withheld(tool).map(|reason| reason.for_model(tool))
    }

    fn whole_result(&self, tool: &str, output: &str) -> Option<CallToolResult> {
        // Also of a tool that has left the list since.
        let _ = tool;
        serde_json::from_str(output).ok()
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let found = self.having(|it| it.resources.is_some()).await?;
        if let ([(_, connection)], false) = (found.as_slice(), self.are_several()) {
            return connection.peer.list_resources(request).await.map_err(passed_on);
        }
        let lists = found.iter().map(|(_, connection)| connection.peer.list_all_resources());
        let (mut all, mut owners) = (Vec::new(), HashMap::new());
        for (upstream, list) in listed(&found, join_all(lists).await) {
            let at = self.upstreams.iter().position(|it| it.name() == upstream.name());
            for resource in list {
                if let Some(at) = at
                    && owners.len() < MOST_RESOURCES
                {
                    // Of two servers with one URI, the first is asked.
                    owners.entry(resource.uri.clone()).or_insert(at);
                }
                all.push(resource);
            }
        }
        *self.resources() = owners;
        Ok(ListResourcesResult::with_all_items(all))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let found = self.having(|it| it.resources.is_some()).await?;
        if let ([(_, connection)], false) = (found.as_slice(), self.are_several()) {
            return connection.peer.list_resource_templates(request).await.map_err(passed_on);
        }
        let lists = found.iter().map(|(_, it)| it.peer.list_all_resource_templates());
        let lists = listed(&found, join_all(lists).await);
        let all = lists.into_iter().flat_map(|(_, list)| list).collect();
        Ok(ListResourceTemplatesResult::with_all_items(all))
    }

    async fn read_resource(
        &self,
        mut request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        // Tokens and versions of the client's own connection are not for the server.
        request.meta = None;
        let mut last =
            ErrorData::new(ErrorCode::RESOURCE_NOT_FOUND, "there is no such resource", None);
        for (_, connection) in self.of_uri(&request.uri).await? {
            match connection.peer.read_resource_once(request.clone()).await {
                Ok(response) => return Ok(response),
                Err(error) => last = passed_on(error),
            }
        }
        Err(last)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut last =
            ErrorData::new(ErrorCode::RESOURCE_NOT_FOUND, "there is no such resource", None);
        for (_, connection) in self.of_uri(&request.uri).await? {
            if connection.is_modern() {
                continue;
            }
            let request = SubscribeRequestParams::new(request.uri.clone());
            match connection.peer.subscribe(request).await {
                Ok(()) => return Ok(()),
                Err(error) => last = passed_on(error),
            }
        }
        Err(last)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        for (_, connection) in self.of_uri(&request.uri).await? {
            if !connection.is_modern() {
                let request = UnsubscribeRequestParams::new(request.uri.clone());
                // Only one of them knows the subscription.
                let _unknown = connection.peer.unsubscribe(request).await;
            }
        }
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let found = self.having(|it| it.prompts.is_some()).await?;
        if let ([(_, connection)], false) = (found.as_slice(), self.are_several()) {
            return connection.peer.list_prompts(request).await.map_err(passed_on);
        }
        let mut all = Vec::new();
        let lists = found.iter().map(|(_, connection)| connection.peer.list_all_prompts());
        for (upstream, list) in listed(&found, join_all(lists).await) {
            for mut prompt in list {
                if self.are_several() {
                    prompt.name = format!("{}{SEPARATOR}{}", upstream.name(), prompt.name);
                }
                all.push(prompt);
            }
        }
        Ok(ListPromptsResult::with_all_items(all))
    }

    async fn get_prompt(
        &self,
        mut request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let ((_, connection), name) = self.of_prompt(&request.name).await?;
        request.name = name;
        request.meta = None;
        connection.peer.get_prompt_once(request).await.map_err(passed_on)
    }

    async fn complete(
        &self,
        mut request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        request.meta = None;
        if let Reference::Prompt(prompt) = &mut request.r#ref {
            let ((_, connection), name) = self.of_prompt(&prompt.name).await?;
            prompt.name = name;
            return connection.peer.complete(request).await.map_err(passed_on);
        }
        let mut last = ErrorData::invalid_params("there is nothing to complete", None);
        for (_, connection) in self.having(|it| it.completions.is_some()).await? {
            match connection.peer.complete(request.clone()).await {
                Ok(result) => return Ok(result),
                Err(error) => last = passed_on(error),
            }
        }
        Err(last)
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.level);
        for (_, connection) in self.having(|it| it.logging.is_some()).await? {
            if !connection.is_modern() {
                let request = SetLevelRequestParams::new(request.level);
                connection.peer.set_level(request).await.map_err(passed_on)?;
            }
        }
        Ok(())
    }

    fn accepted_subscriptions(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = SubscriptionFilter::new();
        accepted.prompts_list_changed = requested.prompts_list_changed;
        accepted.resources_list_changed = requested.resources_list_changed;
        accepted.resource_subscriptions.clone_from(&requested.resource_subscriptions);
        Some(accepted)
    }

    async fn listen(&self, subscription: &SubscriptionContext) -> Result<(), ErrorData> {
        let mut notices = self.notices.subscribe();
        let accepted = subscription.accepted().clone();
        for uri in accepted.resource_subscriptions.iter().flatten() {
            for upstream in &self.upstreams {
                let Some(connection) = upstream.link().now() else { continue };
                if !connection.is_modern() {
                    let request = SubscribeRequestParams::new(uri.clone());
                    // Only one of them has the resource.
                    let _unknown = connection.peer.subscribe(request).await;
                }
            }
        }
        loop {
            let notice = tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                notice = notices.recv() => notice,
            };
            let sink = subscription.sink();
            let sent = match notice {
                Ok(Notice::PromptsChanged) if accepted.prompts_list_changed == Some(true) => {
                    sink.notify_prompt_list_changed().await
                }
                Ok(Notice::ResourcesChanged) if accepted.resources_list_changed == Some(true) => {
                    sink.notify_resource_list_changed().await
                }
                Ok(Notice::ResourceUpdated(uri))
                    if accepted.resource_subscriptions.iter().flatten().any(|it| *it == uri) =>
                {
                    sink.notify_resource_updated(uri).await
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return Ok(()),
                _ => Ok(()),
            };
            if sent.is_err() {
                return Ok(());
            }
        }
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let notices = self.notices.subscribe();
        tokio::spawn(pass_on(notices, context.peer));
    }
}

/// Passes notices on to a client of an older version, until it is gone.
async fn pass_on(mut notices: tokio::sync::broadcast::Receiver<Notice>, client: Peer<RoleServer>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        let sent = match notices.recv().await {
            Ok(Notice::Logged(message)) => client.notify_logging_message(message).await,
            Ok(Notice::ResourceUpdated(uri)) => {
                client.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await
            }
            Ok(Notice::ResourcesChanged) => client.notify_resource_list_changed().await,
            Ok(Notice::PromptsChanged) => client.notify_prompt_list_changed().await,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_of_the_upstream_with_the_longest_name() {
        let of = |names: &[&'static str], prompt| owner_of_prompt(names.iter().copied(), prompt);
        assert_eq!(of(&["a"], "a__greet"), Some((0, "a__greet")));
        for names in [["a", "a__b"], ["a__b", "a"]] {
            let place = |name| names.iter().position(|it| *it == name).unwrap();
            assert_eq!(of(&names, "a__b__greet"), Some((place("a__b"), "greet")));
            assert_eq!(of(&names, "a__c__greet"), Some((place("a"), "c__greet")));
            for absent in ["c__greet", "a_greet", "greet", ""] {
                assert_eq!(of(&names, absent), None, "{absent}");
            }
        }
    }
}
