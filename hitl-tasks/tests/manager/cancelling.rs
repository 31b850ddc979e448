//! Stopping a task, at every point of its life.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use hitl_tasks::*;
use support::{MS, S, for_ever, ok, one_second, settle, spend, watched};

/// Sets a flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn known_fault_invariant_11_cancelled_right_after_submit_it_ends() {
    let (manager, events) = watched(|b| b);
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", for_ever))).unwrap();
    assert!(handle.cancel("at once"));
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Cancelled);
    events.assert_one_end(handle.id());
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn in_the_queue_it_ends_at_once_and_drops_what_it_captured() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let blocker = manager.submit(Task::new("b").step(TaskStep::new("s", for_ever))).unwrap();
    let dropped = Arc::new(AtomicBool::new(false));
    let captured = Dropped(Arc::clone(&dropped));
    let body = move |_: StepContext| {
        let _ = &captured;
        async { Ok::<_, String>(()) }
    };
    let queued = manager.submit(Task::new("q").step(TaskStep::new("s", body))).unwrap();
    settle().await;
    assert_eq!((queued.state(), manager.queued()), (TaskState::Queued, 1));
    assert!(queued.cancel("never mind"));
    assert_eq!(queued.state(), TaskState::Cancelled);
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!((manager.running(), manager.queued()), (1, 0));
    assert_eq!(events.kinds(queued.id()), ["submitted", "ended"]);
    assert!(queued.wait().await.is_err());
    assert!(!queued.cancel("again"));
    blocker.cancel("done");
    blocker.watcher().wait().await;
    assert_eq!(events.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_does_not_listen_is_dropped_at_once() {
    let (manager, events) = watched(|b| b);
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let body = move |_: StepContext| {
        let guard = Dropped(Arc::clone(&flag));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok::<_, String>(())
        }
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    settle().await;
    let before = tokio::time::Instant::now();
    handle.cancel("stop");
    assert!(handle.wait().await.is_err());
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
    assert!(dropped.load(Ordering::SeqCst));
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn a_step_that_listens_may_tidy_up_and_is_then_dropped() {
    for (tidying, taken) in [(2 * S, 2 * S), (100 * S, 5 * S)] {
        let (manager, events) = watched(|b| b.cancel_grace_period(5 * S));
        let body = move |cx: StepContext| async move {
            cx.cancelled().await;
            spend(tidying).await;
            Ok::<_, String>("tidied up")
        };
        let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
        settle().await;
        let before = tokio::time::Instant::now();
        assert!(handle.cancel("stop"));
        assert!(!handle.cancel("stop harder"));
        let error = handle.wait().await.unwrap_err();
        assert_eq!(error.reason(), Some("stop"));
        assert_eq!(before.elapsed(), taken);
        assert_eq!(manager.running(), 0);
        events.assert_one_end(handle.id());
    }
}

#[tokio::test(start_paused = true)]
async fn the_slot_is_kept_until_the_step_is_gone() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let slow_to_stop = |cx: StepContext| async move {
        cx.cancelled().await;
        spend(3 * S).await;
        Ok::<_, String>(())
    };
    let first =
        manager.submit(Task::new("a").step(TaskStep::new("s", slow_to_stop).timeout(S))).unwrap();
    let second = manager.submit(Task::new("b").step(TaskStep::new("s", ok))).unwrap();
    spend(2 * S).await;
    assert_eq!((first.state(), second.state()), (TaskState::Running, TaskState::Queued));
    assert_eq!(second.wait().await.unwrap(), "ok");
    assert_eq!(first.wait().await.unwrap_err().to_string(), "Step 's' timed out after 1s");
    assert_eq!(events.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn during_backoff_it_ends_at_once() {
    let (manager, events) = watched(|b| b);
    let fails = |_: StepContext| async { Err::<(), _>("no") };
    let retry = Retry::times(5).delay(1_000 * S);
    let handle =
        manager.submit(Task::new("t").step(TaskStep::new("s", fails).retry(retry))).unwrap();
    spend(10 * S).await;
    let before = tokio::time::Instant::now();
    handle.cancel("stop");
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Cancelled);
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
    let kinds = events.kinds(handle.id());
    assert_eq!(kinds, ["submitted", "started", "stepStarted", "stepRetrying", "ended"]);
}

#[tokio::test(start_paused = true)]
async fn known_fault_a_step_that_fails_while_it_is_being_cancelled_is_not_tried_again() {
    let (manager, _) = watched(|b| b);
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let body = move |cx: StepContext| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            cx.cancelled().await;
            Err::<(), _>("interrupted")
        }
    };
    let step = TaskStep::new("s", body).retry(Retry::times(9));
    let handle = manager.submit(Task::new("t").step(step)).unwrap();
    settle().await;
    handle.cancel("stop");
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Cancelled);
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn invariant_11_an_accepted_cancellation_wins_over_a_step_that_completes() {
    let (manager, events) = watched(|b| b);
    let body = |cx: StepContext| async move {
        cx.cancelled().await;
        Ok::<_, String>("done anyway")
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    settle().await;
    assert!(handle.cancel("stop"));
    assert!(handle.wait().await.is_err());
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn between_steps_the_next_one_never_begins() {
    let (manager, events) = watched(|b| b);
    let body = {
        let manager = manager.clone();
        move |cx: StepContext| {
            let manager = manager.clone();
            async move {
                assert!(manager.cancel(cx.task_id(), "from within"));
                Ok::<_, String>(())
            }
        }
    };
    let next = |_: StepContext, (): ()| async { Ok::<_, String>(()) };
    let task = Task::new("t").step(TaskStep::new("a", body)).step(TaskStep::new("b", next));
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait().await.unwrap_err().reason(), Some("from within"));
    let started = events.kinds(handle.id()).iter().filter(|k| **k == "stepStarted").count();
    assert_eq!(started, 1);
}

#[tokio::test(start_paused = true)]
async fn off_the_clock_it_ends_at_once() {
    let (manager, events) = watched(|b| b);
    let body = |cx: StepContext| async move {
        cx.off_clock(std::future::pending::<()>()).await;
        Ok::<_, String>(())
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    settle().await;
    assert_eq!(handle.state(), TaskState::Waiting);
    handle.cancel("stop");
    assert!(handle.wait().await.is_err());
    events.assert_one_end(handle.id());
    assert_eq!(events.most_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_it_waits_for_a_slot_to_come_back_with_it_ends_at_once() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let body = |cx: StepContext| async move {
        cx.off_clock(spend(S)).await;
        Ok::<_, String>(())
    };
    let away = manager.submit(Task::new("a").step(TaskStep::new("s", body))).unwrap();
    settle().await;
    let holder = manager.submit(Task::new("b").step(TaskStep::new("s", for_ever))).unwrap();
    spend(2 * S).await;
    assert_eq!((away.state(), holder.state()), (TaskState::Waiting, TaskState::Running));
    away.cancel("stop");
    assert!(away.wait().await.is_err());
    assert_eq!(manager.running(), 1);
    holder.cancel("stop");
    assert!(holder.wait().await.is_err());
    assert_eq!((manager.running(), events.most_at_once()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_it_is_too_late() {
    let (manager, events) = watched(|b| b);
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", ok))).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "ok");
    assert!(!handle.cancel("too late"));
    assert!(!manager.cancel(handle.id(), "too late"));
    assert_eq!(handle.state(), TaskState::Completed);
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn known_fault_invariant_12_dropping_waits_handles_and_watchers_stops_nothing() {
    let (manager, events) = watched(|b| b);
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", one_second))).unwrap();
    assert!(tokio::time::timeout(MS, handle.wait()).await.is_err());
    let limited = handle.wait_for(MS).await.unwrap_err();
    assert_eq!(limited.kind(), TaskErrorKind::StillRunning);
    drop(handle.watcher());
    let watcher = handle.watcher();
    drop(handle);
    assert_eq!(watcher.wait().await, TaskState::Completed);

    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", one_second))).unwrap();
    let id = handle.detach();
    let watcher = manager.watch(id).unwrap();
    assert_eq!(watcher.wait().await, TaskState::Completed);
    assert!(manager.watch(id).is_none());
    events.assert_one_end(id);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_takes_nothing_and_the_first_finished_wait_takes_the_output() {
    let (manager, _) = watched(|b| b);
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", one_second))).unwrap();
    let (one, other) = tokio::join!(handle.wait(), handle.wait());
    let (taken, error) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(taken.unwrap(), "ok");
    assert_eq!(error.unwrap_err().kind(), TaskErrorKind::OutputTaken);
    assert_eq!(handle.state(), TaskState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_handed_on_is_cancelled_too() {
    let (manager, _) = watched(|b| b);
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    let body = move |cx: StepContext| {
        let tell = tell.lock().unwrap().take().unwrap();
        async move {
            let token = cx.token();
            tokio::spawn(async move {
                token.cancelled().await;
                let _ = tell.send(());
            });
            std::future::pending::<Result<(), String>>().await
        }
    };
    let handle = manager.submit(Task::new("t").step(TaskStep::new("s", body))).unwrap();
    settle().await;
    handle.cancel("stop");
    told.await.unwrap();
    assert!(handle.wait().await.is_err());
}
