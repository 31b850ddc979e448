//! Retention: first the content of old calls is erased, then, behind a watermark, their tombstones.

use hitl_base::Timestamp;
use hitl_core::machine::CallRecord;
use hitl_core::store::{ERASED_AT_ONCE, Erasable, Holds, NotErased};
use hitl_core::{Principal, RequestId, Tenant};
use rusqlite::{Connection, params};

use super::decisions;
use super::effects;
use super::error::Fault;
use super::grants;
use super::holds;
use super::metadata;
use super::query::{self, ScanPosition, StoredCall, count};
use super::row::encode;
use crate::failpoint::reach;

/// The number of calls that are erased or forgotten in one transaction, so that other operations
/// get their turn.
pub(super) const BATCH: usize = ERASED_AT_ONCE as usize;

/// The name under which the file keeps its watermark. A restore raises it too.
const WATERMARK: &str = "runs_forgotten_before";
/// The name under which the file keeps the highest watermark behind which tombstones were removed.
const FORGOTTEN: &str = "tombstones_forgotten_before";

pub(super) const ENDED: &str = "SELECT n, record, updated_at FROM calls INDEXED BY calls_ended \
    WHERE erased = 0 AND (state = 'executed' OR state = 'failed' OR state = 'rejected' \
    OR state = 'responded' OR state = 'expired' OR state = 'cancelled' OR state = 'denied') \
    AND updated_at < ?1 AND updated_at >= ?3 AND (updated_at > ?3 OR n > ?4) \
    ORDER BY updated_at, n LIMIT ?2";
const UNAUDITED: &str = "SELECT EXISTS (SELECT 1 FROM unaudited WHERE call = ?1)";
pub(super) const ERASED: &str = "SELECT n FROM calls INDEXED BY calls_erased \
    WHERE erased = 1 AND run_began IS NOT NULL AND run_began < ?1 \
    AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.tenant = calls.tenant \
      AND (holds.scope = 'tenant' OR holds.call = calls.id)) \
    ORDER BY run_began LIMIT ?2";
/// A coarse filter: each row found is examined.
const THEIRS: &str = "SELECT n, record FROM calls WHERE n > ?1 AND tenant = ?2 AND erased = 0 \
    AND (principal = ?3 OR instr(record, ?4) > 0) ORDER BY n LIMIT ?5";

/// Erases some calls after `after` that ended before `before`. Returns their number, and the
/// position to continue from if there may be more.
pub(super) fn erase_ended(
    on: &Connection,
    before: Timestamp,
    after: ScanPosition,
) -> Result<(u64, Option<ScanPosition>), Fault> {
    let holds = holds::all(on)?;
    let mut statement = on.prepare_cached(ENDED)?;
    let given = params![before.as_millis(), count(BATCH), after.0, after.1];
    let rows = statement.query_map(given, |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let ended = rows.collect::<Result<Vec<_>, _>>()?;
    let mut erased = 0;
    for (n, text, _) in &ended {
        let record: CallRecord =
            serde_json::from_str(text).map_err(|_| Fault::Damaged("a call's record"))?;
        if !record.state().is_terminal() {
            return Err(Fault::Damaged("a call's state differs"));
        }
        erased += u64::from(erase_one(on, *n, &record, &holds)?.is_none());
    }
    let last = ended.last().filter(|_| ended.len() == BATCH);
    Ok((erased, last.map(|(n, _, at)| (*at, *n))))
}

/// Erases these calls. Returns for each call why it was left, if it was.
pub(super) fn erase(on: &Connection, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, Fault> {
    let holds = holds::all(on)?;
    let each = |call: &Erasable| match query::get(on, &call.tenant, call.id)? {
        Some(StoredCall { n, record }) => erase_one(on, n, &record, &holds),
        None => Ok(Some(NotErased::NotFound)),
    };
    calls.iter().map(each).collect()
}

/// Erases a call, unless something keeps it.
fn erase_one(
    on: &Connection,
    n: i64,
    record: &CallRecord,
    holds: &Holds,
) -> Result<Option<NotErased>, Fault> {
    let is_unaudited = on.prepare_cached(UNAUDITED)?.query_row([n], |row| row.get(0))?;
    if let Some(why) = NotErased::check(record, is_unaudited, holds) {
        return Ok(Some(why));
    }
    let began = record.key().run.began().map(Timestamp::as_millis);
    on.prepare_cached(
        "UPDATE calls SET erased = 1, run_began = ?2, record = ?3, principal = '', attachable = 0 \
         WHERE n = ?1",
    )?
    .execute(params![n, began, encode(&record.tombstone())?])?;
    for sql in [
        "DELETE FROM payloads WHERE call = ?1",
        "DELETE FROM results WHERE call = ?1",
        "DELETE FROM history WHERE call = ?1",
    ] {
        on.prepare_cached(sql)?.execute([n])?;
    }
    reach("call-erased");
    Ok(None)
}

/// Returns a page of the calls of a principal that are not erased, after the call with this id. A
/// read, which may scan all calls.
pub(super) fn calls_of(
    on: &Connection,
    (tenant, principal): (&Tenant, &Principal),
    after: Option<RequestId>,
    limit: usize,
) -> Result<Vec<CallRecord>, Fault> {
    let mut after = match after {
        Some(id) => query::get(on, tenant, id)?.map_or(i64::MAX, |kept| kept.n),
        None => i64::MIN,
    };
    let canonical = format!("\"canonical\":{}", encode(principal)?);
    let mut found = Vec::new();
    while found.len() < limit {
        let mut statement = on.prepare_cached(THEIRS)?;
        let given = params![after, tenant.as_str(), principal.as_str(), canonical, count(BATCH)];
        let rows = statement
            .query_map(given, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        for (_, text) in rows {
            let record: CallRecord =
                serde_json::from_str(&text).map_err(|_| Fault::Damaged("a call's record"))?;
            if record.is_of(principal) && found.len() < limit {
                found.push(record);
            }
        }
    }
    Ok(found)
}

/// Forgets some grants after `after` that ended before `before`. Returns their number, and the
/// position to continue from if there may be more.
pub(super) fn forget_grants(
    on: &Connection,
    before: Timestamp,
    after: ScanPosition,
) -> Result<(u64, Option<ScanPosition>), Fault> {
    grants::forget(on, before, after, BATCH)
}

/// Raises the watermark, and forgets some tombstones of runs that began before it. Returns their
/// number.
pub(super) fn forget(on: &Connection, before: Timestamp) -> Result<usize, Fault> {
    raise_to(on, FORGOTTEN, before)?;
    let before = raise(on, before)?;
    let mut statement = on.prepare_cached(ERASED)?;
    let rows = statement.query_map(params![before.as_millis(), count(BATCH)], |row| row.get(0))?;
    let erased = rows.collect::<Result<Vec<i64>, _>>()?;
    for n in &erased {
        decisions::forget(on, *n)?;
        effects::forget(on, *n)?;
        on.prepare_cached("DELETE FROM calls WHERE n = ?1")?.execute([n])?;
    }
    Ok(erased.len())
}

/// Raises the watermark to `to`, unless it is higher already. Returns the watermark.
pub(super) fn raise(on: &Connection, to: Timestamp) -> Result<Timestamp, Fault> {
    raise_to(on, WATERMARK, to)
}

fn raise_to(on: &Connection, name: &str, to: Timestamp) -> Result<Timestamp, Fault> {
    match moment(on, name)? {
        Some(kept) if kept >= to => Ok(kept),
        _ => {
            metadata::set(on, name, &to.as_millis().to_string())?;
            Ok(to)
        }
    }
}

/// Returns the watermark: runs that began before it take no new calls.
pub(super) fn watermark(on: &Connection) -> Result<Option<Timestamp>, Fault> {
    moment(on, WATERMARK)
}

/// Returns the highest watermark behind which tombstones may have been removed.
pub(super) fn forgotten_before(on: &Connection) -> Result<Option<Timestamp>, Fault> {
    moment(on, FORGOTTEN)
}

fn moment(on: &Connection, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = metadata::get(on, name)? else { return Ok(None) };
    let millis = text.parse().map_err(|_| Fault::Damaged("its watermark"))?;
    Ok(Some(Timestamp::from_millis(millis)))
}
