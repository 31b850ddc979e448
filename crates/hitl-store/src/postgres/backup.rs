//! Restoring: the epoch that begins when the database was restored from a copy.
//!
//! The copies are PostgreSQL's own (`pg_dump`, base backups) and carry no mark that they are
//! copies. So the host declares a restore, under a name that all replicas share: the first of them
//! gives the schema a new epoch, revokes every grant and holds every call that could run for review
//! by a human, in one transaction.

use hitl_base::Timestamp;
use hitl_core::StoreError;
use hitl_core::machine::{self, CallRecord, Event, HistoryEntry, StoreFacts, Transition};
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::database::Database;
use super::error::Fault;
use super::grants;
use super::row::parse_record;
use super::schema;

/// The number of calls that are held per statement.
const BATCH: i64 = 500;

/// Begins the epoch of this name, unless that is done already. All or nothing.
pub(super) async fn begin_epoch(
    on: &Database,
    schema: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let error = |fault| on.error(fault);
    let mut connection = on.connection().await.map_err(error)?;
    let transaction = connection.transaction().await;
    let transaction = transaction.map_err(|e| on.error(Fault::from_statement(e)))?;
    let restore = Restore { transaction: &transaction, schema, now };
    if restore.is_new(name).await.map_err(error)? {
        restore.hold().await.map_err(error)?;
        // If the commit's answer is lost, the next opening finds the epoch or begins it.
        transaction.commit().await.map_err(|e| on.error(Fault::from_statement(e)))?;
    }
    Ok(())
}

struct Restore<'a> {
    transaction: &'a Transaction<'a>,
    schema: &'a str,
    now: Timestamp,
}

type Typed<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

impl Restore<'_> {
    async fn run(&self, sql: &str, given: Typed<'_>) -> Result<Vec<tokio_postgres::Row>, Fault> {
        let sql = sql.replace("{s}", self.schema);
        self.transaction.query_typed(&sql, given).await.map_err(Fault::from_statement)
    }

    /// Records the name. Returns whether it is new.
    async fn is_new(&self, name: &str) -> Result<bool, Fault> {
        schema::lock(self.transaction, self.schema).await?;
        let note = "INSERT INTO {s}.meta AS m VALUES ('restored', $1) ON CONFLICT (name) \
                    DO UPDATE SET value = excluded.value WHERE m.value <> excluded.value \
                    RETURNING name";
        Ok(!self.run(note, &[(&name, Type::TEXT)]).await?.is_empty())
    }

    async fn hold(&self) -> Result<(), Fault> {
        let epoch = "UPDATE {s}.meta SET value = (value::bigint + 1)::text WHERE name = 'epoch'";
        self.run(epoch, &[]).await?;
        // No session of before the restore is alive now.
        self.run("DELETE FROM {s}.sessions", &[]).await?;
        // Grants before calls: every transaction locks in this order.
        let mut after = 0;
        while let Some(last) = self.revoke_some(after).await? {
            after = last;
        }
        let mut after = 0;
        while let Some(last) = self.hold_some(after).await? {
            after = last;
        }
        // Calls made after the copy are missing: a key of theirs would look new, and the call would
        // run again.
        let raise = "INSERT INTO {s}.meta AS m VALUES ('runs_forgotten_before', $1::bigint::text) \
                     ON CONFLICT (name) DO UPDATE \
                     SET value = greatest(m.value::bigint, excluded.value::bigint)::text";
        self.run(raise, &[(&self.now.as_millis(), Type::INT8)]).await?;
        Ok(())
    }

    /// Revokes some of the grants after this one. Returns the number of the last of them.
    async fn revoke_some(&self, after: i64) -> Result<Option<i64>, Fault> {
        let live = "SELECT n, version, record FROM {s}.grants WHERE n > $1 AND NOT revoked \
                    ORDER BY n LIMIT $2 FOR UPDATE";
        let rows = self.run(live, &[(&after, Type::INT8), (&BATCH, Type::INT8)]).await?;
        let (mut numbers, mut versions) = (Vec::new(), Vec::new());
        let (mut ends, mut records) = (Vec::new(), Vec::new());
        for row in &rows {
            numbers.push(row.try_get::<_, i64>(0)?);
            let record = grants::parse(row.try_get(2)?, row.try_get(1)?)?;
            let next = record.restored(self.now).unwrap_or(record);
            versions.push(next.version.cast_signed());
            ends.push(grants::ends(&next));
            records.push(grants::encode(&next)?);
        }
        let write = "UPDATE {s}.grants t SET revoked = true, version = g.version, ends = g.ends, \
                       record = g.record \
                     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) \
                       AS g (n, version, ends, record) WHERE t.n = g.n";
        let given: Typed<'_> = &[
            (&numbers, Type::INT8_ARRAY),
            (&versions, Type::INT8_ARRAY),
            (&ends, Type::INT8_ARRAY),
            (&records, Type::TEXT_ARRAY),
        ];
        self.run(write, given).await?;
        Ok(numbers.last().copied())
    }

    /// Holds some of the calls after this one. Returns the number of the last of them.
    async fn hold_some(&self, after: i64) -> Result<Option<i64>, Fault> {
        let open = "SELECT n, version, record FROM {s}.calls WHERE n > $1 \
                    AND state IN ('pending', 'approved', 'claimed') ORDER BY n LIMIT $2 FOR UPDATE";
        let rows = self.run(open, &[(&after, Type::INT8), (&BATCH, Type::INT8)]).await?;
        let mut last = None;
        let mut held = Held::default();
        for row in &rows {
            let n: i64 = row.try_get(0)?;
            last = Some(n);
            let record = parse_record(row.try_get(2)?, row.try_get(1)?)?;
            let facts = StoreFacts {
                now: self.now,
                claimant_dead: true,
                decision_used: false,
                frozen: false,
            };
            if let Ok(Transition::Changed(next)) = machine::apply(&record, &Event::Restore, facts) {
                held.add(n, &next)?;
            }
        }
        let write = "WITH given AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], \
                       $4::bigint[], $5::bigint[], $6::text[], $7::text[]) \
                       AS g (n, state, version, expires_at, updated_at, record, entry)), \
                     moved AS (UPDATE {s}.calls c SET state = g.state, version = g.version, \
                       expires_at = g.expires_at, updated_at = g.updated_at, record = g.record, \
                       claimant = NULL, epoch = NULL FROM given g WHERE c.n = g.n), \
                     said AS (INSERT INTO {s}.history (call, version, write, entry) \
                       SELECT n, version, gen_random_uuid(), entry FROM given ORDER BY n) \
                     INSERT INTO {s}.unaudited (call, version) SELECT n, version FROM given \
                       ON CONFLICT DO NOTHING";
        let given: Typed<'_> = &[
            (&held.numbers, Type::INT8_ARRAY),
            (&held.states, Type::TEXT_ARRAY),
            (&held.versions, Type::INT8_ARRAY),
            (&held.expires, Type::INT8_ARRAY),
            (&held.updated, Type::INT8_ARRAY),
            (&held.records, Type::TEXT_ARRAY),
            (&held.entries, Type::TEXT_ARRAY),
        ];
        self.run(write, given).await?;
        Ok(last)
    }
}

/// The held calls, as columns to write.
#[derive(Default)]
struct Held {
    numbers: Vec<i64>,
    states: Vec<&'static str>,
    versions: Vec<i64>,
    expires: Vec<i64>,
    updated: Vec<i64>,
    records: Vec<String>,
    entries: Vec<String>,
}

impl Held {
    fn add(&mut self, n: i64, next: &CallRecord) -> Result<(), Fault> {
        let encoded = |text: Result<String, serde_json::Error>| {
            text.map_err(|_| Fault::Damaged("a record cannot be written as JSON"))
        };
        let entry = HistoryEntry::new(Event::Restore.name(), next, None);
        self.numbers.push(n);
        self.states.push(next.state().name());
        self.versions.push(next.version().cast_signed());
        self.expires.push(next.request().expires_at.as_millis());
        self.updated.push(next.updated_at().as_millis());
        self.records.push(encoded(serde_json::to_string(next))?);
        self.entries.push(encoded(serde_json::to_string(&entry))?);
        Ok(())
    }
}
