//! What a human is shown, what they decide, and who asks them.

mod approver;
mod authority;
mod channel;
mod combinators;
mod confirm;
mod content;
mod decision;
#[cfg(test)]
mod fixture;
mod mask;
mod references;
mod render;
mod rendered;
mod request;
mod scripted;
#[cfg(feature = "terminal")]
pub mod terminal;
mod tool_change;

pub(crate) use approver::may_ask;
pub use approver::{Approver, MaskSupport, Review};
pub use authority::{Authority, KnownBy};
pub use channel::{ChannelApprover, PendingReview, channel};
pub use combinators::{ApproverExt, Or, Timeout};
pub use content::{Content, Found, Link, Unread};
pub(crate) use content::{argument, names_the_same};
pub use decision::{Again, Answer, Decision, DecisionDraft, Patch};
pub use hitl_base::redact::MaskReason;
pub(crate) use mask::MAX_MASKS;
pub use mask::{Mask, Uncovering};
pub(crate) use references::references;
pub use references::{Reference, ReferenceKind, References};
pub(crate) use render::title;
pub use rendered::{
    Action, Extent, Line, Origin, Rendered, Score, Section, SectionName, Title, Tone, Withheld,
};
pub use request::{ApprovalRequest, Choice};
pub use scripted::ScriptedApprover;
#[cfg(feature = "terminal")]
pub use terminal::TerminalApprover;
pub use tool_change::{ToolChange, ToolDifference};
