//! Text for people: nothing is invisible, and two different values never look the same.

use hitl_base::display::{is_unseen, quoted, value, visible};
use hitl_base::json::parse_json;
use hitl_base::{Json, Timestamp};
use hitl_core::approval::{ApprovalRequest, DetailLevel};

use crate::two;

pub(crate) const SEEDS: &[&str] = &[
    r#"{"to":"ann","amount":1500.0,"list":["a","b"],"on":"2026-01-02"}"#,
    "\u{202e}\u{200b}\\u{200b}\"[… 5 of 9 characters left out]",
    r#"{"a b":{"c":[1,[2,[3]]]},"\u202e":" <b>`x`</b> "}"#,
    "\u{20}\u{20}\u{20}\u{20}\u{20}\u{20}\u{20}\u{20}\u{20}\u{20}",
];

/// Renders the bytes as text, as a value, and as a call's arguments.
pub fn render(data: &[u8]) {
    let (a, b) = two(data);
    assert_eq!(quoted(&a) == quoted(&b), a == b);
    assert!(!quoted(&a).chars().any(is_unseen));
    let shown = visible(&a).into_owned();
    assert!(!shown.chars().any(is_unseen));
    assert_eq!(visible(&shown), shown);
    let tree = |text: &str| parse_json(text).unwrap_or_else(|_| Json::String(text.to_owned()));
    let (a, b) = (tree(&a), tree(&b));
    for max in [8, 400] {
        assert_eq!(value(&a, max).text == value(&b, max).text, a == b);
    }
    let (a, b) = (views(&a), views(&b));
    for (one, two) in a.iter().zip(&b) {
        assert_eq!(one == two, a[0] == b[0]);
        assert!(!one.chars().any(|c| !matches!(c, '\n' | '\u{a0}') && is_unseen(c)), "{one}");
    }
}

fn views(arguments: &Json) -> [String; 4] {
    let arguments = match arguments {
        Json::Object(_) => arguments.to_text(),
        other => Json::Object(vec![("value".to_owned(), other.clone())]).to_text(),
    };
    let digest = "ab".repeat(32);
    let request = format!(
        r#"{{"id":"018f0000-0000-7000-8000-000000000000","key":{{"tenant":"default","run":"r","position":1}},
        "revision":1,"binding":"{digest}","tool":"t","fingerprint":"{digest}","title":"T","description":"D",
        "arguments":{arguments},"principal":"ann","approvalType":"general","risk":"medium","level":"full",
        "assessment":{{"confidence":50,"base":70,"factors":[]}},"thresholds":{{"auto":85,"quick":60}},
        "priority":"high","createdAt":"2026-01-02T03:04:05Z","dueAt":"2026-01-02T03:04:05Z",
        "expiresAt":"2026-01-02T03:04:05Z","choices":["approve"],"requiresReason":false,
        "approveLabel":"Yes","rejectLabel":"No"}}"#
    );
    let request: ApprovalRequest = serde_json::from_str(&request).unwrap();
    let rendered = request.render(Timestamp::EPOCH, DetailLevel::Full);
    [rendered.to_text(), rendered.to_html(), rendered.to_markdown(), rendered.to_chat()]
}
