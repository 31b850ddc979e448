//! Opening: refusals, and their messages.

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
    let stores = join_all((0..8).map(|_| options(&url, &schema).max_connections(2).open())).await;
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

/// The steps of the schemas before this one.
const FORMER: [&str; 12] = [
    include_str!("../../src/postgres/schema/1.sql"),
    include_str!("../../src/postgres/schema/2.sql"),
    include_str!("../../src/postgres/schema/3.sql"),
    include_str!("../../src/postgres/schema/4.sql"),
    include_str!("../../src/postgres/schema/5.sql"),
    include_str!("../../src/postgres/schema/6.sql"),
    include_str!("../../src/postgres/schema/7.sql"),
    include_str!("../../src/postgres/schema/8.sql"),
    include_str!("../../src/postgres/schema/9.sql"),
    include_str!("../../src/postgres/schema/10.sql"),
    include_str!("../../src/postgres/schema/11.sql"),
    include_str!("../../src/postgres/schema/12.sql"),
];

/// Creates a schema of a former version, with one call of this record.
async fn former(url: &str, schema: &str, version: usize, record: &str) {
    let steps: String = FORMER[..version].iter().map(|step| step.replace("{s}", schema)).collect();
    let script = format!(
        "CREATE SCHEMA {schema}; {steps} INSERT INTO {schema}.meta VALUES ('schema', '{version}');"
    );
    let on = plain(url).await;
    on.batch_execute(&script).await.unwrap();
    let call = format!(
        "INSERT INTO {schema}.calls (id, tenant, run, position, content, state, version, tool, \
           priority, created_at, due_at, expires_at, updated_at, record) \
         VALUES (gen_random_uuid(), 'acme', 'r', 0, 'c', 'rejected', 1, 't', 'high', 0, 0, 0, 0, $1)"
    );
    on.execute(call.as_str(), &[&record]).await.unwrap();
}

/// An agent writes the six characters of an escape, the character itself, and both in a row.
#[tokio::test]
async fn invariant_4_a_record_with_any_backslashes_is_migrated() {
    let url = url_or_skip!();
    let id = "01890000-0000-7000-8000-000000000001";
    let text = r#"\\u0000 \u0000 \\\u0000 \u0000\u0000 \\\\u0000 \\ \"\\u0001 \u0001"#;
    let record = format!(
        r#"{{"request":{{"principal":"ann{text}","level":"review","arguments":"{text}"}},"decided":{{"id":"{id}"}}}}"#
    );
    let principal: serde_json::Value = serde_json::from_str(&record).unwrap();
    let principal = principal["request"]["principal"].as_str().unwrap();
    let principal = principal.replace('\u{1}', "\u{1}1").replace('\0', "\u{1}0");
    for version in [2, 10] {
        let schema = schema();
        former(&url, &schema, version, &record).await;
        drop(options(&url, &schema).open().await.unwrap());
        let on = plain(&url).await;
        let sql = format!("SELECT id::text FROM {schema}.decisions");
        let decisions = on.query(sql.as_str(), &[]).await.unwrap();
        assert_eq!(decisions.len(), 1);
        assert_eq!(decisions[0].get::<_, &str>(0), id);
        let sql = format!("SELECT record, principal, level FROM {schema}.calls");
        let row = on.query_one(sql.as_str(), &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), record, "the record itself stays as it was");
        if version == 2 {
            assert_eq!(row.get::<_, &str>(1), principal);
            assert_eq!(row.get::<_, &str>(2), "review");
        }
    }
}

/// Each statement begins like one of the former version.
#[tokio::test]
async fn invariant_4_a_process_of_an_older_version_changes_nothing_after_the_migration() {
    let (url, schema) = (url_or_skip!(), schema());
    former(&url, &schema, 10, "{}").await;
    let on = plain(&url).await;
    let begun = [
        "UPDATE {s}.calls SET state = 'approved', version = 2, session = NULL, epoch = NULL",
        "UPDATE {s}.calls c SET erased = true, began = NULL, record = '{}', principal = ''",
        "DELETE FROM {s}.calls WHERE n = ANY (ARRAY(SELECT n FROM {s}.calls \
           WHERE erased AND began IS NOT NULL AND began < 9 ORDER BY began LIMIT 9))",
        "INSERT INTO {s}.calls (id, tenant, run, position, content, state, version, tool, priority, \
           created_at, due_at, expires_at, updated_at, session, epoch, record) \
           SELECT gen_random_uuid(), tenant, run, 1, content, state, version, tool, priority, \
             created_at, due_at, expires_at, updated_at, session, epoch, record FROM {s}.calls",
    ];
    let mut prepared = Vec::new();
    for sql in begun {
        prepared.push(on.prepare(&sql.replace("{s}", &schema)).await.unwrap());
    }
    drop(options(&url, &schema).open().await.unwrap());
    for statement in &prepared {
        let error = on.execute(statement, &[]).await.unwrap_err();
        let code = error.code().unwrap();
        assert_eq!(*code, tokio_postgres::error::SqlState::UNDEFINED_COLUMN, "{error:?}");
    }
}

#[tokio::test]
async fn the_ended_tasks_of_an_older_schema_are_marked() {
    let (url, schema) = (url_or_skip!(), schema());
    former(&url, &schema, 12, "{}").await;
    let on = plain(&url).await;
    let end = r#"{"v":1,"type":"terminal","end":{"state":"#;
    let ends = [
        format!("{end}\"failed\",\"error\":\"\\u0000 \u{e9}{}\"}}}}", "\u{1f600}".repeat(30)),
        format!(r#"{end}"timeout"}}}}"#),
        format!(r#"{end}"completed"}}}}"#),
        r#"{"v":1,"type":"stepDone","step":0,"output":"{\"state\":\"failed\""}"#.to_owned(),
    ];
    for (number, last) in ends.iter().enumerate() {
        let put = format!(
            "WITH t AS (INSERT INTO {schema}.tasks (id, epoch, entries) \
               VALUES ('01890000-0000-7000-8000-00000000000{number}', 1, 2) RETURNING n) \
             INSERT INTO {schema}.journal (task, number, write, entry) \
             SELECT n, i, gen_random_uuid(), e FROM t, (VALUES (1::bigint, $1::bytea), (2, $2)) x (i, e)"
        );
        let defined = br#"{"v":1,"type":"defined"}"#.as_slice();
        on.execute(put.as_str(), &[&defined, &last.as_bytes()]).await.unwrap();
    }
    drop(options(&url, &schema).open().await.unwrap());
    let sql = format!("SELECT state FROM {schema}.tasks ORDER BY id");
    let rows = on.query(sql.as_str(), &[]).await.unwrap();
    let states: Vec<Option<&str>> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(states, [Some("failed"), Some("timeout"), Some("completed"), None]);
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
        |url: &str| options(url, "hitl").operation_timeout(std::time::Duration::from_millis(100));
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
