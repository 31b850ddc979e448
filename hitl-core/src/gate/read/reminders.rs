//! Reminders of waiting calls.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use hitl_base::Timestamp;

use crate::call::Tenant;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::read::queue::Queue;
use crate::machine::CallState;
use crate::queue::{DueStage, QueueOrder, QueuePosition, QueueScan, Reminder, reminders};

/// The number of calls read at a time.
const PAGE: usize = 100;

/// Reads the reminders of one span of time: see [`Queue::reminders`].
pub struct Reminders {
    core: Arc<GateCore>,
    tenants: VecDeque<Tenant>,
    after: Option<[i64; 4]>,
    since: Timestamp,
    until: Timestamp,
    ready: VecDeque<Reminder>,
}

impl Queue {
    /// Reads the reminders since `since`: one for each waiting call when it is
    /// [half-way](DueStage::Half) to its due date, [near it](DueStage::Near), and [past
    /// it](DueStage::Overdue).
    ///
    /// Call it at intervals, and store [`Reminders::until`] for the next call once all reminders
    /// were handled: then each reminder is delivered at least once, also across restarts. The first
    /// time, pass [`Timestamp::EPOCH`]. Reminders depend on the store's clock and not on any state
    /// of this reader.
    ///
    /// Reads calls in the order of their due dates, up to half the longest due time ahead; holds
    /// few of them at a time.
    pub async fn reminders(&self, since: Timestamp) -> Result<Reminders, GateError> {
        let until = self.core().calls.store().now().await?;
        Ok(Reminders {
            core: Arc::clone(self.core()),
            tenants: self.tenants().await?.into(),
            after: None,
            since,
            until,
            ready: VecDeque::new(),
        })
    }
}

impl Reminders {
    /// Returns the next reminder, or `None` at the end. After an error the reader keeps its
    /// position.
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
                limit: PAGE,
            };
            let found = self.core.calls.store().queue(&scan).await?;
            let last = found.last().map(|placed| placed.place);
            self.after = last.map(|place: QueuePosition| place.key(QueueOrder::Due));
            let is_over = found.len() < PAGE
                || last.is_some_and(|place| {
                    place.due_at > self.until.saturating_add(DueStage::EARLIEST)
                });
            if is_over {
                self.tenants.pop_front();
                self.after = None;
            }
            for placed in found {
                self.ready.extend(reminders(&placed.record, self.since, self.until));
            }
        }
    }

    /// Returns the end of this span of time, which is the beginning of the next one.
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
