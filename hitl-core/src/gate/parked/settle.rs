//! Settles a call whose outcome is unknown, without a human.

use super::reconcile::{AskOutcome, reconcile_parked};
use super::retry::retry_parked;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::machine::{CallRecord, CallState};

/// The result of an attempt to settle a parked call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gate) enum Settlement {
    /// The tool found out how the attempt ended.
    Reconciled,
    /// The tool is idempotent: it is approved again, to be tried once more.
    Retried,
    /// Another change was first: read the record again.
    Changed,
    /// It stays parked, for a human.
    Parked,
    /// It stays parked: the tool was asked, and failed.
    Unanswered,
    /// It stays parked: the tool was asked, and did not answer in time.
    Late,
}

impl Settlement {
    /// Returns whether the call may have another state now.
    pub(in crate::gate) fn has_changed(self) -> bool {
        matches!(self, Self::Reconciled | Self::Retried | Self::Changed)
    }
}

/// Settles a parked call: its tool is asked how the attempt ended; if it does not know, a call of
/// an idempotent tool is approved again. Runs no body.
///
/// Cancel safe: a change that the store has made is audited, here or later.
pub(in crate::gate) async fn settle_parked(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Settlement, GateError> {
    if record.state != CallState::OutcomeUnknown {
        return Ok(Settlement::Parked);
    }
    let (parked, settlement) = match Box::pin(reconcile_parked(core, record)).await? {
        AskOutcome::Settled => return Ok(Settlement::Reconciled),
        AskOutcome::Changed => return Ok(Settlement::Changed),
        AskOutcome::NotAsked => (None, Settlement::Parked),
        AskOutcome::Unknown(parked) => (Some(parked), Settlement::Parked),
        AskOutcome::Failed(parked) => (Some(parked), Settlement::Unanswered),
        AskOutcome::Late(parked) => (Some(parked), Settlement::Late),
    };
    let retried = retry_parked(core, parked.as_deref().unwrap_or(record)).await?;
    Ok(if retried { Settlement::Retried } else { settlement })
}

/// Approves a parked call of an idempotent tool again, without asking its tool.
pub(super) async fn settle_without_asking(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Settlement, GateError> {
    let retried = retry_parked(core, record).await?;
    Ok(if retried { Settlement::Retried } else { Settlement::Parked })
}

/// Returns a call that is submitted again as it is after its tool was asked how the earlier attempt
/// ended. A call that stays parked is returned as it is.
pub(in crate::gate) async fn settle_before_reattaching(
    core: &GateCore,
    record: CallRecord,
) -> Result<CallRecord, GateError> {
    if record.state != CallState::OutcomeUnknown || !core.tools.reconciles(&record.request.tool) {
        return Ok(record);
    }
    if settle_parked(core, &record).await?.has_changed() {
        return core.calls.current(&record.key().tenant, record.id()).await;
    }
    Ok(record)
}
