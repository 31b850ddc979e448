//! Editing: the payload changes together with the record.

use super::Subject;
use super::fixture::{Draft, edit, host, sealed, tenant};
use crate::machine::{CallState, Event, Refusal};
use crate::policy::{ApprovalLevel, Quorum, Stage};
use crate::store::EventPayload;

/// An enclosed payload replaces the stored one, with the event or not at all.
pub async fn an_enclosed_payload_replaces_the_kept_one(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let attach = Event::Attach { owner: None, attached: false };
    let next = EventPayload::payload(sealed(b"next"));
    s.store.apply(&tenant(), record.id(), attach.clone(), next).await.unwrap();
    let kept = s.store.payload(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"next")));
    let refused = EventPayload::payload(sealed(b"refused"));
    assert!(s.store.apply(&tenant(), record.id(), Event::Expire, refused).await.is_err());
    s.apply(record.id(), attach).await;
    let kept = s.store.payload(&tenant(), record.id()).await.unwrap();
    assert_eq!(kept, Some(sealed(b"next")), "a refused event leaves what is there");
}

/// A call that has ended keeps no payload, not even one that came with its ending event.
pub async fn an_ended_call_keeps_no_enclosed_payload(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let late = EventPayload::payload(sealed(b"late"));
    s.store.apply(&tenant(), record.id(), host("enough"), late).await.unwrap();
    assert!(!s.has_payload(record.id()).await);
}

/// An edit is the next revision: its record and its payload change together, both revisions are
/// kept, and replaying the edit changes nothing.
pub async fn an_edit_is_the_next_revision(s: Subject) {
    let record = s.create(&Draft::new("run", 1)).await;
    let id = record.id();
    let late = Event::Decide(record.request.approve().by("bob"));
    let decision = record.request.edit(r#"{"contract_id":2}"#).by("alice");
    s.pass(1);
    let event = edit(&record, decision.clone(), 2, ApprovalLevel::Full);
    let next = EventPayload::payload(sealed(b"next"));
    let after = s.store.apply(&tenant(), id, event.clone(), next.clone()).await.unwrap();
    assert_eq!((after.state, after.request.revision), (CallState::Approved, 2));
    assert_eq!(after.content, record.content, "the key is still of what was submitted");
    assert_eq!(after.prior_revisions.len(), 1);
    assert_eq!(after.prior_revisions[0].binding, record.request.binding);
    assert_eq!(after.prior_revisions[0].arguments, record.request.arguments);
    assert_eq!(after.prior_revisions[0].edited.at, s.store.now().await.unwrap());
    assert_eq!(s.get(id).await, after);
    assert_eq!(s.store.payload(&tenant(), id).await.unwrap(), Some(sealed(b"next")));
    let other = EventPayload::payload(sealed(b"other"));
    assert_eq!(s.store.apply(&tenant(), id, event, other).await.unwrap(), after);
    assert_eq!(s.store.payload(&tenant(), id).await.unwrap(), Some(sealed(b"next")));
    assert!(matches!(s.refuse(id, late).await, Refusal::State { .. } | Refusal::Stale));
    assert_eq!(s.store.history(0, 10).await.unwrap().entries.len(), 2);
}

/// Votes are kept, count once for each person, and are void once the call is edited.
pub async fn votes_are_kept_until_an_edit(s: Subject) {
    let two = Quorum { stages: vec![Stage::people(2)], ..Quorum::ONE };
    let record = s.create(&Draft::new("run", 1).quorum(two)).await;
    let id = record.id();
    let vote = Event::Decide(record.request.approve().by("alice"));
    let first = s.apply(id, vote.clone()).await;
    assert_eq!((first.state, first.votes.len()), (CallState::Pending, 1));
    assert_eq!(s.apply(id, vote).await, first, "the same vote again");
    let twice = Event::Decide(record.request.approve().by("alice"));
    assert_eq!(s.refuse(id, twice).await, Refusal::AlreadyVoted);
    let decision = first.request.edit("{}").by("cid");
    let edited = s.apply(id, edit(&first, decision, 2, ApprovalLevel::Full)).await;
    assert_eq!((edited.state, edited.votes.len()), (CallState::Pending, 1), "the editor's");
    let again = Event::Decide(edited.request.approve().by("alice"));
    assert_eq!(s.apply(id, again).await.state, CallState::Approved);
}

/// If nobody decides in time, another person is asked, with a new deadline.
pub async fn silence_asks_somebody_else(s: Subject) {
    let record = s.create(&Draft::new("run", 1).escalate("director", 60)).await;
    s.pass(600);
    assert_eq!(s.store.stale(10).await.unwrap().len(), 1);
    let asked = s.apply(record.id(), Event::Expire).await;
    assert_eq!((asked.state, asked.request.revision), (CallState::Pending, 2));
    assert!(s.has_payload(record.id()).await);
    assert!(s.store.stale(10).await.unwrap().is_empty(), "it has a new time");
    assert_eq!(s.refuse(record.id(), Event::Expire).await, Refusal::NotDue);
    s.pass(60);
    assert_eq!(s.apply(record.id(), Event::Expire).await.state, CallState::Expired);
}
