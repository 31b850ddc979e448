//! More time for a call that nobody could decide yet.

use std::sync::Arc;

use crate::approval::{ApprovalRequest, ReviewerIdentity};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::error::GateError;
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::machine::{CallRecord, Event};
use crate::store::EventPayload;

impl Gate {
    /// Gives a waiting call the whole time of its approval again, from now on, for a reviewer who
    /// has a say in it. Its due time moves as far. The question stays the same: a decision on what
    /// was shown still counts.
    ///
    /// A call gets at most ten times the time of its approval, counted from its submission.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::GateErrorKind::Refused) if the call is decided, has expired or has
    /// changed, if it is not theirs to decide, or if it has as much time as it gets.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped, so
    /// that the change is audited too.
    pub async fn extend(
        &self,
        request: &ApprovalRequest,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<CallRecord, GateError> {
        let (tenant, id) = (request.key.tenant.clone(), request.id);
        let (revision, binding) = (request.revision, request.binding);
        let record = self.core.calls.current(&tenant, id).await?;
        let by = self.core.identities.identify_among(by.into(), &record)?;
        let core = Arc::clone(&self.core);
        let extending = async move {
            let event = Event::Extend { revision, binding, by: by.clone() };
            let record = core.calls.apply(&tenant, id, event, EventPayload::none()).await?;
            let entry = AuditRecord::new(AuditEvent::Extended, &record, record.updated_at);
            let note = format!("more time, until {}", record.request.expires_at);
            core.audit.record_decider(entry, &by, note);
            Ok(record)
        };
        detach_on_drop(&self.core.runtime, extending).await
    }
}
