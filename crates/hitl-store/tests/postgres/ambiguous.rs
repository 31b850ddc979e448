//! A commit whose answer is lost.

use std::time::Duration;

use hitl_core::grant::{GrantRecord, GrantUse};
use hitl_core::machine::{CallRecord, CallState, Event};
use hitl_core::store::suite::{
    Draft, Subject, approved, fixture, host, sealed, start_clock, tenant,
};
use hitl_core::store::{ApplyError, ApplyRequest, EventPayload, StoreErrorKind, SubmitResult};
use hitl_core::{ClaimToken, DecisionId, Principal};

use crate::line::Line;
use crate::support::{options, schema, subject, url_or_skip};

async fn over(line: &Line, schema: &str) -> Subject {
    let clock = start_clock();
    let options = options(&line.url, schema).clock(clock.clone());
    let store = options.operation_timeout(Duration::from_millis(500)).open().await.unwrap();
    Subject::new(store, clock)
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let (url, schema) = (url_or_skip!(), schema());
    let line = Line::to(&url).await;
    let s = over(&line, &schema).await;
    // The statements are prepared before any failure.
    approved(&s, &Draft::new("before", 1)).await;
    let draft = Draft::new("run", 1);
    line.swallow_next_answer();
    let record = s.create(&draft).await;
    assert!(line.has_swallowed());
    assert_eq!(record.version(), 1);
    // An event that is no replay of itself: a repetition would be refused.
    line.swallow_next_answer();
    let after = s.apply(draft.id(), host("enough")).await;
    assert!(line.has_swallowed());
    assert_eq!((after.state(), after.version()), (CallState::Cancelled, 2));
    // And one that is always legal, and would happen twice.
    let other = s.create(&Draft::new("run", 2)).await;
    line.swallow_next_answer();
    let attach = Event::Attach { owner: None, attached: true };
    assert_eq!(s.apply(other.id(), attach).await.version(), 2);
    assert!(line.has_swallowed());
}

/// Creates a grant, a call that runs on it, and one that may.
async fn granted(s: &Subject) -> (GrantRecord, Draft, CallRecord) {
    let saved = s.store.save_grant(fixture::grant(Some(9), None)).await.unwrap();
    let session = s.store.open_session().await.unwrap();
    let drawn = GrantUse::new(saved.id(), 1.into());
    let admitted = Draft::new("granted", 1).admitted(ClaimToken::new(), session).granted(drawn);
    let record = s.create(&Draft::new("granted", 2)).await;
    let (decision, binding) = (DecisionId::new(), record.request().binding);
    let event = Event::ApproveByGrant { decision, binding, drawn, by: "alice".into() };
    (saved, admitted, s.apply(record.id(), event).await)
}

async fn used(s: &Subject, grant: &GrantRecord) -> u64 {
    s.store.grant(&tenant(), grant.id()).await.unwrap().unwrap().used
}

#[tokio::test]
async fn what_a_lost_answer_has_drawn_is_drawn_once() {
    let (url, schema) = (url_or_skip!(), schema());
    let line = Line::to(&url).await;
    let s = over(&line, &schema).await;
    let (saved, admitted, allowed) = granted(&s).await;
    let session = s.store.open_session().await.unwrap();
    let drawn = GrantUse::new(saved.id(), 1.into());
    let other = Draft::new("granted", 3).admitted(ClaimToken::new(), session).granted(drawn);
    // In the middle of a transaction it has not happened; at its end it has.
    let swallows: [fn(&Line); 2] = [Line::swallow_next_answer, Line::swallow_next_commit];
    for (number, (swallow, draft)) in (1..).zip(swallows.into_iter().zip([admitted, other])) {
        swallow(&line);
        let record = s.create(&draft).await;
        assert!(line.has_swallowed());
        assert_eq!((record.version(), used(&s, &saved).await), (1, number));
        // An event that is a replay of itself, and one that is not.
        let token = ClaimToken::new();
        let now = s.get(allowed.id()).await;
        swallow(&line);
        let held = s.apply(allowed.id(), fixture::claim(&now, token, session)).await;
        assert!(line.has_swallowed());
        assert_eq!((held.state(), used(&s, &saved).await), (CallState::Claimed, number + 1));
        swallow(&line);
        let back = s.apply(allowed.id(), Event::Release { token }).await;
        assert!(line.has_swallowed());
        assert_eq!((back.version(), used(&s, &saved).await), (held.version() + 1, number));
    }
    // Several at once, of which none is a replay of itself.
    let events = vec![
        ApplyRequest::new(allowed.id(), host("enough")),
        ApplyRequest::new(s.create(&Draft::new("granted", 4)).await.id(), host("enough")),
    ];
    line.swallow_next_commit();
    let ended = s.store.apply_all(&tenant(), events).await.unwrap();
    assert!(line.has_swallowed());
    assert!(ended.iter().all(|record| record.state() == CallState::Cancelled));
    line.swallow_next_commit();
    let by = Principal::new("bob");
    let revoked = s.store.revoke_grant(&tenant(), saved.id(), &by, None).await.unwrap().unwrap();
    assert!(line.has_swallowed());
    assert_eq!(revoked.revoked.unwrap().by, by);
}

#[tokio::test]
async fn invariant_5_a_draw_that_cannot_be_found_out_is_ambiguous() {
    let (url, schema) = (url_or_skip!(), schema());
    let line = Line::to(&url).await;
    let s = over(&line, &schema).await;
    let direct = subject(&url, &schema, &start_clock()).await;
    let (saved, admitted, allowed) = granted(&s).await;
    let session = s.store.open_session().await.unwrap();

    line.and_then_die();
    line.swallow_next_commit();
    let claim = fixture::claim(&allowed, ClaimToken::new(), session);
    let lost = s.store.apply(&tenant(), allowed.id(), claim.clone(), EventPayload::none()).await;
    let kind = match lost {
        Err(ApplyError::Store(error)) => error.kind(),
        other => panic!("nobody can know, and yet: {other:?}"),
    };
    assert_eq!(kind, StoreErrorKind::Ambiguous);
    let stands = (direct.state(allowed.id()).await, used(&direct, &saved).await);
    assert_eq!(stands, (CallState::Claimed, 1), "it had happened");
    line.mend();
    s.apply(allowed.id(), claim).await;
    assert_eq!(used(&s, &saved).await, 1, "a replay is harmless");

    line.and_then_die();
    line.swallow_next_commit();
    let lost = s.store.submit(admitted.call(), sealed(b"x")).await;
    assert_eq!(lost.unwrap_err().kind(), StoreErrorKind::Ambiguous);
    line.mend();
    let again = s.store.submit(admitted.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Created(record) if record.id() == admitted.id()));
    assert_eq!(used(&s, &saved).await, 2);
}

#[tokio::test]
async fn invariant_5_an_answer_that_cannot_be_found_out_is_ambiguous() {
    let (url, schema) = (url_or_skip!(), schema());
    let line = Line::to(&url).await;
    let s = over(&line, &schema).await;
    let direct = subject(&url, &schema, &start_clock()).await;
    approved(&s, &Draft::new("before", 1)).await;
    let record = s.create(&Draft::new("run", 1)).await;

    line.and_then_die();
    line.swallow_next_answer();
    let decide = Event::Decide(record.request().approve().by("alice"));
    let lost = s.store.apply(&tenant(), record.id(), decide.clone(), EventPayload::none()).await;
    let kind = match lost {
        Err(ApplyError::Store(error)) => error.kind(),
        other => panic!("nobody can know, and yet: {other:?}"),
    };
    assert_eq!(kind, StoreErrorKind::Ambiguous);
    assert_eq!(direct.state(record.id()).await, CallState::Approved, "it had happened");
    line.mend();
    let again = s.apply(record.id(), decide).await;
    assert_eq!((again.state(), again.version()), (CallState::Approved, 2), "a replay is harmless");

    let draft = Draft::new("run", 2);
    line.and_then_die();
    line.swallow_next_answer();
    let lost = s.store.submit(draft.call(), sealed(b"x")).await;
    assert_eq!(lost.unwrap_err().kind(), StoreErrorKind::Ambiguous);
    line.mend();
    let again = s.store.submit(draft.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Created(record) if record.id() == draft.id()));
}

#[tokio::test]
async fn what_was_not_sent_is_unavailable_and_not_ambiguous() {
    let (url, schema) = (url_or_skip!(), schema());
    let line = Line::to(&url).await;
    let s = over(&line, &schema).await;
    line.and_then_die();
    let direct = crate::support::plain(&url).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
    direct.query_one(end, &[&schema]).await.unwrap();
    let draft = Draft::new("run", 1);
    let failed = s.store.submit(draft.call(), sealed(b"x")).await.unwrap_err();
    assert_eq!(failed.kind(), StoreErrorKind::Unavailable, "{failed}");
}
