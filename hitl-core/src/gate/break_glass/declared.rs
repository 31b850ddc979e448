//! The envelopes that the host declares in code, and those that other processes were shown.

use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use crate::grant::Envelope;
use crate::sync::{Mutex, lock};

/// The envelopes that the host declares in code, and those that other processes were shown.
pub(in crate::gate) struct DeclaredEnvelopes {
    declared: Vec<Envelope>,
    published: Mutex<Vec<Envelope>>,
    /// Held while the tools are described to other processes; true once there were any.
    publishing: AsyncMutex<bool>,
}

impl DeclaredEnvelopes {
    pub(in crate::gate) fn new(declared: Vec<Envelope>) -> Self {
        Self { declared, published: Mutex::default(), publishing: AsyncMutex::default() }
    }

    /// Returns the envelopes that the host declares in code.
    pub(in crate::gate) fn declared(&self) -> &[Envelope] {
        &self.declared
    }

    /// Waits until nobody describes the tools to other processes. Returns whether tools were
    /// described before; hold it while they are.
    pub(in crate::gate) async fn publishing(&self) -> AsyncMutexGuard<'_, bool> {
        self.publishing.lock().await
    }

    /// Returns whether other processes were shown these envelopes last.
    pub(in crate::gate) fn is_published(&self, all: &[Envelope]) -> bool {
        *lock(&self.published) == *all
    }

    /// Notes that other processes were shown these envelopes.
    pub(in crate::gate) fn set_published(&self, all: Vec<Envelope>) {
        *lock(&self.published) = all;
    }
}
