//! A waiting caller owns its call: if the caller is dropped, the call is withdrawn.

use std::sync::Arc;

use crate::call::CallKey;
use crate::gate::core::GateCore;
use crate::gate::error::GateErrorKind;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{Event, Withdrawal};

/// A guard that withdraws the call of a waiting caller when it is dropped, unless it is
/// [disarmed](Self::disarm).
pub(in crate::gate) struct CancelOnDrop<'g> {
    core: &'g Arc<GateCore>,
    key: CallKey,
    /// The record's id, if this submission creates it.
    id: RequestId,
    owner: OwnerToken,
    armed: bool,
}

impl<'g> CancelOnDrop<'g> {
    pub(in crate::gate) fn new(core: &'g Arc<GateCore>, prepared: &PreparedCall) -> Self {
        Self {
            core,
            key: prepared.record.key().clone(),
            id: prepared.record.id(),
            owner: prepared.owner,
            armed: !prepared.is_unrecorded(),
        }
    }

    /// Ends the ownership: dropping the guard then withdraws nothing.
    pub(in crate::gate) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let (core, key, id) = (Arc::clone(self.core), self.key.clone(), self.id);
        let reason = "the caller went away".to_owned();
        let event = Event::Cancel { by: Withdrawal::Owner(self.owner), reason };
        self.core.runtime.spawn(async move {
            let lifecycle = &core.lifecycle;
            // By now the call may not have been stored, have started, or belong to another caller.
            let mut withdrawn = lifecycle.withdraw(&key.tenant, id, event.clone()).await;
            if matches!(&withdrawn, Err(error) if error.kind() == GateErrorKind::NotFound)
                && let Ok(Some(record)) = core.calls.store().get_by_key(&key).await
            {
                // Another caller re-attached to it.
                withdrawn = lifecycle.withdraw(&key.tenant, record.id(), event).await;
            }
            if let Err(error) = withdrawn {
                tracing::debug!(%id, %error, "a call whose caller went away was not withdrawn");
            }
        });
    }
}
