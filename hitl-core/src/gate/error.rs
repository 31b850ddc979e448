//! What can go wrong between a caller and a body. Says what to do next; never quotes a value.

use std::error::Error;
use std::fmt;

use crate::approval::ToolChange;
use crate::arguments::ArgumentError;
use crate::audit::AuditError;
use crate::call::{CallKey, FailureRecord, ModelMessage};
use crate::grant::{GrantError, GrantRefusal};
use crate::ids::RequestId;
use crate::machine::{CallRecord, Refusal};
use crate::queue::Cap;
use crate::store::{ApplyError, StoreError};

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GateErrorKind {
    /// The arguments are not what the tool takes; [`GateError::arguments`] says where and why.
    InvalidArguments,
    /// No tool of that name is registered.
    UnknownTool,
    /// So many calls wait already that no more may; the message names the cap. Try again once some
    /// were decided.
    QueueFull,
    /// The key was used before, for a call with other content.
    KeyConflict,
    /// The state machine refused it; [`GateError::refusal`] and [`GateError::current`] say why.
    Refused,
    /// There is no such call.
    NotFound,
    /// The tool has changed or is gone since the call was asked about, so nothing was decided and
    /// nothing runs; [`GateError::tool_change`] says what has changed, [`GateError::current`] what
    /// has become of the call.
    ToolChanged,
    /// What is stored cannot be opened, or is not what was approved.
    Payload,
    /// An edit was not made, because the call would be denied with it. The earlier revision stands.
    EditDenied,
    /// The host does not let them see or decide this tenant's calls.
    Forbidden,
    /// The queue cannot be listed so: the cursor is of another listing, or the order does not fit.
    InvalidQuery,
    /// The call needs a full review and is not decided together with others.
    NotInBulk,
    /// Nothing was uncovered: the host forbids it, or no such place is masked.
    NotUncovered,
    /// Nothing was erased, held or released; the message says what to do.
    NotErased,
    /// The terms make no grant, and [`GateError::grant`] says why.
    NotGranted,
    /// The store failed.
    Store,
    /// The audit failed, so nothing runs.
    Audit,
}

/// The gate did not do what it was asked. Nothing ran.
#[derive(Debug)]
pub struct GateError {
    kind: GateErrorKind,
    message: String,
    current: Option<Box<CallRecord>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl GateError {
    pub(super) fn new(kind: GateErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), current: None, source: None }
    }

    pub(super) fn unknown_tool(name: &str) -> Self {
        let name = hitl_base::display::clip(name, 64);
        let name = hitl_base::display::visible(&name);
        Self::new(
            GateErrorKind::UnknownTool,
            format!("no tool named `{name}` is registered with this gate"),
        )
    }

    pub(super) fn key_conflict(key: &CallKey, id: RequestId) -> Self {
        let why = format!(
            "the key {key} was used for another call (record {id}); give each call its own position in the run"
        );
        Self::new(GateErrorKind::KeyConflict, why)
    }

    /// The call's tool is not the one that was shown; `then` says what follows.
    pub(super) fn tool_changed(change: ToolChange, current: CallRecord, then: &str) -> Self {
        let message = format!("{change}; {then}");
        Self {
            current: Some(Box::new(current)),
            source: Some(Box::new(change)),
            ..Self::new(GateErrorKind::ToolChanged, message)
        }
    }

    pub(super) fn queue_full(cap: Cap) -> Self {
        let why = format!(
            "the queue is full: {cap} wait already, and no more may; submit it again once some were decided"
        );
        Self::new(GateErrorKind::QueueFull, why)
    }

    pub(super) fn not_granted(refusal: GrantRefusal) -> Self {
        let why = format!("nothing can be drawn on the grant: {refusal}; submit the call again");
        Self::new(GateErrorKind::Refused, why)
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> GateErrorKind {
        self.kind
    }

    /// What the model that asked for the call is told: what is wrong with its arguments, when that
    /// is it; of trouble inside the house only that there is some.
    pub fn for_model(&self) -> ModelMessage {
        match self.kind {
            GateErrorKind::InvalidArguments
            | GateErrorKind::UnknownTool
            | GateErrorKind::ToolChanged => ModelMessage::refused(&self.message),
            _ => ModelMessage::refused("the gate could not do its work; tell the user"),
        }
    }

    /// Where and why the arguments were refused.
    pub fn arguments(&self) -> Option<&ArgumentError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Why the state machine refused it.
    pub fn refusal(&self) -> Option<Refusal> {
        self.source.as_ref()?.downcast_ref().copied()
    }

    /// Why the terms make no grant.
    pub fn grant(&self) -> Option<&GrantError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// The store's own error.
    pub fn store(&self) -> Option<&StoreError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// What of the tool has changed.
    pub fn tool_change(&self) -> Option<&ToolChange> {
        self.source.as_ref()?.downcast_ref()
    }

    /// The call's record as it stands, when somebody else was first or its tool has changed.
    pub fn current(&self) -> Option<&CallRecord> {
        self.current.as_deref()
    }
}

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
            ApplyError::Rejected { refusal, current } => Self {
                current: Some(current),
                source: Some(Box::new(refusal)),
                ..Self::new(GateErrorKind::Refused, refusal.to_string())
            },
            ApplyError::NotFound(id) => {
                Self::new(GateErrorKind::NotFound, format!("there is no call {id} in this tenant"))
            }
            ApplyError::Store(error) => error.into(),
        }
    }
}

/// Why a call did not run. Its body was not started, now or earlier.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotRun {
    /// A human said no.
    Rejected {
        /// Why, when they said so.
        reason: Option<String>,
    },
    /// A human answered the model instead.
    Responded {
        /// The answer.
        message: String,
    },
    /// Nobody decided in time.
    Expired,
    /// It was withdrawn.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// A human stopped the run that it belongs to. Stop, too.
    Aborted {
        /// Why.
        reason: String,
    },
    /// A rule refused it.
    Denied {
        /// Which and why.
        reason: String,
    },
    /// The gate could not do its work.
    Refused(GateError),
}

impl NotRun {
    /// What the model that asked for the call is told.
    pub fn for_model(&self) -> ModelMessage {
        match self {
            Self::Rejected { reason } => ModelMessage::rejected(reason.as_deref()),
            Self::Responded { message } => ModelMessage::responded(message),
            Self::Expired => ModelMessage::expired(),
            Self::Cancelled { reason } => ModelMessage::cancelled(reason),
            Self::Aborted { reason } => ModelMessage::aborted(reason),
            Self::Denied { reason } => ModelMessage::denied(reason),
            Self::Refused(error) => error.for_model(),
        }
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { reason: Some(reason) } => write!(f, "the call was rejected: {reason}"),
            Self::Rejected { reason: None } => f.write_str("the call was rejected"),
            Self::Responded { message } => write!(f, "the reviewer answered instead: {message}"),
            Self::Expired => f.write_str("nobody decided in time, so the call did not run"),
            Self::Cancelled { reason } => write!(f, "the call was withdrawn: {reason}"),
            Self::Aborted { reason } => write!(f, "a reviewer stopped the run: {reason}"),
            Self::Denied { reason } => write!(f, "the call was denied: {reason}"),
            Self::Refused(error) => write!(f, "{error}"),
        }
    }
}

/// Why a typed call has no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The body ran and failed, with its own error.
    Tool(E),
    /// The body ran and failed in an earlier life of this call, or panicked: only a record is left.
    ToolFailed(FailureRecord),
    /// The body was not started.
    NotRun(NotRun),
    /// The body was started, and how it ended is not known.
    Unknown(CallKey),
    /// The body ran and succeeded, but its output is no longer to be had.
    OutputUnavailable(CallKey),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(error) => write!(f, "{error}"),
            Self::ToolFailed(failure) => write!(f, "the tool failed: {}", failure.message),
            Self::NotRun(why) => write!(f, "{why}"),
            Self::Unknown(key) => {
                write!(
                    f,
                    "the call {key} was started and its outcome is not known; a human must settle it"
                )
            }
            Self::OutputUnavailable(key) => {
                write!(f, "the call {key} ran; its output is no longer to be had")
            }
        }
    }
}

impl<E: fmt::Display> CallError<E> {
    /// What the model that asked for the call is told.
    pub fn for_model(&self) -> ModelMessage {
        match self {
            Self::Tool(error) => ModelMessage::failed(&error.to_string()),
            Self::ToolFailed(failure) => ModelMessage::failed(&failure.message),
            Self::NotRun(why) => why.for_model(),
            Self::Unknown(_) => ModelMessage::unknown(),
            Self::OutputUnavailable(_) => ModelMessage::unavailable(),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for CallError<E> {}

impl<E> From<GateError> for CallError<E> {
    fn from(error: GateError) -> Self {
        Self::NotRun(NotRun::Refused(error))
    }
}
