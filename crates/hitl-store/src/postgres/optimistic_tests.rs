//! Cached records may be wrong in every way, without a wrong result.

use std::time::Duration;

use hitl_core::machine::{CallState, Event, Refusal};
use hitl_core::store::suite::fixture::claim;
use hitl_core::store::suite::{Draft, host, refused, sealed, tenant};
use hitl_core::store::{ApplyError, SubmitResult};
use hitl_core::{ClaimToken, HostKey, SessionId, Store as _};
use hitl_test_postgres::{URL, is_required};

use super::super::{PostgresOptions, PostgresStore};
use super::*;

/// A schema of its own, which replicas share.
struct Place {
    url: String,
    schema: String,
}

impl Place {
    /// Returns `None` without a database.
    fn new() -> Option<Self> {
        let Ok(url) = std::env::var(URL) else {
            assert!(!is_required(), "{URL} is not set, and this run may skip nothing");
            return None;
        };
        let schema = format!("t_{}", SessionId::new().to_string().replace('-', ""));
        Some(Self { url, schema })
    }

    fn options(&self) -> PostgresOptions {
        let options = PostgresStore::options(&self.url).schema(&self.schema);
        options.key(HostKey::from_bytes([7; 32]))
    }

    async fn replica(&self) -> PostgresStore {
        self.options().open().await.unwrap()
    }

    /// Does behind the stores' backs what they would not do.
    async fn run(&self, on: &PostgresStore, sql: &str) {
        let connection = on.shared.database.connection().await.unwrap();
        connection.batch_execute(&sql.replace("{s}", &self.schema)).await.unwrap();
    }
}

async fn create(on: &PostgresStore, draft: &Draft) -> CallRecord {
    match on.submit(draft.call(), sealed(b"payload")).await.unwrap() {
        SubmitResult::Created(record) => record,
        other => panic!("the key is new, and yet: {other:?}"),
    }
}

async fn apply(on: &PostgresStore, id: RequestId, event: Event) -> Result<CallRecord, ApplyError> {
    on.apply(&tenant(), id, event, EventPayload::none()).await
}

fn approve(record: &CallRecord) -> Event {
    Event::Decide(record.request().approve().by("alice"))
}

fn attach() -> Event {
    Event::Attach { owner: None, attached: true }
}

/// Returns whether such an event would be written without a read now. Puts the cached record back.
fn is_cached(on: &PostgresStore, record: &CallRecord, event: &Event) -> bool {
    let stored = on.shared.record_cache.take(&tenant(), record.id());
    let put_back =
        || stored.iter().for_each(|(stored, epoch)| on.shared.record_cache.put(stored, *epoch));
    put_back();
    let of = (&tenant(), record.id());
    let is_cached = UpdateCall::from_cache(&on.shared, of, event, &EventPayload::none()).is_some();
    put_back();
    is_cached
}

#[tokio::test]
async fn what_was_just_written_or_read_is_not_read_again() {
    let Some(place) = Place::new() else { return };
    let (here, there) = (place.replica().await, place.replica().await);
    create(&here, &Draft::new("before", 1)).await;
    let record = create(&here, &Draft::new("run", 1)).await;
    assert!(is_cached(&here, &record, &approve(&record)));
    assert!(!is_cached(&there, &record, &approve(&record)), "it has not seen it");
    there.get(&tenant(), record.id()).await.unwrap();
    assert!(is_cached(&there, &record, &approve(&record)));
    let decided = apply(&there, record.id(), approve(&record)).await.unwrap();
    assert_eq!((decided.state(), decided.version()), (CallState::Approved, 2));
    let session = there.open_session().await.unwrap();
    let token = ClaimToken::new();
    assert!(is_cached(&there, &decided, &claim(&decided, token, session)));
    let claimed = apply(&there, record.id(), claim(&decided, token, session)).await.unwrap();
    // The lease that it was claimed under is remembered too.
    assert!(is_cached(&there, &claimed, &Event::Succeed { token }));
    let attached = apply(&there, record.id(), Event::Release { token }).await.unwrap();
    assert_eq!(attached.version(), 4);
    assert_eq!(here.get(&tenant(), record.id()).await.unwrap().unwrap(), attached);
    let (_, entries) = (place, here.call_history(&tenant(), record.id()).await.unwrap());
    assert_eq!(entries.len(), 4, "each change has its line, and no other has");
}

#[tokio::test]
async fn invariant_4_what_another_replica_has_changed_is_not_overwritten() {
    let Some(place) = Place::new() else { return };
    let (here, there) = (place.replica().await, place.replica().await);
    create(&here, &Draft::new("before", 1)).await;
    // Legal for the cached record, and not for the stored one.
    let record = create(&here, &Draft::new("run", 1)).await;
    let ended = apply(&there, record.id(), host("enough")).await.unwrap();
    assert!(is_cached(&here, &record, &approve(&record)));
    let (refusal, current) = refused(apply(&here, record.id(), approve(&record)).await);
    assert!(matches!(refusal, Refusal::State { state: CallState::Cancelled, .. }));
    assert_eq!(current, ended, "the loser is told how the record stands");
    // Legal for both: no change of the other store is lost.
    let record = create(&here, &Draft::new("run", 2)).await;
    let approved = apply(&there, record.id(), approve(&record)).await.unwrap();
    let attached = apply(&here, record.id(), attach()).await.unwrap();
    assert_eq!((attached.version(), attached.state()), (3, CallState::Approved));
    assert_eq!(attached.decision(), approved.decision());
    // Refused for the cached record, and legal for the stored one.
    let record = create(&here, &Draft::new("run", 3)).await;
    let approved = apply(&there, record.id(), approve(&record)).await.unwrap();
    let session = here.open_session().await.unwrap();
    let event = claim(&approved, ClaimToken::new(), session);
    assert!(!is_cached(&here, &record, &event));
    assert_eq!(apply(&here, record.id(), event).await.unwrap().state(), CallState::Claimed);
}

#[tokio::test]
async fn what_is_remembered_is_its_own_tenants_only() {
    let Some(place) = Place::new() else { return };
    let here = place.replica().await;
    create(&here, &Draft::new("before", 1)).await;
    let record = create(&here, &Draft::new("run", 1)).await;
    let other = Tenant::new("other");
    let stranger = here.apply(&other, record.id(), approve(&record), EventPayload::none()).await;
    assert!(matches!(stranger, Err(ApplyError::NotFound(id)) if id == record.id()));
    let decided = apply(&here, record.id(), approve(&record)).await.unwrap();
    assert_eq!((decided.state(), decided.version()), (CallState::Approved, 2));
}

#[tokio::test]
async fn invariant_3_a_database_that_was_put_back_under_a_living_store_is_not_believed_to_be_the_same()
 {
    let Some(place) = Place::new() else { return };
    let (here, there) = (place.replica().await, place.replica().await);
    let record = create(&here, &Draft::new("run", 1)).await;
    place.run(&here, "CREATE TABLE {s}.copy AS SELECT * FROM {s}.calls").await;
    let approved = apply(&here, record.id(), approve(&record)).await.unwrap();
    let session = here.open_session().await.unwrap();
    // The record as it was, and then another way to the same version.
    place
        .run(
            &here,
            "UPDATE {s}.calls c SET state = o.state, version = o.version, record = o.record, \
               updated_at = o.updated_at FROM {s}.copy o WHERE o.n = c.n; \
             DELETE FROM {s}.history WHERE version > 1;",
        )
        .await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    let attached = apply(&there, record.id(), attach()).await.unwrap();
    assert_eq!((attached.version(), attached.state()), (approved.version(), CallState::Pending));
    let event = claim(&approved, ClaimToken::new(), session);
    assert!(is_cached(&here, &approved, &event));
    let (refusal, current) = refused(apply(&here, record.id(), event).await);
    assert!(matches!(refusal, Refusal::State { state: CallState::Pending, .. }));
    assert_eq!(current, attached);
}

#[tokio::test]
async fn invariant_3_what_was_approved_before_a_new_epoch_is_held_although_it_is_remembered() {
    let Some(place) = Place::new() else { return };
    let here = place.replica().await;
    let record = create(&here, &Draft::new("run", 1)).await;
    let approved = apply(&here, record.id(), approve(&record)).await.unwrap();
    let session = here.open_session().await.unwrap();
    let restored = place.options().restored("today").open().await.unwrap();
    let event = claim(&approved, ClaimToken::new(), session);
    assert!(is_cached(&here, &approved, &event));
    let (refusal, current) = refused(apply(&here, record.id(), event).await);
    assert!(matches!(refusal, Refusal::State { state: CallState::Pending, .. }));
    assert_eq!(restored.get(&tenant(), record.id()).await.unwrap().unwrap(), current);
}

#[tokio::test]
async fn invariant_5_whatever_the_time_is_taken_to_be_the_databases_counts() {
    let Some(place) = Place::new() else { return };
    let here = place.replica().await;
    let (seconds, hour) = (5_000_000, 3_600_000_000);
    for (position, wrong) in (1..).zip([seconds, -seconds, hour, -hour]) {
        let now =
            crate::postgres::query::now(&here.shared.database).await.unwrap().as_millis() * 1000;
        here.shared.clock_estimate.observe(now + wrong);
        let before = here.now().await.unwrap();
        let record = create(&here, &Draft::new("run", position)).await;
        assert!((before..=here.now().await.unwrap()).contains(&record.updated_at()));
        // An hour from now it would be too late.
        here.shared.clock_estimate.observe(now + wrong);
        assert_eq!(is_cached(&here, &record, &approve(&record)), wrong < hour);
        here.shared.clock_estimate.observe(now + wrong);
        let decided = apply(&here, record.id(), approve(&record)).await.unwrap();
        assert!((before..=here.now().await.unwrap()).contains(&decided.updated_at()));
    }
    // Expired by the database's clock, and not by the estimate.
    let soon = Duration::from_millis(50);
    let record = create(&here, &Draft::new("run", 9).expires_in(soon)).await;
    tokio::time::sleep(2 * soon).await;
    here.shared.clock_estimate.observe(record.updated_at().as_millis() * 1000);
    assert!(is_cached(&here, &record, &approve(&record)));
    let (refusal, _) = refused(apply(&here, record.id(), approve(&record)).await);
    assert_eq!(refusal, Refusal::Expired);
}

#[tokio::test]
async fn a_key_that_is_taken_or_whose_run_is_forgotten_takes_no_call_at_once() {
    let Some(place) = Place::new() else { return };
    let (here, there) = (place.replica().await, place.replica().await);
    let draft = Draft::new("run", 1);
    create(&here, &draft).await;
    there.now().await.unwrap();
    there.get(&tenant(), draft.id()).await.unwrap();
    let again = there.submit(draft.again().call(), sealed(b"payload")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(record) if record.id() == draft.id()));
    let other = there.submit(draft.again().content(9).call(), sealed(b"payload")).await.unwrap();
    assert!(matches!(other, SubmitResult::Conflict(id) if id == draft.id()));
    // A run that began in 2024.
    let run = Draft::new("018cc251-f400-7000-8000-000000000000", 1);
    here.forget_runs(here.now().await.unwrap()).await.unwrap();
    assert!(StampedCall::new(&there.shared, &run.call()).is_some());
    let refused = there.submit(run.call(), sealed(b"payload")).await.unwrap_err();
    assert_eq!(refused.kind(), hitl_core::StoreErrorKind::RunForgotten);
}
