//! A record as the file stores it.
//!
//! It is encoded before the transaction, on the caller's thread: the one thread that writes only
//! passes the text on.

use std::ptr;

use hitl_core::machine::{CallRecord, CallState, Event, HistoryEntry};
use hitl_core::queue::{begins_to_wait, rank};
use rusqlite::{Connection, params};

use super::error::Fault;
use super::operation::HistoryLine;
use super::queue;

const INSERT: &str = "INSERT INTO calls (id, tenant, run, position, content, state, version, tool, \
    priority, created_at, due_at, expires_at, updated_at, claimant, record, principal, level, rank, \
    turn, root, attachable) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
    ?15, ?16, ?17, ?18, ?19, ?20, ?21) ON CONFLICT DO NOTHING";
// Numbers may be reused once tombstones are forgotten; ids are not.
const UPDATE: &str = "UPDATE calls SET state = ?4, version = ?5, priority = ?6, due_at = ?7, \
    expires_at = ?8, updated_at = ?9, claimant = ?10, record = ?11, level = ?12, rank = ?13, \
    turn = coalesce(?14, turn), principal = ?15 WHERE n = ?1 AND version = ?2 AND id = ?3";
/// The same, for a call whose request is unchanged.
const MOVE: &str = "UPDATE calls SET state = ?4, version = ?5, updated_at = ?6, claimant = ?7, \
    record = ?8 WHERE n = ?1 AND version = ?2 AND id = ?3";
/// Additional to one of these: no other change of a call touches the column.
const DETACH: &str = "UPDATE calls SET attachable = 0 WHERE n = ?1";
const LINE: &str = "INSERT INTO history (call, entry) VALUES (?1, ?2)";

/// Every statement here: none may build a temporary table.
#[cfg(test)]
pub(super) const WRITES: &[&str] = &[INSERT, UPDATE, MOVE, DETACH, LINE];

/// A version of a record, and the line of history that describes the change to it.
pub(super) struct CallRow {
    /// Boxed, because it is moved often and is large.
    record: Box<CallRecord>,
    id: String,
    text: String,
    entry: String,
}

impl CallRow {
    /// Encodes the record that an event led to.
    pub(super) fn after(event: &Event, record: CallRecord) -> Result<Self, Fault> {
        let entry = HistoryEntry::of(event, &record);
        Self::with_entry(record, &entry)
    }

    /// Encodes a new record.
    pub(super) fn submitted(record: CallRecord) -> Result<Self, Fault> {
        let entry = HistoryEntry::new("submitted", &record, None);
        Self::with_entry(record, &entry)
    }

    fn with_entry(record: CallRecord, entry: &HistoryEntry) -> Result<Self, Fault> {
        let (text, entry) = (encode(&record)?, encode(entry)?);
        Ok(Self { id: record.id().to_string(), record: Box::new(record), text, entry })
    }

    /// Returns the record.
    pub(super) fn record(&self) -> &CallRecord {
        &self.record
    }

    /// Returns the record, and drops the encoded texts.
    pub(super) fn into_record(self) -> Box<CallRecord> {
        self.record
    }

    /// Inserts a new row. Returns its number; `None` if its id or its key is taken, or if it
    /// attaches to another call.
    pub(super) fn insert(&self, on: &Connection) -> Result<Option<i64>, Fault> {
        let (record, request, key) = (&self.record, self.record.request(), self.record.key());
        let waits = record.state() == CallState::Pending;
        let turn = if waits { queue::turn_of(on, record)? } else { 0 };
        let added = on.prepare_cached(INSERT)?.execute(params![
            self.id,
            key.tenant.as_str(),
            key.run.as_str(),
            key.position.cast_signed(),
            record.content().to_string(),
            record.state().name(),
            record.version().cast_signed(),
            request.tool,
            request.priority.name(),
            request.created_at.as_millis(),
            request.due_at.as_millis(),
            request.expires_at.as_millis(),
            record.updated_at().as_millis(),
            claimant(record),
            self.text,
            request.principal.as_str(),
            request.level.name(),
            rank(request.priority),
            turn,
            record.context().root_of(&key.run).as_str(),
            record.is_attachable(),
        ])?;
        Ok((added == 1).then(|| on.last_insert_rowid()))
    }

    /// Replaces call `n`, as a compare-and-set. Returns whether it was as it is in `from`.
    pub(super) fn update(&self, on: &Connection, n: i64, from: &CallRecord) -> Result<bool, Fault> {
        let (record, request) = (&self.record, self.record.request());
        if ptr::eq(request, from.request()) && !begins_to_wait(from, record) {
            let changed = on.prepare_cached(MOVE)?.execute(params![
                n,
                from.version().cast_signed(),
                self.id,
                record.state().name(),
                record.version().cast_signed(),
                record.updated_at().as_millis(),
                claimant(record),
                self.text,
            ])?;
            return Ok(changed == 1);
        }
        let turn =
            if begins_to_wait(from, record) { Some(queue::turn_of(on, record)?) } else { None };
        let changed = on.prepare_cached(UPDATE)?.execute(params![
            n,
            from.version().cast_signed(),
            self.id,
            record.state().name(),
            record.version().cast_signed(),
            request.priority.name(),
            request.due_at.as_millis(),
            request.expires_at.as_millis(),
            record.updated_at().as_millis(),
            claimant(record),
            self.text,
            request.level.name(),
            rank(request.priority),
            turn,
            request.principal.as_str(),
        ])?;
        Ok(changed == 1)
    }

    /// Makes identical calls new calls from now on.
    pub(super) fn detach(on: &Connection, n: i64) -> Result<(), Fault> {
        on.prepare_cached(DETACH)?.execute([n])?;
        Ok(())
    }

    /// Adds the line of history.
    pub(super) fn log(&self, on: &Connection, n: i64) -> Result<HistoryLine, Fault> {
        on.prepare_cached(LINE)?.execute(params![n, self.entry])?;
        Ok(HistoryLine { seq: on.last_insert_rowid(), id: self.record.id() })
    }
}

fn claimant(record: &CallRecord) -> Option<String> {
    let runs = record.state() == CallState::Claimed;
    record.claim().filter(|_| runs).map(|claim| claim.session.to_string())
}

pub(super) fn encode<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Damaged("a record cannot be written as JSON"))
}
