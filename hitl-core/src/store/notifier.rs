//! Notification of waiters, within one process.
//!
//! Only hints are sent: a waiter subscribes, reads the store, and then waits. A hint may be
//! spurious, but none is lost between subscribing and waiting.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::ids::RequestId;
use crate::sync::{Mutex, MutexGuard, lock};

/// A sender of hints on which calls have changed. Stores own one; clones share it.
#[derive(Clone, Debug, Default)]
pub struct ChangeNotifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    calls: Mutex<HashMap<RequestId, watch::Sender<()>>>,
    any: watch::Sender<()>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { calls: Mutex::default(), any: watch::Sender::new(()) }
    }
}

impl Inner {
    fn calls(&self) -> MutexGuard<'_, HashMap<RequestId, watch::Sender<()>>> {
        // Each critical section is one map operation, so a panic cannot leave it half done.
        lock(&self.calls)
    }
}

impl ChangeNotifier {
    /// Notifies the waiters that a call has changed.
    pub fn notify(&self, id: RequestId) {
        if let Some(sender) = self.0.calls().get(&id) {
            sender.send_replace(());
        }
        self.0.any.send_replace(());
    }

    /// Notifies all waiters that any call may have changed.
    pub fn notify_all(&self) {
        for sender in self.0.calls().values() {
            sender.send_replace(());
        }
        self.0.any.send_replace(());
    }

    /// Returns a watch on one call.
    pub fn watch(&self, id: RequestId) -> ChangeWatch {
        let hint = self.0.calls().entry(id).or_insert_with(|| watch::Sender::new(())).subscribe();
        ChangeWatch { hint: Some(hint), call: Some((id, Arc::clone(&self.0))) }
    }

    /// Returns a watch on all calls.
    pub fn watch_all(&self) -> ChangeWatch {
        ChangeWatch { hint: Some(self.0.any.subscribe()), call: None }
    }

    /// Returns whether anybody waits. Otherwise a store that polls for the changes of other
    /// processes can stop.
    pub fn has_waiters(&self) -> bool {
        self.0.any.receiver_count() > 0 || !self.0.calls().is_empty()
    }
}

/// A subscription to hints. See [`ChangeNotifier`].
#[derive(Debug)]
pub struct ChangeWatch {
    /// `None` only while it is dropped.
    hint: Option<watch::Receiver<()>>,
    call: Option<(RequestId, Arc<Inner>)>,
}

impl ChangeWatch {
    /// Completes at the next hint since the last one seen, or since subscribing.
    ///
    /// Cancel safe: a hint that was not returned is returned by the next call.
    pub async fn changed(&mut self) {
        let Some(hint) = &mut self.hint else { return };
        if hint.changed().await.is_err() {
            // The notifier is gone; there will never be a hint.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for ChangeWatch {
    fn drop(&mut self) {
        let Some((id, inner)) = &self.call else { return };
        let mut calls = inner.calls();
        // Dropped under the lock, so that of two that leave together the second sees that none
        // remains.
        self.hint = None;
        if calls.get(id).is_some_and(|sender| sender.receiver_count() == 0) {
            calls.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn hints_reach_their_waiters_and_nothing_is_left_behind() {
        let (hub, a, b) = (ChangeNotifier::default(), RequestId::new(), RequestId::new());
        assert!(!hub.has_waiters());
        let (mut first, mut second, mut other) = (hub.watch(a), hub.watch(a), hub.watch(b));
        hub.notify(a);
        assert!(first.changed().now_or_never().is_some());
        assert!(first.changed().now_or_never().is_none(), "one hint wakes once");
        assert!(second.changed().now_or_never().is_some());
        assert!(other.changed().now_or_never().is_none());
        hub.notify_all();
        assert!(other.changed().now_or_never().is_some());
        drop((first, second));
        assert_eq!(hub.0.calls().len(), 1);
        drop(other);
        assert!(!hub.has_waiters());
    }

    #[test]
    fn invariant_13_waiters_that_leave_together_leave_nothing_behind() {
        let (hub, turns) = (ChangeNotifier::default(), std::sync::Barrier::new(4));
        for _ in 0..500 {
            let id = RequestId::new();
            let watches: [ChangeWatch; 4] = std::array::from_fn(|_| hub.watch(id));
            std::thread::scope(|scope| {
                for watch in watches {
                    let turns = &turns;
                    scope.spawn(move || {
                        turns.wait();
                        drop(watch);
                    });
                }
            });
            assert!(!hub.has_waiters());
        }
    }
}
