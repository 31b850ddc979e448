//! A call as it is now: what nobody has recorded yet about its time and its executor is recorded
//! first.

use futures::FutureExt as _;

use crate::call::Tenant;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};

/// Returns a call's record, after it was expired or escalated if its time is up, and parked if its
/// executor is dead. Anybody may record both; the store verifies them. Takes nothing over.
pub(in crate::gate) async fn read_present(
    core: &GateCore,
    tenant: &Tenant,
    id: RequestId,
) -> Result<CallRecord, GateError> {
    let record = core.calls.current(tenant, id).await?;
    let changed = match record.state {
        CallState::Pending | CallState::Approved => {
            let now = core.calls.store().now().await?;
            if now < record.request.expires_at {
                return Ok(record);
            }
            core.lifecycle.expire(tenant, id).boxed().await?
        }
        CallState::Claimed => core.lifecycle.mark_executor_lost(tenant, id).boxed().await?,
        _ => return Ok(record),
    };
    match changed {
        Some(changed) => Ok(changed),
        // Another change may have been first.
        None => core.calls.current(tenant, id).await,
    }
}
