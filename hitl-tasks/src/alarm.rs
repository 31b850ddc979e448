//! What makes the scheduler look again when a time has come: a later start, a rate, a limit of
//! waiting.

use std::sync::{Arc, Weak};

use crate::scheduler::Scheduler;
use crate::sync::sleep_until;

/// Watches the clock for as long as there is a time to wait for. Owns nothing of the scheduler.
pub(crate) async fn watch_the_clock(scheduler: Weak<Scheduler>) {
    let mut gone = Gone(Some(scheduler.clone()));
    loop {
        let Some(this) = scheduler.upgrade() else { return };
        let Some(at) = Scheduler::on_time(&this) else {
            // It has noted down itself that there is no alarm any more.
            gone.0 = None;
            return;
        };
        let at = this.instant(at);
        let retimed = Arc::clone(&this.retimed);
        drop(this);
        let sleep = async {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = retimed.notified() => {}
            () = sleep => {}
        }
    }
}

/// Says that there is no alarm, also when its runtime goes away.
struct Gone(Option<Weak<Scheduler>>);

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(scheduler) = self.0.take().and_then(|scheduler| scheduler.upgrade()) {
            scheduler.no_alarm();
        }
    }
}
