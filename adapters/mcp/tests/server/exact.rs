//! Arguments reach the gate exactly as they were sent.

use serde_json::json;

use super::client::{Client, Fixture, forms, says, state, text};

const NUMBERS: [&str; 6] = [
    "9007199254740993.0",
    "123456789012345678901234567890",
    "-0.1000",
    "1e400",
    "1E-5",
    "0.30000000000000004",
];

#[tokio::test]
async fn numbers_run_to_the_digit() {
    let fixture = Fixture::new().await;
    for number in NUMBERS {
        let mut client = Client::stateless(fixture.server(), forms());
        let arguments = format!(r#"{{"number": {number}, "text": "hi"}}"#);
        let asked = client.call_text("write_note", &arguments).await;
        let message = asked["result"]["inputRequests"]["approval"]["params"]["message"].as_str();
        let Some(message) = message else {
            // A gate may refuse a number; it may not change it.
            assert_eq!(asked["result"]["isError"], true, "{number}: {asked}");
            continue;
        };
        assert!(message.contains(number), "{number}: {message}");
        let before = fixture.runs();
        let sealed = state(&asked);
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{{"name":"write_note","arguments":{arguments},"requestState":{sealed},"inputResponses":{{"approval":{}}},"_meta":{}}}}}"#,
            says("approve"),
            client_meta(),
        );
        client.send_line(&line).await;
        let done = client.answer(99).await;
        assert_eq!(done["result"]["isError"], false, "{done}");
        assert_eq!(fixture.runs(), before + 1);
        assert_eq!(fixture.last_arguments(), format!(r#"{{"number":{number},"text":"hi"}}"#));
    }
}

fn client_meta() -> serde_json::Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": forms(),
    })
}

#[tokio::test]
async fn invariant_5_a_name_that_is_there_twice_is_refused() {
    let fixture = Fixture::new().await;
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let mut client = Client::session(fixture.server(), version, json!({})).await;
        for arguments in [
            r#"{"text":"a","text":"b"}"#,
            r#"{"text":"a","t\u0065xt":"a"}"#,
            r#"{"text":"a","number":1,"number":1}"#,
        ] {
            let refused = client.call_text("write_note", arguments).await;
            assert_eq!(refused["result"]["isError"], true, "{refused}");
            assert!(text(&refused).contains("twice"), "{refused}");
        }
    }
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (0, 0));
}

#[tokio::test]
async fn arguments_may_be_absent_and_are_otherwise_an_object() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    let done = client.request("tools/call", json!({"name": "read_note"})).await;
    assert_eq!(done["result"]["isError"], false, "{done}");
    let done = client.call_text("read_note", "null").await;
    assert_eq!(done["result"]["isError"], false, "{done}");
    for wrong in ["[]", "7", "\"{}\"", "true"] {
        let refused = client.call_text("read_note", wrong).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    assert_eq!(fixture.runs(), 2);
}
