//! Reads. Each function is one snapshot of the file.

use std::str::FromStr;

use hitl_base::Timestamp;
use hitl_core::machine::{CallRecord, CallState, HistoryEntry};
use hitl_core::seal::Sealed;
use hitl_core::store::{History, PageRequest, SealedPart};
use hitl_core::{CallKey, ContentDigest, RequestId, RunId, SessionId, Tenant};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::Fault;
use super::session::Sessions;

const BY_ID: &str = "SELECT n, version, record FROM calls WHERE id = ?1 AND tenant = ?2";
const BY_KEY: &str =
    "SELECT n, version, record FROM calls WHERE tenant = ?1 AND run = ?2 AND position = ?3";
const BY_NUMBER: &str = "SELECT n, version, record FROM calls WHERE n = ?1";
const NUMBER: &str = "SELECT n FROM calls WHERE id <= ?1 ORDER BY id DESC LIMIT 1";
const PAGE: &str =
    "SELECT n FROM calls WHERE tenant = ?1 AND state = ?2 AND n > ?3 ORDER BY n LIMIT ?4";
const ROOTED: &str = "SELECT n, version, record FROM calls INDEXED BY calls_by_root \
                      WHERE tenant = ?1 AND root = ?2 AND n > ?3 ORDER BY n";
const REJECTED: &str = "SELECT n, version, record FROM calls INDEXED BY calls_rejected \
                        WHERE tenant = ?1 AND run = ?2 AND content = ?3 AND state = 'rejected' \
                        ORDER BY n DESC LIMIT ?4";
const ATTACHABLE: &str = "SELECT n, version, record FROM calls INDEXED BY calls_attachable \
                          WHERE tenant = ?1 AND run = ?2 AND content = ?3 AND attachable = 1";
const APPROVED: &str = "SELECT tenant, id FROM calls INDEXED BY calls_approved \
                        WHERE state = 'approved' AND n > ?1 ORDER BY n LIMIT ?2";
const MAX_QUEUED: &str = "SELECT tenant, id, state FROM calls \
                       WHERE state IN ('pending', 'approved') AND expires_at <= ?1 \
                       ORDER BY expires_at LIMIT ?2";
const SESSIONS: &str =
    "SELECT DISTINCT claimant FROM calls INDEXED BY calls_running WHERE state = 'claimed'";
const RUNNING: &str = "SELECT tenant, id, state FROM calls \
                       WHERE state = 'claimed' AND claimant = ?1 LIMIT ?2";
const HISTORY: &str = "SELECT seq, entry FROM history WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const HISTORY_OF: &str = "SELECT seq, entry FROM history JOIN calls ON calls.n = history.call \
                          WHERE calls.id = ?1 AND calls.tenant = ?2 ORDER BY seq LIMIT 1000";

/// Every query whose answer grows only with its limit: an index must answer it.
#[cfg(test)]
pub(super) const LISTINGS: &[&str] = &[
    BY_ID, BY_KEY, BY_NUMBER, NUMBER, PAGE, ROOTED, REJECTED, ATTACHABLE, APPROVED, MAX_QUEUED,
    SESSIONS, RUNNING, HISTORY, HISTORY_OF,
];

/// The position of a walk in the order of ends: the end and the number of the last row.
pub(super) type ScanPosition = (i64, i64);

/// The position before the first row.
pub(super) const SCAN_START: ScanPosition = (i64::MIN, i64::MIN);

/// A stored call.
pub(super) struct StoredCall {
    /// The call's number in the file, by which the other tables refer to it.
    pub(super) n: i64,
    pub(super) record: Box<CallRecord>,
}

/// Returns a call by its id.
pub(super) fn get(
    on: &Connection,
    tenant: &Tenant,
    id: RequestId,
) -> Result<Option<StoredCall>, Fault> {
    let found = on
        .prepare_cached(BY_ID)?
        .query_row(params![id.to_string(), tenant.as_str()], columns)
        .optional()?;
    found.map(kept).transpose()
}

/// Looks up a call by its key.
pub(super) fn find(on: &Connection, key: &CallKey) -> Result<Option<StoredCall>, Fault> {
    let key = params![key.tenant.as_str(), key.run.as_str(), key.position.cast_signed()];
    let found = on.prepare_cached(BY_KEY)?.query_row(key, columns).optional()?;
    found.map(kept).transpose()
}

/// Returns an existing call by its number.
pub(super) fn by_number(on: &Connection, n: i64) -> Result<CallRecord, Fault> {
    Ok(*kept(on.prepare_cached(BY_NUMBER)?.query_row([n], columns)?)?.record)
}

/// Returns a sealed text of a call.
pub(super) fn sealed(
    on: &Connection,
    tenant: &Tenant,
    id: RequestId,
    part: SealedPart,
) -> Result<Option<Sealed>, Fault> {
    let sql = match part {
        SealedPart::Payload => {
            "SELECT sealed FROM payloads JOIN calls ON calls.n = payloads.call \
             WHERE id = ?1 AND tenant = ?2"
        }
        SealedPart::Result => {
            "SELECT sealed FROM results JOIN calls ON calls.n = results.call \
             WHERE id = ?1 AND tenant = ?2"
        }
    };
    let mut statement = on.prepare_cached(sql)?;
    let bytes: Option<Vec<u8>> = statement
        .query_row(params![id.to_string(), tenant.as_str()], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(Sealed::from_bytes))
}

/// Returns a page of records, in the order of their creation.
pub(super) fn page(
    on: &Connection,
    tenant: &Tenant,
    page: &PageRequest,
) -> Result<Vec<CallRecord>, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let after = number(&snapshot, page.after)?;
    if let Some(root) = &page.root {
        return rooted(&snapshot, tenant, root, after, page);
    }
    let mut states = page.states.clone();
    if states.is_empty() {
        states.extend(CallState::ALL);
    }
    states.sort_unstable();
    states.dedup();
    // The index has each state's calls in order: merging the heads of these lists costs as much as
    // the page is long, however long the queue is.
    let mut numbers: Vec<i64> = Vec::new();
    for state in states {
        let mut statement = snapshot.prepare_cached(PAGE)?;
        let parameters = params![tenant.as_str(), state.name(), after, count(page.limit)];
        for n in statement.query_map(parameters, |row| row.get(0))? {
            numbers.push(n?);
        }
    }
    numbers.sort_unstable();
    numbers.truncate(page.limit);
    let mut statement = snapshot.prepare_cached(BY_NUMBER)?;
    let load = |n| Ok(*kept(statement.query_row([n], columns)?)?.record);
    numbers.into_iter().map(load).collect()
}

/// Returns a page of the calls under one root run, in the order of their creation.
fn rooted(
    on: &Connection,
    tenant: &Tenant,
    root: &RunId,
    after: i64,
    page: &PageRequest,
) -> Result<Vec<CallRecord>, Fault> {
    let mut statement = on.prepare_cached(ROOTED)?;
    let rows = statement.query_map(params![tenant.as_str(), root.as_str(), after], columns)?;
    let mut records = Vec::new();
    for row in rows {
        let record = *kept(row?)?.record;
        if page.states.is_empty() || page.states.contains(&record.state()) {
            records.push(record);
            if records.len() == page.limit {
                break;
            }
        }
    }
    Ok(records)
}

/// Returns the calls of a run with this content that a human has rejected, newest first.
pub(super) fn rejected(
    on: &Connection,
    tenant: &Tenant,
    run: &RunId,
    content: ContentDigest,
    limit: usize,
) -> Result<Vec<CallRecord>, Fault> {
    let mut statement = on.prepare_cached(REJECTED)?;
    let given = params![tenant.as_str(), run.as_str(), content.to_string(), count(limit)];
    let rows = statement.query_map(given, columns)?;
    rows.map(|row| row.map_err(Fault::from).and_then(|row| Ok(*kept(row)?.record))).collect()
}

/// Returns the attachable call of a run with this content.
pub(super) fn attachable(
    on: &Connection,
    tenant: &Tenant,
    run: &RunId,
    content: ContentDigest,
) -> Result<Option<Box<CallRecord>>, Fault> {
    let given = params![tenant.as_str(), run.as_str(), content.to_string()];
    let found = on.prepare_cached(ATTACHABLE)?.query_row(given, columns).optional()?;
    Ok(found.map(kept).transpose()?.map(|kept| kept.record))
}

/// Returns the calls that may run, in the order of their creation.
pub(super) fn approved(
    on: &Connection,
    after: Option<RequestId>,
    limit: usize,
) -> Result<Vec<(Tenant, RequestId)>, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let after = number(&snapshot, after)?;
    let mut statement = snapshot.prepare_cached(APPROVED)?;
    let rows = statement.query_map(params![after, count(limit)], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| row.map_err(Fault::from).and_then(|(t, id)| Ok((Tenant::new(t), parse(&id)?))))
        .collect()
}

/// Returns the number of a call, or of the last one before it; 0 for `None`.
fn number(on: &Connection, id: Option<RequestId>) -> Result<i64, Fault> {
    let Some(id) = id else { return Ok(0) };
    let found = on.prepare_cached(NUMBER)?.query_row([id.to_string()], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(0))
}

/// Returns the calls that need to be moved on.
pub(super) fn stale(
    on: &Connection,
    sessions: &Sessions,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(Tenant, RequestId, CallState)>, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let mut found = Vec::new();
    let mut statement = snapshot.prepare_cached(SESSIONS)?;
    let claimants: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for claimant in claimants {
        let session: SessionId = parse(&claimant)?;
        if found.len() < limit && sessions.is_dead(session) {
            let room = count(limit - found.len());
            let mut statement = snapshot.prepare_cached(RUNNING)?;
            for row in statement.query_map(params![claimant, room], stale_row)? {
                found.push(stale_call(row?)?);
            }
        }
    }
    let room = count(limit - found.len());
    let mut statement = snapshot.prepare_cached(MAX_QUEUED)?;
    for row in statement.query_map(params![now.as_millis(), room], stale_row)? {
        found.push(stale_call(row?)?);
    }
    Ok(found)
}

/// Returns a part of the history.
pub(super) fn history(on: &Connection, after: u64, limit: usize) -> Result<History, Fault> {
    let snapshot = on.unchecked_transaction()?;
    let last = last_change(&snapshot)?.cast_unsigned();
    let mut statement = snapshot.prepare_cached(HISTORY)?;
    let from = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![from, count(limit)], numbered)?;
    Ok(History::stretch(after, last, entries(rows)?))
}

/// Returns the history of one call.
pub(super) fn history_of(
    on: &Connection,
    tenant: &Tenant,
    id: RequestId,
) -> Result<Vec<(u64, HistoryEntry)>, Fault> {
    let mut statement = on.prepare_cached(HISTORY_OF)?;
    entries(statement.query_map(params![id.to_string(), tenant.as_str()], numbered)?)
}

fn numbered(row: &Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn entries(
    rows: impl Iterator<Item = rusqlite::Result<(i64, String)>>,
) -> Result<Vec<(u64, HistoryEntry)>, Fault> {
    let mut entries = Vec::new();
    for row in rows {
        let (seq, text) = row?;
        let entry: HistoryEntry =
            serde_json::from_str(&text).map_err(|_| Fault::Damaged("an entry"))?;
        entries.push((seq.cast_unsigned(), entry));
    }
    Ok(entries)
}

/// Checks the integrity of the whole file.
pub(super) fn check(on: &Connection) -> Result<(), Fault> {
    let sound: String = on.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound == "ok" { Ok(()) } else { Err(Fault::Damaged("its pages do not fit together")) }
}

/// Returns the last number that the history has assigned, even if its entry is no longer kept; 0 if
/// nothing has happened.
pub(super) fn last_change(on: &Connection) -> Result<i64, Fault> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'history'";
    Ok(on.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Returns the calls that changed after a number of the history.
pub(super) fn changes(
    on: &Connection,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, RequestId)>, Fault> {
    let sql = "SELECT seq, id FROM history JOIN calls ON calls.n = history.call WHERE seq > ?1 \
               ORDER BY seq LIMIT ?2";
    let mut statement = on.prepare_cached(sql)?;
    let rows = statement.query_map(params![after, count(limit)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| row.map_err(Fault::from).and_then(|(seq, id)| Ok((seq, parse(&id)?)))).collect()
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(i64, i64, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn kept((n, version, text): (i64, i64, String)) -> Result<StoredCall, Fault> {
    let record: Box<CallRecord> =
        serde_json::from_str(&text).map_err(|_| Fault::Damaged("a call's record"))?;
    if record.version() == version.cast_unsigned() {
        Ok(StoredCall { n, record })
    } else {
        Err(Fault::Damaged("a call's version differs"))
    }
}

type StaleRow = (String, String, String);

fn stale_row(row: &Row<'_>) -> rusqlite::Result<StaleRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn stale_call((tenant, id, state): StaleRow) -> Result<(Tenant, RequestId, CallState), Fault> {
    let known = CallState::ALL.into_iter().find(|known| known.name() == state);
    Ok((Tenant::new(tenant), parse(&id)?, known.ok_or(Fault::Damaged("a call's state"))?))
}

pub(super) fn parse<T: FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Damaged("an id"))
}

pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod scale;

/// Returns the latest stamped moment, from the newest line of history. `None` for an empty file.
pub(super) fn latest_moment(on: &Connection) -> Result<Option<Timestamp>, Fault> {
    let newest = "SELECT calls.updated_at FROM history JOIN calls ON calls.n = history.call \
                  ORDER BY history.seq DESC LIMIT 1";
    let millis: Option<i64> = on.query_row(newest, [], |row| row.get(0)).optional()?;
    Ok(millis.map(Timestamp::from_millis))
}
