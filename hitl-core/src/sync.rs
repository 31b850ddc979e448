//! Everything by which threads meet: locks, the runtime, and time that passes.
//!
//! The rest of the crate takes these from here and nowhere else, so that `tests/shuttle.rs` can put
//! another scheduler underneath.

pub(crate) use std::sync::{Mutex, MutexGuard};

use tokio::runtime::Handle;
pub(crate) use tokio::time::{sleep, timeout};

/// Where futures go on that nobody polls any more.
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
}
