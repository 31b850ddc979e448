//! Several events in one transaction: all of them, or none.

use std::collections::{BTreeMap, BTreeSet};

use super::transition::draw_and_step;
use super::{CallRecord, Event, Refusal, StoreFacts, Transition, grant_of};
use crate::grant::GrantRecord;
use crate::ids::{DecisionId, GrantId, RequestId};

/// One of several calls that change together, with its record from the store.
#[derive(Clone, Copy, Debug)]
// Exhaustive: a store must apply each part.
pub struct CallChange<'c> {
    /// Its record.
    pub record: &'c CallRecord,
    /// The event.
    pub event: &'c Event,
    /// The store's knowledge.
    pub facts: StoreFacts,
}

/// The grants that events draw on, by id, in their current or next version. A store loads those
/// returned by [`grant_of`].
pub type GrantUpdates = BTreeMap<GrantId, GrantRecord>;

/// Applies several events, each to a different call. Returns the next steps in their order, and the
/// grants that changed; a refusal is returned with the index of its event, and nothing changes.
///
/// Calls that are [released together](super::Membership::is_held) are claimed here and nowhere
/// else: all of their batch, or none. Pure and total.
pub fn apply_all(
    changes: &[CallChange<'_>],
    grants: &GrantUpdates,
) -> Result<(Vec<Transition>, GrantUpdates), (usize, Refusal)> {
    let (mut steps, mut drawn) = (Vec::with_capacity(changes.len()), GrantUpdates::new());
    let mut seen: BTreeSet<RequestId> = BTreeSet::new();
    let mut decisions: BTreeSet<DecisionId> = BTreeSet::new();
    for (at, change) in changes.iter().enumerate() {
        let CallChange { record, event, facts } = *change;
        let refused = |refusal| (at, refusal);
        // The first event changes the record by which a second one of the same call would be
        // checked.
        if !seen.insert(record.id()) {
            return Err(refused(Refusal::Stale));
        }
        if !is_complete(change, changes) {
            return Err(refused(Refusal::BatchIncomplete));
        }
        if event.decision().is_some_and(|id| !decisions.insert(id)) {
            return Err(refused(Refusal::DecisionUsed));
        }
        let of = grant_of(record, event);
        let grant = of.and_then(|id| drawn.get(&id).or_else(|| grants.get(&id)));
        let (step, grant) = draw_and_step(record, event, facts, grant).map_err(refused)?;
        drawn.extend(grant.map(|grant| (grant.id(), grant)));
        steps.push(step);
    }
    Ok((steps, drawn))
}

/// Returns whether all of the batch is claimed together, if it must be.
fn is_complete(change: &CallChange<'_>, all: &[CallChange<'_>]) -> bool {
    let Some(batch) = change.record.batch.as_ref().filter(|batch| batch.is_held()) else {
        return true;
    };
    if !matches!(change.event, Event::Claim { .. }) {
        return true;
    }
    let tenant = &change.record.key().tenant;
    let claimed: BTreeSet<u32> = all
        .iter()
        .filter(|other| matches!(other.event, Event::Claim { .. }))
        .filter(|other| other.record.key().tenant == *tenant)
        .filter_map(|other| other.record.batch.as_ref())
        .filter(|other| other.batch == batch.batch && other.is_held())
        .map(|other| other.index)
        .collect();
    claimed.len() == batch.together.len() && claimed.len() == batch.size as usize
}
