//! Cancelling, re-attaching and expiring.

use super::Subject;
use super::fixture::{Draft, approved, claimed, host};
use crate::ids::OwnerToken;
use crate::machine::{CallState, Event, Refusal, Withdrawal};

fn by_owner(owner: OwnerToken) -> Event {
    Event::Cancel { by: Withdrawal::Owner(owner), reason: "changed my mind".to_owned() }
}

/// The owner withdraws their call while it waits, before and after approval.
pub async fn the_owner_withdraws_what_has_not_started(s: Subject) {
    let owner = OwnerToken::new();
    let pending = s.create(&Draft::new("run", 1).owner(owner)).await;
    let approved = approved(&s, &Draft::new("run", 2).owner(owner)).await;
    for record in [pending, approved] {
        let after = s.apply(record.id(), by_owner(owner)).await;
        assert_eq!(after.state, CallState::Cancelled);
        assert!(!s.has_payload(record.id()).await);
    }
}

/// Nobody withdraws a call that is not theirs, nor one without an owner.
pub async fn a_stranger_withdraws_nothing(s: Subject) {
    let owned = s.create(&Draft::new("run", 1).owner(OwnerToken::new())).await;
    let orphan = s.create(&Draft::new("run", 2)).await;
    for record in [owned, orphan] {
        let refusal = s.refuse(record.id(), by_owner(OwnerToken::new())).await;
        assert_eq!(refusal, Refusal::NotOwner);
    }
}

/// The host withdraws any call that has not started, and none that has.
pub async fn the_host_withdraws_what_has_not_started(s: Subject) {
    let owned = s.create(&Draft::new("run", 1).owner(OwnerToken::new())).await;
    assert_eq!(s.withdraw(owned.id()).await.state, CallState::Cancelled);
    let (running, ..) = claimed(&s, &Draft::new("run", 2)).await;
    let refusal = s.refuse(running.id(), host("too late")).await;
    assert!(matches!(refusal, Refusal::State { state: CallState::Claimed, .. }));
}

/// Re-attaching takes over ownership: the earlier owner has lost it.
pub async fn attaching_takes_ownership_over(s: Subject) {
    let (first, second) = (OwnerToken::new(), OwnerToken::new());
    let record = s.create(&Draft::new("run", 1).owner(first)).await;
    let attach = |owner| Event::Attach { owner: Some(owner), attached: true };
    let taken = s.apply(record.id(), attach(second)).await;
    assert_eq!((taken.owner, taken.attached), (Some(second), true));
    assert_eq!(s.refuse(record.id(), by_owner(first)).await, Refusal::NotOwner);
    assert_eq!(s.apply(record.id(), by_owner(second)).await.state, CallState::Cancelled);
    let late = s.refuse(record.id(), attach(first)).await;
    assert!(matches!(late, Refusal::State { .. }));
}

/// A call that was given more time does not expire at its earlier time. It is decided by what was
/// shown before, or expires at its new time.
pub async fn more_time_moves_the_end(s: Subject) {
    let first = s.create(&Draft::new("run", 1)).await;
    let second = s.create(&Draft::new("run", 2)).await;
    s.pass(599);
    for record in [&first, &second] {
        let request = record.request();
        let (revision, binding) = (request.revision, request.binding);
        let more = Event::Extend { revision, binding, by: "alice".into() };
        let extended = s.apply(record.id(), more).await;
        assert_eq!((extended.state, extended.request().binding), (CallState::Pending, binding));
        assert!(extended.request().due_at <= extended.request().expires_at);
    }
    s.pass(599);
    for record in [&first, &second] {
        assert_eq!(s.refuse(record.id(), Event::Expire).await, Refusal::NotDue);
    }
    let decided = s.apply(first.id(), Event::Decide(first.request().approve().by("alice"))).await;
    assert_eq!(decided.state, CallState::Approved);
    s.pass(1);
    assert_eq!(s.apply(second.id(), Event::Expire).await.state, CallState::Expired);
}

/// A caller that gives up ownership leaves a call that only the host can withdraw.
pub async fn a_detached_call_has_no_owner(s: Subject) {
    let owner = OwnerToken::new();
    let record = s.create(&Draft::new("run", 1).owner(owner)).await;
    assert_eq!(
        s.apply(record.id(), Event::Attach { owner: None, attached: false }).await.owner,
        None
    );
    assert_eq!(s.refuse(record.id(), by_owner(owner)).await, Refusal::NotOwner);
}

/// Pending and approved calls expire at their time, and not before.
pub async fn calls_expire_at_their_time(s: Subject) {
    let pending = s.create(&Draft::new("run", 1)).await;
    let approved = approved(&s, &Draft::new("run", 2)).await;
    s.pass(599);
    for id in [pending.id(), approved.id()] {
        assert_eq!(s.refuse(id, Event::Expire).await, Refusal::NotDue);
    }
    s.pass(1);
    for id in [pending.id(), approved.id()] {
        assert_eq!(s.apply(id, Event::Expire).await.state, CallState::Expired);
        assert!(!s.has_payload(id).await);
    }
}

/// A running call does not expire.
pub async fn a_running_call_does_not_expire(s: Subject) {
    let (record, ..) = claimed(&s, &Draft::new("run", 1)).await;
    s.pass(10_000);
    let refusal = s.refuse(record.id(), Event::Expire).await;
    assert!(matches!(refusal, Refusal::State { state: CallState::Claimed, .. }));
}

/// A call with an endless approval does not expire.
pub async fn an_endless_approval_does_not_expire(s: Subject) {
    let draft = Draft::new("run", 1).expires_in(std::time::Duration::MAX);
    let record = s.create(&draft).await;
    s.pass(100 * 365 * 24 * 3600);
    assert_eq!(s.refuse(draft.id(), Event::Expire).await, Refusal::NotDue);
    assert_eq!(s.store.stale(10).await.unwrap(), []);
    let decision = Event::Decide(record.request.approve().by("alice"));
    assert_eq!(s.apply(draft.id(), decision).await.state, CallState::Approved);
}
