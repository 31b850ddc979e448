//! The journal in memory keeps the contract.

use hitl_tasks::MemoryJournal;
use hitl_tasks::journal::suite::Subject;

#[allow(clippy::unused_async, reason = "the suite awaits it")]
async fn in_memory() -> Subject {
    Subject::new(MemoryJournal::new())
}

hitl_tasks::journal_contract!(in_memory);
