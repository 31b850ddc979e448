//! The stream of events, over real sockets.

use crate::support;

use hitl::tasks::{EventLog, StepContext, Task, TaskManager, TaskStep};
use hitl::{CallContext, Gate};
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::json;
use support::ask::{ANN, BOB, Events, get, listen, post};
use support::tools::{self, note, send_note, submit_as};

fn tokens() -> Tokens {
    Tokens::new()
        .with("ann", &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(Reviewer::new("olga").of_tenant("other"), &Token::from_secret("other-secret"))
}

async fn served(gate: &Gate) -> std::net::SocketAddr {
    listen(router(gate.clone(), Tasks::none(), tokens())).await
}

#[tokio::test]
async fn what_happens_to_a_call_is_told_in_order() {
    let gate = tools::gate().await;
    let mut events = Events::open(served(&gate).await, ANN, None).await;
    let hello = events.next().await.unwrap();
    assert_eq!((hello.kind.as_str(), &hello.data["principal"]), ("hello", &json!("ann")));
    let request = note(&gate).await;
    let submitted = events.next().await.unwrap();
    assert_eq!((submitted.kind.as_str(), &submitted.data["event"]), ("call", &json!("submitted")));
    assert_eq!(submitted.data["call"]["id"], request.id.to_string());
    gate.decide(request.approve().by("bob")).await.unwrap();
    let decided = events.next().await.unwrap();
    assert_eq!((&decided.data["event"], &decided.data["by"]), (&json!("decide"), &json!("bob")));
    assert_eq!(decided.data["call"]["state"], "approved");
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_and_nothing_twice() {
    let gate = tools::gate().await;
    let address = served(&gate).await;
    let mut events = Events::open(address, ANN, None).await;
    events.next().await.unwrap();
    note(&gate).await;
    let last = events.next().await.unwrap().id.unwrap();
    // A second watcher makes sure that the missed events were sent before the first one reconnects.
    let mut other = Events::open(address, BOB, None).await;
    other.next().await.unwrap();
    drop(events);
    let (one, two) = (note(&gate).await, note(&gate).await);
    other.next().await.unwrap();
    other.next().await.unwrap();

    let mut events = Events::open(address, ANN, Some(&last)).await;
    for request in [one, two] {
        let missed = events.next().await.unwrap();
        assert_eq!(missed.data["call"]["id"], request.id.to_string());
    }
    assert_eq!(events.next().await.unwrap().kind, "hello");
}

#[tokio::test]
async fn after_a_restart_a_gap_is_marked() {
    let gate = tools::gate().await;
    let mut events = Events::open(served(&gate).await, ANN, None).await;
    let place = events.next().await.unwrap().id.unwrap();
    for last in [place.as_str(), "nonsense", "00000000-99999999999999999999999", "0-0"] {
        let mut again = Events::open(served(&gate).await, ANN, Some(last)).await;
        assert_eq!(again.next().await.unwrap().kind, "gap", "{last}");
        assert_eq!(again.next().await.unwrap().kind, "hello");
    }
}

#[tokio::test]
async fn tenants_do_not_hear_one_another() {
    let gate = tools::gate().await;
    let address = served(&gate).await;
    let mut theirs = Events::open(address, "other-secret", None).await;
    theirs.next().await.unwrap();
    note(&gate).await;
    let call =
        submit_as(&gate, send_note("eve", "hi"), CallContext::new("a").tenant("other")).await;
    let heard = theirs.next().await.unwrap();
    assert_eq!(heard.data["call"]["id"], call.id.to_string());
}

#[tokio::test]
async fn progress_and_onlookers_come_on_the_same_stream() {
    let gate = tools::gate().await;
    let log = EventLog::new(100);
    let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
    let console = router(gate.clone(), Tasks::new(manager.clone(), log), tokens());
    let address = listen(console.clone()).await;
    let mut events = Events::open(address, ANN, None).await;
    events.next().await.unwrap();

    let work = |_: StepContext| std::future::ready(Ok::<(), String>(()));
    manager
        .submit(Task::new("Export").step(TaskStep::new("Copy", work)))
        .unwrap()
        .wait()
        .await
        .unwrap();
    let mut statuses = Vec::new();
    while statuses.last().is_none_or(|status| status != "completed") {
        let event = events.next_of("task").await;
        assert_eq!(event.data["taskName"], "Export");
        statuses.push(event.data["status"].as_str().unwrap().to_owned());
    }

    let request = note(&gate).await;
    let id = request.id.to_string();
    let looks = post("/api/presence", &json!({ "at": id })).by(BOB).of(&console).await;
    assert_eq!(looks.status.as_u16(), 204);
    let seen = events.next_of("presence").await;
    assert_eq!(seen.data, json!({ "call": id, "onlookers": ["bob"] }));
    let call = get(format!("/api/calls/{id}")).by(ANN).of(&console).await.ok();
    assert_eq!(call["onlookers"], json!(["bob"]));
    post("/api/presence", &json!({ "at": null })).by(BOB).of(&console).await;
    assert_eq!(events.next_of("presence").await.data["onlookers"], json!([]));
}
