//! The SQLite store, as a journal, keeps the journal's contract.

use hitl_store::SqliteStore;
use hitl_tasks::journal::suite::Subject;

async fn in_a_file() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("hitl.db")).await.unwrap();
    Subject::new(store).keep(folder)
}

hitl_tasks::journal_contract!(in_a_file);
