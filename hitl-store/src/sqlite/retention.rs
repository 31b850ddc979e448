//! What is old goes: first what calls were about, then, behind a watermark, that they were.

use hitl_base::Timestamp;
use hitl_core::machine::CallRecord;
use rusqlite::{Connection, params};

use super::error::Fault;
use super::grants;
use super::operation::{meta, set_meta};
use super::query::count;
use super::row::encode;

/// How many calls are erased or forgotten in one transaction, so that others get their turn.
pub(super) const BATCH: usize = 200;

/// The name under which the file keeps its watermark: a restore raises it too.
const WATERMARK: &str = "runs_forgotten_before";
/// The name under which the file keeps the highest watermark behind which tombstones were removed.
const FORGOTTEN: &str = "tombstones_forgotten_before";

pub(super) const ENDED: &str = "SELECT n, record FROM calls INDEXED BY calls_ended \
    WHERE erased = 0 AND (state = 'executed' OR state = 'failed' OR state = 'rejected' \
    OR state = 'responded' OR state = 'expired' OR state = 'cancelled' OR state = 'denied') \
    AND updated_at < ?1 \
    AND NOT EXISTS (SELECT 1 FROM unaudited WHERE unaudited.call = calls.n) \
    ORDER BY updated_at LIMIT ?2";
pub(super) const ERASED: &str = "SELECT n FROM calls INDEXED BY calls_erased \
    WHERE erased = 1 AND began IS NOT NULL AND began < ?1 ORDER BY began LIMIT ?2";

/// Erases some calls that ended before `before`. Returns how many.
pub(super) fn erase(on: &Connection, before: Timestamp) -> Result<usize, Fault> {
    let mut statement = on.prepare_cached(ENDED)?;
    let rows = statement.query_map(params![before.as_millis(), count(BATCH)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let ended = rows.collect::<Result<Vec<_>, _>>()?;
    for (n, text) in &ended {
        let record: CallRecord =
            serde_json::from_str(text).map_err(|_| Fault::Damaged("a call's record"))?;
        if !record.state.is_terminal() {
            return Err(Fault::Damaged("a call's state differs"));
        }
        let began = record.key().run.began().map(Timestamp::as_millis);
        on.prepare_cached(
            "UPDATE calls SET erased = 1, began = ?2, record = ?3, principal = '' WHERE n = ?1",
        )?
        .execute(params![n, began, encode(&record.tombstone())?])?;
        for sql in [
            "DELETE FROM payloads WHERE call = ?1",
            "DELETE FROM results WHERE call = ?1",
            "DELETE FROM history WHERE call = ?1",
        ] {
            on.prepare_cached(sql)?.execute([n])?;
        }
    }
    Ok(ended.len())
}

/// Forgets some grants that ended before `before`. Returns how many.
pub(super) fn forget_grants(on: &Connection, before: Timestamp) -> Result<usize, Fault> {
    grants::forget(on, before, BATCH)
}

/// Raises the watermark, and forgets some tombstones of runs that began before it. Returns how many.
pub(super) fn forget(on: &Connection, before: Timestamp) -> Result<usize, Fault> {
    raise_to(on, FORGOTTEN, before)?;
    let before = raise(on, before)?;
    let mut statement = on.prepare_cached(ERASED)?;
    let rows = statement.query_map(params![before.as_millis(), count(BATCH)], |row| row.get(0))?;
    let erased = rows.collect::<Result<Vec<i64>, _>>()?;
    for n in &erased {
        on.prepare_cached("DELETE FROM calls WHERE n = ?1")?.execute([n])?;
    }
    Ok(erased.len())
}

/// Raises the watermark to `to`, unless it is higher. Returns what it is.
pub(super) fn raise(on: &Connection, to: Timestamp) -> Result<Timestamp, Fault> {
    raise_to(on, WATERMARK, to)
}

fn raise_to(on: &Connection, name: &str, to: Timestamp) -> Result<Timestamp, Fault> {
    match moment(on, name)? {
        Some(kept) if kept >= to => Ok(kept),
        _ => {
            set_meta(on, name, &to.as_millis().to_string())?;
            Ok(to)
        }
    }
}

/// Runs that began before it take no new calls.
pub(super) fn watermark(on: &Connection) -> Result<Option<Timestamp>, Fault> {
    moment(on, WATERMARK)
}

/// Tombstones of runs that began before it may be gone.
pub(super) fn forgotten_before(on: &Connection) -> Result<Option<Timestamp>, Fault> {
    moment(on, FORGOTTEN)
}

fn moment(on: &Connection, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = meta(on, name)? else { return Ok(None) };
    let millis = text.parse().map_err(|_| Fault::Damaged("its watermark"))?;
    Ok(Some(Timestamp::from_millis(millis)))
}
