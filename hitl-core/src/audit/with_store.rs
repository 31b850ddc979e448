//! The log against the store: what one of them knows and the other does not.

use super::{FindingKind, Head, Report, Verifier};
use crate::call::Tenant;
use crate::machine::{CallRecord, CallState};
use crate::store::{PageRequest, Store, StoreError};

/// States of a call whose body was started.
const RAN: [CallState; 3] = [CallState::Executed, CallState::Failed, CallState::OutcomeUnknown];

impl Verifier {
    /// Prepares for [`finish_with_store`](Self::finish_with_store). Call it before the chains are
    /// given: it remembers which calls have an intent and where, some two hundred bytes for each.
    #[must_use]
    pub fn for_store(self) -> Self {
        self.looking_for_intents()
    }

    /// The end, compared with the store: every writer that was registered there must be among the
    /// chains, and every call of these tenants that ran must have an intent, where its record says
    /// that it stands.
    ///
    /// No chain may end before the record that the store has heard of. Of a log that is written meanwhile,
    /// the newest records are found missing.
    ///
    /// Reads the store page by page. Calls that retention has erased are not looked for. A call that
    /// waited out its time without ever being claimed does not count as one that ran.
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
            let mut page = PageRequest::of(&RAN).limit(1_000);
            loop {
                let records = store.page(tenant, page.clone()).await?;
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
        Ok(self.finish())
    }

    /// What is wrong with the intent of a call that ran, and in which chain.
    fn missing_intent(&self, record: &CallRecord) -> Option<(Option<String>, String)> {
        let call = format!("the call {} ({})", record.key(), record.id());
        let found = self.intents.get(&record.id().to_string());
        match (&record.intent, found) {
            (Some(place), Some(found)) if found.contains(place) => None,
            (None, Some(_)) => None,
            (Some(place), _) => {
                let Head { stream, seq, .. } = place;
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
