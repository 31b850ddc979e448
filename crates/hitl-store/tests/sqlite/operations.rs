//! Every SQL block of the operator's page runs on a real file, and names only existing objects.

use std::collections::BTreeSet;
use std::path::Path;

use hitl_core::machine::Event;
use hitl_core::store::StoreAddress;
use hitl_core::store::suite::{
    Draft, Subject, approved, claimed, fixture, start_clock, unknown_outcome,
};
use hitl_core::{HostKey, Store};
use hitl_store::SqliteStore;
use hitl_tasks::{Journal, TaskId};
use rusqlite::{Connection, OpenFlags};

const PAGE: &str = include_str!("../../../../docs/operations.md");

/// Creates a store with a call in every kind of state, and the data that the examples look for.
async fn filled(path: &Path) -> SqliteStore {
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(path).await.unwrap();
    let s = Subject::new(store.clone(), clock);
    s.create(&Draft::new("nightly", 1)).await;
    approved(&s, &Draft::new("run", 2)).await;
    claimed(&s, &Draft::new("run", 3)).await;
    unknown_outcome(&s, &Draft::new("run", 4)).await;
    let (record, token, _) = claimed(&s, &Draft::new("run", 5)).await;
    s.apply(record.id(), Event::Succeed { token }).await;
    s.store.save_grant(fixture::grant(Some(5), Some(100))).await.unwrap();
    let task = TaskId::new();
    let epoch = store.claim(task).await.unwrap();
    store.append(task, epoch, b"{}".to_vec()).await.unwrap();
    store.forget_runs(hitl_base::Timestamp::EPOCH).await.unwrap();
    store
}

/// Returns the number of rows of a block, and whether any has a value in its last column.
fn rows(connection: &Connection, sql: &str) -> (usize, bool) {
    let mut statement = connection.prepare(sql).unwrap();
    let last = statement.column_count() - 1;
    let mut rows = statement.query([]).unwrap();
    let (mut count, mut said) = (0, false);
    while let Some(row) = rows.next().unwrap() {
        count += 1;
        said |= row.get_ref(last).unwrap() != rusqlite::types::ValueRef::Null;
    }
    (count, said)
}

#[tokio::test]
async fn a_file_is_opened_by_hitl_under_its_whole_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let db = |store: &SqliteStore| vec!["--db".to_owned(), store.path().display().to_string()];
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(store.path().is_absolute());
    assert_eq!(store.address(), StoreAddress::Database(db(&store)));
    // A key that the host keeps is asked for.
    let options = SqliteStore::options().key(HostKey::generate().unwrap());
    let store = options.open(folder.path().join("other.db")).await.unwrap();
    let key = ["--key-file".to_owned(), "FILE".to_owned()];
    let arguments = db(&store).into_iter().chain(key).collect();
    assert_eq!(store.address(), StoreAddress::Database(arguments));
}

#[tokio::test]
async fn every_block_of_sql_answers_on_a_read_only_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let _in_use = filled(&path).await;
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let blocks: Vec<&str> =
        PAGE.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 10, "only {} blocks", blocks.len());
    for sql in blocks {
        let (count, said) = rows(&connection, sql);
        assert!(count > 0 && said, "it shows nothing: {sql}");
    }
}

#[tokio::test]
async fn every_table_and_index_is_on_the_page_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let _in_use = SqliteStore::open(&path).await.unwrap();
    let connection = Connection::open(&path).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: BTreeSet<String> = names.map(Result::unwrap).collect();
    for name in &names {
        assert!(PAGE.contains(&format!("`{name}`")), "{name} is not on the page");
    }
    for line in
        PAGE.lines().filter(|line| line.starts_with("| `calls_") || line.starts_with("| `grants_"))
    {
        for name in line.split('`').skip(1).step_by(2) {
            assert!(names.contains(name), "{name} is no index");
        }
    }
}
