//! The open calls of a run: listed, and withdrawn together.

use crate::approval::{ApprovalRequest, Decision, DecisionKind, ReviewerIdentity};
use crate::call::{RunId, Tenant};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::identities::check_decider;
use crate::gate::gate::Gate;
use crate::gate::review::typed_text::mask_reason;
use crate::machine::{CallRecord, CallState, Event, Withdrawal};
use crate::store::PageRequest;

/// The number of calls read at a time.
const PAGE: usize = 100;

impl Gate {
    /// Returns the requests of a root run that wait for a decision, and of the runs that it
    /// delegated to, in the order of their creation, at most `limit` (1 to 1,000). The cost grows
    /// with the number of calls that the run has had.
    ///
    /// Cancel safe.
    pub async fn waiting_in_run(
        &self,
        tenant: &Tenant,
        run: &RunId,
        limit: usize,
    ) -> Result<Vec<ApprovalRequest>, GateError> {
        let page = PageRequest::new(&[CallState::Pending]).root(run.clone()).limit(limit);
        let mut records = self.core.calls.store().list(tenant, page).await?;
        for record in &mut records {
            self.core.effects.show_earlier(record).await?;
        }
        Ok(records.into_iter().map(|record| (*record.request).clone()).collect())
    }

    /// Withdraws every call of a root run, and of the runs that it delegated to, that has not
    /// started: for a host whose client has gone. Returns their number. Bodies that run continue to
    /// their end.
    ///
    /// If it fails half-way, or is dropped, the rest stays: call it again.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](crate::GateErrorKind::Forbidden) if this person may not decide the tenant's
    /// calls.
    pub async fn withdraw_run(
        &self,
        tenant: &Tenant,
        run: &RunId,
        by: impl Into<ReviewerIdentity>,
        reason: impl Into<String>,
    ) -> Result<u64, GateError> {
        let by = check_decider(by.into(), tenant)?;
        withdraw_open(&self.core, tenant, run, &by, &reason.into()).await
    }
}

/// Withdraws, after a decision that aborted a call, all other calls of its root run that wait, or
/// that were approved and have not started. Bodies that run continue to their end. The same
/// decision, submitted again, continues where an earlier attempt failed.
pub(in crate::gate) async fn abort_run(
    core: &GateCore,
    record: &CallRecord,
    decision: &Decision,
) -> Result<(), GateError> {
    let DecisionKind::Abort { reason } = &decision.answer else { return Ok(()) };
    let reason = format!("the run was stopped by {}: {reason}", decision.by.principal);
    let key = record.key();
    let root = record.context.root_of(&key.run);
    withdraw_open(core, &key.tenant, root, &decision.by, &reason).await?;
    Ok(())
}

/// Withdraws the calls under a root run that have not started. Returns their number.
async fn withdraw_open(
    core: &GateCore,
    tenant: &Tenant,
    root: &RunId,
    by: &ReviewerIdentity,
    reason: &str,
) -> Result<u64, GateError> {
    let open = PageRequest::new(&[CallState::Pending, CallState::Approved]);
    let mut page = open.root(root.clone()).limit(PAGE);
    let mut withdrawn = 0;
    loop {
        let others = core.calls.store().list(tenant, page.clone()).await?;
        let Some(last) = others.last().map(CallRecord::id) else { return Ok(withdrawn) };
        for other in &others {
            let reason = mask_reason(core, other, reason).await;
            let event = Event::Cancel { by: Withdrawal::Host(by.principal.clone()), reason };
            match core.lifecycle.withdraw_by(tenant, other.id(), event, Some(by)).await {
                Ok(_) => withdrawn += 1,
                // The call has started, or ended, or was withdrawn with its batch.
                Err(error) if error.current().is_some() => {}
                Err(error) => return Err(error),
            }
        }
        page = page.after(last);
    }
}
