//! The grace of an approval: a call is not claimed within it, and the approval can be taken back.

use super::Subject;
use super::fixture::{Draft, claim};
use crate::approval::ReviewerIdentity;
use crate::ids::ClaimToken;
use crate::machine::{CallRecord, CallState, Event, Refusal};

fn take_back(record: &CallRecord, by: &str) -> Event {
    let (revision, binding) = (record.request.revision, record.request.binding);
    Event::TakeBack { revision, binding, by: ReviewerIdentity::new(by) }
}

/// Within its grace an approved call is not claimed; from the end of it on, it is.
pub async fn invariant_5_nothing_is_claimed_within_its_grace(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let record = s.create(&Draft::new("run", 1).grace(30)).await;
    let record = s.apply(record.id(), Event::Decide(record.request.approve().by("alice"))).await;
    let from = record.claimable_from().expect("it has a grace");
    assert_eq!(s.get(record.id()).await.claimable_from(), Some(from), "it is stored");
    for _ in 0..2 {
        let refusal = s.refuse(record.id(), claim(&record, ClaimToken::new(), session)).await;
        assert_eq!(refusal, Refusal::InGrace { from });
        s.pass(14);
    }
    s.pass(2);
    let late = s.refuse(record.id(), take_back(&record, "alice")).await;
    assert_eq!(late, Refusal::GraceOver);
    let claimed = s.apply(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(claimed.state, CallState::Claimed);
}

/// An approval that is taken back is asked about again.
pub async fn invariant_4_an_approval_that_was_taken_back_counts_no_more(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let record = s.create(&Draft::new("run", 1).grace(30)).await;
    let approval = Event::Decide(record.request.approve().by("alice"));
    let approved = s.apply(record.id(), approval.clone()).await;
    assert_eq!(s.refuse(record.id(), take_back(&approved, "bob")).await, Refusal::NotApprover);
    let asked = s.apply(record.id(), take_back(&approved, "Alice ")).await;
    assert_eq!((asked.state, asked.request.revision), (CallState::Pending, 2));
    assert_eq!(s.refuse(record.id(), approval).await, Refusal::Stale);
    s.pass(60);
    let refusal = s.refuse(record.id(), claim(&approved, ClaimToken::new(), session)).await;
    assert!(matches!(refusal, Refusal::State { state: CallState::Pending, .. }), "{refusal}");
    let history = s.store.call_history(&super::tenant(), record.id()).await.unwrap();
    let (_, last) = history.last().unwrap();
    assert_eq!((last.event.as_str(), last.by.as_ref().unwrap().as_str()), ("takeBack", "Alice "));
}

/// A call without a grace is claimed at once, and its approval is not taken back.
pub async fn a_call_without_a_grace_starts_at_once(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let record = super::approved(&s, &Draft::new("run", 1)).await;
    assert_eq!(record.claimable_from(), None);
    assert_eq!(s.refuse(record.id(), take_back(&record, "alice")).await, Refusal::GraceOver);
    let claimed = s.apply(record.id(), claim(&record, ClaimToken::new(), session)).await;
    assert_eq!(claimed.state, CallState::Claimed);
}
