//! Slots, the queue, and the end of a manager.

use crate::support;

use std::time::Duration;

use hitl_tasks::*;
use support::{MS, S, for_ever, ok, one_second, settle, spend, watched};
use tokio::time::Instant;

fn second() -> Task<&'static str> {
    Task::new("second").step(TaskStep::new("s", one_second))
}

fn endless() -> Task<()> {
    Task::new("endless").step(TaskStep::new("s", for_ever))
}

/// Returns a task that cleans up for three seconds.
fn slow_to_stop() -> Task<()> {
    Task::new("slow").step(TaskStep::new("s", |cx: StepContext| async move {
        cx.cancelled().await;
        spend(3 * S).await;
        Ok::<_, String>(())
    }))
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_allowed_and_in_order() {
    let (manager, events) = watched(|b| b.max_concurrent(3));
    let before = Instant::now();
    let handles: Vec<_> = (0..10).map(|_| manager.submit(second()).unwrap()).collect();
    assert_eq!((manager.running(), manager.queued()), (3, 7));
    for handle in &handles {
        assert_eq!(handle.wait().await.unwrap(), "ok");
    }
    assert_eq!(before.elapsed(), 4 * S);
    assert_eq!(events.most_at_once(), 3);
    let started: Vec<_> = events
        .all()
        .iter()
        .filter(|event| event.kind == TaskEventKind::Started)
        .map(|event| event.task.id())
        .collect();
    assert_eq!(started, handles.iter().map(TaskHandle::id).collect::<Vec<_>>());
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn invariant_13_a_full_queue_says_so_and_takes_more_later() {
    let (manager, events) = watched(|b| b.max_concurrent(1).max_queued(2));
    let handles: Vec<_> = (0..3).map(|_| manager.submit(second()).unwrap()).collect();
    let refused = manager.submit(second()).unwrap_err();
    assert!(matches!(refused, SubmitError::Full { waiting: 2 }), "{refused:?}");
    assert_eq!(events.all().len(), 3, "nothing is told of a task that was refused");
    handles[2].cancel("make room");
    manager.submit(second()).unwrap().detach();
    assert!(manager.submit(second()).is_err());
    handles[0].wait().await.unwrap();
    settle().await;
    manager.submit(second()).unwrap().detach();
}

#[tokio::test(start_paused = true)]
async fn an_id_lives_once_and_can_be_used_again() {
    let (manager, _) = watched(|b| b);
    let id = TaskId::new();
    let first = manager.submit(second().id(id)).unwrap();
    assert_eq!(first.id(), id);
    let again = manager.submit(second().id(id)).unwrap_err();
    assert!(matches!(again, SubmitError::Duplicate(of) if of == id));
    first.wait().await.unwrap();
    manager.submit(second().id(id)).unwrap().wait().await.unwrap();
}

#[test]
fn outside_a_runtime_it_says_what_to_do() {
    let manager = TaskManager::builder().build().unwrap();
    let error = manager.submit(Task::new("t")).unwrap_err();
    assert!(matches!(error, SubmitError::NoRuntime));
    assert!(error.to_string().contains("submit from async code"));
}

#[tokio::test(start_paused = true)]
async fn living_tasks_are_listed_oldest_first() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let handles: Vec<_> = (0..5).map(|_| manager.submit(second()).unwrap()).collect();
    settle().await;
    let listed = manager.tasks();
    let ids: Vec<_> = listed.iter().map(|task| task.task_id).collect();
    assert_eq!(ids, handles.iter().map(TaskHandle::id).collect::<Vec<_>>());
    assert_eq!(listed[0].status, Status::Running);
    assert!(listed[1..].iter().all(|task| task.status == Status::Pending));
    let steps: Vec<_> = listed[4].steps.iter().map(|step| step.status).collect();
    assert_eq!(steps, [Status::Pending]);
    assert_eq!(manager.progress(ids[2]).unwrap().percent(), 0);
    for handle in handles {
        handle.wait().await.unwrap();
    }
    assert!(manager.tasks().is_empty());
    assert!(manager.progress(ids[2]).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_the_newest_and_the_end() {
    let (manager, _) = watched(|b| b);
    let body = |cx: StepContext| async move {
        for percent in 1..=10 {
            cx.progress(f64::from(percent) / 10.0);
            if percent % 5 == 0 {
                spend(S).await;
            }
        }
        Ok::<_, String>(())
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    let mut watcher = handle.watcher();
    let mut seen = Vec::new();
    while watcher.changed().await {
        seen.push(watcher.progress().percent());
        settle().await;
    }
    assert!(seen.contains(&50) && seen.last() == Some(&100), "{seen:?}");
    assert_eq!(watcher.state(), TaskState::Completed);
    assert!(watcher.error().is_none());
    assert!(!watcher.changed().await);
}

// The end of a manager.

#[tokio::test(start_paused = true)]
async fn draining_finishes_everything_that_was_accepted() {
    let (manager, events) = watched(|b| b.max_concurrent(2));
    let handles: Vec<_> = (0..6).map(|_| manager.submit(second()).unwrap()).collect();
    let (report, refused) = tokio::join!(manager.shutdown(Shutdown::drain(60 * S)), async {
        spend(S / 2).await;
        manager.submit(second()).unwrap_err()
    });
    assert!(matches!(refused, SubmitError::Closed));
    assert_eq!(report.finished.len(), 6);
    assert!(report.cancelled.is_empty() && report.still_running.is_empty());
    for handle in handles {
        assert_eq!(handle.wait().await.unwrap(), "ok");
        events.assert_one_end(handle.id());
    }
}

#[tokio::test(start_paused = true)]
async fn past_the_deadline_a_drain_cancels() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let quick = manager.submit(second()).unwrap();
    let slow = manager.submit(slow_to_stop()).unwrap();
    let queued = manager.submit(endless()).unwrap();
    let before = Instant::now();
    let report = manager.shutdown(Shutdown::drain(2 * S)).await;
    assert!(before.elapsed() <= 2 * S + MS);
    assert_eq!(report.finished, [quick.id()]);
    assert_eq!(report.cancelled, [queued.id()]);
    assert_eq!(report.still_running, [slow.id()]);
    let error = slow.wait().await.unwrap_err();
    assert_eq!(error.reason(), Some("the task manager is shutting down"));
}

#[tokio::test(start_paused = true)]
async fn cancelling_gives_running_steps_time_to_tidy_up() {
    let (manager, events) = watched(|b| b.max_concurrent(2));
    let handles = [
        manager.submit(slow_to_stop()).unwrap(),
        manager.submit(endless()).unwrap(),
        manager.submit(endless()).unwrap(),
    ];
    settle().await;
    let before = Instant::now();
    let report = manager.shutdown(Shutdown::cancel(60 * S)).await;
    assert_eq!(before.elapsed(), 3 * S);
    assert_eq!(report.cancelled.len(), 3);
    for handle in handles {
        events.assert_one_end(handle.id());
    }
    let nothing = manager.shutdown(Shutdown::cancel(60 * S)).await;
    assert_eq!(nothing, ShutdownReport::default());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_queued_tasks_end_within_the_deadline() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let stuck = manager.submit(endless()).unwrap();
    for _ in 0..10_000 {
        manager.submit(endless()).unwrap().detach();
    }
    settle().await;
    let report = manager.shutdown(Shutdown::cancel(S)).await;
    assert_eq!(report.cancelled.len(), 10_001);
    assert_eq!(stuck.state(), TaskState::Cancelled);
    assert_eq!(events.most_at_once(), 1);
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_manager_leaves_nothing_running() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let running = manager.submit(endless()).unwrap();
    let queued = manager.submit(endless()).unwrap();
    settle().await;
    let clone = manager.clone();
    drop(manager);
    settle().await;
    assert_eq!(running.state(), TaskState::Running);
    drop(clone);
    for handle in [running, queued] {
        let error = handle.wait().await.unwrap_err();
        assert_eq!(error.reason(), Some("the task manager was dropped"));
        events.assert_one_end(handle.id());
    }
}

#[test]
fn invariant_11_a_runtime_that_goes_away_ends_its_tasks() {
    let (manager, events) = watched(|b| b.max_concurrent(1).max_queued(20_000));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handles: Vec<_> = runtime.block_on(async {
        let handles: Vec<_> = (0..10_000).map(|_| manager.submit(endless()).unwrap()).collect();
        tokio::task::yield_now().await;
        assert_eq!(handles[0].state(), TaskState::Running);
        handles
    });
    drop(runtime);
    assert_eq!((manager.running(), manager.queued()), (0, 0));
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for handle in handles {
        let error = other.block_on(handle.wait()).unwrap_err();
        assert_eq!(error.reason(), Some("the runtime was shut down"));
    }
    assert_eq!(events.all().iter().filter(|event| event.is_end()).count(), 10_000);
    let after = other.block_on(async {
        manager.submit(Task::new("t").step(TaskStep::new("s", ok))).unwrap().wait().await
    });
    assert_eq!(after.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn many_steps_in_one_task_are_no_burden() {
    let (manager, _) = watched(|b| b);
    let mut task =
        Task::new("t").step(TaskStep::new("0", |_: StepContext| async { Ok::<_, String>(0_u32) }));
    for index in 1..20_000 {
        task = task.step(TaskStep::new(index.to_string(), |_: StepContext, n: u32| async move {
            Ok::<_, String>(n + 1)
        }));
    }
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait_for(Duration::from_secs(60)).await.unwrap(), 19_999);
    assert_eq!(handle.progress().percent(), 100);
}
