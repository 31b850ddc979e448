//! The order and the deadlines of the queue.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::Risk;

/// The urgency of a request. Ordered: more is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: queues and pages show each variant.
pub enum Priority {
    /// To be handled when there is time.
    Medium,
    /// To be handled soon.
    High,
    /// To be handled first.
    Urgent,
}

impl Priority {
    /// Returns its name, as in records and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the priority of a request: urgent when the risk is high or critical or the confidence
/// below 30; high when the risk is medium; else medium.
pub const fn priority(risk: Risk, confidence: u8) -> Priority {
    match risk {
        Risk::High | Risk::Critical => Priority::Urgent,
        _ if confidence < 30 => Priority::Urgent,
        Risk::Medium => Priority::High,
        Risk::Low => Priority::Medium,
    }
}

/// Returns the time from submission until a request is due: critical 1 h, high 4 h, medium 24 h,
/// low 72 h.
pub const fn due_after(risk: Risk) -> Duration {
    let hours = match risk {
        Risk::Critical => 1,
        Risk::High => 4,
        Risk::Medium => 24,
        Risk::Low => 72,
    };
    Duration::from_secs(hours * 3600)
}
