//! A call: in a list, and on its card.

use hitl_base::display::fingerprint;
use hitl_base::{JsonText, Timestamp};
use hitl_core::approval::{
    ApprovalRequest, Caution, Choice, DecisionChannel, DecisionKind, KnownBy, RepeatPolicy,
    ReviewCard,
};
use hitl_core::grant::GrantKind;
use hitl_core::machine::RecordedDecision;
use hitl_core::{
    ApprovalLevel, BindingDigest, CallRecord, CallState, GrantId, Principal, Priority, RequestId,
    Risk, Thresholds,
};
use serde::{Deserialize, Serialize};

use crate::EarlierList;
use crate::assignment::AssignmentSummary;

#[cfg(feature = "openapi")]
use crate::schema::RequestDocument;

/// A call as one line of a list. Bounded in size and redacted; may hold text from a model. Tokens
/// of owners and claims are never in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallSummary {
    /// The call's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RequestId,
    /// The number of changes of its record, from 1. To resolve a call names it.
    pub version: u64,
    /// `pending`, `approved`, `executed`, ..
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: CallState,
    /// Which revision this shows, from 1. A decision names it.
    pub revision: u32,
    /// The digest that a decision on this revision must name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// The tool's name.
    pub tool: String,
    /// One line that says what would happen.
    pub title: String,
    /// `general`, `contract`, `deletion`, ..
    pub approval_type: String,
    /// `low`, `medium`, `high`, `critical`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub risk: Risk,
    /// `quick` or `full`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub level: ApprovalLevel,
    /// `medium`, `high`, `urgent`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub priority: Priority,
    /// 0 to 100; higher is safer.
    pub confidence: u8,
    /// The tool's own thresholds of confidence, 0 to 100: `auto`, `quick`.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub thresholds: Option<Thresholds>,
    /// True if a rejection must give a reason.
    pub requires_reason: bool,
    /// The number of masked places that a reviewer can uncover; left out when it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub to_uncover: usize,
    /// Why one key is too little to approve it, and why it is not approved in bulk: `fullReview`,
    /// `largeAmount`, `warning`; left out when there is no reason.
    #[serde(
        default,
        deserialize_with = "crate::lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub cautions: Vec<Caution>,
    /// Equal for calls of one tool whose arguments look equal on their cards: a digest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub same: String,
    /// Who asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub principal: Principal,
    /// The agent or service that submitted in their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub agent: Option<Principal>,
    /// The id that the other side has for the call; left out when the host names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The agent's run.
    pub run: String,
    /// When it was submitted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it should be decided.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub due_at: Timestamp,
    /// When it can no longer be decided or run.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
    /// Until when its approval can be taken back: it does not start before. Left out when it is not
    /// approved, or starts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub claimable_from: Option<Timestamp>,
    /// The decision that applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<DecisionSummary>,
    /// Why it ended as it did, as the command line prints it. A console gives it for one call, in
    /// [`CallDetail::ending`], and never in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub ending: Option<String>,
    /// The reviewer to whom it is assigned; left out when it is nobody's. Everybody who may decide
    /// it still may.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub assigned: Option<AssignmentSummary>,
    /// True if it runs, or may run, because somebody broke the glass; left out otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// True if retention has erased its contents.
    pub erased: bool,
}

/// A decision that was taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DecidedView))]
#[serde(rename_all = "camelCase")]
pub struct DecisionSummary {
    /// `approve`, `edit`, `reject`, `respond`, `abort`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub answer: Choice,
    /// The reviewer's words: a reason, or the answer to the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// True if it was rejected and the model may ask for it again in the same run.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub may_ask_again: bool,
    /// Who decided.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: Principal,
    /// The proof of their identity: `host`, `token`, `totp`, `code`, `terminal`, ..
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub known_by: Option<KnownBy>,
    /// The channel through which it came: `console`, `terminal`, `command-line`, `elicitation`,
    /// `chat`, `host`, or a name of the host's own. Left out in old records, and where a grant
    /// decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub channel: Option<DecisionChannel>,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

/// A call as its card shows it. Clients need `request`, `attempts`, `approvedBy` and `now`; all
/// else may be missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallDetail {
    /// The call as a list has it.
    #[serde(flatten)]
    pub summary: CallSummary,
    /// The request that a reviewer is shown and that their decision names.
    #[cfg_attr(feature = "openapi", schema(value_type = RequestDocument))]
    pub request: ApprovalRequest,
    /// The request as every surface shows it: warnings, and lines that are safe to show as text.
    /// A client that does not know all of its words draws the request itself.
    #[serde(
        default,
        deserialize_with = "crate::lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, required))]
    pub rendered: Option<ReviewCard>,
    /// A warning about the tool as it is now: that it has changed or is gone, that no executor is
    /// alive, or that it is unknown. It is among the warnings too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_warning: Option<String>,
    /// The arguments as exact text: programs that read numbers as floating point would round them.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub arguments_text: String,
    /// The names of the arguments that a reviewer reads first: money, whom it reaches, times, and
    /// what the title names.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub leading: Vec<String>,
    /// The text that must be typed to approve a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// Why no grant can be given on it, on any terms; left out where terms decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_grant: Option<String>,
    /// The grant that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub grant: Option<GrantId>,
    /// The JSON Schema of the tool's arguments, where the tool is registered at the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub schema: Option<JsonText>,
    /// The breakdown of the score for a reviewer: four scores and their weights.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub factors: Vec<FactorScore>,
    /// The weighted sum of the factors, 0 to 100.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub weighted: f64,
    /// The roles of the person who asked, as the host has verified them.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub roles: Vec<String>,
    /// True if the host has verified the workspace.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub workspace_verified: bool,
    /// True if the person who asked said that it is urgent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub time_sensitive: bool,
    /// True if a live caller waits for it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub attached: bool,
    /// The number of times that it was claimed.
    pub attempts: u32,
    /// Why it ended as it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
    /// The result of a call that has run, as exact JSON text without secrets; left out where there
    /// is none, or where it is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why the result is not shown, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_withheld: Option<String>,
    /// Who has approved this revision so far, where it needs several people.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub approved_by: Vec<Principal>,
    /// The calls of its run before it.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub earlier: EarlierList,
    /// Who looks at it now.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, required))]
    pub onlookers: Vec<Principal>,
    /// The present, by the clock that expiry is judged by.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub now: Timestamp,
}

/// One line of a card's breakdown of the score.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FactorView))]
#[serde(rename_all = "camelCase")]
pub struct FactorScore {
    /// The name of the factor.
    pub name: String,
    /// 0 to 100; higher is safer.
    pub score: u8,
    /// Its share, 0 to 1; all shares add up to 1.
    pub weight: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl From<&CallRecord> for CallSummary {
    /// Summarizes a record as a console lists it: without its ending.
    fn from(record: &CallRecord) -> Self {
        let request = record.request();
        Self {
            id: request.id,
            version: record.version(),
            state: record.state(),
            revision: request.revision,
            binding: request.binding,
            tool: request.tool.clone(),
            title: request.title.clone(),
            approval_type: request.approval_type.clone(),
            risk: request.risk,
            level: request.level,
            priority: request.priority,
            confidence: request.assessment.confidence,
            thresholds: Some(request.thresholds),
            requires_reason: request.requires_reason,
            to_uncover: if request.needs_uncovering() { request.undeclared_masks() } else { 0 },
            cautions: request.cautions(),
            same: fingerprint(&format!("{}\n{}", request.tool, request.arguments.as_str())),
            principal: request.principal.clone(),
            agent: request.agent.clone(),
            tool_call_id: request.tool_call_id.clone(),
            run: request.key.run.to_string(),
            created_at: request.created_at,
            due_at: request.due_at,
            expires_at: request.expires_at,
            updated_at: record.updated_at(),
            claimable_from: record.claimable_from(),
            decided: record.decision().map(DecisionSummary::from),
            ending: None,
            break_glass: record
                .grant_use()
                .is_some_and(|drawn| drawn.kind == GrantKind::BreakGlass),
            assigned: record.assigned().map(AssignmentSummary::from),
            erased: record.is_erased(),
        }
    }
}

impl From<&RecordedDecision> for DecisionSummary {
    fn from(decided: &RecordedDecision) -> Self {
        let (words, may_ask_again) = match &decided.answer {
            DecisionKind::Reject { reason, again } => {
                (reason.clone(), *again == RepeatPolicy::Allowed)
            }
            DecisionKind::Respond { message } => (Some(message.clone()), false),
            DecisionKind::Abort { reason } => (Some(reason.clone()), false),
            _ => (None, false),
        };
        let (answer, by) = (decided.answer.choice(), decided.by.clone());
        let (known_by, channel) = (decided.known_by, decided.channel.clone());
        Self { answer, words, may_ask_again, by, known_by, channel, at: decided.at }
    }
}
