//! The effects of calls: only the call that holds an effect may start.
//!
//! An effect has one holder in the store, which is replaced by compare-and-set. A call becomes the
//! holder right before it is claimed, so of two calls that race one is first, and the other one is
//! asked about again. It takes the place of an earlier holder only if that has provably not run, if
//! it is a further try of it, or if a person approved it who was shown the earlier one.
//!
//! A holder that never starts, because its process died in between, keeps the effect until it has
//! ended: nobody else can know that it will not start.

use std::sync::Arc;

use hitl_base::display::clip;

use crate::call::{EffectDigest, EffectRepeat, Tenant, ToolConfig, effect_digest};
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::GateError;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};

/// The most characters of an earlier call's title that are shown.
const MAX_TITLE: usize = 120;
/// The number of times that others may replace the holder while this gate looks.
const MAX_TRIES: u32 = 8;

/// The effects that the store keeps.
pub(in crate::gate) struct Effects {
    calls: Arc<CallStore>,
}

/// The effect of a call, if its tool declares one.
#[derive(Clone, Copy)]
pub(in crate::gate) struct CallEffect {
    digest: EffectDigest,
    repeat: EffectRepeat,
}

/// An earlier call that had the same effect, has it now or may have had it.
pub(in crate::gate) struct EarlierCall {
    pub(in crate::gate) id: RequestId,
    /// Its description for reviewers.
    pub(in crate::gate) description: String,
    pub(in crate::gate) repeat: EffectRepeat,
}

/// The result of an attempt to become the holder of an effect.
pub(in crate::gate) enum Reservation {
    /// The call may start.
    Held,
    /// An earlier call that the call was not approved with.
    Repeats(EarlierCall),
    /// Others replaced the holder each time.
    Busy,
}

impl CallEffect {
    pub(in crate::gate) fn of(config: &ToolConfig, arguments: &str) -> Option<Self> {
        let digest = effect_digest(config.effect?, arguments);
        Some(Self { digest, repeat: config.effect_repeat })
    }
}

impl Effects {
    pub(in crate::gate) fn new(calls: Arc<CallStore>) -> Self {
        Self { calls }
    }

    /// Returns the earlier call whose effect a new call repeats. Cancel safe: it only reads.
    pub(in crate::gate) async fn earlier(
        &self,
        record: &CallRecord,
        effect: CallEffect,
    ) -> Result<Option<EarlierCall>, GateError> {
        let tenant = &record.key().tenant;
        let Some(holder) = self.calls.store().effect_holder(tenant, effect.digest).await? else {
            return Ok(None);
        };
        self.unless_free(record, tenant, holder, effect.repeat).await
    }

    /// Makes an approved call the holder of its effect.
    ///
    /// Cancel safe: a call that holds its effect and is not claimed can be claimed later.
    pub(in crate::gate) async fn reserve(
        &self,
        record: &CallRecord,
        effect: CallEffect,
    ) -> Result<Reservation, GateError> {
        let (store, tenant, id) = (self.calls.store(), &record.key().tenant, record.id());
        for _ in 0..MAX_TRIES {
            let holder = store.effect_holder(tenant, effect.digest).await?;
            if let Some(holder) = holder.filter(|holder| *holder != id) {
                let was_shown = record.request.repeats == Some(holder);
                let repeats = effect.repeat == EffectRepeat::Refuse || !was_shown;
                let earlier = self.unless_free(record, tenant, holder, effect.repeat).await?;
                if let Some(earlier) = earlier.filter(|_| repeats) {
                    return Ok(Reservation::Repeats(earlier));
                }
            }
            if holder == Some(id) || store.reserve_effect(tenant, effect.digest, holder, id).await?
            {
                return Ok(Reservation::Held);
            }
        }
        Ok(Reservation::Busy)
    }

    /// Returns the holder, unless this call may take its place without anybody having seen it.
    async fn unless_free(
        &self,
        record: &CallRecord,
        tenant: &Tenant,
        holder: RequestId,
        repeat: EffectRepeat,
    ) -> Result<Option<EarlierCall>, GateError> {
        let is_retry = record.retry_of.as_ref().is_some_and(|retry| retry.call == holder);
        if holder == record.id() || is_retry {
            return Ok(None);
        }
        let earlier = self.calls.store().get(tenant, holder).await?;
        if earlier.as_ref().is_some_and(CallRecord::never_ran) {
            return Ok(None);
        }
        let description = describe(holder, earlier.as_ref());
        Ok(Some(EarlierCall { id: holder, description, repeat }))
    }
}

/// Describes an earlier call to a reviewer.
fn describe(id: RequestId, earlier: Option<&CallRecord>) -> String {
    let Some(record) = earlier else {
        return format!("the same effect as call {id}, of which nothing else is known any more");
    };
    let at = record.updated_at;
    let what = match record.state {
        CallState::Executed => format!("which has run ({at})"),
        CallState::Failed => {
            format!("which failed ({at}) and may have had its effect all the same")
        }
        CallState::Claimed => format!("which is running (since {at})"),
        _ if record.attempts > 0 || record.restored => {
            format!("which may have run ({at}: {})", record.state)
        }
        _ => "which is about to start".to_owned(),
    };
    if record.erased {
        return format!("the same effect as call {id}, {what}");
    }
    let (title, by) = (clip(&record.request.title, MAX_TITLE), &record.request.principal);
    format!("the same effect as call {id}, \"{title}\" for {by}, {what}")
}
