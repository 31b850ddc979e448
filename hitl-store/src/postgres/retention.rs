//! What is old goes: first what calls were about, then, behind a watermark, that they were.
//!
//! A new call is compared with the watermark as it stood when its key was found free. That is enough:
//! a tombstone is removed only after the watermark has risen above it, so whoever no longer finds the
//! tombstone finds the watermark.

use hitl_base::Timestamp;
use hitl_core::machine::CallRecord;
use tokio_postgres::types::Type;

use super::database::{Database, Sql};
use super::error::Fault;
use super::grants;
use super::query::{self, one, parse_record};

/// How many calls are erased or forgotten in one statement, so that others get their turn.
const BATCH: i64 = 200;

pub(super) static ENDED: Sql = Sql {
    text: "SELECT n, version, record FROM {s}.calls WHERE NOT erased AND state IN \
           ('executed', 'failed', 'rejected', 'responded', 'expired', 'cancelled', 'denied') \
           AND updated_at < $1 \
           AND NOT EXISTS (SELECT FROM {s}.unaudited u WHERE u.call = calls.n) \
           ORDER BY updated_at LIMIT $2",
    types: &[Type::INT8, Type::INT8],
};
static ERASE: Sql = Sql {
    text: "WITH gone AS ( \
             UPDATE {s}.calls c SET erased = true, began = g.began, record = g.record, \
               principal = '' \
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) \
               AS g (n, version, began, record) \
             WHERE c.n = g.n AND c.version = g.version AND NOT c.erased RETURNING c.n), \
           payloads AS (DELETE FROM {s}.payloads p USING gone WHERE p.call = gone.n), \
           results AS (DELETE FROM {s}.results r USING gone WHERE r.call = gone.n), \
           history AS (DELETE FROM {s}.history h USING gone WHERE h.call = gone.n) \
           SELECT count(*) FROM gone",
    types: &[Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::TEXT_ARRAY],
};
static RAISE: Sql = Sql {
    text: "INSERT INTO {s}.meta AS m VALUES ('runs_forgotten_before', $1::bigint::text) \
           ON CONFLICT (name) DO UPDATE \
           SET value = greatest(m.value::bigint, excluded.value::bigint)::text \
           RETURNING value::bigint",
    types: &[Type::INT8],
};
static RAISE_FORGOTTEN: Sql = Sql {
    text: "INSERT INTO {s}.meta AS m VALUES ('tombstones_forgotten_before', $1::bigint::text) \
           ON CONFLICT (name) DO UPDATE \
           SET value = greatest(m.value::bigint, excluded.value::bigint)::text \
           RETURNING value::bigint",
    types: &[Type::INT8],
};
static FORGET: Sql = Sql {
    text: "WITH gone AS (DELETE FROM {s}.calls WHERE n = ANY (ARRAY( \
             SELECT n FROM {s}.calls WHERE erased AND began IS NOT NULL AND began < $1 \
             ORDER BY began LIMIT $2)) RETURNING n) \
           SELECT count(*) FROM gone",
    types: &[Type::INT8, Type::INT8],
};

/// The statements here.
pub(super) const ALL: &[&Sql] = &[&ENDED, &ERASE, &RAISE, &RAISE_FORGOTTEN, &FORGET];

/// Erases the calls that ended before `before`, and forgets such grants. Returns how many calls.
pub(super) async fn erase(on: &Database, before: Timestamp) -> Result<u64, Fault> {
    let mut erased = 0;
    loop {
        let rows = on.read(&ENDED, &[&before.as_millis(), &BATCH]).await?;
        let mut ended = Ended::default();
        for row in &rows {
            ended.add(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?;
        }
        // Lines that go have a number, so that readers of the history find a gap where they were.
        query::last_change(on).await?;
        if !rows.is_empty() {
            let given: super::database::Given<'_> =
                &[&ended.numbers, &ended.versions, &ended.began, &ended.tombstones];
            // What happens twice erases nothing the second time.
            erased += count(&on.read(&ERASE, given).await?)?;
        }
        if (rows.len() as u64) < BATCH.cast_unsigned() {
            break;
        }
    }
    while grants::forget(on, before, BATCH).await? == BATCH {}
    Ok(erased)
}

/// Calls that ended, and what is to be left of them.
#[derive(Default)]
struct Ended {
    numbers: Vec<i64>,
    versions: Vec<i64>,
    began: Vec<Option<i64>>,
    tombstones: Vec<String>,
}

impl Ended {
    fn add(&mut self, n: i64, version: i64, record: &str) -> Result<(), Fault> {
        let record: CallRecord = parse_record(record, version)?;
        if !record.state.is_terminal() {
            return Err(Fault::Damaged("a call's state differs"));
        }
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

/// Raises the watermark, unless it is higher, and forgets the tombstones of runs that began before
/// it. Returns how many.
pub(super) async fn forget(on: &Database, watermark: Timestamp) -> Result<u64, Fault> {
    on.read(&RAISE_FORGOTTEN, &[&watermark.as_millis()]).await?;
    let before = raise(on, watermark).await?;
    let mut forgotten = 0;
    loop {
        let some = count(&on.read(&FORGET, &[&before.as_millis(), &BATCH]).await?)?;
        forgotten += some;
        if some < BATCH.cast_unsigned() {
            return Ok(forgotten);
        }
    }
}

/// Raises the watermark to `to`, unless it is higher. Returns what it is.
async fn raise(on: &Database, to: Timestamp) -> Result<Timestamp, Fault> {
    let rows = on.read(&RAISE, &[&to.as_millis()]).await?;
    Ok(Timestamp::from_millis(one(&rows)?.try_get(0)?))
}

/// Tombstones of runs that began before it may be gone.
pub(super) async fn forgotten_before(on: &Database) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = query::meta(on, "tombstones_forgotten_before").await? else { return Ok(None) };
    let millis = text.parse().map_err(|_| Fault::Damaged("its watermark"))?;
    Ok(Some(Timestamp::from_millis(millis)))
}

fn count(rows: &[tokio_postgres::Row]) -> Result<u64, Fault> {
    Ok(one(rows)?.try_get::<_, i64>(0)?.cast_unsigned())
}
