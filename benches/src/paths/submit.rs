//! Tasks of one step that does nothing.

use std::rc::Rc;

use hitl::tasks::{StepContext, Task, TaskManager, TaskStep};
use tokio::task::JoinSet;

use crate::heap;
use crate::measure::Effort;
use crate::pair::{Pair, Run, Unit};
use crate::timing::{repeat_made_on, repeat_on, two_threads};

pub(super) fn pairs(effort: Effort) -> Vec<Pair> {
    let mut pairs = vec![
        Pair::timed("submit + wait, one no-op step", one, "tokio::spawn + join", spawned)
            .budget(3.0),
        Pair::timed("submit + wait, 10,000 at once", || many(10_000), "JoinSet", || joined(10_000)),
    ];
    if effort == Effort::Thorough {
        pairs.push(
            Pair::timed(
                "submit + wait, 1,000,000 at once",
                || many(1_000_000),
                "JoinSet",
                || joined(1_000_000),
            )
            .at_most(1),
        );
    }
    pairs.push(Pair::on_heap("pending task, memory", Unit::Bytes, "800 B", pending).budget(1.0));
    pairs.push(Pair::on_heap(
        "submit + wait, allocations",
        Unit::Allocations,
        "tokio::spawn + join",
        allocations,
    ));
    pairs
}

async fn nothing(_: StepContext) -> Result<(), String> {
    Ok(())
}

fn no_op() -> Task<()> {
    Task::new("no-op").step(TaskStep::new("nothing", nothing))
}

fn manager(slots: usize) -> TaskManager {
    let builder = TaskManager::builder().max_concurrent(slots).max_queued(1_100_000);
    builder.idempotency_ttl(std::time::Duration::ZERO).build().expect("a manager")
}

fn one() -> Run {
    let runtime = two_threads();
    let manager = runtime.block_on(async { manager(8) });
    repeat_on(runtime, move || {
        let handle = manager.submit(no_op()).expect("submitted");
        async move { handle.wait().await.expect("done") }
    })
}

fn spawned() -> Run {
    repeat_on(two_threads(), || async { tokio::spawn(async {}).await.expect("done") })
}

fn many(tasks: usize) -> Run {
    let runtime = two_threads();
    let inside = Rc::clone(&runtime);
    repeat_made_on(
        runtime,
        move || {
            let _inside = inside.enter();
            manager(64)
        },
        move |manager| async move {
            let handles: Vec<_> =
                (0..tasks).map(|_| manager.submit(no_op()).expect("submitted")).collect();
            for handle in handles {
                handle.wait().await.expect("done");
            }
        },
    )
}

fn joined(tasks: usize) -> Run {
    repeat_on(two_threads(), move || async move {
        let mut set = JoinSet::new();
        for _ in 0..tasks {
            set.spawn(async {});
        }
        while set.join_next().await.is_some() {}
    })
}

/// Returns the bytes on the heap for each waiting task, its handle included.
fn pending() -> (f64, f64) {
    const TASKS: u32 = 10_000;
    let runtime = two_threads();
    let _inside = runtime.enter();
    let manager = manager(1);
    let holder = Task::new("holds the slot")
        .step(TaskStep::new("wait", |_: StepContext| std::future::pending::<Result<(), String>>()));
    let held = manager.submit(holder).expect("submitted");
    while manager.running() == 0 {
        std::thread::yield_now();
    }
    let mut handles = Vec::with_capacity(TASKS as usize + 1);
    let ((), used) = heap::watch(|| {
        for _ in 0..TASKS {
            handles.push(manager.submit(no_op()).expect("submitted"));
        }
    });
    drop(held);
    (used.kept / f64::from(TASKS), 800.0)
}

fn allocations() -> (f64, f64) {
    const TIMES: u32 = 1_000;
    let (mut ours, mut yardstick) = (one(), spawned());
    ours(10);
    yardstick(10);
    let each = |run: &mut Run| heap::watch(|| run(TIMES.into())).1.allocations / f64::from(TIMES);
    (each(&mut ours), each(&mut yardstick))
}
