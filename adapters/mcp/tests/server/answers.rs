//! Answers of clients: only an accept with an explicit decision about what was shown decides.

use serde_json::{Value, json};

use super::client::{Client, Fixture, all, code, forms, says, state, text};

fn note() -> Value {
    json!({"text": "hi"})
}

#[tokio::test]
async fn an_approval_in_the_form_runs_the_call_once() {
    let fixture = Fixture::new().await;
    for capabilities in [forms(), all()] {
        let mut client = Client::stateless(fixture.server(), capabilities);
        let before = fixture.runs();
        let asked = client.call("write_note", note()).await;
        let question = &asked["result"]["inputRequests"]["approval"];
        assert_eq!(question["method"], "elicitation/create");
        let message = question["params"]["message"].as_str().unwrap();
        assert!(message.contains("text: \"hi\"") && message.contains("write_note"), "{message}");
        assert!(!message.contains("binding"), "{message}");
        assert_eq!(fixture.runs(), before, "nothing runs before the answer");
        let done = client.retry("write_note", note(), &state(&asked), says("approve")).await;
        assert_eq!(done["result"]["structuredContent"], json!({"ran": "write_note"}), "{done}");
        assert_eq!(done["result"]["resultType"], "complete");
        assert_eq!(fixture.runs(), before + 1);
    }
}

#[tokio::test]
async fn a_rejection_in_the_form_is_told_to_the_model() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let done = client.retry("write_note", note(), &state(&asked), says("reject")).await;
    assert_eq!(done["result"]["isError"], true);
    assert!(text(&done).contains("rejected") && text(&done).contains("\"because\""), "{done}");
    assert_eq!(fixture.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_answers_that_decide_nothing_leave_the_call_as_it_was() {
    let nothing = [
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept"}),
        json!({"action": "accept", "content": {}}),
        json!({"action": "accept", "content": {"decision": "yes"}}),
        json!({"action": "decline", "content": {"decision": "approve"}}),
    ];
    for answer in nothing {
        let fixture = Fixture::new().await;
        let mut client = Client::stateless(fixture.server(), forms());
        let asked = client.call("write_note", note()).await;
        let before = fixture.only_waiting().await;
        let pending = client.retry("write_note", note(), &state(&asked), answer.clone()).await;
        assert!(text(&pending).contains("waits for a human"), "{answer}: {pending}");
        assert_eq!((fixture.only_waiting().await, fixture.runs()), (before, 0), "{answer}");
    }
}

#[tokio::test]
async fn invariant_2_an_answer_without_a_state_is_asked_about() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let params = json!({
        "name": "write_note", "arguments": note(), "inputResponses": {"approval": says("approve")},
    });
    let asked = client.request("tools/call", params.clone()).await;
    state(&asked);
    // Also once the call waits.
    let again = client.request("tools/call", params).await;
    state(&again);
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (1, 0));
}

#[tokio::test]
async fn invariant_2_a_tampered_state_and_that_of_another_call_are_refused() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let sealed = state(&asked);
    let mut changed = sealed.as_str().unwrap().to_owned();
    let end = changed.pop().unwrap();
    changed.push(if end == 'A' { 'B' } else { 'A' });
    for (tool, arguments, state) in [
        ("write_note", note(), json!(changed)),
        ("write_note", note(), json!("rs1.AAAA.AAAA")),
        ("write_note", note(), json!("")),
        ("write_note", json!({"text": "another"}), sealed.clone()),
        ("delete_account", json!({"id": "7"}), sealed.clone()),
    ] {
        let refused = client.retry(tool, arguments, &state, says("approve")).await;
        assert_eq!(code(&refused), -32602, "{state}");
    }
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (1, 0));
    // Nothing was lost by it.
    let done = client.retry("write_note", note(), &sealed, says("approve")).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1));
}

#[tokio::test]
async fn invariant_2_a_state_of_an_earlier_revision_is_asked_about_again() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let shown = fixture.only_waiting().await;
    fixture.describe_tools("Sends the note to everybody.").await;
    // The tool is not the one that was shown, so the answer approves nothing.
    let first = client.retry("write_note", note(), &state(&asked), says("approve")).await;
    let revised = fixture.only_waiting().await;
    assert_eq!((revised.id, revised.revision), (shown.id, shown.revision + 1));
    let old = client.retry("write_note", note(), &state(&asked), says("approve")).await;
    for again in [&first, &old] {
        let question = &again["result"]["inputRequests"]["approval"];
        let message = question["params"]["message"].as_str().unwrap_or_else(|| panic!("{again}"));
        assert!(message.contains("to everybody"), "{message}");
    }
    assert_eq!((fixture.only_waiting().await, fixture.runs()), (revised, 0));
    let done = client.retry("write_note", note(), &state(&old), says("approve")).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1), "{done}");
}

#[tokio::test]
async fn an_edit_by_a_reviewer_is_told_to_the_model() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let request = fixture.only_waiting().await;
    fixture.gate.decide(request.edit(r#"{"text": "changed"}"#).by("bob")).await.unwrap();
    let done = client.retry("write_note", note(), &state(&asked), says("reject")).await;
    assert_eq!(done["result"]["isError"], false, "it was decided already: {done}");
    assert!(text(&done).contains("changed this call"), "{done}");
    assert_eq!(fixture.last_arguments(), r#"{"text":"changed"}"#);
}

#[tokio::test]
async fn a_question_that_is_not_answered_is_put_again() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let params = json!({"name": "write_note", "arguments": note(), "requestState": state(&asked)});
    let again = client.request("tools/call", params).await;
    let done = client.retry("write_note", note(), &state(&again), says("approve")).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1));
}

#[tokio::test]
async fn a_decision_made_elsewhere_counts_and_a_late_answer_does_not() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let request = fixture.only_waiting().await;
    fixture.gate.decide(request.reject("not today").by("bob")).await.unwrap();
    let done = client.retry("write_note", note(), &state(&asked), says("approve")).await;
    assert!(text(&done).contains("not today"), "{done}");
    assert_eq!(fixture.runs(), 0);
}

#[tokio::test]
async fn an_answered_retry_sent_a_hundred_times_runs_once() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let sealed = state(&asked);
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(client.begin_retry("write_note", note(), &sealed, says("approve")).await);
    }
    let mut results = Vec::new();
    for _ in &ids {
        results.push(client.receive().await["result"].clone());
    }
    assert_eq!(fixture.runs(), 1);
    assert_eq!(results[0]["structuredContent"], json!({"ran": "write_note"}));
    assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
    assert_eq!(fixture.waiting().await.len(), 0, "nobody is asked again");
}

#[tokio::test]
async fn a_decision_in_the_form_is_through_elicitation_in_the_persons_name() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let asked = client.call("write_note", note()).await;
    let id = fixture.only_waiting().await.id;
    client.retry("write_note", note(), &state(&asked), says("approve")).await;
    let record = fixture.gate.unscoped().get(&hitl_core::Tenant::default(), id).await.unwrap();
    let record = record.unwrap();
    assert_eq!(record.context().agent.as_ref().unwrap().as_str(), "agent:mcp");
    let decision = record.decision().unwrap();
    assert_eq!(decision.by.as_str(), "ann");
    assert_eq!(decision.channel, Some(hitl_core::approval::DecisionChannel::ELICITATION));
}

#[tokio::test(start_paused = true)]
async fn a_full_review_is_never_asked_for_in_a_form() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), forms());
    let held = client.call("delete_account", json!({"id": "7"})).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    let mut client = Client::session(fixture.server(), "2025-11-25", forms()).await;
    let held = client.call("delete_account", json!({"id": "8"})).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn invariant_9_what_a_form_cannot_show_whole_is_not_asked_for_in_it() {
    let fixture = Fixture::new().await;
    let long = "x".repeat(20_000);
    let many = "line\n".repeat(4_000);
    // A secret that the host did not declare is masked, and a form cannot uncover it.
    for hidden in ["Bearer abcdefghijkl12345678", long.as_str(), many.as_str()] {
        for client in [
            Client::stateless(fixture.server(), forms()),
            Client::session(fixture.server(), "2025-11-25", forms()).await,
        ] {
            let mut client = client;
            let held = client.call("write_note", json!({"text": hidden})).await;
            assert!(text(&held).contains("waits for a human"), "{held}");
        }
    }
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_in_the_client_where_the_operator_does_not_want_it() {
    let fixture = Fixture::new().await;
    let server = || fixture.server().elicitation(hitl_mcp::server::Elicitation::Off);
    let mut client = Client::stateless(server(), forms());
    let held = client.call("write_note", note()).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    let mut client = Client::stateless(server(), all());
    assert_eq!(client.call("write_note", note()).await["result"]["resultType"], "task");
}
