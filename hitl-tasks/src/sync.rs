//! Locks that outlive a panic, and everything else by which threads meet.
//!
//! The rest of the crate takes these from here and nowhere else, so that `tests/shuttle.rs` can put
//! another scheduler underneath.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread_local;

use tokio::runtime::Handle;
pub(crate) use tokio::time::{sleep, sleep_until};

/// Locks. No user code runs under our locks but `Clone` and `Serialize` of what one step hands to
/// the next, which leave it as it was; so a poisoned lock guards sound data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops a value of the user's; a panic in it ends there.
pub(crate) fn drop_quietly<T>(value: T) {
    if catch_unwind(AssertUnwindSafe(move || drop(value))).is_err() {
        tracing::error!("a value of a task panicked when it was dropped");
    }
}

/// Where tasks run.
#[derive(Clone)]
pub(crate) struct Runtime(Handle);

impl Runtime {
    /// The one we are in.
    pub(crate) fn current() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }

    /// Runs code that blocks, on a thread of its own.
    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        self.0.spawn_blocking(work);
    }
}
