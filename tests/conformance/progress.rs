//! Progress: percentages, and the input of a dashboard.

use hitl::Timestamp;
use hitl::tasks::{Status, TaskId, TaskProgress};
use serde_json::{Value, json};

fn status(value: &Value) -> Status {
    serde_json::from_value(value.clone()).unwrap()
}

fn tracked(names: Vec<String>) -> TaskProgress {
    TaskProgress::new(TaskId::new(), "task", names)
}

pub(crate) fn percent(input: &Value) -> Value {
    let total = usize::try_from(input["total_steps"].as_u64().unwrap()).unwrap();
    let mut progress = tracked((0..total).map(|i| format!("s{i}")).collect());
    for (index, step) in input["steps"].as_array().unwrap().iter().enumerate() {
        progress.update_step(index, status(&step[0]), step[1].as_f64(), Timestamp::EPOCH);
    }
    json!(progress.percent())
}

/// Replays the operations of an emitter. Returns the snapshot with its steps as `step0`, `step1`...
pub(crate) fn emitter(input: &Value) -> Value {
    let mut progress = tracked(Vec::new());
    let at = Timestamp::EPOCH;
    for operation in input["ops"].as_array().unwrap() {
        let text = |i: usize| operation[i].as_str().unwrap_or_default().to_owned();
        match text(0).as_str() {
            "start" => {
                let names = operation[1].as_array().unwrap();
                progress =
                    tracked(names.iter().map(|name| name.as_str().unwrap().to_owned()).collect());
                progress.start(at);
            }
            "update" => {
                let index = usize::try_from(operation[1].as_u64().unwrap()).unwrap();
                progress.update_step(index, status(&operation[2]), operation[3].as_f64(), at);
            }
            "complete" => progress.complete(at),
            "fail" => progress.fail(text(1), at),
            "cancel" => progress.cancel(text(1), at),
            other => panic!("no emitter does `{other}`"),
        }
    }
    let mut shown = serde_json::to_value(&progress).unwrap();
    for (index, step) in progress.steps.iter().enumerate() {
        shown[format!("step{index}")] = serde_json::to_value(step).unwrap();
    }
    shown
}
