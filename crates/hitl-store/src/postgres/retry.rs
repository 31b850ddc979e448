//! Retries until a deadline, for failures while the database is unavailable.

use std::time::{Duration, Instant};

/// The pause before the first retry; each further one doubles it, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Attempts until a deadline, with growing pauses between them.
pub(super) struct Retry {
    deadline: Instant,
    pause: Duration,
}

impl Retry {
    /// Begins the attempts, which end after `limit`.
    pub(super) fn within(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, pause: FIRST_PAUSE }
    }

    /// Waits before the next attempt. Returns `false`, at once, after the deadline.
    pub(super) async fn wait(&mut self) -> bool {
        if self.is_expired() {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        true
    }

    /// Returns whether the deadline has passed.
    pub(super) fn is_expired(&self) -> bool {
        Instant::now() >= self.deadline
    }
}
