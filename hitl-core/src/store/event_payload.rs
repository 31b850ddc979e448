//! What an event brings along.

use crate::audit::ChainHead;
use crate::ids::SessionId;
use crate::machine::CallRecord;
use crate::seal::Sealed;

/// What an event changes beside the record, in the same transaction. Kept only when the event
/// changed the record: a refused or replayed event leaves what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPayload {
    /// The sealed arguments of the next revision, in place of those that are kept. Not kept for a
    /// call that has ended.
    pub payload: Option<Sealed>,
    /// The sealed result.
    pub result: Option<Sealed>,
    /// The session that puts the change into the audit. With it, the store keeps the change in its
    /// [outbox](crate::Store::outbox_take) until it is acknowledged.
    pub auditor: Option<SessionId>,
    /// Where the audit has the intent of the attempt that this event ends.
    pub intent: Option<ChainHead>,
}

impl EventPayload {
    /// Nothing but the event.
    pub const fn none() -> Self {
        Self { payload: None, result: None, auditor: None, intent: None }
    }

    /// A payload that takes the place of the one that is kept.
    pub fn payload(sealed: Sealed) -> Self {
        Self { payload: Some(sealed), ..Self::none() }
    }

    /// A result.
    pub fn result(sealed: impl Into<Option<Sealed>>) -> Self {
        Self { result: sealed.into(), ..Self::none() }
    }

    /// Says where the intent stands.
    #[must_use]
    pub fn intent(mut self, place: Option<ChainHead>) -> Self {
        self.intent = place;
        self
    }

    /// The record that the event led to, with what is enclosed for it: what the store keeps.
    #[must_use]
    pub fn complete(&self, mut next: CallRecord) -> CallRecord {
        if self.intent.is_some() {
            next.intent.clone_from(&self.intent);
        }
        next
    }

    /// Says who puts the change into the audit.
    #[must_use]
    pub fn audited_by(mut self, session: SessionId) -> Self {
        self.auditor = Some(session);
        self
    }
}
