//! Asks an approver inline. The first decision counts, wherever it is made.

use std::sync::Arc;

use tracing::Instrument as _;

use crate::approval::{Approver, Review, may_ask};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::intake::submit_options::InlineApprover;
use crate::gate::review::decide::decide_detached;
use crate::gate::review::review_access::ReviewAccess;
use crate::gate::telemetry;
use crate::machine::{CallRecord, CallState};
use crate::panic::catch_async;
use crate::policy::ApprovalLevel;
use crate::sync::sleep;

/// Returns whether an approver may be asked inline about this record.
fn asks_inline(record: &CallRecord) -> bool {
    record.state == CallState::Pending && record.request.level <= ApprovalLevel::Quick
}

/// Asks an approver about a Quick request, and returns the resulting record. Without an answer the
/// call is still pending: it waits in the queue like Full.
///
/// Cancel safe: dropping the future withdraws the question.
pub(in crate::gate) async fn review_inline(
    core: &Arc<GateCore>,
    record: &CallRecord,
    asked: &InlineApprover,
) -> Result<CallRecord, GateError> {
    let (Some(approver), true) = (asked.get(core), asks_inline(record)) else {
        return Ok(record.clone());
    };
    if !may_ask(approver, &record.request) {
        // A call that this approver cannot show waits for a surface that can.
        tracing::info!(id = %record.id(), "a call with masked places waits in the queue");
        return Ok(record.clone());
    }
    let reviewing = async {
        let result = ask_approver(core, approver, record).await;
        match &result {
            Ok(record) if record.state == CallState::Pending => {
                telemetry::record_outcome("noAnswer");
            }
            Ok(record) => telemetry::record_outcome(record.state.name()),
            Err(error) => telemetry::record_error(error),
        }
        result
    };
    reviewing.instrument(telemetry::review_span(record)).await
}

async fn ask_approver(
    core: &Arc<GateCore>,
    approver: &dyn Approver,
    record: &CallRecord,
) -> Result<CallRecord, GateError> {
    let (tenant, id) = (&record.key().tenant, record.id());
    let mut watch = core.calls.store().watch(id);
    let mut current = core.calls.current(tenant, id).await?;
    let at = core.calls.store().now().await?;
    core.audit.record(&AuditRecord::new(AuditEvent::Shown, &current, at));
    let access = ReviewAccess::new(core, &record.request);
    // An approver may also panic before its first await, so the call itself is caught too.
    let asked = catch_async(async { approver.review_with(&record.request, &access).await });
    tokio::pin!(asked);
    while asks_inline(&current) {
        let time_left =
            current.request.expires_at.saturating_duration_since(core.calls.store().now().await?);
        tokio::select! {
            answer = &mut asked => {
                match answer {
                    Ok(Review::Decided(decision)) if decision.request == id => {
                        if let Err(error) = decide_detached(core, decision).await {
                            if error.current().is_none() {
                                return Err(error);
                            }
                            tracing::warn!(%id, %error, "an approver's decision was not taken");
                        }
                    }
                    Ok(Review::Decided(_)) => tracing::warn!(%id, "an approver decided about another call"),
                    Ok(Review::NoAnswer) => {}
                    Ok(Review::Failed(why)) => tracing::warn!(%id, why, "an approver failed"),
                    Err(_) => tracing::warn!(%id, "an approver panicked"),
                }
                return core.calls.current(tenant, id).await;
            }
            () = watch.changed() => {}
            () = sleep(time_left) => {
                core.lifecycle.expire(tenant, id).await?;
            }
        }
        current = core.calls.current(tenant, id).await?;
    }
    Ok(current)
}
