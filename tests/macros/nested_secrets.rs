//! Secrets inside the types of a tool's arguments: only the body sees them, at any depth.

use std::collections::BTreeMap;

use hitl::gate::GateErrorKind;
use hitl::prelude::*;
use hitl::{CallKey, MemoryAudit, Sensitive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The text that every secret in these tests contains.
const SECRET: &str = "hunter2";

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Login {
    user: String,
    /// What nobody may see.
    word: Sensitive<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Account {
    name: String,
    #[serde(flatten)]
    login: Login,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<Sensitive<u32>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "lowercase")]
enum Payment {
    Card { number: Sensitive<String>, name: String },
    Account(Login),
    Cash,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Proof {
    Code { code: Sensitive<Vec<u8>> },
    Words { words: (String, Sensitive<String>) },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "with")]
enum Note {
    Open(String),
    Closed(Sensitive<Login>),
}

/// Everything at once.
#[hitl_tool(base_confidence = 50, describe = "Check {account}, {note}")]
async fn check(
    account: Account,
    payments: Vec<Payment>,
    headers: BTreeMap<String, Sensitive<String>>,
    proof: Option<Box<Proof>>,
    note: Note,
) -> Result<usize, String> {
    let seen = [
        account.login.word.expose() == SECRET,
        account.pin.as_ref().is_some_and(|pin| *pin.expose() == 97_312),
        matches!(&payments[0], Payment::Card { number, .. } if number.expose() == SECRET),
        matches!(&payments[1], Payment::Account(login) if login.word.expose() == SECRET),
        headers["h"].expose() == SECRET,
        matches!(proof.as_deref(), Some(Proof::Words { words }) if words.1.expose() == SECRET),
        matches!(&note, Note::Closed(login) if login.expose().user == SECRET),
    ];
    // The error of a careless tool.
    Err(format!(
        "{} seen in {account:?} {payments:?} {headers:?} {proof:?} {note:?}; {SECRET}, {SECRET:?} and {}",
        seen.iter().filter(|seen| **seen).count(),
        97_312
    ))
}

fn arguments() -> String {
    r#"{
        "account": {"name": "Ann", "user": "ann", "word": "SECRET", "pin": 97312},
        "payments": [{"by": "card", "number": "SECRET", "name": "A"},
                     {"by": "account", "user": "u", "word": "SECRET"}, {"by": "cash"}],
        "headers": {"h": "SECRET"},
        "proof": {"words": ["open", "SECRET"]},
        "note": {"kind": "Closed", "with": {"user": "SECRET", "word": "SECRET"}}
    }"#
    .replace("SECRET", SECRET)
}

fn hides(what: &str, text: &str) {
    for secret in [SECRET, "97312", "SHVudGVyMg", "aHVudGVyMg"] {
        assert!(!text.contains(secret), "{what}: {text}");
    }
}

#[tokio::test]
async fn invariant_8_nested_secrets_are_seen_by_the_body_alone() {
    let audit = MemoryAudit::new();
    let gate = Gate::builder().tool::<Check>().audit(audit.clone()).build().await.unwrap();
    let key = CallKey::new("r", 0);
    let submitted = gate
        .submit_json("check", &arguments(), "ann", key.run.clone(), key.position)
        .await
        .unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it needs a review") };
    let request = ticket.request();
    hides("request", &format!("{request:?} {}", serde_json::to_string(request).unwrap()));
    assert_eq!(request.arguments.as_str().matches("[redacted]").count(), 7, "{request:?}");
    for shown in ["Ann", "\"user\":\"ann\"", "\"open\"", "cash"] {
        assert!(request.arguments.as_str().contains(shown), "{shown} in {:?}", request.arguments);
    }
    gate.decide(request.approve().by("bob")).await.unwrap();
    let Outcome::Failed(failure) = ticket.wait().await.unwrap() else { panic!("it fails") };
    assert!(failure.message.starts_with("7 seen in"), "{}", failure.message);
    hides("failure", &failure.message);
    let record = gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
    hides("record", &format!("{record:?} {}", serde_json::to_string(&record).unwrap()));
    hides("audit", &serde_json::to_string(&audit.records()).unwrap());
    let call: Check = serde_json::from_str(&arguments()).unwrap();
    hides("Debug", &format!("{call:?} {call:#?}"));
    let preview = gate.assess(&call, "ann").unwrap();
    hides("preview", &format!("{preview:?}"));
}

#[tokio::test]
async fn invariant_8_what_is_wrong_with_a_nested_secret_is_said_without_it() {
    let gate = Gate::builder().tool::<Check>().build().await.unwrap();
    let good = arguments();
    for (right, wrong) in [
        (r#""pin": 97312"#, r#""pin": "97312-hunter2""#),
        (r#""number": "hunter2""#, r#""number": {"hunter2": 97312}"#),
        (r#"{"h": "hunter2"}"#, r#"{"h": ["hunter2", 97312]}"#),
        (r#""word": "hunter2"}, {"by""#, r#""word": 97312}, {"by""#),
        (
            r#"{"user": "hunter2", "word": "hunter2"}"#,
            r#"{"user": "u", "hunter2": 97312, "word": "w"}"#,
        ),
        (r#"{"user": "hunter2", "word": "hunter2"}"#, r#"{"hunter2": 97312}"#),
    ] {
        let text = good.replace(right, wrong);
        assert_ne!(text, good, "{right}");
        let refused = gate.call_json("check", &text, "ann", "r", 1).await.unwrap_err();
        assert_eq!(refused.kind(), GateErrorKind::InvalidArguments, "{wrong}: {refused}");
        hides(wrong, &format!("{refused} {refused:?}"));
    }
}

#[test]
fn a_nested_secret_is_marked_in_the_schema() {
    let schema = schemars::schema_for!(Check).to_value();
    let defs = &schema["$defs"];
    assert_eq!(defs["Account"]["properties"]["word"]["writeOnly"], true);
    assert_eq!(defs["Account"]["properties"]["word"]["description"], "What nobody may see.");
    assert_eq!(defs["Login"]["properties"]["word"]["type"], "string");
    assert_eq!(schema["properties"]["headers"]["additionalProperties"]["writeOnly"], true);
    let text = schema.to_string();
    assert_eq!(text.matches("\"writeOnly\":true").count(), 8, "{text}");
}
