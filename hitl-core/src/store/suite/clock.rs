//! Changes of the machine's clock: nothing that expired is revived, and time cannot be frozen.

use std::time::Duration;

use super::fixture::{Draft, approved, claim, sealed, tenant};
use super::{Subject, refused};
use crate::ids::ClaimToken;
use crate::machine::{CallState, Event, Refusal};
use crate::store::{ApplyError, EventPayload, StoreErrorKind};

const MINUTE: Duration = Duration::from_secs(60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A call that expired before the clock was set back stays expired.
pub async fn invariant_5_a_clock_set_back_revives_nothing(s: Subject) {
    let (waits, runs) = (Draft::new("run", 1), Draft::new("run", 2));
    let waiting = s.create(&waits.expires_in(MINUTE)).await;
    let approval = approved(&s, &runs.expires_in(MINUTE)).await;
    let early = s.store.now().await.unwrap();
    s.pass(61);
    let late = s.store.now().await.unwrap();
    s.clock.set(early);
    assert!(s.store.now().await.unwrap() >= late);
    let decision = Event::Decide(waiting.request.approve().by("alice"));
    assert_eq!(s.refuse(waiting.id(), decision).await, Refusal::Expired);
    let session = s.store.open_session().await.unwrap();
    let claim = claim(&approval, ClaimToken::new(), session);
    assert_eq!(s.refuse(approval.id(), claim).await, Refusal::Expired);
}

/// Time passes while the clock is behind.
pub async fn time_goes_on_while_the_clock_is_behind(s: Subject) {
    let before = s.store.now().await.unwrap();
    s.clock.set(hitl_base::Timestamp::EPOCH);
    let waiting = s.create(&Draft::new("run", 1).expires_in(MINUTE)).await;
    assert!(waiting.request.created_at >= before, "no change is stamped before an earlier one");
    s.pass(61);
    let decision = Event::Decide(waiting.request.approve().by("alice"));
    assert_eq!(s.refuse(waiting.id(), decision).await, Refusal::Expired);
}

/// A clock in a far future is refused, without later effects.
pub async fn invariant_5_a_clock_far_ahead_is_refused(s: Subject) {
    let waiting = s.create(&Draft::new("run", 1).expires_in(MINUTE)).await;
    let right = s.store.now().await.unwrap();
    s.clock.set(right.saturating_add(80 * YEAR));
    let decision = Event::Decide(waiting.request.approve().by("alice"));
    let (id, none) = (waiting.id(), EventPayload::none());
    match s.store.apply(&tenant(), id, decision.clone(), none).await {
        Err(ApplyError::Store(error)) => assert_eq!(error.kind(), StoreErrorKind::Clock),
        other => panic!("nothing is judged by such a clock, and yet: {other:?}"),
    }
    let submitted = s.store.submit(Draft::new("run", 2).call(), sealed(b"")).await;
    assert_eq!(submitted.unwrap_err().kind(), StoreErrorKind::Clock);
    assert_eq!(s.store.now().await.unwrap_err().kind(), StoreErrorKind::Clock);
    s.clock.set(right);
    assert_eq!(s.apply(id, decision).await.state, CallState::Approved);
    // Time is not frozen: a new call expires.
    let next = s.create(&Draft::new("run", 3).expires_in(MINUTE)).await;
    s.pass(61);
    let late = Event::Decide(next.request.approve().by("alice"));
    let (refusal, _) =
        refused(s.store.apply(&tenant(), next.id(), late, EventPayload::none()).await);
    assert_eq!(refusal, Refusal::Expired);
}
