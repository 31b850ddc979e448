//! Clients that do not keep to the protocol: a clear error, and nothing runs.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{Client, Fixture, all, code, text};

#[tokio::test]
async fn what_is_no_message_is_answered_and_the_next_one_is_served() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    for (line, expected) in [
        ("hello", -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1", -32700),
        ("[]", -32600),
        ("7", -32600),
        (r#"{"jsonrpc":"2.0","id":77}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":77,"method":"ping"}"#, -32600),
    ] {
        client.send_line(line).await;
        assert_eq!(code(&client.receive().await), expected, "{line}");
    }
    for quiet in ["", "  ", r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#] {
        client.send_line(quiet).await;
    }
    let done = client.call("read_note", json!({})).await;
    assert_eq!(done["result"]["isError"], false);
}

#[tokio::test]
async fn invalid_utf8_is_answered() {
    let fixture = Fixture::new().await;
    let server = fixture.server().build().unwrap();
    let (mut ours, theirs) = tokio::io::duplex(1 << 16);
    let (read, write) = tokio::io::split(theirs);
    let serving = tokio::spawn(async move { server.serve(read, write).await });
    ours.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n").await.unwrap();
    let mut answer = vec![0; 1024];
    let length = ours.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..length]).contains("-32700"));
    drop(ours);
    let error = serving.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("closed the connection"), "{error}");
}

#[tokio::test]
async fn unknown_tools_methods_and_versions_are_named() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    let unknown = client.call("write_nte", json!({})).await;
    assert_eq!(code(&unknown), -32602);
    assert!(unknown["error"]["message"].as_str().unwrap().contains("write_note"), "{unknown}");
    assert_eq!(code(&client.request("nothing/like", json!({})).await), -32601);
    for method in ["resources/list", "prompts/list", "resources/read", "prompts/get"] {
        let params = json!({"uri": "a:b", "name": "x"});
        assert_eq!(code(&client.request(method, params).await), -32601, "{method}");
    }
    for params in [json!({}), json!({"name": 7}), json!({"name": null})] {
        assert_eq!(code(&client.request("tools/call", params.clone()).await), -32602, "{params}");
    }
    let mut client = Client::stateless(fixture.server(), all());
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2031-01-01",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let wrong =
        json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {"_meta": meta}});
    client.send(&wrong).await;
    assert_eq!(code(&client.answer(5).await), -32022);
    assert_eq!(fixture.runs(), 0);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_to_its_request() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    let long = "x".repeat(5 * 1024 * 1024);
    let refused = client.call("write_note", json!({"text": long})).await;
    assert_eq!(code(&refused), -32600);
    assert!(refused["error"]["message"].as_str().unwrap().contains("too long"), "{refused}");
    let done = client.call("read_note", json!({})).await;
    assert_eq!(done["result"]["isError"], false);
    assert_eq!(fixture.waiting().await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_in_use_is_refused() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    let id = client.begin_call("delete_account", json!({"id": "7"})).await;
    let call = json!({"name": "read_note", "arguments": {}});
    client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call})).await;
    assert_eq!(code(&client.answer(id).await), -32600);
    let held = client.answer(id).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    assert_eq!(fixture.runs(), 0);
}

/// Writes until the server takes no more, and returns the bytes that it took.
async fn flood(fixture: &Fixture) -> usize {
    let server = fixture.server().build().unwrap();
    let (ours, theirs) = tokio::io::duplex(4 * 1024);
    let (read, write) = tokio::io::split(theirs);
    tokio::spawn(async move { server.serve(read, write).await });
    let (mut ours_read, mut ours_write) = tokio::io::split(ours);
    let hello = r#"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    ours_write.write_all(format!("{hello}\n").as_bytes()).await.unwrap();
    let mut answer = [0; 1024];
    let _ = ours_read.read(&mut answer).await.unwrap();
    let mut taken = 0;
    for number in 0.. {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"tools/list\"}}\n");
        let writing = ours_write.write_all(line.as_bytes());
        if tokio::time::timeout(Duration::from_secs(5), writing).await.is_err() {
            break;
        }
        taken += line.len();
        assert!(taken < 64 * 1024 * 1024, "the server takes everything");
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn invariant_13_a_client_that_never_reads_is_not_read_from() {
    let fixture = Fixture::new().await;
    let taken = flood(&fixture).await;
    // Each of these lines is answered with about twenty times as much.
    assert!(taken < 4 * 1024 * 1024, "{taken}");
}
