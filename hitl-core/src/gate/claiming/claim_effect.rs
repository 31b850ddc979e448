//! An approved call becomes the holder of its effect, right before it is claimed.

use crate::approval::repeat_reason;
use crate::audit::AuditEvent;
use crate::call::EffectRepeat;
use crate::gate::claiming::claim_check::{ClaimCheck, EffectToReserve, defer_claim};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::effects::Reservation;
use crate::machine::{CallRecord, Event};

/// Makes the call the holder of its effect. Returns `None` if it is now.
pub(in crate::gate) async fn reserve_effect(
    core: &GateCore,
    record: &CallRecord,
    wanted: &EffectToReserve,
) -> Result<Option<ClaimCheck>, GateError> {
    let earlier = match core.effects.reserve(record, wanted.effect).await? {
        Reservation::Held => return Ok(None),
        Reservation::Busy => return defer_claim(core, record).await.map(Some),
        Reservation::Repeats(earlier) => earlier,
    };
    let binding = record.request.binding;
    let (event, audited) = match earlier.repeat {
        EffectRepeat::Refuse => {
            let reason = format!("call {} has the same effect, which happens once", earlier.id);
            (Event::Deny { binding, reason }, AuditEvent::Denied)
        }
        EffectRepeat::Ask => {
            let (earlier, requirement) = (earlier.id, wanted.in_full.clone());
            let reason = format!("asked again: {}", repeat_reason(earlier));
            (Event::ShowRepeat { binding, earlier, requirement, reason }, AuditEvent::Reopened)
        }
    };
    core.lifecycle.reopen_or_deny(record, event, audited).await?;
    Ok(Some(ClaimCheck::Changed))
}
