//! The status of a task or a step on a dashboard.

use serde::{Deserialize, Serialize};

/// The status of a task or a step, as a dashboard shows it. A closed set: dashboards match
/// on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: a dashboard must show each.
pub enum Status {
    /// Not started.
    Pending,
    /// Started and not ended; includes a task that waits for a human.
    Running,
    /// Done.
    Completed,
    /// Failed or timed out.
    Failed,
    /// Stopped by request.
    Cancelled,
}

impl Status {
    /// Returns the lower-case word that is used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
