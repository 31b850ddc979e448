//! A reviewer aborts a run: its calls that have not started are withdrawn.

use crate::approval::{Decision, DecisionKind};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::machine::{CallRecord, CallState, Event, Withdrawal};
use crate::store::PageRequest;

/// The number of calls read at a time.
const PAGE: usize = 100;

/// Withdraws, after a decision that aborted a call, all other calls of its root run that wait, or
/// that were approved and have not started. Bodies that run continue to their end. The same
/// decision, submitted again, continues where an earlier attempt failed.
pub(in crate::gate) async fn abort_run(
    core: &GateCore,
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
        let others = core.calls.store().list(&key.tenant, page.clone()).await?;
        let Some(last) = others.last().map(CallRecord::id) else { return Ok(()) };
        for other in &others {
            let (by, reason) = (Withdrawal::Host(by.clone()), reason.clone());
            let event = Event::Cancel { by, reason };
            match core.lifecycle.withdraw(&key.tenant, other.id(), event).await {
                Ok(_) => {}
                // The call has started, or ended, or was withdrawn with its batch.
                Err(error) if error.current().is_some() => {}
                Err(error) => return Err(error),
            }
        }
        page = page.after(last);
    }
}
