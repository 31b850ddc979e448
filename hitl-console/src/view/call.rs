//! A call: a line of the queue, and all of it.

use std::sync::Arc;

use hitl_base::{JsonText, Timestamp};
use hitl_core::approval::{Again, Answer, ApprovalRequest, Extent, KnownBy, Rendered};
use hitl_core::machine::{Decided, Ending};
use hitl_core::{
    ApprovalLevel, BindingDigest, CallRecord, CallState, Gate, GrantId, Principal, Priority,
    RequestId, Risk, Thresholds, reviewer_factors, weighted,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::RequestDocument;

/// A call as a line of the queue. Of bounded size; redacted; may hold text from the model.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallSummary {
    /// The call's id.
    #[schema(value_type = String)]
    pub(crate) id: RequestId,
    /// Counts the changes of its record.
    pub(crate) version: u64,
    /// `pending`, `approved`, `executed`, ..
    #[schema(value_type = String)]
    pub(crate) state: CallState,
    /// Which revision this shows; a decision names it.
    pub(crate) revision: u32,
    /// What a decision on this revision must name.
    #[schema(value_type = String)]
    pub(crate) binding: BindingDigest,
    /// The tool.
    pub(crate) tool: String,
    /// One line that says what would happen.
    pub(crate) title: String,
    /// `general`, `contract`, `deletion`, ..
    pub(crate) approval_type: String,
    /// `low`, `medium`, `high`, `critical`.
    #[schema(value_type = String)]
    pub(crate) risk: Risk,
    /// `quick` or `full`.
    #[schema(value_type = String)]
    pub(crate) level: ApprovalLevel,
    /// `medium`, `high`, `urgent`.
    #[schema(value_type = String)]
    pub(crate) priority: Priority,
    /// 0 to 100.
    pub(crate) confidence: u8,
    /// This tool's own thresholds: `auto`, `quick`.
    #[schema(value_type = Object)]
    pub(crate) thresholds: Thresholds,
    /// A rejection must say why.
    pub(crate) requires_reason: bool,
    /// How many places are masked that a reviewer can uncover; left out when there are none.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) to_uncover: usize,
    /// Who asked.
    #[schema(value_type = String)]
    pub(crate) principal: Principal,
    /// The agent or service that submitted in their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) agent: Option<Principal>,
    /// The agent's run.
    pub(crate) run: String,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// When it should be decided.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) due_at: Timestamp,
    /// When it can no longer be decided or run.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) expires_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: Timestamp,
    /// The decision that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decided: Option<DecidedView>,
    /// Retention has erased what it was about.
    pub(crate) erased: bool,
}

/// A decision as it was taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecidedView {
    /// `approve`, `reject`, `respond`, `abort`.
    #[schema(value_type = String)]
    pub(crate) answer: hitl_core::approval::Choice,
    /// The reviewer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) words: Option<String>,
    /// It was rejected, and the model may ask for it again in the same run.
    pub(crate) may_ask_again: bool,
    /// Who decided.
    #[schema(value_type = String)]
    pub(crate) by: Principal,
    /// How it was known who they are: `host`, `token`, `totp`, `code`, `terminal`, ..
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) known_by: Option<KnownBy>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
}

/// A call as its card shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallDetail {
    #[serde(flatten)]
    summary: CallSummary,
    /// What a reviewer is shown, and what their decision names.
    #[schema(value_type = RequestDocument)]
    request: Arc<ApprovalRequest>,
    /// The request as every surface shows it: warnings, and lines that are safe to show as text.
    #[schema(value_type = Object)]
    rendered: Rendered,
    /// What a reviewer should know of the tool as it is now: that it has changed or is gone, that
    /// no executor is alive, or that it is not known. It is among the warnings too.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_warning: Option<String>,
    /// The arguments as exact text: programs that read numbers as floating point would round them.
    arguments_text: String,
    /// What must be typed to approve a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<String>,
    /// Why no grant can be given on it, whatever the terms; left out where terms decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_grant: Option<String>,
    /// The grant that it runs on.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<GrantId>,
    /// The JSON Schema of the tool's arguments, where the tool is registered here.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<JsonText>,
    /// The breakdown for a reviewer: four scores, 0 to 100, and their weights.
    factors: Vec<FactorView>,
    /// Their weighted sum.
    weighted: f64,
    /// What the host has verified of who asked.
    roles: Vec<String>,
    /// The host has verified the workspace.
    workspace_verified: bool,
    /// Who asked said that it is urgent.
    time_sensitive: bool,
    /// A live caller waits for it.
    attached: bool,
    /// How often it was claimed.
    attempts: u32,
    /// Why it ended as it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<String>,
    /// Who has approved this revision so far, where it needs several people.
    #[schema(value_type = Vec<String>)]
    approved_by: Vec<Principal>,
    /// Who is looking at it now.
    #[schema(value_type = Vec<String>)]
    onlookers: Vec<Principal>,
    /// The present, by the clock that expiry is judged by.
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// One line of a card's breakdown.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FactorView {
    /// What is judged.
    name: &'static str,
    /// 0 to 100; more is safer.
    score: u8,
    /// Its share; the shares sum to 1.
    weight: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl CallSummary {
    pub(crate) fn of(record: &CallRecord) -> Self {
        let request = &record.request;
        Self {
            id: request.id,
            version: record.version,
            state: record.state,
            revision: request.revision,
            binding: request.binding,
            tool: request.tool.clone(),
            title: request.title.clone(),
            approval_type: request.approval_type.clone(),
            risk: request.risk,
            level: request.level,
            priority: request.priority,
            confidence: request.assessment.confidence,
            thresholds: request.thresholds,
            requires_reason: request.requires_reason,
            to_uncover: if request.needs_uncovering() { request.undeclared_masks() } else { 0 },
            principal: request.principal.clone(),
            agent: request.agent.clone(),
            run: request.key.run.to_string(),
            created_at: request.created_at,
            due_at: request.due_at,
            expires_at: request.expires_at,
            updated_at: record.updated_at,
            decided: record.decided.as_ref().map(DecidedView::of),
            erased: record.erased,
        }
    }
}

impl DecidedView {
    fn of(decided: &Decided) -> Self {
        let words = match &decided.answer {
            Answer::Reject { reason, .. } => reason.clone(),
            Answer::Respond { message } => Some(message.clone()),
            Answer::Abort { reason } => Some(reason.clone()),
            _ => None,
        };
        let may_ask_again = matches!(&decided.answer, Answer::Reject { again: Again::Allowed, .. });
        let (answer, by) = (decided.answer.choice(), decided.by.clone());
        Self { answer, words, may_ask_again, by, known_by: decided.known_by, at: decided.at }
    }
}

impl CallDetail {
    /// Adds what a reviewer should know of the tool as it is now.
    pub(crate) fn warned(mut self, warning: Option<String>) -> Self {
        self.rendered.warnings.extend(warning.clone());
        self.tool_warning = warning;
        self
    }

    pub(crate) fn of(
        record: &CallRecord,
        gate: &Gate,
        onlookers: impl IntoIterator<Item = Principal>,
        now: Timestamp,
    ) -> Self {
        let request = &record.request;
        let tool = gate.tools().into_iter().find(|tool| tool.name == request.tool);
        let count = match request.arguments.tree() {
            Ok(hitl_base::Json::Object(members)) => members.len(),
            _ => 0,
        };
        let factors = reviewer_factors(request.risk, request.assessment.confidence, count);
        Self {
            summary: CallSummary::of(record),
            arguments_text: request.arguments.as_str().to_owned(),
            confirm: request.confirmation(),
            no_grant: request.may_be_granted().err().map(|why| why.to_string()),
            grant: record.granted.map(|drawn| drawn.grant),
            rendered: request.render(now, Extent::Full),
            tool_warning: None,
            request: Arc::clone(request),
            schema: tool.map(|tool| tool.schema),
            weighted: weighted(&factors),
            factors: factors
                .iter()
                .map(|factor| FactorView {
                    name: factor.name,
                    score: factor.score,
                    weight: factor.weight,
                })
                .collect(),
            roles: record.context.roles.clone(),
            workspace_verified: record.context.workspace_verified,
            time_sensitive: record.context.time_sensitive,
            attached: record.attached,
            attempts: record.attempts,
            ending: record.ending.as_ref().map(|ending| match ending {
                Ending::Reason(reason) => reason.clone(),
                Ending::Failure(failure) => failure.message.clone(),
                _ => String::new(),
            }),
            approved_by: record.votes.iter().map(|vote| vote.by.clone()).collect(),
            onlookers: onlookers.into_iter().collect(),
            now,
        }
    }
}
