//! Settles all calls whose outcome is unknown, within bounds: a provider that is down is asked a
//! few times, and not once for each call.

use std::collections::BTreeMap;
use std::time::Duration;

use hitl_base::Timestamp;

use super::settle::{Settlement, settle_parked, settle_without_asking};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::machine::{CallRecord, CallState};
use crate::store::PageRequest;

/// The number of failures after which a tool is not asked any more in one sweep. One that does not
/// answer in time is asked once.
const MAX_FAILURES: u32 = 3;
/// The time after which nobody is asked any more in one sweep.
const LONGEST_SWEEP: Duration = Duration::from_secs(20);
/// The number of calls read at a time.
const PAGE: usize = 100;

/// One search for calls that wait to be settled.
#[derive(Default)]
pub(in crate::gate) struct Sweep {
    /// The time from which nobody is asked; `None` before the first question.
    until: Option<Timestamp>,
    failures: BTreeMap<String, u32>,
}

impl Sweep {
    /// Settles a parked call. Asks its tool only if the bounds of the sweep allow it.
    pub(in crate::gate) async fn settle(
        &mut self,
        core: &GateCore,
        record: &CallRecord,
    ) -> Result<Settlement, GateError> {
        let tool = record.request.tool.as_str();
        if !core.tools.reconciles(tool) || !self.may_ask(core, tool).await? {
            return settle_without_asking(core, record).await;
        }
        let settled = settle_parked(core, record).await?;
        let failures = match settled {
            Settlement::Unanswered => 1,
            Settlement::Late => MAX_FAILURES,
            _ => return Ok(settled),
        };
        *self.failures.entry(tool.to_owned()).or_default() += failures;
        Ok(settled)
    }

    /// Does the same for a call that this gate has just parked, and says so if it stays parked.
    pub(in crate::gate) async fn settle_lost(
        &mut self,
        core: &GateCore,
        record: &CallRecord,
    ) -> Result<Settlement, GateError> {
        let settled = self.settle(core, record).await;
        // If this failed, the call stays parked.
        if !settled.as_ref().is_ok_and(|settled| settled.has_changed()) {
            core.notifier.say_parked(record);
        }
        settled
    }

    async fn may_ask(&mut self, core: &GateCore, tool: &str) -> Result<bool, GateError> {
        if self.failures.get(tool).is_some_and(|failures| *failures >= MAX_FAILURES) {
            return Ok(false);
        }
        let now = core.calls.store().now().await?;
        Ok(now < *self.until.get_or_insert_with(|| now.saturating_add(LONGEST_SWEEP)))
    }

    /// Settles the calls that were parked before, of tools that have a reconcile. Returns the
    /// number of calls that were reconciled, and of those that are tried again. Does nothing if it
    /// was done a moment ago.
    pub(in crate::gate) async fn settle_parked_before(
        &mut self,
        core: &GateCore,
    ) -> Result<(u64, u64), GateError> {
        let (mut reconciled, mut retried) = (0, 0);
        if !core.tools.any_reconciles()
            || !core.reconcilers.begin_search(core.calls.store().now().await?)
        {
            return Ok((0, 0));
        }
        for tenant in core.calls.tenants().await? {
            let mut page = PageRequest::new(&[CallState::OutcomeUnknown]).limit(PAGE);
            loop {
                let parked = core.calls.store().list(&tenant, page.clone()).await?;
                let Some(last) = parked.last() else { break };
                page = page.after(last.id());
                for record in &parked {
                    if !core.tools.reconciles(&record.request.tool) {
                        continue;
                    }
                    match self.settle(core, record).await? {
                        Settlement::Reconciled => reconciled += 1,
                        Settlement::Retried => retried += 1,
                        _ => {}
                    }
                }
            }
        }
        Ok((reconciled, retried))
    }
}
