//! Access to the database: sending statements, and the time limit for attempts.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError};
use hitl_core::StoreError;
use tokio_postgres::Row;

use super::error::Fault;
use super::options::{PostgresOptions, StatementMode};
use super::retry::Retry;
use super::statement::{Params, Statement};

/// One schema of one database.
pub(super) struct Database {
    pool: Pool,
    pub(super) statements: StatementMode,
    /// Statement texts that name the schema: nothing depends on a connection's search path.
    texts: HashMap<&'static str, String>,
    pub(super) timeout: Duration,
    /// The name of the database in errors.
    pub(super) place: String,
}

impl Database {
    /// Prepares these statements for use over `pool`.
    pub(super) fn new(
        pool: Pool,
        options: &PostgresOptions,
        place: String,
        all: &[&'static Statement],
    ) -> Self {
        let with_name = |sql: &&Statement| (sql.text, sql.text.replace("{s}", &options.schema));
        let texts = all.iter().map(with_name).collect();
        let (statements, timeout) = (options.statements, options.operation_timeout);
        Self { pool, statements, texts, timeout, place }
    }

    /// Takes a connection from the pool.
    pub(super) async fn connection(&self) -> Result<Object, Fault> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Fault::from_connect(error),
            _ => Fault::Unreachable(None),
        })
    }

    /// Sends a statement once. A single statement is a transaction: it happens entirely or not at
    /// all, whichever connection a pooler gives it, and also when the future is dropped.
    pub(super) async fn send(&self, sql: &Statement, given: Params<'_>) -> Result<Vec<Row>, Fault> {
        let connection = self.connection().await?;
        let text = self.text(sql);
        let sending = async {
            match self.statements {
                StatementMode::Unnamed => {
                    let typed: Vec<_> =
                        given.iter().copied().zip(sql.types.iter().cloned()).collect();
                    connection.query_typed(text, &typed).await
                }
                StatementMode::Prepared => {
                    let prepared = connection.prepare_typed_cached(text, sql.types).await?;
                    connection.query(&prepared, given).await
                }
            }
        };
        if let Ok(answer) = tokio::time::timeout(self.timeout, sending).await {
            answer.map_err(Fault::from_statement)
        } else {
            // The state of this connection is unknown, so it does not go back to the pool.
            drop(Object::take(connection));
            Err(Fault::Broken(None))
        }
    }

    /// Returns a statement's text with the schema's name in it.
    pub(super) fn text(&self, sql: &Statement) -> &str {
        self.texts.get(sql.text).map_or(sql.text, String::as_str)
    }

    /// Reads, and retries for a while when the database is unavailable. Also fit for a statement
    /// that writes if it may happen twice without harm.
    pub(super) async fn read(&self, sql: &Statement, given: Params<'_>) -> Result<Vec<Row>, Fault> {
        let mut retry = self.retry();
        loop {
            match self.send(sql, given).await {
                Err(fault) if fault.is_passing() && retry.wait().await => {}
                done => return done,
            }
        }
    }

    /// Returns the attempts until the timeout.
    pub(super) fn retry(&self) -> Retry {
        Retry::within(self.timeout)
    }

    pub(super) fn error(&self, fault: Fault) -> StoreError {
        fault.at(&self.place)
    }
}
