//! Positions in the queue, and the orders in which it is listed.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::call::Tenant;
use crate::machine::{CallRecord, CallState};
use crate::policy::Priority;

/// The order in which the queue is listed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum QueueOrder {
    /// The reviewers' order: the most urgent first; within a priority the agents take turns (see
    /// [`turn`](super::turn)); within a turn, by due date, then by creation.
    #[default]
    Reviewer,
    /// By due date, then by creation.
    Due,
    /// By creation.
    Created,
}

/// A position in the queue. It does not change while the call waits, unless its priority or its due
/// date does, so that a listing that continues after it neither skips a call nor shows it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// Exhaustive: a store must sort by each part.
pub struct QueuePosition {
    /// The urgency.
    pub priority: Priority,
    /// The turn among the calls of its priority in its tenant.
    pub turn: u64,
    /// The time when it is due.
    pub due_at: Timestamp,
    /// The store's number of the call: counts up in the order of creation.
    pub number: u64,
}

impl QueuePosition {
    /// Returns the sort key: the smaller comes first.
    pub fn key(&self, order: QueueOrder) -> [i64; 4] {
        let (due, number) = (self.due_at.as_millis(), self.number.cast_signed());
        match order {
            QueueOrder::Reviewer => [rank(self.priority), self.turn.cast_signed(), due, number],
            QueueOrder::Due => [0, 0, due, number],
            QueueOrder::Created => [0, 0, 0, number],
        }
    }
}

/// Returns a priority as a number that counts up from the most urgent, as stores keep it.
pub const fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Urgent => 0,
        Priority::High => 1,
        Priority::Medium => 2,
    }
}

/// A record and its position.
#[derive(Clone, Debug)]
// Exhaustive: a store must supply each part.
pub struct QueueEntry {
    /// The position.
    pub place: QueuePosition,
    /// The record of the call.
    pub record: CallRecord,
}

/// A request to a store for a slice of one tenant's queue.
#[derive(Clone, Debug)]
// Exhaustive: a store must follow each part.
pub struct QueueScan {
    /// The tenant.
    pub tenant: Tenant,
    /// The states: at least one, each once.
    pub states: Vec<CallState>,
    /// The order. In an order other than by creation, only states that have not ended are
    /// requested.
    pub order: QueueOrder,
    /// The [key](QueuePosition::key) of the position after which to continue.
    pub after: Option<[i64; 4]>,
    /// The most entries to return.
    pub limit: usize,
}
