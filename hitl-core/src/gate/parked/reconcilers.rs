//! When tools are asked that find out themselves how an attempt ended.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use tokio::sync::Mutex as AsyncMutex;

use super::ask_schedule::{AskSchedule, AttemptId};
use crate::sync::{Mutex, lock};

/// The pause between two searches of the store for calls that wait to be settled.
const SEARCH_INTERVAL: Duration = Duration::from_secs(30);

/// The times at which the tools' reconciles are asked.
#[derive(Default)]
pub(in crate::gate) struct Reconcilers {
    schedule: Mutex<AskSchedule>,
    next_search: Mutex<Option<Timestamp>>,
}

impl Reconcilers {
    /// Returns whether it is time to search the store.
    pub(super) fn begin_search(&self, now: Timestamp) -> bool {
        let mut next = lock(&self.next_search);
        // A clock that went back must not stop the searches.
        let is_early =
            next.is_some_and(|next| now < next && next <= now.saturating_add(SEARCH_INTERVAL));
        if !is_early {
            *next = Some(now.saturating_add(SEARCH_INTERVAL));
        }
        !is_early
    }

    pub(super) fn turn(&self, attempt: AttemptId, now: Timestamp) -> Option<Arc<AsyncMutex<()>>> {
        lock(&self.schedule).turn(attempt, now)
    }

    pub(super) fn begin(&self, attempt: AttemptId, now: Timestamp) -> bool {
        lock(&self.schedule).begin(attempt, now)
    }

    pub(super) fn is_news(&self, attempt: AttemptId, said: &str) -> bool {
        lock(&self.schedule).is_news(attempt, said)
    }

    pub(super) fn forget(&self, attempt: AttemptId) {
        lock(&self.schedule).forget(attempt);
    }
}
