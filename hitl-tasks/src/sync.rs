//! Locks that outlive a panic, and everything else that threads share.
//!
//! The crate takes these only from here, so that `tests/shuttle.rs` can replace them by those of
//! another scheduler.

use std::sync::PoisonError;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread_local;

use tokio::runtime::Handle;
pub(crate) use tokio::time::{sleep, sleep_until};

/// Locks, even after a panic. The only user code that runs under our locks is `Clone` and
/// `Serialize` of a step's output, which do not change it, so the data behind a poisoned lock is
/// intact.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accesses the value without locking, since the lock is not shared.
pub(crate) fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// The runtime that tasks run on.
#[derive(Clone)]
pub(crate) struct Runtime(Handle);

impl Runtime {
    /// Returns the runtime of the caller.
    pub(crate) fn current() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }

    /// Runs blocking code on a thread of its own.
    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        self.0.spawn_blocking(work);
    }
}
