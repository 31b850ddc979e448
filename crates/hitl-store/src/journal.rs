//! Code that the journals of both backends share.

use hitl_core::machine::CallRecord;
use hitl_core::store::Holds;
use hitl_core::{StoreError, StoreErrorKind, Tenant};
use hitl_tasks::{JournalError, JournalErrorKind, TaskId};

/// Returns the error for a task id that cannot be parsed.
pub(crate) fn damaged() -> JournalError {
    JournalError::new(JournalErrorKind::Corrupt, "a task's id in the journal is damaged")
}

/// Converts an error of a store to one of a journal.
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
    JournalError::new(kind, error.to_string()).with_source(error)
}

/// Returns why a task is kept although it has ended: a hold of its tenant, or one that covers a
/// call that a step of the task has made. `None` if nothing keeps it.
pub(crate) fn held(
    holds: &Holds,
    tenant: &Tenant,
    calls: impl IntoIterator<Item = CallRecord>,
) -> Option<JournalError> {
    let of_tenant = holds
        .iter()
        .find(|hold| hold.tenant == *tenant && hold.scope == hitl_core::store::HoldScope::Tenant);
    let hold = of_tenant.map(|hold| hold.id);
    let hold = hold.or_else(|| calls.into_iter().find_map(|call| holds.on(&call).map(|h| h.id)))?;
    let why = format!("the legal hold {hold} covers the task; it must be released first");
    Some(JournalError::new(JournalErrorKind::Kept, why))
}

/// Returns the range of texts, from the first up to but excluding the second, in which the run ids
/// of a task's calls lie.
pub(crate) fn runs_of(task: TaskId) -> (String, String) {
    // In ASCII, `0` comes right after `/`.
    (format!("task/{task}/"), format!("task/{task}0"))
}
