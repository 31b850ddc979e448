//! The memory store: a lock around its data.

use std::fmt;
use std::sync::Arc;

use hitl_base::clock::{Clock, ForwardClock, SystemClock};

use super::calls::Calls;
use crate::seal::{HostKey, HostKeys, KeyId};
use crate::store::ChangeNotifier;
use crate::sync::{Mutex, MutexGuard, lock};

/// A store in memory. Cheap to clone; clones share the calls.
#[derive(Clone)]
pub struct MemoryStore {
    pub(super) shared: Arc<Shared>,
    pub(super) keys: Option<HostKeys>,
}

pub(super) struct Shared {
    calls: Mutex<Calls>,
    pub(super) clock: ForwardClock,
    pub(super) hub: ChangeNotifier,
}

impl MemoryStore {
    /// Returns an empty store that reads the machine's clock.
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// Returns an empty store with a clock of its own, for tests.
    pub fn with_clock(clock: impl Clock) -> Self {
        let shared = Shared {
            calls: Mutex::default(),
            clock: ForwardClock::new(Arc::new(clock), None),
            hub: ChangeNotifier::default(),
        };
        let keys = HostKey::generate().ok().map(HostKeys::new);
        Self { shared: Arc::new(shared), keys }
    }

    /// Sets the keys of this handle: the calls are shared with the handle that it was cloned from,
    /// as if another process had opened the store with these keys.
    #[must_use]
    pub fn keys(mut self, keys: impl Into<HostKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    pub(super) fn current(&self) -> Option<KeyId> {
        self.keys.as_ref().map(|keys| keys.current().id())
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        // No code under the lock panics between its first and its last change.
        lock(&self.shared.calls)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} calls)", self.calls().by_id.len())
    }
}
