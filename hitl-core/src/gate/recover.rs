//! What a dead process left is put in order. Runs nothing, and takes nothing from the living.

use super::error::GateError;
use super::handle::Gate;
use crate::audit::{AuditEvent, AuditRecord};
use crate::machine::CallState;

/// How many calls are put in order in one go.
const PAGE: usize = 100;

/// What was put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// Calls whose executor died while it ran them: their outcome is not known, and a human must
    /// settle it.
    pub unknown: u64,
    /// Calls whose time ran out while nobody looked.
    pub expired: u64,
    /// Calls that a restore of the store moved, before there was anybody to audit that.
    pub restored: u64,
}

impl Gate {
    /// Puts in order what dead processes left: calls they were running become `OutcomeUnknown`, and
    /// calls whose time is up expire. Pending and approved calls stay as they are, for whoever
    /// submits their keys again. Called by `build`, unless it was told not to.
    pub async fn recover(&self) -> Result<Recovered, GateError> {
        let mut recovered = Recovered {
            restored: self.audit_what_a_restore_moved().await?,
            ..Recovered::default()
        };
        loop {
            let stale = self.inner.store.stale(PAGE).await?;
            let mut moved = false;
            for (tenant, id, state) in stale {
                if state == CallState::Claimed {
                    let lost = self.inner.lose(&tenant, id).await?;
                    recovered.unknown += u64::from(lost);
                    moved |= lost;
                } else {
                    let expired = self.inner.expire(&tenant, id).await?;
                    recovered.expired += u64::from(expired);
                    moved |= expired;
                }
            }
            // Nothing moved: what is left is somebody else's to move, or nothing is left.
            if !moved {
                return Ok(recovered);
            }
        }
    }

    /// Audits what the store did while there was no gate. What cannot be kept stays with the store.
    async fn audit_what_a_restore_moved(&self) -> Result<u64, GateError> {
        let (store, trail) = (&self.inner.store, &self.inner.trail);
        let mut moved = 0;
        loop {
            let entries = store.outbox_take(PAGE).await?;
            let Some((last, _)) = entries.last() else { return Ok(moved) };
            for (_, entry) in &entries {
                let Some(record) = store.get(&entry.key.tenant, entry.id).await? else { continue };
                let event = match entry.state {
                    CallState::OutcomeUnknown => AuditEvent::Unknown,
                    _ => AuditEvent::Reopened,
                };
                let mut audited = AuditRecord::of(event, &record, entry.at);
                audited.note = Some("the store was restored from a backup".to_owned());
                trail.note(audited);
                moved += 1;
            }
            if trail.owed() > 0 {
                return Ok(moved);
            }
            store.outbox_ack(*last).await?;
        }
    }
}
