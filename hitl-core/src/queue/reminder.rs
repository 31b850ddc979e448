//! When whom to remind: pure, of a record and two moments.

use std::time::Duration;

use hitl_base::Timestamp;

use crate::machine::{CallRecord, CallState};

/// How far a waiting call has come towards its due date. Ordered: later is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DueStage {
    /// Half of its time is over.
    Half,
    /// Nine tenths of its time are over.
    Near,
    /// It is overdue. It can still be decided, until it expires.
    Overdue,
}

impl DueStage {
    /// All of them, the earliest first.
    pub const ALL: [Self; 3] = [Self::Half, Self::Near, Self::Overdue];

    /// The longest time before its due date that a call is reminded of: half of the 72 hours that
    /// one of low risk has.
    pub const EARLIEST: Duration = Duration::from_secs(36 * 3600);

    /// When a call comes so far.
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

/// A waiting call that somebody should be reminded of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reminder {
    /// How far it has come.
    pub reach: DueStage,
    /// The call.
    pub record: CallRecord,
}

/// How far a call has come by `now`; nothing when it does not wait, or has more than half of its
/// time.
///
/// ```
/// # use hitl_core::{CallRecord, queue::{DueStage, due}};
/// # use hitl_base::Timestamp;
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

/// What to remind of, having looked at `since` and looking again at `until`: how far the call has
/// come, if it was not so far before.
pub fn reminders(record: &CallRecord, since: Timestamp, until: Timestamp) -> Option<Reminder> {
    let reach = due(record, until)?;
    (due(record, since) < Some(reach)).then(|| Reminder { reach, record: record.clone() })
}
