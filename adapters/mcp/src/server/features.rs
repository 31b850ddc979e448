//! The seam for what a server offers besides the tools of its gate.

#![expect(deprecated, reason = "logging is deprecated in 2026-07-28, and older clients have it")]

use async_trait::async_trait;
use rmcp::model::{
    CallToolResult, CompleteRequestParams, CompleteResult, CustomNotification,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer};

/// The features of a server besides the tools of its gate: resources, prompts, completions,
/// logging, subscriptions; and how it lists the tools and passes on their outputs.
///
/// Every method has the default of a server that offers tools alone. A gateway implements it and
/// passes everything on to its upstream servers. Nothing here can start a tool: calls are the
/// server's, and pass through its gate.
///
/// The types are those of `rmcp`, of which this crate needs one version.
#[async_trait]
pub trait ServerFeatures: Send + Sync + 'static {
    /// Returns the name and version that the server gives of itself. `None` for the one that the
    /// builder was given.
    fn implementation(&self) -> Option<Implementation> {
        None
    }

    /// Returns the instructions for the client's model. `None` for those that the builder was
    /// given.
    fn instructions(&self) -> Option<String> {
        None
    }

    /// Returns the capabilities to advertise. `own` are those of the server itself (tools, and the
    /// tasks extension); the default adds nothing.
    fn capabilities(&self, own: ServerCapabilities) -> ServerCapabilities {
        own
    }

    /// Is awaited before the list of tools is read: a gateway waits a while for servers whose tools
    /// it does not know yet.
    async fn prepare(&self) {}

    /// Is awaited before a call of this tool is submitted, for the same reason.
    async fn prepare_call(&self, tool: &str) {
        let _ = tool;
    }

    /// Returns the entry of `tools/list` for a tool of the gate. `own` is the entry that the
    /// server made from the gate's description; a gateway returns what its upstream said, with
    /// icons, output schema, annotations and `_meta`. `None` leaves the tool out.
    fn tool(&self, own: Tool) -> Option<Tool> {
        Some(own)
    }

    /// Returns the text for a model that calls a tool which the gate does not have, where something
    /// is known of it: a gateway says that its definition has changed since a person approved it.
    /// The answer is a result with `isError`; with `None`, the default, it is the protocol's error
    /// for an unknown tool.
    fn missing_tool(&self, tool: &str) -> Option<String> {
        let _ = tool;
        None
    }

    /// Reads a tool's output, JSON text, that is a whole result of `tools/call`: what a gateway's
    /// bodies return, so that images, resources and structured content reach the client as they
    /// are. `None`, the default, if the output is the tool's own value.
    ///
    /// The server sets `resultType` by the client's version.
    fn whole_result(&self, tool: &str, output: &str) -> Option<CallToolResult> {
        let _ = (tool, output);
        None
    }

    /// Answers `resources/list`.
    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let _ = (request, context);
        Err(not_offered("resources/list"))
    }

    /// Answers `resources/templates/list`.
    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let _ = (request, context);
        Err(not_offered("resources/templates/list"))
    }

    /// Answers `resources/read`.
    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let _ = (request, context);
        Err(not_offered("resources/read"))
    }

    /// Answers `resources/subscribe`, which clients before 2026-07-28 send.
    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let _ = (request, context);
        Err(not_offered("resources/subscribe"))
    }

    /// Answers `resources/unsubscribe`, which clients before 2026-07-28 send.
    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let _ = (request, context);
        Err(not_offered("resources/unsubscribe"))
    }

    /// Answers `prompts/list`.
    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let _ = (request, context);
        Err(not_offered("prompts/list"))
    }

    /// Answers `prompts/get`.
    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let _ = (request, context);
        Err(not_offered("prompts/get"))
    }

    /// Answers `completion/complete`.
    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let _ = (request, context);
        Err(not_offered("completion/complete"))
    }

    /// Answers `logging/setLevel`.
    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let _ = (request, context);
        Err(not_offered("logging/setLevel"))
    }

    /// Returns the part of the filter of `subscriptions/listen` that is accepted. The server itself
    /// sends changes of the list of tools in any case; `None` adds nothing.
    fn accepted_subscriptions(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let _ = requested;
        None
    }

    /// Serves one subscription of a client of 2026-07-28 until it is cancelled: sends through
    /// [`SubscriptionContext::sink`] what it accepted. The server sends changes of the list of
    /// tools beside it.
    async fn listen(&self, subscription: &SubscriptionContext) -> Result<(), ErrorData> {
        subscription.cancelled().await;
        Ok(())
    }

    /// Is called once a client of an older version has finished its handshake. Its peer may be kept
    /// for notifications.
    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let _ = context;
    }

    /// Is called with a client's `notifications/progress`.
    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        let _ = (progress, context);
    }

    /// Is called when a client's roots have changed.
    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        let _ = context;
    }

    /// Is called with a notification that the protocol does not know.
    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) {
        let _ = (notification, context);
    }
}

/// The features of a server that offers the tools of its gate and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToolsOnly;

impl ServerFeatures for ToolsOnly {}

/// Returns the error for a method that the server does not offer.
pub(crate) fn not_offered(method: &'static str) -> ErrorData {
    ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, method, None)
}
