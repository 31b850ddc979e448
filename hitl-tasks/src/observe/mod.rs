//! The handles, the events and the emitters of a task.

pub(crate) mod emit;
pub(crate) mod end_wait;
pub(crate) mod event;
pub(crate) mod filter;
pub(crate) mod handle;
pub(crate) mod outbox;
pub(crate) mod watcher;
