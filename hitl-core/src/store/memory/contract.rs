//! The store contract, implemented under the memory store's lock.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::PathBuf;

use async_trait::async_trait;
use hitl_base::Timestamp;

use super::MemoryStore;
use super::calls::{Calls, Kept};
use super::index::Index;
use crate::call::{CallKey, ContentDigest, EffectDigest, Principal, RunId, Tenant, ToolFacts};
use crate::grant::GrantRecord;
use crate::ids::{GrantId, HoldId, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Event, HistoryEntry, NewCall};
use crate::queue::{QueueCounts, QueueEntry, QueueScan};
use crate::seal::{HostKeys, KeyId, Sealed};
use crate::store::{
    ApplyError, ApplyRequest, ChangeId, ChangeWatch, EffectHolder, Erasable, ErasedCount,
    EventPayload, Executors, FREEZES, GrantQuery, History, Hold, NotErased, PageRequest,
    SealedPage, SealedPart, SealedText, Store, StoreAddress, StoreError, SubmitResult,
    check_erasable,
};

/// The most entries of one call's history that are returned.
const CALL_HISTORY: usize = 1000;

fn after_bound(after: Option<RequestId>) -> Bound<RequestId> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}

#[async_trait]
impl Store for MemoryStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.shared.clock.now()?)
    }

    async fn open_session(&self) -> Result<SessionId, StoreError> {
        let session = SessionId::new();
        self.calls().sessions.insert(session, self.current());
        Ok(session)
    }

    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.calls().sessions.remove(&session);
        Ok(())
    }

    async fn record_tools(
        &self,
        session: SessionId,
        tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        let now = self.shared.clock.now()?;
        self.calls().record_tools(session, tools, now)
    }

    async fn executors(&self) -> Result<Executors, StoreError> {
        Ok(self.calls().known_executors())
    }

    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError> {
        let now = self.shared.clock.now()?;
        let submitted = self.calls().submit(&call, payload, now)?;
        if let SubmitResult::Created(record) = &submitted {
            self.shared.hub.notify(record.id());
        }
        Ok(submitted)
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        let mut calls = self.calls();
        let now = self.shared.clock.now().map_err(StoreError::from)?;
        let record = calls.apply(tenant, id, event, enclosed, now)?;
        drop(calls);
        self.shared.hub.notify(id);
        Ok(record)
    }

    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let mut calls = self.calls();
        let now = self.shared.clock.now().map_err(StoreError::from)?;
        let records = calls.apply_all(tenant, events, now)?;
        drop(calls);
        for record in &records {
            self.shared.hub.notify(record.id());
        }
        Ok(records)
    }

    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        let now = self.shared.clock.now()?;
        Ok(self.calls().grants.save(grant, now))
    }

    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let now = self.shared.clock.now()?;
        Ok(self.calls().grants.revoke(tenant, id, by, reason, now))
    }

    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        Ok(self.calls().grants.get(tenant, id).cloned())
    }

    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let now = self.shared.clock.now()?;
        Ok(self.calls().grants.page(tenant, &page, now))
    }

    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let calls = self.calls();
        let record = calls.by_id.get(&id).map(|kept| &kept.record);
        Ok(record.filter(|record| record.key().tenant == *tenant).cloned())
    }

    async fn get_by_key(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        let calls = self.calls();
        let kept = calls.by_key.get(key).and_then(|id| calls.by_id.get(id));
        Ok(kept.map(|kept| kept.record.clone()))
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let calls = self.calls();
        let kept = calls.by_id.get(&id).filter(|kept| kept.record.key().tenant == *tenant);
        Ok(kept.and_then(|kept| kept.payload.clone()))
    }

    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let calls = self.calls();
        let kept = calls.by_id.get(&id).filter(|kept| kept.record.key().tenant == *tenant);
        Ok(kept.and_then(|kept| kept.result.clone()))
    }

    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError> {
        let calls = self.calls();
        let later = calls.by_id.range((after_bound(after), Bound::Unbounded));
        let approved =
            later.map(|(_, kept)| &kept.record).filter(|r| r.state == CallState::Approved);
        Ok(approved.take(limit).map(|r| (r.key().tenant.clone(), r.id())).collect())
    }

    async fn list(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let calls = self.calls();
        Ok(calls
            .by_id
            .range((after_bound(page.after), Bound::Unbounded))
            .map(|(_, kept)| &kept.record)
            .filter(|record| record.key().tenant == *tenant)
            .filter(|record| {
                let root = record.context.root_of(&record.key().run);
                page.root.as_ref().is_none_or(|wanted| wanted == root)
            })
            .filter(|record| page.states.is_empty() || page.states.contains(&record.state))
            .take(page.limit)
            .cloned()
            .collect())
    }

    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let calls = self.calls();
        let ids = calls.rejected.get(&(tenant.clone(), run.clone(), content));
        let mut ids: Vec<RequestId> = ids.cloned().unwrap_or_default();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let records =
            ids.iter().filter_map(|id| calls.by_id.get(id)).map(|kept| kept.record.clone());
        Ok(records.take(limit).collect())
    }

    async fn attachable(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
    ) -> Result<Option<CallRecord>, StoreError> {
        let calls = self.calls();
        let id = calls.attachable.get(&(tenant.clone(), run.clone(), content));
        Ok(id.and_then(|id| calls.by_id.get(id)).map(|kept| kept.record.clone()))
    }

    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError> {
        let now = self.shared.clock.now()?;
        let calls = self.calls();
        let is_stale = |record: &&CallRecord| match record.state {
            CallState::Claimed => calls.claimant_dead(record),
            CallState::Pending | CallState::Approved => now >= record.request.expires_at,
            _ => false,
        };
        let records = calls.by_id.values().map(|kept| &kept.record).filter(is_stale);
        Ok(records.take(limit).map(|r| (r.key().tenant.clone(), r.id(), r.state)).collect())
    }

    async fn queue(&self, scan: &QueueScan) -> Result<Vec<QueueEntry>, StoreError> {
        let calls = self.calls();
        let (listed, others): (Vec<CallState>, Vec<CallState>) =
            scan.states.iter().partition(|state| Index::is_listed(**state));
        let ids = listed.iter().flat_map(|state| calls.index.scan(scan, *state));
        let mut found: Vec<&Kept> = ids.filter_map(|id| calls.by_id.get(&id)).collect();
        if !others.is_empty() {
            let after = |kept: &&Kept| Some(kept.place().key(scan.order)) > scan.after;
            let fits = |kept: &&Kept| {
                kept.record.key().tenant == scan.tenant && others.contains(&kept.record.state)
            };
            found.extend(calls.by_id.values().filter(fits).filter(after));
        }
        found.sort_unstable_by_key(|kept| kept.place().key(scan.order));
        let placed = |kept: &Kept| QueueEntry { place: kept.place(), record: kept.record.clone() };
        Ok(found.into_iter().take(scan.limit).map(placed).collect())
    }

    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        let calls = self.calls();
        let records = calls.by_id.values().map(|kept| &kept.record);
        let claimed = records
            .filter(|record| record.state == CallState::Claimed && record.key().tenant == *tenant);
        Ok(calls.index.counts(tenant, claimed.count()))
    }

    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        let calls = self.calls();
        let tenants: BTreeSet<&Tenant> = calls.by_key.keys().map(|key| &key.tenant).collect();
        let later = tenants.into_iter().filter(|tenant| after < Some(*tenant));
        Ok(later.take(limit).cloned().collect())
    }

    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError> {
        let calls = self.calls();
        let later = calls.history.iter().filter(|(seq, _)| *seq > after).take(limit);
        Ok(History::stretch(after, calls.last, later.cloned()))
    }

    async fn call_history(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, StoreError> {
        let calls = self.calls();
        let own = |(_, entry): &&(u64, HistoryEntry)| entry.id == id && entry.key.tenant == *tenant;
        Ok(calls.history.iter().filter(own).take(CALL_HISTORY).cloned().collect())
    }

    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn address(&self) -> StoreAddress {
        StoreAddress::Process
    }

    async fn last_history_seq(&self) -> Result<u64, StoreError> {
        Ok(self.calls().last)
    }

    async fn erase_ended_before(&self, cutoff: Timestamp) -> Result<ErasedCount, StoreError> {
        let mut guard = self.calls();
        let calls = &mut *guard;
        let old = |record: &CallRecord| {
            record.state.is_terminal() && !record.erased && record.updated_at < cutoff
        };
        let ended = calls.by_id.values().map(|kept| &kept.record).filter(|record| old(record));
        let ended: Vec<_> =
            ended.map(|record| Erasable::new(record.key().tenant.clone(), record.id())).collect();
        let erased = calls.erase(&ended).iter().filter(|why| why.is_none()).count();
        let holds = calls.holds();
        calls.grants.erase_ended_before(cutoff, &holds);
        Ok(ErasedCount::new(erased as u64))
    }

    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        check_erasable(calls)?;
        Ok(self.calls().erase(calls))
    }

    async fn calls_by_principal(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let calls = self.calls();
        let later = calls.by_id.range((after_bound(after), Bound::Unbounded));
        let records = later.map(|(_, kept)| &kept.record);
        let theirs = records.filter(|r| r.key().tenant == *tenant && r.is_of(principal));
        Ok(theirs.take(limit).cloned().collect())
    }

    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        let now = self.shared.clock.now()?;
        let mut calls = self.calls();
        let holds = calls.holds();
        Ok(calls.grants.forget_of((tenant, principal), now, &holds))
    }

    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        let now = self.shared.clock.now()?;
        let mut calls = self.calls();
        Ok(calls.holds.entry(hold.id).or_insert_with(|| hold.stamped(now)).clone())
    }

    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let mut calls = self.calls();
        let is_theirs = calls.holds.get(&id).is_some_and(|hold| hold.tenant == *tenant);
        Ok(if is_theirs { calls.holds.remove(&id) } else { None })
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        Ok(self.calls().holds.values().cloned().collect())
    }

    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        Ok(self.calls().forget_runs(watermark))
    }

    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.calls().watermark)
    }

    async fn outbox_take(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut guard = self.calls();
        let Calls { outbox, sessions, .. } = &mut *guard;
        let dead = |by: &Option<SessionId>| by.is_none_or(|by| !sessions.contains_key(&by));
        let orphans = outbox.values_mut().filter(|(_, by)| dead(by)).take(limit);
        let take = |(entry, by): &mut (HistoryEntry, Option<SessionId>)| {
            *by = Some(session);
            entry.clone()
        };
        Ok(orphans.map(take).collect())
    }

    async fn pending_outbox(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let calls = self.calls();
        let own = calls.outbox.values().filter(|(_, by)| *by == Some(session));
        Ok(own.take(limit).map(|(entry, _)| entry.clone()).collect())
    }

    async fn outbox_ack(&self, audited: &[ChangeId]) -> Result<(), StoreError> {
        let mut calls = self.calls();
        for change in audited {
            calls.outbox.remove(change);
        }
        Ok(())
    }

    async fn metadata(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.calls().marks.get(name).cloned())
    }

    async fn compare_and_set_metadata(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        let mut calls = self.calls();
        let same = calls.marks.get(name).map(String::as_str) == from;
        if same {
            calls.marks.insert(name.to_owned(), to.to_owned());
        }
        drop(calls);
        if same && name == FREEZES {
            self.shared.hub.notify_all();
        }
        Ok(same)
    }

    async fn effect_holder(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
    ) -> Result<Option<EffectHolder>, StoreError> {
        Ok(self.calls().effects.get(&(tenant.clone(), effect)).copied())
    }

    async fn reserve_effect(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
        from: Option<RequestId>,
        to: EffectHolder,
    ) -> Result<bool, StoreError> {
        let mut calls = self.calls();
        let holder = calls.effects.get(&(tenant.clone(), effect)).map(|holder| holder.call);
        if holder == Some(to.call) {
            return Ok(true);
        }
        if holder == from {
            calls.effects.insert((tenant.clone(), effect), to);
        }
        Ok(holder == from)
    }

    fn watch(&self, id: RequestId) -> ChangeWatch {
        self.shared.hub.watch(id)
    }

    fn watch_all(&self) -> ChangeWatch {
        self.shared.hub.watch_all()
    }

    fn host_keys(&self) -> Option<HostKeys> {
        self.keys.clone()
    }

    async fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        Ok(self.calls().sealed_texts(part, not_under, after, limit))
    }

    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        Ok(self.calls().reseal(text, to))
    }

    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        let own = self.current();
        let calls = self.calls();
        Ok(calls.sessions.values().filter(|key| **key != own).count() as u64)
    }

    async fn retire_keys(&self) -> Result<(), StoreError> {
        let Some(own) = self.current() else { return Ok(()) };
        let calls = self.calls();
        let sessions = calls.sessions.values().filter(|key| **key != Some(own)).count();
        StoreError::check_retired(sessions as u64, calls.sealed_under_others(own))
    }
}
