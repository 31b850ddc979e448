//! Waits until calls may start.

use std::time::Duration;

use crate::call::Tenant;
use crate::gate::claiming::grace::grace_left;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::waiting::waiter::wait_until_decided;
use crate::ids::RequestId;
use crate::machine::CallState;
use crate::sync::sleep;

/// The interval at which the store is read without a hint.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The treatment of a submitted call that would start at once, while its tenant is frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::gate) enum WhileFrozen {
    /// Refuses it.
    #[default]
    Refuse,
    /// Waits for the thaw.
    Wait,
}

/// Waits until calls of a tenant may start. Cancel safe.
pub(in crate::gate) async fn wait_until_thawed(
    core: &GateCore,
    tenant: &Tenant,
) -> Result<(), GateError> {
    let mut changes = core.calls.store().watch_all();
    while core.freezes.reaching(tenant).await?.is_some() {
        tokio::select! {
            () = changes.changed() => {}
            () = sleep(POLL_INTERVAL) => {}
        }
    }
    Ok(())
}

/// Waits until the call may start, or has ended. Runs nothing. Cancel safe.
pub(in crate::gate) async fn wait_until_startable(
    core: &GateCore,
    tenant: &Tenant,
    id: RequestId,
) -> Result<(), GateError> {
    let mut changes = core.calls.store().watch(id);
    loop {
        wait_until_decided(core, tenant, id).await?;
        let record = core.calls.current(tenant, id).await?;
        if record.state != CallState::Approved {
            return Ok(());
        }
        let grace = grace_left(core, &record).await?;
        if grace.is_zero() && core.freezes.reaching(tenant).await?.is_none() {
            return Ok(());
        }
        let pause = if grace.is_zero() { POLL_INTERVAL } else { grace.min(POLL_INTERVAL) };
        tokio::select! {
            () = changes.changed() => {}
            () = sleep(pause) => {}
        }
    }
}
