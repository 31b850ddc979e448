//! Tasks: calls by their ids, which outlive the server.

use std::sync::Arc;

use hitl_core::{CallRecord, CallState, Outcome, RequestId};
use rmcp::model::{
    DetailedTask, ElicitRequest, GetTaskResult, InputRequest, InputResponses, JsonObject, Task,
    TaskPayload, TaskStatus,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::call::{deliver, identify};
use super::delivery::Delivery;
use super::drive::POLL_INTERVAL_MS;
use super::identity::Caller;
use super::open_call::question_key;
use super::pending::{self, Place};
use super::results::ResultFor;
use super::shared::Shared;

/// A task of the caller of a request.
pub(super) struct CallersTask<'s> {
    shared: &'s Arc<Shared>,
    context: &'s RequestContext<RoleServer>,
    caller: Arc<Caller>,
    record: CallRecord,
}

impl<'s> CallersTask<'s> {
    /// Finds a task. Tasks of others are unknown.
    pub(super) async fn find(
        shared: &'s Arc<Shared>,
        id: &str,
        context: &'s RequestContext<RoleServer>,
    ) -> Result<Self, ErrorData> {
        let caller = identify(shared, context)?;
        let unknown = || ErrorData::invalid_params("there is no task of this id", None);
        let id: RequestId = id.parse().map_err(|_| unknown())?;
        let found = shared.gate.unscoped().get(&caller.context().tenant, id).await;
        let record = found.map_err(|error| {
            tracing::warn!(%error, "a task could not be read");
            ErrorData::internal_error("the task could not be read: try again", None)
        })?;
        let own = |record: &CallRecord| record.is_of(&caller.context().principal);
        let record = record.filter(own).ok_or_else(unknown)?;
        Ok(Self { shared, context, caller, record })
    }

    /// Answers `tasks/get`.
    pub(super) async fn get(&self) -> Result<GetTaskResult, ErrorData> {
        let (gate, id) = (&self.shared.gate, self.record.id());
        let tenant = &self.record.key().tenant;
        let outcome = gate.outcome(tenant, id).await.map_err(|error| {
            tracing::warn!(%error, "the outcome of a task could not be read");
            ErrorData::internal_error("the outcome could not be read: try again", None)
        })?;
        let payload = match &outcome {
            None | Some(Outcome::OutcomeUnknown(_)) => self.unfinished(),
            Some(Outcome::Cancelled { .. }) => TaskPayload::Cancelled,
            Some(outcome) => TaskPayload::Completed { result: self.result(outcome)? },
        };
        if payload.status().is_terminal() {
            self.shared.clients.close(self.record.key());
            let (gate, tenant) = (gate.clone(), tenant.clone());
            deliver(self.context, Delivery { gate, tenant, id });
        }
        let created = self.record.request().created_at.to_string();
        let updated = self.record.updated_at().to_string();
        let mut task = Task::new(id.to_string(), TaskStatus::Working, created, updated);
        if !payload.status().is_terminal() {
            task = task.with_status_message(self.status()).with_poll_interval_ms(POLL_INTERVAL_MS);
        }
        Ok(GetTaskResult::new(DetailedTask::new(task, payload)))
    }

    fn result(&self, outcome: &Outcome) -> Result<JsonObject, ErrorData> {
        let version = self.context.protocol_version();
        let tool = &self.record.request().tool;
        let features = &*self.shared.features;
        let result = ResultFor { tool, version: version.as_ref(), features }.of_outcome(outcome);
        let written = serde_json::to_value(result).ok();
        written
            .and_then(|value| value.as_object().cloned())
            .ok_or_else(|| ErrorData::internal_error("the result could not be written", None))
    }

    fn unfinished(&self) -> TaskPayload {
        let open = self.shared.clients.get(self.record.key());
        let questions = open.map(|open| open.questions()).unwrap_or_default();
        if questions.is_empty() {
            return TaskPayload::Working;
        }
        let asks = |(number, question)| {
            (question_key(number), InputRequest::Elicitation(ElicitRequest::new(question)))
        };
        TaskPayload::InputRequired { input_requests: questions.into_iter().map(asks).collect() }
    }

    fn status(&self) -> String {
        let open = self.shared.clients.get(self.record.key());
        let said = open.and_then(|open| open.message());
        if let (Some(said), CallState::Claimed) = (said, self.record.state()) {
            return said;
        }
        let place = Place::of(self.shared.console_url.as_deref(), self.record.id(), None);
        pending::status(self.record.state(), self.record.id(), &place)
    }

    /// Takes the answers of `tasks/update` to what the body of the call asks. Others are ignored.
    pub(super) fn update(&self, responses: &InputResponses) {
        if let Some(open) = self.shared.clients.get(self.record.key()) {
            open.answer_all(responses);
        }
    }

    /// Withdraws the call if it has not started; a body that runs learns of it.
    pub(super) async fn cancel(&self) {
        let why = "the client cancelled the task";
        let withdrawn = self.shared.gate.cancel(&self.record, self.caller.reviewer(), why).await;
        if let Err(error) = withdrawn {
            tracing::debug!(%error, call = %self.record.id(), "a task was not cancelled");
            if let Some(open) = self.shared.clients.get(self.record.key()) {
                open.cancelled().cancel();
            }
        }
    }
}
