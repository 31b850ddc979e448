//! Reads. Each function is one snapshot of the database, unless it says otherwise.

use hitl_base::Timestamp;
use hitl_core::machine::{CallRecord, CallState, HistoryEntry, NewCall};
use hitl_core::seal::Sealed;
use hitl_core::store::{History, PageRequest, SealedPart};
use hitl_core::{CallKey, ContentDigest, RequestId, RunId, SessionId, Tenant};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::Fault;
use super::row::{StoredCall, count, millis, one, parse, record, storable, stored, tenant_of};
use super::statement::Statement;
use super::transaction::Tx;

/// The current time in microseconds, as bigint.
macro_rules! micros {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}

// To a planner that has no statistics yet, all indexes are equally good, also one that leads to all
// calls of a tenant, and it keeps such a plan until it has statistics. So where an id identifies
// the call, the tenant is compared in a way that no index answers (`IS TRUE`).
static NOW: Statement = Statement { text: concat!("SELECT ", micros!()), types: &[] };
static BY_ID: Statement = Statement {
    text: concat!(
        "SELECT ",
        micros!(),
        ", c.version, c.record, c.epoch, s.id IS NULL, (SELECT value FROM {s}.meta \
         WHERE name = 'mark.freezes') FROM {s}.calls c LEFT JOIN {s}.sessions s ON \
         s.id = c.claimant AND s.epoch = c.epoch AND s.lease_until > clock_timestamp() \
         WHERE c.id = $2::text::uuid AND (c.tenant = $1) IS TRUE"
    ),
    types: &[Type::TEXT, Type::TEXT],
};
static BY_KEY: Statement = Statement {
    text: concat!(
        "SELECT ",
        micros!(),
        ", c.version, c.record, NULL::bigint, false, (SELECT value FROM {s}.meta \
         WHERE name = 'mark.freezes'), (SELECT value::bigint FROM {s}.meta \
         WHERE name = 'runs_forgotten_before') FROM (VALUES (1)) one LEFT JOIN {s}.calls c \
         ON c.tenant = $1 AND c.run = $2 AND c.position = $3"
    ),
    types: &[Type::TEXT, Type::TEXT, Type::INT8],
};
static PAYLOAD: Statement = Statement {
    text: "SELECT p.sealed FROM {s}.payloads p JOIN {s}.calls c ON c.n = p.call \
           WHERE c.id = $2::text::uuid AND (c.tenant = $1) IS TRUE",
    types: &[Type::TEXT, Type::TEXT],
};
static RESULT: Statement = Statement {
    text: "SELECT r.sealed FROM {s}.results r JOIN {s}.calls c ON c.n = r.call \
           WHERE c.id = $2::text::uuid AND (c.tenant = $1) IS TRUE",
    types: &[Type::TEXT, Type::TEXT],
};
// The index has each state's calls in order: merging the heads of these lists costs as much as the
// page is long, however long the queue is.
static PAGE: Statement = Statement {
    text: "SELECT version, record FROM {s}.calls WHERE tenant = $1 AND n = ANY (ARRAY( \
             SELECT head.n FROM unnest($2::text[]) AS wanted (state) CROSS JOIN LATERAL ( \
               SELECT n FROM {s}.calls WHERE tenant = $1 AND state = wanted.state AND n > coalesce(( \
                 SELECT n FROM {s}.calls WHERE id <= $3::text::uuid ORDER BY id DESC LIMIT 1), 0) \
               ORDER BY n LIMIT $4) head \
             ORDER BY head.n LIMIT $4)) ORDER BY n",
    types: &[Type::TEXT, Type::TEXT_ARRAY, Type::TEXT, Type::INT8],
};
static ROOTED: Statement = Statement {
    text: "SELECT version, record FROM {s}.calls WHERE tenant = $1 AND root = $2 \
             AND state = ANY ($3) AND n > coalesce(( \
             SELECT n FROM {s}.calls WHERE id <= $4::text::uuid ORDER BY id DESC LIMIT 1), 0) \
           ORDER BY n LIMIT $5",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT_ARRAY, Type::TEXT, Type::INT8],
};
static REJECTED: Statement = Statement {
    text: "SELECT version, record FROM {s}.calls WHERE tenant = $1 AND run = $2 AND content = $3 \
             AND state = 'rejected' ORDER BY n DESC LIMIT $4",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8],
};
static ATTACHABLE: Statement = Statement {
    text: "SELECT version, record FROM {s}.calls \
           WHERE tenant = $1 AND run = $2 AND content = $3 AND attachable",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};
static APPROVED: Statement = Statement {
    text: "SELECT tenant, id::text FROM {s}.calls WHERE state = 'approved' AND n > coalesce(( \
             SELECT n FROM {s}.calls WHERE id <= $1::text::uuid ORDER BY id DESC LIMIT 1), 0) \
           ORDER BY n LIMIT $2",
    types: &[Type::TEXT, Type::INT8],
};
// The time is computed once, in a subquery: only then does the index bound the search.
static STALE: Statement = Statement {
    text: "(SELECT c.tenant, c.id::text, c.state FROM {s}.calls c WHERE c.state = 'claimed' \
             AND NOT EXISTS (SELECT FROM {s}.sessions s WHERE s.id = c.claimant \
               AND s.epoch = c.epoch AND s.lease_until > clock_timestamp()) LIMIT $2) \
           UNION ALL \
           (SELECT tenant, id::text, state FROM {s}.calls \
             WHERE state IN ('pending', 'approved') \
               AND expires_at <= (SELECT coalesce($1, \
                 (extract(epoch FROM clock_timestamp()) * 1000)::bigint)) \
             ORDER BY expires_at LIMIT $2) LIMIT $2",
    types: &[Type::INT8, Type::INT8],
};
static HISTORY: Statement = Statement {
    text: "SELECT h.seq, h.entry, l.last FROM {s}.numbered l LEFT JOIN LATERAL ( \
             SELECT seq, entry FROM {s}.history WHERE seq > $1 ORDER BY seq LIMIT $2) h ON true \
           ORDER BY h.seq",
    types: &[Type::INT8, Type::INT8],
};
static HISTORY_OF: Statement = Statement {
    text: "SELECT h.seq, h.entry FROM {s}.history h JOIN {s}.calls c ON c.n = h.call \
           WHERE c.id = $2::text::uuid AND (c.tenant = $1) IS TRUE AND h.seq IS NOT NULL \
           ORDER BY h.seq LIMIT 1000",
    types: &[Type::TEXT, Type::TEXT],
};
static NUMBER: Statement =
    Statement { text: "SELECT {s}.number_history($1)", types: &[Type::INT8] };
static LAST: Statement = Statement { text: "SELECT last FROM {s}.numbered", types: &[] };
static CHANGES: Statement = Statement {
    text: "SELECT c.id::text FROM {s}.history h JOIN {s}.calls c ON c.n = h.call WHERE h.seq > $1 \
           ORDER BY h.seq LIMIT $2",
    types: &[Type::INT8, Type::INT8],
};
static WRITTEN: Statement = Statement {
    text: "SELECT h.version FROM {s}.history h JOIN {s}.calls c ON c.n = h.call \
           WHERE c.id = $2::text::uuid AND (c.tenant = $1) IS TRUE AND h.write = $3::text::uuid",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[
    &NOW,
    &BY_ID,
    &BY_KEY,
    &PAYLOAD,
    &RESULT,
    &PAGE,
    &ROOTED,
    &REJECTED,
    &ATTACHABLE,
    &APPROVED,
    &STALE,
    &HISTORY,
    &HISTORY_OF,
    &NUMBER,
    &LAST,
    &CHANGES,
    &WRITTEN,
];

/// The number of changes that are numbered at once.
const NUMBERED: i64 = 10_000;

/// Returns the current time, by the database's clock.
pub(super) async fn now(on: &Database) -> Result<Timestamp, Fault> {
    let rows = on.read(&NOW, &[]).await?;
    Ok(millis(one(&rows)?.try_get(0)?))
}

/// Returns the current time inside a transaction, in microseconds by the database's clock.
pub(super) async fn now_within(tx: &Tx<'_>) -> Result<i64, Fault> {
    Ok(one(&tx.send(&NOW, &[]).await?)?.try_get(0)?)
}

/// Returns a call by its id.
pub(super) async fn get(
    on: &Database,
    tenant: &Tenant,
    id: RequestId,
) -> Result<Option<StoredCall>, Fault> {
    let rows = on.read(&BY_ID, &[&storable(tenant.as_str()), &id.to_string()]).await?;
    rows.first().map(stored).transpose()
}

/// The result of looking up a call by its key.
pub(super) struct KeyLookup {
    /// The time of the lookup, in microseconds by the database's clock.
    pub(super) read_at: i64,
    pub(super) stored: Option<StoredCall>,
    /// The freezes in force at the time of the lookup.
    pub(super) freezes: Option<String>,
    /// Runs that began before this time take no new calls.
    pub(super) watermark: Option<Timestamp>,
}

/// Looks up a call by its key.
pub(super) async fn find(on: &Database, key: &CallKey) -> Result<KeyLookup, Fault> {
    let (tenant, run) = (storable(key.tenant.as_str()), storable(key.run.as_str()));
    found(&on.read(&BY_KEY, &[&tenant, &run, &key.position.cast_signed()]).await?)
}

/// Looks up a call by its key, inside a transaction.
pub(super) async fn find_within(tx: &Tx<'_>, key: &CallKey) -> Result<KeyLookup, Fault> {
    let (tenant, run) = (storable(key.tenant.as_str()), storable(key.run.as_str()));
    found(&tx.send(&BY_KEY, &[&tenant, &run, &key.position.cast_signed()]).await?)
}

fn found(rows: &[Row]) -> Result<KeyLookup, Fault> {
    let row = one(rows)?;
    let stored = row.try_get::<_, Option<i64>>(1)?.map(|_| stored(row)).transpose()?;
    let watermark = row.try_get::<_, Option<i64>>(6)?.map(Timestamp::from_millis);
    Ok(KeyLookup { read_at: row.try_get(0)?, stored, freezes: row.try_get(5)?, watermark })
}

/// Returns a sealed text of a call.
pub(super) async fn sealed(
    on: &Database,
    tenant: &Tenant,
    id: RequestId,
    part: SealedPart,
) -> Result<Option<Sealed>, Fault> {
    let sql = match part {
        SealedPart::Payload => &PAYLOAD,
        SealedPart::Result => &RESULT,
    };
    let rows = on.read(sql, &[&storable(tenant.as_str()), &id.to_string()]).await?;
    rows.first().map(|row| Ok(Sealed::from_bytes(row.try_get(0)?))).transpose()
}

/// Returns a page of records, in the order of their creation.
pub(super) async fn page(
    on: &Database,
    tenant: &Tenant,
    page: &PageRequest,
) -> Result<Vec<CallRecord>, Fault> {
    let mut states = page.states.clone();
    if states.is_empty() {
        states.extend(CallState::ALL);
    }
    states.sort_unstable();
    states.dedup();
    let states: Vec<&str> = states.iter().map(|state| state.name()).collect();
    let after = page.after.map(|id| id.to_string());
    if let Some(root) = &page.root {
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [
            &storable(tenant.as_str()),
            &storable(root.as_str()),
            &states,
            &after,
            &count(page.limit),
        ];
        let rows = on.read(&ROOTED, &given).await?;
        return rows.iter().map(|row| record(row, 0)).collect();
    }
    let given: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&storable(tenant.as_str()), &states, &after, &count(page.limit)];
    let rows = on.read(&PAGE, &given).await?;
    rows.iter().map(|row| record(row, 0)).collect()
}

/// Returns the calls of a run with this content that a human has rejected, newest first.
pub(super) async fn rejected(
    on: &Database,
    tenant: &Tenant,
    run: &RunId,
    content: ContentDigest,
    limit: usize,
) -> Result<Vec<CallRecord>, Fault> {
    let (tenant, run) = (storable(tenant.as_str()), storable(run.as_str()));
    let rows = on.read(&REJECTED, &[&tenant, &run, &content.to_string(), &count(limit)]).await?;
    rows.iter().map(|row| record(row, 0)).collect()
}

/// Returns the attachable call of a run with this content.
pub(super) async fn attachable(
    on: &Database,
    tenant: &Tenant,
    run: &RunId,
    content: ContentDigest,
) -> Result<Option<CallRecord>, Fault> {
    let (tenant, run) = (storable(tenant.as_str()), storable(run.as_str()));
    let rows = on.read(&ATTACHABLE, &[&tenant, &run, &content.to_string()]).await?;
    rows.first().map(|row| record(row, 0)).transpose()
}

/// Returns the call that a new call attaches to, inside a transaction.
pub(super) async fn attachable_within(
    tx: &Tx<'_>,
    call: &NewCall,
) -> Result<Option<CallRecord>, Fault> {
    let (key, content) = (call.key(), call.content().to_string());
    let (tenant, run) = (storable(key.tenant.as_str()), storable(key.run.as_str()));
    let rows = tx.send(&ATTACHABLE, &[&tenant, &run, &content]).await?;
    rows.first().map(|row| record(row, 0)).transpose()
}

/// Returns the calls that may run, in the order of their creation.
pub(super) async fn approved(
    on: &Database,
    after: Option<RequestId>,
    limit: usize,
) -> Result<Vec<(Tenant, RequestId)>, Fault> {
    let after = after.map(|id| id.to_string());
    let rows = on.read(&APPROVED, &[&after, &count(limit)]).await?;
    rows.iter().map(|row| Ok((tenant_of(row)?, parse(row.try_get(1)?)?))).collect()
}

/// Returns the calls that need to be moved on. Without `now`, the database's time counts.
pub(super) async fn stale(
    on: &Database,
    now: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<(Tenant, RequestId, CallState)>, Fault> {
    let now = now.map(Timestamp::as_millis);
    let rows = on.read(&STALE, &[&now, &count(limit)]).await?;
    let call = |row: &Row| {
        let state: &str = row.try_get(2)?;
        let known = CallState::ALL.into_iter().find(|known| known.name() == state);
        let state = known.ok_or(Fault::Damaged("a call's state"))?;
        Ok((tenant_of(row)?, parse(row.try_get(1)?)?, state))
    };
    rows.iter().map(call).collect()
}

/// Returns a part of the history, up to and including everything that was committed before this
/// call.
///
/// Every reader assigns numbers: see `number_history` in the schema.
pub(super) async fn history(on: &Database, after: u64, limit: usize) -> Result<History, Fault> {
    let from = i64::try_from(after).unwrap_or(i64::MAX);
    let mut stretch = stretch(on, from, limit).await?;
    if stretch.entries.len() < limit {
        // Read again even if there was nothing to number: another reader may just have done it.
        while number(on).await? == NUMBERED {}
        stretch = self::stretch(on, from, limit).await?;
    }
    Ok(History::stretch(after, stretch.last, stretch.entries))
}

/// Gives every committed line of the history its number, in a transaction.
pub(super) async fn number_within(tx: &Tx<'_>) -> Result<(), Fault> {
    loop {
        let rows = tx.send(&NUMBER, &[&NUMBERED]).await?;
        if one(&rows)?.try_get::<_, i64>(0)? < NUMBERED {
            return Ok(());
        }
    }
}

/// Returns the kept entries after a number, and the last number ever assigned.
struct Stretch {
    entries: Vec<(u64, HistoryEntry)>,
    last: u64,
}

async fn stretch(on: &Database, from: i64, limit: usize) -> Result<Stretch, Fault> {
    let rows = on.read(&HISTORY, &[&from, &count(limit)]).await?;
    let last = one(&rows)?.try_get::<_, i64>(2)?.cast_unsigned();
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        // Without entries there is one row, for the last number.
        let Some(seq) = row.try_get::<_, Option<i64>>(0)? else { continue };
        let entry = serde_json::from_str(row.try_get(1)?);
        entries.push((seq.cast_unsigned(), entry.map_err(|_| Fault::Damaged("an entry"))?));
    }
    Ok(Stretch { entries, last })
}

/// Returns the history of one call.
pub(super) async fn history_of(
    on: &Database,
    tenant: &Tenant,
    id: RequestId,
) -> Result<Vec<(u64, HistoryEntry)>, Fault> {
    while number(on).await? == NUMBERED {}
    let given = (storable(tenant.as_str()), id.to_string());
    entries(&on.read(&HISTORY_OF, &[&given.0, &given.1]).await?)
}

fn entries(rows: &[Row]) -> Result<Vec<(u64, HistoryEntry)>, Fault> {
    let entry = |row: &Row| {
        let text: &str = row.try_get(1)?;
        let entry: HistoryEntry =
            serde_json::from_str(text).map_err(|_| Fault::Damaged("an entry"))?;
        Ok((row.try_get::<_, i64>(0)?.cast_unsigned(), entry))
    };
    rows.iter().map(entry).collect()
}

async fn number(on: &Database) -> Result<i64, Fault> {
    let rows = on.read(&NUMBER, &[&NUMBERED]).await?;
    Ok(one(&rows)?.try_get(0)?)
}

/// Returns the last number of the history, once everything committed so far has one.
pub(super) async fn last_change(on: &Database) -> Result<u64, Fault> {
    while number(on).await? == NUMBERED {}
    let rows = on.read(&LAST, &[]).await?;
    Ok(one(&rows)?.try_get::<_, i64>(0)?.cast_unsigned())
}

/// Returns the calls that changed after a number of the history.
pub(super) async fn changes(
    on: &Database,
    after: u64,
    limit: usize,
) -> Result<Vec<RequestId>, Fault> {
    let rows = on.read(&CHANGES, &[&after.cast_signed(), &count(limit)]).await?;
    rows.iter().map(|row| parse(row.try_get(0)?)).collect()
}

/// Returns the version of a call that this write led to, if the write happened.
pub(super) async fn written(
    on: &Database,
    tenant: &Tenant,
    id: RequestId,
    write: SessionId,
) -> Result<Option<i64>, Fault> {
    let given = (storable(tenant.as_str()), id.to_string(), write.to_string());
    let rows = on.read(&WRITTEN, &[&given.0, &given.1, &given.2]).await?;
    rows.first().map(|row| Ok(row.try_get(0)?)).transpose()
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod scale;
