//! The errors between a caller and a body. Each says what to do next; none quotes a value.

use std::error::Error;
use std::fmt;

use crate::approval::ToolChange;
use crate::arguments::{ArgumentError, known_instead};
use crate::audit::AuditError;
use crate::call::{CallKey, Failure, ModelMessage, RunDetails};
use crate::gate::notices::wait_timeout::{LeftCall, WaitTimeout};
use crate::grant::GrantError;
use crate::ids::RequestId;
use crate::machine::{CallRecord, Refusal};
use crate::queue::Cap;
use crate::store::{ApplyError, Freeze, StoreError};

/// The kind of a [`GateError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GateErrorKind {
    /// The arguments do not fit the tool; [`GateError::arguments`] has the place and the reason.
    InvalidArguments,
    /// No tool of that name is registered.
    UnknownTool,
    /// The queue is full; the message names the limit. Try again once some calls are decided.
    QueueFull,
    /// The key was used before, for a call with other content.
    KeyConflict,
    /// Two calls of a batch that runs all of them or none have the same effect, which happens once.
    /// Nothing of the batch was entered; [`GateError::same_effect`] has their positions.
    SameEffect,
    /// The state machine refused the change; [`GateError::refusal`] and [`GateError::current`] have
    /// the reason.
    Refused,
    /// There is no such call.
    NotFound,
    /// The tool has changed or is gone since the call was asked about, so nothing was decided and
    /// nothing runs; [`GateError::tool_change`] has the change, [`GateError::current`] the present
    /// record of the call.
    ToolChanged,
    /// The stored payload cannot be opened, or is not the approved one.
    Payload,
    /// An edit was not made, because the edited call would be denied. The earlier revision stays.
    EditDenied,
    /// The host does not let this person see or decide the tenant's calls.
    Forbidden,
    /// The query is not possible: the cursor belongs to another listing, or the order does not fit.
    InvalidQuery,
    /// The call needs a full review and cannot be decided together with others.
    NotInBulk,
    /// Nothing was uncovered: the host forbids it, or no such place is masked.
    NotUncovered,
    /// Nothing was erased, held or released; the message says what to do.
    NotErased,
    /// An operator has frozen everything, so this did not start. Nothing of it is kept: it may be
    /// asked for again once a person thaws; [`GateError::freeze`] says who froze, and why.
    Frozen,
    /// Nothing was frozen; the message says what to do.
    NotFrozen,
    /// Nobody is away: the absence does not end within a year, or its deputy cannot stand in.
    InvalidAbsence,
    /// The terms do not form a grant, and [`GateError::grant`] has the reason.
    NotGranted,
    /// The store failed.
    Store,
    /// The audit failed, so nothing runs.
    Audit,
}

/// The error of a gate that did not perform a request. Nothing ran.
#[derive(Debug)]
pub struct GateError {
    kind: GateErrorKind,
    message: String,
    current: Option<Box<CallRecord>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl GateError {
    pub(in crate::gate) fn new(kind: GateErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), current: None, source: None }
    }

    pub(in crate::gate) fn unknown_tool(name: &str) -> Self {
        let name = hitl_base::display::clip(name, 128);
        let name = hitl_base::display::visible(&name);
        Self::new(
            GateErrorKind::UnknownTool,
            format!("no tool named `{name}` is registered with this gate"),
        )
    }

    /// Creates the error for a name that a model wrote, with the tool that it may have meant. The
    /// callers of a gate may see all of its tools: [`Gate::tools`](crate::Gate::tools).
    pub(in crate::gate) fn no_such_tool<'n>(
        name: &str,
        tools: impl IntoIterator<Item = &'n str> + Clone,
    ) -> Self {
        let mut error = Self::unknown_tool(name);
        if tools.clone().into_iter().next().is_some() {
            error.message = format!("{}; {}", error.message, known_instead(name, tools));
        }
        error
    }

    /// Creates the error for a call whose tool was replaced while the call was evaluated.
    pub(in crate::gate) fn tool_replaced(name: &str) -> Self {
        let name = hitl_base::display::visible(&hitl_base::display::clip(name, 128)).into_owned();
        let why = format!(
            "the tool `{name}` was replaced while this call was evaluated, so nothing ran; look at the \
             tools again, and call it again"
        );
        Self::new(GateErrorKind::ToolChanged, why)
    }

    /// Creates the error for a call that the tenant does not have.
    pub(in crate::gate) fn not_found(id: RequestId) -> Self {
        Self::new(GateErrorKind::NotFound, format!("there is no call {id} in this tenant"))
    }

    pub(in crate::gate) fn key_conflict(key: &CallKey, id: RequestId) -> Self {
        let why = format!(
            "the key {key} was used for another call (record {id}); give each call its own position in the run"
        );
        Self::new(GateErrorKind::KeyConflict, why)
    }

    /// Creates the error for a batch of which two calls, at these positions, have one effect.
    pub(in crate::gate) fn same_effect_of(positions: [u64; 2]) -> Self {
        let same = SamePositions(positions);
        Self {
            source: Some(Box::new(same)),
            ..Self::new(GateErrorKind::SameEffect, same.to_string())
        }
    }

    /// Creates the error for a call whose tool is not the one that was shown; `then` says what
    /// follows.
    pub(in crate::gate) fn tool_changed(
        change: ToolChange,
        current: CallRecord,
        then: &str,
    ) -> Self {
        let message = format!("{change}; {then}");
        Self {
            current: Some(Box::new(current)),
            source: Some(Box::new(change)),
            ..Self::new(GateErrorKind::ToolChanged, message)
        }
    }

    pub(in crate::gate) fn queue_full(cap: Cap) -> Self {
        let why = format!(
            "the queue is full: {cap} wait already, and no more may; submit it again once some were decided"
        );
        Self::new(GateErrorKind::QueueFull, why)
    }

    /// Creates the error for a call that does not start because of a freeze, if that is known.
    pub(in crate::gate) fn frozen(freeze: Option<Freeze>) -> Self {
        let Some(freeze) = freeze else {
            let why = "everything was frozen, so nothing ran; ask for it again";
            return Self::new(GateErrorKind::Frozen, why);
        };
        let frozen = FrozenBy(freeze);
        let message = frozen.to_string();
        Self { source: Some(Box::new(frozen)), ..Self::new(GateErrorKind::Frozen, message) }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> GateErrorKind {
        self.kind
    }

    /// Returns the message for the model that asked for the call: the error in its arguments, or
    /// only that there is an internal error.
    pub fn for_model(&self) -> ModelMessage {
        match self.kind {
            GateErrorKind::InvalidArguments
            | GateErrorKind::UnknownTool
            | GateErrorKind::SameEffect
            | GateErrorKind::ToolChanged => ModelMessage::refused(&self.message),
            GateErrorKind::Frozen => ModelMessage::frozen(),
            _ => ModelMessage::refused("the gate could not do its work; tell the user"),
        }
    }

    /// Returns the reason why the arguments were refused.
    pub fn arguments(&self) -> Option<&ArgumentError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Returns the positions of two calls of a batch that have the same effect.
    pub fn same_effect(&self) -> Option<[u64; 2]> {
        self.source.as_ref()?.downcast_ref().map(|same: &SamePositions| same.0)
    }

    /// Returns the reason why the state machine refused the change.
    pub fn refusal(&self) -> Option<Refusal> {
        self.source.as_ref()?.downcast_ref().copied()
    }

    /// Returns the reason why the terms do not form a grant.
    pub fn grant(&self) -> Option<&GrantError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Returns the freeze that stopped the call, if it is still known.
    pub fn freeze(&self) -> Option<&Freeze> {
        self.source.as_ref()?.downcast_ref().map(|frozen: &FrozenBy| &frozen.0)
    }

    /// Returns the store's own error.
    pub fn store(&self) -> Option<&StoreError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Returns the change of the tool.
    pub fn tool_change(&self) -> Option<&ToolChange> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Returns the present record of the call, if another process was first or the tool has
    /// changed.
    pub fn current(&self) -> Option<&CallRecord> {
        self.current.as_deref()
    }
}

/// The freeze that stopped a call.
#[derive(Debug)]
struct FrozenBy(Freeze);

impl fmt::Display for FrozenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Freeze { scope, by, at, reason, .. } = &self.0;
        write!(
            f,
            "{scope} frozen by {by} at {at}: {reason}; nothing ran; ask for it again once a person has thawed"
        )
    }
}

impl Error for FrozenBy {}

/// The positions of two calls with one effect.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "nothing of the batch runs: the calls at {} and {} have the same effect, which happens once; leave one \
     out, or submit it after the batch",
    .0[0], .0[1]
)]
struct SamePositions([u64; 2]);

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for GateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<GrantError> for GateError {
    fn from(error: GrantError) -> Self {
        Self {
            kind: GateErrorKind::NotGranted,
            message: error.to_string(),
            current: None,
            source: Some(Box::new(error)),
        }
    }
}

impl From<ArgumentError> for GateError {
    fn from(error: ArgumentError) -> Self {
        let message = format!("the arguments were refused: {error}");
        Self {
            source: Some(Box::new(error)),
            ..Self::new(GateErrorKind::InvalidArguments, message)
        }
    }
}

impl From<StoreError> for GateError {
    fn from(error: StoreError) -> Self {
        let message = format!("the store failed, so nothing ran: {error}");
        Self { source: Some(Box::new(error)), ..Self::new(GateErrorKind::Store, message) }
    }
}

impl From<AuditError> for GateError {
    fn from(error: AuditError) -> Self {
        let message = format!("the audit failed, so nothing ran: {error}");
        Self { source: Some(Box::new(error)), ..Self::new(GateErrorKind::Audit, message) }
    }
}

impl From<ApplyError> for GateError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Rejected { refusal, current } => {
                let message = current.request().refusal_in_words(refusal);
                Self {
                    current: Some(current),
                    source: Some(Box::new(refusal)),
                    ..Self::new(GateErrorKind::Refused, message)
                }
            }
            ApplyError::NotFound(id) => {
                Self::new(GateErrorKind::NotFound, format!("there is no call {id} in this tenant"))
            }
            ApplyError::Store(error) => error.into(),
        }
    }
}

/// The reason why a call did not run. Its body was not started, now or earlier.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotRunReason {
    /// A human said no.
    Rejected {
        /// The reason, if one was given.
        reason: Option<String>,
    },
    /// A human answered the model instead.
    Responded {
        /// The answer.
        message: String,
    },
    /// Nobody decided in time.
    Expired,
    /// Nobody decided within the caller's [`max_wait`](crate::gate::ReadyCall::max_wait). The error
    /// has the call's id, and says whether it was withdrawn or still waits.
    TimedOut(Box<WaitTimeout>),
    /// The call was withdrawn.
    Cancelled {
        /// The reason.
        reason: String,
    },
    /// A human aborted the run that the call belongs to. The caller should stop as well.
    Aborted {
        /// The reason.
        reason: String,
    },
    /// A rule refused the call.
    Denied {
        /// The rule, and its reason.
        reason: String,
    },
    /// The gate failed.
    Refused(GateError),
}

impl NotRunReason {
    /// Returns the message for the model that asked for the call.
    pub fn for_model(&self) -> ModelMessage {
        match self {
            Self::Rejected { reason } => ModelMessage::rejected(reason.as_deref()),
            Self::Responded { message } => ModelMessage::responded(message),
            Self::Expired => ModelMessage::expired(),
            Self::TimedOut(timeout) => match timeout.left() {
                LeftCall::Withdrawn => ModelMessage::cancelled("nobody decided in time"),
                LeftCall::StillWaits => ModelMessage::expired(),
            },
            Self::Cancelled { reason } => ModelMessage::cancelled(reason),
            Self::Aborted { reason } => ModelMessage::aborted(reason),
            Self::Denied { reason } => ModelMessage::denied(reason),
            Self::Refused(error) => error.for_model(),
        }
    }
}

impl fmt::Display for NotRunReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { reason: Some(reason) } => write!(f, "the call was rejected: {reason}"),
            Self::Rejected { reason: None } => f.write_str("the call was rejected"),
            Self::Responded { message } => write!(f, "the reviewer answered instead: {message}"),
            Self::Expired => f.write_str("nobody decided in time, so the call did not run"),
            Self::TimedOut(timeout) => write!(f, "{timeout}"),
            Self::Cancelled { reason } => write!(f, "the call was withdrawn: {reason}"),
            Self::Aborted { reason } => write!(f, "a reviewer stopped the run: {reason}"),
            Self::Denied { reason } => write!(f, "the call was denied: {reason}"),
            Self::Refused(error) => write!(f, "{error}"),
        }
    }
}

/// The reason why a typed call has no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The body ran and failed, with its own error.
    Tool {
        /// The error.
        error: E,
        /// The facts about the run besides.
        details: RunDetails,
    },
    /// The body panicked, or it failed in another process or at an earlier time: there is only a
    /// record of the failure.
    ToolFailed(Failure),
    /// The body was not started.
    NotRun(NotRunReason),
    /// The body was started, and its outcome is unknown.
    Unknown {
        /// The call's key.
        key: CallKey,
        /// The facts about the run besides.
        details: RunDetails,
    },
    /// The body ran and succeeded, but its output is no longer available.
    OutputUnavailable {
        /// The call's key.
        key: CallKey,
        /// The facts about the run besides.
        details: RunDetails,
    },
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool { error, .. } => write!(f, "{error}"),
            Self::ToolFailed(failure) => write!(f, "the tool failed: {}", failure.message),
            Self::NotRun(why) => write!(f, "{why}"),
            Self::Unknown { key, .. } => {
                write!(
                    f,
                    "the call {key} was started and its outcome is not known; a human must settle it"
                )
            }
            Self::OutputUnavailable { key, .. } => {
                write!(f, "the call {key} ran; its output is no longer to be had")
            }
        }
    }
}

impl<E: fmt::Display> CallError<E> {
    /// Returns the message for the model that asked for the call.
    pub fn for_model(&self) -> ModelMessage {
        match self {
            Self::Tool { error, details } => ModelMessage::failed(&error.to_string(), details),
            Self::ToolFailed(failure) => ModelMessage::failed(&failure.message, &failure.details),
            Self::NotRun(why) => why.for_model(),
            Self::Unknown { details, .. } => ModelMessage::unknown(details),
            Self::OutputUnavailable { details, .. } => ModelMessage::unavailable(details),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for CallError<E> {}

impl<E> From<GateError> for CallError<E> {
    fn from(error: GateError) -> Self {
        Self::NotRun(NotRunReason::Refused(error))
    }
}
