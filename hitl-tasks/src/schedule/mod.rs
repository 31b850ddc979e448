//! The scheduling of tasks.

pub(crate) mod idempotency;
pub(crate) mod queue;
pub(crate) mod scheduler;
pub(crate) mod timer;
pub(crate) mod wait_graph;
