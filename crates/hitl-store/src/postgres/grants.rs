//! Standing permissions: kept, listed, revoked. A draw on a grant is written in the transaction of
//! the claim, which has locked the grant.

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::grant::GrantRecord;
use hitl_core::machine::GrantUpdates;
use hitl_core::store::{GrantQuery, StoreError};
use hitl_core::{GrantId, Principal, Tenant};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::database::Database;
use super::error::{Fault, ambiguous};
use super::holds;
use super::query;
use super::row::{count, one, storable};
use super::shared::Shared;
use super::statement::Statement;
use super::transaction::{Attempt, Completion, TransactionBody, Tx, run, run_until_known};

static BY_ID: Statement = Statement {
    text: "SELECT version, record FROM {s}.grants WHERE id = $2::text::uuid AND (tenant = $1) IS TRUE",
    types: &[Type::TEXT, Type::TEXT],
};
static SAVE: Statement = Statement {
    text: "INSERT INTO {s}.grants (id, tenant, tool, principal, version, revoked, ends, record) \
           VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::BOOL,
        Type::INT8,
        Type::TEXT,
    ],
};
// All transactions lock grants in the order of their ids.
static LOCK: Statement = Statement {
    text: "SELECT version, record FROM {s}.grants \
           WHERE id = ANY ($2::text[]::uuid[]) AND (tenant = $1) IS TRUE ORDER BY id FOR UPDATE",
    types: &[Type::TEXT, Type::TEXT_ARRAY],
};
static UPDATE: Statement = Statement {
    text: "WITH moved AS (UPDATE {s}.grants SET version = $4, revoked = $5, ends = $6, record = $7 \
             WHERE id = $2::text::uuid AND (tenant = $1) IS TRUE AND version = $3 RETURNING 1) \
           SELECT count(*) FROM moved",
    types: &[Type::TEXT, Type::TEXT, Type::INT8, Type::INT8, Type::BOOL, Type::INT8, Type::TEXT],
};

/// The parameters of each listing: tenant, tool, principal, after, live ones only, now (the
/// database's time if NULL), limit.
const PAGE: &[Type] =
    &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::BOOL, Type::INT8, Type::INT8];

// The time is computed once, in a subquery: only then does an index bound the search.
macro_rules! ends_later {
    () => {
        "ends > (SELECT coalesce($6, (extract(epoch FROM clock_timestamp()) * 1000)::bigint))"
    };
}

static OF_TENANT: Statement = Statement {
    text: concat!(
        "SELECT version, record FROM {s}.grants WHERE tenant = $1 AND id > $4::text::uuid \
         AND ($2::text IS NULL OR tool = $2) AND ($3::text IS NULL OR principal = $3) \
         AND (NOT $5 OR (NOT revoked AND ",
        ends_later!(),
        ")) ORDER BY id LIMIT $7"
    ),
    types: PAGE,
};
pub(super) static OF_TOOL: Statement = Statement {
    text: concat!(
        "SELECT version, record FROM {s}.grants WHERE tenant = $1 AND tool = $2 \
         AND id > $4::text::uuid AND ($3::text IS NULL OR principal = $3) \
         AND (NOT $5 OR (NOT revoked AND ",
        ends_later!(),
        ")) ORDER BY id LIMIT $7"
    ),
    types: PAGE,
};
// Grants whose expiry has passed are skipped in the index, without being read.
pub(super) static LIVE: Statement = Statement {
    text: concat!(
        "SELECT version, record FROM {s}.grants WHERE tenant = $1 AND tool = $2 AND principal = $3 \
         AND id > $4::text::uuid AND NOT revoked AND $5 AND ",
        ends_later!(),
        " ORDER BY id LIMIT $7"
    ),
    types: PAGE,
};
static ENDED: Statement = Statement {
    text: "SELECT version, record, n, ends FROM {s}.grants WHERE ends < $1 AND ends >= $3 \
           AND (ends > $3 OR n > $4) ORDER BY ends, n LIMIT $2 FOR UPDATE",
    types: &[Type::INT8, Type::INT8, Type::INT8, Type::INT8],
};
static THEIRS: Statement = Statement {
    text: "SELECT version, record, n, ends FROM {s}.grants WHERE tenant = $1 AND principal = $2 \
           ORDER BY id FOR UPDATE",
    types: &[Type::TEXT, Type::TEXT],
};
static FORGET: Statement =
    Statement { text: "DELETE FROM {s}.grants WHERE n = ANY ($1)", types: &[Type::INT8_ARRAY] };

/// The statements of this module.
pub(super) const ALL: &[&Statement] =
    &[&BY_ID, &SAVE, &LOCK, &UPDATE, &OF_TENANT, &OF_TOOL, &LIVE, &ENDED, &THEIRS, &FORGET];

/// Returns a grant of this tenant.
pub(super) async fn get(
    on: &Database,
    tenant: &Tenant,
    id: GrantId,
) -> Result<Option<GrantRecord>, Fault> {
    let rows = on.read(&BY_ID, &[&storable(tenant.as_str()), &id.to_string()]).await?;
    rows.first().map(stored).transpose()
}

/// Saves a new grant. An existing one stays as it is; a repetition finds the grant that was saved.
pub(super) async fn save(on: &Shared, grant: GrantRecord) -> Result<GrantRecord, Fault> {
    let now = match &on.clock {
        Some(clock) => clock.now(),
        None => query::now(&on.database).await?,
    };
    let record = grant.stamped(now);
    let (grant, id) = (&record.grant, record.id());
    let given: [&(dyn ToSql + Sync); 8] = [
        &id.to_string(),
        &storable(grant.tenant.as_str()),
        &storable(&grant.tool),
        &storable(grant.principal.as_str()),
        &record.version.cast_signed(),
        &record.revoked.is_some(),
        &ends(&record),
        &encode(&record)?,
    ];
    on.database.read(&SAVE, &given).await?;
    let saved = get(&on.database, &grant.tenant, id).await?;
    saved.ok_or(Fault::Damaged("a new grant's id is taken"))
}

/// Locks grants of this tenant until the end of the transaction. Returns those that exist.
pub(super) async fn lock(
    tx: &Tx<'_>,
    tenant: &Tenant,
    ids: impl IntoIterator<Item = GrantId>,
) -> Result<GrantUpdates, Fault> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return Ok(GrantUpdates::new());
    }
    let rows = tx.send(&LOCK, &[&storable(tenant.as_str()), &ids]).await?;
    rows.iter().map(|row| stored(row).map(|record| (record.id(), record))).collect()
}

/// Writes the next version of a locked grant.
pub(super) async fn update(
    tx: &Tx<'_>,
    next: &GrantRecord,
    from: &GrantRecord,
) -> Result<(), Fault> {
    let given: [&(dyn ToSql + Sync); 7] = [
        &storable(next.grant.tenant.as_str()),
        &next.id().to_string(),
        &from.version.cast_signed(),
        &next.version.cast_signed(),
        &next.revoked.is_some(),
        &ends(next),
        &encode(next)?,
    ];
    let rows = tx.send(&UPDATE, &given).await?;
    if one(&rows)?.try_get::<_, i64>(0)? == 1 {
        Ok(())
    } else {
        Err(Fault::Damaged("a grant's version differs"))
    }
}

/// The revocation of a grant.
pub(super) struct Revoke<'a> {
    pub(super) on: &'a Shared,
    pub(super) tenant: &'a Tenant,
    pub(super) id: GrantId,
    pub(super) by: &'a Principal,
    pub(super) reason: Option<&'a str>,
}

impl Revoke<'_> {
    /// Revokes the grant. Waits for the claims that are drawing on it now; no later claim does.
    pub(super) async fn run_until_known(&self) -> Result<Option<GrantRecord>, StoreError> {
        let on = &self.on.database;
        let (mut retry, mut unclear) = (on.retry(), false);
        loop {
            // The first revocation counts, so a repetition returns the grant as it is.
            let fault = match run(on, self).await {
                Ok(Attempt::Done(answer)) => return Ok(answer),
                Ok(Attempt::Unclear) => {
                    unclear = true;
                    None
                }
                Err(fault) => Some(fault),
            };
            let may_pass = fault.as_ref().is_none_or(Fault::is_passing);
            if !may_pass || !retry.wait().await {
                let error = fault.filter(|_| !unclear).map(|fault| on.error(fault));
                return Err(error.unwrap_or_else(|| ambiguous(&on.place)));
            }
        }
    }
}

#[async_trait]
impl TransactionBody for Revoke<'_> {
    type Answer = Option<GrantRecord>;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Self::Answer>, Fault> {
        let locked = lock(tx, self.tenant, [self.id]).await?;
        let Some(record) = locked.into_values().next() else {
            return Ok(Completion::Nothing(None));
        };
        let now = query::now_within(tx).await?;
        match record.revoke(self.by, self.reason, self.on.now_of(now)) {
            None => Ok(Completion::Nothing(Some(record))),
            Some(next) => {
                update(tx, &next, &record).await?;
                Ok(Completion::Commit(Some(next)))
            }
        }
    }
}

/// Returns a page of a tenant's grants, in the order in which they were given.
pub(super) async fn page(
    on: &Shared,
    tenant: &Tenant,
    page: &GrantQuery,
) -> Result<Vec<GrantRecord>, Fault> {
    let tool = page.tool.as_deref().map(storable);
    let principal = page.principal.as_ref().map(|who| storable(who.as_str()));
    let sql = match (&tool, &principal, page.live) {
        (Some(_), Some(_), true) => &LIVE,
        (Some(_), _, _) => &OF_TOOL,
        (None, _, _) => &OF_TENANT,
    };
    let after = page.after.map_or_else(|| NOBODY.to_owned(), |id| id.to_string());
    let now = on.clock.as_ref().map(|clock| clock.now().as_millis());
    let given: [&(dyn ToSql + Sync); 7] = [
        &storable(tenant.as_str()),
        &tool,
        &principal,
        &after,
        &page.live,
        &now,
        &count(page.limit),
    ];
    on.database.read(sql, &given).await?.iter().map(stored).collect()
}

/// A text that sorts before every id.
pub(super) const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The number of grants that are examined in one transaction.
const BATCH: i64 = 200;

/// Forgets the grants that ended before `before` and that no hold covers.
pub(super) async fn forget(on: &Database, before: Timestamp) -> Result<(), Fault> {
    let mut place = Some((i64::MIN, i64::MIN));
    while let Some(after) = place {
        place = run_until_known(on, &Ended { before, after }).await?;
    }
    Ok(())
}

/// Forgets the grants of a principal that have ended and that no hold covers. Returns their number.
pub(super) async fn forget_of(
    on: &Shared,
    tenant: &Tenant,
    principal: &Principal,
) -> Result<u64, Fault> {
    let now = match &on.clock {
        Some(clock) => clock.now(),
        None => query::now(&on.database).await?,
    };
    run_until_known(&on.database, &Theirs { tenant, principal, now }).await
}

struct Ended {
    before: Timestamp,
    after: (i64, i64),
}

#[async_trait]
impl TransactionBody for Ended {
    type Answer = Option<(i64, i64)>;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Self::Answer>, Fault> {
        let holds = holds::for_erasing(tx).await?;
        let given: super::statement::Params<'_> =
            &[&self.before.as_millis(), &BATCH, &self.after.0, &self.after.1];
        let rows = tx.send(&ENDED, given).await?;
        let mut gone: Vec<i64> = Vec::new();
        for row in &rows {
            if holds.on_grant(&stored(row)?).is_none() {
                gone.push(row.try_get(2)?);
            }
        }
        tx.send(&FORGET, &[&gone]).await?;
        let last = rows.last().filter(|_| rows.len() as u64 == BATCH.cast_unsigned());
        let place = |row: &Row| Ok::<_, Fault>((row.try_get(3)?, row.try_get(2)?));
        Ok(Completion::Commit(last.map(place).transpose()?))
    }
}

struct Theirs<'g> {
    tenant: &'g Tenant,
    principal: &'g Principal,
    now: Timestamp,
}

#[async_trait]
impl TransactionBody for Theirs<'_> {
    type Answer = u64;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<u64>, Fault> {
        let holds = holds::for_erasing(tx).await?;
        let given = (storable(self.tenant.as_str()), storable(self.principal.as_str()));
        let mut gone: Vec<i64> = Vec::new();
        for row in &tx.send(&THEIRS, &[&given.0, &given.1]).await? {
            let record = stored(row)?;
            if record.ended_before(self.now) && holds.on_grant(&record).is_none() {
                gone.push(row.try_get(2)?);
            }
        }
        tx.send(&FORGET, &[&gone]).await?;
        Ok(Completion::Commit(gone.len() as u64))
    }
}

/// Returns the time at which a grant ends or ended, in milliseconds.
pub(super) fn ends(record: &GrantRecord) -> i64 {
    let revoked = record.revoked.as_ref().map(|revoked| revoked.at);
    let ends = revoked.into_iter().chain(record.grant.until).min();
    ends.map_or(i64::MAX, Timestamp::as_millis)
}

pub(super) fn encode(record: &GrantRecord) -> Result<String, Fault> {
    serde_json::to_string(record).map_err(|_| Fault::Damaged("a record cannot be written as JSON"))
}

fn stored(row: &Row) -> Result<GrantRecord, Fault> {
    parse(row.try_get(1)?, row.try_get(0)?)
}

/// Parses a record, which must have the version of its row.
pub(super) fn parse(text: &str, version: i64) -> Result<GrantRecord, Fault> {
    let record: GrantRecord =
        serde_json::from_str(text).map_err(|_| Fault::Damaged("a grant's record"))?;
    if record.version == version.cast_unsigned() {
        Ok(record)
    } else {
        Err(Fault::Damaged("a grant's version differs"))
    }
}
