//! One attempt of a step, as its context and its driver share it.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::{Need, OffClock};
use crate::record::Record;
use crate::sync::{AtomicBool, AtomicU32, Mutex, MutexGuard, Ordering, lock};

pub(crate) struct Attempt {
    pub(crate) record: Arc<Record>,
    pub(crate) step: usize,
    /// From 1.
    pub(crate) number: u32,
    undo: bool,
    stopped: AtomicBool,
    /// Made when somebody first asks. That also tells whether the body listens at all: one that
    /// does not is not given a grace period, for it would not notice.
    token: OnceLock<CancellationToken>,
    clock: Mutex<OffClock>,
    /// Wakes futures that are done off the clock and wait for the task to have a slot again.
    resumed: Notify,
    calls: AtomicU32,
    /// Whether the body has waited for another task.
    waits: AtomicBool,
}

impl Attempt {
    pub(crate) fn new(record: Arc<Record>, step: usize, number: u32) -> Self {
        Self {
            record,
            step,
            number,
            undo: false,
            stopped: AtomicBool::new(false),
            token: OnceLock::new(),
            clock: Mutex::new(OffClock::default()),
            resumed: Notify::new(),
            calls: AtomicU32::new(0),
            waits: AtomicBool::new(false),
        }
    }

    /// An attempt to undo a step.
    pub(crate) fn of_undo(record: Arc<Record>, step: usize, number: u32) -> Self {
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

    /// Tells the body to stop. Whoever waits to come back onto the clock need not any more.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(token) = self.token.get() {
            token.cancel();
        }
        self.resumed.notify_waiters();
    }

    /// Whether the body has ever asked for its token.
    pub(crate) fn listens(&self) -> bool {
        self.token.get().is_some()
    }

    pub(crate) fn next_call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// The body waits for another task of its manager.
    pub(crate) fn note_wait(&self) {
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

    /// Runs a future off the clock. If it is dropped half-way, the task comes back by itself.
    pub(crate) async fn off_clock<F: Future>(&self, future: F) -> F::Output {
        let trip = Trip::start(self);
        let output = future.await;
        drop(trip);
        loop {
            let mut resumed = std::pin::pin!(self.resumed.notified());
            resumed.as_mut().enable();
            if self.clock().need() != Need::Resume || self.stopped.load(Ordering::SeqCst) {
                return output;
            }
            resumed.await;
        }
    }
}

/// Being off the clock.
struct Trip<'a>(&'a Attempt);

impl<'a> Trip<'a> {
    fn start(attempt: &'a Attempt) -> Self {
        attempt.clock().enter(Instant::now());
        attempt.record.poke();
        Self(attempt)
    }
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        self.0.clock().leave(Instant::now());
        self.0.record.poke();
    }
}
