//! Makes timed runs of operations, plain and async.

use std::future::Future;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

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

/// Repeats an operation that makes its own ready state first: the making is not timed.
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

/// One thread: what a path costs by itself.
pub fn one_thread() -> Rc<Runtime> {
    Rc::new(Builder::new_current_thread().enable_all().build().expect("a runtime"))
}

/// Two threads: what callers do at once.
pub fn two_threads() -> Rc<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Rc::new(runtime.expect("a runtime"))
}
