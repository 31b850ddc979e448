//! Which calls of a store nobody takes care of.

use std::collections::BTreeSet;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::gate::ToolStatus;
use hitl_core::{CallRecord, CallState, RequestId};
use hitl_wire::queue::Count;

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
    /// Counts the calls that are claimed by processes that are dead.
    pub(crate) async fn count_lost(&self) -> Result<Count, Failure> {
        let lost = self.lost_calls().await?.len();
        Ok(Count { counted: lost as u64, more: lost == MOST })
    }

    async fn lost_calls(&self) -> Result<BTreeSet<RequestId>, Failure> {
        let viewer = self.viewer();
        // Calls that are claimed come first.
        let stale = self.store.stale(MOST).await?;
        let lost = stale
            .into_iter()
            .filter(|(tenant, _, state)| *state == CallState::Claimed && viewer.sees(tenant));
        Ok(lost.map(|(_, id, _)| id).collect())
    }

    /// Counts the approved calls that nobody runs, among the oldest ones that are approved.
    pub(crate) async fn count_idle(&self) -> Result<Count, Failure> {
        let (viewer, mut records) = (self.viewer(), Vec::new());
        let scoped = self.gate.scoped_to(viewer.clone());
        let approved = self.store.approved(None, MOST).await?;
        for (tenant, id) in approved.iter().filter(|(tenant, _)| viewer.sees(tenant)) {
            records.extend(scoped.get(tenant, *id).await?);
        }
        let idle = self.neglected(&records).await?.iter().flatten().count();
        Ok(Count { counted: idle as u64, more: approved.len() == MOST })
    }

    /// Returns why nobody takes care of a call, if nobody does.
    pub(crate) async fn neglect(&self, record: &CallRecord) -> Result<Option<Neglect>, Failure> {
        Ok(self.neglected(std::slice::from_ref(record)).await?.pop().flatten())
    }

    /// Does the same for several calls, in their order.
    pub(crate) async fn neglected(
        &self,
        records: &[CallRecord],
    ) -> Result<Vec<Option<Neglect>>, Failure> {
        let is_any = |state| records.iter().any(|record| record.state() == state);
        let lost =
            if is_any(CallState::Claimed) { self.lost_calls().await? } else { BTreeSet::new() };
        let now = self.gate.now().await?;
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            found.push(match record.state() {
                CallState::Claimed => lost.contains(&record.id()).then_some(Neglect::ClaimantDead),
                CallState::Approved => {
                    let late = is_late(record.updated_at(), now);
                    match self.gate.tool_status(record).await? {
                        ToolStatus::NoExecutor | ToolStatus::Gone(_) => Some(Neglect::NoExecutor),
                        ToolStatus::Unknown => None,
                        _ => late.then_some(Neglect::NotStarted),
                    }
                }
                _ => None,
            });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_late_after_the_usual_time() {
        let now = Timestamp::from_millis(1_767_323_045_678);
        let just_before = USUAL_START.saturating_sub(Duration::from_millis(1));
        assert!(!is_late(now, now.saturating_add(just_before)));
        assert!(is_late(now, now.saturating_add(USUAL_START)));
        assert!(!is_late(now.saturating_add(USUAL_START), now));
    }
}
