//! Which secrets are recorded, how much of each, and that no text passes for a record.

use crate::Json;
use crate::json::parse_json;
use crate::redact::{RedactedJson, Redactor};

fn marked(text: &str) -> RedactedJson {
    Redactor::standard().redact_with_places(&parse_json(text).unwrap()).unwrap()
}

fn under_password(text: String) -> RedactedJson {
    let tree = Json::Object(vec![("password".to_owned(), Json::String(text))]);
    Redactor::standard().redact_with_places(&tree).unwrap()
}

#[test]
fn invariant_9b_what_is_decoded_only_to_look_at_it_is_no_record() {
    // `password=hunter2`, so often that checking each one would exhaust the records.
    let run = "cGFzc3dvcmQ9aHVudGVyMg==";
    let runs = vec![Json::String(run.to_owned()); 6_000];
    let last = Json::Object(vec![("password".to_owned(), Json::String("a;b".to_owned()))]);
    let tree = Json::Array(vec![Json::Array(runs), last]);
    let marked = Redactor::standard().redact_with_places(&tree).unwrap();
    assert_eq!(marked.places.len() + marked.more, 6_002);
    let text = marked.tree.to_text();
    assert!(text.ends_with(r#"{"password":"[redacted];[redacted]"}]"#) && !text.contains(run));
}

#[test]
fn invariant_13_a_text_that_looks_like_a_mask_adds_no_records() {
    for lead in ["[redacted", "[redacted;", "[redacted]", "[redacted:00000000ff]"] {
        let marked = under_password(format!("{lead}{}", "a;".repeat(100_000)));
        assert!(marked.places.len() + marked.more <= 10_001, "{lead}");
    }
    for unit in ["[redacted]a", "[redacted:00000000ff]a", "[redacted;a"] {
        let marked = under_password(unit.repeat(50_000));
        assert!(marked.places.len() + marked.more <= 10_001, "{unit}");
    }
}

#[test]
fn invariant_9b_placeholders_stay_when_there_are_too_many_runs() {
    let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let many = format!(
        "{{\"password\":\"{}\",\"note\":\"password='{token} x' {token} y\"}}",
        "a;".repeat(20_000)
    );
    let marked = marked(&many);
    assert!(!marked.tree.to_text().contains("abcdefghij"));
    let note = marked.tree.get("note").unwrap().as_str().unwrap();
    assert_eq!(note, "password='[redacted]' [redacted] y");
}

#[test]
fn invariant_9b_no_spelling_of_a_number_passes_for_a_placeholder() {
    for spelled in [
        r"[redacted:000000000\\u0030]",
        r"[redacted:000000000\\u0030\\u005d",
        r"[redacted:\\u0030\\u0030000000\\u00300]",
        r"[redacted:00\\u0030\\u0030000000\\u005D",
    ] {
        let text = format!(r#"{{"body":"{{\"to\":\"{spelled}\",\"password\":\"hunter2\"}}"}}"#);
        let marked = marked(&text);
        assert_eq!(marked.places.len(), 1, "{spelled}: {:?}", marked.places);
        let body = parse_json(marked.tree.get("body").unwrap().as_str().unwrap()).unwrap();
        assert_eq!(body.get("to").unwrap().as_str(), Some("[redacted:0000000000]"));
        assert_eq!(body.get("password").unwrap().as_str(), Some("[redacted]"));
    }
    // In a string in a string, once with an escape that is itself escaped.
    for digit in ["\\u0030", "\\u005cu0030"] {
        let inner = format!(r#"{{"to":"[redacted:000000000{digit}]"}}"#);
        let middle = Json::Object(vec![
            ("in".to_owned(), Json::String(inner)),
            ("password".to_owned(), Json::String("hunter2".to_owned())),
        ]);
        let tree = Json::Object(vec![("body".to_owned(), Json::String(middle.to_text()))]);
        assert_eq!(
            Redactor::standard().redact_with_places(&tree).unwrap().places.len(),
            1,
            "{digit}"
        );
    }
}

#[test]
fn invariant_9b_a_secret_that_is_repeated_leaves_placeholders_alone() {
    for text in ["password=00000000 token=hunter2x", "password=00000000 token=hunter2x 00000000"] {
        let tree = Json::String(text.to_owned());
        let marked = Redactor::standard().redact_with_places(&tree).unwrap();
        let shown = text.replace("00000000", "[redacted]").replace("hunter2x", "[redacted]");
        assert_eq!(marked.tree.as_str(), Some(shown.as_str()));
    }
    let redactor = Redactor::standard().with_key([7; 32]);
    let once = redactor.text("token=q3Zk8RtW1yPv7LmX0d").into_owned();
    let mark = &once["token=[redacted:".len()..once.len() - 1];
    let text = format!("password={mark} token=q3Zk8RtW1yPv7LmX0d");
    assert!(redactor.text(&text).ends_with(&once), "{}", redactor.text(&text));
}
