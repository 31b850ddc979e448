//! Standing permissions: kept, listed, revoked. A draw on a grant is written in the transaction of
//! the claim.

use hitl_base::Timestamp;
use hitl_core::grant::GrantRecord;
use hitl_core::store::GrantQuery;
use hitl_core::{GrantId, Principal, Tenant};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::Fault;
use super::holds;
use super::query::{ScanPosition, count};
use super::row::encode;

const BY_ID: &str = "SELECT version, record FROM grants WHERE id = ?1 AND tenant = ?2";
// The parameters of each listing: tenant, tool, principal, after, live ones only, now, limit.
const OF_TENANT: &str = "SELECT version, record FROM grants INDEXED BY grants_by_tenant \
    WHERE tenant = ?1 AND id > ?4 AND (?2 IS NULL OR tool = ?2) \
    AND (?3 IS NULL OR principal = ?3) AND (NOT ?5 OR (revoked = 0 AND ends > ?6)) \
    ORDER BY id LIMIT ?7";
pub(super) const OF_TOOL: &str = "SELECT version, record FROM grants INDEXED BY grants_by_tool \
    WHERE tenant = ?1 AND tool = ?2 AND id > ?4 \
    AND (?3 IS NULL OR principal = ?3) AND (NOT ?5 OR (revoked = 0 AND ends > ?6)) \
    ORDER BY id LIMIT ?7";
// Grants whose expiry has passed are skipped in the index, without being read.
pub(super) const LIVE: &str = "SELECT version, record FROM grants INDEXED BY grants_live \
    WHERE tenant = ?1 AND tool = ?2 AND principal = ?3 AND id > ?4 AND revoked = 0 AND ?5 \
    AND ends > ?6 ORDER BY id LIMIT ?7";
const NOT_REVOKED: &str = "SELECT n, version, record FROM grants \
    WHERE n > ?1 AND revoked = 0 ORDER BY n LIMIT ?2";
const ENDED: &str = "SELECT n, version, record, ends FROM grants INDEXED BY grants_ended \
    WHERE ends < ?1 AND ends >= ?3 AND (ends > ?3 OR n > ?4) ORDER BY ends, n LIMIT ?2";
const THEIRS: &str = "SELECT n, version, record FROM grants INDEXED BY grants_by_tenant \
    WHERE tenant = ?1 AND principal = ?2";
const FORGET: &str = "DELETE FROM grants WHERE n = ?1";

/// Every query that an index must answer.
#[cfg(test)]
pub(super) const LISTINGS: &[&str] =
    &[BY_ID, OF_TENANT, OF_TOOL, LIVE, NOT_REVOKED, ENDED, THEIRS, FORGET];

/// The number of grants that are revoked at once, when a file was restored.
const BATCH: usize = 1000;

/// Returns a grant of this tenant.
pub(super) fn get(
    on: &Connection,
    tenant: &Tenant,
    id: GrantId,
) -> Result<Option<GrantRecord>, Fault> {
    let found = on
        .prepare_cached(BY_ID)?
        .query_row(params![id.to_string(), tenant.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(kept).transpose()
}

/// Saves a new grant. An existing one stays as it is; a repetition finds the grant that was saved.
pub(super) fn save(
    on: &Connection,
    grant: &GrantRecord,
    now: Timestamp,
) -> Result<GrantRecord, Fault> {
    let tenant = &grant.grant.tenant;
    if let Some(kept) = get(on, tenant, grant.id())? {
        return Ok(kept);
    }
    let record = grant.clone().stamped(now);
    on.prepare_cached(
        "INSERT INTO grants (id, tenant, tool, principal, version, revoked, ends, record) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        record.id().to_string(),
        tenant.as_str(),
        record.grant.tool,
        record.grant.principal.as_str(),
        record.version.cast_signed(),
        record.revoked.is_some(),
        ends(&record),
        encode(&record)?,
    ])?;
    Ok(record)
}

/// Writes the next version of a grant, as a compare-and-set. The transaction excludes other
/// writers, so a miss means damage.
pub(super) fn update(on: &Connection, next: &GrantRecord, from: &GrantRecord) -> Result<(), Fault> {
    let changed = on
        .prepare_cached(
            "UPDATE grants SET version = ?3, revoked = ?4, ends = ?5, record = ?6 \
             WHERE id = ?1 AND tenant = ?2 AND version = ?7",
        )?
        .execute(params![
            next.id().to_string(),
            next.grant.tenant.as_str(),
            next.version.cast_signed(),
            next.revoked.is_some(),
            ends(next),
            encode(next)?,
            from.version.cast_signed(),
        ])?;
    if changed == 1 { Ok(()) } else { Err(Fault::Damaged("a grant's version differs")) }
}

/// Revokes a grant. The first revocation counts, so a repetition changes nothing.
pub(super) fn revoke(
    on: &Connection,
    tenant: &Tenant,
    id: GrantId,
    by: &Principal,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Option<GrantRecord>, Fault> {
    let Some(record) = get(on, tenant, id)? else { return Ok(None) };
    let Some(next) = record.revoke(by, reason, now) else { return Ok(Some(record)) };
    update(on, &next, &record)?;
    Ok(Some(next))
}

/// Returns a page of a tenant's grants, in the order in which they were given.
pub(super) fn page(
    on: &Connection,
    tenant: &Tenant,
    page: &GrantQuery,
    now: Timestamp,
) -> Result<Vec<GrantRecord>, Fault> {
    let principal = page.principal.as_ref().map(Principal::as_str);
    let sql = match (&page.tool, principal, page.live) {
        (Some(_), Some(_), true) => LIVE,
        (Some(_), _, _) => OF_TOOL,
        (None, _, _) => OF_TENANT,
    };
    let mut statement = on.prepare_cached(sql)?;
    let after = page.after.map_or_else(String::new, |id| id.to_string());
    let given = params![
        tenant.as_str(),
        page.tool,
        principal,
        after,
        page.live,
        now.as_millis(),
        count(page.limit)
    ];
    let rows = statement.query_map(given, |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(Fault::from).and_then(kept)).collect()
}

/// Forgets some grants after `after` that ended before `before` and that no hold covers. Returns
/// their number, and the position to continue from if there may be more.
pub(super) fn forget(
    on: &Connection,
    before: Timestamp,
    after: ScanPosition,
    most: usize,
) -> Result<(u64, Option<ScanPosition>), Fault> {
    let holds = holds::all(on)?;
    let mut statement = on.prepare_cached(ENDED)?;
    let given = params![before.as_millis(), count(most), after.0, after.1];
    let rows = statement.query_map(given, |row| {
        Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?), row.get::<_, i64>(3)?))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let last = rows.last().filter(|_| rows.len() == most).map(|(n, _, ends)| (*ends, *n));
    let mut forgotten = 0;
    for (n, row, _) in rows {
        if holds.on_grant(&kept(row)?).is_none() {
            forgotten += on.prepare_cached(FORGET)?.execute([n])?;
        }
    }
    Ok((forgotten as u64, last))
}

/// Forgets the grants of a principal that have ended and that no hold covers. Returns their number.
pub(super) fn forget_of(
    on: &Connection,
    (tenant, principal): (&Tenant, &Principal),
    now: Timestamp,
) -> Result<u64, Fault> {
    let holds = holds::all(on)?;
    let mut statement = on.prepare_cached(THEIRS)?;
    let given = params![tenant.as_str(), principal.as_str()];
    let rows = statement
        .query_map(given, |row| Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?))))?;
    let mut forgotten = 0;
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        let (n, row) = row;
        let record = kept(row)?;
        if record.ended_before(now) && holds.on_grant(&record).is_none() {
            forgotten += on.prepare_cached(FORGET)?.execute([n])?;
        }
    }
    Ok(forgotten as u64)
}

/// Revokes every grant: draws since the backup are not known.
pub(super) fn revoke_all(on: &Connection, now: Timestamp) -> Result<(), Fault> {
    let mut after = 0_i64;
    loop {
        let mut statement = on.prepare_cached(NOT_REVOKED)?;
        let rows = statement.query_map(params![after, count(BATCH)], |row| {
            Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?)))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        for (_, row) in rows {
            let record = kept(row)?;
            if let Some(next) = record.restored(now) {
                update(on, &next, &record)?;
            }
        }
    }
}

/// Returns the time at which a grant ends or ended, in milliseconds.
fn ends(record: &GrantRecord) -> i64 {
    let revoked = record.revoked.as_ref().map(|revoked| revoked.at);
    let ends = revoked.into_iter().chain(record.grant.until).min();
    ends.map_or(i64::MAX, Timestamp::as_millis)
}

/// Parses a record, which must have the version of its row.
fn kept((version, text): (i64, String)) -> Result<GrantRecord, Fault> {
    let record: GrantRecord =
        serde_json::from_str(&text).map_err(|_| Fault::Damaged("a grant's record"))?;
    if record.version == version.cast_unsigned() {
        Ok(record)
    } else {
        Err(Fault::Damaged("a grant's version differs"))
    }
}
