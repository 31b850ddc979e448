//! How one waits for a task.

use std::future::poll_fn;
use std::task::Poll;

use super::Record;
use super::shared::Inner;
use crate::TaskError;
use crate::sync::lock;

impl Record {
    /// Waits for the end: why it did not complete, if it did not.
    pub(crate) async fn ended(&self) -> Option<TaskError> {
        let wait = Wait { record: self, key: None };
        wait.until(|inner| inner.announced.then(|| inner.error.clone())).await
    }

    /// Waits until something happened after `seen`. `None`: it has ended and nothing will.
    pub(crate) async fn changed_since(&self, seen: u64) -> Option<u64> {
        let wait = Wait { record: self, key: None };
        wait.until(|inner| {
            // From now on every change wakes; most tasks are watched by nobody.
            inner.watched = true;
            match inner.version {
                version if version != seen => Some(Some(version)),
                _ if inner.announced => Some(None),
                _ => None,
            }
        })
        .await
    }
}

/// One wait; dropped, it leaves nothing behind.
struct Wait<'a> {
    record: &'a Record,
    key: Option<u64>,
}

impl Wait<'_> {
    async fn until<T>(mut self, mut ready: impl FnMut(&mut Inner) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut inner = lock(&self.record.inner);
            if let Some(ready) = ready(&mut inner) {
                if let Some(key) = self.key.take() {
                    inner.waiters.strike(key);
                }
                return Poll::Ready(ready);
            }
            inner.waiters.note(&mut self.key, cx);
            Poll::Pending
        })
        .await
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            lock(&self.record.inner).waiters.strike(key);
        }
    }
}
