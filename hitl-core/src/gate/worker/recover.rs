//! Recovers the calls and changes that a dead process left. Runs nothing, and takes nothing from
//! live processes.

use crate::gate::break_glass::end::end_all_over;
use crate::gate::break_glass::envelopes::publish_changes;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::parked::settle::Settlement;
use crate::gate::parked::sweep::Sweep;
use crate::gate::review::reask::close_retired;
use crate::machine::CallState;

/// The number of calls read at a time.
const PAGE: usize = 100;

/// The changes of a [recovery](Gate::recover).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The number of calls whose executor died while it ran them: their outcome is unknown, and a
    /// human must resolve it.
    pub unknown: u64,
    /// The number of calls that had expired.
    pub expired: u64,
    /// The number of calls that a restore of the store changed, and that no gate had audited yet.
    pub restored: u64,
    /// The number of other changes that a process made and did not audit before it died.
    pub audited: u64,
    /// The number of calls that timed out and about which somebody else is asked now.
    pub escalated: u64,
    /// The number of calls of idempotent tools whose executor died: they are approved again, to be
    /// tried once more.
    pub retried: u64,
    /// The number of calls whose tool found out itself how they ended: those that took effect are
    /// executed, the others are approved again.
    pub reconciled: u64,
}

impl Gate {
    /// Recovers the calls that dead processes left: calls that they were running become
    /// `OutcomeUnknown`, and calls that timed out expire. Pending and approved calls stay as they
    /// are until their keys are submitted again; approved calls whose tool was taken away are
    /// closed. Changes that the processes did not audit are audited here. Runs no body.
    ///
    /// `build` calls it, unless [`skip_recovery`](crate::GateBuilder::skip_recovery) is set.
    pub async fn recover(&self) -> Result<RecoveryReport, GateError> {
        let core = &*self.core;
        let mut recovered = RecoveryReport::default();
        for entry in core.audit.audit_orphaned_changes().await? {
            match entry.event.as_str() {
                "restore" => recovered.restored += 1,
                _ => recovered.audited += 1,
            }
        }
        core.audit.exchange_heads().await?;
        // A failure here must not prevent the rest of the recovery.
        if let Err(error) = close_retired_calls(core).await {
            tracing::warn!(%error, "calls of tools that were taken away are not closed now");
        }
        if let Err(error) = end_all_over(core).await {
            tracing::warn!(%error, "the end of a broken glass is audited later");
        }
        if let Err(error) = publish_changes(core).await {
            tracing::warn!(%error, "other gates do not see the envelopes in force");
        }
        let mut sweep = Sweep::default();
        let mut before = Vec::new();
        loop {
            let stale = core.calls.store().stale(PAGE).await?;
            let mut moved = false;
            for (tenant, id, state) in &stale {
                if *state == CallState::Claimed {
                    let lost = core.lifecycle.mark_executor_lost(tenant, *id).await?;
                    let Some(record) = lost else { continue };
                    moved = true;
                    match sweep.settle_lost(core, &record).await? {
                        Settlement::Reconciled => recovered.reconciled += 1,
                        Settlement::Retried => recovered.retried += 1,
                        _ => recovered.unknown += 1,
                    }
                    continue;
                }
                let Some(next) = core.lifecycle.expire(tenant, *id).await? else { continue };
                moved = true;
                match next.state {
                    CallState::Pending => recovered.escalated += 1,
                    _ => recovered.expired += 1,
                }
            }
            // Nothing changed, here or elsewhere: the rest is not ours to change.
            if stale.is_empty() || !moved && stale == before {
                break;
            }
            before = stale;
        }
        match sweep.settle_parked_before(core).await {
            Ok((reconciled, retried)) => {
                recovered.reconciled += reconciled;
                recovered.retried += retried;
            }
            Err(error) => tracing::warn!(%error, "calls of unknown outcome are not settled now"),
        }
        Ok(recovered)
    }
}

/// Closes approved calls whose tool was taken away from every executor that had it.
async fn close_retired_calls(core: &GateCore) -> Result<(), GateError> {
    let Some(executors) = core.calls.executors().await? else { return Ok(()) };
    let all = executors.all().iter().flat_map(|executor| executor.tools.iter());
    let mut gone: Vec<&str> = all.map(|facts| &*facts.name).collect();
    gone.sort_unstable();
    gone.dedup();
    gone.retain(|name| executors.is_retired(name));
    if gone.is_empty() {
        return Ok(());
    }
    let store = core.calls.store();
    let mut after = None;
    loop {
        let approved = store.approved(after, PAGE).await?;
        let Some((_, last)) = approved.last() else { return Ok(()) };
        after = Some(*last);
        for (tenant, id) in &approved {
            let Some(record) = store.get(tenant, *id).await? else { continue };
            let is_gone = gone.contains(&record.request.tool.as_str());
            if is_gone && record.state == CallState::Approved {
                close_retired(core, &record).await?;
            }
        }
    }
}
