//! The way to the database: statements that are sent, and how long one tries.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool, PoolError};
use hitl_core::StoreError;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::Fault;
use super::options::{PostgresOptions, Statements};
use super::{
    change, decisions, executors, grants, holds, journal, marks, open, outbox, query, queue,
    retention, rotation, session, together, watch,
};

/// A statement: its text, in which `{s}` stands for the schema, and its parameters' types.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: &'static str,
    pub(super) types: &'static [Type],
}

/// What is given for the parameters of a statement.
pub(super) type Given<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The pause before something is tried again; it grows up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// One schema of one database.
pub(super) struct Database {
    pool: Pool,
    pub(super) statements: Statements,
    /// With the schema's name in them: nothing depends on a connection's search path.
    texts: HashMap<&'static str, String>,
    pub(super) patience: Duration,
    /// As errors name it.
    pub(super) place: String,
}

impl Database {
    pub(super) fn new(pool: Pool, options: &PostgresOptions, place: String) -> Self {
        let all = [
            open::ALL,
            query::ALL,
            queue::ALL,
            change::ALL,
            together::ALL,
            decisions::ALL,
            executors::ALL,
            grants::ALL,
            holds::ALL,
            marks::ALL,
            outbox::ALL,
            retention::ALL,
            rotation::ALL,
            journal::ALL,
            session::ALL,
            watch::ALL,
        ]
        .concat();
        let with_name = |sql: &&Sql| (sql.text, sql.text.replace("{s}", &options.schema));
        let texts = all.iter().map(with_name).collect();
        let (statements, patience) = (options.statements, options.patience);
        Self { pool, statements, texts, patience, place }
    }

    /// A connection from the pool.
    pub(super) async fn connection(&self) -> Result<Object, Fault> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Fault::of_connect(error),
            _ => Fault::Unreachable(None),
        })
    }

    /// Sends a statement once. A single statement is a transaction: it happens wholly or not at
    /// all, whichever connection a pooler gives it, and also when the future is dropped.
    pub(super) async fn send(&self, sql: &Sql, given: Given<'_>) -> Result<Vec<Row>, Fault> {
        let connection = self.connection().await?;
        let text = self.text(sql);
        let sending = async {
            match self.statements {
                Statements::Unnamed => {
                    let typed: Vec<_> =
                        given.iter().copied().zip(sql.types.iter().cloned()).collect();
                    connection.query_typed(text, &typed).await
                }
                Statements::Prepared => {
                    let prepared = connection.prepare_typed_cached(text, sql.types).await?;
                    connection.query(&prepared, given).await
                }
            }
        };
        if let Ok(answer) = tokio::time::timeout(self.patience, sending).await {
            answer.map_err(Fault::of_statement)
        } else {
            // Nobody knows what it is still doing: it does not go back to the pool.
            drop(Object::take(connection));
            Err(Fault::Broken(None))
        }
    }

    /// A statement's text, with the schema's name in it.
    pub(super) fn text(&self, sql: &Sql) -> &str {
        self.texts.get(sql.text).map_or(sql.text, String::as_str)
    }

    /// Reads, and tries again for a while when the database is away. A statement that writes, and
    /// may happen twice without harm, may be sent so too.
    pub(super) async fn read(&self, sql: &Sql, given: Given<'_>) -> Result<Vec<Row>, Fault> {
        let mut tries = self.tries();
        loop {
            match self.send(sql, given).await {
                Err(fault) if fault.is_passing() && tries.again().await => {}
                done => return done,
            }
        }
    }

    /// As long as patience lasts.
    pub(super) fn tries(&self) -> Tries {
        Tries { deadline: Instant::now() + self.patience, pause: PAUSE }
    }

    pub(super) fn error(&self, fault: Fault) -> StoreError {
        fault.at(&self.place)
    }
}

/// Attempts, with pauses between them.
pub(super) struct Tries {
    deadline: Instant,
    pause: Duration,
}

impl Tries {
    /// Waits before the next attempt. False when patience is at its end.
    pub(super) async fn again(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }
}
