//! The methods of the protocol, each passed to the part that answers it.

#![expect(deprecated, reason = "logging is deprecated in 2026-07-28, and older clients have it")]

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams,
    CancelledNotificationParam, CompleteRequestParams, CompleteResult, CustomNotification,
    CustomRequest, CustomResult, ErrorCode, GetPromptRequestParams, GetPromptResponse,
    GetTaskParams, GetTaskResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use super::call::serve_call;
use super::cancellations::Cancellations;
use super::complete::Complete;
use super::pending::CANCELLED;
use super::shared::Shared;
use super::tasks::CallersTask;
use super::tools::entry_of;

/// The time for which a client may take the list of tools as it was, in milliseconds.
const TOOLS_TTL_MS: u64 = 60_000;
/// The interval at which the server looks whether a client of a session has gone.
const GONE_CHECK: Duration = Duration::from_secs(60);
/// The longest time for which a resource, a prompt or the like is waited for. Clients give up
/// after about as long.
const FEATURE: Duration = Duration::from_secs(60);
/// The methods of the protocol whose parameters can be wrong.
const KNOWN_METHODS: [&str; 14] = [
    "initialize",
    "tools/call",
    "tools/list",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "subscriptions/listen",
    "server/discover",
];

/// The handler of one connection.
pub(super) struct Handler {
    shared: Arc<Shared>,
    cancellations: Cancellations,
}

impl Handler {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, cancellations: Cancellations::default() }
    }

    fn tools(&self) -> Vec<Tool> {
        let tools = self.shared.gate.tools();
        tools.iter().filter_map(|info| self.shared.features.tool(entry_of(info))).collect()
    }

    /// Waits for the answer to a request for a resource, a prompt or the like, until the client
    /// cancels it.
    async fn answer_feature<T>(
        &self,
        cancelled: CancellationToken,
        answer: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let Some(_share) = self.shared.capacity.take_feature() else {
            let why = "the server is busy: send the request again later";
            return Err(ErrorData::internal_error(why, None));
        };
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(ErrorData::internal_error(CANCELLED, None)),
            answered = tokio::time::timeout(FEATURE, answer) => answered.unwrap_or_else(|_| {
                let why = "there was no answer in time: send the request again later";
                Err(ErrorData::internal_error(why, None))
            }),
        }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        self.shared.info()
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let prepared = async {
            self.shared.features.prepare().await;
            Ok(())
        };
        self.answer_feature(context.ct, prepared).await?;
        let tools = ListToolsResult::with_all_items(self.tools());
        // The same for every caller; clients that listen learn of changes at once.
        Ok(tools.with_ttl_ms(TOOLS_TTL_MS).with_cache_scope(CacheScope::Private))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let info = self.shared.gate.tools().into_iter().find(|info| info.name == name)?;
        self.shared.features.tool(entry_of(&info))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let cancellation = self.cancellations.watch(&context.id);
        serve_call(&self.shared, request, context, cancellation).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        CallersTask::find(&self.shared, &request.task_id, &context).await?.get().await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let task = CallersTask::find(&self.shared, &request.task_id, &context).await?;
        task.update(&request.input_responses);
        Ok(())
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        CallersTask::find(&self.shared, &request.task_id, &context).await?.cancel().await;
        Ok(())
    }

    async fn on_cancelled(
        &self,
        notification: CancelledNotificationParam,
        _context: NotificationContext<RoleServer>,
    ) {
        if let Some(id) = &notification.request_id {
            self.cancellations.cancel(id);
        }
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // A request of the protocol whose parameters are not as they should be is none that `rmcp`
        // knows.
        if KNOWN_METHODS.contains(&request.method.as_str()) {
            let why =
                format!("the parameters of {} are not as the protocol has them", request.method);
            return Err(ErrorData::invalid_params(why, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.list_resources(request, context);
        self.answer_feature(ct, answer).await.map(Complete::complete)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.list_resource_templates(request, context);
        self.answer_feature(ct, answer).await.map(Complete::complete)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.read_resource(request, context);
        self.answer_feature(ct, answer).await.map(Complete::complete)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.subscribe(request, context);
        self.answer_feature(ct, answer).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.unsubscribe(request, context);
        self.answer_feature(ct, answer).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.list_prompts(request, context);
        self.answer_feature(ct, answer).await.map(Complete::complete)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.get_prompt(request, context);
        self.answer_feature(ct, answer).await.map(Complete::complete)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.complete(request, context);
        self.answer_feature(ct, answer).await.map(Complete::complete)
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let ct = context.ct.clone();
        let answer = self.shared.features.set_level(request, context);
        self.answer_feature(ct, answer).await
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let mut accepted =
            self.shared.features.accepted_subscriptions(requested).unwrap_or_default();
        accepted.tools_list_changed = requested.tools_list_changed;
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.shared.tools_changed.subscribe();
        let tells = context.accepted().tools_list_changed == Some(true);
        let served = self.shared.features.listen(&context);
        tokio::pin!(served);
        loop {
            tokio::select! {
                ended = &mut served => return ended,
                Ok(()) = changes.changed(), if tells => {
                    if context.sink().notify_tool_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let mut changes = self.shared.tools_changed.subscribe();
        let peer = context.peer.clone();
        // Ends with the server, or soon after the client has gone.
        tokio::spawn(async move {
            while !peer.is_transport_closed() {
                match tokio::time::timeout(GONE_CHECK, changes.changed()).await {
                    Err(_) => {}
                    Ok(Ok(())) if peer.notify_tool_list_changed().await.is_ok() => {}
                    Ok(_) => return,
                }
            }
        });
        self.shared.features.on_initialized(context).await;
    }

    async fn on_progress(
        &self,
        notification: ProgressNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        self.shared.features.on_progress(notification, context).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.shared.features.on_roots_list_changed(context).await;
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) {
        self.shared.features.on_custom_notification(notification, context).await;
    }
}
