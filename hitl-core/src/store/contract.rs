//! A store is the only authority on who won.

use std::path::PathBuf;

use async_trait::async_trait;
use hitl_base::Timestamp;

use super::writers::AuditWriter;
use super::{
    ApplyError, Change, Enclosed, Erasable, Executors, GrantPage, Hold, NotErased, PageRequest,
    SealedPage, SealedPart, SealedText, StoreError, Watch,
};
use crate::audit::Head;
use crate::call::{CallKey, ContentDigest, Principal, RunId, Tenant, ToolFacts};
use crate::grant::{GrantRecord, GrantRefusal};
use crate::ids::{GrantId, HoldId, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Entry, Event, NewCall};
use crate::queue::{Cap, Placed, QueueCounts, QueueScan};
use crate::seal::{HostKey, HostKeys, KeyId, Sealed};

/// What came of a submission.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// The key was new; this is its record.
    Created(CallRecord),
    /// The key has a record, with the same content.
    Existing(CallRecord),
    /// The key has a record, with other content.
    Conflict(RequestId),
    /// The key is new, and no more calls may wait: see [`NewCall::caps`].
    Full(Cap),
    /// The key is new, and nothing can be drawn on the grant that it would run on.
    NotGranted(GrantRefusal),
}

/// An event of several that happen together, and what it brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// Of which call.
    pub id: RequestId,
    /// What happens.
    pub event: Event,
    /// What it encloses.
    pub enclosed: Enclosed,
}

impl Applied {
    /// This event, with nothing enclosed.
    pub fn new(id: RequestId, event: Event) -> Self {
        Self { id, event, enclosed: Enclosed::none() }
    }
}

/// A stretch of the history of all calls.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct History {
    /// Entries with their sequence numbers, in order and without a hole: a stretch ends where
    /// entries are missing, and the next one begins with a gap.
    pub entries: Vec<(u64, Entry)>,
    /// Entries between the one asked for and the first one here are no longer kept.
    pub gap: bool,
}

impl History {
    /// A stretch of history.
    pub fn new(entries: Vec<(u64, Entry)>, gap: bool) -> Self {
        Self { entries, gap }
    }

    /// The stretch that `kept`, the entries after `after`, begins with: it ends where one is
    /// missing. `last` is the sequence number of the last entry there ever was.
    pub fn stretch(after: u64, last: u64, kept: impl IntoIterator<Item = (u64, Entry)>) -> Self {
        let mut entries: Vec<(u64, Entry)> = Vec::new();
        for (seq, entry) in kept {
            if entries.last().is_some_and(|(before, _)| before + 1 != seq) {
                break;
            }
            entries.push((seq, entry));
        }
        let next = entries.first().map_or(last.saturating_add(1), |(seq, _)| *seq);
        // A position beyond the end is of another history, of before a restore: nothing follows
        // from it.
        Self { entries, gap: after > last || after.saturating_add(1) < next }
    }
}

/// What [`Store::retain`] has erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retained {
    /// Calls of which a tombstone is left.
    pub calls: u64,
}

impl Retained {
    /// So many calls were erased.
    pub fn new(calls: u64) -> Self {
        Self { calls }
    }
}

/// The durable record of calls, and the only authority on who won.
///
/// # What an implementor owes
///
/// - **Atomic.** [`submit`](Self::submit) and [`apply`](Self::apply) each happen wholly or not at
///   all: record, payload or result, history entry and outbox in one transaction. `apply` loads the
///   record, runs the pure [`machine::apply_with`](crate::machine::apply_with) on it with its own
///   clock, its own knowledge of sessions and the [grant](crate::machine::grant_of) that the event
///   draws on, and writes what that says, the grant too; it decides nothing itself.
/// - **Linearisable** per call: of two events that race, the second sees what the first wrote.
/// - **Durable.** `Ok` means that it survives whatever the store promises to survive (a memory
///   store: nothing; SQLite: `kill -9` and, on a disk that honours fsync, power loss).
/// - **Honest.** When it is not known whether a write happened, the error's kind is
///   [`StoreErrorKind::Ambiguous`](super::StoreErrorKind::Ambiguous) and the caller reads again.
///   Replaying the same submission (same id) or event (same token or decision id) gives the first
///   answer.
/// - **One decision, one call.** For which call a [decision](Event::decision) has counted is kept,
///   in the transaction in which it counts, as long as the call's key is; the machine is told when
///   an event brings a decision that has counted for another call.
/// - **Holds** are kept inside the transaction that erases or forgets: what one covers stays.
/// - **Tenants** are apart: an operation in one tenant never sees another's calls.
/// - **A crash** before `submit` or `apply` returns leaves either all of it or nothing.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The present, by the clock that expiry and due times are judged by.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// Opens the session of an executor. It is alive until it is closed or its process dies.
    async fn open_session(&self) -> Result<SessionId, StoreError>;

    /// Closes a session. Its claims may then be declared lost.
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError>;

    /// Records which tools a session runs, in place of what it recorded before. Others compare with
    /// it what a call was approved for.
    ///
    /// A store that cannot refuses. Then it is not known who runs what, and gates say so.
    async fn record_tools(
        &self,
        session: SessionId,
        tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        let _unused = (session, tools);
        Err(StoreError::unsupported("record the tools of executors"))
    }

    /// Returns the executors that have recorded their tools: all that are alive, and some that are
    /// dead, as [`superseded`](super::superseded) says.
    async fn executors(&self) -> Result<Executors, StoreError> {
        Err(StoreError::unsupported("record the tools of executors"))
    }

    /// Enters a call, with its sealed payload. A key is unique for ever.
    ///
    /// A new call that would break one of its [caps](NewCall::caps) does not come in, however many
    /// race.
    ///
    /// A call that is already claimed (Auto) is admitted: submitted and claimed in one step. One
    /// that runs on a [grant](NewCall::grant) draws on it in the same transaction, by
    /// [`NewCall::admitted`].
    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<Submitted, StoreError>;

    /// Applies an event, and keeps what it encloses when it changed the record: a result, or a
    /// payload in place of the one that is kept (unless the call has ended). Returns the record as
    /// it stands; [`ApplyError::Lost`] carries it too.
    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: Enclosed,
    ) -> Result<CallRecord, ApplyError>;

    /// Applies several events, each to another call, in one transaction: what
    /// [`machine::apply_all`](crate::machine::apply_all) says, or nothing. Returns the records as
    /// they stand, in the order of the events; [`ApplyError::Lost`] carries the one that was
    /// refused.
    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<Applied>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let _unused = (tenant, events);
        Err(StoreError::unsupported("change several calls in one step").into())
    }

    /// Keeps a new grant, stamped with the store's clock. Saving the same again changes nothing.
    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        let _unused = grant;
        Err(StoreError::unsupported("keep grants"))
    }

    /// Takes a grant back, once; the first revocation stands. Nothing when there is no such grant.
    ///
    /// No claim that comes after it draws on the grant.
    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let _unused = (tenant, id, by, reason);
        Err(StoreError::unsupported("keep grants"))
    }

    /// A grant as it stands.
    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let _unused = (tenant, id);
        Ok(None)
    }

    /// A tenant's grants, in the order in which they were given. A store that keeps none has none.
    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantPage,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let _unused = (tenant, page);
        Ok(Vec::new())
    }

    /// A call's record.
    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError>;

    /// The record of a key.
    async fn find(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError>;

    /// A call's sealed payload, while it may still be run.
    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError>;

    /// A call's sealed result.
    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError>;

    /// A page of records.
    async fn page(&self, tenant: &Tenant, page: PageRequest)
    -> Result<Vec<CallRecord>, StoreError>;

    /// The calls of a run with this content that a human has [rejected](CallState::Rejected), the
    /// newest first, at most `limit`. The content is that of their submission, however they were
    /// edited. What it costs does not grow with the number of calls.
    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError>;

    /// Calls, of any tenant, that somebody should move on: claimed by a session that is dead, or
    /// waiting past their expiry. At most `limit`.
    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError>;

    /// Approved calls of any tenant, in the order of their creation, after this one, at most
    /// `limit`: what an executor may run.
    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError>;

    /// One stretch of a tenant's queue, in its order. A call begins to wait at its
    /// [turn](crate::queue::turn), given in the transaction that makes it pending or changes its
    /// priority, and keeps it while it waits.
    async fn queue(&self, scan: &QueueScan) -> Result<Vec<Placed>, StoreError> {
        let _unused = scan;
        Err(StoreError::unsupported("list the queue"))
    }

    /// How many of a tenant's calls there are, as far as they are counted.
    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        let _unused = tenant;
        Err(StoreError::unsupported("count the queue"))
    }

    /// The tenants that have calls, in order, after this one, at most `limit`.
    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        let _unused = (after, limit);
        Err(StoreError::unsupported("list tenants"))
    }

    /// The history after the entry with sequence number `after` (0: from the beginning), at most
    /// `limit` entries.
    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError>;

    /// The sequence number of the last entry that the history ever had, kept or not; 0 when nothing
    /// has happened yet. Whoever wants only what comes reads on from here.
    ///
    /// Unless a store knows better, this reads the whole history.
    async fn history_end(&self) -> Result<u64, StoreError> {
        let mut last = 0;
        loop {
            let stretch = self.history(last, 1000).await?;
            let Some((seq, _)) = stretch.entries.last() else { return Ok(last) };
            last = *seq;
        }
    }

    /// The history of one call, from its beginning, as far as it is kept: at most 1000 entries.
    ///
    /// Unless a store knows better, this reads the whole history.
    async fn history_of(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, Entry)>, StoreError> {
        let (mut last, mut found) = (0, Vec::new());
        loop {
            let stretch = self.history(last, 1000).await?;
            let Some((seq, _)) = stretch.entries.last() else { return Ok(found) };
            last = *seq;
            let mine = |(_, entry): &(u64, Entry)| entry.id == id && entry.key.tenant == *tenant;
            found.extend(stretch.entries.into_iter().filter(mine));
            found.truncate(1000);
        }
    }

    /// Erases what is kept of calls that ended before `before`, as [`erase`](Self::erase) does.
    /// Grants that ended before go too. What has not ended is never touched, however old; nor is
    /// what is unknown, what is not audited, and what a [hold](Self::hold) covers.
    ///
    /// May be given up and called again at any time: each call is erased wholly or not at all.
    async fn retain(&self, before: Timestamp) -> Result<Retained, StoreError> {
        let _unused = before;
        Err(StoreError::unsupported("erase what is old"))
    }

    /// Erases what is kept of these calls, at most [`ERASED_AT_ONCE`](super::ERASED_AT_ONCE) of
    /// them: their payloads, results and history, and everything of their records but a
    /// [tombstone](CallRecord::tombstone), so that a key is never free again. Readers of the
    /// history see a marked gap.
    ///
    /// Returns for each call, in their order, why it was left; `None` when it was erased. What
    /// [`NotErased::of`] says inside the transaction decides that, so no hold is overlooked.
    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        let _unused = calls;
        Err(StoreError::unsupported("erase calls"))
    }

    /// Returns the calls that were asked for in a principal's name, or in the name that the
    /// directory gives them, that are not erased: in the order of their creation, after `after`, at
    /// most `limit`. May read every call of the tenant.
    async fn calls_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let _unused = (tenant, principal, after, limit);
        Err(StoreError::unsupported("list the calls of a principal"))
    }

    /// Forgets the grants of a principal that have ended, and that no hold covers. Returns how
    /// many.
    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        let _unused = (tenant, principal);
        Err(StoreError::unsupported("forget the grants of a principal"))
    }

    /// Places a hold, stamped with the store's clock. Placing the same again changes nothing.
    ///
    /// From when this returns, nothing that the hold covers is erased or forgotten, by any process.
    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        let _unused = hold;
        Err(StoreError::unsupported("keep legal holds"))
    }

    /// Releases a hold. Returns it as it was; nothing when there is no such hold in this tenant.
    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let _unused = (tenant, id);
        Err(StoreError::unsupported("keep legal holds"))
    }

    /// Returns the holds of all tenants, in the order of their ids.
    ///
    /// A store that cannot keep any refuses, and then no gate erases anything on it.
    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        Err(StoreError::unsupported("keep legal holds"))
    }

    /// Forgets the tombstones of runs that [began](crate::RunId::began) before `watermark`, and
    /// refuses new calls of such runs from then on (tombstones that a hold of the call or of its
    /// tenant covers stay), with [`RunForgotten`](super::StoreErrorKind::RunForgotten): a key that
    /// is no longer known may have run. The watermark only rises. Runs whose id does not say when
    /// they began keep their tombstones. Returns how many were forgotten.
    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        let _unused = watermark;
        Err(StoreError::unsupported("forget runs"))
    }

    /// The highest watermark that [`forget_runs`](Self::forget_runs) was given: tombstones of runs
    /// that began before it may be gone. `None` when nothing was forgotten. A restore also refuses
    /// older runs and does not count here: it forgets nothing.
    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// Changes that are not known to stand in the audit, and that nobody alive is about to put
    /// there: their auditor's session is dead, or they have none (those of a restore, which comes
    /// before there is a gate). From then on they are `session`'s, so that one of several takes
    /// each. At most `limit`, those of one call in their order.
    ///
    /// A change is in the outbox from the transaction that makes it, when it names an
    /// [auditor](Enclosed::auditor) and [is audited](Event::is_audited), until it is
    /// [acknowledged](Self::outbox_ack). Retention erases no call that has a change here. A store
    /// without an outbox loses what a process that dies has not audited.
    async fn outbox_take(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let _none = (session, limit);
        Ok(Vec::new())
    }

    /// Changes that this session has not acknowledged yet, at most `limit`, those of one call in
    /// their order.
    async fn outbox_of(&self, session: SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let _none = (session, limit);
        Ok(Vec::new())
    }

    /// These changes stand in the audit, and leave the outbox. Those that are not there are
    /// ignored.
    async fn outbox_ack(&self, audited: &[Change]) -> Result<(), StoreError> {
        let _none = audited;
        Ok(())
    }

    /// A small value that the store keeps for the gate under this name; see
    /// [`swap_mark`](Self::swap_mark). A store that keeps none has none.
    async fn mark(&self, name: &str) -> Result<Option<String>, StoreError> {
        let _unused = name;
        Ok(None)
    }

    /// Sets the value under `name` to `to`, when it is `from` now (`None`: when there is none yet).
    /// Whether it was: a compare-and-set, so that of two that race one is told that it lost. Names
    /// and values are of no tenant, hold no secret, and are few and small.
    async fn swap_mark(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        let _unused = (name, from, to);
        Err(StoreError::unsupported("keep marks"))
    }

    /// Registers the writer of an audit chain, so that a chain that goes missing is missed. Doing
    /// it again changes nothing.
    async fn writer_register(&self, stream: &str) -> Result<(), StoreError> {
        super::writers::register(self, stream).await
    }

    /// The writers that were registered, in the order in which they were.
    async fn writers(&self) -> Result<Vec<AuditWriter>, StoreError> {
        super::writers::list(self).await
    }

    /// Says how the chain of a registered writer ends now, so that others can vouch for it. What
    /// the store knows already of a later end stays.
    async fn writer_advance(&self, head: &Head) -> Result<(), StoreError> {
        super::writers::advance(self, head).await
    }

    /// How the registered chains end, as far as their writers have said lately.
    async fn writer_heads(&self) -> Result<Vec<Head>, StoreError> {
        super::writers::heads(self).await
    }

    /// Hints that a call may have changed, whichever process changed it. Subscribe, read, then
    /// wait.
    fn watch(&self, id: RequestId) -> Watch;

    /// Hints that any call may have changed.
    fn watch_all(&self) -> Watch;

    /// Returns the keys that this store keeps for its host, when it keeps any.
    fn host_keys(&self) -> Option<HostKeys>;

    /// Returns the one of the [host's keys](Self::host_keys) that seals.
    fn host_key(&self) -> Option<HostKey> {
        self.host_keys().map(|keys| keys.current().clone())
    }

    /// Looks through `limit` sealed texts of one kind after the one at `after` (0: from the first),
    /// and returns those of them that are not sealed under this key, of any tenant. Which key a
    /// text is sealed under is what it [begins with](KeyId::prefix): nothing is opened.
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

    /// Puts `to` in the place of a sealed text that is still the one that was listed. Returns
    /// whether it was: a text that has been replaced or erased since stays as it is. Changes
    /// nothing else of the call, not its version either.
    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        let _unused = (text, to);
        Err(StoreError::unsupported("replace what is sealed"))
    }

    /// Returns how many sessions are alive that seal under another key than this store's current
    /// one, or do not say under which.
    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        Err(StoreError::unsupported("say what others seal under"))
    }

    /// Notes that nothing is sealed under another key than the current one any more, so that the
    /// store opens without the others from then on.
    ///
    /// Refuses with [`StoreErrorKind::Key`](super::StoreErrorKind::Key) while a text is, or while a
    /// [session](Self::sessions_under_other_keys) may still seal so.
    async fn retire_keys(&self) -> Result<(), StoreError> {
        Err(StoreError::unsupported("retire keys"))
    }

    /// The files that it lives by: a call that names one of them is reviewed in full. Others whose
    /// names begin with one of these (`-wal`, `.key`) belong to it. A store that wraps another
    /// passes its files on.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}
