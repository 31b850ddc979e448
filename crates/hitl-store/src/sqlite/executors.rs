//! The tools that each executor runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_core::store::{Executor, ExecutorRow, Executors, superseded, tools_of};
use hitl_core::{SessionId, ToolFacts};
use rusqlite::{Connection, params};

use super::error::Fault;
use super::operation::WriteContext;
use super::query::parse;

const RECORD: &str = "INSERT INTO executors (session, recorded_at, digest, tools) \
                      VALUES (?1, ?2, ?3, ?4) ON CONFLICT (session) DO UPDATE SET \
                      recorded_at = excluded.recorded_at, digest = excluded.digest, \
                      tools = excluded.tools";
const ROWS: &str = "SELECT session, recorded_at, digest FROM executors";
const TOOLS: &str = "SELECT digest, min(tools) FROM executors GROUP BY digest";
const FORGET: &str = "DELETE FROM executors WHERE session = ?1";

/// Records the tools of a session, and forgets executors that no longer need to be known.
pub(super) fn record(
    on: &Connection,
    context: &WriteContext,
    session: SessionId,
    (text, digest): (&str, &str),
) -> Result<(), Fault> {
    let now = context.clock.now()?.as_millis();
    on.prepare_cached(RECORD)?.execute(params![session.to_string(), now, digest, text])?;
    for session in superseded(&rows(on, |session| context.sessions.is_dead(session))?) {
        on.prepare_cached(FORGET)?.execute([session.to_string()])?;
    }
    Ok(())
}

/// Returns the executors that are kept.
pub(super) fn all(
    on: &Connection,
    is_dead: impl Fn(SessionId) -> bool,
) -> Result<Executors, Fault> {
    let mut statement = on.prepare_cached(TOOLS)?;
    let mut known: BTreeMap<String, Arc<[ToolFacts]>> = BTreeMap::new();
    let mut read = statement.query([])?;
    while let Some(row) = read.next()? {
        let tools = tools_of(&row.get::<_, String>(1)?).ok_or(Fault::Damaged("an executor"))?;
        known.insert(row.get(0)?, tools);
    }
    let mut executors = Vec::new();
    for row in rows(on, is_dead)? {
        // An executor that was added since the tools were read is skipped, as if it came a moment
        // later.
        let Some(tools) = known.get(&row.digest) else { continue };
        let tools = Arc::clone(tools);
        executors.push(Executor::new(row.session, row.is_alive, row.recorded_at, tools));
    }
    Ok(Executors::new(executors))
}

fn rows(on: &Connection, is_dead: impl Fn(SessionId) -> bool) -> Result<Vec<ExecutorRow>, Fault> {
    let mut statement = on.prepare_cached(ROWS)?;
    let mut read = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = read.next()? {
        let session: SessionId = parse(&row.get::<_, String>(0)?)?;
        rows.push(ExecutorRow {
            session,
            is_alive: !is_dead(session),
            recorded_at: Timestamp::from_millis(row.get(1)?),
            digest: row.get(2)?,
        });
    }
    Ok(rows)
}
