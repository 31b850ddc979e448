//! Steps that run at the same time, and steps that block a thread.

use crate::support;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};

use hitl_tasks::*;
use support::{MS, S, for_ever, settle, spend, watched};
use tokio::time::Instant;

fn takes(name: &'static str, time: std::time::Duration) -> TaskStep<u32, u32> {
    TaskStep::new(name, move |_: StepContext, n: u32| async move {
        spend(time).await;
        Ok::<_, String>(n * 10)
    })
}

fn seven() -> Task<u32> {
    Task::new("t").step(TaskStep::new("seven", |_: StepContext| async { Ok::<_, String>(7) }))
}

#[tokio::test(start_paused = true)]
async fn a_group_runs_at_once_in_one_slot_and_makes_a_tuple() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let text =
        TaskStep::new("c", |_: StepContext, n: u32| async move { Ok::<_, String>(n.to_string()) });
    let task = seven().parallel((takes("a", S), takes("b", 3 * S), text)).step(TaskStep::new(
        "sum",
        |_: StepContext, (a, b, text): (u32, u32, String)| async move {
            Ok::<_, String>(format!("{a} {b} {text}"))
        },
    ));
    let before = Instant::now();
    let handle = manager.submit(task).unwrap();
    spend(2 * S).await;
    let progress = handle.progress();
    assert_eq!((progress.total_steps, progress.steps_completed()), (5, 3));
    assert_eq!(progress.steps[2].status, Status::Running);
    assert_eq!(handle.wait().await.unwrap(), "70 70 7");
    assert_eq!((before.elapsed(), events.most_at_once()), (3 * S, 1));
    assert_eq!(handle.progress().percent(), 100);
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn a_vec_of_steps_makes_a_vec() {
    let (manager, _) = watched(|b| b);
    let steps = (0..20_u32)
        .map(|number| {
            TaskStep::new(number.to_string(), move |_: StepContext, n: u32| async move {
                Ok::<_, String>(n + number)
            })
        })
        .collect::<Vec<_>>();
    let made = manager.submit(seven().parallel(steps)).unwrap().wait().await.unwrap();
    assert_eq!(made, (7..27).collect::<Vec<_>>());
    let none = seven().parallel(Vec::<TaskStep<u32, u32>>::new());
    assert!(manager.submit(none).unwrap().wait().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_stops_the_siblings() {
    let (manager, events) = watched(|b| b.cancel_grace_period(2 * S));
    let was_tidy = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&was_tidy);
    let tidies = TaskStep::new("tidies", move |cx: StepContext, _: u32| {
        let flag = Arc::clone(&flag);
        async move {
            cx.cancelled().await;
            spend(S).await;
            flag.store(true, Ordering::SeqCst);
            Ok::<_, String>(())
        }
    });
    let retries =
        TaskStep::new("retries", |_: StepContext, _: u32| async { Err::<(), _>("again") })
            .retry(Retry::times(9).delay(100 * S));
    let fails = TaskStep::new("fails", |_: StepContext, _: u32| async {
        spend(S).await;
        Err::<(), _>("first")
    });
    let task = seven().parallel((takes("slow", 100 * S), tidies, retries, fails));
    let before = Instant::now();
    let handle = manager.submit(task).unwrap();
    let error = handle.wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 'fails' failed: first");
    assert_eq!((before.elapsed(), was_tidy.load(Ordering::SeqCst)), (2 * S, true));
    let states: Vec<_> = handle.progress().steps.iter().map(|step| step.status).collect();
    assert_eq!(states[1..4], [Status::Cancelled; 3]);
    assert_eq!(states[4], Status::Failed);
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_and_the_tasks_time_stop_every_member() {
    for cancel in [true, false] {
        let (manager, events) = watched(|b| b);
        let endless = |name: &'static str| {
            TaskStep::new(name, |cx: StepContext, _: u32| async move { for_ever(cx).await })
        };
        let task = seven().parallel((endless("a"), endless("b"))).timeout(5 * S);
        let handle = manager.submit(task).unwrap();
        spend(S).await;
        if cancel {
            assert!(handle.cancel("stop"));
        }
        assert!(handle.wait().await.is_err());
        let state = if cancel { TaskState::Cancelled } else { TaskState::TimedOut };
        assert_eq!((handle.state(), manager.running()), (state, 0));
        events.assert_one_end(handle.id());
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_holds_its_slot_until_every_member_is_off_the_clock() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let away = |name: &'static str, work: std::time::Duration, away: std::time::Duration| {
        TaskStep::new(name, move |cx: StepContext, _: u32| async move {
            spend(work).await;
            cx.off_clock(spend(away)).await;
            Ok::<_, String>(name)
        })
    };
    let task = seven()
        .parallel((away("a", S, 10 * S), away("b", 3 * S, 20 * S), takes("c", 2 * S)))
        .timeout(4 * S);
    let handle = manager.submit(task).unwrap();
    spend(2_500 * MS).await;
    assert_eq!((handle.state(), manager.running()), (TaskState::Running, 1));
    spend(S).await; // 3.5: c is over, a and b are away
    assert_eq!((handle.state(), manager.running()), (TaskState::Waiting, 0));
    spend(5 * S).await; // 8.5
    assert_eq!(handle.state(), TaskState::Waiting);
    // a is back at 11 with nothing left to do; b at 23. The clock ran for three seconds.
    assert_eq!(handle.wait().await.unwrap(), ("a", "b", 70));
    assert_eq!((manager.running(), events.most_at_once()), (0, 1));
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn progress_of_members_adds_up_and_parts_map_into_their_step() {
    let (manager, _) = watched(|b| b);
    let half = |cx: StepContext, _: u32| async move {
        let part = cx.sub_progress(0.5..1.0);
        part.sub_progress(0.0..0.5).progress(0.0);
        part.message("half");
        spend(S).await;
        part.progress(f64::NAN);
        part.sub_progress(0.5..7.0).progress(2.0);
        spend(S).await;
        Ok::<_, String>(())
    };
    let task = seven().parallel((TaskStep::new("a", half), TaskStep::new("b", half).weight(2)));
    let handle = manager.submit(task).unwrap();
    spend(500 * MS).await;
    let progress = handle.progress();
    assert_eq!(progress.percent(), 63); // (100 + 50 + 2 * 50) / 4 = 62.5
    assert_eq!((progress.steps[1].progress, progress.message.as_deref()), (50.0, Some("half")));
    spend(S).await;
    assert_eq!(handle.progress().percent(), 100);
    handle.wait().await.unwrap();
}

// Steps that block a thread. Real time passes for them, so they wait for channels.

#[tokio::test]
async fn a_blocking_step_makes_its_output_and_its_errors_and_panics_are_failures() {
    let (manager, _) = watched(|b| b);
    let task =
        seven().step(TaskStep::blocking("b", |_: StepContext, n: u32| Ok::<_, String>(n + 1)));
    assert_eq!(manager.submit(task).unwrap().wait().await.unwrap(), 8);
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let fails = move |_: StepContext, _: u32| {
        count.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>("no")
    };
    let task = seven().step(TaskStep::blocking("b", fails).retry(Retry::times(2)));
    let error = manager.submit(task).unwrap().wait().await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), tries.load(Ordering::SeqCst)),
        ("Step 'b' failed: no", 3)
    );
    let panics = |_: StepContext, _: u32| if true { panic!("oh") } else { Ok::<(), String>(()) };
    let task = seven().step(TaskStep::blocking("b", panics));
    let error = manager.submit(task).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 'b' panicked: oh");
}

/// Returns a blocking step that ignores everything until it is released.
fn stubborn() -> (TaskStep<u32, ()>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (began, has_begun) = mpsc::channel();
    let (go, let_go) = mpsc::channel();
    let let_go = std::sync::Mutex::new(let_go);
    let body = move |_: StepContext, _: u32| {
        began.send(()).unwrap();
        let _ = let_go.lock().unwrap().recv();
        Ok::<_, String>(())
    };
    (TaskStep::blocking("stubborn", body), has_begun, go)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocking_step_that_cannot_be_stopped_is_still_running_and_never_cancelled() {
    let (manager, events) = watched(|b| b.max_concurrent(1).cancel_grace_period(MS));
    let (step, has_begun, go) = stubborn();
    let handle = manager.submit(seven().step(step)).unwrap();
    has_begun.recv().unwrap();
    assert!(handle.cancel("stop"));
    let report = manager.shutdown(Shutdown::cancel(50 * MS)).await;
    assert_eq!(report.still_running, [handle.id()]);
    assert!(report.cancelled.is_empty());
    assert_eq!((handle.state(), manager.running()), (TaskState::Running, 1));
    let waited = handle.wait_for(MS).await.unwrap_err();
    assert_eq!(waited.kind(), TaskErrorKind::StillRunning);
    assert!(events.kinds(handle.id()).contains(&"stillRunning"));
    go.send(()).unwrap();
    assert_eq!(handle.wait().await.unwrap_err().reason(), Some("stop"));
    assert_eq!(manager.running(), 0);
    events.assert_one_end(handle.id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_fault_a_timed_out_step_does_not_run_on_after_its_slot_is_given_back() {
    let (manager, events) = watched(|b| b.max_concurrent(1).cancel_grace_period(MS));
    let (step, has_begun, go) = stubborn();
    let handle = manager.submit(seven().step(step.timeout(5 * MS))).unwrap();
    let next = manager.submit(seven()).unwrap();
    has_begun.recv().unwrap();
    let waited = next.wait_for(50 * MS).await.unwrap_err();
    assert_eq!(waited.kind(), TaskErrorKind::StillRunning);
    assert_eq!((manager.running(), next.state()), (1, TaskState::Queued));
    go.send(()).unwrap();
    let error = handle.wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 'stubborn' timed out after 0.005s");
    assert_eq!(next.wait().await.unwrap(), 7);
    assert_eq!(events.most_at_once(), 1);
}

#[test]
fn a_blocking_step_outlives_its_runtime_and_keeps_its_slot_until_it_is_done() {
    let (manager, events) = watched(|b| b);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (step, has_begun, go) = stubborn();
    let handle = {
        let _inside = runtime.enter();
        manager.submit(seven().step(step)).unwrap()
    };
    has_begun.recv().unwrap();
    runtime.shutdown_background();
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let waited = other.block_on(handle.wait_for(20 * MS)).unwrap_err();
    assert_eq!(waited.kind(), TaskErrorKind::StillRunning);
    assert_eq!((handle.state(), manager.running()), (TaskState::Running, 1));
    go.send(()).unwrap();
    let error = other.block_on(handle.wait()).unwrap_err();
    assert_eq!(error.reason(), Some("the runtime was shut down"));
    assert_eq!(manager.running(), 0);
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_input_cannot_be_copied_fails_and_nothing_else() {
    struct Bomb;
    impl Clone for Bomb {
        fn clone(&self) -> Self {
            panic!("no copies")
        }
    }
    let (manager, events) = watched(|b| b);
    let made = TaskStep::new("m", |_: StepContext| async { Ok::<_, String>(Bomb) });
    let takes = |_: StepContext, _: Bomb| async { Ok::<_, String>(()) };
    let task =
        Task::new("t").step(made).parallel((TaskStep::new("a", takes), TaskStep::new("b", takes)));
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Failed);
    settle().await;
    assert_eq!(manager.running(), 0);
    events.assert_one_end(handle.id());
}
