//! One attempt of a step, shared by its context and its driver.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::run::off_clock::{OffClock, SlotNeed};
use crate::state::record::Record;
use crate::sync::{AtomicBool, AtomicU32, Mutex, MutexGuard, Ordering, lock};

pub(crate) struct Attempt {
    pub(crate) record: Arc<Record>,
    pub(crate) step: usize,
    /// The number of the attempt, from 1.
    pub(crate) number: u32,
    undo: bool,
    /// The times that the step was undone before a retry of the task.
    pub(crate) round: u32,
    stopped: AtomicBool,
    /// Created on first use, which also shows whether the body listens at all. A body that does not
    /// listen gets no grace period, because it would not notice.
    token: OnceLock<CancellationToken>,
    clock: Mutex<OffClock>,
    /// Wakes futures that have left the off-clock section and wait for the task to get a slot.
    resumed: Notify,
    calls: AtomicU32,
    /// True if the body has waited for another task.
    waits: AtomicBool,
}

impl Attempt {
    pub(crate) fn new(record: Arc<Record>, step: usize, number: u32) -> Self {
        Self {
            record,
            step,
            number,
            undo: false,
            round: 0,
            stopped: AtomicBool::new(false),
            token: OnceLock::new(),
            clock: Mutex::new(OffClock::default()),
            resumed: Notify::new(),
            calls: AtomicU32::new(0),
            waits: AtomicBool::new(false),
        }
    }

    pub(crate) fn in_round(self, round: u32) -> Self {
        Self { round, ..self }
    }

    /// Creates an attempt to undo a step.
    pub(crate) fn new_undo(record: Arc<Record>, step: usize, number: u32) -> Self {
        Self { undo: true, ..Self::new(record, step, number) }
    }

    pub(crate) fn is_undo(&self) -> bool {
        self.undo
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        let token = self.token.get_or_init(CancellationToken::new);
        // Either this sees that the attempt was stopped, or `stop` sees the token.
        if self.stopped.load(Ordering::SeqCst) {
            token.cancel();
        }
        token
    }

    /// Asks the body to stop. Futures that wait for a slot no longer need one.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(token) = self.token.get() {
            token.cancel();
        }
        self.resumed.notify_waiters();
    }

    /// Returns whether the body has ever asked for its token.
    pub(crate) fn is_listening(&self) -> bool {
        self.token.get().is_some()
    }

    /// Reports the progress of the step, as a fraction of 1.
    pub(crate) fn progress(&self, share: f64) {
        self.record.progress(self.step, self.number, share);
    }

    /// Reports the current activity of the step.
    pub(crate) fn message(&self, text: &str) {
        self.record.message(self.step, self.number, text);
    }

    pub(crate) fn next_call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that the body waits for another task of its manager.
    pub(crate) fn mark_waiting(&self) {
        self.waits.store(true, Ordering::Release);
    }

    pub(crate) fn has_waited(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    pub(crate) fn clock(&self) -> MutexGuard<'_, OffClock> {
        lock(&self.clock)
    }

    pub(crate) fn resume(&self, now: Instant) {
        self.clock().resume(now);
        self.resumed.notify_waiters();
    }

    /// Runs a future off the clock. If it is dropped half-way, the task returns to the clock by
    /// itself.
    pub(crate) async fn off_clock<F: Future>(&self, future: F) -> F::Output {
        let guard = OffClockGuard::start(self);
        let output = future.await;
        drop(guard);
        loop {
            let mut resumed = std::pin::pin!(self.resumed.notified());
            resumed.as_mut().enable();
            if self.clock().need() != SlotNeed::Resume || self.stopped.load(Ordering::SeqCst) {
                return output;
            }
            resumed.await;
        }
    }
}

/// Keeps the attempt off the clock while it lives.
struct OffClockGuard<'a>(&'a Attempt);

impl<'a> OffClockGuard<'a> {
    fn start(attempt: &'a Attempt) -> Self {
        attempt.clock().enter(Instant::now());
        attempt.record.wake();
        Self(attempt)
    }
}

impl Drop for OffClockGuard<'_> {
    fn drop(&mut self) {
        self.0.clock().leave(Instant::now());
        self.0.record.wake();
    }
}
