//! The comparison of the log with the store: each must know what the other knows.

use hitl_base::Timestamp;

use super::logged_calls::{LoggedCalls, LoggedChange};
use super::{ChainHead, FindingKind, Report, Verifier};
use crate::call::Tenant;
use crate::machine::{CallRecord, CallState};
use crate::store::{PageRequest, Store, StoreError};

/// States of a call whose body was started.
const RAN: [CallState; 3] = [CallState::Executed, CallState::Failed, CallState::OutcomeUnknown];

impl Verifier {
    /// Prepares for [`finish_with_store`](Self::finish_with_store). Call it before adding the
    /// chains: it remembers the places of all intents, and the last change of each call, some five
    /// hundred bytes for each call.
    #[must_use]
    pub fn for_store(mut self) -> Self {
        self.calls = Some(LoggedCalls::default());
        self
    }

    /// Finishes with a comparison with the store: every writer that was registered there must be
    /// among the chains, and every call of these tenants that ran must have an intent, at the place
    /// that its record names.
    ///
    /// No chain may end before the record that the store knows of. If the log is being written
    /// meanwhile, its newest records are reported as missing.
    ///
    /// Conversely, every decision, intent and other change that the log has of a call of these
    /// tenants must be in the store; otherwise an older store was restored.
    ///
    /// Reads the store page by page. The intents of calls that retention has erased are not
    /// checked, nor calls of runs that it has [forgotten](Store::forget_runs). A call that timed
    /// out without ever being claimed does not count as one that ran.
    pub async fn finish_with_store(
        mut self,
        store: &dyn Store,
        tenants: &[Tenant],
    ) -> Result<Report, StoreError> {
        for writer in store.writers().await? {
            if !self.knows(&writer.stream) {
                let why = format!(
                    "the store knows a writer since {} whose chain was not given",
                    writer.registered_at
                );
                self.note(FindingKind::MissingWriter, Some(&writer.stream), why);
            }
        }
        for known in store.writer_heads().await? {
            if let Some(ends) = self.end_of(&known.stream)
                && ends < known.seq
            {
                let why = format!(
                    "the log ends with record {ends}, and the store has heard of record {}: it was cut off, an older copy was put back, or it was read while it was being written",
                    known.seq
                );
                self.note(FindingKind::Truncated, Some(&known.stream), why);
            }
        }
        for tenant in tenants {
            let mut page = PageRequest::new(&RAN).limit(1_000);
            loop {
                let records = store.list(tenant, page.clone()).await?;
                let Some(last) = records.last() else { break };
                page = page.after(last.id());
                for record in &records {
                    if record.attempts > 0
                        && !record.erased
                        && let Some((stream, why)) = self.missing_intent(record)
                    {
                        self.note(FindingKind::NoIntent, stream.as_deref(), why);
                    }
                }
            }
        }
        self.compare_changes(store, tenants).await?;
        self.compare_erasures(store, tenants).await?;
        Ok(self.finish())
    }

    /// Checks that each call of the log is in the store.
    async fn compare_changes(
        &mut self,
        store: &dyn Store,
        tenants: &[Tenant],
    ) -> Result<(), StoreError> {
        let changes = self.calls.take().map(|calls| calls.changes).unwrap_or_default();
        let forgotten = store.runs_forgotten_before().await?;
        for (id, logged) in changes {
            let tenant = &logged.key.tenant;
            if !tenants.contains(tenant) {
                continue;
            }
            let kept = store.get(tenant, id).await?;
            if let Some(why) = not_in_store(&logged, kept.as_ref(), forgotten) {
                self.note(FindingKind::NotInStore, Some(&logged.stream), why);
            }
        }
        Ok(())
    }

    /// Checks that the store has nothing left of each call that the log reports as erased.
    async fn compare_erasures(
        &mut self,
        store: &dyn Store,
        tenants: &[Tenant],
    ) -> Result<(), StoreError> {
        let forgotten = store.runs_forgotten_before().await?;
        for (id, key, place) in self.erasures.said() {
            if !tenants.contains(&key.tenant) {
                continue;
            }
            let is_gone = match store.get(&key.tenant, id).await? {
                Some(record) => record.erased,
                None => key.run.began().is_some_and(|began| Some(began) < forgotten),
            };
            if !is_gone {
                let why = format!(
                    "record {} says that the call {key} was erased, and the store still has it, or never did: an older store was put back, or somebody else wrote that record",
                    place.seq
                );
                self.note(FindingKind::StillInStore, Some(&place.stream), why);
            }
        }
        Ok(())
    }

    /// Returns the error in the intent of a call that ran, and the chain that it concerns.
    fn missing_intent(&self, record: &CallRecord) -> Option<(Option<String>, String)> {
        let call = format!("the call {} ({})", record.key(), record.id());
        let intents = self.calls.as_ref().map(|calls| &calls.intents);
        let found = intents.and_then(|intents| intents.get(&record.id().to_string()));
        match (&record.intent, found) {
            (Some(place), Some(found)) if found.contains(place) => None,
            (None, Some(_)) => None,
            (Some(place), _) => {
                let ChainHead { stream, seq, .. } = place;
                let why = format!(
                    "{call} ran, its intent is record {seq} of {stream} says the store, and that record is another one or is not there"
                );
                Some((Some(stream.clone()), why))
            }
            (None, None) if record.state == CallState::OutcomeUnknown => {
                let why = format!(
                    "{call} was claimed, and the log has no intent of it: its executor died before it wrote one, and then the body was not started; or the log has lost it"
                );
                Some((None, why))
            }
            (None, None) => Some((None, format!("{call} ran, and the log has no intent of it"))),
        }
    }
}

/// Returns what the store lacks of a change that the log has. Pure.
fn not_in_store(
    logged: &LoggedChange,
    kept: Option<&CallRecord>,
    forgotten: Option<Timestamp>,
) -> Option<String> {
    let LoggedChange { key, version, event, seq, .. } = logged;
    let may_be_forgotten = || key.run.began().is_some_and(|began| Some(began) < forgotten);
    let has = match kept {
        // A tombstone keeps the last version of its call.
        Some(record) if record.version >= *version => return None,
        Some(record) => format!("has version {} of it", record.version),
        None if may_be_forgotten() => return None,
        None => "does not have it".to_owned(),
    };
    Some(format!(
        "record {seq} says `{event}` of version {version} of the call {key}, and the store {has}: an older store was put back"
    ))
}
