//! Claims an approved call for this process.

use std::sync::Arc;

use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::break_glass::usage::record_use;
use crate::gate::calls::lifecycle::ClaimRef;
use crate::gate::claiming::claim_check::{ClaimCheck, ClaimedCall, check_claimable};
use crate::gate::claiming::claim_effect::reserve_effect;
use crate::gate::claiming::pending_claim::PendingClaim;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::grant::GrantKind;
use crate::ids::{ClaimToken, OwnerToken};
use crate::machine::{CallRecord, CallState, Claim, Refusal};
use crate::store::{ApplyError, EventPayload, StoreErrorKind};

/// The result of an attempt to claim a call.
pub(in crate::gate) enum ClaimOutcome {
    /// The call is claimed, and is to run now.
    Claimed(ClaimedCall),
    /// Some of its siblings wait for a decision, or an approval can still be taken back.
    Waits,
    /// It is unknown whether the call may be claimed; check again after a while, and not sooner.
    Unknown,
    /// Its tenant is frozen: check again after the thaw.
    Frozen,
    /// Something has changed: read the record again.
    Changed,
}

/// Claims an approved call for this process.
///
/// Cancel safe: a claim that no caller is left to hold is released. If the dropped caller is
/// `attached`, the call is then withdrawn as well.
pub(in crate::gate) async fn claim_alone(
    core: &GateCore,
    record: &CallRecord,
    attached: Option<OwnerToken>,
) -> Result<ClaimOutcome, GateError> {
    let claimable = match check_claimable(core, record).await? {
        ClaimCheck::Ready(claimable) => claimable,
        ClaimCheck::Unknown => return Ok(ClaimOutcome::Unknown),
        ClaimCheck::Changed => return Ok(ClaimOutcome::Changed),
    };
    if let Some(wanted) = claimable.effect() {
        match Box::pin(reserve_effect(core, record, wanted)).await? {
            None => {}
            Some(ClaimCheck::Unknown) => return Ok(ClaimOutcome::Unknown),
            Some(_) => return Ok(ClaimOutcome::Changed),
        }
    }
    let claim = Claim { token: ClaimToken::new(), session: core.calls.session() };
    let event = claimable.claim_event(claim);
    let tenant = &record.key().tenant;
    let (store, of, id) = (Arc::clone(core.calls.store()), tenant.clone(), record.id());
    let claim_ref = ClaimRef { tenant: tenant.clone(), id, token: claim.token, owner: attached };
    let asking = async move { store.apply(&of, id, event, EventPayload::none()).await };
    let mut pending = PendingClaim::new(&core.lifecycle, Some(claim_ref), asking);
    let granted = match pending.resolve().await {
        Ok(granted) => granted,
        Err(ApplyError::Rejected { refusal, current }) => {
            pending.disarm();
            if refusal == Refusal::Frozen {
                return say_frozen(core, &current).await;
            }
            if let Refusal::InGrace { .. } = refusal {
                return Ok(ClaimOutcome::Waits);
            }
            core.lifecycle.on_claim_refused(refusal, &current).await?;
            return Ok(ClaimOutcome::Changed);
        }
        Err(ApplyError::Store(error)) if error.kind() == StoreErrorKind::Ambiguous => {
            // If the claim is there, it is this caller's. If the store cannot be read, nothing
            // runs, and the claim is released.
            let current = core.calls.current(tenant, record.id()).await?;
            if current.claim != Some(claim) || current.state != CallState::Claimed {
                return Ok(ClaimOutcome::Changed);
            }
            current
        }
        Err(error) => return Err(error.into()),
    };
    pending.disarm();
    record_grant_use(core, &granted);
    let claimed = claimable.into_claimed(&granted, claim, core.tools.states());
    Ok(ClaimOutcome::Claimed(claimed))
}

/// Returns that a call is frozen. The gate says so once.
pub(in crate::gate) async fn say_frozen(
    core: &GateCore,
    record: &CallRecord,
) -> Result<ClaimOutcome, GateError> {
    let frozen = core.freezes.reaching(&record.key().tenant).await?.is_some();
    // It may have been thawed since.
    Ok(if frozen { ClaimOutcome::Frozen } else { ClaimOutcome::Changed })
}

/// Audits that a call was claimed on a grant.
pub(in crate::gate) fn record_grant_use(core: &GateCore, record: &CallRecord) {
    let Some(drawn) = record.grant_use else { return };
    if drawn.kind == GrantKind::BreakGlass {
        return record_use(core, record, drawn);
    }
    let mut entry = AuditRecord::new(AuditEvent::GrantUsed, record, record.updated_at);
    entry.subject = Some(drawn.grant.to_string());
    if !drawn.amount.is_zero() {
        entry.note = Some(format!("{} of its sum", drawn.amount));
    }
    core.audit.record(&entry);
}
