//! Claiming, and recording the outcome of the body.

use std::sync::Arc;

use super::Subject;
use super::fixture::{
    Draft, approved, claim, claimed, failure, failure_with_output, sealed, tenant,
};
use crate::call::Fingerprint;
use crate::ids::{ClaimToken, SessionId};
use crate::machine::{CallState, Event, Refusal};
use crate::policy::{ApprovalLevel, Requirement};
use crate::store::EventPayload;

/// An approved call is claimed once; a second claimant does not get it.
pub async fn an_approved_call_is_claimed_once(s: Subject) {
    let record = approved(&s, &Draft::new("run", 1)).await;
    let session = s.store.open_session().await.unwrap();
    let token = ClaimToken::new();
    let held = s.apply(record.id(), claim(&record, token, session)).await;
    assert_eq!((held.state, held.attempts), (CallState::Claimed, 1));
    assert_eq!(held.claim.map(|claim| (claim.token, claim.session)), Some((token, session)));
    let second = claim(&record, ClaimToken::new(), session);
    let refusal = s.refuse(record.id(), second).await;
    assert!(matches!(refusal, Refusal::State { state: CallState::Claimed, event: "claim" }));
}

/// Replaying a claim returns the first answer, which its author may have missed.
pub async fn replaying_a_claim_is_harmless(s: Subject) {
    let record = approved(&s, &Draft::new("run", 1)).await;
    let session = s.store.open_session().await.unwrap();
    let event = claim(&record, ClaimToken::new(), session);
    let first = s.apply(record.id(), event.clone()).await;
    s.pass(1);
    assert_eq!(s.apply(record.id(), event).await, first);
}

/// Only an approved call can be claimed: not a waiting one, not an ended one.
pub async fn nothing_else_is_claimed(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let pending = s.create(&Draft::new("run", 1)).await;
    let cancelled = s.create(&Draft::new("run", 2)).await;
    s.withdraw(cancelled.id()).await;
    for record in [pending, cancelled] {
        let refusal = s.refuse(record.id(), claim(&record, ClaimToken::new(), session)).await;
        assert!(matches!(refusal, Refusal::State { event: "claim", .. }));
    }
}

/// A claim names the binding it is about to run, within its time, at the approved level.
pub async fn a_claim_is_of_what_was_approved(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let record = approved(&s, &Draft::new("run", 1).level(ApprovalLevel::Quick)).await;
    let fingerprint: Fingerprint = "0".repeat(64).parse().unwrap();
    let mut changed = record.clone();
    let request = Arc::make_mut(&mut changed.request);
    request.fingerprint = fingerprint;
    request.bind(record.content);
    let refusal = s.refuse(record.id(), claim(&changed, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Stale);
    let mut stricter = record.clone();
    Arc::make_mut(&mut stricter.request).level = ApprovalLevel::Full;
    let refusal = s.refuse(record.id(), claim(&stricter, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::RequirementRose);
    s.pass(600);
    let refusal = s.refuse(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::Expired);
}

/// A claim that started nothing is released, and can be taken again.
pub async fn a_released_claim_can_be_taken_again(s: Subject) {
    let (record, token, session) = claimed(&s, &Draft::new("run", 1)).await;
    let stranger = Event::Release { token: ClaimToken::new() };
    assert_eq!(s.refuse(record.id(), stranger).await, Refusal::NotClaimant);
    let released = s.apply(record.id(), Event::Release { token }).await;
    assert_eq!((released.state, released.claim), (CallState::Approved, None));
    assert_eq!(released.attempts, 0, "a claim that started nothing is no attempt");
    let retaken = s.apply(record.id(), claim(&released, ClaimToken::new(), session)).await;
    assert_eq!((retaken.state, retaken.attempts), (CallState::Claimed, 1));
    assert!(matches!(s.refuse(record.id(), Event::Succeed { token }).await, Refusal::NotClaimant));
}

/// A body that succeeded: the result is kept, the payload is deleted.
pub async fn a_success_keeps_its_result(s: Subject) {
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    assert!(s.has_payload(record.id()).await, "it is needed until it has ended");
    let event = Event::Succeed { token };
    let result = Some(sealed(b"signature"));
    let done = s
        .store
        .apply(&tenant(), record.id(), event.clone(), EventPayload::result(result))
        .await
        .unwrap();
    assert_eq!(done.state, CallState::Executed);
    assert!(!s.has_payload(record.id()).await);
    let kept = s.store.result(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"signature")));
    let replayed =
        s.store.apply(&tenant(), record.id(), event, EventPayload::result(sealed(b"other"))).await;
    assert_eq!(replayed.unwrap(), done);
    let kept = s.store.result(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"signature")), "a replay changes nothing");
}

/// A body that failed: the record contains the failure.
pub async fn a_failure_is_kept(s: Subject) {
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    let done =
        s.apply(record.id(), Event::Fail { token, failure: failure("no such contract") }).await;
    assert_eq!(done.state, CallState::Failed);
    assert_eq!(s.get(record.id()).await, done);
    assert_eq!(
        s.apply(record.id(), Event::Fail { token, failure: failure("no such contract") }).await,
        done
    );
    assert!(!s.has_payload(record.id()).await);
}

/// A body that failed with an output: the output is kept beside the record, as a result is.
pub async fn a_failure_keeps_its_output(s: Subject) {
    let (record, token, _) = claimed(&s, &Draft::new("run", 1)).await;
    let event = Event::Fail { token, failure: failure_with_output("no such contract") };
    let output = EventPayload::result(sealed(b"findings"));
    let done = s.store.apply(&tenant(), record.id(), event.clone(), output).await.unwrap();
    assert_eq!(done.state, CallState::Failed);
    assert_eq!(s.get(record.id()).await, done);
    assert!(!s.has_payload(record.id()).await);
    let kept = s.store.result(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"findings")));
    let replay = EventPayload::result(sealed(b"other"));
    let replayed = s.store.apply(&tenant(), record.id(), event, replay).await.unwrap();
    assert_eq!(replayed, done);
    let kept = s.store.result(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"findings")), "a replay changes nothing");
    // Without an output there is nothing beside the record.
    let (other, token, _) = claimed(&s, &Draft::new("run", 2)).await;
    s.apply(other.id(), Event::Fail { token, failure: failure("no such contract") }).await;
    assert_eq!(s.store.result(&tenant(), other.id()).await.unwrap(), None);
}

/// Only the holder of the claim records the outcome.
pub async fn only_the_claimant_records_the_end(s: Subject) {
    let (record, ..) = claimed(&s, &Draft::new("run", 1)).await;
    let token = ClaimToken::new();
    let events = [
        Event::Succeed { token },
        Event::Fail { token, failure: failure("no such contract") },
        Event::TimeOut { token },
    ];
    for event in events {
        assert_eq!(s.refuse(record.id(), event).await, Refusal::NotClaimant);
    }
    assert_eq!(s.store.result(&tenant(), record.id()).await.unwrap(), None);
}

/// A terminal call accepts no event at all.
pub async fn terminal_is_terminal(s: Subject) {
    let (record, token, session) = claimed(&s, &Draft::new("run", 1)).await;
    let done = s.apply(record.id(), Event::Succeed { token }).await;
    let binding = record.request.binding;
    let events = [
        Event::Decide(record.request.reject("no").by("bob")),
        Event::Attach { owner: None, attached: true },
        super::host("no"),
        Event::Expire,
        Event::RequireMore {
            binding,
            requirement: Requirement::new(ApprovalLevel::Full),
            reason: String::new(),
        },
        Event::Deny { binding, reason: String::new() },
        claim(&record, ClaimToken::new(), session),
        Event::Release { token },
        Event::Fail { token, failure: failure("no such contract") },
        Event::TimeOut { token },
        Event::ExecutorLost,
    ];
    for event in events {
        let refusal = s.refuse(record.id(), event).await;
        assert!(matches!(refusal, Refusal::State { state: CallState::Executed, .. }));
    }
    assert_eq!(s.get(record.id()).await, done);
}

/// Each session is alive until it is closed, and closing it twice is harmless.
pub async fn a_session_is_dead_once_it_is_closed(s: Subject) {
    let (first, second) =
        (s.store.open_session().await.unwrap(), s.store.open_session().await.unwrap());
    assert_ne!(first, second);
    let record = approved(&s, &Draft::new("run", 1)).await;
    s.apply(record.id(), claim(&record, ClaimToken::new(), second)).await;
    s.store.close_session(first).await.unwrap();
    s.store.close_session(first).await.unwrap();
    assert_eq!(
        s.refuse(record.id(), Event::ExecutorLost).await,
        Refusal::Alive,
        "another one's end"
    );
    s.store.close_session(second).await.unwrap();
    assert_eq!(s.apply(record.id(), Event::ExecutorLost).await.state, CallState::OutcomeUnknown);
    let never_opened = SessionId::new();
    s.store.close_session(never_opened).await.unwrap();
}
