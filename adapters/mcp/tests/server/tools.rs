//! The list of tools.

use serde_json::json;

use super::client::{Client, Fixture, all};

#[tokio::test]
async fn the_list_is_stable_and_says_what_the_gate_knows() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let list = client.request("tools/list", json!({})).await;
    let names: Vec<&str> = list["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["delete_account", "read_note", "write_note"]);
    let read = &list["result"]["tools"][1];
    assert_eq!(read["annotations"]["readOnlyHint"], true);
    assert_eq!(read["inputSchema"]["type"], "object");
    assert!(list["result"]["ttlMs"].as_u64().is_some(), "{list}");
    assert_eq!(list["result"]["cacheScope"], "private");
    assert_eq!(client.request("tools/list", json!({})).await["result"], list["result"]);
    let mut older = Client::session(fixture.server(), "2024-11-05", json!({})).await;
    let older = older.request("tools/list", json!({})).await;
    assert_eq!(older["result"]["tools"], list["result"]["tools"]);
    assert_eq!(older["result"].get("resultType"), None);
}

#[tokio::test]
async fn every_version_shakes_hands_and_the_newest_needs_none() {
    let fixture = Fixture::new().await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::session(fixture.server(), version, json!({})).await;
        let pong = client.request("ping", json!({})).await;
        assert_eq!(pong["result"], json!({}), "{version}");
        let done = client.call("read_note", json!({})).await;
        assert_eq!(done["result"]["isError"], false);
    }
    let mut client = Client::stateless(fixture.server(), json!({}));
    let found = client.request("server/discover", json!({})).await;
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{found}");
    let done = client.call("read_note", json!({})).await;
    assert_eq!(done["result"]["resultType"], "complete");
}

#[tokio::test(start_paused = true)]
async fn clients_learn_that_the_tools_have_changed() {
    let fixture = Fixture::new().await;
    let server = fixture.server().build().unwrap();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let serving = server.clone();
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        serving.serve(read, write).await
    });
    let mut client = super::client::Client::over(ours);
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}});
    client.request("initialize", hello).await;
    client.notify("notifications/initialized", json!({})).await;
    client.request("ping", json!({})).await;
    // The notification of the handshake has no answer, so this is repeated until it has arrived.
    let changed = loop {
        server.tools_changed();
        let next = tokio::time::timeout(std::time::Duration::from_millis(50), client.receive());
        if let Ok(message) = next.await {
            break message;
        }
    };
    assert_eq!(changed["method"], "notifications/tools/list_changed");
}
