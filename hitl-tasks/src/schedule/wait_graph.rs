//! Finds steps that wait forever, on the clock, for tasks of their own manager: the task needs a
//! slot that they, or others that wait like them, hold.
//!
//! A step is a plain future, so only its thread knows that a step is waiting: the driver sets the
//! current attempt there while it polls the body. Work that a body spawns has no current attempt,
//! and its waits are not detected.
//!
//! Records and clocks are read under the scheduler's lock, never the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Waker};

use crate::id::TaskId;
use crate::run::attempt::Attempt;
use crate::schedule::queue::{Job, Queue, Resuming, SlotCount};
use crate::state::record::Record;
use crate::state::task_state::TaskState;
use crate::sync::{AtomicBool, Mutex, Ordering, lock};

/// The waits of steps for tasks of the same manager, by age.
#[derive(Default)]
pub(crate) struct WaitGraph {
    next: u64,
    edges: BTreeMap<u64, WaitEdge>,
}

pub(crate) struct WaitEdge {
    attempt: Arc<Attempt>,
    target: Arc<Record>,
    refusal: Arc<Refusal>,
}

impl WaitEdge {
    pub(crate) fn new(attempt: Arc<Attempt>, target: Arc<Record>, refusal: Arc<Refusal>) -> Self {
        Self { attempt, target, refusal }
    }
}

#[derive(Default)]
pub(crate) struct Refusal {
    refused: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Refusal {
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    pub(crate) fn set_waker(&self, cx: &Context<'_>) {
        let old = lock(&self.waker).replace(cx.waker().clone());
        drop(old);
    }

    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::SeqCst);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl WaitGraph {
    pub(crate) fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    pub(crate) fn add(&mut self, wait: WaitEdge) -> u64 {
        self.next += 1;
        self.edges.insert(self.next, wait);
        self.next
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<WaitEdge> {
        self.edges.remove(&number)
    }

    /// Returns the latest wait that will never end, if there is one.
    pub(crate) fn find_deadlock<J: Job, B: Resuming>(
        &self,
        slots: &Queue<J, B>,
    ) -> Option<Arc<Refusal>> {
        let on: Vec<_> = self.edges.values().filter(|wait| wait.attempt.clock().is_on()).collect();
        let mut stuck: BTreeMap<TaskId, &Record> =
            on.iter().map(|wait| (wait.attempt.record.id(), &*wait.attempt.record)).collect();
        // A step is not stuck if its task can still end. Each round frees a step, or is the last.
        loop {
            let blocked = |wait: &&&WaitEdge| is_blocked(wait, &stuck, slots);
            let still: BTreeSet<_> =
                on.iter().filter(blocked).map(|wait| wait.attempt.record.id()).collect();
            if still.len() == stuck.len() {
                break;
            }
            stuck.retain(|id, _| still.contains(id));
        }
        let newest = on.iter().rev().find(|wait| is_blocked(wait, &stuck, slots))?;
        Some(Arc::clone(&newest.refusal))
    }
}

/// Returns whether the task that a stuck step waits for cannot end before the step does.
fn is_blocked<J: Job, B: Resuming>(
    wait: &WaitEdge,
    stuck: &BTreeMap<TaskId, &Record>,
    slots: &Queue<J, B>,
) -> bool {
    let (waiter, target) = (wait.attempt.record.id(), &wait.target);
    if !stuck.contains_key(&waiter) {
        return false;
    }
    if stuck.contains_key(&target.id()) {
        return true;
    }
    let queued = target.state() == TaskState::Queued;
    // A task with a queue timeout ends, if only by that.
    if !(queued && target.info().queue_timeout().is_none() || target.wants_slot()) {
        return false;
    }
    let all_stuck = |slots: SlotCount, stuck: usize| slots.held >= slots.max && stuck >= slots.held;
    all_stuck(slots.slots(), stuck.len())
        || target.info().shared_key().is_some_and(|key| {
            let held = stuck.values().filter(|r| r.info().shared_key().as_ref() == Some(&key));
            all_stuck(slots.slots_of(&key), held.count())
        })
}
