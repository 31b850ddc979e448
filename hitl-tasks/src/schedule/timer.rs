//! Wakes the scheduler at a certain time: a delayed start, a rate limit, a queue timeout.

use std::sync::{Arc, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::schedule::queue::Micros;
use crate::sync::sleep_until;

/// The owner of a timer.
pub(crate) trait TimerOwner: Send + Sync + 'static {
    /// Does the work that is due, and returns the next time to wait for. `None` ends the timer.
    fn on_timer(this: &Arc<Self>) -> Option<Micros>;

    /// Converts a time to tokio's clock; `None` if it never comes.
    fn instant(&self, at: Micros) -> Option<Instant>;

    /// Wakes the timer, which has to wait for another time.
    fn timer_changed(&self) -> &Arc<Notify>;

    /// Notes that there is no timer.
    fn clear_timer(&self);
}

/// Waits while there is a time to wait for. Does not keep its owner alive.
pub(crate) async fn run_timer<O: TimerOwner>(owner: Weak<O>) {
    let mut guard = TimerGuard(Some(owner.clone()));
    loop {
        let Some(this) = owner.upgrade() else { return };
        let Some(at) = O::on_timer(&this) else {
            // The owner has already noted that there is no timer.
            guard.0 = None;
            return;
        };
        let at = this.instant(at);
        let timer_changed = Arc::clone(this.timer_changed());
        drop(this);
        let sleep = async {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = timer_changed.notified() => {}
            () = sleep => {}
        }
    }
}

/// Notes that there is no timer, also when its runtime shuts down.
struct TimerGuard<O: TimerOwner>(Option<Weak<O>>);

impl<O: TimerOwner> Drop for TimerGuard<O> {
    fn drop(&mut self) {
        if let Some(owner) = self.0.take().and_then(|owner| owner.upgrade()) {
            owner.clear_timer();
        }
    }
}
