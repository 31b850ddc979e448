//! Reminders: which calls are due one between two moments. Pure.

use std::time::Duration;

use hitl_base::Timestamp;

use crate::machine::{CallRecord, CallState};

/// The progress of a waiting call towards its due date. Ordered: later is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DueStage {
    /// Half of its time has passed.
    Half,
    /// Nine tenths of its time have passed.
    Near,
    /// The call is overdue. It can still be decided, until it expires.
    Overdue,
}

impl DueStage {
    /// All stages, the earliest first.
    pub const ALL: [Self; 3] = [Self::Half, Self::Near, Self::Overdue];

    /// The earliest reminder of a call, as the time before its due date: half of the 72 hours of a
    /// call of low risk.
    pub const EARLIEST: Duration = Duration::from_secs(36 * 3600);

    /// Returns the time at which a call reaches this stage.
    pub fn at(self, record: &CallRecord) -> Timestamp {
        let request = &record.request;
        let whole = request.due_at.saturating_duration_since(request.created_at);
        let part = match self {
            Self::Half => whole / 2,
            Self::Near => whole / 10 * 9,
            Self::Overdue => whole,
        };
        // A whole number of milliseconds, and never before it was created.
        request.created_at.saturating_add(part)
    }
}

/// A waiting call for which a reminder is due.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reminder {
    /// The stage that it has reached.
    pub reach: DueStage,
    /// The call.
    pub record: CallRecord,
}

/// Returns the stage that a call has reached by `now`; `None` if it does not wait, or has more than
/// half of its time.
///
/// ```
/// # use hitl::{queue::{DueStage, due}, CallRecord};
/// # use hitl::Timestamp;
/// # fn is_overdue(record: &CallRecord, now: Timestamp) -> bool {
/// due(record, now) == Some(DueStage::Overdue)
/// # }
/// ```
pub fn due(record: &CallRecord, now: Timestamp) -> Option<DueStage> {
    if record.state != CallState::Pending {
        return None;
    }
    DueStage::ALL.into_iter().rev().find(|reach| reach.at(record) <= now)
}

/// Returns the reminder that became due between `since` and `until`, the last check and this one:
/// the call's stage, if it has advanced.
pub fn reminders(record: &CallRecord, since: Timestamp, until: Timestamp) -> Option<Reminder> {
    let reach = due(record, until)?;
    (due(record, since) < Some(reach)).then(|| Reminder { reach, record: record.clone() })
}
