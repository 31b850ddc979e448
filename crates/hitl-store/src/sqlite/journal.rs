//! The same file as a journal of long-running tasks, with its own tables and the same writer, so
//! that many tasks share a commit.

use async_trait::async_trait;
use hitl_core::Tenant;
use hitl_tasks::journal::check_erasable;
use hitl_tasks::{Epoch, Journal, JournalError, TaskId, TaskState};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;
use super::holds;
use super::store::SqliteStore;
use crate::failpoint::reach;
use crate::journal::{damaged, failed, held, runs_of};

const CLAIM: &str = "INSERT INTO tasks (id, epoch) VALUES (?1, 1) \
                     ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch";
const HELD: &str = "SELECT n FROM tasks WHERE id = ?1 AND epoch = ?2";
const APPEND: &str = "INSERT INTO journal (task, entry) VALUES (?1, ?2)";
pub(super) const LOAD: &str = "SELECT entry FROM journal \
                               WHERE task = (SELECT n FROM tasks WHERE id = ?1) ORDER BY seq";
pub(super) const RECENT: &str = "SELECT id FROM tasks WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
pub(super) const FAILED: &str = "SELECT id FROM tasks \
                                 WHERE state IN ('failed', 'timeout') AND id < ?1 \
                                 ORDER BY id DESC LIMIT ?2";
const MARK: &str = "UPDATE tasks SET state = ?2 WHERE n = ?1";
const REOPEN: &str = "UPDATE tasks SET epoch = epoch + 1, state = NULL \
                      WHERE id = ?1 AND state IN ('failed', 'timeout') RETURNING n, epoch";
const ERASED: &str = "SELECT n FROM tasks WHERE id = ?1 AND state = 'erased'";
const CALLS: &str = "SELECT record FROM calls WHERE tenant = ?1 AND run > ?2 AND run < ?3";
const ERASE: &str = "DELETE FROM journal WHERE task = (SELECT n FROM tasks WHERE id = ?1)";
const FENCE: &str = "UPDATE tasks SET epoch = epoch + 1, state = 'erased' WHERE id = ?1";
/// A text that sorts after every id.
const END: &str = "~";

#[async_trait]
impl Journal for SqliteStore {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        let id = task.to_string();
        self.shared.write(move |on, _| claim(on, &id)).await.map_err(failed)
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        self.append_entry(task, epoch, entry, None).await
    }

    async fn end(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: TaskState,
    ) -> Result<(), JournalError> {
        self.append_entry(task, epoch, entry, Some(state)).await
    }

    async fn reopen(&self, task: TaskId, entry: Vec<u8>) -> Result<Epoch, JournalError> {
        let id = task.to_string();
        let mut mine = None;
        let reopened = self.shared.write(move |on, _| {
            // If the commit may have happened, the write is performed again: then the task no
            // longer failed, and a further claim holds it.
            if let Some((seq, n)) = mine
                && is_there(on, seq, n, &entry)?
            {
                return claim(on, &id).map(Some);
            }
            let mut statement = on.prepare_cached(REOPEN)?;
            let row =
                statement.query_row([&id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((n, number)) = row else { return Ok(None) };
            on.prepare_cached(APPEND)?.execute(params![n, entry])?;
            mine = Some((on.last_insert_rowid(), n));
            reach("entry-written");
            epoch(number).map(Some)
        });
        reopened.await.map_err(failed)?.ok_or_else(JournalError::not_failed)
    }

    async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        self.page(FAILED, before, limit).await
    }

    async fn is_erased(&self, task: TaskId) -> Result<bool, JournalError> {
        let id = task.to_string();
        let erased = self.shared.read(move |on| one(on.prepare_cached(ERASED)?, [&id]));
        Ok(erased.await.map_err(failed)?.is_some())
    }

    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError> {
        let id = task.to_string();
        let entries = self.shared.read(move |on| {
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
        self.page(RECENT, before, limit).await
    }

    async fn erase(&self, task: TaskId) -> Result<bool, JournalError> {
        // If the commit may have happened, the write is performed again and finds nothing left.
        let mut first = false;
        let erased = self.shared.write(move |on, _| {
            let erased = erase(on, task)?;
            first |= matches!(erased, Ok(true));
            Ok(erased.map(|erased| erased || first))
        });
        let erased = erased.await.map_err(failed)??;
        self.shared.scrub().await.map_err(failed)?;
        Ok(erased)
    }
}

impl SqliteStore {
    /// Appends an entry, and marks the task as ended if there is a state.
    async fn append_entry(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: Option<TaskState>,
    ) -> Result<(), JournalError> {
        let (id, epoch) = (task.to_string(), epoch.get().cast_signed());
        let mut mine = None;
        let written = self.shared.write(move |on, _| {
            let held = on.prepare_cached(HELD)?;
            let Some(n) = one(held, params![id, epoch])? else { return Ok(Append::Fenced) };
            // If the commit may have happened, the write is performed again: then the entry is
            // there.
            if let Some(seq) = mine
                && is_there(on, seq, n, &entry)?
            {
                return Ok(Append::HistoryLine);
            }
            on.prepare_cached(APPEND)?.execute(params![n, entry])?;
            mine = Some(on.last_insert_rowid());
            if let Some(state) = state {
                on.prepare_cached(MARK)?.execute(params![n, state.as_str()])?;
            }
            reach("entry-written");
            Ok(Append::HistoryLine)
        });
        match written.await.map_err(failed)? {
            Append::HistoryLine => Ok(()),
            Append::Fenced => Err(JournalError::fenced()),
        }
    }

    /// Returns a page of tasks, in descending order.
    async fn page(
        &self,
        sql: &'static str,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        let before = before.map_or_else(|| END.to_owned(), |before| before.to_string());
        let limit = i64::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let tasks = self.shared.read(move |on| {
            let mut statement = on.prepare_cached(sql)?;
            let rows = statement.query_map(params![before, limit], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?)
        });
        let ids = tasks.await.map_err(failed)?.into_iter().map(|id| id.parse());
        ids.collect::<Result<_, _>>().map_err(|_| damaged())
    }
}

fn claim(on: &Connection, id: &str) -> Result<Epoch, Fault> {
    epoch(on.prepare_cached(CLAIM)?.query_row([id], |row| row.get(0))?)
}

fn epoch(number: i64) -> Result<Epoch, Fault> {
    Epoch::new(number.cast_unsigned()).ok_or(Fault::Damaged("a task's epoch"))
}

/// Erases everything that is recorded of a task, unless something keeps it.
fn erase(on: &Connection, task: TaskId) -> Result<Result<bool, JournalError>, Fault> {
    let id = task.to_string();
    let mut statement = on.prepare_cached(LOAD)?;
    let rows = statement.query_map([&id], |row| row.get(0))?;
    let entries = rows.collect::<Result<Vec<Vec<u8>>, _>>()?;
    if entries.is_empty() {
        return Ok(Ok(false));
    }
    let tenant = match check_erasable(task, &entries) {
        Ok(tenant) => tenant.as_deref().map(Tenant::from).unwrap_or_default(),
        Err(kept) => return Ok(Err(kept)),
    };
    let (from, to) = runs_of(task);
    let mut statement = on.prepare_cached(CALLS)?;
    let given = params![tenant.as_str(), from, to];
    let rows = statement.query_map(given, |row| row.get::<_, String>(0))?;
    let record =
        |text: String| serde_json::from_str(&text).map_err(|_| Fault::Damaged("a call's record"));
    let calls = rows.map(|row| record(row?)).collect::<Result<Vec<_>, Fault>>()?;
    if let Some(kept) = held(&holds::all(on)?, &tenant, calls) {
        return Ok(Err(kept));
    }
    on.prepare_cached(ERASE)?.execute([&id])?;
    on.prepare_cached(FENCE)?.execute([&id])?;
    Ok(Ok(true))
}

enum Append {
    HistoryLine,
    Fenced,
}

fn one(
    mut statement: rusqlite::CachedStatement<'_>,
    parameters: impl rusqlite::Params,
) -> Result<Option<i64>, Fault> {
    Ok(statement.query_row(parameters, |row| row.get(0)).optional()?)
}

/// Returns whether the entry was written under this number. Another process may have taken the
/// number since, but not for this task: that would have been under another epoch.
fn is_there(on: &Connection, seq: i64, task: i64, entry: &[u8]) -> Result<bool, Fault> {
    let sql = "SELECT seq FROM journal WHERE seq = ?1 AND task = ?2 AND entry = ?3";
    Ok(one(on.prepare_cached(sql)?, params![seq, task, entry])?.is_some())
}
