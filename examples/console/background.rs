//! Long work, for the task cards: fictitious, and slow enough to watch.

use std::time::Duration;

use hitl::prelude::*;
use hitl::tasks::TaskManager;

/// Submits a task at intervals.
pub(crate) async fn keep_working(manager: &TaskManager) {
    for round in 0_u32.. {
        let task = if round % 2 == 0 { refunds(round) } else { schedule(round) };
        if manager.submit(task).is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(40)).await;
    }
    std::future::pending::<()>().await;
}

fn refunds(round: u32) -> Task<()> {
    Task::new("Refunds of cancelled flights")
        .step(TaskStep::new("Find the bookings", |cx: StepContext| work(cx, "reading", 4)))
        .step(
            TaskStep::new("Refund them", |cx: StepContext, ()| work(cx, "paying back", 40))
                .weight(8),
        )
        .step(TaskStep::new("Write to the customers", move |cx: StepContext, ()| async move {
            work(cx, "writing", 8).await?;
            if round % 4 == 2 {
                Err("the mail server refused the message".to_owned())
            } else {
                Ok(())
            }
        }))
}

fn schedule(_: u32) -> Task<()> {
    Task::new("Winter schedule")
        .step(TaskStep::new("Read the fleet", |cx: StepContext| work(cx, "reading", 3)))
        .step(
            TaskStep::new("Assign aircraft", |cx: StepContext, ()| work(cx, "assigning", 30))
                .weight(5),
        )
        .step(
            TaskStep::new("Check the crews", |cx: StepContext, ()| work(cx, "checking", 12))
                .weight(2),
        )
        .step(TaskStep::new("Publish", |cx: StepContext, ()| work(cx, "publishing", 3)))
}

/// Works for this many seconds.
async fn work(cx: StepContext, what: &str, seconds: u32) -> Result<(), String> {
    for second in 1..=seconds {
        cx.message(format!("{what}, {second} of {seconds}"));
        cx.progress(f64::from(second) / f64::from(seconds));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
