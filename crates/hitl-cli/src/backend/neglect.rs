//! Which calls of a store nobody takes care of.

use std::collections::BTreeSet;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::gate::ToolStatus;
use hitl_core::{CallRecord, CallState, RequestId};

use super::StoreBackend;
use crate::exit::Failure;
use crate::view::Neglect;

/// The time in which a program that has the tool starts an approved call, if it will.
const USUAL_START: Duration = Duration::from_secs(300);
/// The maximum number of calls that are looked at to count those that nobody takes care of.
const MOST: usize = 200;

/// Whether an approved call should have been started by now.
pub(super) fn is_late(approved_at: Timestamp, now: Timestamp) -> bool {
    now.saturating_duration_since(approved_at) >= USUAL_START
}

impl StoreBackend {
    /// Returns the calls that are claimed by processes that are dead.
    pub(crate) async fn lost_calls(&self) -> Result<BTreeSet<RequestId>, Failure> {
        let stale = self.store.stale(MOST).await?;
        let tenants = self.viewer();
        let lost = stale
            .into_iter()
            .filter(|(tenant, _, state)| *state == CallState::Claimed && tenants.sees(tenant));
        Ok(lost.map(|(_, id, _)| id).collect())
    }

    /// Returns the approved calls that nobody runs, of the oldest ones that are approved.
    pub(crate) async fn idle_calls(&self) -> Result<usize, Failure> {
        let (viewer, mut idle) = (self.viewer(), 0);
        let scoped = self.gate.scoped_to(viewer.clone());
        for (tenant, id) in self.store.approved(None, MOST).await? {
            if !viewer.sees(&tenant) {
                continue;
            }
            if let Some(record) = scoped.get(&tenant, id).await? {
                idle += usize::from(self.neglect(&record).await?.is_some());
            }
        }
        Ok(idle)
    }

    /// Returns why nobody takes care of a call, if nobody does.
    pub(crate) async fn neglect(&self, record: &CallRecord) -> Result<Option<Neglect>, Failure> {
        match record.state() {
            CallState::Claimed => {
                let is_lost = self.lost_calls().await?.contains(&record.id());
                Ok(is_lost.then_some(Neglect::ClaimantDead))
            }
            CallState::Approved => {
                let status = self.gate.tool_status(record).await?;
                let late = is_late(record.updated_at(), self.gate.now().await?);
                Ok(match status {
                    ToolStatus::NoExecutor | ToolStatus::Gone(_) => Some(Neglect::NoExecutor),
                    ToolStatus::Unknown => None,
                    _ => late.then_some(Neglect::NotStarted),
                })
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_late_after_the_usual_time() {
        let now = Timestamp::from_millis(1_767_323_045_678);
        assert!(!is_late(now, now.saturating_add(USUAL_START - Duration::from_millis(1))));
        assert!(is_late(now, now.saturating_add(USUAL_START)));
        assert!(!is_late(now.saturating_add(USUAL_START), now));
    }
}
