//! Redaction of a model's arguments.

use hitl::json;
use hitl::redact::Redactor;

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::repeat;
use crate::tools::arguments;

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "serde_json: read and write the same text";
    let lists = [("4 KB", 4 << 10), ("1 MB", 1 << 20)].map(|(size, bytes)| {
        let path = format!("redaction, {size}");
        Pair::timed(path, move || redacting(bytes), against, move || reading(text(bytes)))
    });
    let prose = [("4 KB", 4 << 10), ("256 KB", 256 << 10)].map(|(size, bytes)| {
        let path = format!("redaction, {size} of prose without secrets");
        Pair::timed(path, move || looking(bytes), against, move || reading(letter(bytes)))
    });
    lists.into_iter().chain(prose).collect()
}

/// Returns arguments with a long text.
fn letter(bytes: usize) -> String {
    serde_json::to_string(&arguments(bytes)).expect("plain data")
}

/// Does the gate's work for arguments that have nothing to mask.
fn looking(bytes: usize) -> Run {
    let (redactor, text) = (Redactor::standard(), letter(bytes));
    assert!(redactor.has_nothing_in(&text), "it is ordinary prose");
    repeat(move || redactor.has_nothing_in(&text))
}

/// Returns a list of bookings, like a real agent's arguments: names, dates, numbers, some prose, a
/// secret.
fn text(bytes: usize) -> String {
    let mut items = Vec::new();
    let mut length = 0;
    while length < bytes {
        let n = items.len();
        let item = serde_json::json!({
            "reservation_id": format!("{:06X}", n * 7919),
            "passenger": { "first_name": "Mia", "last_name": "Kim", "dob": "1965-06-09" },
            "flights": [{ "number": format!("HAT{:03}", n % 300), "date": "2024-05-22" }],
            "amount": n * 13,
            "note": "Please seat them together, and send the receipt to the office.",
            "api_key": "not-shown",
        });
        length += item.to_string().len() + 1;
        items.push(item);
    }
    serde_json::Value::Array(items).to_string()
}

fn redacting(bytes: usize) -> Run {
    let (redactor, tree) = (Redactor::standard(), json::parse_json(&text(bytes)).expect("JSON"));
    repeat(move || redactor.json(&tree).to_text())
}

fn reading(text: String) -> Run {
    repeat(move || {
        let tree: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        tree.to_string()
    })
}
