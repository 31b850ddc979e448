//! The payload of an event.

use crate::audit::ChainHead;
use crate::ids::SessionId;
use crate::machine::CallRecord;
use crate::seal::Sealed;

/// The data that an event changes beside the record, in the same transaction. Stored only if the
/// event changed the record: a refused or replayed event changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPayload {
    /// The sealed arguments of the next revision, which replace the stored ones. Not stored for a
    /// call that has ended.
    pub payload: Option<Sealed>,
    /// The sealed result.
    pub result: Option<Sealed>,
    /// The session that writes the change to the audit. With it, the store keeps the change in its
    /// [outbox](crate::Store::outbox_take) until it is acknowledged.
    pub auditor: Option<SessionId>,
    /// The place in the audit of the intent of the attempt that this event ends.
    pub intent: Option<ChainHead>,
}

impl EventPayload {
    /// Returns an empty payload.
    pub const fn none() -> Self {
        Self { payload: None, result: None, auditor: None, intent: None }
    }

    /// Returns a payload of new sealed arguments.
    pub fn payload(sealed: Sealed) -> Self {
        Self { payload: Some(sealed), ..Self::none() }
    }

    /// Returns a payload of a result.
    pub fn result(sealed: impl Into<Option<Sealed>>) -> Self {
        Self { result: sealed.into(), ..Self::none() }
    }

    /// Sets the place of the intent.
    #[must_use]
    pub fn intent(mut self, place: Option<ChainHead>) -> Self {
        self.intent = place;
        self
    }

    /// Returns the record that the store keeps: the event's result with the enclosed data.
    #[must_use]
    pub fn complete(&self, mut next: CallRecord) -> CallRecord {
        if self.intent.is_some() {
            next.intent.clone_from(&self.intent);
        }
        next
    }

    /// Sets the session that writes the change to the audit.
    #[must_use]
    pub fn audited_by(mut self, session: SessionId) -> Self {
        self.auditor = Some(session);
        self
    }
}
