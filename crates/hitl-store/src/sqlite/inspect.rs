//! Looking at a file without opening it as a store.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use hitl_core::SessionId;
use hitl_core::store::{StoreError, StoreErrorKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::error::{Fault, file_error, stopped};
use super::head::{Head, HeadFile, has_head, is_older_copy};
use super::open::SMALLEST;
use super::query::{latest_moment, parse};
use super::schema::{self, Identity, beside};
use super::session::Sessions;
use super::{SqliteStore, backup};
use crate::{StoreIdentity, StoreInspection, StoreState};

/// The time that it waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Looks at the file at `path` without opening it as a store: nothing is created, migrated or
    /// repaired, and no new epoch begins. It may be in use.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// Fails if there is no such file, or if it cannot be read.
    pub async fn inspect(path: impl AsRef<Path> + Send) -> Result<StoreInspection, StoreError> {
        let path = path.as_ref().to_owned();
        let (reply, inspected) = oneshot::channel();
        let given = path.clone();
        let work = move || {
            // The caller may have gone.
            let _ = reply.send(inspect(&given));
        };
        let thread = std::thread::Builder::new().name("hitl-inspect".to_owned()).spawn(work);
        thread.map_err(|error| file_error(&path, error))?;
        inspected.await.map_err(|_| stopped(&path))?
    }
}

fn inspect(given: &Path) -> Result<StoreInspection, StoreError> {
    let path = fs::canonicalize(given).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("there is no file {}", given.display());
            StoreError::new(StoreErrorKind::Other, message).with_source(error)
        }
        _ => file_error(given, error),
    })?;
    let length = fs::metadata(&path).map_err(|error| file_error(&path, error))?.len();
    let at = |fault: Fault| fault.at(&path);
    // Read before the database, which is never behind it.
    let head_path = beside(&path, ".head");
    let kept = HeadFile::read(&head_path).map_err(|error| file_error(&head_path, error))?;
    let on = read_only(&path).map_err(at)?;
    let identity = match schema::identify(&on).map_err(at)? {
        Identity::Empty if length > 0 && length < SMALLEST => StoreIdentity::Foreign,
        Identity::Empty => StoreIdentity::Empty,
        Identity::Store(schema) => StoreIdentity::Store { schema },
        Identity::Foreign => StoreIdentity::Foreign,
    };
    let newest_schema = schema::STEPS.len();
    let state = match identity {
        StoreIdentity::Store { schema } if schema == newest_schema => {
            let found = Head::read(&on).map_err(at)?;
            let is_older = is_older_copy(kept, found, has_head(&on).map_err(at)?);
            let (owed_by_living, owed_by_dead) = owed(&on, &path).map_err(at)?;
            Some(StoreState {
                begins_new_epoch: is_older || backup::is_backup(&on).map_err(at)?,
                last_change: latest_moment(&on).map_err(at)?,
                owed_by_living,
                owed_by_dead,
            })
        }
        _ => None,
    };
    let takes_writes = takes_writes(&path).map_err(at)?;
    Ok(StoreInspection { identity, newest_schema, takes_writes, state })
}

/// Returns whether SQLite may write the file. It is opened for that, and not written: the log is
/// not carried over when this connection is the last. Only SQLite may open the file: its locks end
/// when any part of a process that has them closes the file.
fn takes_writes(path: &Path) -> Result<bool, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(path, flags) else { return Ok(false) };
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(!connection.is_readonly("main")?)
}

fn read_only(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Counts the changes that are not known to be in the audit: those of living auditors, and others.
fn owed(on: &Connection, path: &Path) -> Result<(u64, u64), Fault> {
    let sessions = Sessions::at(beside(path, ".sessions"));
    let mut statement = on.prepare("SELECT auditor, count(*) FROM unaudited GROUP BY auditor")?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?)))?;
    let (mut living, mut dead) = (0, 0);
    for row in rows {
        let (auditor, count) = row?;
        let auditor = auditor.as_deref().map(parse::<SessionId>).transpose()?;
        let is_alive = auditor.is_some_and(|session| !sessions.is_dead(session));
        *if is_alive { &mut living } else { &mut dead } += count.unsigned_abs();
    }
    Ok((living, dead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn looking_at_a_file_changes_nothing_and_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        SqliteStore::inspect(&path).await.unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(SqliteStore::open(&path).await.unwrap());
        let found = SqliteStore::inspect(&path).await.unwrap();
        assert!(found.opens_unchanged() && found.takes_writes, "{found:?}");

        // A backup, and a copy without its head, would begin a new epoch.
        let store = SqliteStore::open(&path).await.unwrap();
        let copy = folder.path().join("copy.db");
        store.back_up(&copy).await.unwrap();
        let before = fs::read(&copy).unwrap();
        let found = SqliteStore::inspect(&copy).await.unwrap();
        assert!(found.state.as_ref().unwrap().begins_new_epoch && !found.opens_unchanged());
        assert_eq!(fs::read(&copy).unwrap(), before);
        assert!(SqliteStore::inspect(&path).await.unwrap().opens_unchanged(), "while it is in use");

        // An older schema is not migrated, a newer one is named, another program's file is.
        for (version, opens) in [(1, false), (9_999, false)] {
            let old = folder.path().join(format!("{version}.db"));
            let on = Connection::open(&old).unwrap();
            on.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
            on.pragma_update(None, "user_version", version).unwrap();
            on.execute_batch("CREATE TABLE t (x)").unwrap();
            drop(on);
            let before = fs::read(&old).unwrap();
            let found = SqliteStore::inspect(&old).await.unwrap();
            let schema = usize::try_from(version).unwrap();
            assert_eq!(found.identity, StoreIdentity::Store { schema });
            assert_eq!((found.opens_unchanged(), found.state), (opens, None));
            assert_eq!(fs::read(&old).unwrap(), before);
        }
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let found = SqliteStore::inspect(&foreign).await.unwrap();
        assert_eq!(found.identity, StoreIdentity::Foreign);
        let empty = folder.path().join("empty.db");
        fs::write(&empty, "").unwrap();
        let found = SqliteStore::inspect(&empty).await.unwrap();
        assert_eq!(found.identity, StoreIdentity::Empty);
        fs::write(&empty, "no database").unwrap();
        let found = SqliteStore::inspect(&empty).await;
        assert!(found.is_err() || found.unwrap().identity == StoreIdentity::Foreign);
    }
}
