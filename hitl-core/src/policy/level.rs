//! Approval levels: the amount of human review that a call needs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::Thresholds;

/// The amount of human review that a call needs. Ordered: more is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: the order is a guard; code that does not handle a variant must not compile.
pub enum ApprovalLevel {
    /// No review: the call runs, and the audit record notes it.
    Auto,
    /// A quick yes or no, given inline.
    Quick,
    /// A full review from the durable queue.
    Full,
}

impl ApprovalLevel {
    /// Returns its name, as in records and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for ApprovalLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the level of a confidence: at the auto threshold or above Auto, at the quick threshold
/// or above Quick, else Full.
///
/// ```
/// use hitl::{call::Thresholds, policy::level_for, ApprovalLevel};
/// assert_eq!(level_for(85, Thresholds { auto: 85, quick: 60 }), ApprovalLevel::Auto);
/// assert_eq!(level_for(84, Thresholds { auto: 85, quick: 60 }), ApprovalLevel::Quick);
/// assert_eq!(level_for(59, Thresholds { auto: 85, quick: 60 }), ApprovalLevel::Full);
/// ```
pub const fn level_for(confidence: u8, thresholds: Thresholds) -> ApprovalLevel {
    if confidence >= thresholds.auto {
        ApprovalLevel::Auto
    } else if confidence >= thresholds.quick {
        ApprovalLevel::Quick
    } else {
        ApprovalLevel::Full
    }
}
