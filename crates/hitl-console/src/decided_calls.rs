//! Reads ended calls, by age or for a whole time span.

use std::cmp::Reverse;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::{
    CallRecord, CallState, Gate, GateError, PageRequest, RequestId, ReviewScope, Tenant,
};

/// The maximum number of calls that one request reads.
const MOST: usize = 20_000;
/// The number of calls of one page.
const PAGE: usize = 1000;

/// Every way in which a call ends.
pub(crate) const ENDED: [CallState; 7] = [
    CallState::Executed,
    CallState::Failed,
    CallState::Rejected,
    CallState::Responded,
    CallState::Expired,
    CallState::Cancelled,
    CallState::Denied,
];

/// Returns the calls that ended last, of those submitted within this many days, in these states,
/// that are wanted.
pub(crate) async fn newest(
    gate: &Gate,
    tenant: &Tenant,
    days: u32,
    (states, wanted): (&[CallState], impl Fn(&CallRecord) -> bool),
    limit: usize,
) -> Result<Vec<CallRecord>, GateError> {
    let since = since(gate.now().await?, days);
    let (mut records, _cut) = read(gate, tenant, states, since).await?;
    records.retain(wanted);
    records.sort_by_key(|call| Reverse((call.updated_at(), call.id())));
    records.truncate(limit);
    Ok(records)
}

/// Returns every call in one of these states, submitted after this id, and whether some were left
/// out because there are too many.
pub(crate) async fn read(
    gate: &Gate,
    tenant: &Tenant,
    states: &[CallState],
    since: Option<RequestId>,
) -> Result<(Vec<CallRecord>, bool), GateError> {
    let (mut records, mut after) = (Vec::new(), since);
    loop {
        let mut page = PageRequest::new(states).limit(PAGE);
        page.after = after;
        let more = gate.scoped_to(ReviewScope::tenant(tenant.clone())).list(tenant, page).await?;
        let Some(last) = more.last() else { return Ok((records, false)) };
        after = Some(last.id());
        let full = more.len() == PAGE;
        records.extend(more);
        if !full {
            return Ok((records, false));
        }
        if records.len() >= MOST {
            return Ok((records, true));
        }
    }
}

/// Returns an id that is older than every call submitted within this many days: ids begin with
/// their time.
pub(crate) fn since(now: Timestamp, days: u32) -> Option<RequestId> {
    let back = Duration::from_secs(u64::from(days) * 24 * 3600).as_millis();
    let millis = now.as_millis().saturating_sub(i64::try_from(back).ok()?).max(0);
    let time = format!("{millis:012x}");
    format!("{}-{}-7000-8000-000000000000", time.get(..8)?, time.get(8..12)?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_time_is_older_than_every_id_since() {
        let now = Timestamp::now();
        let (id, start) = (RequestId::new(), since(now, 0).unwrap());
        assert!(start <= id, "{start} {id}");
        assert!(since(now, 1).unwrap() < start);
    }

    #[test]
    fn every_end_is_one() {
        let ends = CallState::ALL.into_iter().filter(|state| state.is_terminal());
        assert!(ends.eq(CallState::ALL.into_iter().filter(|state| ENDED.contains(state))));
    }
}
