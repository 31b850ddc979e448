//! A step reports its progress.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hitl::tasks::{
    Broadcast, StepContext, Subscription, Task, TaskManager, TaskManagerBuilder, TaskStep,
};
use tokio::sync::broadcast;

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::{one_thread, repeat};

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "one tokio::sync::broadcast send";
    let mut pairs = vec![
        Pair::timed("progress update, nobody watches", || silent(10), against, || sent(1))
            .budget(1.5),
    ];
    for subscribers in [1, 1_000] {
        pairs.push(
            Pair::timed(
                format!("progress update, {subscribers} subscribers"),
                move || watched(10, subscribers),
                against,
                move || sent(subscribers),
            )
            .budget(1.5),
        );
    }
    pairs.push(
        Pair::timed(
            "progress update, 1,000 steps",
            || silent(1_000),
            "itself with 10 steps",
            || silent(10),
        )
        .budget(1.2),
    );
    pairs
}

fn silent(steps: usize) -> Run {
    updating(steps, TaskManager::builder(), Vec::new())
}

fn watched(steps: usize, subscribers: usize) -> Run {
    let broadcast = Broadcast::new(64);
    let subscriptions = (0..subscribers).map(|_| broadcast.subscribe()).collect();
    updating(steps, TaskManager::builder().emitter(broadcast), subscriptions)
}

/// Runs a task whose first step reports its progress this many times.
fn updating(steps: usize, manager: TaskManagerBuilder, subscriptions: Vec<Subscription>) -> Run {
    let runtime = one_thread();
    let manager = runtime.block_on(async { manager.build().expect("a manager") });
    Box::new(move |times| {
        let _watching = &subscriptions;
        let spent = Arc::new(Mutex::new(Duration::ZERO));
        let told = Arc::clone(&spent);
        let report = move |cx: StepContext| {
            let told = Arc::clone(&told);
            async move {
                let start = Instant::now();
                for n in 0..times {
                    cx.progress(share(n, times));
                }
                *told.lock().unwrap_or_else(PoisonError::into_inner) = start.elapsed();
                Ok::<(), String>(())
            }
        };
        let mut task = Task::new("reports").step(TaskStep::new("report", report));
        for _ in 1..steps {
            task = task.step(TaskStep::new("after", |_: StepContext, (): ()| async {
                Ok::<(), String>(())
            }));
        }
        runtime.block_on(async {
            manager.submit(task).expect("submitted").wait().await.expect("done");
        });
        *spent.lock().unwrap_or_else(PoisonError::into_inner)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(n: u64, of: u64) -> f64 {
    n as f64 / of as f64
}

fn sent(subscribers: usize) -> Run {
    let (sender, first) = broadcast::channel::<Arc<u64>>(64);
    let receivers: Vec<_> = (1..subscribers).map(|_| sender.subscribe()).collect();
    let mut n = 0;
    repeat(move || {
        let _watching = (&first, &receivers);
        n += 1;
        sender.send(Arc::new(n)).expect("somebody listens")
    })
}
