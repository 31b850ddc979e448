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

use super::database::Database;
use super::error::Fault;
use super::options::StatementMode;
use super::row::one;
use super::statement::{Params, Statement};
use crate::failpoint::reach;

/// The time that a row is waited for, a statement may take, and a client may say nothing.
const BOUNDS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'; \
                      SET LOCAL idle_in_transaction_session_timeout = '2s'";

/// Work inside a transaction, performed again until one transaction is committed.
#[async_trait]
pub(super) trait TransactionBody: Sync {
    /// The answer to its caller.
    type Answer: Send;

    /// Does it.
    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Self::Answer>, Fault>;

    /// Returns whether only the first attempt has the answer: done again, it finds nothing to do.
    fn answers_once(&self) -> bool {
        false
    }
}

/// The way in which a transaction is to end.
pub(super) enum Completion<T> {
    /// Keeps what was written.
    Commit(T),
    /// There is nothing to keep.
    Nothing(T),
}

/// The result of one transaction.
pub(super) enum Attempt<T> {
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
pub(super) async fn run<W: TransactionBody>(
    on: &Database,
    work: &W,
) -> Result<Attempt<W::Answer>, Fault> {
    let mut connection = on.connection().await?;
    let committing = AtomicBool::new(false);
    let tried = tokio::time::timeout(on.timeout, once(on, &mut connection, work, &committing));
    let fault = match tried.await.unwrap_or(Err(Fault::Broken(None))) {
        Ok(answer) => return Ok(Attempt::Done(answer)),
        Err(fault) => fault,
    };
    if matches!(fault, Fault::Broken(_)) {
        // Nobody knows what it is still doing: it does not go back to the pool, and the server
        // gives up what was begun on it.
        drop(Object::take(connection));
        if committing.load(Ordering::Relaxed) {
            return Ok(Attempt::Unclear);
        }
    }
    Err(fault)
}

/// Does `work` until it is known to have happened, or cannot.
///
/// After a commit that may have happened it is done again: what was erased is found erased then,
/// and counts as such.
pub(super) async fn run_until_known<W: TransactionBody>(
    on: &Database,
    work: &W,
) -> Result<W::Answer, Fault> {
    let mut retry = on.retry();
    loop {
        match run(on, work).await {
            Ok(Attempt::Done(answer)) => return Ok(answer),
            Ok(Attempt::Unclear) if retry.wait().await => {}
            Ok(Attempt::Unclear) => return Err(Fault::Broken(None)),
            Err(failed) if failed.is_passing() && retry.wait().await => {}
            Err(failed) => return Err(failed),
        }
    }
}

async fn once<W: TransactionBody>(
    on: &Database,
    connection: &mut Object,
    work: &W,
    committing: &AtomicBool,
) -> Result<W::Answer, Fault> {
    let begun = connection.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
    let transaction = begun.start().await.map_err(Fault::from_statement)?;
    transaction.batch_execute(BOUNDS).await.map_err(Fault::from_statement)?;
    let tx = Tx { transaction, database: on };
    match work.perform(&tx).await? {
        Completion::Commit(answer) => {
            reach("before-commit");
            committing.store(true, Ordering::Relaxed);
            tx.transaction.commit().await.map_err(Fault::from_statement)?;
            reach("after-commit");
            Ok(answer)
        }
        // Dropping it undoes it.
        Completion::Nothing(answer) => Ok(answer),
    }
}

impl Tx<'_> {
    /// Sends a statement.
    pub(super) async fn send(&self, sql: &Statement, given: Params<'_>) -> Result<Vec<Row>, Fault> {
        let text = self.database.text(sql);
        let rows = match self.database.statements {
            StatementMode::Unnamed => {
                let typed: Vec<_> = given.iter().copied().zip(sql.types.iter().cloned()).collect();
                self.transaction.query_typed(text, &typed).await
            }
            StatementMode::Prepared => {
                let prepared = self.transaction.prepare_typed_cached(text, sql.types).await;
                self.transaction.query(&prepared.map_err(Fault::from_statement)?, given).await
            }
        };
        rows.map_err(Fault::from_statement)
    }
}

/// The result of one attempt to write.
pub(super) enum WriteOutcome {
    /// It is durable.
    Done,
    /// Somebody was faster, or it came too late: nothing was written.
    Missed,
    /// Nobody knows.
    Unclear,
}

/// The destination of a write.
pub(super) enum WriteTarget<'a> {
    /// In a transaction of its own, as one statement.
    SingleStatement(&'a Database),
    /// Together with others.
    InTransaction(&'a Tx<'a>),
}

impl WriteTarget<'_> {
    /// Sends a statement that counts what it has written: one row, or none.
    pub(super) async fn write(
        &self,
        sql: &Statement,
        given: Params<'_>,
    ) -> Result<WriteOutcome, Fault> {
        match self {
            Self::SingleStatement(database) => alone(database, sql, given).await,
            Self::InTransaction(transaction) => outcome_of(&transaction.send(sql, given).await?),
        }
    }
}

fn outcome_of(rows: &[Row]) -> Result<WriteOutcome, Fault> {
    let written: i64 = one(rows)?.try_get(0)?;
    Ok(if written == 1 { WriteOutcome::Done } else { WriteOutcome::Missed })
}

async fn alone(on: &Database, sql: &Statement, given: Params<'_>) -> Result<WriteOutcome, Fault> {
    let mut retry = on.retry();
    reach("before-write");
    loop {
        let fault = match on.send(sql, given).await {
            Ok(rows) => {
                reach("after-write");
                return outcome_of(&rows);
            }
            Err(fault) => fault,
        };
        match fault {
            Fault::Broken(_) => return Ok(WriteOutcome::Unclear),
            // Two who write the same key at the same moment.
            fault if fault.is_duplicate() => return Ok(WriteOutcome::Missed),
            fault if fault.is_passing() && retry.wait().await => {}
            fault => return Err(fault),
        }
    }
}
