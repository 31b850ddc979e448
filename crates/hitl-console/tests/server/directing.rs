//! Whose attention a call is to have, who is away, and who has broken the glass.

use std::time::Duration;

use crate::support;

use hitl::Gate;
use hitl::grant::{BreakGlassOrder, Envelope};
use hitl_base::Timestamp;
use hitl_console::{Tasks, Token, Tokens, router};
use serde_json::{Value, json};
use support::ask::{ANN, BOB, get, post};
use support::tools::{self, contract, note};

fn tokens() -> Tokens {
    Tokens::new().with("ann", &Token::from_secret(ANN)).with("bob", &Token::from_secret(BOB))
}

fn ids(list: &Value) -> Vec<&Value> {
    list["calls"].as_array().unwrap().iter().map(|call| &call["id"]).collect()
}

#[tokio::test]
async fn a_call_is_assigned_and_listed_as_theirs_and_gives_nobody_a_right() {
    let gate = tools::gate().await;
    let console = router(gate.clone(), Tasks::none(), tokens());
    let (one, _other) = (note(&gate).await, note(&gate).await);
    let path = format!("/api/calls/{}/assign", one.id);
    let to_bob = json!({ "to": "bob" });
    let done = post(&path, &to_bob).by(ANN).of(&console).await.ok();
    assert_eq!((&done["call"]["assigned"]["to"], &done["notes"]), (&json!("bob"), &json!([])));
    assert_eq!(done["call"]["binding"], json!(one.binding.to_string()), "the same question");
    let requester = one.principal.clone();
    let mine = get("/api/calls?mine=true").by(BOB).of(&console).await.ok();
    assert_eq!(ids(&mine), [&json!(one.id)]);
    let none = get("/api/calls?mine=true").by(ANN).of(&console).await.ok();
    assert!(ids(&none).is_empty());
    let named = get("/api/calls?assigned=bob").by(ANN).of(&console).await.ok();
    assert_eq!(ids(&named), [&json!(one.id)]);
    assert_eq!(get("/api/calls?mine=true&assigned=x").by(ANN).of(&console).await.refused().0, 400);
    let card = get(format!("/api/calls/{}", one.id)).by(ANN).of(&console).await.ok();
    assert_eq!(card["assigned"]["by"], "ann");

    // Full needs somebody else than the requester.
    let full = contract(&gate).await;
    let path_of_full = format!("/api/calls/{}/assign", full.id);
    let refused = post(&path_of_full, &json!({ "to": requester })).by(ANN).of(&console).await;
    assert_eq!(refused.refused().0, 403);
    assert_eq!(post(&path, &json!({ "whom": "bob" })).by(ANN).of(&console).await.refused().0, 422);
    assert_eq!(post(&path, &to_bob).of(&console).await.refused().0, 403);
    gate.decide(one.approve().by("ann")).await.unwrap();
    let late = post(&path, &to_bob).by(ANN).of(&console).await.refused();
    assert_eq!(late, (409, "decided".to_owned()));
}

#[tokio::test]
async fn reviewers_set_their_own_absence_and_their_deputy_sees_their_calls() {
    let gate = tools::gate().await;
    let console = router(gate.clone(), Tasks::none(), tokens());
    let call = note(&gate).await;
    let assign = format!("/api/calls/{}/assign", call.id);
    post(&assign, &json!({ "to": "ann" })).by(BOB).of(&console).await.ok();
    let until = Timestamp::now().saturating_add(Duration::from_secs(86_400));
    let body = json!({ "until": until, "deputy": "bob" });
    let list = post("/api/absences/mine", &body).by(ANN).of(&console).await.ok();
    let absence = json!({ "who": "ann", "until": until, "deputy": "bob" });
    assert_eq!(list["away"], json!([absence]));
    assert_eq!(get("/api/absences").by(BOB).of(&console).await.ok(), list);
    let mine = get("/api/calls?mine=true").by(BOB).of(&console).await.ok();
    assert_eq!(ids(&mine), [&json!(call.id)]);
    assert_eq!(mine["calls"][0]["assigned"]["away"], absence);
    let again = post(&assign, &json!({ "to": "ann" })).by(BOB).of(&console).await.ok();
    assert!(again["notes"][0].as_str().unwrap().contains("bob stands in"), "{again}");

    let own = json!({ "until": until, "deputy": "ann" });
    let refused = post("/api/absences/mine", &own).by(ANN).of(&console).await.refused();
    assert_eq!(refused, (422, "invalidAbsence".to_owned()));
    let back = post("/api/absences/end", &json!({})).by(ANN).of(&console).await.ok();
    assert_eq!(back["away"], json!([]));
    let mine = get("/api/calls?mine=true").by(BOB).of(&console).await.ok();
    assert!(ids(&mine).is_empty());
}

#[tokio::test]
async fn the_list_says_who_has_broken_the_glass_until_it_is_over() {
    let envelope = Envelope::new(["send_note"]).person("ann").uses(2);
    let gate = tools::register(Gate::builder()).break_glass(envelope).build().await.unwrap();
    let console = router(gate.clone(), Tasks::none(), tokens());
    let call = note(&gate).await;
    assert!(get("/api/calls").by(ANN).of(&console).await.ok().get("brokenGlass").is_none());
    let order = BreakGlassOrder::new("send_note", call.principal.clone());
    let given = gate.break_glass(order.uses(2).because("it burns").by("ann")).await.unwrap();
    let list = get("/api/calls?state=approved").by(ANN).of(&console).await.ok();
    let glass = &list["brokenGlass"][0];
    assert_eq!(glass["breakGlass"]["reason"], "it burns");
    assert_eq!(
        (&glass["by"], &glass["used"], &glass["uses"]),
        (&json!("ann"), &json!(0), &json!(2))
    );
    assert_eq!(list["calls"][0]["breakGlass"], true);
    let card = get(format!("/api/calls/{}", call.id)).by(ANN).of(&console).await.ok();
    let text = card.to_string();
    assert!(text.contains("ann broke the glass"), "{text}");
    let grants = get("/api/grants").by(ANN).of(&console).await.ok();
    assert_eq!(grants["grants"][0]["breakGlass"]["reason"], "it burns");
    let revoke = format!("/api/grants/{}/revoke", given.record.id());
    post(&revoke, &json!({ "reason": "it is out" })).by(BOB).of(&console).await.ok();
    assert!(get("/api/calls").by(ANN).of(&console).await.ok().get("brokenGlass").is_none());
}
