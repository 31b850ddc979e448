//! The id of a task.

use std::sync::OnceLock;

use hitl_base::id::EphemeralIds;

hitl_base::uuid_id!(
    /// The id of a task. Generated when a [`Task`](crate::Task) is submitted. A host that wants to
    /// find a task again later generates one, stores it, and passes it to
    /// [`Task::id`](crate::Task::id).
    TaskId
);

impl TaskId {
    /// Generates an id without asking the system for randomness each time, which would take longer
    /// than the rest of a submission. Ids of one process sort by age, also within a millisecond.
    pub(crate) fn generate() -> Self {
        static SERIES: OnceLock<EphemeralIds> = OnceLock::new();
        Self(SERIES.get_or_init(EphemeralIds::new).next())
    }
}
