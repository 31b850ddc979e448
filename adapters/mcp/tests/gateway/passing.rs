//! What is passed on as it is.

use hitl_mcp::gateway::FirstUse;
use serde_json::json;

use crate::rig::{Rig, Setup, text};

#[tokio::test(flavor = "multi_thread")]
async fn images_errors_and_meta_of_a_server_reach_the_client() {
    let mut rig = Rig::start(Setup::default()).await;
    let image = rig.client.call("image", "{}").await;
    assert_eq!(
        image["content"][0],
        json!({"type": "image", "data": "aGk=", "mimeType": "image/png"})
    );
    assert_eq!(image["_meta"], json!({"example.com/a": 1}));
    let failed = rig.client.call("fail", "{}").await;
    assert_eq!(failed["isError"], json!(true));
    assert_eq!(text(&failed), "no such thing");
    assert_eq!(failed["content"][1]["data"], json!("aGk="));
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_what_the_server_says_of_its_tools() {
    let mut rig = Rig::start(Setup::default()).await;
    let tools = rig.client.tools().await;
    let write = tools.iter().find(|tool| tool["name"] == "write").unwrap();
    assert_eq!(write["title"], "Write a note");
    let echo = tools.iter().find(|tool| tool["name"] == "echo").unwrap();
    assert_eq!(echo["annotations"]["readOnlyHint"], true);
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_and_questions_of_a_server_reach_the_client_of_the_call() {
    for modern in [false, true] {
        let mut rig = Rig::start(Setup { modern, ..Setup::default() }).await;
        let params = r#"{"name":"progress","arguments":{},"_meta":{"progressToken":"mine"}}"#;
        let answer = rig.client.request("tools/call", params).await;
        assert_eq!(text(&answer["result"]), "done");
        let progress = rig.client.notified("notifications/progress").await;
        assert_eq!(progress["params"]["progressToken"], "mine");
        assert_eq!(progress["params"]["message"], "half");
        let asked = rig.client.call("ask", "{}").await;
        assert!(text(&asked).contains(r#""colour":"green""#), "modern {modern}: {asked}");
        let question = &rig.client.questions[0]["params"]["message"];
        assert_eq!(question, "The server `fixture` asks: Which colour?");
        rig.gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_declined_is_no_consent() {
    let mut rig = Rig::start(Setup::default()).await;
    rig.client.answer = json!({"action": "decline"});
    let asked = rig.client.call("ask", "{}").await;
    assert!(text(&asked).contains("decline") && !text(&asked).contains("accept"), "{asked}");
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_resources_completions_and_logs_are_passed_on() {
    let mut rig = Rig::start(Setup::default()).await;
    let prompts = rig.client.request("prompts/list", "{}").await;
    assert_eq!(prompts["result"]["prompts"][0]["name"], "greet");
    let prompt = rig.client.request("prompts/get", r#"{"name":"greet"}"#).await;
    assert_eq!(prompt["result"]["messages"][0]["content"]["text"], "Hello");
    let resources = rig.client.request("resources/list", "{}").await;
    assert_eq!(resources["result"]["resources"][0]["uri"], "note://1");
    let read = rig.client.request("resources/read", r#"{"uri":"note://1"}"#).await;
    assert_eq!(read["result"]["contents"][0]["text"], "a note");
    let completed =
        r#"{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":"w"}}"#;
    let completed = rig.client.request("completion/complete", completed).await;
    assert_eq!(completed["result"]["completion"]["values"][0], "world");
    rig.client.request("logging/setLevel", r#"{"level":"debug"}"#).await;
    let logged = rig.client.notified("notifications/message").await;
    assert_eq!(logged["params"]["data"], "louder");
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_are_told_apart_by_their_names() {
    let setup = Setup { names: &["a", "b"], first_use: FirstUse::Pin, ..Setup::default() };
    let mut rig = Rig::start(setup).await;
    let names = rig.client.tool_names().await;
    assert!(names.contains(&"a__echo".to_owned()) && names.contains(&"b__echo".to_owned()));
    assert_eq!(text(&rig.client.call("b__echo", r#"{"x":1}"#).await), r#"{"x":1}"#);
    let prompts = rig.client.request("prompts/list", "{}").await;
    assert_eq!(prompts["result"]["prompts"][1]["name"], "b__greet");
    let prompt = rig.client.request("prompts/get", r#"{"name":"b__greet"}"#).await;
    assert!(prompt["result"].is_object(), "{prompt}");
    rig.gateway.close().await;
}
