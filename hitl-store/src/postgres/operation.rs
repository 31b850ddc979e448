//! What can be written: a submission, and an event applied to a call.
//!
//! # How
//!
//! Read the record, ask the pure machine, then one statement that changes record, payload, result and
//! history, if the record still has the version that was read. Zero rows mean that somebody was
//! faster: read again. Why not lock the row while thinking: a statement is a transaction of its own,
//! so nobody holds anything while a client thinks, pauses or dies, a pooler may send each statement
//! over another connection, and it takes as many round trips.
//!
//! # What holds
//!
//! - What the machine was told is still true when it is written: the version says that the record is
//!   the same; the statement carries a time, by the database's clock, after which it changes nothing
//!   (two seconds, and never past the expiry that a decision or a claim was judged by); a dead
//!   session stays dead.
//! - A claim is written only while its session's lease lasts, which the same statement checks, and
//!   only by a holder that renewed it in its first half.
//! - Each operation signs its line in the history with an id of its own. After a connection broke,
//!   the line says whether it happened; only when that cannot be read is the answer ambiguous.

use hitl_base::Timestamp;
use hitl_core::machine::{self, CallRecord, Entry, Event, Facts, NewCall, Step, grant_of};
use hitl_core::queue::{Caps, rank};
use hitl_core::seal::Sealed;
use hitl_core::store::{ApplyError, Enclosed, StoreError, Submitted};
use hitl_core::{RequestId, SessionId, Tenant};
use tokio_postgres::types::{ToSql, Type};

use super::database::Sql;
use super::error::{Fault, ambiguous, unreachable};
use super::query::{self, Found, Kept, millis, storable};
use super::queue;
use super::store::Shared;
use super::together;
use super::transaction::Way;
use crate::failpoint::reach;

/// For how long, in microseconds, what was read may be relied upon.
pub(super) const FRESH: i64 = 2_000_000;
/// How often a submission may find its key free and yet not be taken.
pub(super) const MISSES: u32 = 20;

/// The turn of a call that begins to wait, as [`turn`](hitl_core::queue::turn) has it: after the
/// principal's own last one, or where the queue is worked. Two that come at the very same moment may
/// share one.
macro_rules! turn {
    ($tenant:literal, $principal:literal, $rank:literal) => {
        concat!(
            "coalesce((SELECT q.turn + 1 FROM {s}.calls q WHERE q.state = 'pending' AND q.tenant = ",
            $tenant,
            " AND q.principal = ",
            $principal,
            " AND q.rank = ",
            $rank,
            " ORDER BY q.turn DESC LIMIT 1), (SELECT q.turn FROM {s}.calls q \
             WHERE q.state = 'pending' AND q.tenant = ",
            $tenant,
            " AND q.rank = ",
            $rank,
            " ORDER BY q.turn LIMIT 1), 0)"
        )
    };
}

static INSERT: Sql = Sql {
    text: concat!(
        "WITH fresh AS ( \
             INSERT INTO {s}.calls (id, tenant, run, position, content, state, version, tool, \
               priority, created_at, due_at, expires_at, updated_at, session, epoch, record, \
               principal, level, rank, turn, root) \
             SELECT $1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
               $14::text::uuid, $15, $16, $21, $22, $23, \
               CASE WHEN $6 = 'pending' THEN ",
        turn!("$2", "$21", "$23"),
        " ELSE 0 END, $26 \
             WHERE (extract(epoch FROM clock_timestamp()) * 1000000)::bigint < $17 \
               AND ($14::text IS NULL OR EXISTS (SELECT FROM {s}.sessions s \
                 WHERE s.id = $14::text::uuid AND s.epoch = $15 \
                   AND s.lease_until > clock_timestamp())) \
               AND CASE WHEN $24::bigint IS NULL AND $25::bigint IS NULL THEN true \
                 ELSE {s}.has_room($2, $21, $24, $25) END \
             ON CONFLICT DO NOTHING RETURNING n), \
           kept AS (INSERT INTO {s}.payloads (call, sealed) \
             SELECT n, $18 FROM fresh WHERE $18::bytea IS NOT NULL), \
           said AS (INSERT INTO {s}.history (call, version, write, entry) \
             SELECT n, $7, $19::text::uuid, $20 FROM fresh), \
           owed AS (INSERT INTO {s}.unaudited (call, version, auditor) \
             SELECT n, $7, $27::text::uuid FROM fresh WHERE $27::text IS NOT NULL) \
           SELECT count(*) FROM fresh"
    ),
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::BYTEA,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
    ],
};
static UPDATE: Sql = Sql {
    text: concat!(
        "WITH moved AS ( \
             UPDATE {s}.calls SET state = $4, version = $5, priority = $6, due_at = $7, \
               expires_at = $8, updated_at = $9, session = $10::text::uuid, epoch = $11, \
               record = $12, level = $20, rank = $21, principal = $22, \
               turn = CASE WHEN $4 = 'pending' AND (state <> 'pending' OR rank <> $21) THEN ",
        turn!("$1", "$22", "$21"),
        " ELSE turn END \
             WHERE tenant = $1 AND id = $2::text::uuid AND version = $3 \
               AND (extract(epoch FROM clock_timestamp()) * 1000000)::bigint < $13 \
               AND (NOT $14 OR EXISTS (SELECT FROM {s}.sessions s \
                 WHERE s.id = $10::text::uuid AND s.epoch = $11 \
                   AND s.lease_until > clock_timestamp())) \
             RETURNING n), \
           kept AS (INSERT INTO {s}.results (call, sealed) \
             SELECT n, $15 FROM moved WHERE $15::bytea IS NOT NULL \
             ON CONFLICT (call) DO UPDATE SET sealed = excluded.sealed), \
           gone AS (DELETE FROM {s}.payloads p USING moved WHERE p.call = moved.n AND $16), \
           paid AS (INSERT INTO {s}.payloads (call, sealed) \
             SELECT n, $19 FROM moved WHERE $19::bytea IS NOT NULL \
             ON CONFLICT (call) DO UPDATE SET sealed = excluded.sealed), \
           said AS (INSERT INTO {s}.history (call, version, write, entry) \
             SELECT n, $5, $17::text::uuid, $18 FROM moved), \
           owed AS (INSERT INTO {s}.unaudited (call, version, auditor) \
             SELECT n, $5, $23::text::uuid FROM moved WHERE $23::text IS NOT NULL) \
           SELECT count(*) FROM moved"
    ),
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::BOOL,
        Type::BYTEA,
        Type::BOOL,
        Type::TEXT,
        Type::TEXT,
        Type::BYTEA,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
    ],
};

/// The statements here.
pub(super) const ALL: &[&Sql] = &[&INSERT, &UPDATE];

/// What came of one attempt to write.
pub(super) enum Wrote {
    /// It is durable.
    Done,
    /// Somebody was faster, or it came too late: nothing was written.
    Missed,
    /// Nobody knows.
    Unclear,
}

/// Enters a call.
pub(super) async fn submit(
    on: &Shared,
    call: &NewCall,
    payload: &Sealed,
) -> Result<Submitted, StoreError> {
    if call.grant().is_some() {
        return together::submit(on, call, payload).await;
    }
    let mut tries = on.database.tries();
    let (write, mut misses, mut unclear) = (SessionId::new(), 0, false);
    loop {
        let found = query::find(&on.database, call.key()).await;
        let Found { read_at, kept, watermark } =
            found.map_err(|fault| on.reading_failed(fault, unclear))?;
        if let Some(Kept { record, .. }) = kept {
            return Ok(if record.content != call.content() {
                Submitted::Conflict(record.id())
            } else if record.id() == call.id() {
                Submitted::Created(record)
            } else {
                Submitted::Existing(record)
            });
        }
        let began = call.key().run.began();
        if began.is_some() && began < watermark {
            return Err(on.known_or_ambiguous(StoreError::run_forgotten(), unclear));
        }
        let full = queue::broken_cap(&on.database, call).await;
        if let Some(cap) = full.map_err(|fault| on.reading_failed(fault, unclear))? {
            // An earlier attempt of our own may be what has filled it.
            return if unclear {
                Err(ambiguous(&on.database.place))
            } else {
                Ok(Submitted::Full(cap))
            };
        }
        let record = call.stamped(on.now_of(read_at));
        let claim = record.claim.map(|claim| claim.session);
        let epoch = claim.map(|session| on.sessions.epoch(session)).transpose();
        let epoch = epoch.map_err(|error| on.known_or_ambiguous(error, unclear))?;
        let until = read_at + FRESH;
        let way = Way::Alone(&on.database);
        let (caps, auditor) = (call.caps(), call.auditor());
        let new = New { record: &record, caps, auditor, epoch, payload, until, write };
        let attempt = new.write(&way).await;
        match attempt.map_err(|fault| on.reading_failed(fault, unclear))? {
            Wrote::Done => {
                on.changed(record.id());
                return Ok(Submitted::Created(record));
            }
            Wrote::Missed => {
                misses += 1;
                if let Some((session, epoch)) = claim.zip(epoch) {
                    let checked = on.sessions.check(&on.database, session, epoch).await;
                    checked.map_err(|error| on.known_or_ambiguous(error, unclear))?;
                }
                if misses == MISSES {
                    return Err(on.database.error(Fault::Damaged("a new call's id is taken")));
                }
            }
            Wrote::Unclear => {
                unclear = true;
                if !tries.again().await {
                    return Err(ambiguous(&on.database.place));
                }
            }
        }
    }
}

/// Applies an event.
pub(super) async fn apply(
    on: &Shared,
    tenant: &Tenant,
    id: RequestId,
    event: &Event,
    enclosed: &Enclosed,
) -> Result<CallRecord, ApplyError> {
    let mut tries = on.database.tries();
    let (write, mut unclear) = (SessionId::new(), false);
    loop {
        let kept = query::get(&on.database, tenant, id).await;
        let kept = kept.map_err(|fault| on.reading_failed(fault, unclear))?;
        let Some(kept) = kept else { return Err(ApplyError::NotFound(id)) };
        // Asked after the record was read: what was not written then is not in it.
        if unclear && on.has_written(tenant, id, write).await? {
            on.changed(id);
            let kept = query::get(&on.database, tenant, id).await;
            let kept = kept.map_err(|fault| on.reading_failed(fault, true))?;
            return kept.map(|kept| kept.record).ok_or(ApplyError::NotFound(id));
        }
        let now = on.now_of(kept.read_at);
        let facts = Facts { now, claimant_dead: kept.claimant_dead };
        reach("call-read");
        if let Some(grant) = grant_of(&kept.record, event) {
            return together::apply(on, tenant, id, event, enclosed, grant).await;
        }
        let next = match machine::apply(&kept.record, event, facts) {
            Ok(Step::Changed(next)) => enclosed.complete(next),
            Ok(Step::Replayed) => return Ok(kept.record),
            Err(refusal) => {
                return Err(ApplyError::Lost { refusal, current: Box::new(kept.record) });
            }
        };
        let change = Change::new(on, &kept, next, event);
        let change = change.map_err(|error| on.known_or_ambiguous(error, unclear))?;
        let way = Way::Alone(&on.database);
        let attempt = change.write(&way, tenant, event, enclosed, write).await;
        match attempt.map_err(|fault| on.reading_failed(fault, unclear))? {
            Wrote::Done => {
                on.changed(id);
                return Ok(change.next);
            }
            Wrote::Missed => {
                if let Event::Claim { session, .. } = event {
                    let epoch = change.epoch.unwrap_or_default();
                    let checked = on.sessions.check(&on.database, *session, epoch).await;
                    checked.map_err(|error| on.known_or_ambiguous(error, unclear))?;
                }
                if tries.is_over() {
                    let error = unreachable(&on.database.place);
                    return Err(on.known_or_ambiguous(error, unclear).into());
                }
            }
            Wrote::Unclear => {
                unclear = true;
                if !tries.again().await {
                    return Err(ambiguous(&on.database.place).into());
                }
            }
        }
    }
}

/// A record's next version, and on what it rests.
pub(super) struct Change {
    from: u64,
    pub(super) next: CallRecord,
    pub(super) epoch: Option<i64>,
    /// When it is too late to write it, in microseconds.
    pub(super) until: i64,
}

impl Change {
    pub(super) fn new(
        on: &Shared,
        kept: &Kept,
        next: CallRecord,
        event: &Event,
    ) -> Result<Self, StoreError> {
        let epoch = match event {
            Event::Claim { session, .. } => Some(on.sessions.epoch(*session)?),
            _ => kept.epoch.filter(|_| next.claim.is_some()),
        };
        let mut until = kept.read_at.saturating_add(FRESH);
        let judged_by_expiry = matches!(
            event,
            Event::Decide(_)
                | Event::Edit(_)
                | Event::Allow { .. }
                | Event::Claim { .. }
                | Event::TryAgain { .. }
        );
        if judged_by_expiry && on.clock.is_none() {
            let expires_at = kept.record.request.expires_at.as_millis();
            until = until.min(expires_at.saturating_mul(1000));
        }
        Ok(Self { from: kept.record.version, next, epoch, until })
    }

    pub(super) async fn write(
        &self,
        way: &Way<'_>,
        tenant: &Tenant,
        event: &Event,
        enclosed: &Enclosed,
        write: SessionId,
    ) -> Result<Wrote, Fault> {
        let (next, request) = (&self.next, &self.next.request);
        let entry = Entry::of(event.name(), next, event.by().cloned());
        let (record, entry) = (encode(next)?, encode(&entry)?);
        let session = next.claim.map(|claim| claim.session.to_string());
        let auditor = enclosed.auditor.filter(|_| event.is_audited());
        let given: [&(dyn ToSql + Sync); 23] = [
            &storable(tenant.as_str()),
            &next.id().to_string(),
            &self.from.cast_signed(),
            &next.state.name(),
            &next.version.cast_signed(),
            &request.priority.to_string(),
            &request.due_at.as_millis(),
            &request.expires_at.as_millis(),
            &next.updated_at.as_millis(),
            &session,
            &self.epoch,
            &record,
            &self.until,
            &matches!(event, Event::Claim { .. }),
            &enclosed.result.as_ref().map(Sealed::as_bytes),
            &next.state.is_terminal(),
            &write.to_string(),
            &entry,
            &enclosed.payload.as_ref().filter(|_| !next.state.is_terminal()).map(Sealed::as_bytes),
            &request.level.to_string(),
            &rank(request.priority),
            &storable(request.principal.as_str()),
            &auditor.map(|session| session.to_string()),
        ];
        way.write(&UPDATE, &given).await
    }
}

/// A new call, and on what its entering rests.
pub(super) struct New<'a> {
    pub(super) record: &'a CallRecord,
    pub(super) caps: Caps,
    /// Who must audit that it entered.
    pub(super) auditor: Option<SessionId>,
    pub(super) epoch: Option<i64>,
    pub(super) payload: &'a Sealed,
    /// When it is too late to write it, in microseconds.
    pub(super) until: i64,
    pub(super) write: SessionId,
}

impl New<'_> {
    pub(super) async fn write(&self, way: &Way<'_>) -> Result<Wrote, Fault> {
        let Self { record, caps, auditor, epoch, payload, until, write } = self;
        let (request, key) = (&record.request, record.key());
        let (text, entry) = (encode(record)?, encode(&Entry::of("submitted", record, None))?);
        let payload = Some(payload.as_bytes()).filter(|_| !record.state.is_terminal());
        let given: [&(dyn ToSql + Sync); 27] = [
            &record.id().to_string(),
            &storable(key.tenant.as_str()),
            &storable(key.run.as_str()),
            &key.position.cast_signed(),
            &record.content.to_string(),
            &record.state.name(),
            &record.version.cast_signed(),
            &storable(&request.tool),
            &request.priority.to_string(),
            &request.created_at.as_millis(),
            &request.due_at.as_millis(),
            &request.expires_at.as_millis(),
            &record.updated_at.as_millis(),
            &record.claim.map(|claim| claim.session.to_string()),
            epoch,
            &text,
            until,
            &payload,
            &write.to_string(),
            &entry,
            &storable(request.principal.as_str()),
            &request.level.to_string(),
            &rank(request.priority),
            &caps.principal.map(i64::from),
            &caps.tenant.map(i64::from),
            &storable(record.context.root_of(&key.run).as_str()),
            &auditor.map(|session| session.to_string()),
        ];
        way.write(&INSERT, &given).await
    }
}

fn encode<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Damaged("a record cannot be written as JSON"))
}

impl Shared {
    /// The present of the store, at a moment of the database's.
    pub(super) fn now_of(&self, micros: i64) -> Timestamp {
        self.clock.as_ref().map_or_else(|| millis(micros), |clock| clock.now())
    }

    /// Whether a write whose answer was lost has happened.
    async fn has_written(
        &self,
        tenant: &Tenant,
        id: RequestId,
        write: SessionId,
    ) -> Result<bool, StoreError> {
        let written = query::written(&self.database, tenant, id, write).await;
        Ok(written.map_err(|fault| self.reading_failed(fault, true))?.is_some())
    }

    /// A read that failed after a write whose end is not known leaves it unknown.
    pub(super) fn reading_failed(&self, fault: Fault, unclear: bool) -> StoreError {
        self.known_or_ambiguous(self.database.error(fault), unclear)
    }

    /// Whatever goes wrong after a write whose end is not known: that one may still happen.
    pub(super) fn known_or_ambiguous(&self, error: StoreError, unclear: bool) -> StoreError {
        if unclear { ambiguous(&self.database.place) } else { error }
    }
}
