//! Fields that clients ignore or do without, and fields that a console refuses.
#![allow(clippy::unwrap_used, reason = "tests")]

use hitl_wire::decision::{DecisionBody, ResolveBody};
use hitl_wire::grant::{GrantPreview, GrantPreviewBody, GrantSaveBody, RevokeBody};
use hitl_wire::session::Me;
use hitl_wire::stats::Stats;
use hitl_wire::{CallEvent, CallHistory, CallPage, CallSummary, ErrorBody};

const CALL: &str = r#"{"id":"0198c5f2-7d3a-7cc1-8b5e-4f6a2f0d9e11","version":2,"state":"rejected",
    "revision":1,"binding":"BINDING","tool":"wire","title":"Wire 5","approvalType":"general",
    "risk":"high","level":"full","priority":"urgent","confidence":50,MORE"requiresReason":true,
    "principal":"owner","run":"r","createdAt":"2026-01-31T08:00:00.000Z",
    "dueAt":"2026-01-31T09:00:00.000Z","expiresAt":"2026-02-01T08:00:00.000Z",
    "updatedAt":"2026-01-31T08:30:00.000Z",
    "decided":{"answer":"reject","words":"no","by":"ann","at":"2026-01-31T08:30:00.000Z"},
    "erased":false}"#;

/// Returns a call, with further fields in the middle.
fn call(more: &str) -> String {
    CALL.replace("MORE", more).replace("BINDING", &"ab".repeat(32)).replace("\n    ", "")
}

#[test]
fn a_client_ignores_what_it_does_not_know() {
    let more = r#""thresholds":{"auto":95,"quick":"soon"},"surprise":[1.50],"#;
    let read: CallSummary = serde_json::from_str(&call(more)).unwrap();
    assert!(read.thresholds.is_none(), "a client can do without them");
    let decided = read.decided.as_ref().unwrap();
    assert!(decided.by.as_str() == "ann" && !decided.may_ask_again && decided.known_by.is_none());
    // The fields that it knows are written unchanged.
    let written = serde_json::to_string(&read).unwrap();
    let expected = call("").replace("\"words\":\"no\",", "\"words\":\"no\",\"mayAskAgain\":false,");
    assert_eq!(written, expected);

    let event = format!(r#"{{"event":"x","at":"2026-01-31T08:30:00.000Z","call":{}}}"#, call(more));
    assert!(serde_json::from_str::<CallEvent>(&event).unwrap().by.is_none());
    let page = format!(
        r#"{{"calls":[{}],"counts":{{"all":{{"counted":1000,"more":true}},"new":1}},"now":
        "2026-01-31T08:30:00.000Z"}}"#,
        call("")
    );
    let page: CallPage = serde_json::from_str(&page).unwrap();
    assert_eq!(
        (page.counts.all.to_string(), page.counts.full.to_string()),
        ("1000+".into(), "0".into())
    );
}

#[test]
fn what_a_client_can_do_without_may_be_missing() {
    let history: CallHistory = serde_json::from_str(r#"{"entries":[]}"#).unwrap();
    assert!(history.records.is_empty());
    let unknown = r#"{"source":"audit","records":[{"seq":1,"event":"dreamt"}],"entries":[]}"#;
    assert!(serde_json::from_str::<CallHistory>(unknown).unwrap().records.is_empty());
    let stats: Stats = serde_json::from_str(r#"{"days":90,"byDay":{}}"#).unwrap();
    assert_eq!((stats.days, stats.calls), (90, 0));
    let preview = r#"{"rule":["r"],"digest":"d","waiting":1,"calls":[{"state":"new"}]}"#;
    assert!(serde_json::from_str::<GrantPreview>(preview).unwrap().calls.is_empty());
    let refused = format!(r#"{{"error":{{"message":"no","current":{}}}}}"#, call(""));
    let ErrorBody { error } = serde_json::from_str(&refused).unwrap();
    assert!(error.kind.is_empty() && error.current.unwrap().decided.is_some());
    let me: Me = serde_json::from_str(r#"{"principal":"ann","codeFor":"answers"}"#).unwrap();
    assert_eq!(me.policies, 0);
    // A console that omits `codeFor` is not taken for one that checks no codes.
    assert!(serde_json::from_str::<Me>(r#"{"principal":"ann"}"#).is_err());
}

#[test]
fn invariant_5_what_a_client_sends_is_read_strictly() {
    let shown = format!(r#""revision":1,"binding":"{}""#, "ab".repeat(32));
    let decision = |more: &str| {
        serde_json::from_str::<DecisionBody>(&format!(r#"{{{shown},"answer":"reject"{more}}}"#))
    };
    let body = decision(r#","reason":null,"confirm":null"#).unwrap();
    let written = serde_json::to_string(&body).unwrap();
    assert_eq!(written, format!(r#"{{{shown},"answer":"reject","mayAskAgain":false}}"#));
    assert!(decision(r#","may_ask_again":true"#).is_err());
    let terms = |terms: &str| {
        let preview = format!(r#"{{{shown},"terms":{terms}}}"#);
        let save = format!(r#"{{{shown},"terms":{terms},"preview":"d"}}"#);
        let preview = serde_json::from_str::<GrantPreviewBody>(&preview);
        let save = serde_json::from_str::<GrantSaveBody>(&save);
        assert_eq!(preview.is_ok(), save.is_ok(), "{terms}");
        preview.map(|body| body.terms)
    };
    assert_eq!(terms(r#"{"uses":3}"#).unwrap().uses, Some(3));
    assert!(terms(r#"{"use":3}"#).is_err());
    let exactly: GrantPreviewBody = serde_json::from_str(&format!("{{{shown}}}")).unwrap();
    assert_eq!(exactly.terms, hitl_core::GrantTerms::exactly());
    assert!(serde_json::from_str::<RevokeBody>(r#"{"reason":"x","at":1}"#).is_err());
    assert!(serde_json::from_str::<ResolveBody>(r#"{"version":1,"found":"lost"}"#).is_err());
}
