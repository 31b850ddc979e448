//! A caller that waits owns its call: when it goes away, the call is withdrawn.

use std::sync::Arc;

use super::error::GateErrorKind;
use super::handle::Inner;
use super::prepare::Prepared;
use crate::call::CallKey;
use crate::ids::{OwnerToken, RequestId};
use crate::machine::{Event, Withdrawal};

/// A waiting caller's hold on its call: when the caller goes away, the call is withdrawn.
pub(super) struct Ownership<'g> {
    gate: &'g Arc<Inner>,
    key: CallKey,
    /// The record's id, if this submission creates it.
    id: RequestId,
    owner: OwnerToken,
    holds: bool,
}

impl<'g> Ownership<'g> {
    pub(super) fn of(gate: &'g Arc<Inner>, prepared: &Prepared) -> Self {
        Self {
            gate,
            key: prepared.record.key().clone(),
            id: prepared.record.id(),
            owner: prepared.owner,
            holds: !prepared.is_unrecorded(),
        }
    }

    pub(super) fn end(&mut self) {
        self.holds = false;
    }
}

impl Drop for Ownership<'_> {
    fn drop(&mut self) {
        if !self.holds {
            return;
        }
        let (gate, key, id) = (Arc::clone(self.gate), self.key.clone(), self.id);
        let reason = "the caller went away".to_owned();
        let event = Event::Cancel { by: Withdrawal::Owner(self.owner), reason };
        self.gate.runtime.spawn(async move {
            // It may not have been stored, have started, or belong to somebody else by now.
            let mut withdrawn = gate.withdraw(&key.tenant, id, event.clone()).await;
            if matches!(&withdrawn, Err(error) if error.kind() == GateErrorKind::NotFound)
                && let Ok(Some(record)) = gate.store.get_by_key(&key).await
            {
                // It was re-attached to.
                withdrawn = gate.withdraw(&key.tenant, record.id(), event).await;
            }
            if let Err(error) = withdrawn {
                tracing::debug!(%id, %error, "a call whose caller went away was not withdrawn");
            }
        });
    }
}
