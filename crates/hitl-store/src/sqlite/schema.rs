//! The tables, and their migration from older versions.
//!
//! Steps are only ever appended. Step `n` turns schema `n - 1` into schema `n`; an empty file is
//! schema 0. The version is in the file's header (`PRAGMA user_version`).

use std::path::{Path, PathBuf};

use hitl_core::store::{StoreError, StoreErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use super::error::Fault;
use super::metadata;

/// "hitl" in the file's header marks a store of hitl.
pub(super) const APPLICATION_ID: i32 = 0x6869_746c;

/// Every step, in order.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
    include_str!("schema/9.sql"),
    include_str!("schema/10.sql"),
    include_str!("schema/11.sql"),
    include_str!("schema/12.sql"),
    include_str!("schema/13.sql"),
    include_str!("schema/14.sql"),
];

/// The version from which on deleted data is overwritten.
const SCRUBBED: usize = 10;

/// The kind of a file, before anything in it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The file is empty.
    Empty,
    /// The file is a store of this schema version.
    Store(usize),
    /// The file is a database of another program.
    Foreign,
}

/// Identifies a file.
pub(super) fn identify(connection: &Connection) -> Result<Identity, Fault> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    Ok(match (id, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) if version > 0 => Identity::Store(version),
        (0, Ok(0)) if tables == 0 => Identity::Empty,
        _ => Identity::Foreign,
    })
}

/// Refuses a file that is not ours and one that is newer than this version knows.
pub(super) fn check(identity: Identity, newest: usize, path: &Path) -> Result<(), StoreError> {
    match identity {
        Identity::Foreign => Err(StoreError::new(
            StoreErrorKind::Corrupt,
            format!("{} is a database of another program; choose another path", path.display()),
        )),
        Identity::Store(version) if version > newest => Err(StoreError::new(
            StoreErrorKind::NewerSchema,
            format!(
                "{} has schema {version}, and this version of hitl knows {newest}; use the newer \
                 version of hitl that wrote it",
                path.display()
            ),
        )),
        Identity::Empty | Identity::Store(_) => Ok(()),
    }
}

/// The name under which the file records that its free space has yet to be overwritten.
const VACUUM_OWED: &str = "vacuum_owed";

/// Migrates the file to the newest schema, all steps or none. Backs up a file with an older schema
/// beside itself first. No other process may be opening it.
///
/// Older versions left overwritten or deleted data in the file's free space. See
/// [`overwrite_free_space`], which is owed afterwards.
pub(super) fn migrate(
    connection: &mut Connection,
    steps: &[&str],
    path: &Path,
) -> Result<(), Fault> {
    let from = match identify(connection)? {
        Identity::Store(version) if version >= steps.len() => return Ok(()),
        Identity::Store(version) => {
            back_up(connection, &backup_path(path, version))?;
            version
        }
        Identity::Empty | Identity::Foreign => 0,
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &steps[from..] {
        transaction.execute_batch(step)?;
    }
    if (1..SCRUBBED).contains(&from) {
        transaction.execute("INSERT OR REPLACE INTO meta VALUES (?1, '1')", [VACUUM_OWED])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i32::try_from(steps.len()).unwrap_or(0))?;
    transaction.commit()?;
    Ok(())
}

/// Overwrites the free space of a file that was migrated, if that is owed. Needs as much disk space
/// as the file takes; if there is none, or others use the file, it stays owed until the next
/// opening.
pub(super) fn overwrite_free_space(connection: &Connection, path: &Path) -> Result<(), Fault> {
    if metadata::get(connection, VACUUM_OWED)?.is_none() {
        return Ok(());
    }
    if let Err(error) = connection.execute_batch("VACUUM") {
        tracing::warn!(
            file = %path.display(), %error,
            "what an older version erased may still be in the file's free space: that could not be \
             overwritten, and is tried again when the file is opened again; look for room on the disk"
        );
        return Ok(());
    }
    connection.execute("DELETE FROM meta WHERE name = ?1", [VACUUM_OWED])?;
    Ok(())
}

/// Returns the path of the file's backup from `version`.
pub(super) fn backup_path(path: &Path, version: usize) -> PathBuf {
    beside(path, &format!(".schema-{version}.backup"))
}

/// Returns the path of a file beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn back_up(connection: &Connection, to: &Path) -> Result<(), Fault> {
    // An earlier attempt may have been interrupted while it wrote. Its file was never relied upon,
    // because the migration comes after it.
    let _absent = std::fs::remove_file(to);
    let target = to.to_str().ok_or(Fault::Damaged("its path is not Unicode"))?;
    let copied = connection.execute("VACUUM INTO ?1", [target]);
    if copied.is_err() {
        // A partial file is of no use, and takes space.
        let _absent = std::fs::remove_file(to);
    }
    copied?;
    Ok(())
}

/// The number of tables and indexes in the newest schema.
const OBJECTS: i64 = 36;

/// Returns whether every table and index of the newest schema exists.
pub(super) fn is_complete(connection: &Connection) -> Result<bool, Fault> {
    let names = "'calls','payloads','results','history','meta','tasks','journal','unaudited','executors',\
                 'calls_by_state','calls_approved','calls_waiting','calls_running','calls_ended',\
                 'calls_erased','calls_queue','calls_due','calls_turns','calls_levels',\
                 'calls_by_root','calls_rejected','calls_attachable',\
                 'grants','grants_live','grants_by_tool','grants_by_tenant','grants_ended',\
                 'history_by_call','journal_by_task','decisions','decisions_by_call','holds',\
                 'effects','effects_by_call','effects_by_earlier','tasks_failed'";
    let sql = format!("SELECT count(*) FROM sqlite_schema WHERE name IN ({names})");
    let found: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(found == OBJECTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(connection: &Connection) -> i64 {
        let sql = "SELECT count(*) FROM pragma_table_info('calls') WHERE name = 'note'";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_file_is_backed_up_and_then_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..1], &path).unwrap();
        assert_eq!(identify(&connection).unwrap(), Identity::Store(1));
        assert!(!backup_path(&path, 0).exists(), "there was nothing to back up");
        connection.execute("INSERT INTO meta VALUES ('marker', 'kept')", []).unwrap();

        let newer = [STEPS[0], "ALTER TABLE calls ADD COLUMN note TEXT"];
        migrate(&mut connection, &newer, &path).unwrap();
        assert_eq!(identify(&connection).unwrap(), Identity::Store(2));
        assert_eq!(notes(&connection), 1);
        let backup = Connection::open(backup_path(&path, 1)).unwrap();
        assert_eq!(identify(&backup).unwrap(), Identity::Store(1));
        assert_eq!(notes(&backup), 0);
        let marker = "SELECT value FROM meta WHERE name = 'marker'";
        let kept: String = backup.query_row(marker, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "kept");
        assert!(check(identify(&connection).unwrap(), 1, &path).is_err(), "newer than schema 1");
    }

    #[test]
    fn a_call_of_an_older_file_is_its_own_root() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..3], &path).unwrap();
        let call = "INSERT INTO calls (id, tenant, run, position, content, state, version, tool, \
                    priority, created_at, due_at, expires_at, updated_at, record) \
                    VALUES ('1', 'acme', 'r', 0, 'c', 'pending', 1, 't', 'high', 0, 0, 0, 0, '{}')";
        connection.execute(call, []).unwrap();
        migrate(&mut connection, STEPS, &path).unwrap();
        let sql = "SELECT root FROM calls WHERE tenant = 'acme' AND root = 'r'";
        let root: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(root, "r");
    }

    #[test]
    fn invariant_4_the_decisions_of_an_older_file_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..9], &path).unwrap();
        let records = [
            r#"{"decided":{"id":"d1"},"votes":[{"id":"d1"},{"id":"v1"}]}"#,
            r#"{"earlier":[{"edited":{"id":"e2"}},{"edited":{"id":"e3"}}],"votes":[{"id":"v1"}]}"#,
            "{}",
        ];
        for (n, record) in records.iter().enumerate() {
            let call = "INSERT INTO calls (id, tenant, run, position, content, state, version, tool, \
                        priority, created_at, due_at, expires_at, updated_at, record) \
                        VALUES (?1, 'acme', 'r', ?1, 'c', 'rejected', 1, 't', 'high', 0, 0, 0, 0, ?2)";
            connection.execute(call, rusqlite::params![n.to_string(), record]).unwrap();
        }
        migrate(&mut connection, STEPS, &path).unwrap();
        let mut statement =
            connection.prepare("SELECT id, call FROM decisions ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let rows: Vec<(String, i64)> = rows.map(Result::unwrap).collect();
        let rows: Vec<_> = rows.iter().map(|(id, call)| (id.as_str(), *call)).collect();
        // A decision that was used for two calls counts for the first.
        assert_eq!(rows, [("d1", 1), ("e2", 2), ("e3", 2), ("v1", 1)]);
    }

    #[test]
    fn the_ended_tasks_of_an_older_file_are_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..11], &path).unwrap();
        let end = r#"{"v":1,"type":"terminal","end":{"state":"#;
        let ends = [
            format!("{end}\"failed\",\"error\":\"\\u0000 \u{e9}{}\"}}}}", "\u{1f600}".repeat(30)),
            format!(r#"{end}"timeout"}}}}"#),
            format!(r#"{end}"completed"}}}}"#),
            r#"{"v":1,"type":"stepDone","step":0,"output":"{\"state\":\"failed\""}"#.to_owned(),
        ];
        for (n, last) in (0_i64..).zip(&ends) {
            let put = "INSERT INTO tasks (n, id, epoch) VALUES (?1, ?1, 1)";
            connection.execute(put, [n]).unwrap();
            for entry in [r#"{"v":1,"type":"defined"}"#, last] {
                let put = "INSERT INTO journal (task, entry) VALUES (?1, ?2)";
                connection.execute(put, rusqlite::params![n, entry.as_bytes()]).unwrap();
            }
        }
        connection.execute("INSERT INTO tasks (n, id, epoch) VALUES (9, '9', 1)", []).unwrap();
        migrate(&mut connection, STEPS, &path).unwrap();
        let mut statement = connection.prepare("SELECT state FROM tasks ORDER BY n").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        let states: Vec<Option<String>> = rows.map(Result::unwrap).collect();
        let expected = [Some("failed"), Some("timeout"), Some("completed"), None, None];
        assert_eq!(states, expected.map(|state| state.map(str::to_owned)));
    }

    #[test]
    fn free_space_that_cannot_be_overwritten_is_overwritten_at_the_next_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..9], &path).unwrap();
        let text = "it was erased by an older version";
        let put = "INSERT INTO meta VALUES ('marker', ?1)";
        connection.execute(put, [text.repeat(500)]).unwrap();
        connection.execute("DELETE FROM meta WHERE name = 'marker'", []).unwrap();
        let has_text = || {
            let bytes = std::fs::read(&path).unwrap();
            bytes.windows(text.len()).any(|some| some == text.as_bytes())
        };
        migrate(&mut connection, STEPS, &path).unwrap();
        assert_eq!(identify(&connection).unwrap(), Identity::Store(STEPS.len()));
        assert!(has_text());
        // Another connection uses the file: as on a full disk, the overwriting fails and the store
        // opens.
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        overwrite_free_space(&connection, &path).unwrap();
        assert!(has_text() && metadata::get(&connection, VACUUM_OWED).unwrap().is_some());
        drop(other);
        overwrite_free_space(&connection, &path).unwrap();
        assert!(!has_text() && metadata::get(&connection, VACUUM_OWED).unwrap().is_none());
    }

    #[test]
    fn a_process_of_an_older_version_changes_nothing_after_the_migration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..9], &path).unwrap();
        let older = Connection::open(&path).unwrap();
        let begun = [
            "UPDATE calls SET state = 'approved', version = 2, session = NULL WHERE n = 1",
            "UPDATE calls SET erased = 1, began = NULL, record = '{}', principal = '' WHERE n = 1",
            "SELECT n FROM calls INDEXED BY calls_erased WHERE erased = 1 AND began IS NOT NULL \
             AND began < 9 ORDER BY began",
        ];
        let mut begun = begun.map(|sql| older.prepare(sql).unwrap());
        migrate(&mut connection, STEPS, &path).unwrap();
        for statement in &mut begun {
            let error = statement.raw_query().next().map(drop).unwrap_err();
            assert!(error.to_string().contains("no such column"), "{error}");
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &STEPS[..1], &path).unwrap();
        let broken = [STEPS[0], "ALTER TABLE calls ADD COLUMN note TEXT; SELECT no_such_thing()"];
        assert!(migrate(&mut connection, &broken, &path).is_err());
        assert_eq!(identify(&connection).unwrap(), Identity::Store(1));
        assert_eq!(notes(&connection), 0);
    }

    #[test]
    fn the_list_of_tables_and_indexes_is_the_schemas() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("hitl.db")).unwrap();
        assert!(!is_complete(&connection).unwrap());
        migrate(&mut connection, STEPS, &folder.path().join("hitl.db")).unwrap();
        assert!(is_complete(&connection).unwrap());
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
        let all: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(all, OBJECTS);
    }
}
