//! Waits for a call; once it is approved, the waiter claims it.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Outcome, Tenant};
use crate::gate::claiming::claim::ClaimOutcome;
use crate::gate::claiming::claim_check::ClaimedCall;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::tools::tool_check::ToolCheck;
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{CallRecord, CallState, Event, Membership};
use crate::store::{ApplyError, Enclosed};
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
    /// It is claimed, and is to run now.
    Claimed(ClaimedCall),
    /// It has ended, or is parked.
    Ended(Box<CallRecord>),
}

impl GateCore {
    /// Waits until the call is claimed by this waiter, or has ended.
    ///
    /// Cancel safe until it returns a claim, which the caller must run. A caller that is `attached`
    /// owns the call: if it goes away during the claim, the call is withdrawn.
    pub(in crate::gate) async fn wait_for(
        self: &Arc<Self>,
        tenant: &Tenant,
        id: RequestId,
        attached: Option<OwnerToken>,
    ) -> Result<WaitOutcome, GateError> {
        let store = self.calls.store();
        let mut watch = store.watch(id);
        // A sibling's decision does not change this record.
        let mut others = None;
        loop {
            let record = self.calls.current(tenant, id).await?;
            let held = record.batch.as_ref().is_some_and(Membership::is_held);
            let pause = match record.state {
                CallState::Approved => {
                    match self.claim_alone_or_together(&record, attached).await? {
                        ClaimOutcome::Claimed(claimed) => return Ok(WaitOutcome::Claimed(claimed)),
                        ClaimOutcome::Changed => continue,
                        ClaimOutcome::Waits => POLL_INTERVAL,
                        ClaimOutcome::Unknown => {
                            self.leave_to_others(&record, attached).await?;
                            // Not at every hint: the directory or policy has trouble enough.
                            tokio::select! {
                                () = watch.changed() => {}
                                () = sleep(POLL_INTERVAL) => {}
                            }
                            continue;
                        }
                    }
                }
                CallState::Pending => record.request.expires_at.since(store.now().await?),
                CallState::Claimed => POLL_INTERVAL,
                CallState::OutcomeUnknown if self.retry_parked(&record).await? => continue,
                _ => return Ok(WaitOutcome::Ended(Box::new(record))),
            };
            if pause.is_zero() {
                self.lifecycle.expire(tenant, id).await?;
                continue;
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
                () = sleep(pause.min(POLL_INTERVAL)) => {
                    if record.state == CallState::Claimed {
                        self.lifecycle.mark_executor_lost(tenant, id).await?;
                    }
                }
            }
        }
    }

    /// Detaches a call from its caller if the approved tool is that of other executors, which are
    /// to run it. The caller still owns it.
    async fn leave_to_others(
        &self,
        record: &CallRecord,
        owner: Option<OwnerToken>,
    ) -> Result<(), GateError> {
        if !record.attached || owner.is_none() || record.owner != owner {
            return Ok(());
        }
        if let ToolCheck::Elsewhere = self.check_tool(record).await? {
            let event = Event::Attach { owner, attached: false };
            let tenant = &record.key().tenant;
            let store = self.calls.store();
            match store.apply(tenant, record.id(), event, Enclosed::none()).await {
                Ok(_) | Err(ApplyError::Lost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until the call no longer waits for a decision.
    pub(in crate::gate) async fn wait_until_decided(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<(), GateError> {
        let store = self.calls.store();
        let mut watch = store.watch(id);
        loop {
            let record = self.calls.current(tenant, id).await?;
            if record.state != CallState::Pending {
                return Ok(());
            }
            let pause = record.request.expires_at.since(store.now().await?);
            if pause.is_zero() {
                self.lifecycle.expire(tenant, id).await?;
                continue;
            }
            tokio::select! {
                () = watch.changed() => {}
                () = sleep(pause.min(POLL_INTERVAL)) => {}
            }
        }
    }

    /// Waits for a call's outcome. Runs the call if this waiter is the one that claims it.
    pub(in crate::gate) async fn wait_for_outcome(
        self: &Arc<Self>,
        waiting: &WaitingCall,
    ) -> Result<Outcome, GateError> {
        match self.wait_for(&waiting.tenant, waiting.id, None).await? {
            WaitOutcome::Claimed(ClaimedCall { execution, call }) => {
                call.execute(&self.executor, execution).await
            }
            WaitOutcome::Ended(record) => self.outcome_of_record(&record).await,
        }
    }
}
