//! What a task spends while it runs: its slot and its time.
//!
//! The members of a parallel group share both. The task is on the clock, and has a slot, while any
//! of them is.

use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::queue::Key;
use crate::record::Record;
use crate::scheduler::{Scheduler, Slot};
use crate::sync::{AtomicBool, Mutex, Ordering, lock};

pub(crate) struct Pace {
    /// How long it may take.
    pub(crate) limit: Option<Duration>,
    spent: Mutex<Spent>,
}

struct Spent {
    slot: Option<Slot>,
    /// Read only where there is a limit.
    since: Option<Instant>,
    /// How many members are on the clock; of a step that runs alone, itself.
    on: usize,
    off_since: Option<Instant>,
    off: Duration,
}

impl Pace {
    pub(crate) fn new(limit: Option<Duration>, slot: Slot) -> Self {
        let spent =
            Spent { slot: Some(slot), since: None, on: 1, off_since: None, off: Duration::ZERO };
        Self { limit, spent: Mutex::new(spent) }
    }

    /// Its time begins now.
    pub(crate) fn begin(&mut self) {
        if self.limit.is_some() {
            lock(&self.spent).since = Some(Instant::now());
        }
    }

    pub(crate) fn take_slot(&mut self) -> Option<Slot> {
        self.spent.get_mut().unwrap_or_else(PoisonError::into_inner).slot.take()
    }

    pub(crate) fn has_slot(&self) -> bool {
        lock(&self.spent).slot.is_some()
    }

    pub(crate) fn give_slot(&self, slot: Slot) {
        let old = lock(&self.spent).slot.replace(slot);
        drop(old);
    }

    /// So many members begin, all on the clock.
    pub(crate) fn enter(&self, members: usize) {
        lock(&self.spent).on = members;
    }

    /// A member leaves the clock: it goes off it, or is over. When it was the last one, the slot is
    /// given back.
    pub(crate) fn leave(&self, record: &Record, step: usize, over: bool) {
        let mut spent = lock(&self.spent);
        spent.on -= 1;
        if spent.on > 0 {
            return;
        }
        // Before the slot is free: nobody is to be seen running in a slot that has been given back.
        spent.off_since = Some(Instant::now());
        let slot = spent.slot.take();
        drop(spent);
        if slot.is_some() || !over {
            record.park(step);
        }
        drop(slot);
    }

    /// A member comes back. Waits for a slot when the task has none. `false`: it was stopped first.
    pub(crate) async fn come_back(
        &self,
        attempt: &Attempt,
        cut: &AtomicBool,
        poke: &Notify,
    ) -> bool {
        let record = &attempt.record;
        let mut granted = pin!(Scheduler::slot(record));
        loop {
            // A sibling may have got one.
            if self.rejoin(attempt, None) {
                return true;
            }
            if record.is_stopping() || cut.load(Ordering::Acquire) {
                return false;
            }
            tokio::select! {
                biased;
                slot = &mut granted => return self.rejoin(attempt, Some(slot)),
                () = poke.notified() => {}
            }
        }
    }

    fn rejoin(&self, attempt: &Attempt, granted: Option<Slot>) -> bool {
        let now = Instant::now();
        let mut spent = lock(&self.spent);
        let spare = match granted {
            Some(granted) if spent.slot.is_none() => {
                spent.slot = Some(granted);
                None
            }
            spare => spare,
        };
        if spent.slot.is_none() {
            return false;
        }
        spent.on += 1;
        let first = spent.on == 1;
        if let Some(since) = spent.off_since.take() {
            spent.off += now.saturating_duration_since(since);
        }
        drop(spent);
        drop(spare);
        if first {
            attempt.record.resume(attempt.step);
            // Siblings that wait for a slot too have one now.
            attempt.record.poke();
        }
        attempt.resume(now);
        true
    }

    /// When the task runs out of time; `None` while its clock stands, and without a limit.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let limit = self.limit?;
        let spent = lock(&self.spent);
        if spent.off_since.is_some() {
            return None;
        }
        spent.since?.checked_add(limit)?.checked_add(spent.off)
    }

    /// Whether it has run out of time.
    pub(crate) fn is_spent(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= Instant::now())
    }
}

/// Gets a slot for what has none.
pub(crate) async fn slot_for(record: &Arc<Record>, pace: &Pace) {
    if !pace.has_slot() {
        let slot = Scheduler::slot(record).await;
        pace.give_slot(slot);
    }
}

/// The key, to be counted.
impl crate::TaskInfo {
    pub(crate) fn key_shared(&self) -> Option<Key> {
        self.wish()?.key.clone()
    }
}
