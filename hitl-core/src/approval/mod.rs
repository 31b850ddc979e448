//! The request that a human is shown, their decision, and the approvers that ask them.

mod approver;
mod argument_change;
mod attribution;
mod caution;
mod channel;
mod combinators;
mod confirm;
mod content;
mod decision;
mod decision_channel;
mod decision_id;
mod earlier_call;
mod earlier_lines;
#[cfg(test)]
pub(crate) mod fixture;
mod leading;
mod mask;
mod preview;
mod references;
mod remarks;
mod render;
mod request;
mod request_ref;
mod reviewer_identity;
mod scripted;
#[cfg(feature = "terminal")]
pub mod terminal;
mod title;
mod tool_change;

pub use crate::arguments::PathPart;
pub use crate::ids::DecisionId;
pub use crate::policy::{DecisionChannel, InvalidChannel};
pub(crate) use approver::may_ask;
pub use approver::{Approver, MaskSupport, Review};
pub use argument_change::{ArgumentChange, change_line};
pub use attribution::SaysWhoDecides;
pub use caution::Caution;
pub use channel::{ChannelApprover, PendingReview, channel};
pub use combinators::{ApproverExt, OrElse, Timeout};
pub use content::{Content, ContentState, Link, UnreadReason};
pub(crate) use content::{argument, names_the_same};
pub use decision::{Decision, DecisionDraft, DecisionKind, EditResult, Patch, RepeatPolicy};
pub(crate) use earlier_call::repeat_reason;
pub use earlier_call::{EarlierCall, EarlierStanding};
pub use earlier_lines::{EarlierLeftOut, EarlierLine, earlier_text};
pub use hitl_base::redact::MaskReason;
pub(crate) use mask::MAX_MASKS;
pub use mask::{Mask, Uncovering};
pub(crate) use preview::{PREVIEW, preview_items, preview_tree, previews_the_same};
pub use preview::{PreviewChange, PreviewFailure, PreviewItem, PreviewState, RequestPreview};
pub(crate) use references::references;
pub use references::{Reference, ReferenceKind, References};
pub(crate) use remarks::{link_fault, link_of, stated_reason, tool_call_id_fault};
pub use render::{
    Action, DetailLevel, Line, Origin, ReviewCard, Score, Section, SectionName, TextStyle, Title,
    Truncation,
};
pub use request::{ApprovalRequest, Choice};
pub use request_ref::{ParseRequestRefError, RequestRef};
pub use reviewer_identity::{KnownBy, ReviewerIdentity};
pub use scripted::ScriptedApprover;
#[cfg(feature = "terminal")]
pub use terminal::TerminalApprover;
pub(crate) use title::{TitleWords, title};
pub use tool_change::{ToolChange, ToolDifference};
