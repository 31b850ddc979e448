//! Waits for changes and for the end of a task.

use std::future::poll_fn;
use std::task::Poll;

use crate::error::TaskError;
use crate::state::record::{Record, RecordState};
use crate::sync::lock;

impl Record {
    /// Waits for the end. Returns the reason why the task did not complete, if it did not.
    pub(crate) async fn wait_finished(&self) -> Option<TaskError> {
        let wait = Wait { record: self, key: None };
        wait.until(|inner| inner.finished_notified.then(|| inner.error.clone())).await
    }

    /// Waits until the version differs from `seen`. `None` if the task has ended and nothing
    /// changes any more.
    pub(crate) async fn wait_changed(&self, seen: u64) -> Option<u64> {
        let wait = Wait { record: self, key: None };
        wait.until(|inner| {
            // From now on every change wakes the watchers. Most tasks have none.
            inner.watched = true;
            match inner.version {
                version if version != seen => Some(Some(version)),
                _ if inner.finished_notified => Some(None),
                _ => None,
            }
        })
        .await
    }
}

/// One wait. Dropping it leaves nothing behind.
struct Wait<'a> {
    record: &'a Record,
    key: Option<u64>,
}

impl Wait<'_> {
    async fn until<T>(mut self, mut ready: impl FnMut(&mut RecordState) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut inner = lock(&self.record.inner);
            if let Some(ready) = ready(&mut inner) {
                if let Some(key) = self.key.take() {
                    inner.waiters.remove(key);
                }
                return Poll::Ready(ready);
            }
            inner.waiters.register(&mut self.key, cx);
            Poll::Pending
        })
        .await
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            lock(&self.record.inner).waiters.remove(key);
        }
    }
}
