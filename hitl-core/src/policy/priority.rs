//! In which order the queue is worked, and by when.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::Risk;

/// How soon a request should be looked at. Ordered: more is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: queues and pages show each one.
pub enum Priority {
    /// When there is time.
    Medium,
    /// Soon.
    High,
    /// First.
    Urgent,
}

impl Priority {
    /// Its name, as in records and messages.
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

/// The priority of a request: urgent when the risk is high or critical or the confidence below 30;
/// high when the risk is medium; else medium.
pub const fn priority(risk: Risk, confidence: u8) -> Priority {
    match risk {
        Risk::High | Risk::Critical => Priority::Urgent,
        _ if confidence < 30 => Priority::Urgent,
        Risk::Medium => Priority::High,
        Risk::Low => Priority::Medium,
    }
}

/// How long after its submission a request is due: critical 1 h, high 4 h, medium 24 h, low 72 h.
pub const fn due_after(risk: Risk) -> Duration {
    let hours = match risk {
        Risk::Critical => 1,
        Risk::High => 4,
        Risk::Medium => 24,
        Risk::Low => 72,
    };
    Duration::from_secs(hours * 3600)
}
