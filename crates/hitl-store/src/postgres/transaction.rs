//! Several statements in one transaction, for changes that one statement cannot make: draws on a
//! grant, and events of several calls.
//!
//! Rows are locked in one order, grants by id and then calls by id, so that two transactions cannot
//! hold what the other needs. A stalled client does not hold them for long: the server ends a
//! transaction that waits too long for a row or for its client. Nothing depends on connection state
//! outside the transaction, so it works behind a pooler that gives each transaction another
//! connection.

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

/// The limits of waiting for a row, of a statement, and of a client's silence.
const BOUNDS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'; \
                      SET LOCAL idle_in_transaction_session_timeout = '2s'";

/// Work inside a transaction, repeated until one transaction is committed.
#[async_trait]
pub(super) trait TransactionBody: Sync {
    /// The answer to the caller.
    type Answer: Send;

    /// Performs the work.
    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Self::Answer>, Fault>;

    /// Returns whether only the first attempt has the answer: a repetition finds nothing to do.
    fn answers_once(&self) -> bool {
        false
    }
}

/// The way in which a transaction is to end.
pub(super) enum Completion<T> {
    /// Commits the changes.
    Commit(T),
    /// Rolls back: there is nothing to commit.
    Nothing(T),
}

/// The result of one transaction.
pub(super) enum Attempt<T> {
    /// The transaction ended as intended.
    Done(T),
    /// It is unknown whether the transaction was committed.
    Unclear,
}

/// An open transaction.
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
        // The state of this connection is unknown: it does not go back to the pool, and the server
        // aborts the transaction on it.
        drop(Object::take(connection));
        if committing.load(Ordering::Relaxed) {
            return Ok(Attempt::Unclear);
        }
    }
    Err(fault)
}

/// Repeats `work` until it is known to have happened, or to have failed.
///
/// After a commit that may have happened the work is repeated: what was erased is then found
/// erased, and counts as such.
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
        // Dropping the transaction rolls it back.
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
    /// The write is durable.
    Done,
    /// Another writer was faster, or the attempt came too late: nothing was written.
    Missed,
    /// It is unknown whether the write happened.
    Unclear,
}

/// The destination of a write.
pub(super) enum WriteTarget<'a> {
    /// One statement, as a transaction of its own.
    SingleStatement(&'a Database),
    /// A transaction with other statements.
    InTransaction(&'a Tx<'a>),
}

impl WriteTarget<'_> {
    /// Sends a statement that returns the number of rows written: one or none.
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
            // Two transactions write the same key at the same moment.
            fault if fault.is_duplicate() => return Ok(WriteOutcome::Missed),
            fault if fault.is_passing() && retry.wait().await => {}
            fault => return Err(fault),
        }
    }
}
