//! The statements that write a call, and their input: a new call, or the next version of one.
//!
//! Each checks its preconditions: that the call is still the one that was seen, that it is not too
//! late, and for a claim that the lease lasts and the freezes are those that it was judged by. A
//! decision that another call has is a duplicate row, so the whole statement fails; the next read
//! tells why.

use hitl_base::Timestamp;
use hitl_core::machine::{CallRecord, Event, HistoryEntry, NewCall};
use hitl_core::queue::rank;
use hitl_core::seal::Sealed;
use hitl_core::store::{EventPayload, StoreError};
use hitl_core::{SessionId, Tenant};
use tokio_postgres::types::{ToSql, Type};

use super::error::Fault;
use super::row::{StoredCall, storable};
use super::shared::Shared;
use super::statement::Statement;
use super::transaction::{WriteOutcome, WriteTarget};

/// The time, in microseconds, for which a read may be relied upon.
pub(super) const READ_VALIDITY_MICROS: i64 = 2_000_000;

/// The number of times that a submission may find its key free and yet not be written.
pub(super) const MAX_MISSES: u32 = 20;

/// The turn of a call that begins to wait, as [`turn`](hitl_core::queue::turn) defines it: after
/// the principal's own last one, or at the head of the queue. Two that come at the very same moment
/// may share one.
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

static INSERT: Statement = Statement {
    text: concat!(
        "WITH fresh AS ( \
             INSERT INTO {s}.calls (id, tenant, run, position, content, state, version, tool, \
               priority, created_at, due_at, expires_at, updated_at, claimant, epoch, record, \
               principal, level, rank, turn, root, attachable) \
             SELECT $1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
               $14::text::uuid, $15, $16, $21, $22, $23, \
               CASE WHEN $6 = 'pending' THEN ",
        turn!("$2", "$21", "$23"),
        " ELSE 0 END, $26, $31 \
             WHERE (extract(epoch FROM clock_timestamp()) * 1000000)::bigint < $17 \
               AND (extract(epoch FROM clock_timestamp()) * 1000000)::bigint >= $28 \
               AND NOT EXISTS (SELECT FROM {s}.calls k \
                 WHERE k.tenant = $2 AND k.run = $3 AND k.position = $4) \
               AND ($29::bigint IS NULL OR $29 >= coalesce((SELECT m.value::bigint FROM {s}.meta m \
                 WHERE m.name = 'runs_forgotten_before'), $29)) \
               AND ($14::text IS NULL OR EXISTS (SELECT FROM {s}.sessions s \
                 WHERE s.id = $14::text::uuid AND s.epoch = $15 \
                   AND s.lease_until > clock_timestamp())) \
               AND ($14::text IS NULL OR {s}.freezes() = $30) \
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
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
    ],
};
static UPDATE: Statement = Statement {
    text: concat!(
        "WITH moved AS ( \
             UPDATE {s}.calls SET state = $4, version = $5, priority = $6, due_at = $7, \
               expires_at = $8, updated_at = $9, claimant = $10::text::uuid, epoch = $11, \
               record = $12, level = $20, rank = $21, principal = $22, attachable = $28, \
               turn = CASE WHEN $4 = 'pending' AND (state <> 'pending' OR rank <> $21) THEN ",
        turn!("$1", "$22", "$21"),
        " ELSE turn END \
             WHERE id = $2::text::uuid AND (tenant = $1) IS TRUE AND version = $3 \
               AND updated_at = $24 \
               AND (extract(epoch FROM clock_timestamp()) * 1000000)::bigint < $13 \
               AND (extract(epoch FROM clock_timestamp()) * 1000000)::bigint >= $25 \
               AND (NOT $14 OR EXISTS (SELECT FROM {s}.sessions s \
                 WHERE s.id = $10::text::uuid AND s.epoch = $11 \
                   AND s.lease_until > clock_timestamp())) \
               AND (NOT $14 OR {s}.freezes() = $27) \
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
             SELECT n, $5, $23::text::uuid FROM moved WHERE $23::text IS NOT NULL), \
           counted AS (INSERT INTO {s}.decisions (id, call) \
             SELECT $26::text::uuid, n FROM moved WHERE $26::text IS NOT NULL \
               AND NOT EXISTS (SELECT FROM {s}.decisions d \
                 WHERE d.id = $26::text::uuid AND d.call = moved.n)) \
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
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::BOOL,
    ],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&INSERT, &UPDATE];

/// The next version of a record, and the preconditions of its write.
pub(super) struct UpdateCall {
    /// The former version, and the time at which it was written.
    from: (u64, Timestamp),
    pub(super) next: CallRecord,
    pub(super) epoch: Option<i64>,
    /// The time of the judgement, in microseconds.
    since: i64,
    /// The time from which it is too late to write this version.
    pub(super) until: i64,
    /// The freezes that a claim was judged by; empty if nothing was frozen yet.
    freezes: String,
}

impl UpdateCall {
    pub(super) fn new(
        on: &Shared,
        stored: &StoredCall,
        next: CallRecord,
        event: &Event,
    ) -> Result<Self, StoreError> {
        let epoch = match event {
            Event::Claim { session, .. } => Some(on.sessions.epoch(*session)?),
            _ => stored.epoch.filter(|_| next.claim().is_some()),
        };
        let mut until = stored.read_at.saturating_add(READ_VALIDITY_MICROS);
        let judged_by_expiry = matches!(
            event,
            Event::Decide(_)
                | Event::Edit(_)
                | Event::ApproveByGrant { .. }
                | Event::Claim { .. }
                | Event::RetryIdempotent { .. }
        );
        if judged_by_expiry && on.clock.is_none() {
            let expires_at = stored.record.request().expires_at.as_millis();
            until = until.min(expires_at.saturating_mul(1000));
        }
        let from = (stored.record.version(), stored.record.updated_at());
        let freezes = stored.freezes.clone().unwrap_or_default();
        Ok(Self { from, next, epoch, since: stored.read_at, until, freezes })
    }

    pub(super) async fn write(
        &self,
        way: &WriteTarget<'_>,
        tenant: &Tenant,
        event: &Event,
        enclosed: &EventPayload,
        write: SessionId,
    ) -> Result<WriteOutcome, Fault> {
        let (next, request) = (&self.next, self.next.request());
        let entry = HistoryEntry::of(event, next);
        let (record, entry) = (encode(next)?, encode(&entry)?);
        let session = next.claim().map(|claim| claim.session.to_string());
        let auditor = enclosed.auditor.filter(|_| event.is_audited());
        let given: [&(dyn ToSql + Sync); 28] = [
            &storable(tenant.as_str()),
            &next.id().to_string(),
            &self.from.0.cast_signed(),
            &next.state().name(),
            &next.version().cast_signed(),
            &request.priority.name(),
            &request.due_at.as_millis(),
            &request.expires_at.as_millis(),
            &next.updated_at().as_millis(),
            &session,
            &self.epoch,
            &record,
            &self.until,
            &matches!(event, Event::Claim { .. }),
            &enclosed.result.as_ref().map(Sealed::as_bytes),
            &next.state().is_terminal(),
            &write.to_string(),
            &entry,
            &enclosed
                .payload
                .as_ref()
                .filter(|_| !next.state().is_terminal())
                .map(Sealed::as_bytes),
            &request.level.name(),
            &rank(request.priority),
            &storable(request.principal.as_str()),
            &auditor.map(|session| session.to_string()),
            &self.from.1.as_millis(),
            &self.since,
            &event.decision().map(|id| id.to_string()),
            &self.freezes,
            &next.is_attachable(),
        ];
        way.write(&UPDATE, &given).await
    }
}

/// A new call, and the preconditions of its write.
pub(super) struct InsertCall<'a> {
    pub(super) record: &'a CallRecord,
    pub(super) call: &'a NewCall,
    pub(super) epoch: Option<i64>,
    pub(super) payload: &'a Sealed,
    /// The time of the stamp, in microseconds.
    pub(super) since: i64,
    /// The time from which it is too late to write this call.
    pub(super) until: i64,
    /// The freezes that a start was judged by.
    pub(super) freezes: Option<&'a str>,
    pub(super) write: SessionId,
}

impl InsertCall<'_> {
    pub(super) async fn write(&self, way: &WriteTarget<'_>) -> Result<WriteOutcome, Fault> {
        let Self { record, call, epoch, payload, since, until, freezes, write } = self;
        let (caps, auditor) = (call.caps(), call.auditor());
        let (request, key) = (record.request(), record.key());
        let (text, entry) =
            (encode(record)?, encode(&HistoryEntry::new("submitted", record, None))?);
        let payload = Some(payload.as_bytes()).filter(|_| !record.state().is_terminal());
        let given: [&(dyn ToSql + Sync); 31] = [
            &record.id().to_string(),
            &storable(key.tenant.as_str()),
            &storable(key.run.as_str()),
            &key.position.cast_signed(),
            &record.content().to_string(),
            &record.state().name(),
            &record.version().cast_signed(),
            &storable(&request.tool),
            &request.priority.name(),
            &request.created_at.as_millis(),
            &request.due_at.as_millis(),
            &request.expires_at.as_millis(),
            &record.updated_at().as_millis(),
            &record.claim().map(|claim| claim.session.to_string()),
            epoch,
            &text,
            until,
            &payload,
            &write.to_string(),
            &entry,
            &storable(request.principal.as_str()),
            &request.level.name(),
            &rank(request.priority),
            &caps.principal.map(i64::from),
            &caps.tenant.map(i64::from),
            &storable(record.context().root_of(&key.run).as_str()),
            &auditor.map(|session| session.to_string()),
            since,
            &key.run.began().map(Timestamp::as_millis),
            &freezes.unwrap_or_default(),
            &record.is_attachable(),
        ];
        way.write(&INSERT, &given).await
    }
}

fn encode<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Damaged("a record cannot be written as JSON"))
}
