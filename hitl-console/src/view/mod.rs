//! What goes over the wire. Tokens of owners and claims never do.

mod call;
mod document;
mod event;
mod grant;
mod history;
mod task;

pub(crate) use call::{CallDetail, CallSummary};
pub(crate) use document::RequestDocument;
pub(crate) use event::CallEvent;
pub(crate) use grant::GrantView;
pub(crate) use history::{AuditView, EntryView};
pub(crate) use task::TaskView;
