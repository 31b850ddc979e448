//! Repeats one path a given number of times and does nothing else: run under callgrind, twice with
//! different counts, so that the difference is the path alone.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a measuring program: what fails ends it"
)]

use std::process::ExitCode;

use hitl::prelude::*;
use hitl::redact::Redactor;
use hitl::{MemoryAudit, json};

/// Look up a customer.
#[hitl_tool(read_only, base_confidence = 100)]
async fn look_up(customer: String, limit: u32, note: String) -> u32 {
    std::hint::black_box((customer, note));
    limit
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, times] = &arguments[..] else {
        eprintln!("usage: hitl-instructions PATH TIMES");
        return ExitCode::from(2);
    };
    let times: u32 = times.parse().expect("a number of times");
    match path.as_str() {
        "auto_call" => auto_call(times),
        "assess" => assess(times),
        "redaction" => redaction(times),
        "task_submit" => task_submit(times),
        _ => {
            eprintln!("no such path: {path}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn block_on<O>(work: impl Future<Output = O>) -> O {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(work)
}

async fn gate() -> Gate {
    let builder = Gate::builder().tool::<LookUp>().audit(MemoryAudit::new());
    builder.build().await.expect("a gate")
}

fn auto_call(times: u32) {
    block_on(async {
        let gate = gate().await;
        for _ in 0..times {
            let call = look_up("C-1042", 3, "on the second leg");
            gate.call(call).by("ann").await.expect("it runs");
        }
    });
}

/// Snapshots, digests, scores, routes and renders, without running anything.
fn assess(times: u32) {
    let note = "The customer asks for a refund of the second leg. ".repeat(80);
    block_on(async {
        let gate = gate().await;
        for _ in 0..times {
            let call = look_up("C-1042", 3, note.as_str());
            std::hint::black_box(gate.assess(&call, "ann").expect("assessed"));
        }
    });
}

fn redaction(times: u32) {
    let redactor = Redactor::standard();
    let text = r#"{"reservation":"4WQ150","card":"4111 1111 1111 1111","note":"Please seat them together","api_key":"x"}"#;
    let tree = json::parse_json(text).expect("JSON");
    for _ in 0..times {
        std::hint::black_box(redactor.json(&tree));
    }
}

fn task_submit(times: u32) {
    async fn nothing(_: StepContext) -> Result<(), String> {
        Ok(())
    }
    block_on(async {
        let manager = TaskManager::builder().build().expect("a manager");
        for _ in 0..times {
            let task = Task::new("no-op").step(TaskStep::new("nothing", nothing));
            manager.submit(task).expect("submitted").wait().await.expect("done");
        }
    });
}
