//! Where a call stands in the queue, and the orders in which it is worked.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::call::Tenant;
use crate::machine::{CallRecord, CallState};
use crate::policy::Priority;

/// In which order the queue is listed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum QueueOrder {
    /// As reviewers work: the most urgent first; within a priority the agents take turns (see
    /// [`turn`](super::turn)); within a turn, what is due first, then what came first.
    #[default]
    Reviewer,
    /// What is due first, then what came first.
    Due,
    /// What came first.
    Created,
}

/// Where a call stands in the queue. It does not change while the call waits, unless its priority
/// or its due date does, so that a listing which goes on after it neither skips a call nor shows it
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueuePosition {
    /// How soon it should be looked at.
    pub priority: Priority,
    /// Its turn among those of its priority in its tenant.
    pub turn: u64,
    /// When it should be decided.
    pub due_at: Timestamp,
    /// The store's number of the call: counts up in the order of creation.
    pub number: u64,
}

impl QueuePosition {
    /// What the order goes by: the smaller comes first.
    pub fn key(&self, order: QueueOrder) -> [i64; 4] {
        let (due, number) = (self.due_at.as_millis(), self.number.cast_signed());
        match order {
            QueueOrder::Reviewer => [rank(self.priority), self.turn.cast_signed(), due, number],
            QueueOrder::Due => [0, 0, due, number],
            QueueOrder::Created => [0, 0, 0, number],
        }
    }
}

/// A priority as a number that counts up from the most urgent, as stores keep it.
pub const fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Urgent => 0,
        Priority::High => 1,
        Priority::Medium => 2,
    }
}

/// A record and its place.
#[derive(Clone, Debug)]
pub struct QueueEntry {
    /// Where it stands.
    pub place: QueuePosition,
    /// What is kept of the call.
    pub record: CallRecord,
}

/// One stretch of one tenant's queue, as a store is asked for it.
#[derive(Clone, Debug)]
pub struct QueueScan {
    /// Whose.
    pub tenant: Tenant,
    /// In one of these states: at least one, each once.
    pub states: Vec<CallState>,
    /// In this order. Other than by creation, only states that have not ended are asked for.
    pub order: QueueOrder,
    /// After the place with this [key](QueuePosition::key).
    pub after: Option<[i64; 4]>,
    /// At most so many.
    pub limit: usize,
}
