//! Tries a call of an idempotent tool once more if its outcome is unknown.

use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::machine::{CallRecord, CallState, Event};
use crate::store::{ApplyError, EventPayload};

/// Approves a parked call of an idempotent tool again, as often as the tool allows. Returns `false`
/// if it stays parked, for a human.
///
/// Runs nothing: the process that claims the call gives the body the same idempotency key.
pub(in crate::gate) async fn retry_parked(
    core: &GateCore,
    record: &CallRecord,
) -> Result<bool, GateError> {
    if record.state != CallState::OutcomeUnknown {
        return Ok(false);
    }
    let Ok(tool) = core.tools.require_as_shown(record) else { return Ok(false) };
    let config = tool.config();
    // The tool must be idempotent both now and when it was approved.
    if !config.hints.idempotent || record.attempts_in_all() >= config.attempts {
        return Ok(false);
    }
    // The attempts of earlier tries of a failed call count too.
    let earlier = record.attempts_in_all() - record.attempts;
    let most = config.attempts.saturating_sub(earlier);
    let event = Event::RetryIdempotent { version: record.version, most };
    let tenant = &record.key().tenant;
    match core.calls.apply(tenant, record.id(), event, EventPayload::none()).await {
        Ok(record) => {
            let mut entry = AuditRecord::new(AuditEvent::Retried, &record, record.updated_at);
            entry.attempt = Some(record.attempts);
            core.audit.record(&entry);
            Ok(true)
        }
        Err(ApplyError::Rejected { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
