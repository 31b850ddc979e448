//! Tells callers that theirs is committed.
//!
//! The writer does it for as long as nobody has come back: it would wait anyway. Whoever has come
//! back tells a few others: on their processor, where those go on, that costs the least. What is
//! left when the writer has something to write is told by a thread of its own, so that nobody waits
//! for the next commit too.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use hitl_core::store::Hub;

use super::error::Fault;
use super::operation::{HistoryLine, QueuedOperation};
use crate::failpoint::reach;

/// How many others somebody tells who has come back.
const ACKS_PER_CALLER: usize = 2;

/// A group that is committed, and has not been told so.
pub(super) struct CommittedGroup {
    pub(super) group: VecDeque<QueuedOperation>,
    pub(super) failed: Vec<(QueuedOperation, Fault)>,
    pub(super) written: Vec<HistoryLine>,
}

/// The groups that are committed and not told so.
pub(super) struct PendingAcks {
    groups: Mutex<VecDeque<CommittedGroup>>,
    hub: Hub,
    path: Arc<Path>,
}

impl PendingAcks {
    /// Tells one caller that theirs is committed; or, when all are told, those whose operation
    /// failed, and whoever watches. False when there is nobody left.
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

    /// Tells a few others: who has been told and has come back takes that off the thread.
    pub(super) fn ack_some(&self) {
        for _ in 0..ACKS_PER_CALLER {
            let next = self.groups().front_mut().and_then(|first| first.group.pop_front());
            let Some(queued) = next else { return };
            queued.operation.acknowledge();
        }
    }

    fn groups(&self) -> MutexGuard<'_, VecDeque<CommittedGroup>> {
        // Nothing panics while it is held.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that tells. Dropping it ends the thread after what it still has to tell, which is
/// never more than may wait for the writer.
pub(super) struct AckThread {
    pending: Arc<PendingAcks>,
    /// Says that there is somebody to tell.
    queue: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AckThread {
    /// Starts the thread. Where there can be none, whoever would hand over tells everybody.
    pub(super) fn start(hub: Hub, path: Arc<Path>) -> Self {
        let pending = Arc::new(PendingAcks { groups: Mutex::default(), hub, path });
        let (queue, left) = channel::<()>();
        let of_thread = Arc::clone(&pending);
        let name = std::thread::Builder::new().name("hitl-answer".to_owned());
        let work = move || left.iter().for_each(|()| while of_thread.ack_next() {});
        let thread = name.spawn(work).ok();
        let queue = thread.is_some().then_some(queue);
        Self { pending, queue, thread }
    }

    /// What is to be told, for those who help.
    pub(super) fn pending(&self) -> Arc<PendingAcks> {
        Arc::clone(&self.pending)
    }

    /// They are to be told.
    pub(super) fn add(&self, committed: CommittedGroup) {
        self.pending.groups().push_back(committed);
    }

    /// Leaves to the thread whoever has not been told yet.
    pub(super) fn hand_over(&self) {
        if self.pending.groups().is_empty() {
            return;
        }
        // After a panic there, which was reported there, nobody takes them any more.
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
