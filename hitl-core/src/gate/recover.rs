//! What a dead process left is put in order. Runs nothing, and takes nothing from the living.

use super::error::GateError;
use super::handle::Gate;
use super::outbox;
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
    /// Other changes that a process made and did not live to audit.
    pub audited: u64,
    /// Calls whose time ran out and that somebody else is asked about now.
    pub escalated: u64,
    /// Calls of idempotent tools whose executor died: they are approved again, to be tried once
    /// more.
    pub retried: u64,
}

impl Gate {
    /// Puts in order what dead processes left: calls they were running become `OutcomeUnknown`, and
    /// calls whose time is up expire. Pending and approved calls stay as they are, for whoever
    /// submits their keys again; approved ones whose tool was taken away from whoever had it are
    /// closed. What they changed and did not live to audit is audited here. Called by
    /// `build`, unless it was told not to.
    pub async fn recover(&self) -> Result<Recovered, GateError> {
        let mut recovered = Recovered::default();
        for entry in self.inner.audit_what_was_left().await? {
            match entry.event.as_str() {
                "restore" => recovered.restored += 1,
                _ => recovered.audited += 1,
            }
        }
        let sink = self.inner.trail.sink();
        outbox::exchange_heads(&sink, &*self.inner.store).await?;
        // What is recorded of tools must not keep the rest from being put in order.
        if let Err(error) = self.inner.close_retired_calls().await {
            tracing::warn!(%error, "calls of tools that were taken away are not closed now");
        }
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
}
