//! The PostgreSQL store, as a journal, keeps the journal's contract.

use hitl_tasks::MemoryJournal;
use hitl_tasks::journal::suite::Subject;

use crate::support::{options, schema, url};

async fn make_journal() -> Subject {
    match url() {
        Some(url) => Subject::new(options(&url, &schema()).open().await.unwrap()),
        // Skipped, as a message has said: some journal must be returned.
        None => Subject::new(MemoryJournal::default()),
    }
}

hitl_tasks::journal_contract!(make_journal);
