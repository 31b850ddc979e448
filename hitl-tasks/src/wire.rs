//! What carries the output of one step to the next, without losing its type.

use std::sync::Arc;

use crate::sync::{Mutex, lock};

/// A place for one value between two steps; the last one is where the handle finds the result.
pub(crate) enum Wire<T> {
    /// Between two steps.
    Place(Arc<Mutex<Option<T>>>),
    /// Before the first step: there is always one more, and nothing to keep it in.
    Source(fn() -> T),
    /// After what nobody looks at.
    Nowhere,
}

impl<T> Wire<T> {
    pub(crate) fn empty() -> Self {
        Self::Place(Arc::new(Mutex::new(None)))
    }

    pub(crate) fn put(&self, value: T) {
        if let Self::Place(place) = self {
            // The old value (of an attempt that was given up) is dropped outside the lock.
            let old = lock(place).replace(value);
            drop(old);
        }
    }

    pub(crate) fn take(&self) -> Option<T> {
        match self {
            Self::Place(place) => lock(place).take(),
            Self::Source(make) => Some(make()),
            Self::Nowhere => None,
        }
    }

    pub(crate) fn copied(&self, copy: fn(&T) -> T) -> Option<T> {
        self.with(copy)
    }

    /// Looks at the value.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        match self {
            Self::Place(place) => lock(place).as_ref().map(look),
            Self::Source(make) => Some(look(&make())),
            Self::Nowhere => None,
        }
    }
}

impl<T> Clone for Wire<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Place(place) => Self::Place(Arc::clone(place)),
            Self::Source(make) => Self::Source(*make),
            Self::Nowhere => Self::Nowhere,
        }
    }
}
