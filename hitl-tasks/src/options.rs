//! What a task may ask for besides its steps.

use std::sync::Arc;
use std::time::Duration;

use crate::queue::{Wish, micros};

/// Who goes first when several tasks wait. One step up is worth some time of waiting
/// ([`aging`](crate::ManagerBuilder::aging)), so that no task waits for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// When nothing else is to do.
    Low,
    /// Unless told otherwise.
    #[default]
    Normal,
    /// Before ordinary tasks.
    High,
    /// Before everything else.
    Urgent,
}

/// Rarely used, so kept together behind one pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) idempotency_key: Option<Arc<str>>,
    pub(crate) wish: Wish,
    pub(crate) queue_limit: Option<Duration>,
    pub(crate) version: u32,
    pub(crate) journaled: bool,
}

impl Options {
    pub(crate) fn priority(&mut self, priority: Priority) {
        self.wish.priority = match priority {
            Priority::Low => -1,
            Priority::Normal => 0,
            Priority::High => 1,
            Priority::Urgent => 2,
        };
    }

    pub(crate) fn queue_timeout(&mut self, limit: Duration) {
        self.queue_limit = Some(limit);
        self.wish.within = Some(micros(limit));
    }
}
