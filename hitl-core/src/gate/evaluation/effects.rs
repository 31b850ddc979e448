//! The effects of calls: only the call that holds an effect may start.
//!
//! An effect has one holder in the store, which is replaced by compare-and-set. A call becomes the
//! holder right before it is claimed, so of two calls that race one is first, and the other one is
//! asked about again. It takes the place of an earlier holder only if that has provably not run, if
//! it is a further try of it, or if a person approved it who was shown the earlier one. Then the
//! earlier one is kept beside it, and counts again if the new holder ends without a start.
//!
//! A holder that never starts, because its process died in between, keeps the effect until it has
//! ended: nobody else can know that it will not start.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::approval::EarlierCall;
use crate::call::{EffectDigest, EffectRepeat, effect_digest};
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::GateError;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::store::EffectHolder;

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
pub(in crate::gate) struct RepeatedCall {
    pub(in crate::gate) id: RequestId,
    pub(in crate::gate) repeat: EffectRepeat,
}

/// The result of an attempt to become the holder of an effect.
pub(in crate::gate) enum Reservation {
    /// The call may start.
    Held,
    /// An earlier call that the call was not approved with.
    Repeats(RepeatedCall),
    /// Others replaced the holder each time.
    Busy,
}

impl CallEffect {
    pub(in crate::gate) fn of(tool: &RegisteredTool, arguments: &str) -> Option<Self> {
        let digest = effect_digest(tool.terms().effect.as_deref()?, arguments);
        Some(Self { digest, repeat: tool.config().effect_repeat })
    }

    pub(in crate::gate) fn digest(&self) -> EffectDigest {
        self.digest
    }
}

/// Two calls with one effect, by their places among others.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gate) struct SameEffect {
    pub(in crate::gate) first: usize,
    pub(in crate::gate) second: usize,
}

/// Returns the first two of several calls that have the same effect.
pub(in crate::gate) fn first_same_effect(
    effects: impl IntoIterator<Item = Option<CallEffect>>,
) -> Option<SameEffect> {
    let mut seen = BTreeMap::new();
    effects.into_iter().enumerate().find_map(|(second, effect)| {
        let first = seen.insert(effect?.digest, second)?;
        Some(SameEffect { first, second })
    })
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
    ) -> Result<Option<RepeatedCall>, GateError> {
        let tenant = &record.key().tenant;
        let holder = self.calls.store().effect_holder(tenant, effect.digest).await?;
        Ok(match self.standing(record, holder).await? {
            Standing::Free => None,
            Standing::Starting(id) | Standing::MayHaveRun(id) if is_retry_of(record, id) => None,
            Standing::Starting(id) | Standing::MayHaveRun(id) => {
                Some(RepeatedCall { id, repeat: effect.repeat })
            }
        })
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
            let was_shown = |earlier| {
                let shown = record.request.repeats == Some(earlier);
                effect.repeat == EffectRepeat::Ask && shown || is_retry_of(record, earlier)
            };
            let earlier = match self.standing(record, holder).await? {
                Standing::Free => None,
                Standing::MayHaveRun(earlier) if was_shown(earlier) => Some(earlier),
                // A person saw it; it has to start, or to end, before this one takes its place.
                Standing::Starting(earlier) if was_shown(earlier) => return Ok(Reservation::Busy),
                Standing::MayHaveRun(id) | Standing::Starting(id) => {
                    let earlier = RepeatedCall { id, repeat: effect.repeat };
                    return Ok(Reservation::Repeats(earlier));
                }
            };
            let from = holder.map(|holder| holder.call);
            let to = EffectHolder { call: id, earlier };
            if from == Some(id) || store.reserve_effect(tenant, effect.digest, from, to).await? {
                return Ok(Reservation::Held);
            }
        }
        Ok(Reservation::Busy)
    }

    /// Returns the obstacle to the start of a call.
    async fn standing(
        &self,
        record: &CallRecord,
        holder: Option<EffectHolder>,
    ) -> Result<Standing, GateError> {
        let Some(EffectHolder { call, earlier }) = holder else { return Ok(Standing::Free) };
        let tenant = &record.key().tenant;
        if call == record.id() {
            return Ok(Standing::Free);
        }
        let Some(holder) = self.calls.store().get(tenant, call).await? else {
            return Ok(Standing::MayHaveRun(call));
        };
        // A caller that submits the holder itself again gets its outcome.
        if holder.key() == record.key() {
            return Ok(Standing::Free);
        }
        if !holder.never_ran() {
            let started = holder.attempts > 0 || holder.restored;
            return Ok(if started { Standing::MayHaveRun(call) } else { Standing::Starting(call) });
        }
        // It has ended without a start, so the one before it counts again.
        Ok(match earlier.filter(|earlier| *earlier != record.id()) {
            Some(earlier) => Standing::MayHaveRun(earlier),
            None => Standing::Free,
        })
    }

    /// Sets what a person is shown of the call whose effect this one repeats, as that is now. The
    /// record is for reading: a store keeps no such copy.
    ///
    /// Cancel safe: it only reads.
    pub(in crate::gate) async fn show_earlier(
        &self,
        record: &mut CallRecord,
    ) -> Result<(), GateError> {
        let Some(id) = record.request.repeats else { return Ok(()) };
        if record.state.is_terminal() {
            return Ok(());
        }
        let earlier = self.calls.store().get(&record.key().tenant, id).await?;
        let earlier = EarlierCall::new(id, earlier.as_ref());
        Arc::make_mut(&mut record.request).earlier = Some(earlier);
        Ok(())
    }
}

/// An obstacle to the start of a call.
enum Standing {
    /// Nothing.
    Free,
    /// A call that is approved, or asked about again, and may start.
    Starting(RequestId),
    /// A call that has run, runs or may have run.
    MayHaveRun(RequestId),
}

fn is_retry_of(record: &CallRecord, earlier: RequestId) -> bool {
    record.retry_of.as_ref().is_some_and(|retry| retry.call == earlier)
}
