//! Time that counts against no budget and holds no slot.

use crate::support;

use std::sync::Arc;

use hitl_tasks::*;
use support::{MS, S, ok, settle, spend, watched};
use tokio::time::Instant;

/// Works for a second, is off the clock for this long, and works for another second.
fn away_for(time: std::time::Duration) -> TaskStep<(), &'static str> {
    TaskStep::new("s", move |cx: StepContext| async move {
        spend(S).await;
        cx.off_clock(spend(time)).await;
        spend(S).await;
        Ok::<_, String>("back")
    })
}

#[tokio::test(start_paused = true)]
async fn it_counts_against_neither_the_step_nor_the_task() {
    let (manager, events) = watched(|b| b);
    let task = Task::new("t").step(away_for(1_000_000 * S).timeout(2_500 * MS)).timeout(2_500 * MS);
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "back");
    let kinds = events.kinds(handle.id());
    assert_eq!(
        kinds,
        ["submitted", "started", "stepStarted", "waiting", "resumed", "stepDone", "ended"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_before_and_after_it_does_count() {
    let (manager, _) = watched(|b| b);
    let before = Instant::now();
    let step = away_for(100 * S).timeout(1_500 * MS);
    let error = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 's' timed out after 1.5s");
    assert_eq!(before.elapsed(), 101_500 * MS);

    let before = Instant::now();
    let task = Task::new("t").step(away_for(100 * S)).timeout(1_500 * MS);
    let error = manager.submit(task).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Task timed out after 1.5s");
    assert_eq!(before.elapsed(), 101_500 * MS);
}

#[tokio::test(start_paused = true)]
async fn the_tasks_budget_remembers_earlier_steps() {
    let (manager, _) = watched(|b| b);
    let second = |cx: StepContext, _: &'static str| async move {
        cx.off_clock(spend(50 * S)).await;
        spend(S).await;
        Ok::<_, String>(())
    };
    let task = || Task::new("t").step(away_for(100 * S)).step(TaskStep::new("second", second));
    assert!(manager.submit(task().timeout(3_500 * MS)).unwrap().wait().await.is_ok());
    let late = manager.submit(task().timeout(2_500 * MS)).unwrap().wait().await.unwrap_err();
    assert_eq!(late.kind(), TaskErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn it_holds_no_slot_and_comes_back_before_new_tasks() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let away = manager.submit(Task::new("away").step(away_for(5 * S))).unwrap();
    let work = || {
        Task::new("w").step(TaskStep::new("s", |_: StepContext| async {
            spend(10 * S).await;
            Ok::<_, String>(Instant::now())
        }))
    };
    let first = manager.submit(work()).unwrap();
    let second = manager.submit(work()).unwrap();
    spend(2 * S).await;
    assert_eq!((away.state(), first.state()), (TaskState::Waiting, TaskState::Running));
    assert_eq!(away.progress().status, Status::Running);
    assert_eq!(manager.running(), 1);
    let before = Instant::now();
    assert_eq!(away.wait().await.unwrap(), "back");
    assert_eq!(before.elapsed(), 10 * S); // 9 of `first`, and its own last second
    assert_eq!(second.wait().await.unwrap() - first.wait().await.unwrap(), 11 * S);
    assert_eq!(events.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_is_off_the_clock_too() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let step = away_for(5 * S).timeout(2_500 * MS);
    let away = manager.submit(Task::new("away").step(step).timeout(2_500 * MS)).unwrap();
    let hog = TaskStep::new("s", |_: StepContext| async {
        spend(1_000 * S).await;
        Ok::<_, String>(())
    });
    let hog = manager.submit(Task::new("hog").step(hog)).unwrap();
    assert_eq!(away.wait().await.unwrap(), "back");
    hog.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_ready_changes_nothing() {
    let (manager, events) = watched(|b| b);
    let body = |cx: StepContext| async move { Ok::<_, String>(cx.off_clock(async { 7 }).await) };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    assert_eq!(handle.wait().await.unwrap(), 7);
    assert!(!events.kinds(handle.id()).contains(&"waiting"));
}

#[tokio::test(start_paused = true)]
async fn dropped_half_way_the_task_comes_back() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let body = |cx: StepContext| async move {
        let limited = tokio::time::timeout(S, cx.off_clock(std::future::pending::<()>())).await;
        assert!(limited.is_err());
        spend(S).await;
        cx.off_clock(spend(S)).await;
        Ok::<_, String>("back")
    };
    let step = TaskStep::new("s", body).timeout(1_500 * MS);
    let handle = manager.submit(Task::new("t").step(step)).unwrap();
    let other = manager.submit(Task::new("o").step(TaskStep::new("s", ok))).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "back");
    assert_eq!(other.wait().await.unwrap(), "ok");
    assert_eq!(events.most_at_once(), 1);
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn several_at_once_and_in_spawned_work_count_as_one() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let body = |cx: StepContext| async move {
        let spawned = cx.clone();
        let elsewhere = tokio::spawn(async move { spawned.off_clock(spend(3 * S)).await });
        tokio::join!(cx.off_clock(spend(S)), cx.off_clock(spend(2 * S)));
        elsewhere.await.map_err(|e| e.to_string())?;
        spend(S).await;
        Ok::<_, String>("back")
    };
    let step = TaskStep::new("s", body).timeout(1_500 * MS);
    let handle = manager.submit(Task::new("t").step(step)).unwrap();
    let other = manager.submit(Task::new("o").step(TaskStep::new("s", ok))).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "back");
    assert_eq!(other.wait().await.unwrap(), "ok");
    assert_eq!(events.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_context_that_outlives_its_attempt_has_no_say() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let leaked = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&leaked);
    let first = move |cx: StepContext| {
        let lingering = cx.clone();
        // Goes off the clock after the attempt is over.
        tokio::spawn(async move { lingering.off_clock(std::future::pending::<()>()).await });
        *keep.lock().unwrap() = Some(cx);
        async { Ok::<_, String>(()) }
    };
    let second = |_: StepContext, (): ()| async {
        spend(10 * S).await;
        Ok::<_, String>("done")
    };
    let task = Task::new("t")
        .step(TaskStep::new("a", first))
        .step(TaskStep::new("b", second).timeout(20 * S));
    let handle = manager.submit(task).unwrap();
    settle().await;
    let old = leaked.lock().unwrap().take().unwrap();
    old.progress(0.9);
    old.message("boo");
    let progress = handle.progress();
    assert_eq!((progress.percent(), progress.message), (50, None));
    assert_eq!(progress.steps[0].status, Status::Completed);
    assert_eq!(handle.state(), TaskState::Running);
    assert_eq!(handle.wait().await.unwrap(), "done");
    old.progress(0.1);
    old.off_clock(async {}).await;
    events.assert_one_end(handle.id());
    assert!(!events.kinds(handle.id()).contains(&"progress"));
}

#[tokio::test(start_paused = true)]
async fn a_task_may_wait_for_another_of_the_same_manager() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let inner = manager.clone();
    let body = move |cx: StepContext| {
        let manager = inner.clone();
        async move {
            let child = manager
                .submit(Task::new("child").step(TaskStep::new("s", ok)))
                .map_err(|e| e.to_string())?;
            cx.off_clock(child.wait()).await.map_err(|e| e.to_string())
        }
    };
    let parent = manager.submit(Task::new("parent").step(TaskStep::new("s", body))).unwrap();
    assert_eq!(parent.wait().await.unwrap(), "ok");
}
