//! What `src/sync.rs` offers, under shuttle's scheduler.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use shuttle::rand::Rng as _;
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

#[derive(Clone)]
pub(crate) struct Runtime;

impl Runtime {
    pub(crate) fn current() -> Option<Self> {
        Some(Self)
    }

    #[expect(clippy::unused_self, reason = "as in the crate")]
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(shuttle::future::spawn(future));
    }
}

/// A while, as long as the scheduler likes.
pub(crate) async fn moments(most: u32) {
    let moments = shuttle::rand::thread_rng().gen_range(0..=most);
    for _ in 0..moments {
        shuttle::future::yield_now().await;
    }
}

pub(crate) async fn sleep(_: Duration) {
    // Never at once: a waiter that looks again after each sleep must let the others run.
    shuttle::future::yield_now().await;
    moments(6).await;
}

/// It ran out of its time.
#[derive(Debug)]
pub(crate) struct Late;

pub(crate) async fn timeout<F: Future>(_: Duration, future: F) -> Result<F::Output, Late> {
    match select(pin!(future), pin!(moments(20))).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Late),
    }
}
