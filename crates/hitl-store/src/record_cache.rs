//! A cache of call records as this store last saw them, so that the next change of a call need not
//! read its record. It pays 25 % of the time of "PostgreSQL submit + decide, 32 callers"
//! (cargo xtask bench postgres).
//!
//! A cached record may be out of date, because others write too. So it never answers anything: it
//! only leads to a write, which compares and finds whether the record was still true. A refusal, a
//! replay and a read come from the file or the database.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use hitl_base::sync::lock;
use hitl_core::approval::PreviewItem;
use hitl_core::machine::{CallRecord, Event};
use hitl_core::{RequestId, Tenant};

/// The number of cached calls; the oldest make room.
const CALLS: usize = 1024;
/// The longest text, in bytes, of a cached call: its arguments, and the contents that were read for
/// its reviewers.
const TEXT: usize = 8 * 1024;

/// Some unfinished calls, as last seen; `B` is what a store knows in addition to the record.
pub(crate) struct RecordCache<B>(Mutex<Calls<B>>);

struct Calls<B> {
    by_id: HashMap<RequestId, (Box<CallRecord>, B)>,
    /// The ids in the order of insertion, each as often as it was inserted.
    order: VecDeque<RequestId>,
}

impl<B> Default for RecordCache<B> {
    fn default() -> Self {
        Self(Mutex::new(Calls { by_id: HashMap::new(), order: VecDeque::new() }))
    }
}

impl<B> RecordCache<B> {
    /// Caches a call that was just seen.
    pub(crate) fn put(&self, record: &CallRecord, beside: B) {
        if record.state().is_terminal() || !fits(record) {
            return;
        }
        let id = record.id();
        let is_known = |calls: &Calls<B>| {
            calls.by_id.get(&id).is_some_and(|(kept, _)| kept.version() >= record.version())
        };
        // Checked before the record is copied: most callers read the same call again and again.
        if is_known(&self.calls()) {
            return;
        }
        let record = Box::new(record.clone());
        let mut calls = self.calls();
        if is_known(&calls) {
            return;
        }
        if calls.order.len() >= CALLS
            && let Some(oldest) = calls.order.pop_front()
        {
            calls.by_id.remove(&oldest);
        }
        calls.order.push_back(id);
        calls.by_id.insert(id, (record, beside));
    }

    /// Removes a call from the cache: its next version will replace it.
    pub(crate) fn take(&self, tenant: &Tenant, id: RequestId) -> Option<(Box<CallRecord>, B)> {
        let kept = self.calls().by_id.remove(&id)?;
        (kept.0.key().tenant == *tenant).then_some(kept)
    }

    fn calls(&self) -> MutexGuard<'_, Calls<B>> {
        // A panic can at worst lose cached records.
        lock(&self.0)
    }
}

/// Returns whether a record is short enough to be cached.
fn fits(record: &CallRecord) -> bool {
    let request = record.request();
    let contents = request.contents.iter().filter_map(|content| content.text.as_ref());
    let preview = request.preview.iter().flat_map(|preview| &preview.items);
    let preview: usize = preview.flat_map(PreviewItem::texts).map(str::len).sum();
    let contents: usize = contents.map(String::len).sum();
    contents + preview + request.arguments.as_str().len() <= TEXT
}

/// Returns whether the state machine needs only the record and the time for this event. The cache
/// does not know whether an executor is dead, nor the other events of a batch.
pub(crate) fn is_cacheable_event(event: &Event) -> bool {
    matches!(
        event,
        Event::Decide(_)
            | Event::Edit(_)
            | Event::Attach { .. }
            | Event::Cancel { .. }
            | Event::Claim { .. }
            | Event::Release { .. }
            | Event::Succeed { .. }
            | Event::Fail { .. }
            | Event::TimeOut { .. }
    )
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
        let cache = RecordCache::default();
        let first = record(0);
        for _ in 0..3 {
            cache.put(&first, 1);
        }
        assert_eq!(cache.calls().order.len(), 1, "seen again, and kept once");
        for position in 1..3000 {
            cache.put(&record(position), 1);
        }
        let calls = cache.calls();
        assert!(calls.by_id.len() <= CALLS && calls.order.len() <= CALLS);
        assert!(!calls.by_id.contains_key(&first.id()));
    }

    #[test]
    fn invariant_13_a_call_with_long_texts_is_not_kept() {
        let with = |bytes: usize| {
            let mut json = serde_json::to_value(record(0)).unwrap();
            json["request"]["contents"] = serde_json::json!([{
                "at": "/path",
                "digest": "00".repeat(32),
                "found": {"is": "text", "bytes": bytes},
                "text": "x".repeat(bytes),
            }]);
            serde_json::from_value::<CallRecord>(json)
        };
        for (bytes, is_kept) in [(1, true), (TEXT, false), (512 * 1024, false)] {
            let (cache, record) = (RecordCache::default(), with(bytes).unwrap());
            cache.put(&record, 1);
            assert_eq!(cache.calls().by_id.len(), usize::from(is_kept), "{bytes}");
        }
    }

    #[test]
    fn a_call_is_taken_once_and_by_its_own_tenant_only() {
        let (cache, record) = (RecordCache::default(), record(0));
        let tenant = record.key().tenant.clone();
        cache.put(&record, 7);
        assert_eq!(cache.take(&tenant, record.id()).unwrap().1, 7);
        assert!(cache.take(&tenant, record.id()).is_none());
        cache.put(&record, 7);
        assert!(cache.take(&Tenant::new("other"), record.id()).is_none());
    }

    #[test]
    fn a_later_version_is_not_overwritten_by_an_earlier_one() {
        let (cache, earlier) = (RecordCache::default(), record(0));
        let later = earlier.clone().seen_at(earlier.version() + 1);
        cache.put(&later, 1);
        cache.put(&earlier, 1);
        let tenant = earlier.key().tenant.clone();
        assert_eq!(cache.take(&tenant, earlier.id()).unwrap().0.version(), later.version());
    }
}
