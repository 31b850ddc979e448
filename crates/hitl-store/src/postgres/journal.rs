//! The same schema as a journal of long-running tasks.
//!
//! An append is one statement that locks the task's row, compares the epoch and adds the entry: a
//! claim either waits for it or fences it. Each append signs its entry with an id of its own, so
//! that an append whose answer was lost can be recognised, and never happens twice.

use async_trait::async_trait;
use hitl_core::{SessionId, Tenant};
use hitl_tasks::journal::check_erasable;
use hitl_tasks::{Epoch, Journal, JournalError, TaskId};
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
             UPDATE {s}.tasks SET entries = entries + 1 \
             WHERE id = $1::text::uuid AND epoch = $2 RETURNING n, entries), \
           said AS (INSERT INTO {s}.journal (task, number, write, entry) \
             SELECT n, entries, $3::text::uuid, $4 FROM held) \
           SELECT count(*) FROM held",
    types: &[Type::TEXT, Type::INT8, Type::TEXT, Type::BYTEA],
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
static LOCK: Statement = Statement {
    text: "SELECT n FROM {s}.tasks WHERE id = $1::text::uuid FOR UPDATE",
    types: &[Type::TEXT],
};
static CALLS: Statement = Statement {
    text: "SELECT version, record FROM {s}.calls WHERE tenant = $1 AND run > $2 AND run < $3",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};
static ERASE: Statement = Statement {
    text: "WITH held AS (UPDATE {s}.tasks SET epoch = epoch + 1 \
             WHERE id = $1::text::uuid RETURNING n), \
           gone AS (DELETE FROM {s}.journal j USING held WHERE j.task = held.n) \
           SELECT count(*) FROM held",
    types: &[Type::TEXT],
};
/// The greatest id; no task has it.
const END: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/// The statements of this module.
pub(super) const ALL: &[&Statement] =
    &[&CLAIM, &APPEND, &APPENDED, &LOAD, &RECENT, &LOCK, &CALLS, &ERASE];

#[async_trait]
impl Journal for PostgresStore {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        let on = self.database();
        let claimed = on.read(&CLAIM, &[&task.to_string()]).await;
        let epoch = claimed.and_then(|rows| Ok(one(&rows)?.try_get::<_, i64>(0)?));
        let epoch = epoch.and_then(|epoch| {
            Epoch::new(epoch.cast_unsigned()).ok_or(Fault::Damaged("a task's epoch"))
        });
        epoch.map_err(|fault| match fault {
            Fault::Broken(_) => failed(ambiguous(&on.place)),
            fault => failed(on.error(fault)),
        })
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        let on = self.database();
        let (id, write) = (task.to_string(), SessionId::new().to_string());
        let given: Params<'_> = &[&id, &epoch.get().cast_signed(), &write, &entry];
        let (mut retry, mut unclear) = (on.retry(), false);
        reach("before-entry");
        loop {
            let fault = match on.send(&APPEND, given).await {
                Ok(rows) => {
                    let written = one(&rows).and_then(|row| Ok(row.try_get::<_, i64>(0)?));
                    if written.map_err(|fault| failed(on.error(fault)))? == 1 {
                        reach("entry-written");
                        return Ok(());
                    }
                    // Fenced, but an earlier attempt whose answer was lost may have been written
                    // before.
                    let appended =
                        if unclear { self.has_appended(&id, &write).await? } else { false };
                    return if appended { Ok(()) } else { Err(JournalError::fenced()) };
                }
                Err(fault) => fault,
            };
            match fault {
                // The row is from an attempt whose answer was lost.
                fault if unclear && fault.is_duplicate() => return Ok(()),
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
        let on = self.database();
        let before = before.map_or_else(|| END.to_owned(), |before| before.to_string());
        let limit = i64::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let rows = on.read(&RECENT, &[&before, &limit]).await;
        let rows = rows.map_err(|fault| failed(on.error(fault)))?;
        let id = |row: &tokio_postgres::Row| {
            let id: String = row.try_get(0).map_err(|error| failed(on.error(error.into())))?;
            id.parse().map_err(|_| damaged())
        };
        rows.iter().map(id).collect()
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

impl PostgresStore {
    async fn has_appended(&self, task: &str, write: &str) -> Result<bool, JournalError> {
        let on = self.database();
        let rows = on.read(&APPENDED, &[&task, &write]).await;
        Ok(!rows.map_err(|_| failed(ambiguous(&on.place)))?.is_empty())
    }
}
