//! Several replicas replace the host's key, in the order that the operator's page gives, and in
//! other orders.

use futures::future::join_all;
use hitl_core::seal::Sealed;
use hitl_core::store::StoreErrorKind;
use hitl_core::store::suite::Draft;
use hitl_core::{Gate, HostKey, HostKeys, Store as _, StoreError};
use hitl_store::PostgresStore;

use crate::support::{options, plain, schema, url_or_skip};

fn key(byte: u8) -> HostKey {
    HostKey::from_bytes([byte; 32])
}

/// Returns these keys. The first of them seals.
fn keys(bytes: &[u8]) -> HostKeys {
    let (current, previous) = bytes.split_first().unwrap();
    let current = HostKeys::new(key(*current));
    previous.iter().fold(current, |keys, byte| keys.with_previous(key(*byte)))
}

struct Place {
    url: String,
    schema: String,
}

impl Place {
    async fn open(&self, bytes: &[u8]) -> Result<PostgresStore, StoreError> {
        options(&self.url, &self.schema).key(keys(bytes)).max_connections(2).open().await
    }

    /// Returns the reason why a replica with these keys is refused.
    async fn refused(&self, bytes: &[u8]) -> String {
        let error = self.open(bytes).await.map(drop).expect_err("it must be refused");
        assert_eq!(error.kind(), StoreErrorKind::Key, "{error}");
        error.to_string()
    }

    /// Returns the keys that the store's texts may be under, as the store keeps them.
    async fn kept(&self) -> Vec<u8> {
        let sql = format!("SELECT value FROM {}.meta WHERE name = 'key_check'", self.schema);
        let row = plain(&self.url).await.query_one(sql.as_str(), &[]).await.unwrap();
        let byte = |check: &str| (1..=9).find(|byte| key(*byte).check_value() == check).unwrap();
        let list: String = row.get(0);
        list.split(' ').filter(|check| !check.starts_with('~')).map(byte).collect()
    }
}

/// Submits a call whose payload appears to the store as sealed under a key.
async fn submit(store: &PostgresStore, position: u64, by: u8) {
    let sealed = [&key(by).id().prefix(), b"sealed".as_slice()].concat();
    let call = Draft::new("run", position).call();
    store.submit(call, Sealed::from_bytes(sealed)).await.unwrap();
}

#[tokio::test]
async fn invariant_8_replicas_replace_the_key_one_after_the_other() {
    let place = Place { url: url_or_skip!(), schema: schema() };
    let former = place.open(&[1]).await.unwrap();
    assert_eq!(place.kept().await, [1]);
    assert!(place.refused(&[2]).await.contains("another key"));
    // All replicas know the new key; the store is unchanged.
    let one = place.open(&[1, 2]).await.unwrap();
    assert_eq!(place.kept().await, [1]);
    submit(&one, 1, 1).await;
    // One replica after the other seals under it.
    let two = place.open(&[2, 1]).await.unwrap();
    submit(&two, 2, 2).await;
    let again = place.open(&[1, 2]).await.unwrap();
    assert_eq!(place.kept().await, [2, 1], "one that is behind changes nothing");
    assert!(place.refused(&[1]).await.contains(&key(2).id().to_string()));
    let early = place.refused(&[2]).await;
    assert!(early.contains("1 texts") && early.contains(&key(1).id().to_string()), "{early}");
    drop((former, again));
    // Live replicas that seal under the former key keep it from being retired.
    let session = one.open_session().await.unwrap();
    let own = two.open_session().await.unwrap();
    assert_eq!(two.sessions_under_other_keys().await.unwrap(), 1);
    let page =
        two.sealed_texts(hitl_core::store::SealedPart::Payload, key(2).id(), 0, 10).await.unwrap();
    let to = Sealed::from_bytes([&key(2).id().prefix(), b"again".as_slice()].concat());
    assert!(two.reseal(&page.texts[0], to).await.unwrap());
    let error = two.retire_keys().await.unwrap_err();
    assert!(error.to_string().contains("1 other processes"), "{error}");
    assert_eq!(place.kept().await, [2, 1]);
    one.close_session(session).await.unwrap();
    two.retire_keys().await.unwrap();
    assert_eq!(place.kept().await, [2]);
    // It knows both keys, and opened before; it may no longer seal under the former one.
    let error = one.open_session().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Key, "{error}");
    two.close_session(own).await.unwrap();
    drop(place.open(&[2]).await.unwrap());
    assert!(place.refused(&[1]).await.contains("retired"));
    // A replica that is far behind does not bring the key back, and locks no other out.
    assert!(place.refused(&[1, 2]).await.contains("retired"));
    drop(place.open(&[2]).await.unwrap());
    let sql = format!("SELECT count(*) FROM {}.meta WHERE name LIKE 'sealer.%'", place.schema);
    let row = plain(&place.url).await.query_one(sql.as_str(), &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "closed sessions leave nothing");
}

/// A replica that was cut off while the key was retired seals nothing when it is back.
#[tokio::test]
async fn invariant_8_a_lease_that_ran_out_is_not_taken_again_under_a_retired_key() {
    let place = Place { url: url_or_skip!(), schema: schema() };
    drop(place.open(&[1]).await.unwrap());
    let lease = std::time::Duration::from_millis(300);
    let cut_off =
        options(&place.url, &place.schema).key(keys(&[1, 2])).max_connections(2).lease(lease);
    let cut_off = cut_off.open().await.unwrap();
    let session = cut_off.open_session().await.unwrap();
    let new = place.open(&[2, 1]).await.unwrap();
    let on = plain(&place.url).await;
    // Its lease expires, and the key is retired before it can take the next one: under one lock.
    let then = format!(
        "BEGIN; LOCK TABLE {0}.sessions; UPDATE {0}.sessions SET lease_until = 'epoch'; \
         UPDATE {0}.meta SET value = '{1} ~{2}' WHERE name = 'key_check'; COMMIT",
        place.schema,
        key(2).check_value(),
        key(1).check_value()
    );
    on.batch_execute(&then).await.unwrap();
    let sealed = || Sealed::from_bytes([&key(1).id().prefix(), b"sealed".as_slice()].concat());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let error = loop {
        assert!(std::time::Instant::now() < deadline, "it seals under a retired key");
        // Before its next renewal it cannot know.
        if let Err(error) = cut_off.submit(Draft::new("late", 1).call(), sealed()).await {
            break error;
        }
        tokio::time::sleep(lease / 6).await;
    };
    assert_eq!(error.kind(), StoreErrorKind::Key, "{error}");
    for _ in 0..6 {
        tokio::time::sleep(lease / 6).await;
        assert_eq!(new.sessions_under_other_keys().await.unwrap(), 0);
    }
    let error = cut_off.submit(Draft::new("late", 2).call(), sealed()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Key, "{error}");
    cut_off.close_session(session).await.unwrap();
}

#[tokio::test]
async fn replicas_that_race_agree_and_none_is_locked_out() {
    let place = Place { url: url_or_skip!(), schema: schema() };
    drop(place.open(&[1]).await.unwrap());
    for _ in 0..3 {
        let rings: [&[u8]; 8] =
            [&[1, 2], &[2, 1], &[1, 2], &[2, 1], &[2, 1], &[1, 2], &[2, 1], &[1, 2]];
        let opened = join_all(rings.map(|ring| place.open(ring))).await;
        for store in opened {
            store.unwrap().open_session().await.unwrap();
        }
        assert_eq!(place.kept().await, [2, 1]);
    }
}

#[tokio::test]
async fn a_gate_seals_again_and_retires_the_former_key() {
    let place = Place { url: url_or_skip!(), schema: schema() };
    let store = place.open(&[1]).await.unwrap();
    submit(&store, 1, 1).await;
    drop(store);
    let store = place.open(&[2, 1]).await.unwrap();
    let gate = Gate::builder().store(store.clone()).skip_recovery().build().await.unwrap();
    // The text was not sealed by a gate, so it does not open, and stays.
    let done = gate.reseal().await.unwrap();
    assert_eq!((done.resealed, done.left, done.unreadable), (0, 1, 1));
    let error = gate.retire_keys().await.unwrap_err();
    assert!(error.to_string().contains("1 sealed texts"), "{error}");
    assert_eq!(place.kept().await, [2, 1]);
}
