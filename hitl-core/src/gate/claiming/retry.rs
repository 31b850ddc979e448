//! Parks a call whose executor died, or tries it once more if its tool is idempotent.

use crate::audit::{AuditEvent, AuditRecord};
use crate::call::Tenant;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, Event};
use crate::store::{ApplyError, EventPayload};

/// The state of a call whose executor died.
pub(in crate::gate) enum LostCall {
    /// It is approved again, to be tried once more.
    Retried,
    /// Nobody knows how it ended: a person settles it.
    Parked,
}

/// Parks a claimed call whose executor is dead, and says so, or approves it again if its tool is
/// idempotent. Returns `None` if this changed nothing.
///
/// Runs nothing.
pub(in crate::gate) async fn park_lost_call(
    core: &GateCore,
    tenant: &Tenant,
    id: RequestId,
) -> Result<Option<LostCall>, GateError> {
    let Some(record) = core.lifecycle.mark_executor_lost(tenant, id).await? else {
        return Ok(None);
    };
    // If this fails, the call stays parked, and the line is right.
    let retried = retry_parked(core, &record).await;
    if !matches!(retried, Ok(true)) {
        core.notifier.say_parked(&record);
    }
    Ok(Some(if retried? { LostCall::Retried } else { LostCall::Parked }))
}

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
