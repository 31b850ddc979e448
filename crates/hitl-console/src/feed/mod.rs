//! The stream of events: one list for all subscribers, kept for those that reconnect.

mod event_feed;
mod frame;
mod source;

pub(crate) use event_feed::{Feed, Subscriber};
pub(crate) use frame::EventId;
pub(crate) use source::{publish_calls, publish_tasks, recover_calls};
