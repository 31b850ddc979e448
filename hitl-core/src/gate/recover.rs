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
    /// Calls whose time ran out and that somebody else is asked about now.
    pub escalated: u64,
    /// Calls of idempotent tools whose executor died: they are approved again, to be tried once more.
    pub retried: u64,
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
        let mut before = Vec::new();
        loop {
            let stale = self.inner.store.stale(PAGE).await?;
            let mut moved = false;
            for (tenant, id, state) in &stale {
                let next = match state {
                    CallState::Claimed => self.inner.lose(tenant, *id).await?,
                    _ => self.inner.expire(tenant, *id).await?,
                };
                let Some(next) = next else { continue };
                moved = true;
                match next.state {
                    CallState::Pending => recovered.escalated += 1,
                    CallState::Expired => recovered.expired += 1,
                    _ if self.inner.try_again(&next).await? => recovered.retried += 1,
                    _ => recovered.unknown += 1,
                }
            }
            // Nothing moved, and nobody else moved anything: what is left is not ours to move.
            if stale.is_empty() || !moved && stale == before {
                return Ok(recovered);
            }
            before = stale;
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
