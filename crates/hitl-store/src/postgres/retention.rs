//! Retention: first the content of old calls is erased, then, behind a watermark, their tombstones.
//!
//! A new call is compared with the watermark as it was when its key was found free. That is enough:
//! a tombstone is removed only after the watermark has risen above it, so a transaction that no
//! longer finds the tombstone finds the watermark.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::machine::CallRecord;
use hitl_core::store::{ERASED_AT_ONCE, Erasable, NotErased};
use hitl_core::{Principal, RequestId, Tenant};
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::Fault;
use super::grants;
use super::holds;
use super::metadata;
use super::query;
use super::row::{one, parse_record, storable};
use super::statement::Statement;
use super::transaction::{Completion, TransactionBody, Tx, run_until_known};
use crate::failpoint::reach;

/// The number of calls that are erased or forgotten in one transaction, so that other transactions
/// get their turn.
const BATCH: i64 = ERASED_AT_ONCE as i64;

pub(super) static ENDED: Statement = Statement {
    text: "SELECT n, updated_at FROM {s}.calls WHERE NOT erased AND state IN \
           ('executed', 'failed', 'rejected', 'responded', 'expired', 'cancelled', 'denied') \
           AND updated_at < $1 AND updated_at >= $3 AND (updated_at > $3 OR n > $4) \
           ORDER BY updated_at, n LIMIT $2",
    types: &[Type::INT8, Type::INT8, Type::INT8, Type::INT8],
};
// The delivery of its outcome is the only change of an ended call besides its erasure, and waits
// for this lock. Locked in the order of ids, as everywhere.
static READ: Statement = Statement {
    text: "SELECT c.n, c.version, c.record, c.id::text, \
             EXISTS (SELECT FROM {s}.unaudited u WHERE u.call = c.n) \
           FROM {s}.calls c WHERE c.n = ANY ($1) OR c.id = ANY ($2::text[]::uuid[]) \
           ORDER BY c.id FOR NO KEY UPDATE OF c",
    types: &[Type::INT8_ARRAY, Type::TEXT_ARRAY],
};
static THEIRS: Statement = Statement {
    text: "SELECT c.n, c.version, c.record FROM {s}.calls c WHERE (c.tenant = $1) IS TRUE \
             AND NOT c.erased AND (c.principal = $2 OR strpos(c.record, $3) > 0) AND c.n > $4 \
           ORDER BY c.n LIMIT $5",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8, Type::INT8],
};
static PLACE: Statement =
    Statement { text: "SELECT n FROM {s}.calls WHERE id = $1::text::uuid", types: &[Type::TEXT] };
static ERASE: Statement = Statement {
    text: "WITH gone AS ( \
             UPDATE {s}.calls c SET erased = true, run_began = g.began, record = g.record, \
               principal = '', attachable = false \
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) \
               AS g (n, version, began, record) \
             WHERE c.n = g.n AND c.version = g.version AND NOT c.erased RETURNING c.n), \
           payloads AS (DELETE FROM {s}.payloads p USING gone WHERE p.call = gone.n), \
           results AS (DELETE FROM {s}.results r USING gone WHERE r.call = gone.n), \
           history AS (DELETE FROM {s}.history h USING gone WHERE h.call = gone.n) \
           SELECT count(*) FROM gone",
    types: &[Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::TEXT_ARRAY],
};
static RAISE: Statement = Statement {
    text: "INSERT INTO {s}.meta AS m VALUES ('runs_forgotten_before', $1::bigint::text) \
           ON CONFLICT (name) DO UPDATE \
           SET value = greatest(m.value::bigint, excluded.value::bigint)::text \
           RETURNING value::bigint",
    types: &[Type::INT8],
};
static RAISE_FORGOTTEN: Statement = Statement {
    text: "INSERT INTO {s}.meta AS m VALUES ('tombstones_forgotten_before', $1::bigint::text) \
           ON CONFLICT (name) DO UPDATE \
           SET value = greatest(m.value::bigint, excluded.value::bigint)::text \
           RETURNING value::bigint",
    types: &[Type::INT8],
};
static FORGET: Statement = Statement {
    text: "WITH gone AS (DELETE FROM {s}.calls WHERE n = ANY (ARRAY( \
             SELECT n FROM {s}.calls c WHERE erased AND run_began IS NOT NULL AND run_began < $1 \
               AND NOT EXISTS (SELECT FROM {s}.holds h WHERE h.tenant = c.tenant \
                 AND (h.scope = 'tenant' OR h.call = c.id)) \
             ORDER BY run_began LIMIT $2)) RETURNING n, id), \
           decisions AS (DELETE FROM {s}.decisions d USING gone WHERE d.call = gone.n), \
           earlier AS (UPDATE {s}.effects e SET earlier = NULL FROM gone \
             WHERE e.earlier = gone.id AND NOT EXISTS (SELECT FROM gone g WHERE g.id = e.call)), \
           back AS (UPDATE {s}.effects e SET call = e.earlier, earlier = NULL FROM gone \
             WHERE e.call = gone.id AND e.earlier IS NOT NULL \
               AND NOT EXISTS (SELECT FROM gone g WHERE g.id = e.earlier)), \
           effects AS (DELETE FROM {s}.effects e USING gone WHERE e.call = gone.id \
             AND (e.earlier IS NULL OR EXISTS (SELECT FROM gone g WHERE g.id = e.earlier))) \
           SELECT count(*) FROM gone",
    types: &[Type::INT8, Type::INT8],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] =
    &[&ENDED, &READ, &THEIRS, &PLACE, &ERASE, &RAISE, &RAISE_FORGOTTEN, &FORGET];

/// Erases the calls that ended before `before`, and forgets such grants. Returns the number of
/// calls.
pub(super) async fn erase_ended(on: &Database, before: Timestamp) -> Result<u64, Fault> {
    let (mut erased, mut place) = (0, (i64::MIN, i64::MIN));
    loop {
        let given: super::statement::Params<'_> =
            &[&before.as_millis(), &BATCH, &place.0, &place.1];
        let rows = on.read(&ENDED, given).await?;
        let Some(last) = rows.last() else { break };
        place = (last.try_get(1)?, last.try_get(0)?);
        let numbers = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let said = run_until_known(on, &Erase { numbers, ids: Vec::new() }).await?;
        erased += said.values().filter(|why| why.is_none()).count() as u64;
        if (rows.len() as u64) < BATCH.cast_unsigned() {
            break;
        }
    }
    grants::forget(on, before).await?;
    Ok(erased)
}

/// Erases these calls. Returns for each call why it was left, if it was.
pub(super) async fn erase(
    on: &Database,
    calls: &[Erasable],
) -> Result<Vec<Option<NotErased>>, Fault> {
    let ids = calls.iter().map(|call| call.id.to_string()).collect();
    let wanted: BTreeMap<_, _> = calls.iter().map(|call| (call.id, call.tenant.clone())).collect();
    let said =
        run_until_known(on, &EraseNamed { erase: Erase { numbers: Vec::new(), ids }, wanted })
            .await?;
    let of = |call: &Erasable| said.get(&call.id).copied().unwrap_or(Some(NotErased::NotFound));
    Ok(calls.iter().map(of).collect())
}

/// For each existing call, why it was left, if it was.
type EraseResults = BTreeMap<RequestId, Option<NotErased>>;

/// The erasure of calls by their numbers or their ids, in one transaction.
struct Erase {
    numbers: Vec<i64>,
    ids: Vec<String>,
}

impl Erase {
    async fn erase(
        &self,
        tx: &Tx<'_>,
        wanted: impl Fn(&CallRecord) -> bool + Send,
    ) -> Result<EraseResults, Fault> {
        let holds = holds::for_erasing(tx).await?;
        reach("holds-read");
        let rows = tx.send(&READ, &[&self.numbers, &self.ids]).await?;
        let (mut said, mut ended) = (EraseResults::new(), Ended::default());
        for row in &rows {
            let (n, version) = (row.try_get(0)?, row.try_get(1)?);
            let record: CallRecord = parse_record(row.try_get(2)?, version)?;
            if !wanted(&record) {
                continue;
            }
            let why = NotErased::check(&record, row.try_get(4)?, &holds);
            said.insert(record.id(), why);
            if why.is_none() {
                ended.add(n, version, &record)?;
            }
        }
        if ended.numbers.is_empty() {
            return Ok(said);
        }
        // Deleted lines have a number, so that readers of the history find a gap in their place.
        query::number_within(tx).await?;
        let given: super::statement::Params<'_> =
            &[&ended.numbers, &ended.versions, &ended.began, &ended.tombstones];
        // Of two transactions that erase one call, the second finds it erased.
        tx.send(&ERASE, given).await?;
        reach("calls-erased");
        Ok(said)
    }
}

#[async_trait]
impl TransactionBody for Erase {
    type Answer = EraseResults;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<EraseResults>, Fault> {
        Ok(Completion::Commit(self.erase(tx, |_| true).await?))
    }
}

/// The erasure of calls by their ids, each of its tenant.
struct EraseNamed {
    erase: Erase,
    wanted: BTreeMap<RequestId, Tenant>,
}

#[async_trait]
impl TransactionBody for EraseNamed {
    type Answer = EraseResults;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<EraseResults>, Fault> {
        let wanted = |record: &CallRecord| {
            self.wanted.get(&record.id()).is_some_and(|tenant| *tenant == record.key().tenant)
        };
        Ok(Completion::Commit(self.erase.erase(tx, wanted).await?))
    }
}

/// Returns a page of the calls of a principal that are not erased. May scan all calls.
pub(super) async fn calls_of(
    on: &Database,
    (tenant, principal): (&Tenant, &Principal),
    after: Option<RequestId>,
    limit: usize,
) -> Result<Vec<CallRecord>, Fault> {
    let mut after = match after {
        Some(id) => match on.read(&PLACE, &[&id.to_string()]).await?.first() {
            Some(row) => row.try_get(0)?,
            None => i64::MAX,
        },
        None => 0,
    };
    let name = serde_json::to_string(principal);
    let name = name.map_err(|_| Fault::Damaged("a record cannot be written as JSON"))?;
    let given = (storable(tenant.as_str()), storable(principal.as_str()));
    let canonical = format!("\"canonical\":{name}");
    let mut found = Vec::new();
    while found.len() < limit {
        let rows = on.read(&THEIRS, &[&given.0, &given.1, &canonical, &after, &BATCH]).await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get(0)?;
        for row in &rows {
            let record: CallRecord = parse_record(row.try_get(2)?, row.try_get(1)?)?;
            if record.is_of(principal) && found.len() < limit {
                found.push(record);
            }
        }
    }
    Ok(found)
}

/// Ended calls and their tombstones, as columns to write.
#[derive(Default)]
struct Ended {
    numbers: Vec<i64>,
    versions: Vec<i64>,
    began: Vec<Option<i64>>,
    tombstones: Vec<String>,
}

impl Ended {
    fn add(&mut self, n: i64, version: i64, record: &CallRecord) -> Result<(), Fault> {
        let tombstone = serde_json::to_string(&record.tombstone());
        let tombstone =
            tombstone.map_err(|_| Fault::Damaged("a record cannot be written as JSON"))?;
        self.numbers.push(n);
        self.versions.push(version);
        self.began.push(record.key().run.began().map(Timestamp::as_millis));
        self.tombstones.push(tombstone);
        Ok(())
    }
}

/// Raises the watermark, unless it is higher already, and forgets the tombstones of runs that began
/// before it. Returns their number.
pub(super) async fn forget(on: &Database, watermark: Timestamp) -> Result<u64, Fault> {
    on.read(&RAISE_FORGOTTEN, &[&watermark.as_millis()]).await?;
    let before = raise(on, watermark).await?;
    let mut forgotten = 0;
    loop {
        let some = run_until_known(on, &Forget { before }).await?;
        forgotten += some;
        if some < BATCH.cast_unsigned() {
            return Ok(forgotten);
        }
    }
}

/// The removal of some tombstones.
struct Forget {
    before: Timestamp,
}

#[async_trait]
impl TransactionBody for Forget {
    type Answer = u64;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<u64>, Fault> {
        // No hold is placed from here to the end of the transaction.
        holds::for_erasing(tx).await?;
        let rows = tx.send(&FORGET, &[&self.before.as_millis(), &BATCH]).await?;
        Ok(Completion::Commit(count(&rows)?))
    }
}

/// Raises the watermark to `to`, unless it is higher already. Returns the watermark.
async fn raise(on: &Database, to: Timestamp) -> Result<Timestamp, Fault> {
    let rows = on.read(&RAISE, &[&to.as_millis()]).await?;
    Ok(Timestamp::from_millis(one(&rows)?.try_get(0)?))
}

/// Returns the highest watermark behind which tombstones may have been removed.
pub(super) async fn forgotten_before(on: &Database) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = metadata::get(on, "tombstones_forgotten_before").await? else {
        return Ok(None);
    };
    let millis = text.parse().map_err(|_| Fault::Damaged("its watermark"))?;
    Ok(Some(Timestamp::from_millis(millis)))
}

fn count(rows: &[tokio_postgres::Row]) -> Result<u64, Fault> {
    Ok(one(rows)?.try_get::<_, i64>(0)?.cast_unsigned())
}
