//! Records of calls that were just written, so that the next change of one need not read it.
//!
//! What is here may be out of date, because other processes write the file too. So it is never
//! answered with: it only leads to a write, and the version that is compared there says whether it
//! was still true. A refusal, a replay and a read come from the file.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hitl_core::machine::CallRecord;
use hitl_core::{RequestId, Tenant};

use super::query::Kept;

/// How many calls are kept; the oldest make room.
const CALLS: usize = 1024;
/// The longest arguments, in bytes, of a call that is kept.
const ARGUMENTS: usize = 8 * 1024;

/// Some calls that have not ended, as they were left.
#[derive(Default)]
pub(super) struct Recent(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    by_id: HashMap<RequestId, Kept>,
    /// In the order in which they came, and each as often as it came.
    order: VecDeque<RequestId>,
}

impl Recent {
    /// Call `n` was just left like this.
    pub(super) fn put(&self, n: i64, record: &CallRecord) {
        let long = record.request.arguments.as_str().len() > ARGUMENTS;
        if record.state.is_terminal() || long {
            return;
        }
        let record = record.clone();
        let mut calls = self.calls();
        let id = record.id();
        if calls.by_id.get(&id).is_some_and(|kept| kept.record.version > record.version) {
            return;
        }
        if calls.order.len() >= CALLS
            && let Some(oldest) = calls.order.pop_front()
        {
            calls.by_id.remove(&oldest);
        }
        calls.order.push_back(id);
        calls.by_id.insert(id, Kept { n, record });
    }

    /// Takes a call out: its next version takes its place.
    pub(super) fn take(&self, tenant: &Tenant, id: RequestId) -> Option<Kept> {
        let kept = self.calls().by_id.remove(&id)?;
        (kept.record.key().tenant == *tenant).then_some(kept)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // What a panic could leave half done is forgotten at worst.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::Timestamp;
    use hitl_core::store::suite::Draft;

    fn record(position: u64) -> CallRecord {
        Draft::new("run", position).call().stamped(Timestamp::now())
    }

    #[test]
    fn invariant_13_no_more_than_so_many_are_kept() {
        let recent = Recent::default();
        let first = record(0);
        for _ in 0..3 {
            recent.put(1, &first);
        }
        for position in 1..3000 {
            recent.put(1, &record(position));
        }
        let calls = recent.calls();
        assert!(calls.by_id.len() <= CALLS && calls.order.len() <= CALLS);
        assert!(!calls.by_id.contains_key(&first.id()));
    }

    #[test]
    fn a_call_is_taken_once_and_by_its_own_tenant_only() {
        let (recent, record) = (Recent::default(), record(0));
        let tenant = record.key().tenant.clone();
        recent.put(7, &record);
        assert_eq!(recent.take(&tenant, record.id()).unwrap().n, 7);
        assert!(recent.take(&tenant, record.id()).is_none());
        recent.put(7, &record);
        assert!(recent.take(&Tenant::new("other"), record.id()).is_none());
    }

    #[test]
    fn a_later_version_is_not_overwritten_by_an_earlier_one() {
        let (recent, earlier) = (Recent::default(), record(0));
        let mut later = earlier.clone();
        later.version += 1;
        recent.put(1, &later);
        recent.put(1, &earlier);
        let tenant = earlier.key().tenant.clone();
        assert_eq!(recent.take(&tenant, earlier.id()).unwrap().record.version, later.version);
    }
}
