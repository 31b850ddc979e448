//! The ends of tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hitl::tasks::{Retry, StepContext, Task, TaskManager, TaskStep};
use serde_json::{Value, json};

fn seconds(value: &Value) -> Option<Duration> {
    value.as_f64().map(Duration::from_secs_f64)
}

async fn act(does: &str, tries: &AtomicU32) -> Result<String, String> {
    let first = tries.fetch_add(1, Ordering::SeqCst) == 0;
    match does {
        "ok" => {}
        "fail_once" if !first => {}
        "fail_once" | "raise" => return Err("it failed".to_owned()),
        "sleep_1s" => {
            // Virtual time: the test's clock is paused.
            let _elapsed =
                tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        }
        other => panic!("no step does `{other}`"),
    }
    Ok("ok".to_owned())
}

fn step<I: Clone + Send + 'static>(
    index: usize,
    does: String,
    retries: u32,
    limit: Option<Duration>,
) -> TaskStep<I, String> {
    let tries = Arc::new(AtomicU32::new(0));
    let body = move |_: StepContext, _: I| {
        let (does, tries) = (does.clone(), Arc::clone(&tries));
        async move { act(&does, &tries).await }
    };
    let step = TaskStep::new(format!("s{index}"), body).retry(Retry::times(retries));
    match limit {
        Some(limit) => step.timeout(limit),
        None => step,
    }
}

pub(crate) async fn state(input: &Value) -> Value {
    let steps: Vec<String> = serde_json::from_value(input["steps"].clone()).unwrap();
    let retries = u32::try_from(input["retries"].as_u64().unwrap_or(0)).unwrap();
    let limit = seconds(&input["step_timeout"]);
    let mut steps = steps.into_iter().enumerate();
    let (_, first) = steps.next().unwrap();
    let mut task = Task::new("task").step(step(0, first, retries, limit));
    for (index, does) in steps {
        task = task.step(step(index, does, retries, limit));
    }
    if let Some(overall) = seconds(&input["overall_timeout"]) {
        task = task.timeout(overall);
    }
    let manager = TaskManager::builder().build().unwrap();
    let handle = manager.submit(task).unwrap();
    let watcher = handle.watcher();
    let result = match seconds(&input["cancel_after_s"]) {
        Some(after) => {
            if let Ok(ended) = handle.wait_for(after).await {
                Ok(ended)
            } else {
                handle.cancel("the row says so");
                handle.wait().await
            }
        }
        None => handle.wait().await,
    };
    let progress = watcher.progress();
    let mut ours = json!({
        "state": watcher.state().as_str(),
        "steps_completed": progress.steps_completed(),
        "total_steps": progress.total_steps,
    });
    match result {
        Ok(output) => ours["result"] = json!(output),
        Err(error) => ours["error"] = json!(error.to_string()),
    }
    ours
}
