//! Every output of a gate and its console, with secrets in the input.

use crate::support;

use std::fmt::Debug;

use axum::http::StatusCode;
use hitl::approval::DetailLevel;
use hitl::call::CallPreview;
use hitl::grant::GrantTerms;
use hitl::prelude::*;
use hitl::store::PageRequest;
use hitl::{MemoryAudit, Outcome, Tenant, Timestamp};
use hitl_console::{Console, Tasks, Token, Tokens};
use serde_json::json;
use support::ask::{ANN, Events, get, listen, post};

/// The text that a model writes into an argument: a secret by its name, one by its shape, one in
/// JSON, one in a URL.
const SAID: &str = concat!(
    r#"use password=hunter2hunter2, Bearer abcdefgh12345678 and {"apiKey":"k3y-of-the-house"}; "#,
    "db at postgres://app:s3cr3t-pw@db/x"
);
/// The value of a parameter that is marked as sensitive.
const PIN: &str = "97315/pin";

/// None of these may appear anywhere. The pin must not appear as base64, hexadecimal or
/// percent-encoded either.
const PLANTED: &[&str] = &[
    "hunter2hunter2",
    "abcdefgh12345678",
    "k3y-of-the-house",
    "s3cr3t-pw",
    PIN,
    "OTczMTUvcGlu",
    "39373331352f70696e",
    "97315%2Fpin",
];

/// Charges a card, or fails and says all that it knows.
#[hitl_tool(
    approval_type = "financial",
    risk = "high",
    base_confidence = 30,
    describe = "Charge {account}: {remarks}",
    preview = would_charge
)]
async fn charge(
    account: String,
    remarks: String,
    #[hitl(sensitive)] pin: String,
) -> Result<String, String> {
    let known =
        format!("{account}, {remarks}, {pin}, OTczMTUvcGlu, 39373331352f70696e, 97315%2Fpin");
    if account == "broken" { Err(known) } else { Ok(known) }
}

/// Says all that it knows, or fails with it.
#[expect(clippy::unused_async, reason = "a preview is async")]
async fn would_charge(
    account: String,
    remarks: String,
    pin: String,
) -> Result<CallPreview, String> {
    let known = format!("{remarks}, {pin}, OTczMTUvcGlu, 39373331352f70696e, 97315%2Fpin");
    if account == "broken" {
        return Err(known);
    }
    Ok(CallPreview::new().fact(known.clone(), &known).difference("pin", &pin, &known).text(known))
}

fn told(outcome: &Outcome) -> String {
    serde_json::to_string(&outcome.for_model()).unwrap()
}

/// The texts that were examined.
#[derive(Default)]
struct Walk(Vec<(String, String)>);

impl Walk {
    fn text(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    fn debug(&mut self, place: &str, value: &impl Debug) {
        self.text(format!("Debug of {place}"), format!("{value:?} {value:#?}"));
    }

    #[track_caller]
    fn assert_clean(&self, least: usize) {
        assert!(self.0.len() >= least, "only {} places were looked at", self.0.len());
        for (place, text) in &self.0 {
            assert!(!text.is_empty(), "nothing at {place}");
            for planted in PLANTED {
                assert!(!text.contains(planted), "{planted} at {place}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn invariant_8_no_way_out_of_a_gate_and_its_console_shows_a_secret() {
    let mut walk = Walk::default();
    let audit = MemoryAudit::new();
    let gate = Gate::builder().tool::<Charge>().audit(audit.clone()).build().await.unwrap();
    let tokens = Tokens::new().with("ann", &Token::from_secret(ANN));
    let console = Console::new(gate.clone(), Tasks::none(), tokens).audit(audit.clone()).router();
    let address = listen(console.clone()).await;
    let mut events = Events::open(address, ANN, None).await;

    // The request.
    let call = charge("C-1", SAID, PIN);
    walk.debug("a call", &call);
    walk.debug("a preview", &gate.assess(&call, "agent").unwrap());
    let mut ids = Vec::new();
    for (position, account) in ["C-1", "broken", "waits", "refused"].into_iter().enumerate() {
        let key = position as u64;
        let said = format!("{SAID} {PIN} OTczMTUvcGlu 39373331352f70696e 97315%2Fpin");
        let submitted = gate.submit(charge(account, SAID, PIN)).by("agent").key("run", key);
        walk.debug("a submission", &submitted);
        let submitted = submitted.because(said).await;
        let submitted = submitted.unwrap();
        walk.debug("a submission", &submitted);
        let Submission::Pending(ticket) = submitted else { panic!("it needs a review") };
        let request = ticket.request().clone();
        walk.debug("a request", &request);
        walk.text("a request", serde_json::to_string(&request).unwrap());
        let rendered = request.render(Timestamp::now(), DetailLevel::Full);
        walk.debug("a rendered request", &rendered);
        walk.text("as text", rendered.to_text());
        walk.text("as HTML", rendered.to_html());
        walk.text("as Markdown", rendered.to_markdown());
        walk.text("as a chat message", rendered.to_chat());
        walk.debug("a grant's draft", &request.grant(GrantTerms::exactly()).by("bob"));
        match account {
            "waits" => {}
            "refused" => {
                let decision = request.reject("not this one").by("bob");
                walk.debug("a decision", &decision);
                gate.decide(decision).await.unwrap();
                let outcome = ticket.wait().await.unwrap();
                walk.text("what the model is told", told(&outcome));
            }
            _ => {
                gate.decide(request.approve().by("bob")).await.unwrap();
                let outcome = ticket.wait().await.unwrap();
                walk.debug("an outcome", &outcome);
                // The tool decides its own result: only the call's own secrets are masked in it.
                let told = told(&outcome);
                assert!(PLANTED[4..].iter().all(|pin| !told.contains(pin)), "{told}");
            }
        }
        ids.push(request.id);
    }
    // The same key with other arguments, and invalid arguments: errors.
    let other = gate.submit(charge("C-2", SAID, PIN)).by("agent").key("run", 0).await.unwrap_err();
    walk.text("an error", format!("{other} {other:?} {other:#?}"));
    let arguments = json!({ "account": SAID, "remarks": 5, "pin": PIN }).to_string();
    let wrong = gate.submit_json("charge", &arguments, "agent", "run", 9).await.unwrap_err();
    walk.text("an argument's error", format!("{wrong} {wrong:?} {wrong:#?}"));

    let kept = gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap();
    for record in &kept {
        walk.debug("a record", record);
    }
    for entry in audit.records() {
        walk.text("the audit", serde_json::to_string(&entry).unwrap());
        walk.debug("the audit", &entry);
    }
    walk.debug("the gate", &gate);

    let mut paths =
        vec!["/api/calls".to_owned(), "/api/stats".to_owned(), "/api/grants".to_owned()];
    for id in &ids {
        paths.push(format!("/api/calls/{id}"));
        paths.push(format!("/api/calls/{id}/audit"));
    }
    for path in paths {
        let answer = get(path.as_str()).by(ANN).of(&console).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        walk.text(path, answer.text);
    }
    let waiting = kept.iter().find(|record| record.request().title.contains("waits")).unwrap();
    let path = format!("/api/calls/{}/grant/preview", waiting.id());
    let body = json!({
        "revision": waiting.request().revision,
        "binding": waiting.request().binding.to_string(),
        "terms": { "scope": "exactly", "remarks": SAID },
    });
    let answer = post(path.as_str(), &body).by(ANN).of(&console).await;
    assert_ne!(answer.status, StatusCode::OK);
    walk.text("what is wrong with a body", answer.text);
    // The rejection is the last event.
    loop {
        let event = events.next().await.unwrap();
        walk.text("the stream", format!("{event:?}"));
        if event.data["by"] == "bob" && event.data["call"]["state"] == "rejected" {
            break;
        }
    }
    walk.assert_clean(100);
}
