//! Grants over REST: a saved grant is exactly the one that was shown; listed, and revoked.

use crate::support;

use axum::Router;
use hitl::prelude::*;
use hitl::store::GrantQuery;
use hitl::{ApprovalRequest, CallState, Tenant};
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::{Value, json};
use support::ask::{ANN, Answer, BOB, Events, get, listen, post};
use support::tools::{
    self, BookTrip, book_trip, contract, deletion, note, record, send_note, submit,
};

async fn console() -> (Gate, Router) {
    let gate = tools::gate().await;
    let tokens = Tokens::new()
        .with("ann", &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(Reviewer::new("olga").of_tenant("other"), &Token::from_secret("other-secret"));
    (gate.clone(), router(gate, Tasks::none(), tokens))
}

fn trip(price: f64) -> BookTrip {
    book_trip("Ann", "JFK", "SFO", 1, price, true, "economy", "")
}

/// Returns a body about the request as it was shown, with more fields.
fn about(request: &ApprovalRequest, more: Value) -> Value {
    let binding = request.binding.to_string();
    let mut body = json!({ "revision": request.revision, "binding": binding });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn preview(console: &Router, request: &ApprovalRequest, terms: Value) -> Answer {
    let path = format!("/api/calls/{}/grant/preview", request.id);
    post(path, &about(request, json!({ "terms": terms }))).by(ANN).of(console).await
}

async fn save(console: &Router, request: &ApprovalRequest, terms: Value, digest: &str) -> Answer {
    let path = format!("/api/calls/{}/grant", request.id);
    let more = json!({ "terms": terms, "preview": digest });
    post(path, &about(request, more)).by(ANN).of(console).await
}

async fn give(console: &Router, request: &ApprovalRequest, terms: Value) -> Value {
    let shown = preview(console, request, terms.clone()).await.ok();
    save(console, request, terms, shown["digest"].as_str().unwrap()).await.ok()
}

async fn given(gate: &Gate) -> usize {
    gate.grants(&Tenant::default(), GrantQuery::all()).await.unwrap().len()
}

#[tokio::test]
async fn what_was_previewed_is_saved_and_what_it_covers_runs() {
    let (gate, console) = console().await;
    let (first, second) = (submit(&gate, trip(99.5)).await, submit(&gate, trip(50.0)).await);
    let dear = submit(&gate, trip(500.0)).await;
    let conditions = json!([
        { "path": "origin", "test": { "is": "JFK" } },
        { "path": "price", "test": { "atMost": "120" } },
    ]);
    let terms = json!({
        "lasting": "durable", "arguments": { "matching": conditions }, "uses": 3,
        "sum": { "path": "price", "atMost": "200" }, "until": "2101-01-01T00:00:00Z",
    });
    let shown = preview(&console, &first, terms.clone()).await.ok();
    let expected = json!([
        "Run `book_trip` without asking, when `agent` asks for it",
        "in any run",
        "where `origin` is \"JFK\"",
        "where `price` is at most 120",
        "and with anything in `traveller`, `destination`, `bags`, `insurance`, `class`, `remarks`",
        "at most 3 times",
        "for at most 200 in `price`, all calls together",
        "until 2101-01-01T00:00:00.000Z, or until it is revoked",
        "while the tool, its schema and its description stay as they are",
    ]);
    assert_eq!(shown["rule"], expected);
    let ids = |calls: &Value| -> Vec<String> {
        calls.as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect()
    };
    let both = [first.id.to_string(), second.id.to_string()];
    assert_eq!((&shown["waiting"], ids(&shown["calls"])), (&json!(2), both.to_vec()));
    assert_eq!(given(&gate).await, 0, "a preview saves nothing");
    assert_eq!(record(&gate, first.id).await.version(), 1);

    let digest = shown["digest"].as_str().unwrap();
    let saved = save(&console, &first, terms, digest).await.ok();
    assert_eq!(saved["grant"]["rule"], expected, "to the letter");
    assert_eq!(
        (&saved["grant"]["by"], &saved["grant"]["standing"]),
        (&json!("ann"), &json!("live"))
    );
    assert_eq!(ids(&saved["allowed"]), both);
    assert_eq!(record(&gate, dear.id).await.state(), CallState::Pending);
    let card = get(format!("/api/calls/{}", first.id)).by(BOB).of(&console).await.ok();
    assert_eq!((&card["grant"], &card["decided"]["by"]), (&saved["grant"]["id"], &json!("ann")));

    // A new call runs, and is drawn; one that is too expensive is not.
    let Submission::Done { .. } = gate.submit(trip(20.25)).by("agent").await.unwrap() else {
        panic!("it is covered")
    };
    let Submission::Pending(_) = gate.submit(trip(121.0)).by("agent").await.unwrap() else {
        panic!("it is not covered")
    };
    let stats = get("/api/stats").by(BOB).of(&console).await.ok();
    let day = stats["byDay"].as_object().unwrap().values().next().unwrap();
    assert_eq!((&day["granted"], &stats["decided"]), (&json!(3), &json!(0)), "no human did");
    let list = get("/api/grants").by(BOB).of(&console).await.ok();
    let grant = &list["grants"][0];
    assert_eq!((&grant["used"], &grant["uses"]), (&json!(1), &json!(3)));
    assert_eq!((&grant["spent"], &grant["sum"]["atMost"]), (&json!("20.25"), &json!("200")));
    let path = format!("/api/grants/{}", grant["id"].as_str().unwrap());
    assert_eq!(get(path).by(BOB).of(&console).await.ok(), *grant);
}

#[tokio::test]
async fn invariant_2_only_what_was_shown_is_saved() {
    let (gate, console) = console().await;
    let request = submit(&gate, trip(99.5)).await;
    let narrow = json!({ "uses": 1 });
    let shown = preview(&console, &request, narrow.clone()).await.ok();
    let digest = shown["digest"].as_str().unwrap();
    let other = preview(&console, &request, json!({ "uses": 2 })).await.ok();
    let other = other["digest"].as_str().unwrap();
    assert_ne!(digest, other);
    for (terms, digest) in [
        (json!({ "uses": 2 }), digest),
        (json!({}), digest),
        (json!({ "uses": 1, "lasting": "durable" }), digest),
        (json!({ "uses": 1, "arguments": "any" }), digest),
        (narrow.clone(), other),
        (narrow.clone(), ""),
        (narrow.clone(), "0"),
    ] {
        let refused = save(&console, &request, terms.clone(), digest).await;
        assert_eq!(refused.refused(), (409, "stale".into()), "{terms} {digest}");
    }
    // The preview was not shown to another reviewer: the rule includes the name of the giver.
    let body = about(&request, json!({ "terms": narrow, "preview": digest }));
    let path = format!("/api/calls/{}/grant", request.id);
    let refused = post(&path, &body).by(BOB).of(&console).await;
    assert_eq!(refused.refused(), (409, "stale".into()));
    // A wrong revision, and a wrong binding.
    for more in [json!({ "revision": 2 }), json!({ "binding": "0".repeat(64) })] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = post(&path, &body).by(ANN).of(&console).await;
        assert_eq!(refused.refused(), (409, "stale".into()), "{more}");
    }
    assert_eq!((given(&gate).await, record(&gate, request.id).await.version()), (0, 1));

    // A call that was edited since it was shown is another request.
    gate.decide(request.edit(r#"{"bags": 2}"#).by("bob")).await.unwrap();
    let refused = save(&console, &request, narrow.clone(), digest).await;
    assert_eq!(refused.refused(), (409, "stale".into()));
    let refused = preview(&console, &request, narrow).await;
    assert_eq!(refused.refused(), (409, "stale".into()));
    assert_eq!(given(&gate).await, 0);
}

#[tokio::test]
async fn a_second_save_gives_no_second_grant() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    let shown = preview(&console, &request, json!({})).await.ok();
    let digest = shown["digest"].as_str().unwrap();
    save(&console, &request, json!({}), digest).await.ok();
    assert_eq!(save(&console, &request, json!({}), digest).await.refused(), (409, "stale".into()));
    assert_eq!(given(&gate).await, 1);
}

#[tokio::test]
async fn where_no_grant_is_given_the_card_and_the_refusal_say_why() {
    let (gate, console) = console().await;
    let gone = deletion(&gate).await;
    let card = get(format!("/api/calls/{}", gone.id)).by(ANN).of(&console).await.ok();
    let refused = preview(&console, &gone, json!({})).await;
    assert_eq!(card["noGrant"], refused.json()["error"]["message"]);
    assert!(card["noGrant"].as_str().unwrap().contains("name"), "{card}");
    assert_eq!(refused.refused(), (422, "notGranted".into()));
    assert_eq!(save(&console, &gone, json!({}), "0").await.refused(), (422, "notGranted".into()));

    let dear = contract(&gate).await;
    let card = get(format!("/api/calls/{}", dear.id)).by(ANN).of(&console).await.ok();
    assert_eq!(card.get("noGrant"), None);
    let matching =
        |path: &str, test: Value| json!({ "matching": [{ "path": path, "test": test }] });
    for (terms, why) in [
        (json!({ "lasting": "durable", "arguments": "any" }), "too broad"),
        (json!({ "arguments": matching("pin", json!({ "is": "1234" })) }), "hidden"),
        (json!({ "arguments": matching("pin", json!({ "is": "1234-secret-pin" })) }), "hidden"),
        (json!({ "arguments": matching("amount", json!({ "atMost": "10" })) }), "not fit"),
        (json!({ "arguments": { "matching": [] } }), "must be"),
        (json!({ "uses": 0 }), "no room"),
        (json!({ "until": "2001-01-01T00:00:00Z" }), "no room"),
    ] {
        let refused = preview(&console, &dear, terms.clone()).await;
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{terms}: {message}");
        assert_eq!(refused.refused(), (422, "notGranted".into()), "{terms}");
        assert!(!message.contains("1234"), "{message}");
    }
    assert_eq!((given(&gate).await, record(&gate, dear.id).await.version()), (0, 1));
}

#[tokio::test]
async fn invariant_5_terms_that_cannot_be_read_whole_are_refused() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    for terms in [
        json!({ "use": 1 }),
        json!({ "arguments": "every" }),
        json!({ "sum": { "path": "amount", "atMost": "lots-1234-secret" } }),
        json!({ "by": "bob" }),
        json!([]),
    ] {
        let refused = preview(&console, &request, terms.clone()).await;
        assert!(!refused.text.contains("1234"), "{}", refused.text);
        assert_eq!(refused.refused(), (422, "badRequest".into()), "{terms}");
        let refused = save(&console, &request, terms.clone(), "0").await;
        assert_eq!(refused.refused(), (422, "badRequest".into()), "{terms}");
    }
    for key in ["by", "principal", "tenant"] {
        let body = about(&request, json!({ key: "mallory" }));
        let path = format!("/api/calls/{}/grant/preview", request.id);
        assert_eq!(post(path, &body).by(ANN).of(&console).await.refused().0, 422, "{key}");
    }
    assert_eq!(given(&gate).await, 0);
}

#[tokio::test]
async fn a_grant_is_taken_back_with_a_reason_and_by_whom() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    let saved = give(&console, &request, json!({ "lasting": "durable" })).await;
    let id = saved["grant"]["id"].as_str().unwrap();
    let path = format!("/api/grants/{id}/revoke");
    for body in [json!({}), json!({ "reason": " " }), json!({ "reason": "x", "by": "bob" })] {
        let refused = post(&path, &body).by(BOB).of(&console).await;
        assert!(refused.status.is_client_error(), "{body}");
    }
    let Submission::Done { .. } =
        gate.submit(send_note("bob", "Lunch?")).by("agent").await.unwrap()
    else {
        panic!("it stands")
    };
    let body = json!({ "reason": "it was too much" });
    let revoked = post(&path, &body).by(BOB).of(&console).await.ok();
    assert_eq!(revoked["standing"], "revoked");
    let told = (&revoked["revoked"]["by"], &revoked["revoked"]["reason"]);
    assert_eq!(told, (&json!("bob"), &json!("it was too much")));
    // The first revocation counts.
    let again = post(&path, &json!({ "reason": "me too" })).by(ANN).of(&console).await.ok();
    assert_eq!(again["revoked"], revoked["revoked"]);
    let Submission::Pending(_) = gate.submit(send_note("bob", "Lunch?")).by("agent").await.unwrap()
    else {
        panic!("it is asked about again")
    };
    let live = get("/api/grants").by(ANN).of(&console).await.ok();
    assert_eq!(live["grants"], json!([]));
    let all = get("/api/grants?which=all").by(ANN).of(&console).await.ok();
    assert_eq!(all["grants"][0]["id"], id);
}

#[tokio::test]
async fn grants_are_listed_page_by_page() {
    let (gate, console) = console().await;
    let mut ids = Vec::new();
    for text in ["a", "b", "c"] {
        let request = submit(&gate, send_note("bob", text)).await;
        let saved = give(&console, &request, json!({ "uses": 5 })).await;
        ids.push(saved["grant"]["id"].as_str().unwrap().to_owned());
    }
    let mut seen = Vec::new();
    let mut path = "/api/grants?limit=1&tool=send_note&principal=agent".to_owned();
    loop {
        let page = get(path.as_str()).by(ANN).of(&console).await.ok();
        seen.extend(page["grants"].as_array().unwrap().iter().map(|g| g["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/grants?limit=1&tool=send_note&principal=agent&after={next}");
    }
    assert_eq!(seen, ids);
    let none = get("/api/grants?tool=book_trip").by(ANN).of(&console).await.ok();
    assert_eq!(none["grants"], json!([]));
    for bad in ["which=mine", "after=1", "limit=many", "unknown=1"] {
        let answer = get(format!("/api/grants?{bad}")).by(ANN).of(&console).await;
        assert_eq!(answer.refused(), (400, "badRequest".into()), "{bad}");
    }
}

#[tokio::test]
async fn grants_of_other_tenants_do_not_exist() {
    let (gate, console) = console().await;
    let request = note(&gate).await;
    let saved = give(&console, &request, json!({})).await;
    let id = saved["grant"]["id"].as_str().unwrap();
    let theirs = get("/api/grants?which=all").by("other-secret").of(&console).await.ok();
    assert_eq!(theirs["grants"], json!([]));
    let hidden = get(format!("/api/grants/{id}")).by("other-secret").of(&console).await;
    assert_eq!(hidden.refused(), (404, "notFound".into()));
    let body = json!({ "reason": "x" });
    let path = format!("/api/grants/{id}/revoke");
    let hidden = post(path, &body).by("other-secret").of(&console).await;
    assert_eq!(hidden.refused(), (404, "notFound".into()));
    let mine = note(&gate).await;
    let body = about(&mine, json!({ "preview": "0" }));
    let path = format!("/api/calls/{}/grant", mine.id);
    let hidden = post(path, &body).by("other-secret").of(&console).await;
    assert_eq!(hidden.refused(), (404, "notFound".into()));
    let live = get("/api/grants").by(ANN).of(&console).await.ok();
    assert_eq!(live["grants"][0]["standing"], "live");
}

#[tokio::test]
async fn who_watches_is_told_of_a_grant_and_of_its_end() {
    let (gate, console) = console().await;
    let address = listen(console.clone()).await;
    let mut events = Events::open(address, BOB, None).await;
    assert_eq!(events.next().await.unwrap().kind, "hello");
    let request = note(&gate).await;
    let saved = give(&console, &request, json!({})).await;
    let told = events.next_of("grant").await.data;
    assert_eq!(told, saved["grant"]);
    let path = format!("/api/grants/{}/revoke", saved["grant"]["id"].as_str().unwrap());
    post(path, &json!({ "reason": "no" })).by(ANN).of(&console).await.ok();
    assert_eq!(events.next_of("grant").await.data["standing"], "revoked");
}

/// Sends what a person would send, with a token that a program has read. Returns the responses.
async fn with_a_token(console: &Router, request: &ApprovalRequest) -> Vec<(u16, String)> {
    let decide = format!("/api/calls/{}/decide", request.id);
    let mut answered = Vec::new();
    for answer in [
        json!({ "answer": "approve" }),
        json!({ "answer": "edit", "patch": "{\"price\":1.5}" }),
        json!({ "answer": "respond", "message": "go on" }),
    ] {
        answered.push(post(&decide, &about(request, answer)).by(ANN).of(console).await);
    }
    let uncover = format!("/api/calls/{}/uncover", request.id);
    answered.push(post(uncover, &about(request, json!({}))).by(ANN).of(console).await);
    let resolve = format!("/api/calls/{}/resolve", request.id);
    let found = json!({ "version": 1, "found": "executed" });
    answered.push(post(resolve, &found).by(ANN).of(console).await);
    let call = json!({ "id": request.id.to_string(), "revision": request.revision,
        "binding": request.binding.to_string() });
    let bulk = json!({ "answer": "approve", "calls": [call] });
    answered.push(post("/api/bulk", &bulk).by(ANN).of(console).await);
    answered.iter().map(Answer::refused).collect()
}

#[tokio::test]
async fn invariant_7_once_somebody_has_enrolled_a_token_alone_loosens_nothing() {
    let (gate, console) = console().await;
    let request = submit(&gate, trip(50.0)).await;
    let me = async |console| get("/api/me").by(ANN).of(console).await.ok()["codeFor"].clone();
    assert_eq!(me(&console).await, "nothing");
    let (ann, people) = (Principal::new("Ann"), gate.people());
    let codes = people.enrol_codes(&ann, &ann, 4).await.unwrap();
    assert_eq!(me(&console).await, "loosening");
    let terms = json!({ "arguments": "any", "lasting": "durable" });
    let digest = preview(&console, &request, terms.clone()).await.ok()["digest"].clone();
    let more = json!({ "terms": terms, "preview": digest });
    let (path, body) = (format!("/api/calls/{}/grant", request.id), about(&request, more));
    let ask = |secret: &'static str| post(path.clone(), &body).by(secret);
    for (answer, kind) in [
        (ask(ANN), "codeNeeded"),
        (ask(ANN).header("hitl-code", ""), "codeWrong"),
        (ask(ANN).header("hitl-code", "AAAA-AAAA-AAAA-AAAA"), "codeWrong"),
        // A person without a credential cannot give a code, and a code is valid for its owner only.
        (ask(BOB), "codeNeeded"),
        (ask(BOB).header("hitl-code", &codes[0]), "codeNotEnrolled"),
    ] {
        assert_eq!(answer.of(&console).await.refused(), (403, kind.to_owned()));
    }
    assert_eq!(given(&gate).await, 0);
    ask(ANN).header("hitl-code", &codes[0]).of(&console).await.ok();
    let granted = gate.grants(&Tenant::default(), GrantQuery::all()).await.unwrap();
    assert_eq!(granted[0].grant.known_by, Some(hitl::approval::KnownBy::Code));
    // It was used up once, for any action.
    let other = note(&gate).await;
    let decide = format!("/api/calls/{}/decide", other.id);
    let approve = about(&other, json!({ "answer": "approve" }));
    let again = post(&decide, &approve).by(ANN).header("hitl-code", &codes[0]).of(&console).await;
    assert_eq!(again.refused(), (403, "codeWrong".to_owned()));
    assert_eq!(record(&gate, other.id).await.state(), CallState::Pending);
    post(decide, &approve).by(ANN).header("hitl-code", &codes[1]).of(&console).await.ok();
    let record = record(&gate, other.id).await;
    assert_eq!(record.decision().unwrap().known_by, Some(hitl::approval::KnownBy::Code));
}

#[tokio::test]
async fn invariant_7_where_answers_need_a_code_a_token_answers_nothing_and_stops_all_the_same() {
    let (gate, console) = console().await;
    let request = submit(&gate, trip(50.0)).await;
    let (ann, people) = (Principal::new("ann"), gate.people());
    let codes = people.enrol_codes(&ann, &ann, 2).await.unwrap();
    people.set_demand(hitl_core::people::CodeDemand::Answers).await.unwrap();
    assert_eq!(get("/api/me").by(ANN).of(&console).await.ok()["codeFor"], "answers");
    for (status, kind) in with_a_token(&console, &request).await {
        assert_eq!((status, kind.as_str()), (403, "codeNeeded"));
    }
    assert_eq!(record(&gate, request.id).await.version(), 1, "nothing has happened to it");
    // A rejection needs no code, and uses none up.
    let decide = format!("/api/calls/{}/decide", request.id);
    let reject = about(&request, json!({ "answer": "reject", "reason": "no" }));
    post(decide, &reject).by(ANN).header("hitl-code", &codes[0]).of(&console).await.ok();
    assert_eq!(people.list().await.unwrap().1[0].codes, 2);
}

#[tokio::test]
async fn invariant_6_the_audit_says_that_a_token_settled_or_withdrew() {
    let audit = hitl::MemoryAudit::new();
    let gate = tools::register(Gate::builder()).audit(audit.clone()).build().await.unwrap();
    let tokens = Tokens::new().with("ann", &Token::from_secret(ANN));
    let console = router(gate.clone(), Tasks::none(), tokens);
    let request = note(&gate).await;
    let path = format!("/api/calls/{}/cancel", request.id);
    post(path, &json!({ "reason": "not needed" })).by(ANN).of(&console).await.ok();
    let withdrawn = audit.records().into_iter().rfind(|r| r.event.to_string() == "cancelled");
    assert_eq!(withdrawn.unwrap().known_by, Some(hitl::approval::KnownBy::Token));
}
