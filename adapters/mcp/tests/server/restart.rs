//! The server dies while a call waits, and is started again over the same database.

use std::path::Path;

use hitl_core::{Gate, HostKey};
use hitl_mcp::server::Elicitation;
use hitl_store::SqliteStore;
use serde_json::json;

use super::client::{Client, Fixture, all, forms, says, state, text};

async fn fixture(db: &Path) -> Fixture {
    let store = SqliteStore::open(db).await.unwrap();
    Fixture::over(Gate::builder().store(store).key(HostKey::from_bytes([7; 32]))).await
}

#[tokio::test]
async fn a_task_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hitl.db");
    let account = json!({"id": "7"});
    let id = {
        let fixture = fixture(&db).await;
        let mut client = Client::stateless(fixture.server(), all());
        let made = client.call("delete_account", account.clone()).await;
        // Nothing is closed, as if the process had been killed.
        client.served.abort();
        std::mem::forget(fixture.gate);
        made["result"]["taskId"].as_str().unwrap().to_owned()
    };
    // Somebody else decides while no server lives.
    let other = fixture(&db).await;
    other.approve().await;
    let restarted = fixture(&db).await;
    let mut client = Client::stateless(restarted.server(), all());
    let done = loop {
        let task = client.request("tasks/get", json!({"taskId": id})).await["result"].clone();
        if task["status"] != "working" {
            break task;
        }
    };
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "delete_account"}));
    assert_eq!((restarted.runs(), other.runs()), (1, 0));
}

#[tokio::test]
async fn the_same_call_gets_the_outcome_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hitl.db");
    let account = json!({"id": "7"});
    {
        let fixture = fixture(&db).await;
        let hold = std::time::Duration::from_millis(50);
        let mut client =
            Client::session(fixture.server().hold(hold), "2025-06-18", json!({})).await;
        client.call("delete_account", account.clone()).await;
        client.served.abort();
        fixture.approve().await;
    }
    let restarted = fixture(&db).await;
    let mut client = Client::session(restarted.server(), "2025-06-18", json!({})).await;
    let done = client.call("delete_account", account).await;
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "delete_account"}), "{done}");
}

#[tokio::test]
async fn a_question_that_was_asked_before_a_restart_is_answered_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hitl.db");
    let keys = HostKey::from_bytes([7; 32]).into();
    let note = json!({"text": "hi"});
    let sealed = {
        let fixture = fixture(&db).await;
        let mut client = Client::stateless(fixture.server().host_keys(&keys), forms());
        state(&client.call("write_note", note.clone()).await)
    };
    let restarted = fixture(&db).await;
    let mut client = Client::stateless(restarted.server().host_keys(&keys), forms());
    let done = client.retry("write_note", note.clone(), &sealed, says("approve")).await;
    assert_eq!((done["result"]["isError"].clone(), restarted.runs()), (json!(false), 1), "{done}");
    // With a key of its own, a server takes the state for that of somebody else.
    let mut client = Client::stateless(restarted.server(), forms());
    let refused = client.retry("write_note", note, &sealed, says("approve")).await;
    assert_eq!(refused["error"]["code"], -32602);
}

#[tokio::test]
async fn invariant_2_a_question_of_before_decides_nothing_where_nobody_is_asked_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hitl.db");
    let keys = HostKey::from_bytes([7; 32]).into();
    let note = json!({"text": "hi"});
    let sealed = {
        let fixture = fixture(&db).await;
        let mut client = Client::stateless(fixture.server().host_keys(&keys), forms());
        state(&client.call("write_note", note.clone()).await)
    };
    let restarted = fixture(&db).await;
    let hold = std::time::Duration::from_millis(50);
    let server = restarted.server().host_keys(&keys).elicitation(Elicitation::Off).hold(hold);
    let mut client = Client::stateless(server, forms());
    for decision in ["approve", "reject"] {
        let waits = client.retry("write_note", note.clone(), &sealed, says(decision)).await;
        assert!(text(&waits).contains("waits for a human"), "{decision}: {waits}");
        assert_eq!((restarted.runs(), restarted.waiting().await.len()), (0, 1), "{decision}");
    }
}
