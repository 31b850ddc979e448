//! The call that each decision has counted for.

use hitl_core::RequestId;
use hitl_core::machine::Event;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;

pub(super) const COUNTED: &str =
    "SELECT calls.id FROM decisions JOIN calls ON calls.n = decisions.call WHERE decisions.id = ?1";
const COUNT: &str = "INSERT INTO decisions (id, call) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
pub(super) const FORGET: &str = "DELETE FROM decisions WHERE call = ?1";

/// Returns whether the event carries a decision that has counted for another call.
pub(super) fn is_used(on: &Connection, call: RequestId, event: &Event) -> Result<bool, Fault> {
    let Some(id) = event.decision() else { return Ok(false) };
    let counted = on.prepare_cached(COUNTED)?.query_row([id.to_string()], |row| row.get(0));
    let counted: Option<String> = counted.optional()?;
    Ok(counted.is_some_and(|counted| counted != call.to_string()))
}

/// Records that the event's decision has counted for call `n`.
pub(super) fn count(on: &Connection, n: i64, event: &Event) -> Result<(), Fault> {
    if let Some(id) = event.decision() {
        on.prepare_cached(COUNT)?.execute(params![id.to_string(), n])?;
    }
    Ok(())
}

/// Forgets the decisions of call `n`, which is being forgotten.
pub(super) fn forget(on: &Connection, n: i64) -> Result<(), Fault> {
    on.prepare_cached(FORGET)?.execute([n])?;
    Ok(())
}
