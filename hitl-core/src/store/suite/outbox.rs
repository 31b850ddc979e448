//! The outbox: changes not known to be audited stay in the store, each assigned to a session.

use super::Subject;
use super::fixture::{Draft, claim, sealed, tenant};
use crate::ids::{ClaimToken, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Event};
use crate::store::{ChangeId, EventPayload, SubmitResult};

/// Opens a session, as a gate does.
async fn gate(s: &Subject) -> SessionId {
    s.store.open_session().await.unwrap()
}

async fn submit(s: &Subject, draft: Draft) -> CallRecord {
    match s.store.submit(draft.call(), sealed(b"x")).await.unwrap() {
        SubmitResult::Created(record) => record,
        other => panic!("the key is new, and yet: {other:?}"),
    }
}

async fn apply(s: &Subject, id: RequestId, event: Event, by: SessionId) -> CallRecord {
    let enclosed = EventPayload::none().audited_by(by);
    s.store.apply(&tenant(), id, event, enclosed).await.unwrap()
}

fn approve(record: &CallRecord) -> Event {
    Event::Decide(record.request.approve().by("alice"))
}

async fn own(s: &Subject, session: SessionId) -> Vec<ChangeId> {
    s.store.pending_outbox(session, 100).await.unwrap().iter().map(ChangeId::from_entry).collect()
}

async fn take(s: &Subject, session: SessionId) -> Vec<ChangeId> {
    s.store.outbox_take(session, 100).await.unwrap().iter().map(ChangeId::from_entry).collect()
}

/// Each change is in the outbox from the transaction that makes it until it is acknowledged.
pub async fn a_change_is_in_the_outbox_until_it_is_acknowledged(s: Subject) {
    let me = gate(&s).await;
    let asked = submit(&s, Draft::new("run", 1).audited_by(me)).await;
    assert_eq!(own(&s, me).await, [ChangeId::to(&asked)]);
    let approved = apply(&s, asked.id(), approve(&asked), me).await;
    assert_eq!(own(&s, me).await, [ChangeId::to(&asked), ChangeId::to(&approved)]);
    let entries = s.store.pending_outbox(me, 100).await.unwrap();
    let said: Vec<_> = entries.iter().map(|e| (e.event.as_str(), e.state)).collect();
    assert_eq!(said, [("submitted", CallState::Pending), ("decide", CallState::Approved)]);
    assert_eq!(entries[1].by.as_ref().map(ToString::to_string).as_deref(), Some("alice"));
    assert_eq!(s.store.pending_outbox(me, 1).await.unwrap().len(), 1);
    s.store.outbox_ack(&[ChangeId::to(&asked)]).await.unwrap();
    assert_eq!(own(&s, me).await, [ChangeId::to(&approved)]);
    let other = ChangeId { call: RequestId::new(), version: 1 };
    let beyond = ChangeId { version: 9, ..ChangeId::to(&asked) };
    s.store
        .outbox_ack(&[ChangeId::to(&approved), ChangeId::to(&asked), other, beyond])
        .await
        .unwrap();
    assert!(own(&s, me).await.is_empty());
    s.store.outbox_ack(&[]).await.unwrap();
}

/// A claim is audited by its intent; ownership is not audited; a change without an auditor belongs
/// to nobody.
pub async fn what_has_no_record_of_its_own_is_not_in_it(s: Subject) {
    let me = gate(&s).await;
    let admitted = Draft::new("run", 1).admitted(ClaimToken::new(), me).audited_by(me);
    submit(&s, admitted).await;
    let plain = s.create(&Draft::new("run", 2)).await;
    let plain = s.apply(plain.id(), approve(&plain)).await;
    apply(&s, plain.id(), Event::Attach { owner: None, attached: false }, me).await;
    let current = s.get(plain.id()).await;
    apply(&s, plain.id(), claim(&current, ClaimToken::new(), me), me).await;
    assert!(own(&s, me).await.is_empty());
    s.store.close_session(me).await.unwrap();
    let next = gate(&s).await;
    assert!(take(&s, next).await.is_empty());
}

/// A refused or replayed event is no change.
pub async fn what_changed_nothing_is_not_in_it(s: Subject) {
    let me = gate(&s).await;
    let draft = Draft::new("run", 1).audited_by(me);
    let asked = submit(&s, draft.clone()).await;
    let event = approve(&asked);
    let approved = apply(&s, asked.id(), event.clone(), me).await;
    s.store.outbox_ack(&[ChangeId::to(&asked), ChangeId::to(&approved)]).await.unwrap();
    apply(&s, asked.id(), event, me).await;
    let enclosed = EventPayload::none().audited_by(me);
    let refused = s.store.apply(&tenant(), asked.id(), Event::Expire, enclosed).await;
    assert!(refused.is_err());
    let again = s.store.submit(draft.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(_)));
    assert!(own(&s, me).await.is_empty());
}

/// The unacknowledged changes of a dead gate go to exactly one other; those of a living gate stay
/// its own.
pub async fn what_the_dead_leave_is_taken_once(s: Subject) {
    let (dead, alive, next, late) =
        (gate(&s).await, gate(&s).await, gate(&s).await, gate(&s).await);
    let first = submit(&s, Draft::new("run", 1).audited_by(dead)).await;
    let second = apply(&s, first.id(), approve(&first), dead).await;
    let others = submit(&s, Draft::new("run", 2).audited_by(alive)).await;
    assert!(take(&s, next).await.is_empty(), "all of them are alive");
    s.store.close_session(dead).await.unwrap();
    assert_eq!(s.store.outbox_take(next, 1).await.unwrap().len(), 1);
    assert_eq!(take(&s, next).await, [ChangeId::to(&second)]);
    assert_eq!(own(&s, next).await, [ChangeId::to(&first), ChangeId::to(&second)]);
    assert!(take(&s, late).await.is_empty(), "taken");
    assert_eq!(own(&s, alive).await, [ChangeId::to(&others)]);
    // The session that took them may die too.
    s.store.close_session(next).await.unwrap();
    assert_eq!(take(&s, late).await, [ChangeId::to(&first), ChangeId::to(&second)]);
}

/// However many sessions take at once, each change goes to one of them.
pub async fn of_several_who_take_each_gets_others(s: Subject) {
    let dead = gate(&s).await;
    for position in 0..40 {
        submit(&s, Draft::new("run", position).audited_by(dead)).await;
    }
    s.store.close_session(dead).await.unwrap();
    let mut takers = Vec::new();
    for _ in 0..4 {
        let (store, me) = (std::sync::Arc::clone(&s.store), gate(&s).await);
        takers.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            loop {
                let some = store.outbox_take(me, 7).await.unwrap();
                if some.is_empty() {
                    return taken;
                }
                taken.extend(some.iter().map(ChangeId::from_entry));
            }
        }));
    }
    let mut all = Vec::new();
    for taker in takers {
        all.extend(taker.await.unwrap());
    }
    assert_eq!(all.len(), 40, "none twice");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 40, "each");
}
