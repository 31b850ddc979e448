//! The memory store's indexes of waiting calls: their cost does not depend on the number of waiting
//! calls.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use crate::call::{Principal, Tenant};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState};
use crate::queue::{COUNTED, CappedCount, QueueCounts, QueueOrder, QueuePosition, QueueScan, turn};

/// The indexed states; calls in other states are found by a scan. A call that runs at once is not
/// indexed, so that it does not pay for the queue.
const LISTED: [CallState; 3] = [CallState::Pending, CallState::Approved, CallState::OutcomeUnknown];

const ORDERS: [QueueOrder; 3] = [QueueOrder::Reviewer, QueueOrder::Due, QueueOrder::Created];

/// One tenant's indexes.
#[derive(Default)]
struct Lists {
    /// By state, order and key.
    listed: BTreeMap<(CallState, QueueOrder, [i64; 4]), RequestId>,
    /// The turns of waiting calls, by principal and priority.
    turns: BTreeMap<Principal, BTreeSet<(i64, u64, u64)>>,
    levels: BTreeMap<(crate::policy::Priority, crate::policy::ApprovalLevel), u64>,
}

/// The indexes of all tenants.
#[derive(Default)]
pub(super) struct Index(HashMap<Tenant, Lists>);

impl Index {
    pub(super) fn is_listed(state: CallState) -> bool {
        LISTED.contains(&state)
    }

    /// Returns the turn of a call that begins to wait.
    pub(super) fn turn(&self, record: &CallRecord) -> u64 {
        let Some(lists) = self.0.get(&record.key().tenant) else { return turn(None, None) };
        let rank = crate::queue::rank(record.request.priority);
        let from = (CallState::Pending, QueueOrder::Reviewer, [rank, 0, i64::MIN, 0]);
        let to = (CallState::Pending, QueueOrder::Reviewer, [rank + 1, 0, i64::MIN, 0]);
        let first = lists.listed.range(from..to).next().map(|((.., key), _)| key[1]);
        let own = lists.turns.get(&record.request.principal).and_then(|own| {
            own.range((rank, 0, 0)..(rank + 1, 0, 0)).next_back().map(|(_, turn, _)| *turn)
        });
        turn(first.map(i64::cast_unsigned), own)
    }

    /// Returns the number of waiting calls of a principal, and of its tenant.
    pub(super) fn waiting(&self, tenant: &Tenant, principal: &Principal) -> (u64, u64) {
        let Some(lists) = self.0.get(tenant) else { return (0, 0) };
        let own = lists.turns.get(principal).map_or(0, BTreeSet::len);
        (own as u64, lists.levels.values().sum())
    }

    pub(super) fn add(&mut self, record: &CallRecord, place: QueuePosition) {
        if !Self::is_listed(record.state) {
            return;
        }
        let lists = self.0.entry(record.key().tenant.clone()).or_default();
        for order in ORDERS {
            lists.listed.insert((record.state, order, place.key(order)), record.id());
        }
        if record.state == CallState::Pending {
            let own = lists.turns.entry(record.request.principal.clone()).or_default();
            own.insert((crate::queue::rank(place.priority), place.turn, place.number));
            *lists.levels.entry((place.priority, record.request.level)).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, record: &CallRecord, place: QueuePosition) {
        let tenant = &record.key().tenant;
        let Some(lists) = self.0.get_mut(tenant).filter(|_| Self::is_listed(record.state)) else {
            return;
        };
        for order in ORDERS {
            lists.listed.remove(&(record.state, order, place.key(order)));
        }
        if record.state == CallState::Pending {
            if let Some(own) = lists.turns.get_mut(&record.request.principal) {
                own.remove(&(crate::queue::rank(place.priority), place.turn, place.number));
                if own.is_empty() {
                    lists.turns.remove(&record.request.principal);
                }
            }
            if let Some(count) = lists.levels.get_mut(&(place.priority, record.request.level)) {
                *count = count.saturating_sub(1);
            }
        }
        if lists.listed.is_empty() {
            self.0.remove(tenant);
        }
    }

    /// Returns the first calls of an indexed state.
    pub(super) fn scan(&self, scan: &QueueScan, state: CallState) -> Vec<RequestId> {
        let Some(lists) = self.0.get(&scan.tenant) else { return Vec::new() };
        let key = |key| (state, scan.order, key);
        let from = scan
            .after
            .map_or(Bound::Included(key([i64::MIN; 4])), |after| Bound::Excluded(key(after)));
        let to = Bound::Included(key([i64::MAX; 4]));
        lists.listed.range((from, to)).take(scan.limit).map(|(_, id)| *id).collect()
    }

    pub(super) fn counts(&self, tenant: &Tenant, claimed: usize) -> QueueCounts {
        let mut counts = QueueCounts::default();
        let Some(lists) = self.0.get(tenant) else {
            counts.states.insert(CallState::Claimed, CappedCount::new(claimed as u64));
            return counts;
        };
        for state in LISTED {
            let key = |edge| (state, QueueOrder::Created, [edge; 4]);
            let range = lists.listed.range(key(i64::MIN)..=key(i64::MAX));
            let most = usize::try_from(COUNTED).unwrap_or(usize::MAX).saturating_add(1);
            counts.states.insert(state, CappedCount::new(range.take(most).count() as u64));
        }
        counts.states.insert(CallState::Claimed, CappedCount::new(claimed as u64));
        let counted = lists.levels.iter().filter(|(_, count)| **count > 0);
        counts.pending = counted.map(|(at, count)| (*at, CappedCount::new(*count))).collect();
        counts
    }
}
