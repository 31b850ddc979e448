//! Runs calls that were approved elsewhere.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::call::{Outcome, Tenant};
use crate::gate::claiming::atomic_batch::claim_alone_or_together;
use crate::gate::claiming::claim::ClaimOutcome;
use crate::gate::claiming::grace::grace_left;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::telemetry;
use crate::gate::tools::tool_check::{ToolCheck, check_tool};
use crate::gate::waiting::outcome::outcome_of_record;
use crate::gate::waiting::waiter::{WaitingCall, wait_for_outcome};
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{CallState, Event};
use crate::store::{ApplyError, EventPayload};
use crate::sync::sleep;

/// The most bodies that one server runs at a time.
const MAX_BODIES: usize = 64;
/// The number of approved calls read at a time.
const PAGE: usize = 100;
/// The interval at which the store is read without a hint.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

impl Gate {
    /// Executes approved calls for as long as the future is polled, regardless of who submitted and
    /// decided them. At most 64 bodies run at a time.
    ///
    /// Claims only calls whose tool is registered here as it was approved, in the same version.
    /// While another living executor has the tool as it was approved, the call is left to that
    /// executor; afterwards it is asked about again. Claims only calls that were *submitted*: a
    /// call that a live caller waits for is run by that caller, or by [`adopt`](Self::adopt).
    ///
    /// Cancel safety: dropping the future stops claiming; bodies that run continue to their end.
    pub async fn serve(&self) {
        let slots = Arc::new(Semaphore::new(MAX_BODIES));
        let mut changes = self.core.calls.store().watch_all();
        // Calls for which it is unknown whether they may run: not checked again at every hint.
        let mut unknown = HashSet::new();
        // Recovery runs at this interval, regardless of the number of hints in between.
        let mut next_recovery = Box::pin(sleep(POLL_INTERVAL));
        loop {
            let mut next_start = None;
            let capacity = run_approved(&self.core, &slots, &mut unknown, &mut next_start).await;
            let is_full = match capacity {
                Ok(capacity) => capacity == Capacity::Full,
                Err(error) => {
                    tracing::warn!(%error, "looking for approved calls failed; trying again");
                    false
                }
            };
            tokio::select! {
                () = changes.changed(), if !is_full => {}
                _ = slots.acquire(), if is_full => {}
                () = sleep(next_start.unwrap_or(POLL_INTERVAL)), if next_start.is_some() => {}
                () = &mut next_recovery => {
                    next_recovery = Box::pin(sleep(POLL_INTERVAL));
                    unknown.clear();
                    // Executors may have died while they ran calls, some of which may be retried
                    // here.
                    if let Err(error) = self.recover().await {
                        tracing::warn!(%error, "putting calls in order failed; trying again");
                    }
                }
            }
        }
    }

    /// Takes over a call whose caller is gone, and waits for its outcome. Once it is approved, it
    /// runs here. Refused while another executor has its tool as it was approved, and this gate
    /// does not.
    pub async fn adopt(&self, tenant: &Tenant, id: RequestId) -> Result<Outcome, GateError> {
        let core = &self.core;
        if let Some(record) = core.calls.store().get(tenant, id).await? {
            let open = matches!(record.state, CallState::Pending | CallState::Approved);
            if open && let ToolCheck::Elsewhere = check_tool(core, &record).await? {
                // It would not run here.
                core.tools.require_as_shown(&record)?;
            }
        }
        let owner = OwnerToken::new();
        let event = Event::Attach { owner: Some(owner), attached: false };
        let record = match core.calls.store().apply(tenant, id, event, EventPayload::none()).await {
            Ok(record) => record,
            Err(ApplyError::Rejected { current, .. }) => {
                return outcome_of_record(core, &current).await;
            }
            Err(error) => return Err(error.into()),
        };
        let span = telemetry::wait_span(&core.redactor, &record);
        let waiting = WaitingCall::new(record, owner);
        let adopted = async {
            let result = wait_for_outcome(core, &waiting).await;
            telemetry::record_wait_result(&result);
            result
        };
        adopted.instrument(span).await
    }
}

/// The room for one more body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Capacity {
    Available,
    Full,
}

/// Claims approved calls and starts their bodies, until none is left or no more may run. Sets the
/// time until the first call starts whose approval can still be taken back.
async fn run_approved(
    core: &Arc<GateCore>,
    slots: &Arc<Semaphore>,
    unknown: &mut HashSet<RequestId>,
    next_start: &mut Option<Duration>,
) -> Result<Capacity, GateError> {
    let store = core.calls.store();
    let (mut after, mut frozen) = (None, HashSet::new());
    loop {
        let approved = store.approved(after, PAGE).await?;
        let Some((_, last)) = approved.last() else { return Ok(Capacity::Available) };
        after = Some(*last);
        for (tenant, id) in &approved {
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
                return Ok(Capacity::Full);
            };
            if unknown.contains(id) || frozen.contains(tenant) {
                continue;
            }
            let Some(record) = store.get(tenant, *id).await? else { continue };
            let is_here = core.tools.get(record.request.tool.as_str()).is_some();
            if record.attached || record.state != CallState::Approved || !is_here {
                continue;
            }
            let grace = grace_left(core, &record).await?;
            if !grace.is_zero() {
                *next_start = Some(next_start.map_or(grace, |next| next.min(grace)));
                continue;
            }
            match claim_alone_or_together(core, &record, None).await {
                Ok(ClaimOutcome::Claimed(claimed)) => {
                    let executor = Arc::clone(&core.executor);
                    core.runtime.spawn(async move {
                        let running = claimed.call.execute(&executor, claimed.execution);
                        if let Err(error) = running.await {
                            tracing::warn!(%error, "an approved call was not run");
                        }
                        drop(slot);
                    });
                }
                Ok(ClaimOutcome::Waits | ClaimOutcome::Changed) => {}
                Ok(ClaimOutcome::Frozen) => {
                    frozen.insert(tenant.clone());
                }
                Ok(ClaimOutcome::Unknown) => {
                    unknown.insert(*id);
                }
                Err(error) => tracing::warn!(%id, %error, "an approved call was not claimed"),
            }
        }
    }
}
