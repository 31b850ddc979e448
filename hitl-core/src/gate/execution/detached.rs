//! Futures that run to their end even if their caller is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::sync::Runtime;

/// Runs `work` to its end, even if the caller that waits for it is dropped.
pub(in crate::gate) fn detach_on_drop<O: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = O> + Send + 'static,
) -> DetachOnDrop<O> {
    DetachOnDrop { running: Some(work.boxed()), runtime: runtime.clone() }
}

/// A future that continues in the background when it is dropped.
pub(in crate::gate) struct DetachOnDrop<O: Send + 'static> {
    running: Option<BoxFuture<'static, O>>,
    runtime: Runtime,
}

impl<O: Send + 'static> Future for DetachOnDrop<O> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        let polled = running.as_mut().poll(cx);
        if polled.is_ready() {
            self.running = None;
        }
        polled
    }
}

impl<O: Send + 'static> Drop for DetachOnDrop<O> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.spawn(async move {
                running.await;
            });
        }
    }
}
