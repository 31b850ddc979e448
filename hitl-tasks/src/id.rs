//! The name of one task.

hitl_base::uuid_id!(
    /// Names one task. Minted when a [`Task`](crate::Task) is defined; a host that wants to find a
    /// task again later keeps it and gives it back with [`Task::id`](crate::Task::id).
    TaskId
);
