//! Grants that several replicas draw on: the locks of one transaction, and how long it holds them.

use std::time::Duration;

use futures::future::join_all;
use hitl_core::grant::{GrantRecord, GrantUse};
use hitl_core::machine::{CallRecord, CallState, Event, Refusal};
use hitl_core::store::suite::{
    Draft, Subject, fixture, host, refused, sealed, start_clock, tenant,
};
use hitl_core::store::{
    ApplyError, ApplyRequest, EventPayload, GrantQuery, StoreErrorKind, SubmitResult,
};
use hitl_core::{ClaimToken, DecisionId, GrantId, SessionId};

use crate::child::{Child, Role};
use crate::support::{options, plain, schema, subject, url_or_skip};

async fn saved(s: &Subject, uses: Option<u64>) -> GrantRecord {
    s.store.save_grant(fixture::grant(uses, None)).await.unwrap()
}

async fn used(s: &Subject, id: GrantId) -> u64 {
    s.store.grant(&tenant(), id).await.unwrap().unwrap().used
}

fn admitted(position: u64, grant: GrantId, session: SessionId) -> Draft {
    let drawn = GrantUse::new(grant, 1.into());
    Draft::new("admitted", position).admitted(ClaimToken::new(), session).granted(drawn)
}

async fn allowed(s: &Subject, position: u64, grant: GrantId) -> CallRecord {
    let record = s.create(&Draft::new("allowed", position)).await;
    let (decision, binding) = (DecisionId::new(), record.request().binding);
    let drawn = GrantUse::new(grant, 1.into());
    let event = Event::ApproveByGrant { decision, binding, drawn, by: "alice".into() };
    s.apply(record.id(), event).await
}

fn claim(record: &CallRecord, session: SessionId) -> Event {
    fixture::claim(record, ClaimToken::new(), session)
}

#[tokio::test]
async fn invariant_3_replicas_never_overdraw_a_grant() {
    let (url, schema) = (url_or_skip!(), schema());
    let one = subject(&url, &schema, &start_clock()).await;
    let two = subject(&url, &schema, &start_clock()).await;
    let grant = saved(&one, Some(13)).await.id();
    let mut work = Vec::new();
    for (position, s) in (0..40).zip([&one, &two].into_iter().cycle()) {
        let session = s.store.open_session().await.unwrap();
        work.push((s, allowed(s, position, grant).await, session, position));
    }
    // Each claims alone, or is admitted, or claims together with its neighbour's call.
    let claims = work.iter().map(|(s, record, session, position)| async move {
        match position % 4 {
            0 => {
                let call = admitted(*position, grant, *session).call();
                let answer = s.store.submit(call, sealed(b"x")).await.unwrap();
                u64::from(matches!(answer, SubmitResult::Created(_)))
            }
            1 => {
                let event = claim(record, *session);
                let done = s.store.apply(&tenant(), record.id(), event, EventPayload::none()).await;
                u64::from(done.is_ok())
            }
            _ => 0,
        }
    });
    let pairs = work.chunks(4).map(|four| async move {
        let (s, one, session, _) = &four[2];
        let (_, two, ..) = &four[3];
        let events =
            [one, two].map(|record| ApplyRequest::new(record.id(), claim(record, *session)));
        let done = s.store.apply_all(&tenant(), events.to_vec()).await;
        done.map_or(0, |records| records.len() as u64)
    });
    let (alone, together) = tokio::join!(join_all(claims), join_all(pairs));
    let won: u64 = alone.into_iter().chain(together).sum();
    assert!((12..=13).contains(&won), "a pair may find room for one: {won}");
    assert_eq!(used(&two, grant).await, won);
}

#[tokio::test]
async fn whoever_waits_for_one_of_several_calls_is_woken() {
    let (url, schema) = (url_or_skip!(), schema());
    let here = subject(&url, &schema, &start_clock()).await;
    let there = subject(&url, &schema, &start_clock()).await;
    let calls = [here.create(&Draft::new("r", 1)).await, here.create(&Draft::new("r", 2)).await];
    let mut watches = calls.each_ref().map(|call| here.store.watch(call.id()));
    let events = calls.each_ref().map(|call| ApplyRequest::new(call.id(), host("enough")));
    there.store.apply_all(&tenant(), events.to_vec()).await.unwrap();
    for (call, watch) in calls.iter().zip(&mut watches) {
        here.soon("the wake-up", async {
            while here.state(call.id()).await != CallState::Cancelled {
                watch.changed().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn invariant_3_a_lease_that_is_over_draws_nothing() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let session = s.store.open_session().await.unwrap();
    let grant = saved(&s, None).await.id();
    let record = allowed(&s, 1, grant).await;
    // As after a suspended machine woke up: its own clock stood still.
    let expire = format!("UPDATE {schema}.sessions SET lease_until = clock_timestamp()");
    plain(&url).await.batch_execute(&expire).await.unwrap();
    let event = claim(&record, session);
    let error = s.store.apply(&tenant(), record.id(), event.clone(), EventPayload::none()).await;
    assert!(matches!(error, Err(ApplyError::Store(e)) if e.kind() == StoreErrorKind::Unavailable));
    let events = vec![ApplyRequest::new(record.id(), event)];
    let error = s.store.apply_all(&tenant(), events).await;
    assert!(matches!(error, Err(ApplyError::Store(e)) if e.kind() == StoreErrorKind::Unavailable));
    let draft = admitted(1, grant, session);
    let error = s.store.submit(draft.call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(s.store.get_by_key(draft.key()).await.unwrap(), None);
    assert_eq!((s.get(record.id()).await, used(&s, grant).await), (record, 0));
}

#[tokio::test]
async fn who_stalls_in_a_transaction_does_not_keep_others_from_a_grant() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let session = s.store.open_session().await.unwrap();
    for place in ["rows-locked", "calls-written", "before-commit"] {
        let known = s.store.grants(&tenant(), GrantQuery::all()).await.unwrap().len();
        // The worker stops with the row locked, and stays alive.
        let mut stalled = Child::start_until(Role::Work, &schema, Some((place, 0)));
        while stalled.hear() != format!("at {place}") {}
        let grants = s.store.grants(&tenant(), GrantQuery::all()).await.unwrap();
        assert_eq!(grants.len(), known + 1);
        let grant = grants[known].id();
        let position = known as u64;
        s.soon("the end of the stalled transaction", async {
            s.create(&admitted(position, grant, session)).await;
        })
        .await;
        assert_eq!(used(&s, grant).await, 1);
        stalled.kill();
    }
}

#[tokio::test]
async fn a_grant_that_cannot_be_locked_is_unavailable_and_nothing_is_drawn() {
    let (url, schema) = (url_or_skip!(), schema());
    let clock = start_clock();
    let options =
        options(&url, &schema).clock(clock.clone()).operation_timeout(Duration::from_millis(300));
    let s = Subject::new(options.open().await.unwrap(), clock);
    let session = s.store.open_session().await.unwrap();
    let grant = saved(&s, None).await.id();
    let record = allowed(&s, 1, grant).await;
    let holder = plain(&url).await;
    let lock = format!("BEGIN; SELECT FROM {schema}.grants FOR UPDATE");
    holder.batch_execute(&lock).await.unwrap();
    let event = claim(&record, session);
    let error = s.store.apply(&tenant(), record.id(), event.clone(), EventPayload::none()).await;
    assert!(
        matches!(&error, Err(ApplyError::Store(e)) if e.kind() == StoreErrorKind::Unavailable),
        "nothing was sent that could still be committed: {error:?}"
    );
    let error = s.store.submit(admitted(1, grant, session).call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let by = "bob".into();
    let error = s.store.revoke_grant(&tenant(), grant, &by, None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "it is not said to be revoked");
    // Calls that draw on nothing continue.
    let other = fixture::approved(&s, &Draft::new("run", 1)).await;
    s.apply(other.id(), claim(&other, session)).await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!((s.get(record.id()).await, used(&s, grant).await), (record.clone(), 0));
    s.apply(record.id(), event).await;
    assert_eq!(used(&s, grant).await, 1);
    s.store.revoke_grant(&tenant(), grant, &by, None).await.unwrap();
    let second = s.create(&Draft::new("run", 2)).await;
    let (decision, binding) = (DecisionId::new(), second.request().binding);
    let drawn = GrantUse::new(grant, 1.into());
    let event = Event::ApproveByGrant { decision, binding, drawn, by };
    let answer = s.store.apply(&tenant(), second.id(), event, EventPayload::none()).await;
    assert!(matches!(refused(answer).0, Refusal::Grant(_)));
}
