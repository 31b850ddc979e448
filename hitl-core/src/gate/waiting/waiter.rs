//! Waits for a call; once the call is approved, the waiter claims it.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Outcome, Tenant};
use crate::gate::claiming::atomic_batch::claim_alone_or_together;
use crate::gate::claiming::claim::ClaimOutcome;
use crate::gate::claiming::claim_check::ClaimedCall;
use crate::gate::claiming::grace::grace_left;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::parked::settle::{Settlement, settle_parked};
use crate::gate::tools::tool_check::{ToolCheck, check_tool};
use crate::gate::waiting::outcome::outcome_of_record;
use crate::gate::waiting::wait_limit::WaitLimit;
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{CallRecord, CallState, Event, Membership};
use crate::store::{ApplyError, EventPayload};
use crate::sync::sleep;

/// The interval at which a waiter checks that the executor of its call is alive, and that no hint
/// was lost.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// A call that somebody waits for.
pub(in crate::gate) struct WaitingCall {
    pub(in crate::gate) tenant: Tenant,
    pub(in crate::gate) id: RequestId,
    pub(in crate::gate) owner: OwnerToken,
    /// The record as it was last read.
    pub(in crate::gate) record: Box<CallRecord>,
}

impl WaitingCall {
    pub(in crate::gate) fn new(record: CallRecord, owner: OwnerToken) -> Self {
        Self {
            tenant: record.key().tenant.clone(),
            id: record.id(),
            owner,
            record: Box::new(record),
        }
    }
}

/// The result of waiting for a call.
pub(in crate::gate) enum WaitOutcome {
    /// The call is claimed, and is to run now.
    Claimed(ClaimedCall),
    /// The call has ended, or is parked.
    Ended(Box<CallRecord>),
    /// The limit was reached. The call waits, or runs elsewhere.
    LimitReached(Box<CallRecord>),
}

/// Waits until the call is claimed by this waiter, or has ended.
///
/// Cancel safe until it returns a claim, which the caller must run. A caller that is `attached`
/// owns the call: if it is dropped during the claim, the call is withdrawn.
///
/// The limit interrupts no claim. For an attached caller it does not count while the call runs
/// elsewhere, because a call that has started cannot be withdrawn.
pub(in crate::gate) async fn wait_for(
    core: &Arc<GateCore>,
    tenant: &Tenant,
    id: RequestId,
    attached: Option<OwnerToken>,
    limit: &mut WaitLimit,
) -> Result<WaitOutcome, GateError> {
    let store = core.calls.store();
    let mut watch = store.watch(id);
    // A sibling's decision does not change this record.
    let mut others = None;
    // Only who parks a call says so.
    let mut parked_here = false;
    loop {
        let record = core.calls.current(tenant, id).await?;
        let runs_elsewhere = record.state == CallState::Claimed;
        let held = record.batch.as_ref().is_some_and(Membership::is_held);
        let grace = grace_left(core, &record).await?;
        let pause = match record.state {
            CallState::Approved if !grace.is_zero() => grace,
            CallState::Approved => {
                match claim_alone_or_together(core, &record, attached).await? {
                    ClaimOutcome::Claimed(claimed) => return Ok(WaitOutcome::Claimed(claimed)),
                    ClaimOutcome::Changed => continue,
                    ClaimOutcome::Waits => POLL_INTERVAL,
                    // It may expire before it is thawed.
                    ClaimOutcome::Frozen => {
                        record.request.expires_at.saturating_duration_since(store.now().await?)
                    }
                    ClaimOutcome::Unknown if limit.is_reached() => {
                        return Ok(WaitOutcome::LimitReached(Box::new(record)));
                    }
                    ClaimOutcome::Unknown => {
                        leave_to_others(core, &record, attached).await?;
                        // Not at every hint: the directory or policy is already in trouble.
                        tokio::select! {
                            () = watch.changed() => {}
                            () = sleep(POLL_INTERVAL) => {}
                            () = limit.reached() => {}
                        }
                        continue;
                    }
                }
            }
            CallState::Pending => {
                record.request.expires_at.saturating_duration_since(store.now().await?)
            }
            CallState::Claimed => POLL_INTERVAL,
            CallState::OutcomeUnknown => {
                let settlement = tokio::select! {
                    biased;
                    settlement = settle_parked(core, &record) => settlement,
                    () = limit.reached() => Ok(Settlement::Parked),
                };
                if settlement.as_ref().is_ok_and(|settlement| settlement.has_changed()) {
                    parked_here = false;
                    continue;
                }
                if parked_here {
                    core.notifier.say_parked(&record);
                }
                settlement?;
                return Ok(WaitOutcome::Ended(Box::new(record)));
            }
            _ => return Ok(WaitOutcome::Ended(Box::new(record))),
        };
        if pause.is_zero() {
            core.lifecycle.expire(tenant, id).await?;
            continue;
        }
        if limit.is_reached() && !(runs_elsewhere && attached.is_some()) {
            return Ok(WaitOutcome::LimitReached(Box::new(record)));
        }
        if record.state == CallState::Pending {
            core.notifier.say_waiting(&record);
        }
        if held && others.is_none() {
            others = Some(store.watch_all());
            continue;
        }
        let others_change = async {
            match &mut others {
                Some(others) => others.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = watch.changed() => {}
            () = others_change => {}
            () = limit.reached() => {}
            () = sleep(pause.min(POLL_INTERVAL)) => {
                if record.state == CallState::Claimed {
                    parked_here |= core.lifecycle.mark_executor_lost(tenant, id).await?.is_some();
                }
            }
        }
    }
}

/// Detaches a call from its caller if other executors have the approved tool, and so should run it.
/// The caller still owns it.
async fn leave_to_others(
    core: &GateCore,
    record: &CallRecord,
    owner: Option<OwnerToken>,
) -> Result<(), GateError> {
    if !record.attached || owner.is_none() || record.owner != owner {
        return Ok(());
    }
    if let ToolCheck::Elsewhere = check_tool(core, record).await? {
        let event = Event::Attach { owner, attached: false };
        let tenant = &record.key().tenant;
        let store = core.calls.store();
        match store.apply(tenant, record.id(), event, EventPayload::none()).await {
            Ok(_) | Err(ApplyError::Rejected { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until the call no longer waits for a decision.
pub(in crate::gate) async fn wait_until_decided(
    core: &GateCore,
    tenant: &Tenant,
    id: RequestId,
) -> Result<(), GateError> {
    let store = core.calls.store();
    let mut watch = store.watch(id);
    loop {
        let record = core.calls.current(tenant, id).await?;
        if record.state != CallState::Pending {
            return Ok(());
        }
        let pause = record.request.expires_at.saturating_duration_since(store.now().await?);
        if pause.is_zero() {
            core.lifecycle.expire(tenant, id).await?;
            continue;
        }
        core.notifier.say_waiting(&record);
        tokio::select! {
            () = watch.changed() => {}
            () = sleep(pause.min(POLL_INTERVAL)) => {}
        }
    }
}

/// Waits for a call's outcome. Runs the call if this waiter is the one that claims it.
pub(in crate::gate) async fn wait_for_outcome(
    core: &Arc<GateCore>,
    waiting: &WaitingCall,
) -> Result<Outcome, GateError> {
    loop {
        let outcome = wait_for_outcome_within(core, waiting, WaitLimit::none()).await?;
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
    }
}

/// Does what [`wait_for_outcome`] does, within a limit. Returns `None` if it is reached.
pub(in crate::gate) async fn wait_for_outcome_within(
    core: &Arc<GateCore>,
    waiting: &WaitingCall,
    mut limit: WaitLimit,
) -> Result<Option<Outcome>, GateError> {
    let waited = wait_for(core, &waiting.tenant, waiting.id, None, &mut limit).await?;
    let outcome = match waited {
        WaitOutcome::Claimed(ClaimedCall { execution, call }) => {
            call.execute(&core.executor, execution).await?
        }
        WaitOutcome::Ended(record) => outcome_of_record(core, &record).await?,
        WaitOutcome::LimitReached(_) => return Ok(None),
    };
    Ok(Some(outcome))
}
