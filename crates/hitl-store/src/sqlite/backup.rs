//! A copy of the file while it is in use, and the opening of such a copy.
//!
//! A backup is marked as one, and any other older copy is behind the file's [head](super::head).
//! Opening either goes back in time: decisions and runs since then are not in it. So the first
//! opening gives it a new epoch, holds every call that could run for review by a human, and revokes
//! every grant, in one transaction, before anything else can be read from it.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use hitl_base::{Timestamp, owner_only};
use hitl_core::machine::{self, CallRecord, Event, StoreFacts, Transition};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::connect::connect;
use super::error::Fault;
use super::grants;
use super::metadata;
use super::outbox;
use super::query::count;
use super::retention;
use super::row::CallRow;
use super::schema::beside;
use super::write::replace;

/// The name under which a file records that it is a backup that was never opened.
const MARK: &str = "backup";
const EPOCH: &str = "epoch";
/// The number of calls that are held per batch.
const BATCH: usize = 1000;

/// Copies the current state of the file `from` to `to`, which appears complete or not at all.
pub(super) fn back_up(from: &Path, to: &Path) -> Result<(), BackupFault> {
    if to.exists() {
        let what = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(BackupFault::Io(what));
    }
    let partial = beside(to, ".partial");
    // An earlier attempt may have been interrupted while it wrote.
    let _absent = fs::remove_file(&partial);
    // SQLite treats an empty file as a new database; created here, only its owner can read it.
    owner_only(OpenOptions::new().write(true).create_new(true)).open(&partial)?;
    let target = partial.to_str().ok_or(Fault::Damaged("the backup's path is not Unicode"))?;
    let on = connect(from, Duration::from_secs(5))?;
    // One statement is one snapshot: concurrent writers are not blocked and not included.
    on.execute("VACUUM INTO ?1", [target]).map_err(Fault::from)?;
    mark(&partial)?;
    File::open(&partial)?.sync_all()?;
    // Does not overwrite a file that was created there meanwhile.
    fs::hard_link(&partial, to)?;
    fs::remove_file(&partial)?;
    hitl_base::sync_folder(to)?;
    Ok(())
}

fn mark(path: &Path) -> Result<(), Fault> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    metadata::set(&copy, MARK, "1")
}

/// The fault of a backup: of the store's file or of the copy.
#[derive(Debug)]
pub(super) enum BackupFault {
    /// A fault while reading or copying.
    Store(Fault),
    /// A fault of the file that is written.
    Io(std::io::Error),
}

impl From<Fault> for BackupFault {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

impl From<std::io::Error> for BackupFault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Returns whether the file is a backup that was never opened.
pub(super) fn is_backup(on: &Connection) -> Result<bool, Fault> {
    Ok(metadata::get(on, MARK)?.is_some())
}

/// Gives the file a new epoch, higher than its own and than the one that is `known` from elsewhere,
/// and holds everything that could run for review by a human. All or nothing.
pub(super) fn begin_epoch(on: &mut Connection, known: u64, now: Timestamp) -> Result<(), Fault> {
    let transaction = on.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let epoch = metadata::get(&transaction, EPOCH)?.and_then(|text| text.parse::<u64>().ok());
    let epoch = epoch.ok_or(Fault::Damaged("its epoch"))?.max(known) + 1;
    metadata::set(&transaction, EPOCH, &epoch.to_string())?;
    let mut after = 0;
    loop {
        let held = some(&transaction, after)?;
        let Some((last, _)) = held.last() else { break };
        after = *last;
        for (n, record) in &held {
            let facts =
                StoreFacts { now, claimant_dead: true, decision_used: false, frozen: false };
            if let Ok(Transition::Changed(next)) = machine::apply(record, &Event::Restore, facts) {
                let next = CallRow::after(&Event::Restore, next)?;
                replace(&transaction, *n, &next, record)?;
                let line = next.log(&transaction, *n)?;
                // No gate exists yet that could audit it.
                outbox::add_unaudited(&transaction, *n, next.record().version(), line, None)?;
            }
        }
    }
    grants::revoke_all(&transaction, now)?;
    // Calls made after the backup are missing: a key of theirs would look new, and the call would
    // run again.
    retention::raise(&transaction, now)?;
    transaction.execute("DELETE FROM meta WHERE name = ?1", [MARK])?;
    transaction.commit()?;
    Ok(())
}

fn some(on: &Connection, after: i64) -> Result<Vec<(i64, CallRecord)>, Fault> {
    let mut statement = on.prepare_cached(
        "SELECT n, record FROM calls WHERE n > ?1 AND state IN ('pending', 'approved', 'claimed') \
         ORDER BY n LIMIT ?2",
    )?;
    let rows = statement.query_map(params![after, count(BATCH)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut records = Vec::new();
    for row in rows {
        let (n, text) = row?;
        let record = serde_json::from_str(&text).map_err(|_| Fault::Damaged("a call's record"))?;
        records.push((n, record));
    }
    Ok(records)
}
