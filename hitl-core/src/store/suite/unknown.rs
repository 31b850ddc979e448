//! Calls with an unknown outcome: parked until a late result or a human resolves them.

use super::Subject;
use super::fixture::{Draft, claim, claimed, sealed, tenant, unknown_outcome};
use crate::call::{FailureRecord, Principal};
use crate::ids::ClaimToken;
use crate::machine::{CallRecord, CallState, Event, ReconcileAnswer, Refusal, Resolution};
use crate::store::EventPayload;

fn resolve(record: &CallRecord, resolution: Resolution) -> Event {
    Event::Resolve { version: record.version, resolution, by: Principal::new("olga") }
}

/// While its executor lives, a call cannot be declared lost.
pub async fn a_living_executor_is_not_lost(s: Subject) {
    let (record, _, session) = claimed(&s, &Draft::new("run", 1)).await;
    assert_eq!(s.refuse(record.id(), Event::ExecutorLost).await, Refusal::Alive);
    s.store.close_session(session).await.unwrap();
    let lost = s.apply(record.id(), Event::ExecutorLost).await;
    assert_eq!(lost.state, CallState::OutcomeUnknown);
    assert!(s.has_payload(record.id()).await, "a human may still let it run again");
    let twice = s.refuse(record.id(), Event::ExecutorLost).await;
    assert!(matches!(twice, Refusal::State { state: CallState::OutcomeUnknown, .. }));
}

/// A body that times out is parked, in any session.
pub async fn a_timed_out_body_is_parked(s: Subject) {
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    let parked = s.apply(record.id(), Event::TimeOut { token }).await;
    assert_eq!(parked.state, CallState::OutcomeUnknown);
    assert_eq!(s.apply(record.id(), Event::TimeOut { token }).await, parked, "replayed");
    assert_eq!(s.store.stale(10).await.unwrap(), [], "it waits for a human, not for a sweep");
}

/// A late result resolves it, unless it was resolved before.
pub async fn a_late_result_settles_it(s: Subject) {
    let (record, token) = unknown_outcome(&s, &Draft::new("run", 1)).await;
    let stranger = Event::Succeed { token: ClaimToken::new() };
    assert_eq!(s.refuse(record.id(), stranger).await, Refusal::NotClaimant);
    let late = EventPayload::result(sealed(b"late"));
    let done = s.store.apply(&tenant(), record.id(), Event::Succeed { token }, late).await.unwrap();
    assert_eq!((done.state, done.end_reason), (CallState::Executed, None));
    assert_eq!(s.store.result(&tenant(), record.id()).await.unwrap(), Some(sealed(b"late")));

    let (record, token) = unknown_outcome(&s, &Draft::new("run", 2)).await;
    let failure = FailureRecord::new("late", true);
    let done = s.apply(record.id(), Event::Fail { token, failure }).await;
    assert_eq!(done.state, CallState::Failed);
}

/// A human marks it as done or failed; a later result is too late.
pub async fn a_human_settles_it(s: Subject) {
    let how = [
        (Resolution::Executed, CallState::Executed),
        (Resolution::Failed { reason: "not booked".to_owned() }, CallState::Failed),
    ];
    for (position, (resolution, state)) in how.into_iter().enumerate() {
        let (record, token) = unknown_outcome(&s, &Draft::new("run", position as u64)).await;
        let mut blind = record.clone();
        blind.version -= 1;
        let refusal = s.refuse(record.id(), resolve(&blind, resolution.clone())).await;
        assert_eq!(refusal, Refusal::Stale, "they must have looked at what stands");
        let done = s.apply(record.id(), resolve(&record, resolution)).await;
        assert_eq!(done.state, state);
        let late = s.refuse(record.id(), Event::Succeed { token }).await;
        assert!(matches!(late, Refusal::State { .. }));
        assert_eq!(s.store.result(&tenant(), record.id()).await.unwrap(), None);
        assert!(!s.has_payload(record.id()).await);
    }
}

/// A human lets it run once more: the old claim is void, the approval's time starts again.
pub async fn a_retry_voids_the_old_claim(s: Subject) {
    let (record, old) = unknown_outcome(&s, &Draft::new("run", 1)).await;
    s.pass(10_000);
    let retry = resolve(&record, Resolution::Retry { attested: false });
    let open = s.apply(record.id(), retry).await;
    assert_eq!((open.state, open.claim, open.attempts), (CallState::Approved, None, 1));
    assert!(matches!(
        s.refuse(record.id(), Event::Succeed { token: old }).await,
        Refusal::State { state: CallState::Approved, .. }
    ));
    let session = s.store.open_session().await.unwrap();
    let again = s.apply(record.id(), claim(&open, ClaimToken::new(), session)).await;
    assert_eq!((again.state, again.attempts), (CallState::Claimed, 2));
    assert_eq!(s.refuse(record.id(), Event::Succeed { token: old }).await, Refusal::NotClaimant);
}

/// While the old executor may still act, a retry needs somebody who attests that it does not.
pub async fn a_retry_beside_a_living_session_needs_attestation(s: Subject) {
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    let parked = s.apply(record.id(), Event::TimeOut { token }).await;
    let retry = resolve(&parked, Resolution::Retry { attested: false });
    assert_eq!(s.refuse(record.id(), retry).await, Refusal::Alive);
    let attested = resolve(&parked, Resolution::Retry { attested: true });
    assert_eq!(s.apply(record.id(), attested).await.state, CallState::Approved);
}

fn reconcile(record: &CallRecord, answer: ReconcileAnswer) -> Event {
    Event::Reconcile { version: record.version, answer }
}

/// The tool's own reconcile found the effect: its result is kept, and the arguments are not.
pub async fn a_found_effect_settles_it(s: Subject) {
    let (record, token) = unknown_outcome(&s, &Draft::new("run", 1)).await;
    let mut blind = record.clone();
    blind.version -= 1;
    let stale = reconcile(&blind, ReconcileAnswer::Executed);
    assert_eq!(s.refuse(record.id(), stale).await, Refusal::Stale);
    let event = reconcile(&record, ReconcileAnswer::Executed);
    let found = EventPayload::result(sealed(b"found"));
    let done = s.store.apply(&tenant(), record.id(), event, found).await.unwrap();
    assert_eq!((done.state, done.claim, done.reconciled), (CallState::Executed, None, true));
    assert_eq!(s.get(record.id()).await, done);
    assert_eq!(s.store.result(&tenant(), record.id()).await.unwrap(), Some(sealed(b"found")));
    assert!(!s.has_payload(record.id()).await);
    let late = s.refuse(record.id(), Event::Succeed { token }).await;
    assert!(matches!(late, Refusal::State { .. }));
}

/// The tool's own reconcile found no effect: it may be claimed again, with its arguments, and the
/// old claim is void.
pub async fn a_found_absence_lets_it_start_again(s: Subject) {
    let (record, old) = unknown_outcome(&s, &Draft::new("run", 1)).await;
    let event = reconcile(&record, ReconcileAnswer::NotExecuted { most: 3 });
    let open = s.apply(record.id(), event).await;
    assert_eq!((open.state, open.claim, open.attempts), (CallState::Approved, None, 0));
    assert_eq!(s.get(record.id()).await, open);
    assert!(s.has_payload(record.id()).await);
    let approved = s.store.approved(None, 10).await.unwrap();
    assert_eq!(approved, [(tenant(), record.id())]);
    assert!(matches!(
        s.refuse(record.id(), Event::Succeed { token: old }).await,
        Refusal::State { state: CallState::Approved, .. }
    ));
    let session = s.store.open_session().await.unwrap();
    let again = s.apply(record.id(), claim(&open, ClaimToken::new(), session)).await;
    assert_eq!((again.state, again.attempts, again.without_effect), (CallState::Claimed, 1, 1));
}

/// A body that timed out may still be running: that its tool found no effect counts once its
/// executor is known to be dead.
pub async fn invariant_3_an_absence_beside_a_living_executor_counts_for_nothing(s: Subject) {
    let (record, token, session) = claimed(&s, &Draft::new("run", 1)).await;
    let parked = s.apply(record.id(), Event::TimeOut { token }).await;
    let absent = ReconcileAnswer::NotExecuted { most: 3 };
    assert_eq!(s.refuse(record.id(), reconcile(&parked, absent)).await, Refusal::Alive);
    assert_eq!(s.refuse(record.id(), Event::ExecutorLost).await, Refusal::Alive);
    s.store.close_session(session).await.unwrap();
    // The question was asked before.
    assert_eq!(s.refuse(record.id(), reconcile(&parked, absent)).await, Refusal::Alive);
    let over = s.apply(record.id(), Event::ExecutorLost).await;
    assert_eq!((over.state, over.end_reason), (parked.state, parked.end_reason.clone()));
    assert_eq!(s.refuse(record.id(), reconcile(&parked, absent)).await, Refusal::Stale);
    let open = s.apply(record.id(), reconcile(&s.get(record.id()).await, absent)).await;
    assert_eq!(open.state, CallState::Approved);
}
