//! What is told to everybody who watches: one list of events, kept for those who come back.

mod follow;
mod frame;
mod hub;

pub(crate) use follow::{follow_calls, follow_tasks, keep_in_order};
pub(crate) use frame::Place;
pub(crate) use hub::{Feed, Subscriber};
