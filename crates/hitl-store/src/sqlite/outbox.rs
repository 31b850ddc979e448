//! Changes whose audit record is unconfirmed.

use hitl_core::SessionId;
use hitl_core::machine::HistoryEntry;
use hitl_core::store::ChangeId;
use rusqlite::{Connection, params};

use super::error::Fault;
use super::operation::HistoryLine;
use super::query::{count, parse};
use super::session::Sessions;

const AUDITORS: &str = "SELECT DISTINCT auditor FROM unaudited";
const TAKEN: &str = "UPDATE unaudited SET auditor = ?1 WHERE (call, version) IN ( \
                     SELECT call, version FROM unaudited WHERE auditor IS ?2 \
                     ORDER BY call, version LIMIT ?3) RETURNING seq";
const ENTRY: &str = "SELECT entry FROM history WHERE seq = ?1";
const OWN: &str = "SELECT entry FROM unaudited JOIN history ON history.seq = unaudited.seq \
                   WHERE auditor = ?1 ORDER BY unaudited.call, version LIMIT ?2";
/// Records that a new change still has to be audited: by this session, or by any if there is none.
pub(super) fn add_unaudited(
    on: &Connection,
    call: i64,
    version: u64,
    line: HistoryLine,
    auditor: Option<SessionId>,
) -> Result<(), Fault> {
    let sql = "INSERT INTO unaudited (call, version, seq, auditor) VALUES (?1, ?2, ?3, ?4)";
    let auditor = auditor.map(|session| session.to_string());
    on.prepare_cached(sql)?.execute(params![call, version.cast_signed(), line.seq, auditor])?;
    Ok(())
}

/// Returns whether changes are left to audit whose auditor is dead or unset.
pub(super) fn has_orphans(on: &Connection, sessions: &Sessions) -> Result<bool, Fault> {
    Ok(!dead(on, sessions)?.is_empty())
}

/// Returns the auditors of unaudited changes that are dead, and `None` for changes without one.
fn dead(on: &Connection, sessions: &Sessions) -> Result<Vec<Option<String>>, Fault> {
    let mut statement = on.prepare_cached(AUDITORS)?;
    let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
    let mut dead = Vec::new();
    for auditor in rows {
        let auditor = auditor?;
        let session = auditor.as_deref().map(parse::<SessionId>).transpose()?;
        if session.is_none_or(|session| sessions.is_dead(session)) {
            dead.push(auditor);
        }
    }
    Ok(dead)
}

/// Assigns some of the unaudited changes of dead sessions to this session.
pub(super) fn take(
    on: &Connection,
    sessions: &Sessions,
    session: SessionId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, Fault> {
    let mut lines: Vec<i64> = Vec::new();
    for auditor in dead(on, sessions)? {
        let mut statement = on.prepare_cached(TAKEN)?;
        let given = params![session.to_string(), auditor, count(limit - lines.len())];
        for line in statement.query_map(given, |row| row.get(0))? {
            lines.push(line?);
        }
        if lines.len() >= limit {
            break;
        }
    }
    lines.sort_unstable();
    let mut statement = on.prepare_cached(ENTRY)?;
    let entry = |line| read(&statement.query_row([line], |row| row.get::<_, String>(0))?);
    lines.into_iter().map(entry).collect()
}

/// Returns the changes that this session has not acknowledged yet.
pub(super) fn own(
    on: &Connection,
    session: SessionId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, Fault> {
    let mut statement = on.prepare_cached(OWN)?;
    let rows = statement
        .query_map(params![session.to_string(), count(limit)], |row| row.get::<_, String>(0))?;
    rows.map(|row| read(&row?)).collect()
}

fn read(text: &str) -> Result<HistoryEntry, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Damaged("an entry"))
}

/// Records that these changes are in the audit.
pub(super) fn acknowledge(on: &Connection, audited: &[ChangeId]) -> Result<(), Fault> {
    let mut statement = on.prepare_cached(
        "DELETE FROM unaudited WHERE call = (SELECT n FROM calls WHERE id = ?1) AND version = ?2",
    )?;
    for ChangeId { call, version } in audited {
        statement.execute(params![call.to_string(), version.cast_signed()])?;
    }
    Ok(())
}
