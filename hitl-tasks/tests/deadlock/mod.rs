//! A step that waits on the clock for a task behind itself gets a deadlock error, and only then.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hitl_tasks::*;

use crate::support::{MS, S, settle, spend, watched};

type Failure = TaskError;
type Place = Arc<OnceLock<TaskHandle<u32>>>;

/// Returns a task that takes this long and does nothing else.
fn child(name: &str, takes: Duration) -> Task<u32> {
    Task::new(name.to_owned()).step(TaskStep::new("s", move |_: StepContext| async move {
        spend(takes).await;
        Ok::<_, String>(7)
    }))
}

/// Returns a task whose step submits a child and waits for it on the clock, and the result of that
/// wait.
fn parent(
    manager: &TaskManager,
    child: impl Fn() -> Task<u32> + Send + Sync + 'static,
) -> Task<Result<u32, Failure>> {
    let manager = manager.clone();
    Task::new("parent").step(TaskStep::new("waits", move |_: StepContext| {
        let handle = manager.submit(child()).unwrap();
        async move { Ok::<_, String>(handle.wait().await) }
    }))
}

fn kind(heard: &Result<u32, Failure>) -> Option<TaskErrorKind> {
    heard.as_ref().err().map(TaskError::kind)
}

#[tokio::test(start_paused = true)]
async fn the_only_slot_is_not_waited_for_from_within_it() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let id = TaskId::new();
    let handle = manager.submit(parent(&manager, move || child("child", S).id(id))).unwrap();
    let heard = handle.wait_for(S).await.unwrap();
    assert_eq!(kind(&heard), Some(TaskErrorKind::Deadlock));
    let text = heard.unwrap_err().to_string();
    assert!(text.contains("'child'") && text.contains("off_clock"), "{text}");
    // The child was not affected: it runs now that there is a slot.
    settle().await;
    spend(2 * S).await;
    assert_eq!(events.kinds(id).last(), Some(&"ended"));
}

#[tokio::test(start_paused = true)]
async fn off_the_clock_it_is_waited_for() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let inner = manager.clone();
    let step = TaskStep::new("waits", move |cx: StepContext| {
        let (first, second) = (inner.submit(child("a", S)), inner.submit(child("b", S)));
        async move {
            // The second is polled before the first has left the clock.
            let (a, b) = (first.unwrap(), second.unwrap());
            let (b, a) = tokio::join!(b.wait(), cx.off_clock(a.wait()));
            a.and_then(|a| b.map(|b| a + b)).map_err(|error| error.to_string())
        }
    });
    assert_eq!(manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap(), 14);
}

#[tokio::test(start_paused = true)]
async fn of_those_who_hold_all_slots_the_last_to_wait_hears_of_it() {
    let (manager, _) = watched(|b| b.max_concurrent(3));
    let parents: Vec<_> =
        (0..3).map(|_| manager.submit(parent(&manager, || child("c", S))).unwrap()).collect();
    let mut refused = 0;
    for parent in parents {
        let heard = parent.wait().await.unwrap();
        match kind(&heard) {
            Some(TaskErrorKind::Deadlock) => refused += 1,
            other => assert_eq!((other, heard.unwrap()), (None, 7)),
        }
    }
    assert_eq!(refused, 1);
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_will_be_free_is_waited_for() {
    let (manager, _) = watched(|b| b.max_concurrent(2));
    let busy = manager.submit(child("busy", 5 * S)).unwrap();
    let waits = manager.submit(parent(&manager, || child("c", S))).unwrap();
    assert_eq!(waits.wait().await.unwrap().unwrap(), 7);
    busy.wait().await.unwrap();
    // The same holds for another task that waits for a running one.
    let (manager, _) = watched(|b| b.max_concurrent(2));
    let runs = manager.submit(child("runs", 5 * S)).unwrap();
    let runs = Arc::new(runs);
    let step = TaskStep::new("waits", move |_: StepContext| {
        let runs = Arc::clone(&runs);
        async move { runs.wait().await.map_err(|error| error.to_string()) }
    });
    let chain = manager.submit(Task::new("t").step(step)).unwrap();
    let queued = manager.submit(child("queued", S)).unwrap();
    assert_eq!((chain.wait().await.unwrap(), queued.wait().await.unwrap()), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_not_waited_for_from_within_it() {
    let (manager, _) = watched(|b| b.max_concurrent(9).max_per_key(1));
    let of_one = |key: &'static str| parent(&manager, || child("c", S).key("ann")).key(key);
    let same = manager.submit(of_one("ann")).unwrap().wait_for(S).await.unwrap();
    assert_eq!(kind(&same), Some(TaskErrorKind::Deadlock));
    let other = manager.submit(of_one("bob")).unwrap().wait().await.unwrap();
    assert_eq!(other.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_circle_of_waits_is_found_although_there_are_slots() {
    let (manager, _) = watched(|b| b.max_concurrent(9));
    let waits_for = |place: &Place| {
        let place = Arc::clone(place);
        Task::new("t").step(TaskStep::new("waits", move |_: StepContext| {
            let place = Arc::clone(&place);
            async move {
                tokio::task::yield_now().await;
                match place.get().unwrap().wait().await {
                    Err(error) if error.kind() == TaskErrorKind::Deadlock => Ok(1),
                    Err(error) => Err(error.to_string()),
                    Ok(circle) => Ok(circle + 1),
                }
            }
        }))
    };
    let (one, two, own) = (Place::default(), Place::default(), Place::default());
    let handle = |place: &Place| manager.submit(waits_for(place)).unwrap();
    let (first, second) = (handle(&two), handle(&one));
    assert!(one.set(first).is_ok() && two.set(second).is_ok());
    assert!(own.set(handle(&own)).is_ok());
    let ends = [&one, &two, &own].map(|place| place.get().unwrap().progress().task_id);
    for id in ends {
        if let Some(watcher) = manager.watch(id) {
            let ended = tokio::time::timeout(S, watcher.wait()).await;
            assert_eq!(ended.unwrap(), TaskState::Completed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_wants_its_slot_back_is_behind_too() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let away = TaskStep::new("away", |cx: StepContext| async move {
        cx.off_clock(spend(5 * S)).await;
        Ok::<_, String>(7)
    });
    let away = Arc::new(manager.submit(Task::new("away").step(away)).unwrap());
    settle().await;
    let target = Arc::clone(&away);
    let step = TaskStep::new("waits", move |_: StepContext| {
        let target = Arc::clone(&target);
        async move { Ok::<_, String>(target.wait_cloned().await) }
    });
    let waits = manager.submit(Task::new("t").step(step)).unwrap();
    spend(4 * S).await;
    assert_eq!(waits.state(), TaskState::Running, "it may still end by itself");
    let heard = waits.wait_for(2 * S).await.unwrap();
    assert_eq!(kind(&heard), Some(TaskErrorKind::Deadlock));
    assert_eq!(away.wait().await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_by_itself_is_left_alone() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let inner = manager.clone();
    let step = TaskStep::new("waits", move |_: StepContext| {
        let bounded = inner.submit(child("bounded", S)).unwrap();
        let late = inner.submit(child("late", S).queue_timeout(5 * S)).unwrap();
        async move {
            let bounded = bounded.wait_for(3 * S).await.unwrap_err().kind();
            Ok::<_, String>((bounded, late.wait().await.unwrap_err().kind()))
        }
    });
    let heard = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap();
    assert_eq!(heard, (TaskErrorKind::StillRunning, TaskErrorKind::TimedOut));
    // A caller that is not a step of the manager holds none of its slots.
    let (other, _) = watched(|b| b.max_concurrent(1));
    let waits = other.submit(parent(&manager, || child("elsewhere", S))).unwrap();
    assert_eq!(waits.wait().await.unwrap().unwrap(), 7);
}

#[test]
fn a_body_that_blocks_hears_of_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (manager, _) = watched(|b| b.max_concurrent(1));
        let inner = manager.clone();
        let step = TaskStep::blocking("waits", move |_: StepContext, ()| {
            let handle = inner.submit(child("c", MS)).unwrap();
            Ok::<_, String>(tokio::runtime::Handle::current().block_on(handle.wait()))
        });
        let heard = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap();
        assert_eq!(kind(&heard), Some(TaskErrorKind::Deadlock));
    });
}
