//! The answer of a tool's own reconcile about an attempt whose outcome is unknown.

use super::guards::guard;
use super::{CallRecord, CallState as S, EndReason, ReconcileAnswer, Refusal};

/// Settles a parked call as its tool found it.
///
/// That an attempt took effect ends the call, even while its executor may be alive: the call is
/// done, and never starts again. That it took no effect counts only if the executor was dead before
/// the tool was asked, which the record says: a body that is still running may act later.
pub(super) fn reconcile(next: &mut CallRecord, answer: ReconcileAnswer) -> Result<(), Refusal> {
    match answer {
        ReconcileAnswer::Executed => {
            next.state = S::Executed;
            next.reconciled = true;
            next.end_reason = Some(EndReason::Reason(
                "the tool's own reconcile found that it took effect".to_owned(),
            ));
        }
        ReconcileAnswer::NotExecuted { most } => {
            // Without a claim somebody has ended the call since the attempt, as far as an attempted
            // call can end: it must not start again. After a restore, the record may miss one.
            guard(next.claim.is_some() && !next.restored, Refusal::NotAllowed)?;
            guard(next.over_since.is_some(), Refusal::Alive)?;
            // Attempts that took no effect count here, so that a body which kills its process does
            // not start for ever.
            let started = next.attempts.saturating_add(next.without_effect);
            guard(started < most, Refusal::TooManyAttempts)?;
            next.state = S::Approved;
            next.end_reason = None;
            next.over_since = None;
            next.attempts = next.attempts.saturating_sub(1);
            next.without_effect = next.without_effect.saturating_add(1);
        }
    }
    // A late result must not overwrite what was settled.
    next.claim = None;
    Ok(())
}
