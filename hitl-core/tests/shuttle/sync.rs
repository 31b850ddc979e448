//! The interface of `src/sync.rs`, under shuttle's scheduler.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};
use shuttle::rand::Rng as _;
pub(crate) use shuttle::sync::{Mutex, MutexGuard, RwLock};
use shuttle::sync::{RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::time::Instant;

/// Locks, even after a panic: as [`hitl_base::sync::lock`], with the scheduler's own lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for reading, even after a panic.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, even after a panic.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

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

    #[expect(clippy::unused_self, reason = "as in the crate")]
    pub(crate) fn host_threads(&self) -> Arc<HostThreads> {
        Arc::new(HostThreads)
    }
}

/// Like `src/host_code.rs`, but on the caller's thread: the scheduler knows no others.
pub(crate) struct HostThreads;

#[derive(Clone)]
pub(crate) struct HostCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    Late,
    Panicked,
    NotAsked,
}

impl HostCode {
    pub(crate) fn new(_: &Arc<HostThreads>, _: Duration) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as in the crate")]
    pub(crate) fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NoAnswer> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| NoAnswer::Panicked)
    }

    pub(crate) async fn run_later<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<R, NoAnswer> {
        match AssertUnwindSafe(timeout(Duration::ZERO, work)).catch_unwind().await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(NoAnswer::Late),
            Err(_) => Err(NoAnswer::Panicked),
        }
    }

    pub(crate) async fn run_blocking<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Result<R, NoAnswer> {
        self.run_later(work).await
    }
}

/// Waits for as long as the scheduler likes.
pub(crate) async fn moments(most: u32) {
    let moments = shuttle::rand::thread_rng().gen_range(0..=most);
    for _ in 0..moments {
        shuttle::future::yield_now().await;
    }
}

pub(crate) async fn sleep(_: Duration) {
    // Never immediate: a waiter that checks again after each sleep must let the others run.
    shuttle::future::yield_now().await;
    moments(6).await;
}

/// An error for an operation that timed out.
#[derive(Debug)]
pub(crate) struct Late;

pub(crate) async fn timeout<F: Future>(_: Duration, future: F) -> Result<F::Output, Late> {
    match select(pin!(future), pin!(moments(20))).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Late),
    }
}

/// Works like the one in `src/sync.rs`, but on the caller's thread: the scheduler knows no others.
pub(crate) async fn off_thread<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
