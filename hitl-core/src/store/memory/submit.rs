//! A new call in the memory store.

use hitl_base::Timestamp;

use super::calls::{Calls, Kept, content_in_run};
use crate::machine::{HistoryEntry, NewCall};
use crate::seal::Sealed;
use crate::store::{StoreError, SubmitResult};

impl Calls {
    /// Adds a call, or returns why not.
    pub(super) fn submit(
        &mut self,
        call: &NewCall,
        payload: Sealed,
        now: Timestamp,
    ) -> Result<SubmitResult, StoreError> {
        if let Some(kept) = self.by_key.get(call.key()).and_then(|id| self.by_id.get(id)) {
            return Ok(if kept.record.content != call.content() {
                SubmitResult::Conflict(kept.record.id())
            } else if kept.record.id() == call.id() {
                SubmitResult::Created(kept.record.clone())
            } else {
                SubmitResult::Existing(kept.record.clone())
            });
        }
        if call.attaches()
            && let Some(id) = self.attachable.get(&content_in_run(&call.record))
            && let Some(kept) = self.by_id.get(id)
        {
            return Ok(SubmitResult::Existing(kept.record.clone()));
        }
        if call.key().run.began().is_some_and(|began| Some(began) < self.watermark) {
            return Err(StoreError::run_forgotten());
        }
        let (own, all) = self.index.waiting(&call.key().tenant, call.principal());
        if let Some(cap) = call.caps().broken(own, all) {
            return Ok(SubmitResult::Full(cap));
        }
        if call.starts() && self.is_frozen(&call.key().tenant) {
            return Ok(SubmitResult::Frozen);
        }
        let grant = call.grant().and_then(|id| self.grants.get(&call.key().tenant, id));
        let (record, drawn) = match call.admitted(grant, now) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(SubmitResult::NotGranted(refusal)),
        };
        if let Some(grant) = drawn {
            self.grants.put(grant);
        }
        self.by_key.insert(call.key().clone(), call.id());
        if record.attachable {
            self.attachable.insert(content_in_run(&record), record.id());
        }
        let entry = HistoryEntry::new("submitted", &record, None);
        self.owe(&entry, call.auditor());
        self.log(entry);
        let payload = (!record.state.is_terminal()).then_some(payload);
        self.numbered += 1;
        let (number, turn) = (self.numbered, self.turn_of(&record));
        let kept = Kept { record: record.clone(), payload, result: None, number, turn };
        self.index.add(&record, kept.place());
        self.by_id.insert(call.id(), kept);
        Ok(SubmitResult::Created(record))
    }
}
