//! How a manager is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::clock::SystemClock;
use hitl_base::{Clock, Redactor};

use crate::emit::FanOut;
use crate::error::BadSetting;
use crate::manager::Owner;
use crate::queue::{Limits, micros};
use crate::scheduler::{Scheduler, Settings};
use crate::{BuildError, Journal, ProgressEmitter, TaskManager};

/// The most starts of a rate: each is remembered.
const MAX_STARTS: usize = 1_000_000;

/// Settings of a [`TaskManager`].
pub struct ManagerBuilder {
    max_concurrent: usize,
    max_queued: usize,
    grace: Duration,
    emitters: FanOut,
    clock: Arc<dyn Clock>,
    journal: Option<Box<dyn Journal>>,
    per_key: usize,
    aging: Duration,
    rate: Option<(usize, Duration)>,
    keep: Duration,
    undo_limit: Duration,
}

impl Default for ManagerBuilder {
    fn default() -> Self {
        Self {
            max_concurrent: 10,
            max_queued: 10_000,
            grace: Duration::from_secs(5),
            emitters: FanOut::new(),
            clock: Arc::new(SystemClock),
            journal: None,
            per_key: 1,
            aging: Duration::from_secs(30),
            rate: None,
            keep: Duration::from_secs(300),
            undo_limit: Duration::from_secs(60),
        }
    }
}

impl ManagerBuilder {
    /// How many tasks run at once; 10 unless said otherwise. `usize::MAX` means no limit.
    #[must_use]
    pub fn max_concurrent(mut self, tasks: usize) -> Self {
        self.max_concurrent = tasks;
        self
    }

    /// How many tasks may wait to start, besides those that run; 10,000 unless said otherwise. One
    /// more is refused with [`SubmitError::Full`](crate::SubmitError::Full). `usize::MAX` means no
    /// limit.
    #[must_use]
    pub fn max_queued(mut self, tasks: usize) -> Self {
        self.max_queued = tasks;
        self
    }

    /// How long a step that listens for cancellation may tidy up before its future is dropped; 5
    /// seconds unless said otherwise. Zero means not at all.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Adds an emitter; all of them get every event.
    #[must_use]
    pub fn emitter(mut self, emitter: impl ProgressEmitter) -> Self {
        self.emitters = self.emitters.with(emitter);
        self
    }

    /// Where the times in events and snapshots come from. Budgets and delays are measured by
    /// tokio's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where [journaled](crate::Task::journaled) tasks are recorded.
    #[must_use]
    pub fn journal(mut self, journal: impl Journal) -> Self {
        self.journal = Some(Box::new(journal));
        self
    }

    /// How many tasks with the same [key](crate::Task::key) run at once; 1 unless said otherwise.
    #[must_use]
    pub fn max_per_key(mut self, tasks: usize) -> Self {
        self.per_key = tasks;
        self
    }

    /// How much waiting one step of [priority](crate::Priority) is worth; 30 seconds unless said
    /// otherwise. An ordinary task that came more than so long before a high one goes first. Large
    /// values come close to strict priority.
    #[must_use]
    pub fn aging(mut self, step: Duration) -> Self {
        self.aging = step;
        self
    }

    /// At most so many tasks (1 to 1,000,000) start in any time of length `per`. No limit unless
    /// said otherwise. Coming back from [off the clock](crate::StepContext::off_clock) is no start.
    #[must_use]
    pub fn rate_limit(mut self, starts: usize, per: Duration) -> Self {
        self.rate = Some((starts, per));
        self
    }

    /// How long an ended task is remembered by its [idempotency key](crate::Task::idempotency_key);
    /// 5 minutes unless said otherwise, and 10,000 tasks at most. Zero: not after its end.
    #[must_use]
    pub fn keep_outcomes(mut self, time: Duration) -> Self {
        self.keep = time;
        self
    }

    /// The longest one attempt to [undo](crate::TaskStep::undo) a step may take; a minute unless
    /// said otherwise.
    #[must_use]
    pub fn undo_limit(mut self, limit: Duration) -> Self {
        self.undo_limit = limit;
        self
    }

    /// The manager. Refuses zero where it would mean that nothing ever runs: slots, queue, key,
    /// rate, aging, undo limit.
    pub fn build(self) -> Result<TaskManager, BuildError> {
        self.check().map_err(BuildError)?;
        let settings = Settings {
            grace: self.grace,
            undo_limit: self.undo_limit,
            emitter: self.emitters.simplified(),
            journal: self.journal,
            clock: self.clock,
            redactor: Redactor::standard(),
        };
        let limits = Limits {
            max_concurrent: self.max_concurrent,
            max_queued: self.max_queued,
            per_key: self.per_key,
            aging: micros(self.aging),
            rate: self.rate.map(|(starts, per)| (starts, micros(per))),
        };
        Ok(TaskManager(Arc::new(Owner(Scheduler::new(settings, limits, self.keep)))))
    }

    fn check(&self) -> Result<(), BadSetting> {
        for (what, value) in [
            ("max_concurrent", self.max_concurrent),
            ("max_queued", self.max_queued),
            ("max_per_key", self.per_key),
        ] {
            if value == 0 {
                return Err(BadSetting::new(what, "at least 1"));
            }
        }
        let per = self.rate.map_or(Duration::MAX, |(_, per)| per);
        for (what, time) in [
            ("aging", self.aging),
            ("undo_limit", self.undo_limit),
            ("the time of rate_limit", per),
        ] {
            // Shorter than the queue's clock can tell is as good as zero.
            if micros(time) == 0 {
                return Err(BadSetting::new(what, "at least a microsecond"));
            }
        }
        match self.rate {
            Some((starts, _)) if !(1..=MAX_STARTS).contains(&starts) => {
                Err(BadSetting::new("the starts of rate_limit", "1 to 1000000"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for ManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder")
            .field("max_concurrent", &self.max_concurrent)
            .field("max_queued", &self.max_queued)
            .field("max_per_key", &self.per_key)
            .field("rate_limit", &self.rate)
            .field("grace", &self.grace)
            .field("emitters", &self.emitters)
            .finish_non_exhaustive()
    }
}
