//! Several stores on one database, as several replicas of an app have them.

use std::time::Duration;

use hitl_core::machine::{CallState, Event, Refusal};
use hitl_core::store::suite::{
    Draft, Subject, approved, claimed, fixture, refused, start_clock, tenant,
};
use hitl_core::store::{EventPayload, StoreErrorKind};
use hitl_core::{ClaimToken, RequestId};

use crate::support::{options, plain, schema, subject, url_or_skip};

/// An interval longer than a test may take: events at this interval do not occur.
const NEVER: Duration = Duration::from_secs(3600);

async fn until_cancelled(s: &Subject, id: RequestId, watch: &mut hitl_core::store::ChangeWatch) {
    s.soon("the wake-up", async {
        while s.state(id).await != CallState::Cancelled {
            watch.changed().await;
        }
    })
    .await;
}

/// Opens a store whose waiters learn of other replicas by notifications alone.
async fn deaf_to_history(url: &str, schema: &str) -> Subject {
    let clock = start_clock();
    let options = options(url, schema).clock(clock.clone()).poll_interval(NEVER);
    Subject::new(options.open().await.unwrap(), clock)
}

#[tokio::test]
async fn a_waiter_on_one_replica_is_woken_by_a_decision_on_another() {
    let (url, schema) = (url_or_skip!(), schema());
    let (here, there) =
        (deaf_to_history(&url, &schema).await, subject(&url, &schema, &start_clock()).await);
    for position in 0..20 {
        let record = here.create(&Draft::new("run", position)).await;
        let (mut one, mut any) = (here.store.watch(record.id()), here.store.watch_all());
        assert_eq!(here.state(record.id()).await, CallState::Pending);
        there.apply(record.id(), Event::Decide(record.request().approve().by("alice"))).await;
        here.soon("the wake-up", async {
            while here.state(record.id()).await != CallState::Approved {
                one.changed().await;
            }
        })
        .await;
        here.soon("the hint for any call", any.changed()).await;
    }
}

#[tokio::test]
async fn a_lost_notification_is_made_up_for_by_reading_again() {
    let (url, schema) = (url_or_skip!(), schema());
    let there = subject(&url, &schema, &start_clock()).await;
    // Notifications stay within their database: this store listens in another one.
    let elsewhere = url.replace("/postgres", "/template1");
    let clock = start_clock();
    let options = options(&url, &schema).clock(clock.clone());
    let deaf = options.listen_url(elsewhere).poll_interval(Duration::from_millis(20));
    let here = Subject::new(deaf.open().await.unwrap(), clock);
    for position in 0..5 {
        let draft = Draft::new("run", position);
        here.create(&draft).await;
        let mut watch = here.store.watch(draft.id());
        there.withdraw(draft.id()).await;
        until_cancelled(&here, draft.id(), &mut watch).await;
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_everybody_reads_again() {
    let (url, schema) = (url_or_skip!(), schema());
    let (here, there) =
        (deaf_to_history(&url, &schema).await, subject(&url, &schema, &start_clock()).await);
    let server = plain(&url).await;
    // This hits all listeners of this database, also those of other tests: they have to cope with
    // it.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'hitl listens' AND datname = current_database()";
    for position in 0..3 {
        let draft = Draft::new("run", position);
        here.create(&draft).await;
        let mut watch = here.store.watch(draft.id());
        server.query_one(end, &[]).await.unwrap();
        there.withdraw(draft.id()).await;
        until_cancelled(&here, draft.id(), &mut watch).await;
    }
}

#[tokio::test]
async fn broken_connections_lose_nothing() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let server = plain(&url).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'hitl' AND pid <> pg_backend_pid() \
               AND (query LIKE '%' || $1 || '%')";
    for position in 0..20 {
        let draft = Draft::new("run", position);
        let broken = async { server.query_one(end, &[&schema]).await.unwrap() };
        let (record, _) = tokio::join!(s.create(&draft), broken);
        let broken = async { server.query_one(end, &[&schema]).await.unwrap() };
        let decide = Event::Decide(record.request().approve().by("alice"));
        let (after, _) = tokio::join!(s.apply(record.id(), decide), broken);
        assert_eq!((after.state(), after.version()), (CallState::Approved, 2), "it happened once");
    }
}

#[tokio::test]
async fn a_silent_executor_is_dead_after_its_lease_and_not_before() {
    let (url, schema) = (url_or_skip!(), schema());
    let clock = start_clock();
    let short = options(&url, &schema).clock(clock.clone()).lease(Duration::from_millis(400));
    let dying = Subject::new(short.open().await.unwrap(), clock);
    let s = subject(&url, &schema, &start_clock()).await;
    let (record, token, session) = claimed(&dying, &Draft::new("run", 1)).await;
    assert_eq!(s.store.stale(10).await.unwrap(), [], "it lives");
    assert_eq!(s.refuse(record.id(), Event::ExecutorLost).await, Refusal::Alive);
    // Its lease is taken away, as a long silence would do.
    let server = plain(&url).await;
    let expire = format!("UPDATE {schema}.sessions SET lease_until = clock_timestamp()");
    server.batch_execute(&expire).await.unwrap();
    let stale = s.store.stale(10).await.unwrap();
    assert_eq!(stale, [(tenant(), record.id(), CallState::Claimed)]);
    let lost = s.apply(record.id(), Event::ExecutorLost).await;
    assert_eq!(lost.state(), CallState::OutcomeUnknown);
    // It continues with a new lease, under which its earlier claims stay lost ...
    let open = approved(&dying, &Draft::new("run", 2)).await;
    let again = claim_soon(&dying, &open, session).await;
    assert_eq!(again.state(), CallState::Claimed);
    assert_eq!(s.store.stale(10).await.unwrap(), [], "what it claimed anew is alive");
    // ... until a late result resolves them.
    let late =
        s.store.apply(&tenant(), record.id(), Event::Succeed { token }, EventPayload::none()).await;
    assert_eq!(late.unwrap().state(), CallState::Executed);
}

async fn claim_soon(
    s: &Subject,
    record: &hitl_core::CallRecord,
    session: hitl_core::SessionId,
) -> hitl_core::CallRecord {
    let claiming = async {
        loop {
            let event = fixture::claim(record, ClaimToken::new(), session);
            match s.store.apply(&tenant(), record.id(), event, EventPayload::none()).await {
                Ok(record) => return record,
                Err(hitl_core::store::ApplyError::Store(error)) => {
                    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
                    tokio::task::yield_now().await;
                }
                Err(other) => panic!("{other}"),
            }
        }
    };
    s.soon("the next lease", claiming).await
}

#[tokio::test]
async fn invariant_5_whoever_could_not_renew_its_lease_claims_nothing() {
    let (url, schema) = (url_or_skip!(), schema());
    let clock = start_clock();
    let short = options(&url, &schema).clock(clock.clone()).lease(Duration::from_millis(600));
    let s = Subject::new(short.open().await.unwrap(), clock);
    let session = s.store.open_session().await.unwrap();
    let first = approved(&s, &Draft::new("run", 1)).await;
    // Nobody can renew while the table is locked, and for others the lease is still valid.
    let mut server = plain(&url).await;
    let locked = server.transaction().await.unwrap();
    let lock = format!("LOCK {schema}.sessions IN SHARE ROW EXCLUSIVE MODE");
    locked.batch_execute(&lock).await.unwrap();
    let fenced = s.soon("the fence", async {
        let mut position = 2;
        let mut record = first;
        loop {
            let event = fixture::claim(&record, ClaimToken::new(), session);
            match s.store.apply(&tenant(), record.id(), event, EventPayload::none()).await {
                Ok(_) => {
                    record = approved(&s, &Draft::new("run", position)).await;
                    position += 1;
                }
                Err(error) => return (record, error),
            }
        }
    });
    let (record, error) = fenced.await;
    assert!(
        matches!(&error, hitl_core::store::ApplyError::Store(e) if e.kind() == StoreErrorKind::Unavailable),
        "{error}"
    );
    assert_eq!(s.state(record.id()).await, CallState::Approved);
    // Everything that needs no lease continues.
    let other = Draft::new("other", 1);
    s.create(&other).await;
    s.withdraw(other.id()).await;
    locked.rollback().await.unwrap();
    assert_eq!(claim_soon(&s, &record, session).await.state(), CallState::Claimed);
}

#[tokio::test]
async fn invariant_3_a_lease_that_is_over_claims_nothing_although_its_holder_thinks_otherwise() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let session = s.store.open_session().await.unwrap();
    let record = approved(&s, &Draft::new("run", 1)).await;
    let server = plain(&url).await;
    // As after a suspended machine woke up: its own clock stood still.
    let expire = format!("UPDATE {schema}.sessions SET lease_until = clock_timestamp()");
    server.batch_execute(&expire).await.unwrap();
    let event = fixture::claim(&record, ClaimToken::new(), session);
    let refused = s.store.apply(&tenant(), record.id(), event, EventPayload::none()).await;
    assert!(matches!(refused, Err(hitl_core::store::ApplyError::Store(_))), "{refused:?}");
    let admitted = Draft::new("run", 2).admitted(ClaimToken::new(), session);
    let refused = s.store.submit(admitted.call(), fixture::sealed(b"x")).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(s.store.get_by_key(admitted.key()).await.unwrap(), None, "nothing was admitted");
}

#[tokio::test]
async fn dropping_a_store_ends_its_sessions() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let dropped = subject(&url, &schema, &start_clock()).await;
    let (record, ..) = claimed(&dropped, &Draft::new("run", 1)).await;
    drop(dropped);
    s.soon("the end of its sessions", async {
        while s.store.stale(10).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(s.apply(record.id(), Event::ExecutorLost).await.state(), CallState::OutcomeUnknown);
}

#[tokio::test]
async fn a_change_that_is_committed_late_is_not_skipped() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = subject(&url, &schema, &start_clock()).await;
    let early = Draft::new("run", 1);
    s.create(&early).await;
    // A writer has its line in the history, and hangs before its commit.
    let mut server = plain(&url).await;
    let late = server.transaction().await.unwrap();
    let add = format!(
        "INSERT INTO {schema}.history (call, version, write, entry) \
         SELECT call, 9, gen_random_uuid(), entry FROM {schema}.history"
    );
    late.batch_execute(&add).await.unwrap();
    s.withdraw(early.id()).await;
    let before = s.store.history(0, 10).await.unwrap();
    assert_eq!(before.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2]);
    late.commit().await.unwrap();
    let after = s.store.history(2, 10).await.unwrap();
    assert_eq!(after.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [3]);
    assert!(!after.gap);
}

#[tokio::test]
async fn what_another_reader_is_just_numbering_is_not_missed() {
    let (url, schema) = (url_or_skip!(), schema());
    let s = deaf_to_history(&url, &schema).await;
    // Its own first read of the history is over.
    assert!(s.store.history(0, 10).await.unwrap().entries.is_empty());
    for position in 0..20 {
        s.create(&Draft::new("run", position)).await;
        let mut server = plain(&url).await;
        let numbering = server.transaction().await.unwrap();
        numbering.batch_execute(&format!("SELECT {schema}.number_history(10)")).await.unwrap();
        let reading = s.store.history(position, 10);
        let (history, ()) = tokio::join!(reading, async { numbering.commit().await.unwrap() });
        assert_eq!(history.unwrap().entries.len(), 1);
    }
}

#[tokio::test]
async fn invariant_4_a_decision_that_waits_for_a_lock_past_its_expiry_is_refused() {
    let (url, schema) = (url_or_skip!(), schema());
    let store = options(&url, &schema).open().await.unwrap();
    let s = Subject::new(store, start_clock());
    let record = s.create(&Draft::new("run", 1).expires_in(Duration::from_millis(300))).await;
    let mut server = plain(&url).await;
    let locked = server.transaction().await.unwrap();
    let lock = format!("SELECT FROM {schema}.calls WHERE id = '{}' FOR UPDATE", record.id());
    locked.query(lock.as_str(), &[]).await.unwrap();
    let (store, id) = (std::sync::Arc::clone(&s.store), record.id());
    let decide = Event::Decide(record.request().approve().by("alice"));
    let deciding =
        tokio::spawn(async move { store.apply(&tenant(), id, decide, EventPayload::none()).await });
    s.soon("the expiry", async {
        while s.store.now().await.unwrap() < record.request().expires_at {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The row is updated without a change, so that the waiting statement checks it again.
    let touch = format!("UPDATE {schema}.calls SET version = version");
    locked.batch_execute(&touch).await.unwrap();
    locked.commit().await.unwrap();
    let (refusal, current) = refused(deciding.await.unwrap());
    assert_eq!((refusal, current.state()), (Refusal::Expired, CallState::Pending));
    assert_eq!(s.apply(id, Event::Expire).await.state(), CallState::Expired);
}
