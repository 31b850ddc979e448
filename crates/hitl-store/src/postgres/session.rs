//! Sessions and their leases, in the database's time, with epochs.
//!
//! A session is a row with a lease that its holder renews. Everybody else judges it by the
//! database's clock alone. Each claim carries the epoch of the lease under which it was made: once
//! a lease has expired, the claims made under it are dead for good, and the holder continues under
//! the next epoch, so that an outage costs only the claims it interrupted and not the executor.
//!
//! A holder fences itself at half its lease, by its own clock, counted from before it asked for the
//! renewal: from then on it claims nothing, although others consider it dead only at the lease's
//! end. The statement that claims checks the lease once more, for holders whose clock stood still.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hitl_base::sync::lock;
use hitl_core::{HostKeys, KeyId, SessionId, StoreError};
use tokio::sync::Mutex as AsyncMutex;
use tokio_postgres::types::Type;

use super::database::Database;
use super::error::{Fault, fenced};
use super::seal_check;
use super::statement::Statement;
use super::watch::DropSignal;
use crate::failpoint::reach;

static OPEN: Statement = Statement {
    text: "WITH sealer AS (INSERT INTO {s}.meta VALUES ('sealer.' || $1, $4) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value) \
           INSERT INTO {s}.sessions AS s (id, epoch, lease_until) \
           VALUES ($1::text::uuid, $2, clock_timestamp() + $3 * interval '1 millisecond') \
           ON CONFLICT (id) DO UPDATE SET epoch = s.epoch + 1, lease_until = excluded.lease_until \
           RETURNING epoch",
    types: &[Type::TEXT, Type::INT8, Type::FLOAT8, Type::TEXT],
};
static RENEW: Statement = Statement {
    text: "UPDATE {s}.sessions s SET lease_until = clock_timestamp() + $3 * interval '1 millisecond' \
           FROM unnest($1::text[], $2::bigint[]) AS own (id, epoch) \
           WHERE s.id = own.id::uuid AND s.epoch = own.epoch AND s.lease_until > clock_timestamp() \
           RETURNING s.id::text",
    types: &[Type::TEXT_ARRAY, Type::INT8_ARRAY, Type::FLOAT8],
};
static CLOSE: Statement = Statement {
    text: "WITH sealer AS (DELETE FROM {s}.meta \
             WHERE name = ANY (ARRAY(SELECT 'sealer.' || unnest($1::text[])))) \
           DELETE FROM {s}.sessions WHERE id = ANY ($1::text[]::uuid[])",
    types: &[Type::TEXT_ARRAY],
};
static ALIVE: Statement = Statement {
    text: "SELECT FROM {s}.sessions WHERE id = $1::text::uuid AND epoch = $2 \
           AND lease_until > clock_timestamp()",
    types: &[Type::TEXT, Type::INT8],
};
// A session without a row is as dead as one whose lease has expired.
static TIDY: Statement = Statement {
    text: "WITH sealer AS (DELETE FROM {s}.meta m WHERE m.name LIKE 'sealer.%' AND NOT EXISTS ( \
             SELECT FROM {s}.sessions s WHERE m.name = 'sealer.' || s.id::text)) \
           DELETE FROM {s}.sessions WHERE lease_until < clock_timestamp() - interval '1 day'",
    types: &[],
};
// A session that names no key is from an older version.
static UNDER_OTHER_KEYS: Statement = Statement {
    text: "SELECT count(*) FROM {s}.sessions s WHERE s.lease_until > clock_timestamp() \
           AND NOT EXISTS (SELECT FROM {s}.meta m \
             WHERE m.name = 'sealer.' || s.id::text AND m.value = $1)",
    types: &[Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&OPEN, &RENEW, &CLOSE, &ALIVE, &TIDY, &UNDER_OTHER_KEYS];

/// The number of renewals per lease duration.
const RENEWALS: u32 = 6;

/// The sessions of one store.
pub(super) struct Sessions {
    own: Mutex<HashMap<SessionId, Lease>>,
    /// Held while rows change, so that no closed session is opened again.
    changing: AsyncMutex<()>,
    length: Duration,
    /// The keys of this store. Each session's row names the current one, so that others see it.
    keys: HostKeys,
}

#[derive(Clone, Copy)]
struct Lease {
    epoch: i64,
    fenced_at: Instant,
}

impl Sessions {
    /// Creates an empty set of sessions, with leases of this length, for a store with these keys.
    pub(super) fn new(length: Duration, keys: HostKeys) -> Self {
        Self { own: Mutex::default(), changing: AsyncMutex::default(), length, keys }
    }

    /// Opens a session of this store.
    pub(super) async fn open(&self, on: &Database) -> Result<SessionId, Fault> {
        on.read(&TIDY, &[]).await?;
        let session = SessionId::new();
        let _changing = self.changing.lock().await;
        let lease = self.lease(on, session, 1).await?;
        self.own().insert(session, lease);
        reach("session-opened");
        Ok(session)
    }

    /// Closes a session of this store. Sessions of others are left alone.
    pub(super) async fn close(&self, on: &Database, session: SessionId) -> Result<(), Fault> {
        let _changing = self.changing.lock().await;
        if self.own().contains_key(&session) {
            on.read(&CLOSE, &[&vec![session.to_string()]]).await?;
            self.own().remove(&session);
        }
        Ok(())
    }

    /// Returns the epoch to claim under. Fails while this store may not claim.
    pub(super) fn epoch(&self, session: SessionId) -> Result<i64, StoreError> {
        let lease = self.own().get(&session).copied();
        lease
            .filter(|lease| Instant::now() < lease.fenced_at)
            .map(|lease| lease.epoch)
            .ok_or_else(|| fenced("the database"))
    }

    /// Fails if the lease has expired, which may be why a claim was not written.
    pub(super) async fn check(
        &self,
        on: &Database,
        session: SessionId,
        epoch: i64,
    ) -> Result<(), StoreError> {
        let given = (session.to_string(), epoch);
        let rows = on.read(&ALIVE, &[&given.0, &given.1]).await;
        if rows.map_err(|fault| on.error(fault))?.is_empty() {
            return Err(fenced(&on.place));
        }
        Ok(())
    }

    /// Returns whether this store has sessions and all their leases may have expired: others may
    /// have retired its key meanwhile.
    pub(super) fn is_fenced(&self) -> bool {
        let own = self.own();
        !own.is_empty() && own.values().all(|lease| Instant::now() >= lease.fenced_at)
    }

    /// Renews all leases; those that have expired begin their next epoch, while this store may
    /// still seal under its key.
    async fn renew(&self, on: &Database) -> Result<(), StoreError> {
        let error = |fault| on.error(fault);
        let _changing = self.changing.lock().await;
        let held: Vec<(SessionId, Lease)> =
            self.own().iter().map(|(id, lease)| (*id, *lease)).collect();
        if held.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = held.iter().map(|(id, _)| id.to_string()).collect();
        let epochs: Vec<i64> = held.iter().map(|(_, lease)| lease.epoch).collect();
        let asked = Instant::now();
        let rows = on.send(&RENEW, &[&ids, &epochs, &self.millis()]).await.map_err(error)?;
        reach("leases-renewed");
        let mut renewed = Vec::with_capacity(rows.len());
        for row in &rows {
            renewed.push(row.try_get::<_, String>(0).map_err(|e| on.error(e.into()))?);
        }
        for ((session, lease), id) in held.into_iter().zip(ids) {
            if renewed.contains(&id) {
                let fenced_at = asked + self.length / 2;
                self.own().insert(session, Lease { fenced_at, ..lease });
            } else {
                tracing::warn!(%session, "a lease ran out; what was claimed under it is lost");
                self.own().insert(session, Lease { fenced_at: asked, ..lease });
                // Before the lease is taken, so that a store that may not seal does not appear
                // alive each time.
                seal_check::check_may_seal(on, &self.keys).await?;
                let next = self.lease(on, session, lease.epoch + 1).await.map_err(error)?;
                reach("lease-taken-again");
                // And after it, as when a session is opened: either the process that retires the
                // key sees the lease, or this store sees that the key is retired.
                if let Err(retired) = seal_check::check_may_seal(on, &self.keys).await {
                    on.read(&CLOSE, &[&vec![id]]).await.map_err(error)?;
                    return Err(retired);
                }
                self.own().insert(session, next);
            }
        }
        Ok(())
    }

    /// Takes a lease. It counts once the caller has recorded it.
    async fn lease(&self, on: &Database, session: SessionId, epoch: i64) -> Result<Lease, Fault> {
        let asked = Instant::now();
        let given =
            (session.to_string(), epoch, self.millis(), self.keys.current().id().to_string());
        let rows = on.read(&OPEN, &[&given.0, &given.1, &given.2, &given.3]).await?;
        let epoch = super::row::one(&rows)?.try_get(0)?;
        Ok(Lease { epoch, fenced_at: asked + self.length / 2 })
    }

    fn millis(&self) -> f64 {
        self.length.as_secs_f64() * 1000.0
    }

    fn own(&self) -> MutexGuard<'_, HashMap<SessionId, Lease>> {
        // Each critical section is one map operation, so a panic cannot leave it half done.
        lock(&self.own)
    }
}

/// Returns the number of live sessions that seal under a key other than this one.
pub(super) async fn under_other_keys(on: &Database, key: KeyId) -> Result<u64, Fault> {
    let rows = on.read(&UNDER_OTHER_KEYS, &[&key.to_string()]).await?;
    Ok(super::row::one(&rows)?.try_get::<_, i64>(0)?.cast_unsigned())
}

/// Renews the leases until the store is dropped, and then closes them.
pub(super) async fn keep(sessions: Arc<Sessions>, on: Arc<Database>, mut dropped: DropSignal) {
    let mut every = tokio::time::interval(sessions.length / RENEWALS);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = dropped.wait() => break,
            _ = every.tick() => {}
        }
        tokio::select! {
            () = dropped.wait() => break,
            renewed = sessions.renew(&on) => if let Err(error) = renewed {
                tracing::warn!(%error, "the leases of this process could not be renewed");
            }
        }
    }
    let open: Vec<String> = sessions.own().keys().map(ToString::to_string).collect();
    if !open.is_empty() && on.read(&CLOSE, &[&open]).await.is_err() {
        tracing::warn!("the sessions of a dropped store end with their leases");
    }
}
