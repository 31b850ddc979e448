//! All synchronization between threads: locks, the runtime, and timers.
//!
//! The rest of the crate takes these from here and nowhere else, so that `tests/shuttle.rs` can use
//! another scheduler.

pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};

use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use tokio::runtime::Handle;
pub(crate) use tokio::time::{Instant, sleep, timeout};

pub(crate) use crate::host_code::{HostCode, HostThreads, NoAnswer};

/// Locks, even after a panic: as [`hitl_base::sync::lock`], with the scheduler's own lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for reading, even after a panic.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, even after a panic.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The runtime on which futures continue that nobody polls any more.
#[derive(Clone)]
pub(crate) struct Runtime(Handle);

impl Runtime {
    /// Returns the current runtime.
    pub(crate) fn current() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }

    /// Creates threads for the host's own code.
    pub(crate) fn host_threads(&self) -> Arc<HostThreads> {
        HostThreads::new(self.0.clone())
    }
}

/// Runs long work where no task waits for its thread; outside of a runtime, runs it here. Returns
/// `None` if the work did not complete: it panicked, or the runtime is shutting down.
///
/// Cancel safety: dropping the future lets the work complete; nobody receives its result.
pub(crate) async fn off_thread<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn invariant_1_work_that_panics_elsewhere_gives_nothing() {
        assert_eq!(off_thread(|| 1).await, Some(1));
        assert_eq!(off_thread(|| -> u32 { panic!("in the middle") }).await, None);
    }
}
