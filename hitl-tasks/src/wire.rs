//! What carries the output of one step to the next, without losing its type.

use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// A place for one value between two steps; the last one is where the handle finds the result.
pub(crate) struct Wire<T>(Arc<Mutex<Option<T>>>);

impl<T> Wire<T> {
    pub(crate) fn empty() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    pub(crate) fn holding(value: T) -> Self {
        Self(Arc::new(Mutex::new(Some(value))))
    }

    pub(crate) fn put(&self, value: T) {
        // The old value (of an attempt that was given up) is dropped outside the lock.
        let old = lock(&self.0).replace(value);
        drop(old);
    }

    pub(crate) fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }

    pub(crate) fn copied(&self, copy: fn(&T) -> T) -> Option<T> {
        lock(&self.0).as_ref().map(copy)
    }
}

impl<T> Clone for Wire<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
