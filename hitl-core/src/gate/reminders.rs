//! Who should be reminded of what waits.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use hitl_base::Timestamp;

use super::error::GateError;
use super::handle::Inner;
use super::queue::Queue;
use crate::call::Tenant;
use crate::machine::{CallRecord, CallState};
use crate::queue::{DueStage, QueueOrder, QueuePosition, QueueScan, Reminder, reminders};

/// How many calls are read in one go.
const AT_ONCE: usize = 100;

/// Reads the reminders of one stretch of time: see [`Queue::reminders`].
pub struct Reminders {
    gate: Arc<Inner>,
    tenants: VecDeque<Tenant>,
    after: Option<[i64; 4]>,
    since: Timestamp,
    until: Timestamp,
    ready: VecDeque<Reminder>,
}

impl Queue {
    /// What should be reminded of since `since`: each call that waits, as it comes
    /// [half-way](Reach::Half) to its due date, [near it](Reach::Near), and [past
    /// it](Reach::Overdue).
    ///
    /// Ask from time to time, and keep [`Reminders::until`] for the next time once all of them were
    /// dealt with: each reminder then comes at least once, also across restarts. The first time,
    /// give [`Timestamp::EPOCH`]. What is reminded of depends on the store's clock and on nothing
    /// that this reader remembers.
    ///
    /// Reads what is due within as long as the longest due time after half of it, in the order in
    /// which it is due; holds little of it at a time.
    pub async fn reminders(&self, since: Timestamp) -> Result<Reminders, GateError> {
        let until = self.gate.store.now().await?;
        Ok(Reminders {
            gate: Arc::clone(&self.gate),
            tenants: self.tenants().await?.into(),
            after: None,
            since,
            until,
            ready: VecDeque::new(),
        })
    }
}

impl Reminders {
    /// The next one, or nothing when there are no more. An error leaves the reader where it was.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Reminder>, GateError> {
        loop {
            if let Some(reminder) = self.ready.pop_front() {
                return Ok(Some(reminder));
            }
            let Some(tenant) = self.tenants.front().cloned() else { return Ok(None) };
            let scan = QueueScan {
                tenant,
                states: vec![CallState::Pending],
                order: QueueOrder::Due,
                after: self.after,
                limit: AT_ONCE,
            };
            let found = self.gate.store.queue(&scan).await?;
            let last = found.last().map(|placed| placed.place);
            self.after = last.map(|place: QueuePosition| place.key(QueueOrder::Due));
            let is_over = found.len() < AT_ONCE
                || last.is_some_and(|place| {
                    place.due_at > self.until.saturating_add(DueStage::EARLIEST)
                });
            if is_over {
                self.tenants.pop_front();
                self.after = None;
            }
            for placed in found {
                self.ready.extend(self.of(&placed.record));
            }
        }
    }

    fn of(&self, record: &CallRecord) -> Option<Reminder> {
        reminders(record, self.since, self.until)
    }

    /// The moment up to which these are: where the next ones begin.
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

impl fmt::Debug for Reminders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reminders")
            .field("since", &self.since)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
