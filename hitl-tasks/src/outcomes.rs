//! Tasks by idempotency key, for some time after their end. Pure; time is an argument.

use std::any::Any;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::queue::Micros;

/// How many ended tasks are kept at most; the oldest go first.
const MAX_ENDED: usize = 10_000;

/// Tenant and idempotency key.
pub(crate) type Name = (Option<Arc<str>>, Arc<str>);

/// A task, and the place of its output: a wire of some type.
pub(crate) struct Known<R> {
    pub(crate) record: Arc<R>,
    pub(crate) output: Arc<dyn Any + Send + Sync>,
}

impl<R> Clone for Known<R> {
    fn clone(&self) -> Self {
        Self { record: Arc::clone(&self.record), output: Arc::clone(&self.output) }
    }
}

/// What is known by name.
pub(crate) struct Outcomes<R> {
    keep: Micros,
    known: HashMap<Name, Known<R>>,
    /// When who ended, oldest first.
    ended: VecDeque<(Micros, Name)>,
}

impl<R> Outcomes<R> {
    pub(crate) fn new(keep: Micros) -> Self {
        Self { keep, known: HashMap::new(), ended: VecDeque::new() }
    }

    /// The task of that name. What comes out of date on the way is handed back, to be dropped
    /// outside the lock.
    pub(crate) fn find(&mut self, name: &Name, now: Micros) -> (Option<Known<R>>, Vec<Known<R>>) {
        let old = self.prune(now);
        (self.known.get(name).cloned(), old)
    }

    /// A new task of that name.
    pub(crate) fn add(&mut self, name: Name, known: Known<R>) {
        self.known.insert(name, known);
    }

    /// It has ended. What comes out of date is handed back.
    pub(crate) fn ended(&mut self, name: Name, record: &Arc<R>, now: Micros) -> Vec<Known<R>> {
        if let Entry::Occupied(held) = self.known.entry(name.clone())
            && Arc::ptr_eq(&held.get().record, record)
        {
            self.ended.push_back((now, name));
        }
        self.prune(now)
    }

    fn prune(&mut self, now: Micros) -> Vec<Known<R>> {
        let mut old = Vec::new();
        while let Some((at, _)) = self.ended.front()
            && (now - at >= self.keep || self.ended.len() > MAX_ENDED)
        {
            if let Some((_, name)) = self.ended.pop_front() {
                old.extend(self.known.remove(&name));
            }
        }
        old
    }
}
