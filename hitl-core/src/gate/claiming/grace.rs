//! The time in which an approved call does not start, because its approval can be taken back.

use std::time::Duration;

use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::machine::CallRecord;

/// Returns how long an approved call does not start yet, by the store's clock.
pub(in crate::gate) async fn grace_left(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Duration, GateError> {
    match record.claimable_from() {
        Some(from) => Ok(from.saturating_duration_since(core.calls.store().now().await?)),
        None => Ok(Duration::ZERO),
    }
}
