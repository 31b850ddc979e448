//! The delivery of an outcome: an identical call gets it until it has reached the client.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hitl_core::{Gate, RequestId, Tenant};

use super::intake;

/// The longest time for which a call waits until an earlier outcome counts as delivered.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// An outcome on its way to a client.
pub(super) struct Delivery {
    pub(super) gate: Gate,
    pub(super) tenant: Tenant,
    pub(super) id: RequestId,
}

impl Delivery {
    /// Notes that the client has it. If that fails, an identical call gets it once more.
    pub(super) async fn arrived(self) {
        intake::mark_delivered(&self.gate, &self.tenant, self.id).await;
    }
}

/// The place where the handler of a request leaves the outcome that its answer carries, for the
/// transport that writes the answer.
#[derive(Clone, Default)]
pub(super) struct DeliverySlot(Arc<Mutex<Option<Delivery>>>);

impl DeliverySlot {
    pub(super) fn put(&self, delivery: Delivery) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(delivery);
    }

    #[cfg(feature = "http")]
    pub(super) fn is_filled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn take(&self) -> Option<Delivery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for DeliverySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeliverySlot")
    }
}
