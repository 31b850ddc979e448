//! The remains of an erasure in the tables, and a hold that another replica places meanwhile.

use hitl_core::machine::Event;
use hitl_core::store::suite::{Draft, claimed, failure, host, start_clock, tenant};
use hitl_core::store::{Erasable, EventPayload, Hold, HoldScope};
use hitl_core::{Principal, RequestId, Store as _};

use crate::support::{options, plain, schema, subject, url_or_skip};

const MARKER: &str = "zqxMARKERqxz";

/// Returns the columns in which a text is found.
async fn with(client: &tokio_postgres::Client, schema: &str, text: &str) -> Vec<String> {
    let sql = "SELECT table_name, column_name FROM information_schema.columns \
               WHERE table_schema = $1 ORDER BY 1, 2";
    let mut found = Vec::new();
    for row in client.query(sql, &[&schema]).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let sql = format!(
            "SELECT count(*) FROM {schema}.\"{table}\" t WHERE strpos(CASE \
             WHEN pg_typeof(t.\"{column}\") = 'bytea'::regtype \
             THEN encode(t.\"{column}\"::text::bytea, 'escape') ELSE t.\"{column}\"::text END, $1) > 0"
        );
        let rows: i64 = client.query_one(&sql, &[&text]).await.unwrap().get(0);
        if rows > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_8_no_table_has_anything_of_an_erased_call() {
    let url = url_or_skip!();
    let (schema, clock) = (schema(), start_clock());
    let s = subject(&url, &schema, &clock).await;
    let draft = Draft::new("run", 1).argument(MARKER).principal(MARKER);
    let (record, token, _) = claimed(&s, &draft).await;
    s.apply(record.id(), Event::Fail { token, failure: failure(MARKER) }).await;
    let client = plain(&url).await;
    let before = with(&client, &schema, MARKER).await;
    assert_eq!(before, ["calls.principal", "calls.record"]);
    let theirs =
        s.store.calls_by_principal(&tenant(), &Principal::new(MARKER), None, 10).await.unwrap();
    assert_eq!(theirs.len(), 1);
    let named = [Erasable::new(tenant(), record.id())];
    assert_eq!(s.store.erase(&named).await.unwrap(), [None]);
    assert_eq!(with(&client, &schema, MARKER).await, Vec::<String>::new());
    let id = record.id().to_string();
    assert_eq!(with(&client, &schema, &id).await, ["calls.id", "calls.record"], "its tombstone");
}

/// Checks that another replica erases nothing that a replica finds once its hold is placed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_of_one_replica_stops_another_that_erases() {
    let url = url_or_skip!();
    let schema = schema();
    let one = options(&url, &schema).open().await.unwrap();
    let other = options(&url, &schema).open().await.unwrap();
    for round in 0..4_u64 {
        let run = format!("run-{round}");
        let mut calls: Vec<RequestId> = Vec::new();
        for position in 0..40 {
            let draft = Draft::new(&run, position);
            one.submit(draft.call(), hitl_core::store::suite::sealed(b"x")).await.unwrap();
            one.apply(&tenant(), draft.id(), host("enough"), EventPayload::none()).await.unwrap();
            calls.push(draft.id());
        }
        let (eraser, named) = (one.clone(), calls.clone());
        let (start, has_begun) = tokio::sync::oneshot::channel();
        let mut start = Some(start);
        let erasing = tokio::spawn(async move {
            for (at, id) in (0..).zip(named) {
                // The hold comes at another moment each time, while calls are being erased.
                if at == round * 9 {
                    start.take().unwrap().send(()).unwrap();
                }
                eraser.erase(&[Erasable::new(tenant(), id)]).await.unwrap();
            }
        });
        has_begun.await.unwrap();
        let hold = Hold::new(tenant(), HoldScope::Tenant, "case", "counsel");
        let hold = other.hold(hold).await.unwrap();
        let mut found = Vec::new();
        for id in &calls {
            found.push(other.get(&tenant(), *id).await.unwrap().unwrap());
        }
        erasing.await.unwrap();
        for record in found {
            let now = other.get(&tenant(), record.id()).await.unwrap().unwrap();
            assert_eq!(now, record, "nothing changes under a hold");
        }
        other.release_hold(&tenant(), hold.id).await.unwrap().unwrap();
    }
}
