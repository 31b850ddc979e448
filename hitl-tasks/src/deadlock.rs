//! Steps that wait on the clock for tasks of their own manager, and would do so for ever: the task
//! that they wait for needs a slot that they, or others who wait like them, hold.
//!
//! A step is a plain future, so only its thread knows that it is a step which waits: the driver
//! notes the attempt there for as long as it polls the body. What a body spawns is not noted, and
//! not found.
//!
//! The scheduler's lock is held while records and clocks are looked at, never the other way round.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::attempt::Attempt;
use crate::queue::Key;
use crate::record::Record;
use crate::sync::{AtomicBool, Mutex, Ordering, lock, thread_local};
use crate::{TaskError, TaskId, TaskState};

thread_local! {
    /// The attempt whose body this thread polls or runs.
    static CURRENT: RefCell<Option<Arc<Attempt>>> = const { RefCell::new(None) };
}

/// Runs a part of an attempt's body.
pub(crate) fn within<R>(attempt: &Arc<Attempt>, part: impl FnOnce() -> R) -> R {
    /// Puts back who was there, also after a panic.
    struct Restore(Option<Arc<Attempt>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            let inner = CURRENT.with(|current| current.replace(outer));
            drop(inner);
        }
    }
    let outer = CURRENT.with(|current| current.replace(Some(Arc::clone(attempt))));
    let _restore = Restore(outer);
    part()
}

fn current() -> Option<Arc<Attempt>> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Every wait of a step for a task of the same manager, by age.
#[derive(Default)]
pub(crate) struct Waits {
    next: u64,
    waits: BTreeMap<u64, Wait>,
}

struct Wait {
    attempt: Arc<Attempt>,
    target: Arc<Record>,
    refusal: Arc<Refusal>,
}

#[derive(Default)]
struct Refusal {
    refused: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// A wait for the end of a task. Dropping it ends it.
pub(crate) struct EndWait<'a> {
    target: &'a Arc<Record>,
    noted: Option<(u64, Arc<Refusal>)>,
}

impl<'a> EndWait<'a> {
    pub(crate) fn new(target: &'a Arc<Record>) -> Self {
        Self { target, noted: None }
    }

    /// Why the task did not complete, if it did not; an error when the wait would never end.
    pub(crate) async fn ended(mut self) -> Result<Option<TaskError>, TaskError> {
        let mut ended = std::pin::pin!(self.target.ended());
        std::future::poll_fn(|cx| {
            if let Poll::Ready(error) = ended.as_mut().poll(cx) {
                return Poll::Ready(Ok(error));
            }
            let refused = self.noted.as_ref().is_some_and(|(_, refusal)| refusal.is_refused());
            if refused {
                return Poll::Ready(Err(TaskError::deadlock(self.target.info().name())));
            }
            self.note(cx);
            Poll::Pending
        })
        .await
    }

    /// Notes who waits, when it is a step of the same manager. Its driver looks what that means
    /// once the body has been polled: it may go off the clock yet.
    fn note(&mut self, cx: &Context<'_>) {
        if let Some((_, refusal)) = &self.noted {
            refusal.wakes(cx);
            return;
        }
        let Some(attempt) = current() else { return };
        let scheduler = self.target.scheduler();
        if !Arc::ptr_eq(attempt.record.scheduler(), scheduler) {
            return;
        }
        let refusal = Arc::<Refusal>::default();
        refusal.wakes(cx);
        let wait = Wait {
            attempt: Arc::clone(&attempt),
            target: Arc::clone(self.target),
            refusal: Arc::clone(&refusal),
        };
        self.noted = Some((scheduler.note_wait(wait), refusal));
        attempt.note_wait();
        attempt.record.poke();
    }
}

impl Drop for EndWait<'_> {
    fn drop(&mut self) {
        if let Some((number, _)) = self.noted.take() {
            drop(self.target.scheduler().forget_wait(number));
        }
    }
}

impl Refusal {
    fn is_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    fn wakes(&self, cx: &Context<'_>) {
        let old = lock(&self.waker).replace(cx.waker().clone());
        drop(old);
    }

    fn refuse(&self) {
        self.refused.store(true, Ordering::SeqCst);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// What is known of the slots.
pub(crate) trait Slots {
    /// Slots that are out; all there are.
    fn slots(&self) -> (usize, usize);
    /// The same, of one key.
    fn slots_of(&self, key: &Key) -> (usize, usize);
}

impl Waits {
    pub(crate) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    fn add(&mut self, wait: Wait) -> u64 {
        self.next += 1;
        self.waits.insert(self.next, wait);
        self.next
    }

    fn remove(&mut self, number: u64) -> Option<Wait> {
        self.waits.remove(&number)
    }

    /// The newest wait that will never end, if there is one.
    fn endless(&self, slots: &impl Slots) -> Option<Arc<Refusal>> {
        let on: Vec<_> = self.waits.values().filter(|wait| wait.attempt.clock().is_on()).collect();
        let mut stuck: BTreeMap<TaskId, &Record> =
            on.iter().map(|wait| (wait.attempt.record.id(), &*wait.attempt.record)).collect();
        // Who waits only for what can still end is not stuck; each round frees somebody, or is the
        // last.
        loop {
            let blocked = |wait: &&&Wait| is_blocked(wait, &stuck, slots);
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

/// Whether the task that a stuck step waits for cannot end before the step does.
fn is_blocked(wait: &Wait, stuck: &BTreeMap<TaskId, &Record>, slots: &impl Slots) -> bool {
    let (waiter, target) = (wait.attempt.record.id(), &wait.target);
    if !stuck.contains_key(&waiter) {
        return false;
    }
    if stuck.contains_key(&target.id()) {
        return true;
    }
    let queued = target.state() == TaskState::Queued;
    // One that gives up by itself ends, if only so.
    if !(queued && target.info().queue_limit().is_none() || target.wants_slot()) {
        return false;
    }
    let all_stuck = |(out, most): (usize, usize), held: usize| out >= most && held >= out;
    all_stuck(slots.slots(), stuck.len())
        || target.info().key_shared().is_some_and(|key| {
            let held = stuck.values().filter(|r| r.info().key_shared().as_ref() == Some(&key));
            all_stuck(slots.slots_of(&key), held.count())
        })
}

impl crate::scheduler::Scheduler {
    fn note_wait(&self, wait: Wait) -> u64 {
        self.with_waits(|waits, _| waits.add(wait))
    }

    fn forget_wait(&self, number: u64) -> Option<Wait> {
        self.with_waits(|waits, _| waits.remove(number))
    }

    /// Ends a wait that would never end by itself.
    pub(crate) fn refuse_endless_wait(&self) {
        let refusal = self.with_waits(
            |waits, slots| {
                if waits.is_empty() { None } else { waits.endless(slots) }
            },
        );
        if let Some(refusal) = refusal {
            refusal.refuse();
        }
    }
}
