//! The slot and the time of a running task.
//!
//! The members of a parallel group share both. The task is on the clock, and has a slot, while any
//! of them is on the clock.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::run::attempt::Attempt;
use crate::schedule::scheduler::{Scheduler, Slot};
use crate::state::record::Record;
use crate::sync::{AtomicBool, Mutex, Ordering, get_mut, lock};

pub(crate) struct RunBudget {
    scheduler: Arc<Scheduler>,
    /// The timeout of the task.
    pub(crate) limit: Option<Duration>,
    state: Mutex<BudgetState>,
}

struct BudgetState {
    slot: Option<Slot>,
    /// Set only if there is a limit.
    since: Option<Instant>,
    /// The number of members on the clock; 1 for a step that runs alone.
    on: usize,
    off_since: Option<Instant>,
    off: Duration,
}

impl RunBudget {
    pub(crate) fn new(scheduler: Arc<Scheduler>, limit: Option<Duration>, slot: Slot) -> Self {
        let state = BudgetState {
            slot: Some(slot),
            since: None,
            on: 1,
            off_since: None,
            off: Duration::ZERO,
        };
        Self { scheduler, limit, state: Mutex::new(state) }
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    /// Starts the clock.
    pub(crate) fn start(&mut self) {
        if self.limit.is_some() {
            lock(&self.state).since = Some(Instant::now());
        }
    }

    pub(crate) fn take_slot(&mut self) -> Option<Slot> {
        get_mut(&mut self.state).slot.take()
    }

    pub(crate) fn has_slot(&self) -> bool {
        lock(&self.state).slot.is_some()
    }

    pub(crate) fn put_slot(&self, slot: Slot) {
        let old = lock(&self.state).slot.replace(slot);
        drop(old);
    }

    /// Sets the number of members, all on the clock.
    pub(crate) fn enter_members(&self, members: usize) {
        lock(&self.state).on = members;
    }

    /// Takes a member off the clock: it goes off the clock or has ended. The last one gives the
    /// slot back.
    pub(crate) fn leave_member(&self, record: &Record, step: usize, over: bool) {
        let mut state = lock(&self.state);
        state.on -= 1;
        if state.on > 0 {
            return;
        }
        // Before the slot is free: no task may be seen running without a slot.
        state.off_since = Some(Instant::now());
        let slot = state.slot.take();
        drop(state);
        if slot.is_some() || !over {
            record.park(step);
        }
        drop(slot);
    }

    /// Puts a member back on the clock. Waits for a slot if the task has none. Returns `false` if
    /// the member was stopped first.
    pub(crate) async fn reacquire_slot(
        &self,
        attempt: &Attempt,
        sibling_failed: &AtomicBool,
        waker: &Notify,
    ) -> bool {
        let record = &attempt.record;
        let mut granted = pin!(Scheduler::acquire_slot(&self.scheduler, record));
        loop {
            // A sibling may have got a slot.
            if self.rejoin(attempt, None) {
                return true;
            }
            if record.is_stopping() || sibling_failed.load(Ordering::Acquire) {
                return false;
            }
            tokio::select! {
                biased;
                slot = &mut granted => return self.rejoin(attempt, Some(slot)),
                () = waker.notified() => {}
            }
        }
    }

    fn rejoin(&self, attempt: &Attempt, granted: Option<Slot>) -> bool {
        let now = Instant::now();
        let mut state = lock(&self.state);
        let spare = match granted {
            Some(granted) if state.slot.is_none() => {
                state.slot = Some(granted);
                None
            }
            spare => spare,
        };
        if state.slot.is_none() {
            return false;
        }
        state.on += 1;
        let first = state.on == 1;
        if let Some(since) = state.off_since.take() {
            state.off += now.saturating_duration_since(since);
        }
        drop(state);
        drop(spare);
        if first {
            attempt.record.resume(attempt.step);
            // Siblings that also wait for a slot have one now.
            attempt.record.wake();
        }
        attempt.resume(now);
        true
    }

    /// Returns the time at which the task times out; `None` while its clock is stopped, and without
    /// a limit.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let limit = self.limit?;
        let state = lock(&self.state);
        if state.off_since.is_some() {
            return None;
        }
        state.since?.checked_add(limit)?.checked_add(state.off)
    }

    /// Returns whether the task has timed out.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= Instant::now())
    }
}

/// Acquires a slot if the task has none.
pub(crate) async fn ensure_slot(record: &Arc<Record>, budget: &RunBudget) {
    if !budget.has_slot() {
        let slot = Scheduler::acquire_slot(&budget.scheduler, record).await;
        budget.put_slot(slot);
    }
}
