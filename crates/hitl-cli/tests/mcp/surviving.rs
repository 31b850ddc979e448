//! Gateways that are killed, started again, or not alone.

use serde_json::{Value, json};

use crate::gateway::{Place, RunningGateway, text};

#[test]
fn invariant_3_after_kill_9_the_same_call_gets_its_outcome_and_ran_once() {
    let place = Place::new();
    let arguments = json!({"text": "a"});
    let mut gateway = RunningGateway::greeted(&place, &[]);
    let waits = gateway.call("write", &arguments);
    assert!(text(&waits).contains("waits for a human"), "{waits}");
    gateway.kill();
    assert_eq!(place.runs(), [""; 0]);
    place.approve_the_only_call();
    let mut gateway = RunningGateway::greeted(&place, &[]);
    let done = gateway.until_ended("write", &arguments);
    assert!(text(&done).contains("did not run again"), "{done}");
    assert_eq!(done["content"][1]["text"], "done");
    assert_eq!(place.runs(), [r#"write {"text":"a"}"#]);
    // It was delivered: the same call is a new one.
    let again = gateway.call("write", &arguments);
    assert!(text(&again).contains("waits for a human"), "{again}");
    let (code, log) = gateway.close();
    assert_eq!(code, 0, "{log}");
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn invariant_3_after_kill_9_the_task_of_before_has_the_outcome_and_ran_once() {
    let place = Place::new();
    let with_meta = |mut params: Value| {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities":
                {"extensions": {"io.modelcontextprotocol/tasks": {}}},
        });
        params
    };
    let mut gateway = RunningGateway::start(&place, &["--no-elicitation"]);
    let call = with_meta(json!({"name": "write", "arguments": {"text": "a"}}));
    let created = gateway.request("tools/call", &call);
    assert_eq!(created["result"]["resultType"], "task", "{created}");
    let task = with_meta(json!({"taskId": created["result"]["taskId"]}));
    gateway.kill();
    place.approve_the_only_call();
    let mut gateway = RunningGateway::start(&place, &["--no-elicitation"]);
    let done = loop {
        let state = gateway.request("tasks/get", &task)["result"].clone();
        match state["status"].as_str() {
            Some("working") => std::thread::yield_now(),
            Some("completed") => break state,
            _ => panic!("{state}"),
        }
    };
    assert_eq!(text(&done["result"]), "done", "{done}");
    assert_eq!(place.runs(), [r#"write {"text":"a"}"#]);
}

#[test]
fn invariant_3_after_an_end_in_order_the_same_call_gets_its_outcome_and_ran_once() {
    let place = Place::new();
    let arguments = json!({"text": "a"});
    let mut gateway = RunningGateway::greeted(&place, &[]);
    let waits = gateway.call("write", &arguments);
    assert!(text(&waits).contains("waits for a human"), "{waits}");
    let (code, log) = gateway.close();
    assert_eq!(code, 0, "{log}");
    place.approve_the_only_call();
    let mut gateway = RunningGateway::greeted(&place, &[]);
    let done = gateway.until_ended("write", &arguments);
    assert!(done.to_string().contains("done"), "{done}");
    assert_eq!(gateway.close().0, 0);
    assert_eq!(place.runs(), [r#"write {"text":"a"}"#]);
    // Everything was delivered: the run has ended, and the same call is a new one.
    let mut gateway = RunningGateway::greeted(&place, &[]);
    assert!(text(&gateway.call("write", &arguments)).contains("waits for a human"));
}

#[test]
fn two_gateways_on_one_store_and_pins_keep_their_calls_apart() {
    let place = Place::new();
    let arguments = json!({"text": "a"});
    let mut first = RunningGateway::greeted(&place, &[]);
    let mut second = RunningGateway::greeted(&place, &[]);
    assert!(text(&first.call("write", &arguments)).contains("waits for a human"));
    assert_eq!(text(&second.call("echo", &json!({"x": 1}))), r#"{"x":1}"#);
    place.approve_the_only_call();
    let done = first.until_ended("write", &arguments);
    assert_eq!(done["content"][1]["text"], "done", "{done}");
    // Another run: another call.
    assert!(text(&second.call("write", &arguments)).contains("waits for a human"));
    assert_eq!(place.runs().iter().filter(|run| run.starts_with("write")).count(), 1);
    assert_eq!(first.close().0, 0);
    assert_eq!(second.close().0, 0);
}

#[test]
fn the_page_is_beside_it_and_waiting_calls_link_to_it_without_the_token() {
    let place = Place::new();
    let mut gateway = RunningGateway::greeted(&place, &["--console", "127.0.0.1:0"]);
    let waits = text(&gateway.call("write", &json!({"text": "a"})));
    let (_, link) = waits.split_once("http://").expect(&waits);
    let (address, rest) = link.split_once('/').unwrap();
    assert!(rest.starts_with("#queue/") && !waits.contains("token"), "{waits}");
    let page = ureq::get(format!("http://{address}/")).call().unwrap();
    assert_eq!(page.status(), 200);
    let (code, log) = gateway.close();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains(&format!("http://{address}/#token=")), "{log}");
}

#[test]
fn a_file_gives_a_tool_its_words_and_its_risk() {
    let place = Place::new();
    let file = "[tools.\"wri*\"]\ntitle = \"Note {text}\"\nlabels = { approve = \"Note\", reject = \"Not\" }\n\
                risk = \"critical\"\n[tools.ehco]\ntitle = \"x\"\n";
    std::fs::write(place.path("mcp.toml"), file).unwrap();
    let mut gateway = RunningGateway::greeted(&place, &["--config", &place.said("mcp.toml")]);
    let waits = gateway.call("write", &json!({"text": "a"}));
    assert!(text(&waits).contains("waits for a human"), "{waits}");
    let (_, calls, err) = place.hitl(&["queue"]);
    let [call] = calls.as_slice() else { panic!("{calls:?} {err}") };
    assert!(call["title"].as_str().unwrap().starts_with("Note "), "{call}");
    assert_eq!(call["risk"], "critical", "{call}");
    let (code, log) = gateway.close();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("settings are of no tool") && log.contains("ehco"), "{log}");
}

#[test]
fn invariant_5_what_is_wrong_is_said_on_standard_error_and_nothing_is_served() {
    for (options, says) in [
        (&["--console", "0.0.0.0:7171"][..], "127.0.0.1:7171"),
        (&["--policy", "/nowhere/rules.toml"], "rules.toml"),
        (&["--server-url", "https://a.example"], "a command or a URL"),
        (&["--config", "/nowhere/mcp.toml"], "mcp.toml"),
    ] {
        let place = Place::new();
        let (code, log) = RunningGateway::start(&place, options).close();
        assert!(code > 0 && log.contains(says), "{options:?}: {code} {log}");
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(place.runs(), [""; 0]);
    }
    let place = Place::new();
    std::fs::write(place.path("mcp.db.mcp-pins.json"), r#"{"version": 2}"#).unwrap();
    let (code, log) = RunningGateway::start(&place, &[]).close();
    assert!(code > 0 && log.contains("newer version"), "{code} {log}");
}
