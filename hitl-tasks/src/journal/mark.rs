//! The mark of a failed task that is to be retried.

use crate::id::TaskId;
use crate::journal::contract::Journal;
use crate::journal::entry::JournalEntry;
use crate::journal::error::JournalError;

/// Marks a failed task to be retried: it continues after its completed steps when its program
/// submits it the next time. For programs that do not have its steps.
///
/// # Errors
///
/// Those of [`Journal::reopen`]. After an [`Ambiguous`](crate::JournalErrorKind::Ambiguous) one the
/// task may be marked.
pub async fn mark_for_retry(journal: &dyn Journal, task: TaskId) -> Result<(), JournalError> {
    journal.reopen(task, JournalEntry::retried()?).await.map(drop)
}
