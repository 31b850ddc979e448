//! An approval that is taken back before its call starts.

use std::sync::Arc;

use crate::approval::{ApprovalRequest, ReviewerIdentity};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::error::GateError;
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::machine::{CallRecord, Event};
use crate::store::EventPayload;

impl Gate {
    /// Takes back the approval of a call that has not started, for somebody who approved it, within
    /// the [grace](crate::call::ToolConfig::grace) of its tool. The call is asked about again as
    /// its next revision: no decision on the earlier one answers it. Approvals of others are void
    /// too.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::GateErrorKind::Refused) if the grace is over or the call has none, if it
    /// has started or changed, or if they have not approved it.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped, so
    /// that the change is audited too.
    pub async fn take_back(
        &self,
        request: &ApprovalRequest,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<CallRecord, GateError> {
        let (tenant, id) = (request.key.tenant.clone(), request.id);
        let (revision, binding) = (request.revision, request.binding);
        let record = self.core.calls.current(&tenant, id).await?;
        let by = self.core.identities.identify_among(by.into(), &record)?;
        let core = Arc::clone(&self.core);
        let taking = async move {
            let event = Event::TakeBack { revision, binding, by: by.clone() };
            let record = core.calls.apply(&tenant, id, event, EventPayload::none()).await?;
            let entry = AuditRecord::new(AuditEvent::TakenBack, &record, record.updated_at);
            let note = "took the approval back; the call is asked about again".to_owned();
            core.audit.record_decider(entry, &by, note);
            Ok(record)
        };
        detach_on_drop(&self.core.runtime, taking).await
    }
}
