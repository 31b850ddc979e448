//! Acknowledges committed operations.
//!
//! While idle, the writer thread acknowledges: it would wait anyway. Callers help: each one that
//! submits again acknowledges up to [`ACKS_PER_CALLER`] waiting callers, on the processor on which
//! those continue, which costs the least. A separate thread acknowledges the rest as soon as the
//! writer has something to write, so that no caller waits for the next commit as well.
//!
//! Together they pay 11 % of the time of "SQLite Auto call, claimed durably, 64 callers"
//! (cargo xtask bench sqlite), beside acknowledging on the writer's thread.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use hitl_base::sync::lock;
use hitl_core::store::ChangeNotifier;

use super::error::Fault;
use super::operation::{HistoryLine, QueuedOperation};
use crate::failpoint::reach;

/// The number of waiting callers that one caller acknowledges.
const ACKS_PER_CALLER: usize = 2;

/// A committed group that is not acknowledged yet.
pub(super) struct CommittedGroup {
    pub(super) group: VecDeque<QueuedOperation>,
    pub(super) failed: Vec<(QueuedOperation, Fault)>,
    pub(super) written: Vec<HistoryLine>,
}

/// The committed groups that are not acknowledged yet.
pub(super) struct PendingAcks {
    groups: Mutex<VecDeque<CommittedGroup>>,
    hub: ChangeNotifier,
    path: Arc<Path>,
}

impl PendingAcks {
    /// Acknowledges one operation; or, once a group has none left, fails those of its operations
    /// that failed and notifies its watchers. Returns `false` if nothing is left to do.
    pub(super) fn ack_next(&self) -> bool {
        let mut groups = self.groups();
        let Some(first) = groups.front_mut() else { return false };
        if let Some(queued) = first.group.pop_front() {
            drop(groups);
            queued.operation.acknowledge();
            return true;
        }
        let rest = groups.pop_front();
        drop(groups);
        let Some(CommittedGroup { failed, written, .. }) = rest else { return false };
        reach("after-acknowledge");
        for (queued, fault) in failed {
            queued.operation.fail(fault.at(&self.path));
        }
        for line in written {
            self.hub.notify(line.id);
        }
        true
    }

    /// Acknowledges up to [`ACKS_PER_CALLER`] operations, for a caller that submits again.
    pub(super) fn ack_some(&self) {
        for _ in 0..ACKS_PER_CALLER {
            let next = self.groups().front_mut().and_then(|first| first.group.pop_front());
            let Some(queued) = next else { return };
            queued.operation.acknowledge();
        }
    }

    fn groups(&self) -> MutexGuard<'_, VecDeque<CommittedGroup>> {
        // Nothing panics while it is held.
        lock(&self.groups)
    }
}

/// The thread that acknowledges. Dropping it ends the thread after the remaining acknowledgements,
/// which are never more than may wait for the writer.
pub(super) struct AckThread {
    pending: Arc<PendingAcks>,
    /// The channel that wakes the thread.
    queue: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AckThread {
    /// Starts the thread. If it cannot be started, `hand_over` acknowledges everything itself.
    pub(super) fn start(hub: ChangeNotifier, path: Arc<Path>) -> Self {
        let pending = Arc::new(PendingAcks { groups: Mutex::default(), hub, path });
        let (queue, left) = channel::<()>();
        let of_thread = Arc::clone(&pending);
        let name = std::thread::Builder::new().name("hitl-answer".to_owned());
        let work = move || left.iter().for_each(|()| while of_thread.ack_next() {});
        let thread = name.spawn(work).ok();
        let queue = thread.is_some().then_some(queue);
        Self { pending, queue, thread }
    }

    /// Returns the pending acknowledgements, for callers that help.
    pub(super) fn pending(&self) -> Arc<PendingAcks> {
        Arc::clone(&self.pending)
    }

    /// Adds a committed group.
    pub(super) fn add(&self, committed: CommittedGroup) {
        self.pending.groups().push_back(committed);
    }

    /// Leaves the pending acknowledgements to the thread.
    pub(super) fn hand_over(&self) {
        if self.pending.groups().is_empty() {
            return;
        }
        // If the thread panicked, which was reported there, no thread takes them any more.
        if self.queue.as_ref().is_none_or(|queue| queue.send(()).is_err()) {
            while self.pending.ack_next() {}
        }
    }
}

impl Drop for AckThread {
    fn drop(&mut self) {
        self.hand_over();
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[path = "acknowledge_tests.rs"]
mod tests;
