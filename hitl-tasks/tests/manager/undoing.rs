//! Undoing completed steps.

use crate::support;

use std::sync::{Arc, Mutex};

use hitl_tasks::*;
use support::{MS, S, for_ever, settle, spend, watched};
use tokio::time::Instant;

type Log = Arc<Mutex<Vec<String>>>;

fn said(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

/// Returns a step that can be undone, and logs both.
fn doing<I: Clone + Send + 'static>(name: &'static str, log: &Log) -> TaskStep<I, &'static str> {
    let (does, undoes) = (Arc::clone(log), Arc::clone(log));
    TaskStep::new(name, move |_: StepContext, _: I| {
        does.lock().unwrap().push(format!("do {name}"));
        async move { Ok::<_, String>(name) }
    })
    .undo(move |cx: StepContext, output: &'static str| {
        assert!(cx.idempotency_key().ends_with("/undo"));
        undoes.lock().unwrap().push(format!("undo {output}"));
        async { Ok::<_, String>(()) }
    })
}

fn failing<I: Send + 'static>() -> TaskStep<I, ()> {
    TaskStep::new("fails", |_: StepContext, _: I| async { Err::<(), _>("no") })
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_undone_in_reverse_and_reported() {
    let (manager, events) = watched(|b| b);
    let log = Log::default();
    let task = Task::new("t").step(doing("a", &log)).step(doing("b", &log)).step(failing());
    let handle = manager.submit(task).unwrap();
    let error = handle.wait().await.unwrap_err();
    assert_eq!(said(&log), ["do a", "do b", "undo b", "undo a"]);
    assert_eq!(error.to_string(), "Step 'fails' failed: no");
    let undone: Vec<_> =
        error.undo_results().iter().map(|u| (u.step, &*u.name, &u.error)).collect();
    assert_eq!(undone, [(1, "b", &None), (0, "a", &None)]);
    let kinds = events.kinds(handle.id());
    assert_eq!(
        kinds[kinds.len() - 6..],
        ["undoing", "undoStarted", "undoDone", "undoStarted", "undoDone", "ended"]
    );
    events.assert_one_end(handle.id());
    assert_eq!((manager.running(), events.most_at_once()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_completes_undoes_nothing() {
    let (manager, _) = watched(|b| b);
    let log = Log::default();
    let handle = manager.submit(Task::new("t").step(doing("a", &log))).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "a");
    assert_eq!(said(&log), ["do a"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_and_a_time_out_undo_too() {
    let endless =
        || TaskStep::new("s", |cx: StepContext, _: &'static str| async move { for_ever(cx).await });
    for cancel in [true, false] {
        let (manager, events) = watched(|b| b);
        let log = Log::default();
        let task = Task::new("t").step(doing("a", &log)).step(endless()).timeout(5 * S);
        let handle = manager.submit(task).unwrap();
        spend(S).await;
        if cancel {
            assert!(handle.cancel("stop"));
        }
        let error = handle.wait().await.unwrap_err();
        let state = if cancel { TaskState::Cancelled } else { TaskState::TimedOut };
        assert_eq!((handle.state(), error.undo_results().len()), (state, 1));
        assert_eq!(said(&log), ["do a", "undo a"]);
        events.assert_one_end(handle.id());
    }
}

#[tokio::test(start_paused = true)]
async fn off_the_clock_it_gets_a_slot_to_undo_with() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let log = Log::default();
    let waits = |cx: StepContext, _: &'static str| async move {
        cx.off_clock(std::future::pending::<()>()).await;
        Ok::<_, String>(())
    };
    let task = Task::new("t").step(doing("a", &log)).step(TaskStep::new("w", waits));
    let handle = manager.submit(task).unwrap();
    settle().await;
    assert_eq!(handle.state(), TaskState::Waiting);
    handle.cancel("stop");
    assert!(handle.wait().await.is_err());
    assert_eq!(said(&log), ["do a", "undo a"]);
    assert_eq!(manager.running(), 0);
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn invariant_11_cancelling_while_it_undoes_changes_nothing() {
    let (manager, events) = watched(|b| b);
    let slow = |_: StepContext, (): ()| async {
        spend(10 * S).await;
        Ok::<_, String>(())
    };
    let step = TaskStep::new("a", |_: StepContext| async { Ok::<_, String>(()) }).undo(slow);
    let handle = manager.submit(Task::new("t").step(step).step(failing())).unwrap();
    spend(S).await;
    assert_eq!(handle.state(), TaskState::Undoing);
    assert_eq!(handle.progress().status, Status::Running);
    assert!(!handle.cancel("too late"));
    let report = manager.shutdown(Shutdown::cancel(S)).await;
    assert_eq!(report.still_running, [handle.id()]);
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Failed);
    assert_eq!(handle.state(), TaskState::Failed);
    events.assert_one_end(handle.id());
    assert_eq!(manager.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_is_tried_again_reported_and_keeps_no_other_from_being_undone() {
    let (manager, _) = watched(|b| b.undo_timeout(5 * S));
    let log = Log::default();
    let tries = Arc::clone(&log);
    let stubborn =
        TaskStep::new("b", |_: StepContext, _: &'static str| async { Ok::<_, String>(()) })
            .retry(Retry::times(2).delay(S))
            .undo(move |cx: StepContext, (): ()| {
                tries.lock().unwrap().push(format!("try {}", cx.attempt()));
                async { Err::<(), _>("Bearer abcdefgh12345678") }
            });
    let hangs = TaskStep::new("c", |_: StepContext, (): ()| async { Ok::<_, String>(()) })
        .undo(|cx: StepContext, (): ()| async move { for_ever(cx).await });
    let panics = TaskStep::new("d", |_: StepContext, (): ()| async { Ok::<_, String>(()) })
        .undo(|_: StepContext| async { if true { panic!("oh") } else { Ok::<_, String>(()) } });
    let task = Task::new("t")
        .step(doing("a", &log))
        .step(stubborn)
        .step(hangs)
        .step(panics)
        .step(failing());
    let before = Instant::now();
    let error = manager.submit(task).unwrap().wait().await.unwrap_err();
    assert_eq!(before.elapsed(), 7 * S); // 5 of the one that hangs, 2 between tries
    let errors: Vec<_> = error.undo_results().iter().map(|u| u.error.as_deref()).collect();
    let expected = [Some("oh"), Some("timed out after 5s"), Some("[redacted]"), None];
    assert_eq!(errors[0..2], expected[0..2]);
    assert!(!errors[2].unwrap().contains("abcdefgh"), "{errors:?}");
    assert_eq!(errors[3], None);
    assert_eq!(said(&log), ["do a", "try 1", "try 2", "try 3", "undo a"]);
}

#[tokio::test(start_paused = true)]
async fn members_of_a_group_that_are_done_are_undone() {
    let (manager, _) = watched(|b| b);
    let log = Log::default();
    let late = TaskStep::new("late", |_: StepContext, (): ()| async {
        spend(100 * MS).await;
        Err::<(), _>("late")
    });
    let task = Task::new("t").parallel((doing("a", &log), late, doing("b", &log)));
    let error = manager.submit(task).unwrap().wait().await.unwrap_err();
    assert_eq!(error.failed_step(), Some(1));
    assert_eq!(said(&log), ["do a", "do b", "undo b", "undo a"]);
}

#[test]
fn invariant_11_a_runtime_that_goes_away_while_it_undoes_leaves_the_decided_end() {
    let (manager, events) = watched(|b| b);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let step = TaskStep::new("a", |_: StepContext| async { Ok::<_, String>(()) })
        .undo(|cx: StepContext, (): ()| async move { for_ever(cx).await });
    let handle = runtime.block_on(async {
        let handle = manager.submit(Task::new("t").step(step).step(failing())).unwrap();
        while handle.state() != TaskState::Undoing {
            tokio::task::yield_now().await;
        }
        handle
    });
    drop(runtime);
    assert_eq!((handle.state(), manager.running()), (TaskState::Failed, 0));
    events.assert_one_end(handle.id());
}

/// Returns a step whose undo fails, and is retried an hour later, twice.
fn stubborn(log: &Log) -> TaskStep<(), ()> {
    let tries = Arc::clone(log);
    TaskStep::new("stubborn", |_: StepContext, (): ()| async { Ok::<_, String>(()) })
        .retry(Retry::times(2).delay(3600 * S))
        .undo(move |cx: StepContext, (): ()| {
            tries.lock().unwrap().push(format!("try {}", cx.attempt()));
            async { Err::<(), _>("no") }
        })
        .durable()
}

fn fails_durably() -> TaskStep<(), ()> {
    TaskStep::new("fails", |_: StepContext, (): ()| async { Err::<(), _>("no") }).durable()
}

#[tokio::test(start_paused = true)]
async fn the_time_between_attempts_to_undo_can_be_cancelled() {
    let (manager, events) = watched(|b| b);
    let log = Log::default();
    let handle = manager.submit(Task::new("t").step(stubborn(&log)).step(fails_durably())).unwrap();
    settle().await;
    assert_eq!((handle.state(), said(&log).len()), (TaskState::Undoing, 1));
    let before = Instant::now();
    assert!(!handle.cancel("how it ends is decided"));
    let error = handle.wait().await.unwrap_err();
    assert!(before.elapsed() < S, "it no longer waits");
    assert_eq!(said(&log), ["try 1", "try 2", "try 3"], "and still tries");
    assert_eq!((error.kind(), error.undo_results().len()), (TaskErrorKind::Failed, 1));
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn invariant_10_an_undoing_whose_host_goes_away_goes_on_later() {
    let (journal, log, id) = (MemoryJournal::new(), Log::default(), TaskId::new());
    let task = || {
        let task = Task::new("t").id(id).step(doing_durably(&log)).step(stubborn(&log));
        task.step(fails_durably()).journaled()
    };
    let (first, events) = watched(|b| b.journal(journal.clone()));
    let handle = first.submit(task()).unwrap();
    settle().await;
    assert_eq!(handle.state(), TaskState::Undoing);
    let report = first.shutdown(Shutdown::cancel(S)).await;
    assert_eq!(report.interrupted, [id], "{report:?}");
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::Interrupted);
    assert_eq!(said(&log), ["try 1"], "the rest is left for later");
    events.assert_one_end(id);

    let (second, events) = watched(|b| b.journal(journal.clone()));
    let handle = second.submit(task()).unwrap();
    let error = handle.wait().await.unwrap_err();
    assert_eq!(said(&log)[..2], ["try 1", "try 2"], "attempts count on");
    assert_eq!(said(&log).last().unwrap(), "undo a");
    assert_eq!((error.failed_step(), error.undo_results().len()), (Some(2), 2));
    events.assert_one_end(id);
}

fn doing_durably(log: &Log) -> TaskStep<(), ()> {
    let undoes = Arc::clone(log);
    TaskStep::new("a", |_: StepContext, (): ()| async { Ok::<_, String>(()) })
        .undo(move |_: StepContext, (): ()| {
            undoes.lock().unwrap().push("undo a".to_owned());
            async { Ok::<_, String>(()) }
        })
        .durable()
}
