//! A reviewer stops a run: what of it has not started is withdrawn.

use super::error::GateError;
use super::handle::Inner;
use crate::approval::{Decision, DecisionKind};
use crate::machine::{CallRecord, CallState, Event, Withdrawal};
use crate::store::PageRequest;

/// How many calls are read in one go.
const PAGE: usize = 100;

impl Inner {
    /// When a decision has aborted a call: withdraws the others of its root run that wait, or that
    /// were approved and have not started. What runs goes on to its end. The same decision again
    /// goes on with what an earlier one did not get to.
    pub(super) async fn stop_the_run(
        &self,
        record: &CallRecord,
        decision: &Decision,
    ) -> Result<(), GateError> {
        let DecisionKind::Abort { reason } = &decision.answer else { return Ok(()) };
        let by = &decision.by.principal;
        let reason = format!("the run was stopped by {by}: {reason}");
        let key = record.key();
        let open = PageRequest::new(&[CallState::Pending, CallState::Approved]);
        let mut page = open.root(record.context.root_of(&key.run).clone()).limit(PAGE);
        loop {
            let others = self.store.list(&key.tenant, page.clone()).await?;
            let Some(last) = others.last().map(CallRecord::id) else { return Ok(()) };
            for other in &others {
                let (by, reason) = (Withdrawal::Host(by.clone()), reason.clone());
                let event = Event::Cancel { by, reason };
                match self.withdraw(&key.tenant, other.id(), event).await {
                    Ok(_) => {}
                    // It has started, or ended, or was withdrawn with its batch.
                    Err(error) if error.current().is_some() => {}
                    Err(error) => return Err(error),
                }
            }
            page = page.after(last);
        }
    }
}
