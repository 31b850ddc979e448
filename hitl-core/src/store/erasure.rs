//! Erasure of calls: the data that may be erased, and the reasons why a call was not. Pure.

use super::{Holds, StoreError, StoreErrorKind};
use crate::call::Tenant;
use crate::ids::{HoldId, RequestId};
use crate::machine::{CallRecord, CallState};

/// The most calls erased in one transaction, so that other transactions get their turn.
pub const ERASED_AT_ONCE: u16 = 200;

/// The reason why a call was not erased. Its text names the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotErased {
    /// The call has not ended.
    #[error("the call is {0} and has not ended; decide, withdraw or resolve it first")]
    NotEnded(CallState),
    /// A legal hold covers the call.
    #[error("the legal hold {0} covers the call; it must be released first")]
    Held(HoldId),
    /// A change of the call is not known to be in the audit.
    #[error(
        "a change of the call is not in the audit yet; let a gate with that audit write it, and try again"
    )]
    Unaudited,
    /// The call was erased before.
    #[error("the call was erased before; nothing is left of it but that its key is taken")]
    Erased,
    /// There is no such call in this tenant.
    #[error("there is no such call in this tenant")]
    NotFound,
}

impl NotErased {
    /// Returns the reason why a call must not be erased, if there is one. `is_unaudited`: a change
    /// of it is in the outbox. A store calls this inside the transaction that erases.
    pub fn check(record: &CallRecord, is_unaudited: bool, holds: &Holds) -> Option<Self> {
        if let Some(hold) = holds.on(record) {
            return Some(Self::Held(hold.id));
        }
        if record.erased {
            return Some(Self::Erased);
        }
        if !record.state.is_terminal() {
            return Some(Self::NotEnded(record.state));
        }
        is_unaudited.then_some(Self::Unaudited)
    }
}

/// A call to erase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Erasable {
    /// Its tenant.
    pub tenant: Tenant,
    /// Its id.
    pub id: RequestId,
}

impl Erasable {
    /// Returns a reference to a call.
    pub fn new(tenant: Tenant, id: RequestId) -> Self {
        Self { tenant, id }
    }
}

/// Returns an error for more calls at once than a transaction should touch.
pub fn check_erasable(calls: &[Erasable]) -> Result<(), StoreError> {
    if calls.len() <= usize::from(ERASED_AT_ONCE) {
        return Ok(());
    }
    let why =
        format!("at most {ERASED_AT_ONCE} calls are erased at once; erase them in several steps");
    Err(StoreError::new(StoreErrorKind::Other, why))
}

/// The number of calls that [`Store::erase_ended_before`](super::Store::erase_ended_before) has
/// erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErasedCount {
    /// The number of erased calls. Each leaves a tombstone.
    pub calls: u64,
}

impl ErasedCount {
    /// Returns the count of `calls` erased calls.
    pub fn new(calls: u64) -> Self {
        Self { calls }
    }
}
