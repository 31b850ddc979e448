//! The log against the store: what one of them knows and the other does not.

use super::{FindingKind, Report, Verifier};
use crate::call::Tenant;
use crate::machine::CallState;
use crate::store::{PageRequest, Store, StoreError};

/// States of a call whose body was started.
const RAN: [CallState; 3] = [CallState::Executed, CallState::Failed, CallState::OutcomeUnknown];

impl Verifier {
    /// Prepares for [`finish_with_store`](Self::finish_with_store). Call it before the chains are
    /// given: it remembers which calls have an intent, some dozen bytes for each.
    #[must_use]
    pub fn for_store(self) -> Self {
        self.looking_for_intents()
    }

    /// The end, compared with the store: every writer that was registered there must be among the
    /// chains, and every call of these tenants that ran must have an intent.
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
        for tenant in tenants {
            let mut page = PageRequest::of(&RAN).limit(1_000);
            loop {
                let records = store.page(tenant, page.clone()).await?;
                let Some(last) = records.last() else { break };
                page = page.after(last.id());
                for record in &records {
                    let ran = record.attempts > 0 && !record.erased;
                    if ran && !self.intents.contains(&record.id().to_string()) {
                        let why = format!(
                            "the call {} ({}) ran, and the log has no intent of it",
                            record.key(),
                            record.id()
                        );
                        self.note(FindingKind::NoIntent, None, why);
                    }
                }
            }
        }
        Ok(self.finish())
    }
}
