//! Timeouts, retries and panics.

use crate::support;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hitl_tasks::*;
use support::{MS, S, ok, one_second, spend, watched};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_time_out_is_a_failed_attempt_and_tried_again() {
    let (manager, events) = watched(|b| b);
    let body = |cx: StepContext| async move {
        if cx.attempt() < 3 {
            spend(10 * S).await;
        }
        Ok::<_, String>(cx.attempt())
    };
    let step = TaskStep::new("s", body).timeout(S).retry(Retry::times(2));
    let before = Instant::now();
    let handle = manager.submit(Task::new("t").step(step)).unwrap();
    assert_eq!(handle.wait().await.unwrap(), 3);
    assert_eq!(before.elapsed(), 2 * S);
    let errors: Vec<_> = events
        .of(handle.id())
        .into_iter()
        .filter_map(|event| match event.kind {
            TaskEventKind::StepRetrying { attempt, error, .. } => {
                Some((attempt, error.to_string()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        errors,
        [(1, "timed out after 1s".to_owned()), (2, "timed out after 1s".to_owned())]
    );
}

#[tokio::test(start_paused = true)]
async fn time_outs_and_no_retries_left_fail_with_the_time_out() {
    let (manager, _) = watched(|b| b);
    let step = TaskStep::new("slow", one_second).timeout(50 * MS).retry(Retry::times(2));
    let before = Instant::now();
    let error = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 'slow' timed out after 0.05s");
    assert_eq!(before.elapsed(), 150 * MS);
}

#[tokio::test(start_paused = true)]
async fn delays_follow_the_schedule_and_count_against_the_task() {
    let (manager, events) = watched(|b| b);
    let fails = |_: StepContext| async { Err::<(), _>("no") };
    let retry = Retry::exponential(5).jitter(Jitter::None);
    let task = || Task::new("t").step(TaskStep::new("s", fails).retry(retry.clone()));
    let before = Instant::now();
    let error = manager.submit(task()).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 's' failed: no");
    assert_eq!(before.elapsed(), 31 * S);

    let before = Instant::now();
    let handle = manager.submit(task().timeout(10 * S)).unwrap();
    assert_eq!(handle.wait().await.unwrap_err().to_string(), "Task timed out after 10s");
    assert_eq!(before.elapsed(), 10 * S);
    events.assert_one_end(handle.id());
}

#[tokio::test(start_paused = true)]
async fn retry_if_decides_and_sees_the_error_itself() {
    #[derive(Debug)]
    struct Busy(u32);
    impl std::fmt::Display for Busy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "busy {}", self.0)
        }
    }
    let (manager, _) = watched(|b| b);
    let body = |cx: StepContext| async move { Err::<(), _>(Busy(cx.attempt())) };
    let step = TaskStep::new("s", body)
        .retry_if(|failure| failure.downcast_ref::<Busy>().is_some_and(|busy| busy.0 < 3))
        .retry(Retry::times(10));
    let error = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 's' failed: busy 3");

    let step = TaskStep::new("s", body).retry(Retry::times(10)).retry_if(|_| panic!("oops"));
    let error = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 's' failed: busy 1");
}

#[tokio::test(start_paused = true)]
async fn every_attempt_gets_the_input_and_the_same_key() {
    let (manager, _) = watched(|b| b);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let body = move |cx: StepContext, input: String| {
        let call = cx.next_call();
        keep.lock().unwrap().push((cx.idempotency_key(), call, input));
        async move { if cx.attempt() == 3 { Ok(cx.step_index()) } else { Err("again") } }
    };
    let first = |_: StepContext| async { Ok::<_, String>("input".to_owned()) };
    let task = Task::new("t")
        .step(TaskStep::new("first", first))
        .step(TaskStep::new("second", body).retry(Retry::times(5)));
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait().await.unwrap(), 1);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(seen[0], (format!("{}/1", handle.id()), 0, "input".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_input_need_not_be_clone_without_retries() {
    struct Once(u32);
    let (manager, _) = watched(|b| b);
    let make = |_: StepContext| async { Ok::<_, String>(Once(7)) };
    let take = |_: StepContext, once: Once| async move { Ok::<_, String>(once.0) };
    let task = Task::new("t").step(TaskStep::new("a", make)).step(TaskStep::new("b", take));
    assert_eq!(manager.submit(task).unwrap().wait().await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn steps_that_never_wait_cannot_outrun_the_tasks_time() {
    let (manager, _) = watched(|b| b);
    let body = |_: StepContext, (): ()| async {
        tokio::time::advance(S).await;
        Ok::<_, String>(())
    };
    let mut task = Task::new("t").timeout(3 * S);
    for index in 0..100 {
        task = task.step(TaskStep::new(format!("s{index}"), body));
    }
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait().await.unwrap_err().kind(), TaskErrorKind::TimedOut);
    assert!(handle.progress().steps_completed() <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_greedy_body_cannot_hide_its_time_out() {
    let (manager, _) = watched(|b| b);
    let body = |_: StepContext| async {
        loop {
            // Uses up tokio's cooperative budget in every poll.
            while tokio::task::coop::has_budget_remaining() {
                tokio::task::consume_budget().await;
            }
            tokio::task::yield_now().await;
        }
        #[expect(unreachable_code, reason = "names the type")]
        Ok::<(), String>(())
    };
    // Paused time advances only when nothing is ready, and this body always is.
    let time = tokio::spawn(async {
        loop {
            tokio::time::advance(MS).await;
        }
    });
    let step = TaskStep::new("s", body).timeout(S);
    let handle = manager.submit(Task::new("t").step(step)).unwrap();
    let error = handle.wait_for(60 * S).await.unwrap_err();
    assert_eq!(error.failure(), Some(FailureKind::TimedOut));
    time.abort();
}

#[tokio::test(start_paused = true)]
async fn queueing_counts_against_no_budget() {
    let (manager, _) = watched(|b| b.max_concurrent(1));
    let first = manager.submit(Task::new("a").step(TaskStep::new("s", one_second))).unwrap();
    let second = manager
        .submit(
            Task::new("b")
                .step(TaskStep::new("s", one_second).timeout(1_500 * MS))
                .timeout(1_500 * MS),
        )
        .unwrap();
    assert_eq!(second.wait().await.unwrap(), "ok");
    assert_eq!(first.wait().await.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_with_its_message_and_never_tried_again() {
    let (manager, events) = watched(|b| b.max_concurrent(1));
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let body = move |_: StepContext| {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::task::yield_now().await;
            let luck: Result<(), String> = Ok(());
            assert!(luck.is_err(), "no luck with Bearer abcdefgh12345678");
            luck
        }
    };
    let step = TaskStep::new("s", body).retry(Retry::times(3));
    let handle = manager.submit(Task::new("t").step(step)).unwrap();
    let error = handle.wait().await.unwrap_err();
    assert_eq!(error.to_string(), "Step 's' panicked: no luck with [redacted]");
    assert_eq!(
        (error.kind(), error.failure()),
        (TaskErrorKind::Failed, Some(FailureKind::Panicked))
    );
    assert_eq!((tries.load(Ordering::SeqCst), manager.running()), (1, 0));
    events.assert_one_end(handle.id());
    let next = manager.submit(Task::new("t").step(TaskStep::new("s", ok))).unwrap();
    assert_eq!(next.wait().await.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_in_the_users_code_hurts_only_its_task() {
    struct Bad;
    impl Clone for Bad {
        fn clone(&self) -> Self {
            panic!("in clone")
        }
    }
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop")
        }
    }
    let (manager, events) = watched(|b| b.max_concurrent(1));

    let make = |_: StepContext| async { Ok::<_, String>(Bad) };
    let take = |_: StepContext, _: Bad| async { Ok::<_, String>(()) };
    let task = Task::new("clone")
        .step(TaskStep::new("a", make))
        .step(TaskStep::new("b", take).retry(Retry::times(1)));
    let handle = manager.submit(task).unwrap();
    assert_eq!(handle.wait().await.unwrap_err().to_string(), "Step 'b' panicked: in clone");
    events.assert_one_end(handle.id());

    let body = |_: StepContext| {
        let ready: Result<(), String> = Ok(());
        assert!(ready.is_err(), "before the future");
        std::future::ready(ready)
    };
    let handle = manager.submit(Task::new("call").step(TaskStep::new("s", body))).unwrap();
    assert!(handle.wait().await.unwrap_err().to_string().ends_with("before the future"));

    let body = |_: StepContext| async {
        let _bomb = Bomb;
        std::future::pending::<Result<(), String>>().await
    };
    let handle =
        manager.submit(Task::new("drop").step(TaskStep::new("s", body).timeout(S))).unwrap();
    assert!(handle.wait().await.unwrap_err().to_string().contains("timed out"));

    let bomb = Bomb;
    let body = move |_: StepContext| {
        let _ = &bomb;
        async { Ok::<_, String>(1) }
    };
    let handle = manager.submit(Task::new("captured").step(TaskStep::new("s", body))).unwrap();
    assert_eq!(handle.wait().await.unwrap(), 1);

    assert_eq!((manager.running(), manager.queued()), (0, 0));
    assert_eq!(
        manager.submit(Task::new("t").step(TaskStep::new("s", ok))).unwrap().wait().await.unwrap(),
        "ok"
    );
}

#[tokio::test(start_paused = true)]
async fn known_fault_a_time_out_of_zero_and_absurd_settings_are_refused() {
    let (manager, events) = watched(|b| b);
    let refused = |task: Task<&'static str>| manager.submit(task).unwrap_err().to_string();
    let step = || TaskStep::new("s", ok);
    assert_eq!(
        refused(Task::new("t").step(step()).timeout(Duration::ZERO)),
        "task 't': timeout must be longer than zero"
    );
    assert_eq!(
        refused(Task::new("t").step(step().timeout(Duration::ZERO))),
        "task 't': timeout of step 's' must be longer than zero"
    );
    assert_eq!(
        refused(Task::new("t").step(step().weight(0))),
        "task 't': weight of step 's' must be at least 1"
    );
    assert_eq!(
        refused(Task::new("t").step(step().retry(Retry::times(u32::MAX)))),
        "task 't': retries of step 's' must be at most 1000000"
    );
    assert!(events.all().is_empty());
    assert_eq!(
        TaskManager::builder().max_concurrent(0).build().unwrap_err().to_string(),
        "task manager: max_concurrent must be at least 1"
    );
    assert!(TaskManager::builder().max_queued(0).build().is_err());

    let (manager, _) = watched(|b| {
        b.max_concurrent(usize::MAX).max_queued(usize::MAX).cancel_grace_period(Duration::MAX)
    });
    let huge = TaskStep::new("s", ok).timeout(Duration::MAX).weight(u32::MAX).retry(
        Retry::exponential(Retry::MAX_RETRIES).delay(Duration::MAX).max_delay(Duration::MAX),
    );
    let task = Task::new("t").step(huge).timeout(Duration::MAX);
    assert_eq!(manager.submit(task).unwrap().wait().await.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn errors_of_every_usual_kind_fit() {
    #[derive(Debug, thiserror::Error)]
    #[error("typed")]
    struct Typed;
    async fn boxed(_: StepContext) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("boxed".into())
    }
    async fn typed(_: StepContext) -> Result<(), Typed> {
        Err(Typed)
    }
    async fn word(_: StepContext) -> Result<(), &'static str> {
        Err("word")
    }
    let (manager, _) = watched(|b| b);
    let steps = [TaskStep::new("s", boxed), TaskStep::new("s", typed), TaskStep::new("s", word)];
    for (step, text) in steps.into_iter().zip(["boxed", "typed", "word"]) {
        let error = manager.submit(Task::new("t").step(step)).unwrap().wait().await.unwrap_err();
        assert_eq!(error.to_string(), format!("Step 's' failed: {text}"));
    }
}
