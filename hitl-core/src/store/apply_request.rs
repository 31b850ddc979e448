//! An event of several that are applied in one transaction.

use super::EventPayload;
use crate::ids::RequestId;
use crate::machine::Event;

/// An event of several that are applied in one transaction, with its payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApplyRequest {
    /// The call.
    pub id: RequestId,
    /// The event.
    pub event: Event,
    /// The payload of the event.
    pub enclosed: EventPayload,
}

impl ApplyRequest {
    /// Returns this event without a payload.
    pub fn new(id: RequestId, event: Event) -> Self {
        Self { id, event, enclosed: EventPayload::none() }
    }
}
