//! The queue: its order is that of an index, so that reading a part costs as much as that part is
//! long.

use hitl_core::Tenant;
use hitl_core::machine::NewCall;
use hitl_core::queue::{
    COUNTED, Cap, CappedCount, QueueCounts, QueueEntry, QueueOrder, QueuePosition, QueueScan, rank,
};
use tokio_postgres::types::{ToSql, Type};

use super::database::Database;
use super::error::Fault;
use super::row::{count, one, original, record, storable};
use super::statement::Statement;

/// The first calls of each unfinished state, as one snapshot.
///
/// The states are literals in the text: only then is a partial index known to contain their calls.
macro_rules! stretches {
    ($key:literal, $after:literal, $limit:literal) => {
        concat!(
            "SELECT n, turn, version, record FROM (",
            stretches!(@of "pending", $key, $after, $limit),
            " UNION ALL ",
            stretches!(@of "approved", $key, $after, $limit),
            " UNION ALL ",
            stretches!(@of "claimed", $key, $after, $limit),
            " UNION ALL ",
            stretches!(@of "outcomeUnknown", $key, $after, $limit),
            ") found ORDER BY ", $key, " LIMIT ", $limit
        )
    };
    (@of $state:literal, $key:literal, $after:literal, $limit:literal) => {
        concat!(
            "(SELECT n, rank, turn, due_at, version, record FROM {s}.calls WHERE tenant = $1 \
             AND state = '", $state, "' AND '", $state, "' = ANY ($2) \
             AND (", $key, ") > (", $after, ") ORDER BY ", $key, " LIMIT ", $limit, ")"
        )
    };
}

// Where only some rows are counted or listed, the condition is a range of row values in the column
// order of the index, not equality: with equality, the planner would consider any index as good,
// and search the whole table for a few rows.
pub(super) static BY_TURN: Statement = Statement {
    text: stretches!("rank, turn, due_at, n", "$3, $4, $5, $6", "$7"),
    types: &[
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
    ],
};
pub(super) static BY_DUE: Statement = Statement {
    text: stretches!("due_at, n", "$3, $4", "$5"),
    types: &[Type::TEXT, Type::TEXT_ARRAY, Type::INT8, Type::INT8, Type::INT8],
};
static CREATED: Statement = Statement {
    text: "SELECT n, turn, version, record FROM {s}.calls WHERE tenant = $1 AND n = ANY (ARRAY( \
             SELECT head.n FROM unnest($2::text[]) AS wanted (state) CROSS JOIN LATERAL ( \
               SELECT n FROM {s}.calls WHERE (state, tenant, n) > (wanted.state, $1, $3) \
                 AND (state, tenant) <= (wanted.state, $1) ORDER BY state, tenant, n LIMIT $4) head \
             ORDER BY head.n LIMIT $4)) ORDER BY n",
    types: &[Type::TEXT, Type::TEXT_ARRAY, Type::INT8, Type::INT8],
};
static WAITING: Statement = Statement {
    text: "SELECT (SELECT count(*) FROM (SELECT FROM {s}.calls WHERE state = 'pending' \
             AND (tenant, principal) >= ($1, $2) AND (tenant, principal) <= ($1, $2) \
             ORDER BY tenant, principal LIMIT coalesce($3, 0)) own), \
           (SELECT count(*) FROM (SELECT FROM {s}.calls WHERE state = 'pending' \
             AND tenant >= $1 AND tenant <= $1 ORDER BY tenant LIMIT coalesce($4, 0)) every)",
    types: &[Type::TEXT, Type::TEXT, Type::INT8, Type::INT8],
};
static STATES: Statement = Statement {
    text: "SELECT (SELECT count(*) FROM (SELECT FROM {s}.calls \
             WHERE (state, tenant) >= (wanted.state, $1) AND (state, tenant) <= (wanted.state, $1) \
             ORDER BY state, tenant LIMIT $3) counted) \
           FROM unnest($2::text[]) WITH ORDINALITY AS wanted (state, place) ORDER BY place",
    types: &[Type::TEXT, Type::TEXT_ARRAY, Type::INT8],
};
static LEVELS: Statement = Statement {
    text: "SELECT (SELECT count(*) FROM (SELECT FROM {s}.calls WHERE state = 'pending' \
             AND (tenant, rank, level) >= ($1, ranks.rank, levels.level) \
             AND (tenant, rank, level) <= ($1, ranks.rank, levels.level) \
             ORDER BY tenant, rank, level LIMIT $4) counted) \
           FROM unnest($2::bigint[]) WITH ORDINALITY AS ranks (rank, place) \
           CROSS JOIN unnest($3::text[]) WITH ORDINALITY AS levels (level, place) \
           ORDER BY ranks.place, levels.place",
    types: &[Type::TEXT, Type::INT8_ARRAY, Type::TEXT_ARRAY, Type::INT8],
};
// A step goes from one tenant to the next: the calls of a tenant are skipped, however many there
// are.
static TENANTS: Statement = Statement {
    text: "WITH RECURSIVE found (tenant) AS ( \
             SELECT tenant FROM ( \
               (SELECT tenant FROM {s}.calls WHERE $1::text IS NULL ORDER BY tenant LIMIT 1) \
               UNION ALL \
               (SELECT tenant FROM {s}.calls WHERE tenant > $1 ORDER BY tenant LIMIT 1)) first \
             UNION ALL \
             SELECT (SELECT c.tenant FROM {s}.calls c WHERE c.tenant > found.tenant \
                     ORDER BY c.tenant LIMIT 1) \
             FROM found WHERE found.tenant IS NOT NULL) \
           SELECT tenant FROM found WHERE tenant IS NOT NULL LIMIT $2",
    types: &[Type::TEXT, Type::INT8],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] =
    &[&WAITING, &BY_TURN, &BY_DUE, &CREATED, &STATES, &LEVELS, &TENANTS];

/// Returns the cap that a new call would exceed, as seen outside of a transaction: the transaction
/// that enters the call checks again.
pub(super) async fn broken_cap(on: &Database, call: &NewCall) -> Result<Option<Cap>, Fault> {
    let caps = call.caps();
    if caps.is_none() {
        return Ok(None);
    }
    let (tenant, who) = (storable(call.key().tenant.as_str()), storable(call.principal().as_str()));
    let (own, every) = (caps.principal.map(i64::from), caps.tenant.map(i64::from));
    let rows = on.read(&WAITING, &[&tenant, &who, &own, &every]).await?;
    let row = one(&rows)?;
    let counted = |at| Ok::<u64, Fault>(row.try_get::<_, i64>(at)?.cast_unsigned());
    Ok(caps.broken(counted(0)?, counted(1)?))
}

/// Returns a part of a tenant's queue.
pub(super) async fn scan(on: &Database, scan: &QueueScan) -> Result<Vec<QueueEntry>, Fault> {
    let states: Vec<&str> = scan.states.iter().map(|state| state.name()).collect();
    let [rank, turn, due, n] = scan.after.unwrap_or([i64::MIN; 4]);
    let (tenant, limit) = (storable(scan.tenant.as_str()), count(scan.limit));
    let rows = match scan.order {
        QueueOrder::Created => on.read(&CREATED, &[&tenant, &states, &n, &limit]).await?,
        QueueOrder::Due => on.read(&BY_DUE, &[&tenant, &states, &due, &n, &limit]).await?,
        _ => {
            let given: [&(dyn ToSql + Sync); 7] =
                [&tenant, &states, &rank, &turn, &due, &n, &limit];
            on.read(&BY_TURN, &given).await?
        }
    };
    let placed = |row| {
        let record = record(row, 2)?;
        let request = record.request();
        let (priority, due_at) = (request.priority, request.due_at);
        let number = row.try_get::<_, i64>(0)?.cast_unsigned();
        let turn = row.try_get::<_, i64>(1)?.cast_unsigned();
        Ok(QueueEntry { place: QueuePosition { priority, turn, due_at, number }, record })
    };
    rows.iter().map(placed).collect()
}

/// Returns the numbers of a tenant's calls, each counted up to its limit.
pub(super) async fn counts(on: &Database, tenant: &Tenant) -> Result<QueueCounts, Fault> {
    let (tenant, most) = (storable(tenant.as_str()), COUNTED.cast_signed() + 1);
    let states: Vec<&str> = QueueCounts::STATES.iter().map(|state| state.name()).collect();
    let ranks: Vec<i64> = QueueCounts::PRIORITIES.iter().map(|p| rank(*p)).collect();
    let levels: Vec<String> = QueueCounts::LEVELS.iter().map(ToString::to_string).collect();
    let mut counts = QueueCounts::default();
    let rows = on.read(&STATES, &[&tenant, &states, &most]).await?;
    for (state, row) in QueueCounts::STATES.into_iter().zip(&rows) {
        counts.states.insert(state, CappedCount::new(row.try_get::<_, i64>(0)?.cast_unsigned()));
    }
    let rows = on.read(&LEVELS, &[&tenant, &ranks, &levels, &most]).await?;
    let kinds = QueueCounts::PRIORITIES.into_iter();
    let kinds = kinds.flat_map(|p| QueueCounts::LEVELS.into_iter().map(move |level| (p, level)));
    for (at, row) in kinds.zip(&rows) {
        let counted: i64 = row.try_get(0)?;
        if counted > 0 {
            counts.pending.insert(at, CappedCount::new(counted.cast_unsigned()));
        }
    }
    Ok(counts)
}

/// Returns the tenants that have calls, in order.
pub(super) async fn tenants(
    on: &Database,
    after: Option<&Tenant>,
    limit: usize,
) -> Result<Vec<Tenant>, Fault> {
    let after = after.map(|tenant| storable(tenant.as_str()));
    let rows = on.read(&TENANTS, &[&after, &count(limit)]).await?;
    rows.iter().map(|row| Ok(Tenant::new(original(row.try_get(0)?)))).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
