//! The value that one step passes to the next, with its type.

use std::sync::Arc;

use crate::sync::{Mutex, lock};

/// A cell for one value between two steps. The handle takes the result from the last one.
pub(crate) enum ValueCell<T> {
    /// Between two steps.
    Shared(Arc<Mutex<Option<T>>>),
    /// Before the first step, where the value is made on demand.
    Initial(fn() -> T),
    /// After a step whose output is unused.
    Discard,
}

impl<T> ValueCell<T> {
    pub(crate) fn empty() -> Self {
        Self::Shared(Arc::new(Mutex::new(None)))
    }

    pub(crate) fn put(&self, value: T) {
        if let Self::Shared(place) = self {
            // The old value, of an attempt that was given up, is dropped outside the lock.
            let old = lock(place).replace(value);
            drop(old);
        }
    }

    pub(crate) fn take(&self) -> Option<T> {
        match self {
            Self::Shared(place) => lock(place).take(),
            Self::Initial(make) => Some(make()),
            Self::Discard => None,
        }
    }

    pub(crate) fn clone_with(&self, copy: fn(&T) -> T) -> Option<T> {
        self.with(copy)
    }

    /// Reads the value in place.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        match self {
            Self::Shared(place) => lock(place).as_ref().map(look),
            Self::Initial(make) => Some(look(&make())),
            Self::Discard => None,
        }
    }
}

impl<T> Clone for ValueCell<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Shared(place) => Self::Shared(Arc::clone(place)),
            Self::Initial(make) => Self::Initial(*make),
            Self::Discard => Self::Discard,
        }
    }
}
