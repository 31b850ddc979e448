//! Several events in one transaction.

use super::Subject;
use super::fixture::{Draft, approved, claim, grant, host, sealed, tenant};
use super::races::{RACERS, race};
use crate::call::Tenant;
use crate::grant::{GrantRefusal, GrantUse};
use crate::ids::{ClaimToken, DecisionId, RequestId, SessionId};
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::store::{ApplyError, ApplyRequest, EventPayload};

async fn all(s: &Subject, events: Vec<ApplyRequest>) -> Result<Vec<CallRecord>, ApplyError> {
    s.store.apply_all(&tenant(), events).await
}

fn lost(answer: Result<Vec<CallRecord>, ApplyError>) -> (Refusal, RequestId) {
    match answer {
        Err(ApplyError::Rejected { refusal, current }) => (refusal, current.id()),
        other => panic!("it must be refused, and yet: {other:?}"),
    }
}

fn claims(records: &[CallRecord], session: SessionId) -> Vec<ApplyRequest> {
    let claim = |record: &CallRecord| {
        ApplyRequest::new(record.id(), claim(record, ClaimToken::new(), session))
    };
    records.iter().map(claim).collect()
}

/// All events are applied, in their order, each with an entry in the history.
pub async fn several_events_happen_together(s: Subject) {
    let records = [s.create(&Draft::new("run", 1)).await, s.create(&Draft::new("run", 2)).await];
    let before = s.store.last_history_seq().await.unwrap();
    let approve = |record: &CallRecord| {
        ApplyRequest::new(record.id(), Event::Decide(record.request.approve().by("alice")))
    };
    let events: Vec<_> = records.iter().map(approve).collect();
    let after = all(&s, events.clone()).await.unwrap();
    for (record, before) in after.iter().zip(&records) {
        assert_eq!((record.id(), record.state), (before.id(), CallState::Approved));
        assert_eq!(s.get(record.id()).await, *record);
    }
    let entries = s.store.history(before, 100).await.unwrap().entries;
    let ids: Vec<_> = entries.iter().map(|(_, entry)| entry.id).collect();
    assert_eq!(ids, [records[0].id(), records[1].id()]);
    assert_eq!(all(&s, events).await.unwrap(), after, "sent again it is harmless");
    assert_eq!(all(&s, Vec::new()).await.unwrap(), []);
}

/// If one event is refused, none is applied; its author learns which.
pub async fn one_refusal_and_nothing_happens(s: Subject) {
    let waits = s.create(&Draft::new("run", 1)).await;
    let over = s.create(&Draft::new("run", 2)).await;
    let over = s.withdraw(over.id()).await;
    let events =
        vec![ApplyRequest::new(waits.id(), host("a")), ApplyRequest::new(over.id(), host("b"))];
    let (refusal, whose) = lost(all(&s, events).await);
    assert!(matches!(refusal, Refusal::State { state: CallState::Cancelled, .. }));
    assert_eq!(whose, over.id());
    assert_eq!(s.get(waits.id()).await, waits);
    let twice =
        vec![ApplyRequest::new(waits.id(), host("a")), ApplyRequest::new(waits.id(), host("b"))];
    assert_eq!(lost(all(&s, twice).await), (Refusal::Stale, waits.id()));
    assert_eq!(s.get(waits.id()).await, waits);
}

/// A call of another tenant is not found, and nothing happens.
pub async fn another_tenants_call_is_not_among_them(s: Subject) {
    let mine = s.create(&Draft::new("run", 1)).await;
    let theirs = s.create(&Draft::new("run", 1).tenant("other")).await;
    let events =
        vec![ApplyRequest::new(mine.id(), host("a")), ApplyRequest::new(theirs.id(), host("b"))];
    let answer = all(&s, events).await;
    assert!(matches!(answer, Err(ApplyError::NotFound(id)) if id == theirs.id()), "{answer:?}");
    assert_eq!(s.get(mine.id()).await, mine);
    let kept = s.store.get(&Tenant::new("other"), theirs.id()).await.unwrap();
    assert_eq!(kept, Some(theirs));
}

/// Results are kept for each, payloads of ended calls are deleted.
pub async fn what_is_enclosed_comes_with_each(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let (one, two) = (ClaimToken::new(), ClaimToken::new());
    let first = s.create(&Draft::new("run", 1).admitted(one, session)).await;
    let second = s.create(&Draft::new("run", 2).admitted(two, session)).await;
    let mut events = vec![
        ApplyRequest::new(first.id(), Event::Succeed { token: one }),
        ApplyRequest::new(second.id(), Event::Succeed { token: two }),
    ];
    events[0].enclosed = EventPayload::result(sealed(b"one"));
    events[1].enclosed = EventPayload::result(sealed(b"two"));
    all(&s, events).await.unwrap();
    for (record, result) in [(&first, sealed(b"one")), (&second, sealed(b"two"))] {
        assert_eq!(s.store.result(&tenant(), record.id()).await.unwrap(), Some(result));
        assert!(!s.has_payload(record.id()).await);
    }
}

/// Calls that run together are claimed all at once, and no single one of them can be claimed.
pub async fn siblings_are_claimed_together_or_not_at_all(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let draft = |position: u64| Draft::new("run", position).together("b", &[1, 2]);
    let auto = s.create(&draft(1).approved()).await;
    assert_eq!(auto.state, CallState::Approved);
    let asked = s.create(&draft(2)).await;
    let refusal = s.refuse(auto.id(), claim(&auto, ClaimToken::new(), session)).await;
    assert_eq!(refusal, Refusal::BatchIncomplete);
    let (refusal, _) = lost(all(&s, claims(std::slice::from_ref(&auto), session)).await);
    assert_eq!(refusal, Refusal::BatchIncomplete);
    let both = [auto.clone(), asked.clone()];
    let (refusal, whose) = lost(all(&s, claims(&both, session)).await);
    assert!(matches!(refusal, Refusal::State { state: CallState::Pending, .. }));
    assert_eq!(whose, asked.id());
    assert_eq!(s.get(auto.id()).await, auto);
    let asked = s.apply(asked.id(), Event::Decide(asked.request.approve().by("alice"))).await;
    let held = all(&s, claims(&[auto, asked], session)).await.unwrap();
    for record in held {
        assert_eq!((record.state, record.attempts), (CallState::Claimed, 1));
        assert!(record.batch.unwrap().released);
    }
}

/// Once released, the calls are independent: one whose body was not started is claimed again alone.
pub async fn a_released_sibling_goes_its_own_way(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let draft = |position: u64| Draft::new("run", position).together("b", &[1, 2]).approved();
    let records = [s.create(&draft(1)).await, s.create(&draft(2)).await];
    let events = claims(&records, session);
    let Event::Claim { token, .. } = events[0].event else { panic!("it is a claim") };
    all(&s, events).await.unwrap();
    let released = s.apply(records[0].id(), Event::Release { token }).await;
    let held = s.apply(records[0].id(), claim(&released, ClaimToken::new(), session)).await;
    assert_eq!(held.state, CallState::Claimed);
}

/// The draws of several calls on one grant fit together, or none of the calls is claimed.
pub async fn together_they_draw_on_one_grant(s: Subject) {
    let session = s.store.open_session().await.unwrap();
    let saved = s.store.save_grant(grant(None, Some(100))).await.unwrap();
    let mut records = Vec::new();
    for position in 1..=3 {
        let record = s.create(&Draft::new("run", position)).await;
        let (decision, binding) = (DecisionId::new(), record.request.binding);
        let drawn = GrantUse::new(saved.id(), 40.into());
        let event = Event::ApproveByGrant { decision, binding, drawn, by: "alice".into() };
        records.push(s.apply(record.id(), event).await);
    }
    let (refusal, whose) = lost(all(&s, claims(&records, session)).await);
    assert_eq!(refusal, Refusal::Grant(GrantRefusal::Sum));
    assert_eq!(whose, records[2].id());
    assert_eq!(s.store.grant(&tenant(), saved.id()).await.unwrap(), Some(saved.clone()));
    all(&s, claims(&records[..2], session)).await.unwrap();
    let stands = s.store.grant(&tenant(), saved.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, stands.spent), (2, 80.into()));
}

/// Many race to release the same batch, while one of its calls is withdrawn: one of them wins, and
/// no sibling is claimed without the others.
pub async fn invariant_3_one_release_wins(s: Subject) {
    for round in 0..3_u64 {
        let session = s.store.open_session().await.unwrap();
        let positions = [round * 10, round * 10 + 1, round * 10 + 2];
        let batch = format!("b{round}");
        let mut records = Vec::new();
        for position in positions {
            let draft = Draft::new("run", position).together(&batch, &positions);
            records.push(approved(&s, &draft).await);
        }
        let racing = records.clone();
        let answers = race(&s, move |number, store| {
            let records = racing.clone();
            Box::pin(async move {
                if number == 0 {
                    let id = records[1].id();
                    return store
                        .apply(&tenant(), id, host("no"), EventPayload::none())
                        .await
                        .is_ok();
                }
                // In different orders, so that two of them cannot hold half of it each.
                let mut events = claims(&records, session);
                events.rotate_left(number % 3);
                store.apply_all(&tenant(), events).await.is_ok()
            })
        })
        .await;
        assert_eq!(answers.iter().filter(|won| **won).count(), 1, "one of {RACERS} wins");
        let mut states = Vec::new();
        for record in &records {
            states.push(s.state(record.id()).await);
        }
        let claimed = states.iter().filter(|state| **state == CallState::Claimed).count();
        assert!(claimed == 0 || claimed == 3, "{states:?}");
    }
}
