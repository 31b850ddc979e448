//! The priority of a task in the queue.

/// The order in which queued tasks start. Each step up is worth some waiting time
/// ([`priority_step`](crate::TaskManagerBuilder::priority_step)), so every task starts eventually.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Runs when no other task is waiting.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Runs before normal tasks.
    High,
    /// Runs before all others.
    Urgent,
}
