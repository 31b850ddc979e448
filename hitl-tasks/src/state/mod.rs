//! The state of a task.

pub(crate) mod delivery;
pub(crate) mod environment;
pub(crate) mod percent;
pub(crate) mod progress;
pub(crate) mod progress_state;
pub(crate) mod record;
pub(crate) mod record_progress;
pub(crate) mod status;
pub(crate) mod step_durations;
pub(crate) mod sub_progress;
pub(crate) mod task_state;
pub(crate) mod termination;
pub(crate) mod wait;
pub(crate) mod wakers;
