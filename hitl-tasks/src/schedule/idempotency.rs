//! Tasks by idempotency key, also for some time after their end. Pure; time is an argument.

use std::any::Any;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::schedule::queue::Micros;

/// The maximum number of ended tasks; the oldest are dropped first.
const MAX_ENDED: usize = 10_000;

/// The tenant and the idempotency key of a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct IdempotencyKey {
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) key: Arc<str>,
}

/// A task, and the cell of its output.
pub(crate) struct CachedTask<R> {
    pub(crate) record: Arc<R>,
    pub(crate) output: Arc<dyn Any + Send + Sync>,
}

impl<R> Clone for CachedTask<R> {
    fn clone(&self) -> Self {
        Self { record: Arc::clone(&self.record), output: Arc::clone(&self.output) }
    }
}

/// The tasks by idempotency key.
pub(crate) struct IdempotencyCache<R> {
    ttl: Micros,
    tasks: HashMap<IdempotencyKey, CachedTask<R>>,
    /// The ended tasks with the time of their end, oldest first.
    ended: VecDeque<(Micros, IdempotencyKey)>,
}

impl<R> IdempotencyCache<R> {
    pub(crate) fn new(ttl: Micros) -> Self {
        Self { ttl, tasks: HashMap::new(), ended: VecDeque::new() }
    }

    /// Returns the task with that key, and the expired tasks, to be dropped outside the lock.
    pub(crate) fn get(
        &mut self,
        key: &IdempotencyKey,
        now: Micros,
    ) -> (Option<CachedTask<R>>, Vec<CachedTask<R>>) {
        let old = self.prune(now);
        (self.tasks.get(key).cloned(), old)
    }

    /// Adds a new task.
    pub(crate) fn insert(&mut self, key: IdempotencyKey, tasks: CachedTask<R>) {
        self.tasks.insert(key, tasks);
    }

    /// Notes that a task has ended. Returns the expired tasks.
    pub(crate) fn mark_ended(
        &mut self,
        key: IdempotencyKey,
        record: &Arc<R>,
        now: Micros,
    ) -> Vec<CachedTask<R>> {
        if let Entry::Occupied(held) = self.tasks.entry(key.clone())
            && Arc::ptr_eq(&held.get().record, record)
        {
            self.ended.push_back((now, key));
        }
        self.prune(now)
    }

    fn prune(&mut self, now: Micros) -> Vec<CachedTask<R>> {
        let mut old = Vec::new();
        while let Some((at, _)) = self.ended.front()
            && (now - at >= self.ttl || self.ended.len() > MAX_ENDED)
        {
            if let Some((_, key)) = self.ended.pop_front() {
                old.extend(self.tasks.remove(&key));
            }
        }
        old
    }
}
