//! Redaction takes any text: it is idempotent, JSON stays JSON, and named secrets are gone.

use hitl_base::json::parse_json;
use hitl_base::redact::Taint;
use hitl_base::{Json, Redactor};

pub(crate) const SEEDS: &[&str] = &[
    "password=hunter2 --token abc123 Authorization: Bearer abcdefgh12345678",
    r#"{"a":{"apiKey":"x"},"b":"{\"pin\":\"77\"}","url":"https://u:p4ss@h/?secret=s3cret"}"#,
    "[redacted] [redacted:0123456789] token=[redacted:0123456789]",
    "4111 1111 1111 1111 eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "<password>x1y2z3</password> curl -u a:b4c5d6 `secret`: `v4lue` é=ü",
];

/// Redacts the bytes as text, as JSON, and as an argument.
pub fn redaction(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for redactor in [Redactor::standard(), Redactor::standard().with_key([3; 32])] {
        let once = redactor.text(&text).into_owned();
        assert_eq!(redactor.text(&once), once, "twice is once");
        let given = parse_json(&text).ok();
        let wrapped =
            Json::Object(vec![("note".to_owned(), Json::String(text.clone().into_owned()))]);
        for tree in given.into_iter().chain([wrapped]) {
            let once = redactor.json(&tree);
            assert_eq!(redactor.json(&once), once, "twice is once");
            assert_eq!(parse_json(&once.to_text()).unwrap(), once, "it is JSON");
        }
        let hidden =
            Json::Object(vec![("password".to_owned(), Json::String(text.clone().into_owned()))]);
        let shown = redactor.json(&hidden).to_text();
        assert!(text.is_empty() || shown.starts_with(r#"{"password":"[redacted"#), "{shown}");
    }
    // A known secret is gone, in any context.
    let secret = "Zq7-secret-Zq7".to_owned();
    let around = format!("{text}{secret}{text}");
    assert!(!Taint::new([secret.clone()]).text(&around).contains(&secret));
}
