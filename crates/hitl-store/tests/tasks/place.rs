//! The place of the journal, and the places where a life may end.

use std::path::{Path, PathBuf};

use hitl_store::SqliteStore;
use hitl_tasks::Journal;

/// Places in the SQLite store that a journal passes, and those around the bodies.
pub(crate) const SQLITE: &[&str] = &[
    "after-begin",
    "entry-written",
    "before-commit",
    "after-commit",
    "after-acknowledge",
    "in-body",
    "after-body",
    "in-undo",
    "after-undo",
];

/// The same for the PostgreSQL store.
#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: &[&str] =
    &["before-entry", "entry-written", "in-body", "after-body", "in-undo", "after-undo"];

/// A journal, and a folder for the lines that the bodies leave.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    /// A schema of a PostgreSQL database; `None` for a SQLite file in the folder.
    pub(crate) schema: Option<String>,
}

impl Place {
    pub(crate) fn file() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), schema: None }
    }

    /// Creates a schema of its own in the test database; without one the test is skipped with a
    /// loud message.
    #[cfg(feature = "postgres")]
    pub(crate) fn schema() -> Option<Self> {
        if std::env::var_os(hitl_test_postgres::URL).is_none() {
            assert!(!hitl_test_postgres::is_required(), "there is no database: `cargo xtask test`");
            let text = "\nSKIPPED: tasks on PostgreSQL, for want of a database\n\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
            return None;
        }
        let name = format!("t_{}", hitl_core::SessionId::new().to_string().replace('-', ""));
        Some(Self { folder: tempfile::tempdir().unwrap(), schema: Some(name) })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file_path(&self) -> PathBuf {
        self.folder().join("hitl.db")
    }

    pub(crate) async fn journal(&self) -> Box<dyn Journal> {
        journal(self.folder(), self.schema.as_deref()).await
    }
}

pub(crate) async fn journal(folder: &Path, schema: Option<&str>) -> Box<dyn Journal> {
    match schema {
        None => Box::new(SqliteStore::open(folder.join("hitl.db")).await.unwrap()),
        Some(schema) => in_schema(schema).await,
    }
}

#[cfg(feature = "postgres")]
async fn in_schema(schema: &str) -> Box<dyn Journal> {
    let url = std::env::var(hitl_test_postgres::URL).unwrap();
    let options = hitl_store::PostgresStore::options(url).schema(schema).max_connections(4);
    let key = hitl_core::HostKey::from_bytes([7; 32]);
    Box::new(options.key(key).open().await.unwrap())
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the other one is")]
async fn in_schema(schema: &str) -> Box<dyn Journal> {
    panic!("{schema}: built without PostgreSQL")
}
