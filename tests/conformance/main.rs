//! The reference cases of the system that hitl re-creates, row by row, through the public API.
//!
//! `seed.json` has the behaviour of that system: input and expected output. A row of an unknown
//! area fails, so that no row is ignored.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod progress;
mod scoring;
#[path = "../../examples/shared/seed_tools.rs"]
#[expect(dead_code, reason = "the examples use the rest")]
mod seed_tools;
mod tasks;

use serde_json::Value;

/// One reference case.
struct Row {
    id: String,
    area: String,
    input: Value,
    expected: Value,
}

fn rows() -> Vec<Row> {
    let seed: Value = serde_json::from_str(include_str!("seed.json")).unwrap();
    let rows = seed["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| Row {
            id: row["id"].as_str().unwrap().to_owned(),
            area: row["area"].as_str().unwrap().to_owned(),
            input: row["input"].clone(),
            expected: row["expected"].clone(),
        })
        .collect()
}

/// Returns hitl's output for a row's input.
async fn ours(row: &Row) -> Value {
    match row.area.as_str() {
        "score" => scoring::score(&row.input),
        "level" => scoring::level(&row.input),
        "priority" => scoring::priority(&row.input),
        "due_hours" => scoring::due_hours(&row.input),
        "factors" => scoring::factors(&row.input),
        "progress_percent" => progress::percent(&row.input),
        "emitter" => progress::emitter(&row.input),
        "task_state" => tasks::state(&row.input).await,
        other => panic!("{}: nothing here knows the area {other}", row.id),
    }
}

/// Returns whether the output contains everything that is expected; it may contain more.
fn holds(expected: &Value, ours: &Value) -> bool {
    match (expected, ours) {
        (Value::Object(expected), Value::Object(ours)) => {
            expected.iter().all(|(key, value)| ours.get(key).is_some_and(|ours| holds(value, ours)))
        }
        (Value::Number(expected), Value::Number(ours)) => expected.as_f64() == ours.as_f64(),
        _ => expected == ours,
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_of_the_seed_holds() {
    let rows = rows();
    assert!(rows.len() >= 31, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let ours = ours(row).await;
        if !holds(&row.expected, &ours) {
            wrong.push(format!("{}: expected {}, ours is {ours}", row.id, row.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
