//! The store contract: a store is the only authority on which event won.

use std::path::PathBuf;

use async_trait::async_trait;
use hitl_base::Timestamp;

use super::writers::AuditWriter;
use super::{
    ApplyError, ApplyRequest, ChangeId, ChangeWatch, EffectHolder, Erasable, ErasedCount,
    EventPayload, Executors, GrantQuery, History, Hold, NotErased, PageRequest, SealedPage,
    SealedPart, SealedText, StoreAddress, StoreError, SubmitResult,
};
use crate::audit::ChainHead;
use crate::call::{CallKey, ContentDigest, EffectDigest, Principal, RunId, Tenant, ToolFacts};
use crate::grant::GrantRecord;
use crate::ids::{GrantId, HoldId, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Event, HistoryEntry, NewCall};
use crate::queue::{QueueCounts, QueueEntry, QueueScan};
use crate::seal::{HostKey, HostKeys, KeyId, Sealed};

/// The durable record of calls, and the only authority on which event won.
///
/// # What an implementor owes
///
/// - **Atomic.** [`submit`](Self::submit) and [`apply`](Self::apply) each happen wholly or not at
///   all: record, payload or result, history entry and outbox in one transaction. `apply` loads the
///   record, runs the pure [`machine::apply_with`](crate::machine::apply_with) on it with its own
///   clock, its own knowledge of sessions and the [grant](crate::machine::grant_of) that the event
///   draws on, and writes the result, the grant too; it decides nothing itself.
/// - **Linearisable** per call: of two events that race, the second sees what the first wrote.
/// - **Durable.** `Ok` means that the change survives everything the store promises to survive (a
///   memory store: nothing; SQLite: `kill -9` and, on a disk that honours fsync, power loss).
/// - **Honest.** If it is not known whether a write happened, the error's kind is
///   [`StoreErrorKind::Ambiguous`](super::StoreErrorKind::Ambiguous) and the caller reads again.
///   Replaying the same submission (same id) or event (same token or decision id) returns the first
///   answer.
/// - **One decision, one call.** The call for which a [decision](Event::decision) has counted is
///   recorded, in the transaction in which it counts, as long as the call's key is kept; the
///   machine learns when an event brings a decision that has counted for another call.
/// - **Freezes.** Whether the tenant is [frozen](super::is_frozen) is read in the transaction that
///   claims a call or stores a claimed one. Once a freeze is written, no claim is committed that
///   was judged without it.
/// - **Holds** are checked inside the transaction that erases or forgets: everything a hold covers
///   stays.
/// - **Tenants** are separate: an operation in one tenant never sees another's calls.
/// - **A crash** before `submit` or `apply` returns leaves either all of it or nothing.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Returns the present, by the clock that decides expiry and due times.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// Opens the session of an executor. It is alive until it is closed or its process dies.
    async fn open_session(&self) -> Result<SessionId, StoreError>;

    /// Closes a session. Its claims may then be declared lost.
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError>;

    /// Records the tools that a session runs, replacing its earlier record. Others compare them
    /// with the tools for which a call was approved.
    ///
    /// A store that does not support it returns an error. Then it is not known which session runs
    /// which tools, and gates report so.
    async fn record_tools(
        &self,
        session: SessionId,
        tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        let _unused = (session, tools);
        Err(StoreError::unsupported("record the tools of executors"))
    }

    /// Returns the executors that have recorded their tools: all that are alive, and some that are
    /// dead, as defined by [`superseded`](super::superseded).
    async fn executors(&self) -> Result<Executors, StoreError> {
        Err(StoreError::unsupported("record the tools of executors"))
    }

    /// Inserts a call with its sealed payload. A key is unique forever.
    ///
    /// A new call that [attaches](NewCall::attaches) is [`Existing`](SubmitResult::Existing) if its
    /// tenant and run have an [attachable](CallRecord::is_attachable) call with its content, under
    /// any key: of several that race, one is created and the others find it.
    ///
    /// A new call that would exceed one of its [caps](NewCall::caps) is refused, however many calls
    /// race.
    ///
    /// A call that is already claimed (Auto) is admitted: submitted and claimed in one step. One
    /// that runs on a [grant](NewCall::grant) draws on it in the same transaction, by
    /// [`NewCall::admitted`]. While its tenant is [frozen](super::is_frozen), a call that
    /// [starts at once](NewCall::starts) is refused in that transaction, and nothing is stored.
    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError>;

    /// Applies an event and, if it changed the record, stores its payload: a result, or new
    /// arguments that replace the stored ones (unless the call has ended). Returns the current
    /// record; [`ApplyError::Rejected`] carries it too.
    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError>;

    /// Applies several events, each to another call, in one transaction: the result of
    /// [`machine::apply_all`](crate::machine::apply_all), or nothing. Returns the current records,
    /// in the order of the events; [`ApplyError::Rejected`] carries the one that was refused.
    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let _unused = (tenant, events);
        Err(StoreError::unsupported("change several calls in one step").into())
    }

    /// Saves a new grant, stamped with the store's clock. Idempotent.
    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError>;

    /// Revokes a grant. Only the first revocation counts. `None` if there is no such grant.
    ///
    /// No later claim draws on the grant.
    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError>;

    /// Returns a grant.
    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError>;

    /// Returns a tenant's grants, in the order of their creation.
    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, StoreError>;

    /// Returns a call's record.
    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError>;

    /// Returns the record of a key.
    async fn get_by_key(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError>;

    /// Returns a call's sealed payload, while it may still be run.
    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError>;

    /// Returns a call's sealed result.
    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError>;

    /// Returns a page of records.
    async fn list(&self, tenant: &Tenant, page: PageRequest)
    -> Result<Vec<CallRecord>, StoreError>;

    /// Returns the calls of a run with this content that a human has
    /// [rejected](CallState::Rejected), the newest first, at most `limit`. The content is that of
    /// their submission, even if they were edited later. The cost does not grow with the number of
    /// calls.
    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError>;

    /// Returns the [attachable](CallRecord::is_attachable) call of a run with this content, if
    /// there is one: there is at most one. The cost does not grow with the number of calls.
    async fn attachable(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
    ) -> Result<Option<CallRecord>, StoreError> {
        let _unused = (tenant, run, content);
        Err(StoreError::unsupported("find a call by its content"))
    }

    /// Returns calls, of any tenant, that need an event: claimed by a session that is dead, or
    /// waiting past their expiry. At most `limit`.
    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError>;

    /// Returns approved calls of any tenant, in the order of their creation, after this one, at
    /// most `limit`: candidates for an executor.
    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError>;

    /// Returns a slice of a tenant's queue, in queue order. A call begins to wait at its
    /// [turn](crate::queue::turn), which is assigned in the transaction that makes it pending or
    /// changes its priority, and keeps it while it waits.
    async fn queue(&self, scan: &QueueScan) -> Result<Vec<QueueEntry>, StoreError> {
        let _unused = scan;
        Err(StoreError::unsupported("list the queue"))
    }

    /// Counts a tenant's calls, up to [`COUNTED`](crate::queue::COUNTED) of each kind.
    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        let _unused = tenant;
        Err(StoreError::unsupported("count the queue"))
    }

    /// Returns the tenants that have calls, in order, after this one, at most `limit`.
    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        let _unused = (after, limit);
        Err(StoreError::unsupported("list tenants"))
    }

    /// Returns the history after the entry with sequence number `after` (0: from the beginning), at
    /// most `limit` entries.
    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError>;

    /// Returns the sequence number of the last history entry ever written, kept or not; 0 if
    /// nothing has happened yet. A reader that wants only new entries starts here.
    async fn last_history_seq(&self) -> Result<u64, StoreError>;

    /// Returns the history of one call, from its beginning, within retention: at most 1000
    /// entries.
    async fn call_history(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, StoreError>;

    /// Erases calls that ended before `cutoff`, like [`erase`](Self::erase), and grants that ended
    /// before it. Only a tombstone remains, so a key can never be reused.
    ///
    /// Calls that have not ended, however old, calls whose outcome is unknown or that are not
    /// audited yet, and calls under a [hold](Self::hold) are never erased.
    ///
    /// Cancel safety: may be dropped and called again at any time. Each call is erased wholly or
    /// not at all.
    async fn erase_ended_before(&self, cutoff: Timestamp) -> Result<ErasedCount, StoreError> {
        let _unused = cutoff;
        Err(StoreError::unsupported("erase what is old"))
    }

    /// Erases the data of these calls, at most [`ERASED_AT_ONCE`](super::ERASED_AT_ONCE) of them:
    /// their payloads, results and history, and everything in their records but a
    /// [tombstone](CallRecord::tombstone), so that a key is never free again. Readers of the
    /// history see a marked gap.
    ///
    /// Returns for each call, in their order, the reason why it was not erased; `None` if it was.
    /// [`NotErased::check`] decides that inside the transaction, so no hold is missed.
    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        let _unused = calls;
        Err(StoreError::unsupported("erase calls"))
    }

    /// Returns the calls of a principal, by the given name or by the directory's name for them,
    /// that are not erased: in the order of their creation, after `after`, at most `limit`. May
    /// read every call of the tenant.
    async fn calls_by_principal(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let _unused = (tenant, principal, after, limit);
        Err(StoreError::unsupported("list the calls of a principal"))
    }

    /// Deletes the grants of a principal that have ended and that no hold covers. Returns their
    /// number.
    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        let _unused = (tenant, principal);
        Err(StoreError::unsupported("forget the grants of a principal"))
    }

    /// Places a hold, stamped with the store's clock. Idempotent.
    ///
    /// Once this returns, no process erases or forgets anything that the hold covers.
    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        let _unused = hold;
        Err(StoreError::unsupported("keep legal holds"))
    }

    /// Releases a hold. Returns the hold as it was; `None` if there is no such hold in this tenant.
    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let _unused = (tenant, id);
        Err(StoreError::unsupported("keep legal holds"))
    }

    /// Returns the holds of all tenants, in the order of their ids.
    ///
    /// A store that does not support holds returns an error, and then no gate erases anything in
    /// it.
    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        Err(StoreError::unsupported("keep legal holds"))
    }

    /// Forgets the tombstones of runs that [began](crate::RunId::began) before `watermark`, and
    /// refuses new calls of such runs from then on, with
    /// [`RunForgotten`](super::StoreErrorKind::RunForgotten): a key that is no longer known may
    /// have run. Tombstones that a hold of the call or of its tenant covers stay. The watermark
    /// only rises. Runs whose id does not contain the time when they began keep their tombstones.
    /// Returns the number of tombstones forgotten.
    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        let _unused = watermark;
        Err(StoreError::unsupported("forget runs"))
    }

    /// Returns the highest watermark passed to [`forget_runs`](Self::forget_runs): tombstones of
    /// runs that began before it may be gone. `None` if nothing was forgotten. A restore also
    /// refuses older runs but does not count here: it forgets nothing.
    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Takes over changes whose audit record is unconfirmed and whose auditing session is dead, or
    /// that have none (those of a restore, which happens before there is a gate). From then on they
    /// belong to `session`, so that only one of several sessions takes each. At most `limit`, those
    /// of one call in their order.
    ///
    /// A change is in the outbox from the transaction that makes it, if it names an
    /// [auditor](EventPayload::auditor) and [is audited](Event::is_audited), until it is
    /// [acknowledged](Self::outbox_ack). Retention erases no call that has a change here. Without
    /// an outbox, changes that a dying process has not audited are lost.
    async fn outbox_take(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// Returns changes that this session has not acknowledged yet, at most `limit`, those of one
    /// call in their order.
    async fn pending_outbox(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// Removes changes from the outbox, because the audit contains them. Changes that are not in it
    /// are ignored.
    async fn outbox_ack(&self, audited: &[ChangeId]) -> Result<(), StoreError>;

    /// Returns the small value that the store keeps for the gate under this name; see
    /// [`compare_and_set_metadata`](Self::compare_and_set_metadata).
    async fn metadata(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Sets the value under `name` to `to` if it is currently `from` (`None`: if there is none
    /// yet), and returns whether it was: of two that race, one gets `false`. Names and values
    /// belong to no tenant, contain no secret, and are few and small.
    ///
    /// The value under [`FREEZES`](super::FREEZES) stops claims: see there for what a store owes.
    async fn compare_and_set_metadata(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError>;

    /// Returns the call that holds an effect, if one does.
    async fn effect_holder(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
    ) -> Result<Option<EffectHolder>, StoreError> {
        let _unused = (tenant, effect);
        Err(StoreError::unsupported("keep the effects of calls"))
    }

    /// Makes `to` the holder of an effect, if the holder is still the call `from`. Returns whether
    /// it is now: of two calls that race, one gets `false`.
    ///
    /// Each call is kept as long as its key: it ends with [`forget_runs`](Self::forget_runs), and
    /// an earlier call then takes the place of its holder.
    async fn reserve_effect(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
        from: Option<RequestId>,
        to: EffectHolder,
    ) -> Result<bool, StoreError> {
        let _unused = (tenant, effect, from, to);
        Err(StoreError::unsupported("keep the effects of calls"))
    }

    /// Registers the writer of an audit chain, so that a missing chain is noticed. Idempotent.
    async fn writer_register(&self, stream: &str) -> Result<(), StoreError> {
        super::writers::register(self, stream).await
    }

    /// Returns the registered writers, in the order of their registration.
    async fn writers(&self) -> Result<Vec<AuditWriter>, StoreError> {
        super::writers::list(self).await
    }

    /// Records the current end of a registered writer's chain, so that others can vouch for it. A
    /// later end that the store already knows is not overwritten.
    async fn writer_advance(&self, head: &ChainHead) -> Result<(), StoreError> {
        super::writers::advance(self, head).await
    }

    /// Returns the ends of the registered chains, as their writers last recorded them.
    async fn writer_heads(&self) -> Result<Vec<ChainHead>, StoreError> {
        super::writers::heads(self).await
    }

    /// Returns a watch that wakes when a call may have changed, in any process. Subscribe, read,
    /// then wait.
    fn watch(&self, id: RequestId) -> ChangeWatch;

    /// Returns a watch that wakes when any call may have changed.
    fn watch_all(&self) -> ChangeWatch;

    /// Returns the keys that this store keeps for its host, if it keeps any.
    fn host_keys(&self) -> Option<HostKeys>;

    /// Returns the one of the [host's keys](Self::host_keys) that seals.
    fn host_key(&self) -> Option<HostKey> {
        self.host_keys().map(|keys| keys.current().clone())
    }

    /// Checks `limit` sealed texts of one kind after the one at `after` (0: from the first), and
    /// returns those that are not sealed under this key, of any tenant. The [prefix](KeyId::prefix)
    /// of a text names its key: nothing is opened.
    async fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let _unused = (part, not_under, after, limit);
        Err(StoreError::unsupported("list what is sealed"))
    }

    /// Replaces a sealed text with `to` if it is still the listed one. Returns whether it was: a
    /// text that has been replaced or erased since stays as it is. Changes nothing else about the
    /// call, not even its version.
    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        let _unused = (text, to);
        Err(StoreError::unsupported("replace what is sealed"))
    }

    /// Returns the number of living sessions that seal under a key other than this store's current
    /// one, or that have not recorded their key.
    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        Err(StoreError::unsupported("say what others seal under"))
    }

    /// Records that nothing is sealed under another key than the current one any more, so that the
    /// store opens without the others from then on.
    ///
    /// Fails with [`StoreErrorKind::Key`](super::StoreErrorKind::Key) while a text is sealed under
    /// another key, or a [session](Self::sessions_under_other_keys) may still seal under one.
    async fn retire_keys(&self) -> Result<(), StoreError> {
        Err(StoreError::unsupported("retire keys"))
    }

    /// Returns the store's own files: a call that names one of them is reviewed in full. Files
    /// whose names begin with one of these (`-wal`, `.key`) belong to it too. Empty for a store
    /// without files.
    fn files(&self) -> Vec<PathBuf>;

    /// Returns where the calls are, as people name it to another program. Without credentials.
    fn address(&self) -> StoreAddress {
        StoreAddress::Unknown
    }
}
