//! The same file as a journal of long-running tasks: its own tables, the same writer, so that many
//! tasks share a commit.

use async_trait::async_trait;
use hitl_tasks::{Epoch, Journal, JournalError, TaskId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::error::Fault;
use crate::failpoint::reach;
use crate::journal::{damaged, failed};

const CLAIM: &str = "INSERT INTO tasks (id, epoch) VALUES (?1, 1) \
                     ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch";
const HELD: &str = "SELECT n FROM tasks WHERE id = ?1 AND epoch = ?2";
const APPEND: &str = "INSERT INTO journal (task, entry) VALUES (?1, ?2)";
pub(super) const LOAD: &str = "SELECT entry FROM journal \
                               WHERE task = (SELECT n FROM tasks WHERE id = ?1) ORDER BY seq";
pub(super) const RECENT: &str = "SELECT id FROM tasks WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
/// Greater than every id.
const END: &str = "~";

#[async_trait]
impl Journal for SqliteStore {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        let id = task.to_string();
        let epoch = self.write(move |on, _| {
            let epoch: i64 = on.prepare_cached(CLAIM)?.query_row([&id], |row| row.get(0))?;
            Epoch::new(epoch.cast_unsigned()).ok_or(Fault::Damaged("a task's epoch"))
        });
        epoch.await.map_err(failed)
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        let (id, epoch) = (task.to_string(), epoch.get().cast_signed());
        let mut mine = None;
        let written = self.write(move |on, _| {
            let held = on.prepare_cached(HELD)?;
            let Some(n) = one(held, params![id, epoch])? else { return Ok(Append::Fenced) };
            // Performed once more after a commit that may have happened: then it is there.
            if let Some(seq) = mine
                && is_there(on, seq, n, &entry)?
            {
                return Ok(Append::Written);
            }
            on.prepare_cached(APPEND)?.execute(params![n, entry])?;
            mine = Some(on.last_insert_rowid());
            reach("entry-written");
            Ok(Append::Written)
        });
        match written.await.map_err(failed)? {
            Append::Written => Ok(()),
            Append::Fenced => Err(JournalError::fenced()),
        }
    }

    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError> {
        let id = task.to_string();
        let entries = self.read(move |on| {
            let mut statement = on.prepare_cached(LOAD)?;
            let rows = statement.query_map([&id], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<Vec<u8>>, _>>()?)
        });
        entries.await.map_err(failed)
    }

    async fn recent(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        let before = before.map_or_else(|| END.to_owned(), |before| before.to_string());
        let limit = i64::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let tasks = self.read(move |on| {
            let mut statement = on.prepare_cached(RECENT)?;
            let rows = statement.query_map(params![before, limit], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?)
        });
        let ids = tasks.await.map_err(failed)?.into_iter().map(|id| id.parse());
        ids.collect::<Result<_, _>>().map_err(|_| damaged())
    }
}

enum Append {
    Written,
    Fenced,
}

fn one(
    mut statement: rusqlite::CachedStatement<'_>,
    parameters: impl rusqlite::Params,
) -> Result<Option<i64>, Fault> {
    Ok(statement.query_row(parameters, |row| row.get(0)).optional()?)
}

/// Whether an entry was written under this number. Another process may have taken the number since,
/// but not for this task: that would have been under another epoch.
fn is_there(on: &Connection, seq: i64, task: i64, entry: &[u8]) -> Result<bool, Fault> {
    let sql = "SELECT seq FROM journal WHERE seq = ?1 AND task = ?2 AND entry = ?3";
    Ok(one(on.prepare_cached(sql)?, params![seq, task, entry])?.is_some())
}
