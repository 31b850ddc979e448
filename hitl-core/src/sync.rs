//! Everything by which threads meet: locks, the runtime, and time that passes.
//!
//! The rest of the crate takes these from here and nowhere else, so that `tests/shuttle.rs` can put
//! another scheduler underneath.

pub(crate) use std::sync::{Mutex, MutexGuard};

use std::sync::Arc;

use tokio::runtime::Handle;
pub(crate) use tokio::time::{sleep, timeout};

pub(crate) use crate::host_code::{HostCode, HostThreads, NoAnswer};

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

    /// Threads for the host's own code.
    pub(crate) fn host_threads(&self) -> Arc<HostThreads> {
        HostThreads::new(self.0.clone())
    }
}
