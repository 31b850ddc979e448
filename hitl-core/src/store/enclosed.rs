//! Sealed text that an event brings along.

use crate::seal::Sealed;

/// What an event changes beside the record, in the same transaction. Kept only when the event
/// changed the record: a refused or replayed event leaves what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enclosed {
    /// The sealed arguments of the next revision, in place of those that are kept. Not kept for a
    /// call that has ended.
    pub payload: Option<Sealed>,
    /// The sealed result.
    pub result: Option<Sealed>,
}

impl Enclosed {
    /// Nothing but the event.
    pub const fn none() -> Self {
        Self { payload: None, result: None }
    }

    /// A payload that takes the place of the one that is kept.
    pub fn payload(sealed: Sealed) -> Self {
        Self { payload: Some(sealed), ..Self::none() }
    }

    /// A result.
    pub fn result(sealed: impl Into<Option<Sealed>>) -> Self {
        Self { result: sealed.into(), ..Self::none() }
    }
}
