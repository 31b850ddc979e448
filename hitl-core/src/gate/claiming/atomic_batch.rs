//! Calls that run together or not at all: claimed once all of them are approved, withdrawn if one
//! of them cannot be approved.

use std::sync::Arc;

use futures::future::try_join_all;

use crate::gate::calls::lifecycle::{BatchObstacle, ClaimRef, batch_obstacle};
use crate::gate::claiming::claim::{ClaimOutcome, claim_alone, record_grant_use, say_frozen};
use crate::gate::claiming::claim_check::{
    ClaimCheck, ClaimableCall, EffectToReserve, check_claimable,
};
use crate::gate::claiming::claim_effect::reserve_effect;
use crate::gate::claiming::grace::grace_left;
use crate::gate::claiming::pending_claim::PendingClaim;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::effects::{SameEffect, first_same_effect};
use crate::ids::{ClaimToken, OwnerToken, RequestId};
use crate::machine::{CallRecord, CallState, Claim, Membership, Refusal};
use crate::store::{ApplyError, ApplyRequest, StoreErrorKind};

/// A call of a batch that may be claimed.
struct ClaimableSibling {
    call: ClaimableCall,
    claim: Claim,
}

/// Claims an approved call: alone, or with the siblings that it runs together with.
pub(in crate::gate) async fn claim_alone_or_together(
    core: &Arc<GateCore>,
    record: &CallRecord,
    attached: Option<OwnerToken>,
) -> Result<ClaimOutcome, GateError> {
    // The store decides. This saves the checks, which may ask people again, while it is frozen.
    if !core.freezes.is_known_clear()
        && let ClaimOutcome::Frozen = say_frozen(core, record).await?
    {
        return Ok(ClaimOutcome::Frozen);
    }
    if record.batch.as_ref().is_some_and(Membership::is_held) {
        Box::pin(claim_batch(core, record)).await
    } else {
        Box::pin(claim_alone(core, record, attached)).await
    }
}

/// Claims a call and all of its siblings, if all are approved. The others run in the background.
///
/// Cancel safe: claims that no caller is left to hold are released.
async fn claim_batch(core: &Arc<GateCore>, record: &CallRecord) -> Result<ClaimOutcome, GateError> {
    let Some(siblings) = core.lifecycle.siblings(record).await? else {
        return Ok(ClaimOutcome::Waits);
    };
    if let Some(obstacle) = batch_obstacle(&siblings, record) {
        core.lifecycle.cancel_batch(&siblings, &obstacle).await;
        return Ok(ClaimOutcome::Changed);
    }
    let now = core.calls.store().now().await?;
    for sibling in &siblings {
        if now >= sibling.request.expires_at {
            core.lifecycle.expire(&sibling.key().tenant, sibling.id()).await?;
            return Ok(ClaimOutcome::Changed);
        }
    }
    if siblings.iter().any(|sibling| sibling.state != CallState::Approved) {
        return Ok(ClaimOutcome::Waits);
    }
    for sibling in &siblings {
        if !grace_left(core, sibling).await?.is_zero() {
            return Ok(ClaimOutcome::Waits);
        }
    }
    let mut claimable = Vec::with_capacity(siblings.len());
    for sibling in &siblings {
        let call = match check_claimable(core, sibling).await? {
            ClaimCheck::Ready(call) => *call,
            ClaimCheck::Unknown => return Ok(ClaimOutcome::Unknown),
            ClaimCheck::Changed => return Ok(ClaimOutcome::Changed),
        };
        let claim = Claim { token: ClaimToken::new(), session: core.calls.session() };
        claimable.push(ClaimableSibling { call, claim });
    }
    let effects = claimable.iter().map(|sibling| sibling.call.effect()).collect();
    if let Some(outcome) = Box::pin(reserve_effects(core, &siblings, effects)).await? {
        return Ok(outcome);
    }
    claim_all(core, record.id(), &siblings, claimable).await
}

/// Makes each sibling the holder of its effect. Returns `None` if all are now.
///
/// Two siblings with one effect can never start together: only one of them would be its holder. An
/// edit, or another version of a tool, may give them one.
async fn reserve_effects(
    core: &GateCore,
    siblings: &[CallRecord],
    effects: Vec<Option<&EffectToReserve>>,
) -> Result<Option<ClaimOutcome>, GateError> {
    let digests = effects.iter().map(|wanted| wanted.map(|wanted| wanted.effect));
    if let Some(SameEffect { first, second }) = first_same_effect(digests) {
        let [first, second] = [first, second].map(|at| &siblings[at]);
        let reason = format!(
            "none of its batch runs: the calls at {} and {} have the same effect, which happens once",
            first.key().position,
            second.key().position,
        );
        core.lifecycle.cancel_batch(siblings, &BatchObstacle { id: second.id(), reason }).await;
        return Ok(Some(ClaimOutcome::Changed));
    }
    let mut wanted: Vec<_> =
        siblings.iter().zip(effects).filter_map(|(of, wanted)| Some((of, wanted?))).collect();
    // In one order for all batches, so that of two that want the same effects one gets them all.
    wanted.sort_by_key(|(_, wanted)| wanted.effect.digest());
    for (sibling, wanted) in wanted {
        match reserve_effect(core, sibling, wanted).await? {
            None => {}
            Some(ClaimCheck::Unknown) => return Ok(Some(ClaimOutcome::Unknown)),
            Some(_) => return Ok(Some(ClaimOutcome::Changed)),
        }
    }
    Ok(None)
}

/// Claims these siblings in one transaction, and starts all but the caller's `own`.
async fn claim_all(
    core: &Arc<GateCore>,
    own: RequestId,
    siblings: &[CallRecord],
    claimable: Vec<ClaimableSibling>,
) -> Result<ClaimOutcome, GateError> {
    let tenant = siblings.first().map(|sibling| sibling.key().tenant.clone());
    let Some(tenant) = tenant else { return Ok(ClaimOutcome::Changed) };
    let (mut events, mut claims) = (Vec::new(), Vec::new());
    for (sibling, ClaimableSibling { call, claim }) in siblings.iter().zip(&claimable) {
        let (id, token) = (sibling.id(), claim.token);
        events.push(ApplyRequest::new(id, call.claim_event(*claim)));
        claims.push(ClaimRef { tenant: tenant.clone(), id, token, owner: None });
    }
    let (store, of) = (Arc::clone(core.calls.store()), tenant.clone());
    let asking = async move { store.apply_all(&of, events).await };
    let mut pending = PendingClaim::new(&core.lifecycle, claims, asking);
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
            // All of them, or none.
            let ids = siblings.iter().map(|sibling| core.calls.current(&tenant, sibling.id()));
            let current = try_join_all(ids).await?;
            let is_ours = |(record, sibling): (&CallRecord, &ClaimableSibling)| {
                record.claim == Some(sibling.claim) && record.state == CallState::Claimed
            };
            if !current.iter().zip(&claimable).all(is_ours) {
                return Ok(ClaimOutcome::Changed);
            }
            current
        }
        Err(error) => return Err(error.into()),
    };
    pending.disarm();
    let mut own_call = None;
    for (record, ClaimableSibling { call, claim }) in granted.iter().zip(claimable) {
        record_grant_use(core, record);
        let claimed = call.into_claimed(record, claim, core.tools.states());
        if record.id() == own {
            own_call = Some(claimed);
            continue;
        }
        let executor = Arc::clone(&core.executor);
        // Starts at once, whether anybody waits for it or not.
        core.runtime.spawn(async move {
            if let Err(error) = claimed.call.execute(&executor, claimed.execution).await {
                tracing::warn!(%error, "a call that was released with others was not run");
            }
        });
    }
    Ok(own_call.map_or(ClaimOutcome::Changed, ClaimOutcome::Claimed))
}
