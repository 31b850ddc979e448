//! Ending a manager with a long queue.

use std::rc::Rc;
use std::time::Duration;

use hitl::tasks::{Shutdown, StepContext, Task, TaskManager, TaskStep};
use tokio::task::JoinSet;

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::{repeat_made_on, two_threads};

const TASKS: usize = 10_000;

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    vec![
        Pair::timed(
            "shutdown with 10,000 queued",
            shutting_down,
            "JoinSet: abort and join as many",
            aborting,
        )
        .at_most(8),
    ]
}

fn shutting_down() -> Run {
    let runtime = two_threads();
    let inside = Rc::clone(&runtime);
    repeat_made_on(
        runtime,
        move || {
            let _inside = inside.enter();
            let builder = TaskManager::builder().max_concurrent(4).max_queued(TASKS + 10);
            let manager = builder.build().expect("a manager");
            let handles: Vec<_> = (0..TASKS)
                .map(|_| {
                    let wait = |_: StepContext| std::future::pending::<Result<(), String>>();
                    let task = Task::new("waits").step(TaskStep::new("wait", wait));
                    manager.submit(task).expect("submitted")
                })
                .collect();
            (manager, handles)
        },
        |(manager, handles)| async move {
            let report = manager.shutdown(Shutdown::cancel(Duration::from_secs(10))).await;
            assert_eq!(report.cancelled.len(), TASKS);
            handles
        },
    )
}

fn aborting() -> Run {
    let runtime = two_threads();
    let inside = Rc::clone(&runtime);
    repeat_made_on(
        runtime,
        move || {
            let _inside = inside.enter();
            let mut set = JoinSet::new();
            for _ in 0..TASKS {
                set.spawn(std::future::pending::<()>());
            }
            set
        },
        |mut set| async move { set.shutdown().await },
    )
}
