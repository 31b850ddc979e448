//! The reference cases for tasks and progress, and neighbouring cases, through the public API.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_tasks::*;
use support::{MS, S, ok, one_second, spend};

/// The behaviour of a step in a reference case.
#[derive(Clone, Copy)]
enum Does {
    Ok,
    Raise,
    FailOnce,
    SleepOneSecond,
}

async fn act(does: Does, tries: &AtomicU32) -> Result<&'static str, String> {
    let first = tries.fetch_add(1, Ordering::SeqCst) == 0;
    match does {
        Does::Raise => return Err("boom".to_owned()),
        Does::FailOnce if first => return Err("once".to_owned()),
        Does::FailOnce | Does::Ok => {}
        Does::SleepOneSecond => spend(S).await,
    }
    Ok("ok")
}

fn step<I: Clone + Send + 'static>(index: usize, does: Does) -> TaskStep<I, &'static str> {
    let tries = Arc::new(AtomicU32::new(0));
    TaskStep::new(format!("s{index}"), move |_: StepContext, _: I| {
        let tries = Arc::clone(&tries);
        async move { act(does, &tries).await }
    })
}

fn manager() -> TaskManager {
    TaskManager::builder().build().unwrap()
}

/// Runs a task to its end. Returns its result, its state and its last snapshot.
async fn run<T: Send + 'static>(task: Task<T>) -> (Result<T, TaskError>, TaskState, TaskProgress) {
    let manager = manager();
    let handle = manager.submit(task).unwrap();
    let watcher = handle.watcher();
    let result = handle.wait().await;
    (result, watcher.state(), watcher.progress())
}

#[tokio::test(start_paused = true)]
async fn steps_that_succeed_complete() {
    let task = Task::new("t").step(step(0, Does::Ok)).step(step(1, Does::Ok));
    let (result, state, progress) = run(task).await;
    assert_eq!((result.unwrap(), state), ("ok", TaskState::Completed));
    assert_eq!((progress.steps_completed(), progress.total_steps), (2, 2));
    assert_eq!(progress.percent(), 100);
    assert_eq!(progress.error, None);
}

#[tokio::test(start_paused = true)]
async fn state_02_a_step_that_fails_once_completes_with_one_retry() {
    let task = Task::new("t").step(step(0, Does::FailOnce).retry(Retry::times(1)));
    let (result, state, progress) = run(task).await;
    assert_eq!((result.unwrap(), state), ("ok", TaskState::Completed));
    assert_eq!((progress.steps_completed(), progress.total_steps), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_once_fails_without_retries() {
    let task = Task::new("t").step(step(0, Does::FailOnce)).step(step(1, Does::Ok));
    let (result, state, progress) = run(task).await;
    assert_eq!(state, TaskState::Failed);
    assert_eq!(result.unwrap_err().to_string(), "Step 's0' failed: once");
    assert_eq!((progress.steps_completed(), progress.total_steps), (0, 2));
    assert_eq!(progress.error.as_deref(), Some("Step 's0' failed: once"));
    assert_eq!(progress.steps[0].status, Status::Failed);
    assert_eq!(progress.steps[1].status, Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_always_raises_fails_after_its_retries() {
    let task =
        Task::new("t").step(step(0, Does::Ok)).step(step(1, Does::Raise).retry(Retry::times(2)));
    let (result, state, progress) = run(task).await;
    let error = result.unwrap_err();
    assert_eq!((state, error.kind()), (TaskState::Failed, TaskErrorKind::Failed));
    assert_eq!(error.to_string(), "Step 's1' failed: boom");
    assert_eq!(error.failed_step(), Some(1));
    assert_eq!(progress.steps_completed(), 1);
}

#[tokio::test(start_paused = true)]
async fn state_03_a_step_that_takes_too_long_fails() {
    let task = Task::new("t").step(step(0, Does::SleepOneSecond).timeout(50 * MS));
    let (result, state, progress) = run(task).await;
    let error = result.unwrap_err();
    assert_eq!(state.as_str(), "failed");
    assert_eq!(error.to_string(), "Step 's0' timed out after 0.05s");
    assert_eq!(error.failure(), Some(FailureKind::TimedOut));
    assert_eq!(progress.status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn state_04_a_task_that_takes_too_long_times_out() {
    let task = Task::new("t").step(step(0, Does::SleepOneSecond)).timeout(50 * MS);
    let (result, state, progress) = run(task).await;
    let error = result.unwrap_err();
    assert_eq!(state.as_str(), "timeout");
    assert_eq!(error.to_string(), "Task timed out after 0.05s");
    assert_eq!(error.kind(), TaskErrorKind::TimedOut);
    assert_eq!(progress.status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn state_05_a_task_that_is_cancelled_while_it_runs() {
    let manager = manager();
    let handle = manager.submit(Task::new("t").step(step(0, Does::SleepOneSecond))).unwrap();
    spend(50 * MS).await;
    assert!(handle.cancel("changed my mind"));
    let error = handle.wait().await.unwrap_err();
    assert_eq!(handle.state().as_str(), "cancelled");
    assert_eq!(error.to_string(), "Task was cancelled");
    assert_eq!(error.reason(), Some("changed my mind"));
    assert_eq!(handle.progress().steps[0].status, Status::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_task_without_steps_completes_at_zero_percent() {
    let (result, state, progress) = run(Task::new("t")).await;
    assert!(result.is_ok());
    assert_eq!((state, progress.percent(), progress.total_steps), (TaskState::Completed, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn both_time_limits_at_once_end_as_the_tasks() {
    let task =
        Task::new("t").step(TaskStep::new("s0", one_second).timeout(50 * MS)).timeout(50 * MS);
    assert_eq!(run(task).await.1, TaskState::TimedOut);
}

// Progress that is maintained by hand.

fn progress(steps: &[(Status, Option<f64>)]) -> TaskProgress {
    let names = steps.iter().enumerate().map(|(i, _)| format!("s{i}"));
    let mut progress = TaskProgress::new(TaskId::new(), "t", names);
    for (index, (status, value)) in steps.iter().enumerate() {
        progress.update_step(index, *status, *value, Timestamp::EPOCH);
    }
    progress
}

#[test]
fn percent_is_the_mean_of_the_steps() {
    use Status::{Cancelled, Completed, Failed, Pending, Running};
    type Steps = [(Status, Option<f64>)];
    let rows: &[(&Steps, u8)] = &[
        (&[(Completed, None), (Running, Some(50.0))], 75), // prog-01
        (&[], 0),                                          // prog-04
        (&[(Completed, None), (Completed, None)], 100),
        (&[(Pending, None), (Pending, None)], 0),
        (&[(Running, None), (Pending, None)], 0),
        (&[(Completed, None), (Pending, None), (Pending, None)], 33),
        (&[(Completed, None), (Completed, None), (Pending, None)], 67),
        (&[(Completed, None), (Failed, Some(80.0))], 50),
        (&[(Completed, None), (Cancelled, Some(80.0))], 50),
        (&[(Running, Some(150.0)), (Pending, None)], 50),
        (&[(Running, Some(-5.0))], 0),
        (&[(Running, Some(f64::NAN))], 0),
        (&[(Running, Some(25.0)), (Pending, None)], 13), // 12.5
    ];
    for (steps, percent) in rows {
        assert_eq!(progress(steps).percent(), *percent, "{steps:?}");
    }
}

#[test]
fn prog_05_an_update_beyond_the_end_is_clamped() {
    let mut progress = TaskProgress::new(TaskId::new(), "t", ["a", "b"]);
    progress.start(Timestamp::from_millis(1_000));
    progress.update_step(0, Status::Running, Some(150.0), Timestamp::from_millis(2_000));
    let json = serde_json::to_value(&progress).unwrap();
    assert_eq!(json["status"], "running");
    assert_eq!(json["currentStep"], 0);
    assert_eq!(json["totalSteps"], 2);
    assert_eq!(json["startedAt"], 1_000);
    assert_eq!(json["steps"][0]["status"], "running");
    assert_eq!(json["steps"][0]["progress"], 100);
    assert_eq!(json["steps"][1]["status"], "pending");
    progress.update_step(9, Status::Running, Some(1.0), Timestamp::EPOCH);
    assert_eq!(progress.current_step, 0);
}

#[test]
fn a_snapshot_has_the_shape_of_the_seed_and_reads_back() {
    let mut progress = TaskProgress::new(TaskId::new(), "t", ["a"]);
    progress.update_step(0, Status::Running, Some(12.5), Timestamp::from_millis(5));
    progress.fail("broke", Timestamp::from_millis(9));
    let json = serde_json::to_value(&progress).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "taskId",
        "taskName",
        "status",
        "currentStep",
        "totalSteps",
        "steps",
        "startedAt",
        "completedAt",
        "estimatedCompletionMs",
        "error",
    ] {
        assert!(keys.contains(&key), "{key} of {keys:?}");
    }
    assert_eq!(
        json["steps"][0],
        serde_json::json!({
            "index": 0, "name": "a", "status": "failed", "startedAt": 5, "completedAt": 9,
            "progress": 12.5,
        })
    );
    assert_eq!(serde_json::from_value::<TaskProgress>(json).unwrap(), progress);
}

#[tokio::test(start_paused = true)]
async fn weights_move_the_percentage_and_contexts_move_the_step() {
    let manager = manager();
    let task = Task::new("t").step(TaskStep::new("small", ok)).step(
        TaskStep::new("large", |cx: StepContext, _: &'static str| async move {
            cx.progress(0.5);
            cx.message("half-way");
            spend(10 * S).await;
            cx.progress(7.0);
            Ok::<_, String>(())
        })
        .weight(3),
    );
    let handle = manager.submit(task).unwrap();
    spend(5 * S).await;
    let half = handle.progress();
    assert_eq!(half.percent(), 63); // (100 + 3 * 50) / 4 = 62.5
    assert_eq!((half.current_step, half.steps[1].progress), (1, 50.0));
    assert_eq!(half.message.as_deref(), Some("half-way"));
    assert_eq!(half.steps[1].weight, 3);
    handle.wait().await.unwrap();
    assert_eq!(handle.progress().percent(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_rest_is_estimated_from_on_clock_time() {
    let clock = hitl_base::clock::ManualClock::at(Timestamp::from_millis(0));
    let manager = TaskManager::builder().clock(clock.clone()).build().unwrap();
    let turn = clock.clone();
    let body = move |cx: StepContext| {
        let turn = turn.clone();
        async move {
            turn.advance(Duration::from_secs(10));
            cx.off_clock(async {
                spend(S).await;
                turn.advance(Duration::from_secs(3_600));
            })
            .await;
            cx.progress(0.25);
            spend(10 * S).await;
            Ok::<_, String>(())
        }
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    assert_eq!(handle.progress().estimated_completion_ms, None);
    spend(5 * S).await;
    // A quarter took ten seconds, so the rest takes thirty; the hour off the clock does not count.
    assert_eq!(handle.progress().estimated_completion_ms, Some(30_000));
    handle.wait().await.unwrap();
    assert_eq!(handle.progress().estimated_completion_ms, None);
}
