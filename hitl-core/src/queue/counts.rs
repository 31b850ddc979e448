//! Counts of calls.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::machine::CallState;
use crate::policy::{ApprovalLevel, Priority};

/// The limit of counting: beyond it, it is only known that there are more, so that a count costs
/// the same however long the queue is.
pub const COUNTED: u64 = 1000;

/// A number of calls, counted up to [`COUNTED`]. Shown as `17`, or as `1000+`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CappedCount {
    /// The number counted.
    pub counted: u64,
    /// True if there are, or may be, more.
    pub more: bool,
}

impl CappedCount {
    /// Returns the count from a number that was counted up to one beyond [`COUNTED`].
    pub fn new(counted: u64) -> Self {
        Self { counted: counted.min(COUNTED), more: counted > COUNTED }
    }

    /// Returns the sum with another count.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { counted: self.counted + other.counted, more: self.more || other.more }
    }
}

impl fmt::Display for CappedCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.counted, if self.more { "+" } else { "" })
    }
}

/// The number of calls in each state that has not ended, and of waiting calls at each priority and
/// level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueCounts {
    /// The calls by state: pending, approved, claimed and unknown.
    pub states: BTreeMap<CallState, CappedCount>,
    /// The pending calls by priority and level.
    pub pending: BTreeMap<(Priority, ApprovalLevel), CappedCount>,
}

impl QueueCounts {
    /// The states that are counted.
    pub const STATES: [CallState; 4] =
        [CallState::Pending, CallState::Approved, CallState::Claimed, CallState::OutcomeUnknown];
    /// The priorities that are counted.
    pub const PRIORITIES: [Priority; 3] = [Priority::Urgent, Priority::High, Priority::Medium];
    /// The levels that are counted.
    pub const LEVELS: [ApprovalLevel; 3] =
        [ApprovalLevel::Auto, ApprovalLevel::Quick, ApprovalLevel::Full];

    /// Returns the number of calls in a state.
    pub fn state(&self, state: CallState) -> CappedCount {
        self.states.get(&state).copied().unwrap_or_default()
    }

    /// Returns the number of pending calls at a priority.
    pub fn priority(&self, priority: Priority) -> CappedCount {
        self.sum(|(p, _)| *p == priority)
    }

    /// Returns the number of pending calls at a level.
    pub fn level(&self, level: ApprovalLevel) -> CappedCount {
        self.sum(|(_, l)| *l == level)
    }

    fn sum(&self, which: impl Fn(&(Priority, ApprovalLevel)) -> bool) -> CappedCount {
        let counted = self.pending.iter().filter(|(at, _)| which(at));
        counted.fold(CappedCount::default(), |sum, (_, tally)| sum.plus(*tally))
    }

    /// Adds the counts of another tenant.
    pub(crate) fn add(&mut self, other: &Self) {
        for (state, tally) in &other.states {
            let sum = self.states.entry(*state).or_default();
            *sum = sum.plus(*tally);
        }
        for (at, tally) in &other.pending {
            let sum = self.pending.entry(*at).or_default();
            *sum = sum.plus(*tally);
        }
    }
}
