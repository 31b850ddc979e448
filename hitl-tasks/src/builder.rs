//! The settings of a manager.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::clock::SystemClock;
use hitl_base::{Clock, Redactor};

use crate::error::{BuildError, InvalidSetting};
use crate::journal::contract::Journal;
use crate::manager::{Owner, TaskManager};
use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::emit::fan_out::FanOut;
use crate::run::driver::launch;
use crate::schedule::queue::{Limits, Rate, micros};
use crate::schedule::scheduler::Scheduler;
use crate::state::environment::Environment;
use crate::state::step_durations::StepDurations;

/// The maximum number of starts in a rate: the time of each is remembered.
const MAX_STARTS: usize = 1_000_000;

/// Settings of a [`TaskManager`].
pub struct TaskManagerBuilder {
    max_concurrent: usize,
    max_queued: usize,
    cancel_grace_period: Duration,
    emitters: FanOut,
    clock: Arc<dyn Clock>,
    journal: Option<Box<dyn Journal>>,
    max_per_key: usize,
    priority_step: Duration,
    rate: Option<(usize, Duration)>,
    idempotency_ttl: Duration,
    undo_timeout: Duration,
}

impl TaskManager {
    /// Returns a builder with the default settings.
    pub fn builder() -> TaskManagerBuilder {
        TaskManagerBuilder::default()
    }
}

impl Default for TaskManagerBuilder {
    fn default() -> Self {
        Self {
            max_concurrent: 10,
            max_queued: 10_000,
            cancel_grace_period: Duration::from_secs(5),
            emitters: FanOut::new(),
            clock: Arc::new(SystemClock),
            journal: None,
            max_per_key: 1,
            priority_step: Duration::from_secs(30),
            rate: None,
            idempotency_ttl: Duration::from_secs(300),
            undo_timeout: Duration::from_secs(60),
        }
    }
}

impl TaskManagerBuilder {
    /// Sets how many tasks may run at once; 10 by default. `usize::MAX` means no limit.
    #[must_use]
    pub fn max_concurrent(mut self, tasks: usize) -> Self {
        self.max_concurrent = tasks;
        self
    }

    /// Sets how many tasks may wait to start, besides those that run; 10,000 by default. One more
    /// is refused with [`SubmitError::Full`](crate::SubmitError::Full). `usize::MAX` means no
    /// limit.
    #[must_use]
    pub fn max_queued(mut self, tasks: usize) -> Self {
        self.max_queued = tasks;
        self
    }

    /// Sets how long a step that listens for cancellation may clean up before its future is
    /// dropped; 5 seconds by default. Zero drops it at once.
    #[must_use]
    pub fn cancel_grace_period(mut self, cancel_grace_period: Duration) -> Self {
        self.cancel_grace_period = cancel_grace_period;
        self
    }

    /// Adds an emitter. Every emitter gets every event.
    #[must_use]
    pub fn emitter(mut self, emitter: impl ProgressEmitter) -> Self {
        self.emitters = self.emitters.with(emitter);
        self
    }

    /// Sets the clock for the times in events and snapshots. Budgets and delays are measured by
    /// tokio's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the journal that records [journaled](crate::Task::journaled) tasks.
    #[must_use]
    pub fn journal(mut self, journal: impl Journal) -> Self {
        self.journal = Some(Box::new(journal));
        self
    }

    /// Sets how many tasks with the same [key](crate::Task::key) may run at once; 1 by default.
    #[must_use]
    pub fn max_per_key(mut self, tasks: usize) -> Self {
        self.max_per_key = tasks;
        self
    }

    /// Sets the waiting time that one step of [priority](crate::Priority) is worth; 30 seconds by
    /// default. A normal task that was submitted more than this long before a high one goes first.
    /// Large values come close to strict priority.
    #[must_use]
    pub fn priority_step(mut self, step: Duration) -> Self {
        self.priority_step = step;
        self
    }

    /// Limits how many tasks (1 to 1,000,000) start in any period of length `per`; unlimited by
    /// default. Returning from [off the clock](crate::StepContext::off_clock) does not count as a
    /// start.
    #[must_use]
    pub fn rate_limit(mut self, starts: usize, per: Duration) -> Self {
        self.rate = Some((starts, per));
        self
    }

    /// Sets how long an ended task is remembered by its [idempotency
    /// key](crate::Task::idempotency_key); 5 minutes by default. At most 10,000 ended tasks are
    /// remembered. Zero forgets a task when it ends.
    #[must_use]
    pub fn idempotency_ttl(mut self, time: Duration) -> Self {
        self.idempotency_ttl = time;
        self
    }

    /// Sets the timeout of one attempt to [undo](crate::TaskStep::undo) a step; one minute by
    /// default.
    #[must_use]
    pub fn undo_timeout(mut self, limit: Duration) -> Self {
        self.undo_timeout = limit;
        self
    }

    /// Builds the manager. Refuses zero where nothing would ever run: slots, queue, key, rate,
    /// priority step, undo timeout.
    pub fn build(self) -> Result<TaskManager, BuildError> {
        self.check().map_err(BuildError)?;
        let environment = Environment {
            cancel_grace_period: self.cancel_grace_period,
            undo_timeout: self.undo_timeout,
            emitter: self.emitters.into_emitter(),
            journal: self.journal,
            clock: self.clock,
            redactor: Redactor::standard(),
            durations: StepDurations::default(),
        };
        let limits = Limits {
            max_concurrent: self.max_concurrent,
            max_queued: self.max_queued,
            max_per_key: self.max_per_key,
            priority_step: micros(self.priority_step),
            rate: self.rate.map(|(max_starts, per)| Rate { max_starts, per: micros(per) }),
        };
        let scheduler = Scheduler::new(environment, limits, self.idempotency_ttl, launch);
        Ok(TaskManager(Arc::new(Owner(scheduler))))
    }

    fn check(&self) -> Result<(), InvalidSetting> {
        for (what, value) in [
            ("max_concurrent", self.max_concurrent),
            ("max_queued", self.max_queued),
            ("max_per_key", self.max_per_key),
        ] {
            if value == 0 {
                return Err(InvalidSetting::new(what, "at least 1"));
            }
        }
        let per = self.rate.map_or(Duration::MAX, |(_, per)| per);
        for (what, time) in [
            ("aging", self.priority_step),
            ("undo_limit", self.undo_timeout),
            ("the time of rate_limit", per),
        ] {
            // The queue's clock counts microseconds, so anything shorter is zero.
            if micros(time) == 0 {
                return Err(InvalidSetting::new(what, "at least a microsecond"));
            }
        }
        match self.rate {
            Some((starts, _)) if !(1..=MAX_STARTS).contains(&starts) => {
                Err(InvalidSetting::new("the starts of rate_limit", "1 to 1000000"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for TaskManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder")
            .field("max_concurrent", &self.max_concurrent)
            .field("max_queued", &self.max_queued)
            .field("max_per_key", &self.max_per_key)
            .field("rate_limit", &self.rate)
            .field("grace", &self.cancel_grace_period)
            .field("emitters", &self.emitters)
            .finish_non_exhaustive()
    }
}
