//! Answers that decide nothing: the call still waits, for the reviewers too, and never runs.

use serde_json::{Value, json};

use crate::client::{Call, Client, FORMS, Kind};
use crate::filesystem::approve;
use crate::gateway::Gateway;
use crate::installed::installed;
use crate::raw::{Raw, answered, call, forms};
use crate::upstream::Upstream;

/// Answers that are no decision of a person.
fn no_decisions() -> Vec<Value> {
    vec![
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept"}),
        json!({"action": "accept", "content": {}}),
        json!({"action": "accept", "content": {"decision": "yes"}}),
        json!({"action": "accept", "content": {"reason": "approve"}}),
        json!({"action": "decline", "content": {"decision": "approve"}}),
    ]
}

#[test]
fn invariant_4_what_is_no_explicit_decision_leaves_the_call_with_the_reviewers() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::new();
    for kind in [Kind::TypeScript1, Kind::TypeScript2Pinned, Kind::Python] {
        // SDKs check some answers themselves; those of the list that they let pass arrive.
        let gateway = Gateway::before(upstream.command(&installed)).options(&["--hold", "1"]);
        let mut client = Client::connect(&installed, kind, &gateway.address(), FORMS);
        for answer in no_decisions() {
            let send = Call::new("send_note", json!({"note": "the same each time"}));
            client.call(&send.answer(answer.clone()));
            gateway.the_pending_call();
            assert_eq!(upstream.runs("send_note"), 0, "{kind:?}: {answer}");
        }
        client.close();
    }
}

/// A gateway whose `send_note` has asked its client a question.
struct Asked {
    upstream: Upstream,
    gateway: Gateway,
    raw: Raw,
    call: Value,
    question: Value,
}

impl Asked {
    fn new(installed: &crate::installed::Installed) -> Self {
        let upstream = Upstream::new();
        let gateway = Gateway::before(upstream.command(installed));
        let mut raw = Raw::start(&gateway.command());
        let call = call("send_note", &json!({"note": "a"}), &forms());
        let question = asked(&mut raw, call.clone());
        Self { upstream, gateway, raw, call, question }
    }

    /// Sends parameters, and asserts that nothing runs by them and that the call still waits.
    fn decides_nothing(&mut self, params: Value) {
        let answer = self.raw.ask("tools/call", params.clone());
        assert!(
            answer.get("error").is_some() || answer["result"]["resultType"] == "input_required",
            "{params}\n{answer}"
        );
        assert_eq!(self.upstream.runs("send_note"), 0, "{params}");
        let pending = self.gateway.pending();
        assert!(pending.iter().any(|call| call["tool"] == "send_note"), "{params}: {pending:?}");
    }
}

/// Sends a call that must be asked about. Returns the question.
fn asked(raw: &mut Raw, params: Value) -> Value {
    let mut answer = raw.ask("tools/call", params);
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    answer["result"].take()
}

#[test]
fn invariant_2_an_answer_decides_only_with_the_state_of_the_question_that_was_shown() {
    let Some(installed) = installed() else { return };
    let mut it = Asked::new(&installed);
    let good = answered(&it.call, &it.question, &approve());

    let mut stateless = good.clone();
    stateless.as_object_mut().unwrap().remove("requestState");
    it.decides_nothing(stateless);

    let state = good["requestState"].as_str().unwrap().to_owned();
    for tampered in
        [format!("{state}A"), state[1..].to_owned(), state.to_uppercase(), String::new()]
    {
        let mut params = good.clone();
        params["requestState"] = json!(tampered);
        it.decides_nothing(params);
    }

    // The state of another call, and this state with other arguments or another tool.
    let other = call("send_note", &json!({"note": "b"}), &forms());
    let of_other = asked(&mut it.raw, other.clone());
    let mut params = good.clone();
    params["requestState"] = of_other["requestState"].clone();
    it.decides_nothing(params);
    let mut params = good.clone();
    params["arguments"] = json!({"note": "c"});
    it.decides_nothing(params);
    let mut params = good.clone();
    params["name"] = json!("drop_note");
    it.decides_nothing(params);
    assert_eq!(it.upstream.runs("drop_note"), 0);

    // The question itself still counts.
    let done = it.raw.ask("tools/call", good);
    assert_eq!(done["result"]["content"][0]["text"], "send_note has run", "{done}");
    assert_eq!(it.upstream.runs("send_note"), 1);
}

#[test]
fn invariant_2_an_answer_to_what_was_shown_before_an_edit_decides_nothing() {
    let Some(installed) = installed() else { return };
    let mut it = Asked::new(&installed);
    let shown = it.gateway.the_pending_call();
    let (id, binding) = (shown["id"].as_str().unwrap(), shown["binding"].as_str().unwrap());
    it.gateway.hitl(&[
        "edit",
        id,
        "--binding",
        binding,
        "--as",
        "bob",
        "--patch",
        r#"{"note": "edited"}"#,
    ]);
    let before = answered(&it.call, &it.question, &approve());
    let answer = it.raw.ask("tools/call", before);
    // An edit is its editor's decision where one approval is enough; else it is asked about again.
    // In no case runs what was shown before.
    let received = it.upstream.received();
    assert!(!received.contains(r#""note":"a""#), "{answer}\n{received}");
}
