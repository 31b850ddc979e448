//! Builds timed runs of operations, plain and async.

use std::future::Future;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::pair::Run;

/// Repeats a plain operation.
pub fn repeat<O>(mut operation: impl FnMut() -> O + 'static) -> Run {
    Box::new(move |times| {
        let start = Instant::now();
        for _ in 0..times {
            black_box(operation());
        }
        start.elapsed()
    })
}

/// Repeats an async operation, one after the other, on the given runtime.
pub fn repeat_on<F: Future>(
    runtime: Rc<Runtime>,
    mut operation: impl FnMut() -> F + 'static,
) -> Run {
    Box::new(move |times| {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..times {
                black_box(operation().await);
            }
            start.elapsed()
        })
    })
}

/// Repeats an operation that prepares its own state first: the preparation is not timed.
pub fn repeat_made_on<S, F: Future>(
    runtime: Rc<Runtime>,
    mut make: impl FnMut() -> S + 'static,
    mut operation: impl FnMut(S) -> F + 'static,
) -> Run {
    Box::new(move |times| {
        runtime.block_on(async {
            let mut spent = std::time::Duration::ZERO;
            for _ in 0..times {
                let state = make();
                let start = Instant::now();
                black_box(operation(state).await);
                spent += start.elapsed();
            }
            spent
        })
    })
}

/// The minimum number of operations of each of several callers: the cost of grouping them only
/// shows when they come back.
const ROUNDS: u64 = 8;

/// Runs an operation by this many callers at once; each has a number of its own, from 1.
pub fn by_callers<F: Future<Output = ()> + Send + 'static>(
    runtime: Rc<Runtime>,
    callers: u64,
    operation: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Run {
    let mut next = 1;
    Box::new(move |times| {
        let least = if callers == 1 { 1 } else { ROUNDS };
        let each = times.div_ceil(callers).max(least);
        let first = next;
        next += each * callers;
        let spent = runtime.block_on(async {
            let start = Instant::now();
            let mut working = JoinSet::new();
            for caller in 0..callers {
                let operation = operation.clone();
                working.spawn(async move {
                    for round in 0..each {
                        operation(first + round * callers + caller).await;
                    }
                });
            }
            while let Some(done) = working.join_next().await {
                done.expect("no caller fails");
            }
            start.elapsed()
        });
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let share = times as f64 / (each * callers) as f64;
        spent.mul_f64(share)
    })
}

/// Creates a runtime with one thread: the cost of a path by itself.
pub fn one_thread() -> Rc<Runtime> {
    Rc::new(Builder::new_current_thread().enable_all().build().expect("a runtime"))
}

/// Creates a runtime with two threads: the cost of concurrent callers.
pub fn two_threads() -> Rc<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Rc::new(runtime.expect("a runtime"))
}
