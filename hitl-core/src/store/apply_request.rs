//! One of several events that are applied in one transaction.

use super::EventPayload;
use crate::ids::RequestId;
use crate::machine::Event;

/// An event of several that are applied in one transaction, with its payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApplyRequest {
    /// Of which call.
    pub id: RequestId,
    /// What happens.
    pub event: Event,
    /// What it encloses.
    pub enclosed: EventPayload,
}

impl ApplyRequest {
    /// This event, with nothing enclosed.
    pub fn new(id: RequestId, event: Event) -> Self {
        Self { id, event, enclosed: EventPayload::none() }
    }
}
