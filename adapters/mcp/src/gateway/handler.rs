//! The gateway as a client of an upstream: what the server sends of its own accord.

#![expect(deprecated, reason = "logging and sampling are of older versions, which have them")]

use std::sync::Arc;

use rmcp::model::{
    ClientCapabilities, ClientConfig, CreateMessageRequestParams, CreateMessageResult,
    ElicitRequestParams, ElicitResult, ElicitationCapability, FormElicitationCapability,
    Implementation, LoggingMessageNotificationParam, ProgressNotificationParam,
    ResourceUpdatedNotificationParam, SamplingCapability, UrlElicitationCapability,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, ErrorData, RoleClient};
use tokio::sync::Notify;

use super::call::answer_question;
use super::in_flight::InFlight;
use super::notices::{Notice, Notices};
use super::sampling::{Sampling, sample};

/// The gateway's side of one connection.
///
/// Roots are not declared, and sampling only if the operator has allowed it, so a server that asks
/// for them gets an error: what a model says on behalf of a server passes no gate.
#[derive(Clone, Debug)]
pub(super) struct UpstreamHandler {
    /// The name of the upstream.
    pub(super) name: Arc<str>,
    pub(super) in_flight: InFlight,
    pub(super) notices: Notices,
    pub(super) sampling: Sampling,
    /// Wakes the supervisor: the list of tools has changed.
    pub(super) tools_changed: Arc<Notify>,
}

impl ClientHandler for UpstreamHandler {
    fn get_info(&self) -> ClientConfig {
        let elicitation = ElicitationCapability::new()
            .with_form(FormElicitationCapability::default())
            .with_url(UrlElicitationCapability::default());
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(elicitation);
        if self.sampling == Sampling::Forward {
            capabilities.sampling = Some(SamplingCapability::default());
        }
        ClientConfig::new(capabilities, Implementation::new("hitl", env!("CARGO_PKG_VERSION")))
    }

    async fn create_elicitation(
        &self,
        question: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Ok(answer_question(self.in_flight.to_ask().as_ref(), &self.name, question).await)
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        sample(self.sampling, self.in_flight.to_ask().as_ref(), params).await
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        if let Some(client) = self.in_flight.of_token(&progress.progress_token) {
            client.progress(progress.progress, progress.total, progress.message);
        }
    }

    async fn on_logging_message(
        &self,
        message: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.notices.send(Notice::Logged(message));
    }

    async fn on_resource_updated(
        &self,
        updated: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.notices.send(Notice::ResourceUpdated(updated.uri));
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.notices.send(Notice::ResourcesChanged);
    }

    async fn on_prompt_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.notices.send(Notice::PromptsChanged);
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.tools_changed.notify_one();
    }
}
