//! The data of the memory store, and the effect of an event on it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use hitl_base::Timestamp;

use super::grants::Grants;
use super::index::Index;
use crate::call::{CallKey, ContentDigest, EffectDigest, RunId, Tenant, ToolFacts};
use crate::ids::{DecisionId, HoldId, RequestId, SessionId};
use crate::machine::{
    self, CallChange, CallRecord, CallState, Event, GrantUpdates, HistoryEntry, StoreFacts,
    Transition, grant_of,
};
use crate::queue::{QueuePosition, begins_to_wait};
use crate::seal::{KeyId, Sealed};
use crate::store::{
    ApplyError, ApplyRequest, ChangeId as OutboxChange, EffectHolder, Erasable, EventPayload,
    FREEZES, Hold, Holds, NotErased, SealedPage, SealedPart, SealedText, StoreError, is_frozen,
};

/// The most history entries kept; older ones are dropped, and readers see a marked gap.
const HISTORY: usize = 10_000;

#[derive(Default)]
pub(super) struct Calls {
    pub(super) by_id: BTreeMap<RequestId, Kept>,
    pub(super) by_key: HashMap<CallKey, RequestId>,
    /// The calls that humans rejected, by run and content.
    pub(super) rejected: HashMap<ContentInRun, Vec<RequestId>>,
    /// The attachable calls, by run and content.
    pub(super) attachable: HashMap<ContentInRun, RequestId>,
    /// The living sessions, and the key under which each seals.
    pub(super) sessions: HashMap<SessionId, Option<KeyId>>,
    /// The tools of executors, and the time when they were recorded.
    pub(super) executors: BTreeMap<SessionId, (Timestamp, Arc<[ToolFacts]>)>,
    pub(super) history: VecDeque<(u64, HistoryEntry)>,
    pub(super) last: u64,
    /// The number of calls ever created.
    pub(super) numbered: u64,
    pub(super) index: Index,
    /// The time before which runs are forgotten.
    pub(super) watermark: Option<Timestamp>,
    pub(super) marks: BTreeMap<String, String>,
    /// The holder of each effect.
    pub(super) effects: HashMap<(Tenant, EffectDigest), EffectHolder>,
    pub(super) grants: Grants,
    /// The changes not known to be audited, and the session that must audit each.
    pub(super) outbox: BTreeMap<OutboxChange, (HistoryEntry, Option<SessionId>)>,
    /// The call for which each decision has counted.
    pub(super) decisions: HashMap<DecisionId, RequestId>,
    pub(super) holds: BTreeMap<HoldId, Hold>,
}

pub(super) struct Kept {
    pub(super) record: CallRecord,
    pub(super) payload: Option<Sealed>,
    pub(super) result: Option<Sealed>,
    pub(super) number: u64,
    pub(super) turn: u64,
}

impl Kept {
    fn text(&self, part: SealedPart) -> Option<&Sealed> {
        match part {
            SealedPart::Payload => self.payload.as_ref(),
            SealedPart::Result => self.result.as_ref(),
        }
    }

    pub(super) fn place(&self) -> QueuePosition {
        let request = &self.record.request;
        let (priority, due_at) = (request.priority, request.due_at);
        QueuePosition { priority, turn: self.turn, due_at, number: self.number }
    }
}

/// The content of a call, in its run.
type ContentInRun = (Tenant, RunId, ContentDigest);

pub(super) fn content_in_run(record: &CallRecord) -> ContentInRun {
    let key = record.key();
    (key.tenant.clone(), key.run.clone(), record.content)
}

/// Removes a call from those that identical calls attach to.
fn detach(attachable: &mut HashMap<ContentInRun, RequestId>, record: &CallRecord) {
    let of = content_in_run(record);
    if attachable.get(&of) == Some(&record.id()) {
        attachable.remove(&of);
    }
}

impl Calls {
    pub(super) fn log(&mut self, entry: HistoryEntry) {
        self.last += 1;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((self.last, entry));
    }

    pub(super) fn owe(&mut self, entry: &HistoryEntry, auditor: Option<SessionId>) {
        if auditor.is_some() {
            self.outbox.insert(OutboxChange::from_entry(entry), (entry.clone(), auditor));
        }
    }

    pub(super) fn owes(&self, call: RequestId) -> bool {
        let changes = OutboxChange { call, version: 0 }..=OutboxChange { call, version: u64::MAX };
        self.outbox.range(changes).next().is_some()
    }

    pub(super) fn holds(&self) -> Holds {
        Holds::new(self.holds.values().cloned().collect())
    }

    /// Erases these calls. Returns for each the reason why it was not erased.
    pub(super) fn erase(&mut self, calls: &[Erasable]) -> Vec<Option<NotErased>> {
        let holds = self.holds();
        let mut erased: HashSet<RequestId> = HashSet::new();
        let mut said = Vec::with_capacity(calls.len());
        for Erasable { tenant, id } in calls {
            let unaudited = self.owes(*id);
            let kept = self.by_id.get_mut(id).filter(|kept| kept.record.key().tenant == *tenant);
            let Some(kept) = kept else {
                said.push(Some(NotErased::NotFound));
                continue;
            };
            let why = NotErased::check(&kept.record, unaudited, &holds);
            if why.is_none() {
                detach(&mut self.attachable, &kept.record);
                kept.record = kept.record.tombstone();
                (kept.payload, kept.result) = (None, None);
                erased.insert(*id);
            }
            said.push(why);
        }
        self.history.retain(|(_, entry)| !erased.contains(&entry.id));
        said
    }

    /// Raises the watermark, and forgets the tombstones before it that no hold covers. Returns
    /// their number.
    pub(super) fn forget_runs(&mut self, watermark: Timestamp) -> u64 {
        self.watermark = self.watermark.max(Some(watermark));
        let (holds, before) = (self.holds(), self.by_id.len());
        let (by_key, watermark) = (&mut self.by_key, self.watermark);
        let (rejected, mut gone) = (&mut self.rejected, HashSet::new());
        self.by_id.retain(|id, Kept { record, .. }| {
            let forgotten = record.erased
                && record.key().run.began().is_some_and(|run| Some(run) < watermark)
                && holds.on(record).is_none();
            if forgotten {
                by_key.remove(record.key());
                rejected.remove(&content_in_run(record));
                gone.insert(*id);
            }
            !forgotten
        });
        self.decisions.retain(|_, call| !gone.contains(call));
        self.effects.retain(|_, holder| {
            holder.earlier = holder.earlier.filter(|call| !gone.contains(call));
            let keeps = !gone.contains(&holder.call);
            let earlier = holder.earlier.filter(|_| !keeps);
            if let Some(call) = earlier {
                *holder = EffectHolder { call, earlier: None };
            }
            keeps || earlier.is_some()
        });
        (before - self.by_id.len()) as u64
    }

    /// Returns the turn of a new call.
    pub(super) fn turn_of(&self, record: &CallRecord) -> u64 {
        if record.state == CallState::Pending { self.index.turn(record) } else { 0 }
    }

    pub(super) fn claimant_dead(&self, record: &CallRecord) -> bool {
        record.claim.is_some_and(|claim| !self.sessions.contains_key(&claim.session))
    }

    pub(super) fn record(&self, tenant: &Tenant, id: RequestId) -> Option<&CallRecord> {
        let kept = self.by_id.get(&id).map(|kept| &kept.record);
        kept.filter(|record| record.key().tenant == *tenant)
    }

    pub(super) fn facts(&self, record: &CallRecord, event: &Event, now: Timestamp) -> StoreFacts {
        let counted = event.decision().and_then(|id| self.decisions.get(&id));
        let decision_used = counted.is_some_and(|call| *call != record.id());
        let frozen = matches!(event, Event::Claim { .. }) && self.is_frozen(&record.key().tenant);
        StoreFacts { now, claimant_dead: self.claimant_dead(record), decision_used, frozen }
    }

    /// Returns whether nothing of a tenant may start.
    pub(super) fn is_frozen(&self, tenant: &Tenant) -> bool {
        is_frozen(self.marks.get(FREEZES).map(String::as_str), tenant)
    }

    pub(super) fn apply(
        &mut self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
        now: Timestamp,
    ) -> Result<CallRecord, ApplyError> {
        let record = self.record(tenant, id).ok_or(ApplyError::NotFound(id))?;
        let grant = grant_of(record, &event).and_then(|id| self.grants.get(tenant, id));
        match machine::apply_with(record, &event, self.facts(record, &event, now), grant) {
            Ok((Transition::Changed(next), grant)) => {
                let next = enclosed.complete(next);
                if let Some(grant) = grant {
                    self.grants.put(grant);
                }
                self.keep(&next, &event, enclosed);
                Ok(next)
            }
            Ok((Transition::Replayed, _)) => Ok(record.clone()),
            Err(refusal) => {
                Err(ApplyError::Rejected { refusal, current: Box::new(record.clone()) })
            }
        }
    }

    pub(super) fn apply_all(
        &mut self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
        now: Timestamp,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let mut changes = Vec::with_capacity(events.len());
        let mut drawing = GrantUpdates::new();
        for ApplyRequest { id, event, .. } in &events {
            let record = self.record(tenant, *id).ok_or(ApplyError::NotFound(*id))?;
            let grant = grant_of(record, event).and_then(|id| self.grants.get(tenant, id));
            drawing.extend(grant.map(|grant| (grant.id(), grant.clone())));
            changes.push(CallChange { record, event, facts: self.facts(record, event, now) });
        }
        let (steps, drawn) = machine::apply_all(&changes, &drawing).map_err(|(at, refusal)| {
            let current = changes.get(at).map(|change| Box::new(change.record.clone()));
            current.map_or_else(
                || StoreError::unsupported("say which event was refused").into(),
                |current| ApplyError::Rejected { refusal, current },
            )
        })?;
        let now_stand: Vec<CallRecord> =
            changes.iter().map(|change| change.record.clone()).collect();
        for grant in drawn.into_values() {
            self.grants.put(grant);
        }
        let mut records = Vec::with_capacity(steps.len());
        for ((step, stands), applied) in steps.into_iter().zip(now_stand).zip(events) {
            records.push(match step {
                Transition::Replayed => stands,
                Transition::Changed(next) => {
                    let next = applied.enclosed.complete(next);
                    self.keep(&next, &applied.event, applied.enclosed);
                    next
                }
            });
        }
        Ok(records)
    }

    pub(super) fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> SealedPage {
        let kept = |kept: &'_ Kept| Some((kept.number, kept.text(part)?.clone(), kept.record.id()));
        let mut texts: Vec<_> = self.by_id.values().filter_map(kept).collect();
        texts.retain(|(number, ..)| *number > after);
        texts.sort_unstable_by_key(|(number, ..)| *number);
        texts.truncate(limit);
        let of = |(number, sealed, id): (u64, Sealed, RequestId)| {
            let record = self.by_id.get(&id).filter(|_| sealed.key_id() != Some(not_under));
            let text = record.map(|kept| {
                let tenant = kept.record.key().tenant.clone();
                SealedText::new((tenant, id), part, number, sealed)
            });
            (number, text)
        };
        SealedPage::new(texts.into_iter().map(of), limit)
    }

    pub(super) fn sealed_under_others(&self, own: KeyId) -> u64 {
        let all = SealedPart::ALL.into_iter();
        let texts = all.flat_map(|part| self.by_id.values().filter_map(move |it| it.text(part)));
        texts.filter(|sealed| sealed.key_id() != Some(own)).count() as u64
    }

    pub(super) fn reseal(&mut self, text: &SealedText, to: Sealed) -> bool {
        let Some(kept) = self.by_id.get_mut(&text.id) else { return false };
        if kept.record.key().tenant != text.tenant || kept.number != text.at {
            return false;
        }
        let place = match text.part {
            SealedPart::Payload => &mut kept.payload,
            SealedPart::Result => &mut kept.result,
        };
        let is_same = place.as_ref() == Some(&text.sealed);
        if is_same {
            *place = Some(to);
        }
        is_same
    }

    /// Stores the result of an event.
    pub(super) fn keep(&mut self, record: &CallRecord, event: &Event, enclosed: EventPayload) {
        let Some(kept) = self.by_id.get_mut(&record.id()) else { return };
        self.index.remove(&kept.record, kept.place());
        if begins_to_wait(&kept.record, record) {
            kept.turn = self.index.turn(record);
        }
        let was = std::mem::replace(&mut kept.record, record.clone());
        self.index.add(record, kept.place());
        if was.attachable && !record.attachable {
            detach(&mut self.attachable, &was);
        }
        if enclosed.result.is_some() {
            kept.result = enclosed.result;
        }
        if enclosed.payload.is_some() {
            kept.payload = enclosed.payload;
        }
        if record.state.is_terminal() {
            kept.payload = None;
        }
        if record.state == CallState::Rejected && was.state != CallState::Rejected {
            self.rejected.entry(content_in_run(record)).or_default().push(record.id());
        }
        if let Some(id) = event.decision() {
            self.decisions.insert(id, record.id());
        }
        let entry = HistoryEntry::of(event, record);
        self.owe(&entry, enclosed.auditor.filter(|_| event.is_audited()));
        self.log(entry);
    }
}
