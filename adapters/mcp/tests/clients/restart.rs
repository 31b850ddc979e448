//! The gateway is killed while a call waits, and started again.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::gateway::{Gateway, writes_need};
use crate::installed::installed;
use crate::raw::{Raw, call, meta, tasks};
use crate::upstream::Upstream;

/// Asks for a task until it has ended.
fn ended(raw: &mut Raw, id: &Value) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let params = json!({"taskId": id, "_meta": meta(&tasks())});
        let mut answer = raw.ask("tasks/get", params);
        match answer["result"]["status"].as_str() {
            Some("working" | "input_required") => {}
            Some(_) => return answer["result"].take(),
            None => panic!("{answer}"),
        }
        assert!(Instant::now() < until, "the task goes on: {answer}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn invariant_3_a_task_outlives_kill_9_of_its_gateway_and_runs_once() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::new();
    let gateway = Gateway::before(upstream.command(&installed));
    gateway.policy(&writes_need("full"));
    let mut raw = Raw::start(&gateway.command());
    let send = call("send_note", &json!({"note": "later"}), &tasks());
    let made = raw.ask("tools/call", send.clone());
    assert_eq!(made["result"]["resultType"], "task", "{made}");
    let id = made["result"]["taskId"].clone();
    let waiting = gateway.the_pending_call();
    assert_eq!(waiting["id"], id);
    raw.lines.kill();

    // Decided while nothing runs that could run it.
    gateway.approve(&waiting);
    assert_eq!(upstream.runs("send_note"), 0);

    let mut raw = Raw::start(&gateway.command());
    let task = ended(&mut raw, &id);
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["result"]["content"][0]["text"], "send_note has run", "{task}");
    assert_eq!(upstream.runs("send_note"), 1);
    raw.lines.kill();

    // And its result outlives another death.
    let mut raw = Raw::start(&gateway.command());
    assert_eq!(ended(&mut raw, &id)["result"], task["result"]);
    assert_eq!(upstream.runs("send_note"), 1);
}

#[test]
fn invariant_3_the_next_identical_call_after_kill_9_gets_the_outcome() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::new();
    // Calls attach within a run, and a run of a process ends with it.
    let gateway = Gateway::before(upstream.command(&installed)).options(&["--run", "nightly"]);
    gateway.policy(&writes_need("full"));
    let mut raw = Raw::initialized(&gateway.command(), &json!({}));
    let send = json!({"name": "send_note", "arguments": {"note": "later"}});
    raw.send("tools/call", send.clone());
    let waiting = gateway.the_pending_call();
    raw.lines.kill();
    gateway.approve(&waiting);

    let mut raw = Raw::initialized(&gateway.command(), &json!({}));
    let done = raw.ask("tools/call", send);
    assert_eq!(done["result"]["content"][1]["text"], "send_note has run", "{done}");
    assert_eq!(upstream.runs("send_note"), 1);
}
