//! Schemas of documents that hitl-core and hitl-tasks write, for `openapi.json`.

use serde::Serialize;
use utoipa::ToSchema;

/// The request that a human is shown and that their decision names. Redacted; title and arguments
/// may hold text from the model.
///
/// The core writes it; this type describes it, and a test compares the two.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "it is a schema and has no values")]
pub struct RequestDocument {
    /// The call's id.
    id: String,
    /// `tenant`, `run`, `position`.
    #[schema(value_type = Object)]
    key: (),
    /// Which revision of the call this shows, from 1.
    revision: u32,
    /// The digest that a decision on this revision must name.
    binding: String,
    /// The rule by which `binding` was made.
    binding_version: u16,
    /// The tool's name.
    tool: String,
    /// A digest of what the reviewer relies on about the tool.
    fingerprint: String,
    /// The version of the tool's code; left out when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    build: Option<String>,
    /// One line that says what would happen.
    title: String,
    /// The tool's own description.
    description: String,
    /// The arguments, without secrets.
    #[schema(value_type = Object)]
    arguments: (),
    /// Masked places of the arguments: `at`, `inKey`, `start`, `reason`, `characters`,
    /// `fingerprint`, `declared`. Left out when there is nothing.
    #[schema(value_type = Vec<Object>)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    masks: Vec<()>,
    /// The number of masks there are beyond those that are listed; left out when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_masks: Option<usize>,
    /// Contents that the arguments name, as they were read: `at`, `digest`, `found`, `leadsTo`,
    /// `text`, `masks`. Left out when nothing was read.
    #[schema(value_type = Vec<Object>)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contents: Vec<()>,
    /// Why the model says that it makes the call, in its own words; left out when it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    stated_reason: Option<String>,
    /// The conversation in which it was made: an `http` or `https` address; left out when there is
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_url: Option<String>,
    /// The id that the other side has for the call; left out when the host names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    /// What the call would do, as its tool rendered it: `digest`, `found`, `items`, `masks`,
    /// `moreMasks`, `changes`. Left out when the tool renders nothing.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<()>,
    /// Where symbolic links lead that the arguments name: `at`, `to`. Left out when there are none.
    #[schema(value_type = Vec<Object>)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<()>,
    /// The effect that happens once, like `refund:pay_1`; left out where the tool declares none.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<String>,
    /// The id of the earlier call that had the same effect, has it now or may have had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats: Option<String>,
    /// That call as it is now: `id`, `standing`, `title`, `principal`, `state`, `at`.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier: Option<()>,
    /// `forbidden` where the host lets nobody uncover what is masked; left out where they may.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncovering: Option<String>,
    /// Who asked.
    principal: String,
    /// The agent or service that submitted in their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// `general`, `contract`, `deletion`, ..
    approval_type: String,
    /// `low`, `medium`, `high`, `critical`.
    risk: String,
    /// `readOnly`, `destructive`, `idempotent`, `openWorld`.
    #[schema(value_type = Object)]
    hints: (),
    /// `quick` or `full`.
    level: String,
    /// The number of people it needs, in which roles and in which order, and whether who asked may
    /// be one of them; left out where the default holds.
    #[schema(value_type = Object)]
    quorum: (),
    /// The channels through which it may be approved; left out where any may.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Vec<String>>,
    /// `confidence`, `base`, `factors` of `name`, `adjustment`, `reasoning`.
    #[schema(value_type = Object)]
    assessment: (),
    /// `auto`, `quick`.
    #[schema(value_type = Object)]
    thresholds: (),
    /// Reasons that raised the level above that of the score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
    /// `medium`, `high`, `urgent`.
    priority: String,
    /// When it was submitted.
    created_at: String,
    /// When it should be decided.
    due_at: String,
    /// When it can no longer be decided or run.
    expires_at: String,
    /// The permitted answers.
    choices: Vec<String>,
    /// A rejection must say why.
    requires_reason: bool,
    /// How many milliseconds an approved call does not start, so that the approval can be taken
    /// back; left out: it starts at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_ms: Option<u64>,
    /// The label of the approving button.
    approve_label: String,
    /// The label of the rejecting button.
    reject_label: String,
}

/// The tasks of a reviewer's tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskList)]
#[expect(missing_debug_implementations, reason = "it is a schema and has no values")]
pub struct TaskListDocument {
    /// First what runs, oldest first, then what has ended in the last five minutes, newest first.
    tasks: Vec<TaskDocument>,
    /// True if the tasks are shown as their journal last recorded them: not live, and neither
    /// cancelled nor tried again here. Left out otherwise.
    #[schema(required = false)]
    journaled: bool,
}

/// A task: its progress (`taskId`, `taskName`, `status`, `currentStep`, `steps`, times in Unix
/// milliseconds), and what follows from it.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskView)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "it is a schema and has no values")]
pub struct TaskDocument {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    progress: (),
    /// The progress, 0 to 100, by the weights of its steps.
    percent: u8,
    /// The number of steps that are done.
    steps_completed: usize,
    /// True if it waits off the clock, for a human for example.
    waiting: bool,
}
