//! Sets the gauges of the `metrics` facade.

use hitl_base::Timestamp;

use crate::call::Tenant;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::telemetry;
use crate::machine::{CallRecord, CallState};
use crate::store::PageRequest;

/// The most calls that are counted.
const MAX_COUNTED: usize = 1_000;
/// The number of records read at a time.
const PAGE: usize = 100;

/// The counts of calls in one state.
struct CallCounts {
    all: usize,
    overdue: usize,
}

impl Gate {
    /// Sets the gauges from the store: the numbers of calls of these tenants that wait for a
    /// decision, wait past their expiry, or have an unknown outcome; and the number of audit
    /// records that are owed. Each is counted up to 1,000 for each tenant. Call it from a timer.
    ///
    /// Cancel safe. On an error no gauge is set.
    pub async fn sample_metrics(&self, tenants: &[Tenant]) -> Result<(), GateError> {
        let now = self.core.calls.store().now().await?;
        let (mut depth, mut overdue, mut unknown) = (0, 0, 0);
        for tenant in tenants {
            let pending = count_calls(&self.core, tenant, CallState::Pending, now).await?;
            depth += pending.all;
            overdue += pending.overdue;
            unknown += count_calls(&self.core, tenant, CallState::OutcomeUnknown, now).await?.all;
        }
        telemetry::meter::set_gauges(depth, overdue, unknown, self.audit_debt());
        Ok(())
    }
}

/// Counts the calls in a state, and those of them that are overdue.
async fn count_calls(
    core: &GateCore,
    tenant: &Tenant,
    state: CallState,
    now: Timestamp,
) -> Result<CallCounts, GateError> {
    let (mut all, mut overdue, mut after) = (0, 0, None);
    while all < MAX_COUNTED {
        let mut page = PageRequest::new(&[state]).limit(PAGE);
        if let Some(last) = after {
            page = page.after(last);
        }
        let records = core.calls.store().list(tenant, page).await?;
        all += records.len();
        overdue += records.iter().filter(|record| now >= record.request.expires_at).count();
        after = records.last().map(CallRecord::id);
        if records.len() < PAGE {
            break;
        }
    }
    Ok(CallCounts { all, overdue })
}
