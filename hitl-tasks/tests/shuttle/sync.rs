//! The items of `src/sync.rs`, under shuttle's scheduler.

use std::sync::PoisonError;
use std::time::Duration;

use shuttle::rand::Rng as _;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
pub(crate) use shuttle::thread_local;
use tokio::time::Instant;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        drop(shuttle::thread::spawn(work));
    }
}

pub(crate) async fn sleep_until(_: Instant) {
    let moments = shuttle::rand::thread_rng().gen_range(0..6_u32);
    for _ in 0..moments {
        shuttle::future::yield_now().await;
    }
}

pub(crate) async fn sleep(_: Duration) {
    sleep_until(Instant::now()).await;
}
