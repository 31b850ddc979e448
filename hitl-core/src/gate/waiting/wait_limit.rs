//! The time that a caller is ready to wait for a decision.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::sync::sleep;

/// The time that a caller is ready to wait, from the moment when this is created; or none.
pub(in crate::gate) struct WaitLimit {
    /// `None` once the limit is reached, or if there is none.
    timer: Option<BoxFuture<'static, ()>>,
    is_reached: bool,
}

impl WaitLimit {
    /// Creates no limit.
    pub(in crate::gate) fn none() -> Self {
        Self { timer: None, is_reached: false }
    }

    /// Creates a limit that starts now.
    pub(in crate::gate) fn starting_now(limit: Option<Duration>) -> Self {
        Self { timer: limit.map(|limit| sleep(limit).boxed()), is_reached: false }
    }

    /// Returns whether [`reached`](Self::reached) has returned.
    pub(in crate::gate) fn is_reached(&self) -> bool {
        self.is_reached
    }

    /// Waits until the limit is reached. Never returns a second time. Cancel safe.
    pub(in crate::gate) async fn reached(&mut self) {
        match &mut self.timer {
            Some(timer) => timer.await,
            None => std::future::pending().await,
        }
        self.timer = None;
        self.is_reached = true;
    }
}
