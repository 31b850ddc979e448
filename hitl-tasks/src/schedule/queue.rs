//! The order in which tasks run. Pure; time is an argument, in microseconds since the queue was
//! created.
//!
//! Invariants:
//!
//! - At most `max_concurrent` slots are held, and at most `max_per_key` of one key.
//! - A task that resumes goes before tasks that have not started. The order of those is fixed when
//!   they are queued: by the time of their submission, minus a bonus for their priority. So a
//!   priority is worth a fixed waiting time, and every task starts eventually (aging, without ever
//!   sorting again).
//! - A task whose key is exhausted is set aside with the key. While any task is set aside, the key
//!   is exhausted, or one of its tasks is back among the next ones. So every change costs O(log n),
//!   and no task is forgotten.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Key = Arc<str>;

/// Microseconds since the queue was created.
pub(crate) type Micros = i64;

/// A time so far in the future that it never comes. Sums of a few of these do not overflow.
const NEVER: Micros = 1 << 59;

pub(crate) fn micros(length: Duration) -> Micros {
    i64::try_from(length.as_micros()).map_or(NEVER, |length| length.min(NEVER))
}

/// The limits on how many tasks run, and how soon.
pub(crate) struct Limits {
    pub(crate) max_concurrent: usize,
    pub(crate) max_queued: usize,
    pub(crate) max_per_key: usize,
    /// The waiting time that one step of priority is worth.
    pub(crate) priority_step: Micros,
    pub(crate) rate: Option<Rate>,
}

/// A limit on how many tasks start in any period of a certain length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) max_starts: usize,
    pub(crate) per: Micros,
}

/// The queueing options of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueOptions {
    pub(crate) key: Option<Key>,
    /// Steps above or below normal.
    pub(crate) priority: i64,
    /// The minimum delay before the start.
    pub(crate) after: Micros,
    /// The maximum waiting time after that delay.
    pub(crate) within: Option<Micros>,
}

/// A position in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueuePosition {
    pub(crate) rank: Micros,
    /// Counts from 1; 0 is no position.
    pub(crate) ticket: u64,
}

/// A task that has not started.
pub(crate) trait Job {
    fn queue_options(&self) -> Option<&QueueOptions>;
}

/// A task that waits to resume.
pub(crate) trait Resuming {
    /// Returns whether it no longer waits.
    fn is_gone(&self) -> bool;
}

pub(crate) enum Next<J, B> {
    Start(J),
    /// With the key of its slot.
    Resume(B, Option<Key>),
}

/// The number of held slots, and their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotCount {
    pub(crate) held: usize,
    pub(crate) max: usize,
}

/// The queue is full.
#[derive(Debug)]
pub(crate) struct QueueFull;

/// The outcome of queueing a task.
pub(crate) enum Enqueued<J> {
    /// May start at once; its slot is already counted.
    Immediate(J),
    Waiting(QueuePosition),
}

pub(crate) struct Queue<J, B> {
    limits: Limits,
    /// The number of held slots.
    busy: usize,
    /// The number of tasks that have not started.
    waiting: usize,
    next_ticket: u64,
    /// Boxed, because the nodes of a tree are half empty and the queue may be long.
    ready: BTreeMap<QueuePosition, Box<J>>,
    returning: VecDeque<(B, Option<Key>)>,
    /// By the time at which they may start.
    later: BTreeMap<(Micros, u64), Box<J>>,
    /// The positions of tasks, by the time at which they expire.
    expiring: BTreeMap<(Micros, u64), (QueuePosition, Option<Key>)>,
    keys: HashMap<Key, KeyQueue<J, B>>,
    /// The times of the latest starts.
    starts: VecDeque<Micros>,
}

/// The held slots of one key, and the tasks set aside for it.
struct KeyQueue<J, B> {
    busy: usize,
    ready: BTreeMap<QueuePosition, Box<J>>,
    returning: VecDeque<B>,
}

impl<J: Job, B: Resuming> Queue<J, B> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            busy: 0,
            waiting: 0,
            next_ticket: 0,
            ready: BTreeMap::new(),
            returning: VecDeque::new(),
            later: BTreeMap::new(),
            expiring: BTreeMap::new(),
            keys: HashMap::new(),
            starts: VecDeque::new(),
        }
    }

    pub(crate) fn busy(&self) -> usize {
        self.busy
    }

    /// Returns the slots of the manager.
    pub(crate) fn slots(&self) -> SlotCount {
        SlotCount { held: self.busy, max: self.limits.max_concurrent }
    }

    /// Returns the slots of one key.
    pub(crate) fn slots_of(&self, key: &Key) -> SlotCount {
        let held = self.keys.get(key).map_or(0, |key_queue| key_queue.busy);
        SlotCount { held, max: self.limits.max_per_key }
    }

    /// Returns the number of tasks that have not started.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns whether the queue has to act at a certain time.
    pub(crate) fn has_timers(&self) -> bool {
        self.limits.rate.is_some() || !self.later.is_empty() || !self.expiring.is_empty()
    }

    /// Returns whether queueing this task needs the current time.
    pub(crate) fn needs_clock(&self, queue_options: Option<&QueueOptions>) -> bool {
        self.limits.rate.is_some() || queue_options.is_some() || !self.is_free()
    }

    fn is_free(&self) -> bool {
        self.busy < self.limits.max_concurrent && self.ready.is_empty() && self.returning.is_empty()
    }

    /// Returns whether a slot is free.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.busy < self.limits.max_concurrent
    }

    /// Queues a task, or returns it if the queue is full.
    pub(crate) fn enqueue(&mut self, job: J, now: Micros) -> Result<Enqueued<J>, (J, QueueFull)> {
        let queue_options = job.queue_options();
        let after = queue_options.map_or(0, |queue_options| queue_options.after);
        let key = queue_options.and_then(|queue_options| queue_options.key.as_ref());
        let at_once = after == 0
            && self.is_free()
            && key.is_none_or(|key| self.has_room(key))
            && self.next_start(now) <= now;
        if at_once {
            let key = key.cloned();
            self.take_slot(key.as_ref());
            self.record_start(now);
            return Ok(Enqueued::Immediate(job));
        }
        if self.waiting >= self.limits.max_queued {
            return Err((job, QueueFull));
        }
        self.next_ticket += 1;
        let due = now + after;
        let bonus = queue_options.map_or(0, |queue_options| {
            queue_options.priority.saturating_mul(self.limits.priority_step)
        });
        let place =
            QueuePosition { rank: due - bonus.clamp(-NEVER, NEVER), ticket: self.next_ticket };
        if let Some(within) = queue_options.and_then(|queue_options| queue_options.within) {
            let key = key.cloned();
            self.expiring.insert((due.saturating_add(within), place.ticket), (place, key));
        }
        self.waiting += 1;
        if after == 0 {
            self.ready.insert(place, Box::new(job));
        } else {
            self.later.insert((due, place.ticket), Box::new(job));
        }
        Ok(Enqueued::Waiting(place))
    }

    /// Queues a task that resumes.
    pub(crate) fn requeue(&mut self, back: B, key: Option<Key>) {
        self.returning.push_back((back, key));
    }

    /// Gives a slot back.
    pub(crate) fn release(&mut self, key: Option<&Key>) {
        self.busy -= 1;
        if let Some(key) = key {
            if let Some(key_queue) = self.keys.get_mut(key) {
                key_queue.busy -= 1;
            }
            self.promote(key);
        }
    }

    /// Removes a task that has not started.
    pub(crate) fn remove(
        &mut self,
        place: QueuePosition,
        queue_options: Option<&QueueOptions>,
    ) -> Option<J> {
        let key = queue_options.and_then(|queue_options| queue_options.key.as_ref());
        let due = self.due(place, queue_options);
        if let Some(within) = queue_options.and_then(|queue_options| queue_options.within) {
            self.expiring.remove(&(due.saturating_add(within), place.ticket));
        }
        let job = self.take(place, key).or_else(|| self.later.remove(&(due, place.ticket)))?;
        self.waiting -= 1;
        Some(*job)
    }

    /// Removes a task from those that may start.
    fn take(&mut self, place: QueuePosition, key: Option<&Key>) -> Option<Box<J>> {
        if let Some(job) = self.ready.remove(&place) {
            if let Some(key) = key {
                self.promote(key);
            }
            return Some(job);
        }
        self.keys.get_mut(key?)?.ready.remove(&place)
    }

    /// Returns the time from which a task may start.
    fn due(&self, place: QueuePosition, queue_options: Option<&QueueOptions>) -> Micros {
        let bonus = queue_options.map_or(0, |queue_options| {
            queue_options.priority.saturating_mul(self.limits.priority_step)
        });
        place.rank + bonus.clamp(-NEVER, NEVER)
    }

    /// Moves the delayed tasks that are due to those that may start.
    fn admit_due(&mut self, now: Micros) {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let ((due, ticket), job) = first.remove_entry();
            let bonus = job
                .queue_options()
                .map_or(0, |w| w.priority.saturating_mul(self.limits.priority_step));
            let rank = due - bonus.clamp(-NEVER, NEVER);
            self.ready.insert(QueuePosition { rank, ticket }, job);
        }
    }

    /// Removes a task that has waited too long.
    pub(crate) fn pop_expired(&mut self, now: Micros) -> Option<J> {
        self.admit_due(now);
        loop {
            let first = self.expiring.first_entry().filter(|first| first.key().0 <= now)?;
            let (place, key) = first.remove();
            if let Some(job) = self.take(place, key.as_ref()) {
                self.waiting -= 1;
                return Some(*job);
            }
        }
    }

    /// Returns the next task, with its slot counted.
    pub(crate) fn next(&mut self, now: impl Fn() -> Micros) -> Option<Next<J, B>> {
        let now = if self.has_timers() { now() } else { 0 };
        self.admit_due(now);
        if self.busy >= self.limits.max_concurrent {
            return None;
        }
        while let Some((back, key)) = self.returning.pop_front() {
            if back.is_gone() {
                if let Some(key) = &key {
                    self.promote(key);
                }
                continue;
            }
            match key {
                Some(key) if !self.has_room(&key) => {
                    self.key_queue(&key).returning.push_back(back);
                }
                key => {
                    self.take_slot(key.as_ref());
                    return Some(Next::Resume(back, key));
                }
            }
        }
        if self.next_start(now) > now {
            return None;
        }
        while let Some((place, job)) = self.ready.pop_first() {
            let queue_options = job.queue_options();
            let key = queue_options.and_then(|queue_options| queue_options.key.clone());
            if let Some(key) = &key
                && !self.has_room(key)
            {
                self.key_queue(key).ready.insert(place, job);
                continue;
            }
            if let Some(within) = queue_options.and_then(|queue_options| queue_options.within) {
                let due = self.due(place, queue_options);
                self.expiring.remove(&(due.saturating_add(within), place.ticket));
            }
            self.waiting -= 1;
            self.take_slot(key.as_ref());
            self.record_start(now);
            return Some(Next::Start(*job));
        }
        None
    }

    /// Returns the time at which to check the queue again even if it does not change.
    pub(crate) fn next_wakeup(&self, now: Micros) -> Option<Micros> {
        let later = self.later.first_key_value().map(|((due, _), _)| *due);
        let expiring = self.expiring.first_key_value().map(|((at, _), _)| *at);
        let held_up = self.busy < self.limits.max_concurrent && !self.ready.is_empty();
        let rate = (held_up && self.limits.rate.is_some()).then(|| self.next_start(now));
        [later, expiring, rate].into_iter().flatten().min()
    }

    fn take_slot(&mut self, key: Option<&Key>) {
        self.busy += 1;
        if let Some(key) = key {
            self.key_queue(key).busy += 1;
        }
    }

    fn has_room(&self, key: &Key) -> bool {
        self.keys.get(key).is_none_or(|key_queue| key_queue.busy < self.limits.max_per_key)
    }

    fn key_queue(&mut self, key: &Key) -> &mut KeyQueue<J, B> {
        self.keys.entry(Arc::clone(key)).or_insert_with(|| KeyQueue {
            busy: 0,
            ready: BTreeMap::new(),
            returning: VecDeque::new(),
        })
    }

    /// Moves a task that was set aside back among the next ones, if its key has a free slot.
    fn promote(&mut self, key: &Key) {
        let Some(key_queue) = self.keys.get_mut(key) else { return };
        if key_queue.busy < self.limits.max_per_key {
            if let Some(back) = key_queue.returning.pop_front() {
                self.returning.push_back((back, Some(Arc::clone(key))));
            } else if let Some((place, job)) = key_queue.ready.pop_first() {
                self.ready.insert(place, job);
            }
        }
        if key_queue.busy == 0 && key_queue.ready.is_empty() && key_queue.returning.is_empty() {
            self.keys.remove(key);
        }
    }

    /// Returns the time from which the rate limit allows a start.
    fn next_start(&self, now: Micros) -> Micros {
        match (self.limits.rate, self.starts.front()) {
            (Some(rate), Some(oldest)) if self.starts.len() >= rate.max_starts => {
                oldest.saturating_add(rate.per)
            }
            _ => now,
        }
    }

    fn record_start(&mut self, now: Micros) {
        if let Some(rate) = self.limits.rate {
            if self.starts.len() >= rate.max_starts {
                self.starts.pop_front();
            }
            self.starts.push_back(now);
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
