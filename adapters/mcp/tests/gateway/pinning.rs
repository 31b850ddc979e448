//! Tools that change under the feet of their users.

use hitl_core::{ApprovalLevel, Gate};
use hitl_mcp::gateway::{FirstUse, Gateway, GatewayError, UpstreamSpec};
use hitl_mcp::pins::{DefinitionDifference, Pin, PinFile};
use hitl_mcp::server::CallClients;
use serde_json::json;

use crate::rig::{Rig, Setup, fixture, text};

/// A server with a tool that announces changes, and another one.
fn tools(other: &str) -> String {
    format!(
        r#"[{{"name":"announce","description":"A.","inputSchema":{{"type":"object"}},"annotations":{{"readOnlyHint":true}}}},{other}]"#
    )
}

const READ: &str = r#"{"name":"echo","description":"Returns its arguments.","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_tool_that_changes_is_denied_until_a_person_approves_the_difference() {
    for (changed, says) in [
        (READ.replace("arguments.", "arguments!"), "/description: differs from byte 21"),
        (
            READ.replace(r#"{"type":"object"}"#, r#"{"type":"object","properties":{"key":{}}}"#),
            "/inputSchema/properties: added",
        ),
        (READ.replace("true", "false"), "/annotations/readOnlyHint: changed"),
        (READ.replace("arguments.", r"arguments.\u200b"), r"\u{200b}"),
    ] {
        let mut rig = start(&tools(READ)).await;
        assert_eq!(text(&rig.client.call("echo", "{}").await), "{}");
        rig.set_tools(&tools(&changed));
        rig.client.call("announce", "{}").await;
        rig.client.until_tools(&["announce"]).await;
        let denied = rig.client.call("echo", "{}").await;
        assert_eq!(denied["isError"], json!(true), "{denied}");
        let told = text(&denied);
        assert!(
            told.contains("`echo` changed since a person approved it")
                && told.contains("pins diff"),
            "{told}"
        );
        let ran = rig.runs().iter().filter(|run| run.starts_with("echo")).count();
        assert_eq!(ran, 1, "{says}");

        let document = rig.pins().read().unwrap();
        let pins = document.upstream("fixture").unwrap();
        assert_eq!(pins.open(), ["echo"]);
        let listed = pins.listed_tool("echo").unwrap();
        let difference =
            DefinitionDifference::between(pins.pin("echo").unwrap().definition(), listed);
        assert!(difference.to_text().contains(says), "{}", difference.to_text());

        let pin = Pin::new(listed.clone(), "ann", "2026-12-01T09:00:00Z");
        rig.pins().change(|pins| pins.upstream_mut("fixture").pin_tool(pin)).unwrap();
        rig.client.until_tools(&["announce", "echo"]).await;
        rig.gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_renamed_tool_is_new() {
    let mut rig = start(&tools(READ)).await;
    rig.client.tool_names().await;
    rig.set_tools(&tools(&READ.replace("\"echo\"", "\"ecno\"")));
    rig.client.call("announce", "{}").await;
    rig.client.until_tools(&["announce", "ecno"]).await;
    let waits = rig.client.call("ecno", "{}").await;
    assert!(text(&waits).contains("waits for a human"), "{waits}");
    let document = rig.pins().read().unwrap();
    let comparison = document.upstream("fixture").unwrap().comparison();
    let renamed = comparison.entries().iter().find(|entry| entry.name == "ecno").unwrap();
    assert_eq!(renamed.renamed_from.as_deref(), Some("echo"));
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_call_of_a_tool_that_vanished_says_so_and_runs_nothing() {
    let mut rig = start(&tools(READ)).await;
    assert_eq!(text(&rig.client.call("echo", "{}").await), "{}");
    rig.set_tools(&tools(&READ.replace("\"echo\"", "\"other\"")));
    rig.client.call("announce", "{}").await;
    rig.client.until_tools(&["announce", "other"]).await;
    let denied = rig.client.call("echo", "{}").await;
    assert_eq!(denied["isError"], json!(true), "{denied}");
    assert!(text(&denied).contains("no longer offers it"), "{denied}");
    // Of what never was nothing is known.
    let unknown = rig.client.call("ehco", "{}").await;
    assert_eq!(unknown["error"]["code"], json!(-32602), "{unknown}");
    assert_eq!(rig.runs().iter().filter(|run| run.starts_with("echo")).count(), 1);
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_the_reason_is_by_the_name_that_the_client_sees() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tools"), tools(READ)).unwrap();
    let mut rig = Rig::start_in(folder, Setup { names: &["a", "b"], ..Setup::default() }).await;
    let all = ["a__announce", "a__echo", "b__announce", "b__echo"];
    rig.client.until_tools(&all).await;
    rig.set_tools(&tools(&READ.replace("arguments.", "arguments!")));
    rig.client.call("a__announce", "{}").await;
    rig.client.until_tools(&["a__announce", "b__announce", "b__echo"]).await;
    let denied = rig.client.call("a__echo", "{}").await;
    assert!(text(&denied).contains("`a__echo` changed since"), "{denied}");
    assert_eq!(text(&rig.client.call("b__echo", "{}").await), "{}");
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_a_tool_that_nobody_has_pinned_needs_a_full_approval() {
    let mut rig = Rig::start(Setup { first_use: FirstUse::Ask, ..Setup::default() }).await;
    assert!(rig.client.tool_names().await.contains(&"echo".to_owned()));
    // Its server claims that it only reads, and is trusted in what is pinned.
    let waits = rig.client.call("echo", "{}").await;
    assert!(text(&waits).contains("waits for a human"), "{waits}");
    let waiting = rig.waiting().await;
    assert_eq!(waiting[0].requirement().level, ApprovalLevel::Full);
    assert_eq!(rig.runs(), [""; 0]);
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_with_a_damaged_pin_file_nothing_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pins.json");
    std::fs::write(&path, r#"{"version": 2}"#).unwrap();
    let gate = Gate::builder().build().await.unwrap();
    let started = Gateway::builder(gate.clone(), CallClients::default(), PinFile::new(&path))
        .upstream(UpstreamSpec::command("fixture", fixture(&[])))
        .start()
        .await;
    let Err(GatewayError::Pins(error)) = started else { panic!("{started:?}") };
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(gate.tools().len(), 0);

    // Damaged while it runs: what was served is served no longer.
    let mut rig = start(&tools(READ)).await;
    assert_eq!(rig.client.tool_names().await.len(), 2);
    std::fs::write(rig.pins().path(), "{").unwrap();
    rig.client.until_tools(&[]).await;
    assert_eq!(rig.gate.tools().len(), 0);
    let denied = rig.client.call("echo", "{}").await;
    assert!(text(&denied).contains("cannot be read"), "{denied}");
    rig.gateway.close().await;
}

async fn start(tools: &str) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tools"), tools).unwrap();
    Rig::start_in(folder, Setup::default()).await
}
