//! Legal holds.
//!
//! Every transaction that erases or forgets takes a shared lock and reads the holds under it.
//! Placing a hold takes the same lock exclusively: once a hold is placed, no transaction is erasing
//! that has not read it.

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::store::{Hold, HoldScope, Holds, StoreError};
use hitl_core::{HoldId, Tenant};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::database::Database;
use super::error::{Fault, ambiguous, unreachable};
use super::query;
use super::row::storable;
use super::shared::Shared;
use super::statement::Statement;
use super::transaction::{Attempt, Completion, TransactionBody, Tx, run};
use crate::failpoint::reach;

static SHARE: Statement = Statement {
    text: "SELECT pg_advisory_xact_lock_shared(hashtextextended('hitl holds {s}', 0))",
    types: &[],
};
static EXCLUDE: Statement = Statement {
    text: "SELECT pg_advisory_xact_lock(hashtextextended('hitl holds {s}', 0))",
    types: &[],
};
static PLACE: Statement = Statement {
    text: "INSERT INTO {s}.holds (id, tenant, scope, call, record) \
           VALUES ($1::text::uuid, $2, $3, $4::text::uuid, $5) ON CONFLICT (id) DO NOTHING",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT],
};
static ONE: Statement = Statement {
    text: "SELECT record FROM {s}.holds WHERE id = $1::text::uuid AND tenant = $2",
    types: &[Type::TEXT, Type::TEXT],
};
static EVERY: Statement =
    Statement { text: "SELECT record FROM {s}.holds ORDER BY id", types: &[] };
static RELEASE: Statement =
    Statement { text: "DELETE FROM {s}.holds WHERE id = $1::text::uuid", types: &[Type::TEXT] };

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&SHARE, &EXCLUDE, &PLACE, &ONE, &EVERY, &RELEASE];

/// Returns the holds, for a transaction that erases: none is placed until it ends.
pub(super) async fn for_erasing(tx: &Tx<'_>) -> Result<Holds, Fault> {
    tx.send(&SHARE, &[]).await?;
    read(&tx.send(&EVERY, &[]).await?).map(Holds::new)
}

/// Returns every hold.
pub(super) async fn all(on: &Database) -> Result<Vec<Hold>, Fault> {
    read(&on.read(&EVERY, &[]).await?)
}

/// Parses the holds. A hold that cannot be read may cover anything: nothing is erased then.
fn read(rows: &[Row]) -> Result<Vec<Hold>, Fault> {
    let hold = |row: &Row| {
        serde_json::from_str(row.try_get(0)?).map_err(|_| Fault::Damaged("a legal hold"))
    };
    rows.iter().map(hold).collect()
}

/// Places a hold. Placing the same hold again changes nothing.
pub(super) async fn place(on: &Shared, hold: Hold) -> Result<Hold, StoreError> {
    let now = match &on.clock {
        Some(clock) => clock.now(),
        None => query::now(&on.database).await.map_err(|fault| on.database.error(fault))?,
    };
    // The hold is found if it was placed already, so an unclear attempt is repeated.
    run_until_certain(on, &Place { hold: &hold, now }).await
}

/// Releases a hold. Returns the hold as it was.
pub(super) async fn release(
    on: &Shared,
    tenant: &Tenant,
    id: HoldId,
) -> Result<Option<Hold>, StoreError> {
    run_until_certain(on, &Release { tenant, id }).await
}

async fn run_until_certain<W: TransactionBody>(
    on: &Shared,
    work: &W,
) -> Result<W::Answer, StoreError> {
    let mut retry = on.database.retry();
    let mut unclear = false;
    loop {
        let fault = match run(&on.database, work).await {
            // A hold that an unclear attempt has released is no longer there to be returned.
            Ok(Attempt::Done(_)) if unclear && work.answers_once() => {
                return Err(ambiguous(&on.database.place));
            }
            Ok(Attempt::Done(answer)) => return Ok(answer),
            Ok(Attempt::Unclear) => {
                unclear = true;
                None
            }
            Err(failed) if failed.is_passing() => Some(failed),
            Err(failed) => return Err(on.reading_failed(failed, unclear)),
        };
        if !retry.wait().await {
            let place = &on.database.place;
            let error = fault.map_or_else(|| unreachable(place), |f| on.database.error(f));
            return Err(on.known_or_ambiguous(error, unclear));
        }
    }
}

struct Place<'h> {
    hold: &'h Hold,
    now: Timestamp,
}

#[async_trait]
impl TransactionBody for Place<'_> {
    type Answer = Hold;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Hold>, Fault> {
        let placed = self.hold.clone().stamped(self.now);
        let (scope, call) = match &placed.scope {
            HoldScope::Call(id) => ("call", Some(id.to_string())),
            HoldScope::Principal(_) => ("principal", None),
            _ => ("tenant", None),
        };
        let record = serde_json::to_string(&placed);
        let record = record.map_err(|_| Fault::Damaged("a record cannot be written as JSON"))?;
        let (id, tenant) = (placed.id.to_string(), storable(placed.tenant.as_str()));
        tx.send(&EXCLUDE, &[]).await?;
        reach("holds-locked");
        let given: [&(dyn ToSql + Sync); 5] = [&id, &tenant, &scope, &call, &record];
        tx.send(&PLACE, &given).await?;
        let stored = read(&tx.send(&ONE, &[&id, &tenant]).await?)?.pop();
        Ok(Completion::Commit(stored.ok_or(Fault::Damaged("a hold's tenant differs"))?))
    }
}

struct Release<'h> {
    tenant: &'h Tenant,
    id: HoldId,
}

#[async_trait]
impl TransactionBody for Release<'_> {
    type Answer = Option<Hold>;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Option<Hold>>, Fault> {
        let (id, tenant) = (self.id.to_string(), storable(self.tenant.as_str()));
        let Some(hold) = read(&tx.send(&ONE, &[&id, &tenant]).await?)?.pop() else {
            return Ok(Completion::Nothing(None));
        };
        tx.send(&RELEASE, &[&id]).await?;
        Ok(Completion::Commit(Some(hold)))
    }

    fn answers_once(&self) -> bool {
        true
    }
}
