//! Writing the next version of a call, and everything that belongs to it.

use hitl_core::machine::{CallRecord, Event};
use hitl_core::store::EventPayload;
use rusqlite::{Connection, params};

use super::decisions;
use super::error::Fault;
use super::operation::HistoryLine;
use super::outbox;
use super::row::CallRow;
use crate::failpoint::reach;

/// Writes the result of an event, and the payload that comes with it.
pub(super) fn write_next(
    on: &Connection,
    n: i64,
    next: CallRecord,
    from: &CallRecord,
    event: &Event,
    enclosed: &EventPayload,
) -> Result<(CallRow, HistoryLine), Fault> {
    let next = CallRow::after(event, next)?;
    replace(on, n, &next, from)?;
    let written = write_rest(on, n, &next, event, enclosed)?;
    Ok((next, written))
}

/// Replaces the record that was read in this transaction with its next version. The transaction
/// excludes other writers, so a miss means damage.
pub(super) fn replace(
    on: &Connection,
    n: i64,
    next: &CallRow,
    from: &CallRecord,
) -> Result<(), Fault> {
    if next.update(on, n, from)? { Ok(()) } else { Err(Fault::Damaged("a call's version differs")) }
}

/// Writes everything that belongs to a change in addition to the record.
pub(super) fn write_rest(
    on: &Connection,
    n: i64,
    next: &CallRow,
    event: &Event,
    enclosed: &EventPayload,
) -> Result<HistoryLine, Fault> {
    reach("between-writes");
    let record = next.record();
    if let Some(result) = &enclosed.result {
        on.prepare_cached("INSERT OR REPLACE INTO results (call, sealed) VALUES (?1, ?2)")?
            .execute(params![n, result.as_bytes()])?;
    }
    if record.state().is_terminal() {
        on.prepare_cached("DELETE FROM payloads WHERE call = ?1")?.execute([n])?;
    } else if let Some(payload) = &enclosed.payload {
        on.prepare_cached("INSERT OR REPLACE INTO payloads (call, sealed) VALUES (?1, ?2)")?
            .execute(params![n, payload.as_bytes()])?;
    }
    if matches!(event, Event::Deliver) {
        CallRow::detach(on, n)?;
    }
    decisions::count(on, n, event)?;
    let written = next.log(on, n)?;
    if let Some(session) = enclosed.auditor.filter(|_| event.is_audited()) {
        outbox::add_unaudited(on, n, record.version(), written, Some(session))?;
    }
    Ok(written)
}
