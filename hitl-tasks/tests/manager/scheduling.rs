//! Keys, priorities, rates, delayed starts, queue timeouts, idempotency keys.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hitl_tasks::*;
use support::{Events, MS, S, for_ever, one_second, settle, spend, watched};
use tokio::time::Instant;

fn second() -> Task<&'static str> {
    Task::new("second").step(TaskStep::new("s", one_second))
}

fn endless() -> Task<()> {
    Task::new("endless").step(TaskStep::new("s", for_ever))
}

/// Returns the times at which tasks started, since `before`.
fn starts(events: &Events, handles: &[TaskHandle<&'static str>]) -> Vec<usize> {
    let all = events.all();
    let mut started: Vec<_> =
        all.iter().filter(|e| e.kind == TaskEventKind::Started).map(|e| e.task.id()).collect();
    started.drain(..).filter_map(|id| handles.iter().position(|handle| handle.id() == id)).collect()
}

#[tokio::test(start_paused = true)]
async fn of_one_key_no_more_run_at_once_than_allowed() {
    let (manager, events) = watched(|b| b.max_per_key(2));
    let before = Instant::now();
    let mut handles: Vec<_> =
        (0..6).map(|_| manager.submit(second().key("acme")).unwrap()).collect();
    handles.push(manager.submit(second().key("other")).unwrap());
    assert_eq!((manager.running(), manager.queued()), (3, 4));
    assert_eq!(manager.list(&TaskFilter::all().key("acme")).len(), 6);
    for handle in &handles {
        assert_eq!(handle.wait().await.unwrap(), "ok");
    }
    assert_eq!((before.elapsed(), events.most_at_once()), (3 * S, 3));
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn off_the_clock_a_task_holds_no_key_either() {
    let (manager, events) = watched(|b| b);
    let away = TaskStep::new("a", |cx: StepContext| async move {
        cx.off_clock(spend(S / 2)).await;
        Ok::<_, String>("back")
    });
    let away = manager.submit(Task::new("a").step(away).key("k")).unwrap();
    let other = manager.submit(second().key("k")).unwrap();
    settle().await;
    assert_eq!((away.state(), other.state()), (TaskState::Waiting, TaskState::Running));
    spend(S * 3 / 4).await;
    assert_eq!(away.state(), TaskState::Waiting, "the key is taken");
    assert_eq!(away.wait().await.unwrap(), "back");
    assert_eq!(other.wait().await.unwrap(), "ok");
    assert_eq!((manager.running(), events.most_at_once()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn priorities_go_first_and_age() {
    let (manager, events) = watched(|b| b.max_concurrent(1).priority_step(30 * S));
    let blocker = manager.submit(endless()).unwrap();
    let mut handles = vec![manager.submit(second().priority(Priority::Low)).unwrap()];
    handles.push(manager.submit(second()).unwrap());
    handles.push(manager.submit(second().priority(Priority::Urgent)).unwrap());
    spend(70 * S).await;
    // By now the ordinary task is worth more than a new urgent one; the low one is not.
    handles.push(manager.submit(second().priority(Priority::Urgent)).unwrap());
    blocker.cancel("go");
    for handle in &handles {
        handle.wait().await.unwrap();
    }
    assert_eq!(starts(&events, &handles), [2, 1, 3, 0]);
}

#[tokio::test(start_paused = true)]
async fn no_more_start_than_the_rate_allows() {
    let (manager, events) = watched(|b| b.max_concurrent(100).rate_limit(3, 10 * S));
    let before = Instant::now();
    let handles: Vec<_> = (0..7).map(|_| manager.submit(second()).unwrap()).collect();
    settle().await;
    assert_eq!((manager.running(), manager.queued()), (3, 4));
    for handle in &handles {
        handle.wait().await.unwrap();
    }
    assert!(before.elapsed() >= 21 * S && before.elapsed() < 22 * S);
    assert_eq!(starts(&events, &handles), [0, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_later_start_is_queued_until_then_and_can_be_cancelled() {
    let (manager, _) = watched(|b| b);
    let before = Instant::now();
    let later = manager.submit(second().start_after(60 * S)).unwrap();
    let never = manager.submit(second().start_after(Duration::MAX)).unwrap();
    let gone = manager.submit(second().start_after(30 * S)).unwrap();
    spend(S).await;
    assert_eq!((later.state(), manager.queued()), (TaskState::Queued, 3));
    assert!(gone.cancel("never mind"));
    assert!(gone.wait().await.is_err());
    assert_eq!(later.wait().await.unwrap(), "ok");
    assert_eq!(before.elapsed().as_secs(), 61);
    let report = manager.shutdown(Shutdown::cancel(S)).await;
    assert_eq!(report.cancelled, [never.id()]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_times_out_and_queueing_counts_against_nothing_else() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let blocker = manager.submit(endless()).unwrap();
    let before = Instant::now();
    let late = manager.submit(second().queue_timeout(5 * S).timeout(2 * S)).unwrap();
    let patient = manager.submit(second().queue_timeout(50 * S).timeout(2 * S)).unwrap();
    let error = late.wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Task was not started within 5s");
    assert_eq!((error.kind(), late.state()), (TaskErrorKind::TimedOut, TaskState::TimedOut));
    assert!(before.elapsed() < 5 * S + 2 * MS);
    assert_eq!(events.kinds(late.id()), ["submitted", "ended"]);
    spend(30 * S).await;
    blocker.cancel("go");
    assert_eq!(patient.wait().await.unwrap(), "ok");
    spend(50 * S).await;
    events.assert_one_end(patient.id());
    assert_eq!((manager.running(), manager.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_same_idempotency_key_is_the_same_task_and_outcome() {
    let (manager, events) = watched(|b| b.idempotency_ttl(60 * S));
    let runs = Arc::new(AtomicU32::new(0));
    let order = || {
        let runs = Arc::clone(&runs);
        let body = move |_: StepContext| {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            async move {
                spend(S).await;
                Ok::<_, String>(run)
            }
        };
        Task::new("order").step(TaskStep::new("s", body)).idempotency_key("order-7")
    };
    let first = manager.submit(order()).unwrap();
    let second = manager.submit(order()).unwrap();
    assert_eq!(first.id(), second.id());
    assert_eq!(first.wait_cloned().await.unwrap(), 0);
    // Also for some time after the end.
    spend(30 * S).await;
    let third = manager.submit(order()).unwrap();
    assert_eq!((third.id(), third.wait_cloned().await.unwrap()), (first.id(), 0));
    assert_eq!(events.kinds(first.id()).iter().filter(|k| **k == "submitted").count(), 1);
    // Another task under the key, by name, steps or output, is refused.
    let other = Task::new("other").idempotency_key("order-7");
    assert!(matches!(manager.submit(other), Err(SubmitError::KeyTaken { .. })));
    let other = Task::new("order").idempotency_key("order-7");
    assert!(matches!(manager.submit(other), Err(SubmitError::KeyTaken { .. })));
    let body = |_: StepContext| async { Ok::<_, String>("text") };
    let other = Task::new("order").step(TaskStep::new("s", body)).idempotency_key("order-7");
    let refused = manager.submit(other).unwrap_err();
    assert_eq!(refused.to_string(), "idempotency key 'order-7' belongs to another task");
    // Another tenant's key is another key, and a task that is no longer remembered runs again.
    assert_eq!(manager.submit(order().tenant("acme")).unwrap().wait().await.unwrap(), 1);
    spend(61 * S).await;
    assert_eq!(manager.submit(order()).unwrap().wait().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn known_fault_one_tenant_does_not_see_anothers_task() {
    let (manager, _) = watched(|b| b);
    let (acme, rival) = (manager.for_tenant("acme"), manager.for_tenant("rival"));
    let handle = acme.submit(endless().tenant("rival")).unwrap();
    let id = handle.id();
    let unowned = manager.submit(endless()).unwrap();
    settle().await;
    assert!(rival.watch(id).is_none() && rival.progress(id).is_none());
    assert!(!rival.cancel(id, "not mine"));
    assert!(rival.list(&TaskFilter::all()).is_empty());
    assert!(rival.list(&TaskFilter::all().tenant("acme")).is_empty());
    assert!(acme.progress(unowned.id()).is_none());
    let listed: Vec<_> = acme.list(&TaskFilter::all()).iter().map(|task| task.task_id).collect();
    assert_eq!(listed, [id]);
    assert!(acme.watch(id).is_some() && acme.cancel(id, "mine"));
    assert!(handle.wait().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn lists_are_filtered() {
    let (manager, _) = watched(|b| b.max_concurrent(2));
    let handles: Vec<_> = (0..3).map(|_| manager.submit(second()).unwrap()).collect();
    let waiting = manager.submit(endless()).unwrap();
    let count = |filter: TaskFilter| manager.list(&filter).len();
    settle().await;
    assert_eq!(count(TaskFilter::all().state(TaskState::Running)), 2);
    assert_eq!(count(TaskFilter::all().state(TaskState::Running).state(TaskState::Queued)), 4);
    assert_eq!(count(TaskFilter::all().name("second").state(TaskState::Queued)), 1);
    assert_eq!(count(TaskFilter::all().name("endless")), 1);
    assert_eq!(manager.list(&TaskFilter::all().limit(1))[0].task_id, handles[0].id());
    waiting.cancel("done");
}

#[test]
fn zero_and_absurd_settings_are_refused() {
    let refused = |b: TaskManagerBuilder| b.build().unwrap_err().to_string();
    let b = TaskManager::builder;
    assert_eq!(refused(b().max_per_key(0)), "task manager: max_per_key must be at least 1");
    assert_eq!(
        refused(b().priority_step(Duration::ZERO)),
        "task manager: aging must be at least a microsecond"
    );
    assert!(refused(b().undo_timeout(Duration::from_nanos(1))).contains("undo_limit"));
    assert!(refused(b().rate_limit(0, S)).contains("1 to 1000000"));
    assert!(refused(b().rate_limit(usize::MAX, S)).contains("1 to 1000000"));
    assert!(refused(b().rate_limit(1, Duration::ZERO)).contains("rate_limit"));
    let huge = b()
        .rate_limit(1_000_000, Duration::MAX)
        .priority_step(Duration::MAX)
        .max_per_key(usize::MAX);
    assert!(huge.undo_timeout(Duration::MAX).idempotency_ttl(Duration::MAX).build().is_ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let (manager, events) = watched(|b| b);
    let error = manager.submit(second().queue_timeout(Duration::ZERO)).unwrap_err();
    assert!(error.to_string().contains("queue_timeout must be longer than zero"), "{error}");
    let error = manager.submit(second().journaled()).unwrap_err();
    assert!(error.to_string().contains("durable of step 's'"), "{error}");
    assert!(
        manager.submit(Task::new("t").journaled()).unwrap_err().to_string().contains("no journal")
    );
    let group = Task::new("t").parallel(vec![TaskStep::new("m", one_second).weight(0)]);
    assert!(manager.submit(group).unwrap_err().to_string().contains("weight of step 'm'"));
    assert!(events.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_can_wait_for_a_signal() {
    let (manager, _) = watched(|b| b);
    let handle = manager.submit(endless()).unwrap();
    let (signal, told) = tokio::sync::oneshot::channel::<()>();
    let (report, ()) = tokio::join!(manager.shutdown_on(told, Shutdown::cancel(S)), async {
        spend(10 * S).await;
        assert_eq!(handle.state(), TaskState::Running);
        signal.send(()).unwrap();
    });
    assert_eq!(report.cancelled, [handle.id()]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_manager_leaks_neither_tasks_nor_timers() {
    struct Dropped(Arc<AtomicU32>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl ProgressEmitter for Dropped {
        fn emit(&self, _: &TaskEvent) {}
    }
    let emitters = Arc::new(AtomicU32::new(0));
    let bodies = Arc::new(AtomicU32::new(0));
    let manager = TaskManager::builder()
        .max_concurrent(2)
        .emitter(Dropped(Arc::clone(&emitters)))
        .build()
        .unwrap();
    for number in 0..6 {
        let held = Dropped(Arc::clone(&bodies));
        let body = move |cx: StepContext| {
            let _ = &held;
            for_ever(cx)
        };
        let task = Task::new("t").step(TaskStep::new("s", body)).key(number.to_string());
        let task = if number > 3 { task.start_after(1_000_000 * S) } else { task };
        manager.submit(task.queue_timeout(1_000_000 * S)).unwrap().detach();
    }
    settle().await;
    assert_eq!(bodies.load(Ordering::SeqCst), 0);
    drop(manager);
    settle().await;
    assert_eq!(bodies.load(Ordering::SeqCst), 6);
    // The scheduler itself is gone too: nothing keeps the values that it owned alive.
    assert_eq!(emitters.load(Ordering::SeqCst), 1);
}
