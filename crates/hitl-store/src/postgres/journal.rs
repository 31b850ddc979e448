//! The same schema as a journal of long-running tasks.
//!
//! An append is one statement that locks the task's row, compares the epoch and adds the entry: a
//! claim either waits for it or fences it. Each append signs its entry with an id of its own, so
//! that an append whose answer was lost can be recognised, and never happens twice.

use async_trait::async_trait;
use hitl_core::{SessionId, Tenant};
use hitl_tasks::journal::check_erasable;
use hitl_tasks::{Epoch, Journal, JournalError, TaskId, TaskState};
use tokio_postgres::types::Type;

use super::error::{Fault, ambiguous};
use super::holds;
use super::row::{one, parse_record, storable};
use super::statement::{Params, Statement};
use super::store::PostgresStore;
use super::transaction::{Completion, TransactionBody, Tx, run_until_known};
use crate::failpoint::reach;
use crate::journal::{damaged, failed, held, runs_of};

static CLAIM: Statement = Statement {
    text: "INSERT INTO {s}.tasks AS t (id, epoch) VALUES ($1::text::uuid, 1) \
           ON CONFLICT (id) DO UPDATE SET epoch = t.epoch + 1 RETURNING epoch",
    types: &[Type::TEXT],
};
static APPEND: Statement = Statement {
    text: "WITH held AS ( \
             UPDATE {s}.tasks SET entries = entries + 1, state = coalesce($5, state) \
             WHERE id = $1::text::uuid AND epoch = $2 RETURNING n, entries), \
           said AS (INSERT INTO {s}.journal (task, number, write, entry) \
             SELECT n, entries, $3::text::uuid, $4 FROM held) \
           SELECT n FROM held",
    types: &[Type::TEXT, Type::INT8, Type::TEXT, Type::BYTEA, Type::TEXT],
};
static REOPEN: Statement = Statement {
    text: "WITH held AS ( \
             UPDATE {s}.tasks SET epoch = epoch + 1, entries = entries + 1, state = NULL \
             WHERE id = $1::text::uuid AND state IN ('failed', 'timeout') \
             RETURNING n, entries, epoch), \
           said AS (INSERT INTO {s}.journal (task, number, write, entry) \
             SELECT n, entries, $2::text::uuid, $3 FROM held) \
           SELECT epoch FROM held",
    types: &[Type::TEXT, Type::TEXT, Type::BYTEA],
};
static APPENDED: Statement = Statement {
    text: "SELECT FROM {s}.journal j JOIN {s}.tasks t ON t.n = j.task \
           WHERE t.id = $1::text::uuid AND j.write = $2::text::uuid",
    types: &[Type::TEXT, Type::TEXT],
};
pub(super) static LOAD: Statement = Statement {
    text: "SELECT j.entry FROM {s}.journal j JOIN {s}.tasks t ON t.n = j.task \
           WHERE t.id = $1::text::uuid ORDER BY j.number",
    types: &[Type::TEXT],
};

pub(super) static RECENT: Statement = Statement {
    text: "SELECT id::text FROM {s}.tasks WHERE id < $1::text::uuid ORDER BY id DESC LIMIT $2",
    types: &[Type::TEXT, Type::INT8],
};
pub(super) static FAILED: Statement = Statement {
    text: "SELECT id::text FROM {s}.tasks \
           WHERE state IN ('failed', 'timeout') AND id < $1::text::uuid \
           ORDER BY id DESC LIMIT $2",
    types: &[Type::TEXT, Type::INT8],
};
static ERASED: Statement = Statement {
    text: "SELECT FROM {s}.tasks WHERE id = $1::text::uuid AND state = 'erased'",
    types: &[Type::TEXT],
};
static LOCK: Statement = Statement {
    text: "SELECT n FROM {s}.tasks WHERE id = $1::text::uuid FOR UPDATE",
    types: &[Type::TEXT],
};
static CALLS: Statement = Statement {
    text: "SELECT version, record FROM {s}.calls WHERE tenant = $1 AND run > $2 AND run < $3",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};
static ERASE: Statement = Statement {
    text: "WITH held AS (UPDATE {s}.tasks SET epoch = epoch + 1, state = 'erased' \
             WHERE id = $1::text::uuid RETURNING n), \
           gone AS (DELETE FROM {s}.journal j USING held WHERE j.task = held.n) \
           SELECT count(*) FROM held",
    types: &[Type::TEXT],
};
/// The greatest id; no task has it.
const END: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/// The statements of this module.
pub(super) const ALL: &[&Statement] =
    &[&CLAIM, &APPEND, &REOPEN, &APPENDED, &LOAD, &RECENT, &FAILED, &ERASED, &LOCK, &CALLS, &ERASE];

#[async_trait]
impl Journal for PostgresStore {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        let on = self.database();
        let claimed = on.read(&CLAIM, &[&task.to_string()]).await;
        let number = claimed.and_then(|rows| Ok(one(&rows)?.try_get::<_, i64>(0)?));
        epoch(number).map_err(|fault| match fault {
            Fault::Broken(_) => failed(ambiguous(&on.place)),
            fault => failed(on.error(fault)),
        })
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        self.append_entry(task, epoch, &entry, None).await
    }

    async fn end(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: TaskState,
    ) -> Result<(), JournalError> {
        self.append_entry(task, epoch, &entry, Some(state.as_str())).await
    }

    async fn reopen(&self, task: TaskId, entry: Vec<u8>) -> Result<Epoch, JournalError> {
        let on = self.database();
        let (id, write) = (task.to_string(), SessionId::new().to_string());
        match self.write_once(&REOPEN, &[&id, &write, &entry], &id, &write).await? {
            Written::Now(rows) => {
                let row = one(&rows).and_then(|row| Ok(row.try_get::<_, i64>(0)?));
                epoch(row).map_err(|fault| failed(on.error(fault)))
            }
            // By an attempt whose answer was lost: a further claim holds the task.
            Written::Before => self.claim(task).await,
            Written::Never => Err(JournalError::not_failed()),
        }
    }

    async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        self.page(&FAILED, before, limit).await
    }

    async fn is_erased(&self, task: TaskId) -> Result<bool, JournalError> {
        let on = self.database();
        let rows = on.read(&ERASED, &[&task.to_string()]).await;
        Ok(!rows.map_err(|fault| failed(on.error(fault)))?.is_empty())
    }

    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError> {
        let on = self.database();
        let rows = on.read(&LOAD, &[&task.to_string()]).await;
        let rows = rows.map_err(|fault| failed(on.error(fault)))?;
        let entry = |row: &tokio_postgres::Row| row.try_get::<_, Vec<u8>>(0);
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(|e| failed(on.error(e.into())))
    }

    async fn recent(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        self.page(&RECENT, before, limit).await
    }

    async fn erase(&self, task: TaskId) -> Result<bool, JournalError> {
        let on = self.database();
        let erased = run_until_known(on, &Erase { task }).await;
        erased.map_err(|fault| failed(on.error(fault)))?
    }
}

/// The erasure of everything that is recorded of a task, unless something keeps it.
struct Erase {
    task: TaskId,
}

#[async_trait]
impl TransactionBody for Erase {
    type Answer = Result<bool, JournalError>;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Self::Answer>, Fault> {
        let id = self.task.to_string();
        let holds = holds::for_erasing(tx).await?;
        // Every append waits for this lock.
        tx.send(&LOCK, &[&id]).await?;
        let rows = tx.send(&LOAD, &[&id]).await?;
        let entry = |row: &tokio_postgres::Row| row.try_get::<_, Vec<u8>>(0);
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Ok(Completion::Nothing(Ok(false)));
        }
        let tenant = match check_erasable(self.task, &entries) {
            Ok(tenant) => tenant.as_deref().map(Tenant::from).unwrap_or_default(),
            Err(stored) => return Ok(Completion::Nothing(Err(stored))),
        };
        let (from, to) = runs_of(self.task);
        let rows = tx.send(&CALLS, &[&storable(tenant.as_str()), &from, &to]).await?;
        let mut calls = Vec::with_capacity(rows.len());
        for row in &rows {
            calls.push(parse_record(row.try_get(1)?, row.try_get(0)?)?);
        }
        if let Some(stored) = held(&holds, &tenant, calls) {
            return Ok(Completion::Nothing(Err(stored)));
        }
        tx.send(&ERASE, &[&id]).await?;
        Ok(Completion::Commit(Ok(true)))
    }
}

fn epoch(number: Result<i64, Fault>) -> Result<Epoch, Fault> {
    Epoch::new(number?.cast_unsigned()).ok_or(Fault::Damaged("a task's epoch"))
}

/// The outcome of a statement that adds an entry.
enum Written {
    Now(Vec<tokio_postgres::Row>),
    /// By an earlier attempt, whose answer was lost.
    Before,
    Never,
}

impl PostgresStore {
    /// Appends an entry, and marks the task as ended if there is a state.
    async fn append_entry(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: &[u8],
        state: Option<&str>,
    ) -> Result<(), JournalError> {
        let (id, write) = (task.to_string(), SessionId::new().to_string());
        let given: Params<'_> = &[&id, &epoch.get().cast_signed(), &write, &entry, &state];
        match self.write_once(&APPEND, given, &id, &write).await? {
            Written::Now(_) | Written::Before => Ok(()),
            Written::Never => Err(JournalError::fenced()),
        }
    }

    /// Sends a statement that adds an entry and returns a row, or does nothing and returns none. It
    /// is sent again while that may help, and adds the entry once.
    async fn write_once(
        &self,
        statement: &'static Statement,
        given: Params<'_>,
        id: &str,
        write: &str,
    ) -> Result<Written, JournalError> {
        let on = self.database();
        let (mut retry, mut unclear) = (on.retry(), false);
        reach("before-entry");
        loop {
            let fault = match on.send(statement, given).await {
                Ok(rows) if !rows.is_empty() => {
                    reach("entry-written");
                    return Ok(Written::Now(rows));
                }
                // Refused, but an earlier attempt whose answer was lost may have been written
                // before.
                Ok(_) if unclear && self.has_appended(id, write).await? => {
                    return Ok(Written::Before);
                }
                Ok(_) => return Ok(Written::Never),
                Err(fault) => fault,
            };
            match fault {
                // The row is from an attempt whose answer was lost.
                fault if unclear && fault.is_duplicate() => return Ok(Written::Before),
                fault if fault.is_passing() => {
                    unclear |= matches!(fault, Fault::Broken(_));
                    if !retry.wait().await {
                        let error = if unclear { ambiguous(&on.place) } else { on.error(fault) };
                        return Err(failed(error));
                    }
                }
                _ if unclear => return Err(failed(ambiguous(&on.place))),
                fault => return Err(failed(on.error(fault))),
            }
        }
    }

    /// Returns a page of tasks, in descending order.
    async fn page(
        &self,
        statement: &'static Statement,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        let on = self.database();
        let before = before.map_or_else(|| END.to_owned(), |before| before.to_string());
        let limit = i64::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let rows = on.read(statement, &[&before, &limit]).await;
        let rows = rows.map_err(|fault| failed(on.error(fault)))?;
        let id = |row: &tokio_postgres::Row| {
            let id: String = row.try_get(0).map_err(|error| failed(on.error(error.into())))?;
            id.parse().map_err(|_| damaged())
        };
        rows.iter().map(id).collect()
    }

    async fn has_appended(&self, task: &str, write: &str) -> Result<bool, JournalError> {
        let on = self.database();
        let rows = on.read(&APPENDED, &[&task, &write]).await;
        Ok(!rows.map_err(|_| failed(ambiguous(&on.place)))?.is_empty())
    }
}
