//! A new call whose effect an earlier call had, has now or may have had.

use std::sync::Arc;

use crate::approval::repeat_reason;
use crate::call::EffectRepeat;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::effects::CallEffect;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::policy::{ApprovalLevel, Verdict};

/// Denies a call that repeats an effect, or has it asked about in full, with the earlier call among
/// its reasons. The claim looks again.
///
/// Cancel safe: it only reads.
pub(in crate::gate) async fn check_repeated_effect(
    core: &GateCore,
    prepared: &mut PreparedCall,
) -> Result<(), GateError> {
    let arguments = prepared.snapshot.text();
    let Some(effect) = CallEffect::of(&prepared.tool, arguments) else { return Ok(()) };
    if matches!(prepared.routed.verdict, Verdict::Deny(_)) {
        return Ok(());
    }
    let Some(earlier) = core.effects.earlier(&prepared.record, effect).await? else {
        return Ok(());
    };
    if earlier.repeat == EffectRepeat::Refuse {
        // The model need not know what somebody else asked for.
        prepared.deny(format!("call {} has the same effect, which happens once", earlier.id));
        return Ok(());
    }
    let request = Arc::make_mut(&mut prepared.record.request);
    request.repeats = Some(earlier.id);
    request.reasons.push(repeat_reason(earlier.id));
    prepared.approval = None;
    prepared.routed.grantable = false;
    prepared.ask_at(ApprovalLevel::Full);
    Ok(())
}
