//! The other reviewers who look at a call.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use hitl_base::sync::lock;
use hitl_core::{Principal, RequestId};
use tokio::time::Instant;

use crate::auth::Reviewer;

/// The time for which a reviewer counts as an onlooker after the page's last report.
const PRESENCE_TTL: Duration = Duration::from_secs(25);
/// The number of onlookers that are remembered; later ones are not shown.
const MAX_ONLOOKERS: usize = 10_000;

/// The call that each reviewer looks at, one at a time.
#[derive(Default)]
pub(crate) struct Presence(Mutex<HashMap<(String, Principal), Sighting>>);

#[derive(Clone, Copy)]
struct Sighting {
    at: RequestId,
    /// The revision of the call that they have seen.
    revision: u32,
    said: Instant,
}

/// The effects of a reviewer looking at a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PresenceChange {
    /// The calls whose onlookers have changed.
    pub(crate) moved: Vec<RequestId>,
    /// True if they had not seen this revision just before.
    pub(crate) is_new: bool,
}

impl Presence {
    /// Records that a reviewer looks at a revision of a call, or at none.
    pub(crate) fn update(&self, who: &Reviewer, at: Option<(RequestId, u32)>) -> PresenceChange {
        let (mut map, now) = (self.map(), Instant::now());
        map.retain(|_, sighting| now.duration_since(sighting.said) < PRESENCE_TTL);
        let key = (who.tenant.to_string(), who.principal.clone());
        let room = map.len() < MAX_ONLOOKERS;
        let before = match at {
            Some((at, revision)) if room || map.contains_key(&key) => {
                map.insert(key, Sighting { at, revision, said: now })
            }
            // There is no room to remember them: the revision counts as shown all the same.
            Some(_) => return PresenceChange { moved: Vec::new(), is_new: true },
            None => map.remove(&key),
        };
        let (call, seen) = (before.map(|before| before.at), before.map(|b| (b.at, b.revision)));
        let now_at = at.map(|(at, _)| at);
        let moved =
            if call == now_at { Vec::new() } else { call.into_iter().chain(now_at).collect() };
        PresenceChange { moved, is_new: at.is_some() && seen != at }
    }

    /// Returns the onlookers of a call, by name.
    pub(crate) fn onlookers_of(
        &self,
        tenant: &hitl_core::Tenant,
        call: RequestId,
    ) -> BTreeSet<Principal> {
        let (map, now) = (self.map(), Instant::now());
        map.iter()
            .filter(|((theirs, _), sighting)| {
                theirs == tenant.as_str()
                    && sighting.at == call
                    && now.duration_since(sighting.said) < PRESENCE_TTL
            })
            .map(|((_, who), _)| who.clone())
            .collect()
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<(String, Principal), Sighting>> {
        // The map is valid after every statement.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_and_only_while_fresh() {
        let (presence, a, b) = (Presence::default(), RequestId::new(), RequestId::new());
        let (ann, bob) = (Reviewer::new("ann"), Reviewer::new("bob"));
        let at = |call| presence.onlookers_of(&ann.tenant, call).len();
        let looks = |who: &Reviewer, at: Option<RequestId>| {
            presence.update(who, at.map(|at| (at, 1))).moved
        };
        assert_eq!(looks(&ann, Some(a)), [a]);
        assert_eq!(looks(&ann, Some(a)), []);
        assert_eq!(looks(&bob, Some(a)), [a]);
        assert_eq!((at(a), at(b)), (2, 0));
        assert_eq!(looks(&ann, Some(b)), [a, b]);
        assert_eq!(looks(&bob, None), [a]);
        assert_eq!((at(a), at(b)), (0, 1));
        assert_eq!(presence.onlookers_of(&"acme".into(), b).len(), 0);
        tokio::time::advance(PRESENCE_TTL).await;
        assert_eq!(at(b), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn each_revision_is_seen_once_while_they_stay() {
        let (presence, call) = (Presence::default(), RequestId::new());
        let ann = Reviewer::new("ann");
        let is_new = |at| presence.update(&ann, at).is_new;
        assert!(is_new(Some((call, 1))));
        assert!(!is_new(Some((call, 1))));
        assert!(is_new(Some((call, 2))));
        assert!(!is_new(None));
        assert!(is_new(Some((call, 2))));
    }
}
