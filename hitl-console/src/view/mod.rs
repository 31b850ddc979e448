//! What goes over the wire. Tokens of owners and claims never do.

mod call;
mod document;
mod event;
mod history;
mod task;

pub(crate) use call::{CallDetail, CallSummary};
pub(crate) use document::RequestDocument;
pub(crate) use event::CallEvent;
pub(crate) use history::{AuditView, EntryView};
pub(crate) use task::TaskView;
