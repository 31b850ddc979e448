//! What the journals of both backends share.

use hitl_core::{StoreError, StoreErrorKind};
use hitl_tasks::{JournalError, JournalErrorKind};

/// A task's id that is none.
pub(crate) fn damaged() -> JournalError {
    JournalError::new(JournalErrorKind::Corrupt, "a task's id in the journal is damaged")
}

/// A store's trouble, as a journal's.
pub(crate) fn failed(error: StoreError) -> JournalError {
    let kind = match error.kind() {
        StoreErrorKind::Ambiguous => JournalErrorKind::Ambiguous,
        StoreErrorKind::Unavailable => JournalErrorKind::Unavailable,
        StoreErrorKind::ReadOnly => JournalErrorKind::ReadOnly,
        StoreErrorKind::Full => JournalErrorKind::Full,
        StoreErrorKind::Corrupt => JournalErrorKind::Corrupt,
        StoreErrorKind::NewerSchema => JournalErrorKind::NewerSchema,
        _ => JournalErrorKind::Other,
    };
    JournalError::new(kind, error.to_string()).because(error)
}
