//! A commit whose answer is lost.

use std::time::Duration;

use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, Subject, approved, host, sealed, start_clock, tenant};
use hitl_core::store::{ApplyError, Enclosed, StoreErrorKind, Submitted};

use crate::line::Line;
use crate::support::{options, schema, subject, url_or_skip};

async fn over(line: &Line, schema: &str) -> Subject {
    let clock = start_clock();
    let options = options(&line.url, schema).clock(clock.clone());
    let store = options.patience(Duration::from_millis(500)).open().await.unwrap();
    Subject::new(store, clock)
}

#[tokio::test]
async fn a_lost_answer_is_found_out() {
    let (url, schema) = (url_or_skip!(), schema());
    let line = Line::to(&url).await;
    let s = over(&line, &schema).await;
    // The statements are prepared before anything goes wrong.
    approved(&s, &Draft::new("before", 1)).await;
    let draft = Draft::new("run", 1);
    line.swallow_next_answer();
    let record = s.create(&draft).await;
    assert!(line.has_swallowed());
    assert_eq!(record.version, 1);
    // An event that is no replay of itself: the second time it would be refused.
    line.swallow_next_answer();
    let after = s.apply(draft.id(), host("enough")).await;
    assert!(line.has_swallowed());
    assert_eq!((after.state, after.version), (CallState::Cancelled, 2));
    // And one that is always legal, and would happen twice.
    let other = s.create(&Draft::new("run", 2)).await;
    line.swallow_next_answer();
    let attach = Event::Attach { owner: None, attached: true };
    assert_eq!(s.apply(other.id(), attach).await.version, 2);
    assert!(line.has_swallowed());
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
    let decide = Event::Decide(record.request.approve().by("alice"));
    let lost = s.store.apply(&tenant(), record.id(), decide.clone(), Enclosed::none()).await;
    let kind = match lost {
        Err(ApplyError::Store(error)) => error.kind(),
        other => panic!("nobody can know, and yet: {other:?}"),
    };
    assert_eq!(kind, StoreErrorKind::Ambiguous);
    assert_eq!(direct.state(record.id()).await, CallState::Approved, "it had happened");
    line.mend();
    let again = s.apply(record.id(), decide).await;
    assert_eq!((again.state, again.version), (CallState::Approved, 2), "a replay is harmless");

    let draft = Draft::new("run", 2);
    line.and_then_die();
    line.swallow_next_answer();
    let lost = s.store.submit(draft.call(), sealed(b"x")).await;
    assert_eq!(lost.unwrap_err().kind(), StoreErrorKind::Ambiguous);
    line.mend();
    let again = s.store.submit(draft.call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, Submitted::Created(record) if record.id() == draft.id()));
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
