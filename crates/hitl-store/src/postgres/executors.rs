//! The tools that each executor runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_core::store::{
    Executor, ExecutorRow, Executors, StoreError, superseded, tools_of, tools_text,
};
use hitl_core::{SessionId, ToolFacts};
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::Fault;
use super::row::parse;
use super::shared::Shared;
use super::statement::Statement;

// The time is the database's, unless a test provides a clock.
static RECORD: Statement = Statement {
    text: "INSERT INTO {s}.executors (session, recorded_at, digest, tools) \
           VALUES ($1::text::uuid, coalesce($2, \
             (extract(epoch FROM clock_timestamp()) * 1000)::bigint), $3, $4) \
           ON CONFLICT (session) DO UPDATE SET recorded_at = excluded.recorded_at, \
             digest = excluded.digest, tools = excluded.tools",
    types: &[Type::TEXT, Type::INT8, Type::TEXT, Type::TEXT],
};
// Of several executors with the same tools, one row has the tools.
static KNOWN: Statement = Statement {
    text: "SELECT e.session::text, s.id IS NOT NULL, e.recorded_at, e.digest, \
             CASE WHEN row_number() OVER (PARTITION BY e.digest ORDER BY e.session) = 1 \
               THEN e.tools END \
           FROM {s}.executors e LEFT JOIN {s}.sessions s \
             ON s.id = e.session AND s.lease_until > clock_timestamp()",
    types: &[],
};
static ROWS: Statement = Statement {
    text: "SELECT e.session::text, s.id IS NOT NULL, e.recorded_at, e.digest \
           FROM {s}.executors e LEFT JOIN {s}.sessions s \
             ON s.id = e.session AND s.lease_until > clock_timestamp()",
    types: &[],
};
// Deletes only those that are still dead.
static FORGET: Statement = Statement {
    text: "DELETE FROM {s}.executors e WHERE e.session = ANY ($1::text[]::uuid[]) \
             AND NOT EXISTS (SELECT FROM {s}.sessions s WHERE s.id = e.session \
               AND s.lease_until > clock_timestamp())",
    types: &[Type::TEXT_ARRAY],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&RECORD, &KNOWN, &ROWS, &FORGET];

/// Records the tools of a session, and forgets executors that no longer need to be known.
pub(super) async fn record(
    on: &Shared,
    session: SessionId,
    tools: &[ToolFacts],
) -> Result<(), StoreError> {
    let (text, digest) = tools_text(tools)?;
    let now = on.clock.as_ref().map(|clock| clock.now().as_millis());
    let database = &*on.database;
    let recorded = async {
        database.read(&RECORD, &[&session.to_string(), &now, &digest, &text]).await?;
        let gone = superseded(&rows(database).await?);
        if !gone.is_empty() {
            let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
            database.read(&FORGET, &[&gone]).await?;
        }
        Ok(())
    };
    recorded.await.map_err(|fault| database.error(fault))
}

/// Returns the executors that are kept.
pub(super) async fn all(on: &Database) -> Result<Executors, Fault> {
    let rows = on.read(&KNOWN, &[]).await?;
    let mut known: BTreeMap<String, Arc<[ToolFacts]>> = BTreeMap::new();
    for row in &rows {
        if let Some(text) = row.try_get::<_, Option<&str>>(4)? {
            let tools = tools_of(text).ok_or(Fault::Damaged("an executor"))?;
            known.insert(row.try_get(3)?, tools);
        }
    }
    let mut executors = Vec::with_capacity(rows.len());
    for row in &rows {
        let tools = known.get(row.try_get::<_, &str>(3)?);
        let tools = Arc::clone(tools.ok_or(Fault::Damaged("an executor"))?);
        let at = Timestamp::from_millis(row.try_get(2)?);
        executors.push(Executor::new(parse(row.try_get(0)?)?, row.try_get(1)?, at, tools));
    }
    Ok(Executors::new(executors))
}

async fn rows(on: &Database) -> Result<Vec<ExecutorRow>, Fault> {
    let rows = on.read(&ROWS, &[]).await?;
    let row = |row: &tokio_postgres::Row| {
        Ok(ExecutorRow {
            session: parse(row.try_get(0)?)?,
            is_alive: row.try_get(1)?,
            recorded_at: Timestamp::from_millis(row.try_get(2)?),
            digest: row.try_get(3)?,
        })
    };
    rows.iter().map(row).collect()
}
