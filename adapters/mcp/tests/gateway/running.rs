//! Calls: what reaches the server, how often, and what comes back.

use std::time::Duration;

use hitl_core::CallState;
use serde_json::json;

use crate::rig::{Rig, Setup, text};

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_exactly_what_was_sent_reaches_the_server() {
    let mut rig = Rig::start(Setup::default()).await;
    let exact = r#"{"a":9007199254740993.0,"b":123456789012345678901234567890,"c":1.10,"d":"é"}"#;
    let result = rig.client.call("echo", exact).await;
    assert_eq!(text(&result), exact);
    assert_eq!(rig.runs(), [format!("echo {exact}")]);
    for refused in [r#"{"a":1,"a":2}"#, r#"{"a":1e999}"#] {
        let result = rig.client.call("echo", refused).await;
        assert_ne!(result["isError"], json!(false), "{result}");
    }
    assert_eq!(rig.runs().len(), 1);
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_a_call_that_waits_runs_once_and_the_same_call_gets_its_outcome() {
    let mut rig = Rig::start(Setup::default()).await;
    for _ in 0..3 {
        let waits = rig.client.call("write", r#"{"text":"a"}"#).await;
        assert!(text(&waits).contains("waits for a human"), "{waits}");
    }
    assert_eq!(rig.waiting().await.len(), 1);
    assert_eq!(rig.runs(), [""; 0]);
    let done = rig.call_approved("write", r#"{"text":"a"}"#).await;
    assert!(text(&done).contains("did not run again"), "{done}");
    assert_eq!(done["content"][1]["text"], "done");
    assert_eq!(rig.runs(), [r#"write {"text":"a"}"#]);
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_a_server_that_dies_in_a_call_leaves_its_outcome_unknown() {
    let mut rig = Rig::start(Setup::default()).await;
    let unknown = rig.call_approved("die", "{}").await;
    assert_eq!(unknown["isError"], json!(true), "{unknown}");
    let state = last_state(&rig).await;
    assert_eq!(state, CallState::OutcomeUnknown, "{unknown}");
    assert_eq!(rig.runs(), ["die {}"]);
    // It is started again, and a call that only reads may be repeated.
    assert_eq!(text(&rig.client.call("echo", "{}").await), "{}");
    assert!(rig.starts() >= 2);
    let failed = rig.client.call("die_reading", "{}").await;
    assert!(text(&failed).contains("connection ended"), "{failed}");
    assert_eq!(text(&rig.client.call("echo", "{}").await), "{}");
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_3_a_call_that_hangs_or_is_answered_in_rubbish_is_unknown() {
    let setup = Setup { timeout: Duration::from_millis(200), ..Setup::default() };
    for tool in ["hang", "garbled"] {
        let mut rig = Rig::start(Setup { timeout: setup.timeout, ..Setup::default() }).await;
        let unknown = rig.call_approved(tool, "{}").await;
        assert_eq!(unknown["isError"], json!(true), "{unknown}");
        assert_eq!(last_state(&rig).await, CallState::OutcomeUnknown, "{tool}: {unknown}");
        assert_eq!(rig.runs().len(), 1, "{tool}");
        rig.gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_answers_to_nobody_and_second_answers_are_ignored() {
    let mut rig = Rig::start(Setup::default()).await;
    for _ in 0..2 {
        assert_eq!(text(&rig.client.call("wrong_id", "{}").await), "yours");
        // A line of a log is no answer to the only open call, of any length.
        let logged = rig.client.call("wrong_id", r#"{"log":17000000}"#).await;
        assert_eq!(text(&logged), "yours");
        assert_eq!(text(&rig.client.call("twice", "{}").await), "first");
        assert_eq!(text(&rig.client.call("echo", r#"{"x":1}"#).await), r#"{"x":1}"#);
    }
    assert_eq!(rig.starts(), 1);
    rig.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_pass_and_a_line_beyond_the_limit_is_refused_to_its_caller() {
    let mut rig = Rig::start(Setup::default()).await;
    let large = rig.client.call("big", r#"{"bytes":10000000}"#).await;
    assert_eq!(text(&large).len(), 10_000_000);
    let refused = rig.client.call("big", r#"{"bytes":17000000}"#).await;
    assert!(text(&refused).contains("longer than 16 MiB"), "{}", text(&refused).len());
    assert_eq!(text(&rig.client.call("echo", "{}").await), "{}");
    assert_eq!(rig.starts(), 1);
    rig.gateway.close().await;
}

async fn last_state(rig: &Rig) -> CallState {
    let page = hitl_core::store::PageRequest::new(&[]).limit(10);
    let calls = rig.gate.unscoped().list(&hitl_core::Tenant::default(), page).await.unwrap();
    let [call] = calls.as_slice() else { panic!("{} calls", calls.len()) };
    call.state()
}
