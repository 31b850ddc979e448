//! Opening: what is refused, and how that is said.

use futures::future::join_all;
use hitl_core::store::suite::{Draft, sealed, tenant};
use hitl_core::store::{StoreError, StoreErrorKind};
use hitl_core::{HostKey, Store as _};
use hitl_store::{PostgresOptions, PostgresStore};

use crate::support::{key, options, plain, schema, url_or_skip};

async fn refused(options: PostgresOptions) -> StoreError {
    let error = options.open().await.map(drop).expect_err("it must be refused");
    assert!(!error.to_string().contains("secret"), "{error}");
    error
}

#[tokio::test]
async fn many_replicas_open_an_empty_database_at_once() {
    let (url, schema) = (url_or_skip!(), schema());
    let stores = join_all((0..8).map(|_| options(&url, &schema).connections(2).open())).await;
    let stores: Vec<_> = stores.into_iter().map(Result::unwrap).collect();
    let draft = Draft::new("run", 1);
    stores[0].submit(draft.call(), sealed(b"x")).await.unwrap();
    assert!(stores[7].get(&tenant(), draft.id()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (url, schema) = (url_or_skip!(), schema());
    drop(options(&url, &schema).open().await.unwrap());
    let newer = format!("UPDATE {schema}.meta SET value = '99' WHERE name = 'schema'");
    plain(&url).await.batch_execute(&newer).await.unwrap();
    let error = refused(options(&url, &schema)).await;
    assert_eq!(error.kind(), StoreErrorKind::NewerSchema);
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[tokio::test]
async fn somebody_elses_schema_is_left_alone() {
    let (url, schema) = (url_or_skip!(), schema());
    let theirs = format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.calls (theirs text)");
    plain(&url).await.batch_execute(&theirs).await.unwrap();
    assert_eq!(refused(options(&url, &schema)).await.kind(), StoreErrorKind::Corrupt);
    let sql = format!("SELECT theirs FROM {schema}.calls");
    assert!(plain(&url).await.query(sql.as_str(), &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_key_is_refused_until_it_replaces_the_lost_one() {
    let (url, schema) = (url_or_skip!(), schema());
    let no_key = PostgresStore::options(&url).schema(&schema);
    assert_eq!(refused(no_key).await.kind(), StoreErrorKind::Key);
    let store = options(&url, &schema).open().await.unwrap();
    assert_eq!(store.host_key().unwrap().check_value(), key().check_value());
    let sql = format!("SELECT value FROM {schema}.meta WHERE name = 'key_check'");
    let row = plain(&url).await.query_one(sql.as_str(), &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), key().check_value());
    let other = || options(&url, &schema).key(HostKey::from_bytes([8; 32]));
    assert_eq!(refused(other()).await.kind(), StoreErrorKind::Key);
    drop(other().replace_lost_key().open().await.unwrap());
    drop(other().open().await.unwrap());
    assert_eq!(refused(options(&url, &schema)).await.kind(), StoreErrorKind::Key);
}

#[tokio::test]
async fn a_server_that_promises_less_or_takes_no_writes_is_refused() {
    let (url, schema) = (url_or_skip!(), schema());
    let with = |setting: &str| format!("{url}?options=-c%20{setting}");
    let error = refused(options(&with("synchronous_commit%3Doff"), &schema)).await;
    assert!(error.to_string().contains("synchronous_commit"), "{error}");
    let error = refused(options(&with("default_transaction_read_only%3Don"), &schema)).await;
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
}

#[tokio::test]
async fn what_cannot_be_reached_or_read_says_what_to_do() {
    let url = url_or_skip!();
    let impatient =
        |url: &str| options(url, "hitl").patience(std::time::Duration::from_millis(100));
    // Nobody listens on port 1.
    let nobody = "postgres://hitl:secret@127.0.0.1:1/postgres";
    assert_eq!(refused(impatient(nobody)).await.kind(), StoreErrorKind::Unavailable);
    let garbled = "postgres://hitl:secret@127.0.0.1:port/postgres";
    assert_eq!(refused(impatient(garbled)).await.kind(), StoreErrorKind::Other);
    let missing = url.replace("/postgres", "/no_such_database");
    let error = refused(impatient(&missing)).await;
    assert!(error.to_string().contains("create the database first"), "{error}");
    let error = refused(options(&url, "Not A Schema")).await;
    assert!(error.to_string().contains("schema's name"), "{error}");
    let debug = format!("{:?}", options(nobody, "hitl"));
    assert!(!debug.contains("secret"), "{debug}");
}
