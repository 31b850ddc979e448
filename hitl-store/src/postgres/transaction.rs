//! Several statements in one transaction, for what one statement cannot do: what draws on a grant,
//! and events of several calls.
//!
//! Rows are locked in one order, grants by id and then calls by id, so that two transactions cannot
//! hold what the other needs. Who stalls does not hold them for long: the server ends a transaction
//! that waits too long, for a row or for its client. Nothing but the transaction itself is relied
//! upon, so it works behind a pooler that gives each transaction another connection.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use deadpool_postgres::{Object, Transaction};
use tokio_postgres::{IsolationLevel, Row};

use super::change::Wrote;
use super::database::{Database, Given, Sql};
use super::error::Fault;
use super::options::Statements;
use super::query::one;
use crate::failpoint::reach;

/// How long a row is waited for, a statement may take, and a client may say nothing.
const BOUNDS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'; \
                      SET LOCAL idle_in_transaction_session_timeout = '2s'";

/// What is done inside a transaction, as often as it takes until one of them stands.
#[async_trait]
pub(super) trait Work: Sync {
    /// What its caller is told.
    type Answer: Send;

    /// Does it.
    async fn perform(&self, within: &Tx<'_>) -> Result<End<Self::Answer>, Fault>;

    /// Whether what it answers is told the first time only: done again, it finds nothing to do.
    fn is_told_once(&self) -> bool {
        false
    }
}

/// How a transaction is to end.
pub(super) enum End<T> {
    /// Keeps what was written.
    Commit(T),
    /// There is nothing to keep.
    Nothing(T),
}

/// What came of one transaction.
pub(super) enum Tried<T> {
    /// It has ended as it was to end.
    Done(T),
    /// Nobody knows whether it was committed.
    Unclear,
}

/// A transaction that has begun.
pub(super) struct Tx<'c> {
    transaction: Transaction<'c>,
    database: &'c Database,
}

/// Tries once, in a transaction. After an error nothing was written.
pub(super) async fn run<W: Work>(on: &Database, work: &W) -> Result<Tried<W::Answer>, Fault> {
    let mut connection = on.connection().await?;
    let committing = AtomicBool::new(false);
    let tried = tokio::time::timeout(on.patience, once(on, &mut connection, work, &committing));
    let fault = match tried.await.unwrap_or(Err(Fault::Broken(None))) {
        Ok(answer) => return Ok(Tried::Done(answer)),
        Err(fault) => fault,
    };
    if matches!(fault, Fault::Broken(_)) {
        // Nobody knows what it is still doing: it does not go back to the pool, and the server
        // gives up what was begun on it.
        drop(Object::take(connection));
        if committing.load(Ordering::Relaxed) {
            return Ok(Tried::Unclear);
        }
    }
    Err(fault)
}

async fn once<W: Work>(
    on: &Database,
    connection: &mut Object,
    work: &W,
    committing: &AtomicBool,
) -> Result<W::Answer, Fault> {
    let begun = connection.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
    let transaction = begun.start().await.map_err(Fault::of_statement)?;
    transaction.batch_execute(BOUNDS).await.map_err(Fault::of_statement)?;
    let within = Tx { transaction, database: on };
    match work.perform(&within).await? {
        End::Commit(answer) => {
            reach("before-commit");
            committing.store(true, Ordering::Relaxed);
            within.transaction.commit().await.map_err(Fault::of_statement)?;
            reach("after-commit");
            Ok(answer)
        }
        // Dropping it undoes it.
        End::Nothing(answer) => Ok(answer),
    }
}

impl Tx<'_> {
    /// Sends a statement.
    pub(super) async fn send(&self, sql: &Sql, given: Given<'_>) -> Result<Vec<Row>, Fault> {
        let text = self.database.text(sql);
        let rows = match self.database.statements {
            Statements::Unnamed => {
                let typed: Vec<_> = given.iter().copied().zip(sql.types.iter().cloned()).collect();
                self.transaction.query_typed(text, &typed).await
            }
            Statements::Prepared => {
                let prepared = self.transaction.prepare_typed_cached(text, sql.types).await;
                self.transaction.query(&prepared.map_err(Fault::of_statement)?, given).await
            }
        };
        rows.map_err(Fault::of_statement)
    }
}

/// Where a write goes.
pub(super) enum Way<'a> {
    /// In a transaction of its own, as one statement.
    Alone(&'a Database),
    /// Together with others.
    Within(&'a Tx<'a>),
}

impl Way<'_> {
    /// Sends a statement that counts what it has written: one row, or none.
    pub(super) async fn write(&self, sql: &Sql, given: Given<'_>) -> Result<Wrote, Fault> {
        match self {
            Self::Alone(database) => alone(database, sql, given).await,
            Self::Within(transaction) => wrote(&transaction.send(sql, given).await?),
        }
    }
}

fn wrote(rows: &[Row]) -> Result<Wrote, Fault> {
    let written: i64 = one(rows)?.try_get(0)?;
    Ok(if written == 1 { Wrote::Done } else { Wrote::Missed })
}

async fn alone(on: &Database, sql: &Sql, given: Given<'_>) -> Result<Wrote, Fault> {
    let mut tries = on.tries();
    reach("before-write");
    loop {
        let fault = match on.send(sql, given).await {
            Ok(rows) => {
                reach("after-write");
                return wrote(&rows);
            }
            Err(fault) => fault,
        };
        match fault {
            Fault::Broken(_) => return Ok(Wrote::Unclear),
            // Two who write the same key at the same moment.
            fault if fault.is_duplicate() => return Ok(Wrote::Missed),
            fault if fault.is_passing() && tries.again().await => {}
            fault => return Err(fault),
        }
    }
}
