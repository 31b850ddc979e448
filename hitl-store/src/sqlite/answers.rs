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

use hitl_core::store::ChangeNotifier;

use super::error::Fault;
use super::operation::Written;
use super::writer::Waiting;
use crate::failpoint::reach;

/// How many others somebody tells who has come back.
const HELPED: usize = 2;

/// A group that is committed, and has not been told so.
pub(super) struct Committed {
    pub(super) group: VecDeque<Waiting>,
    pub(super) failed: Vec<(Waiting, Fault)>,
    pub(super) written: Vec<Written>,
}

/// The groups that are committed and not told so.
pub(super) struct Untold {
    groups: Mutex<VecDeque<Committed>>,
    hub: ChangeNotifier,
    path: Arc<Path>,
}

impl Untold {
    /// Tells one caller that theirs is committed; or, when all are told, those whose operation
    /// failed, and whoever watches. False when there is nobody left.
    pub(super) fn tell_next(&self) -> bool {
        let mut groups = self.groups();
        let Some(first) = groups.front_mut() else { return false };
        if let Some(waiting) = first.group.pop_front() {
            drop(groups);
            waiting.operation.acknowledge();
            return true;
        }
        let rest = groups.pop_front();
        drop(groups);
        let Some(Committed { failed, written, .. }) = rest else { return false };
        reach("after-acknowledge");
        for (waiting, fault) in failed {
            waiting.operation.fail(fault.at(&self.path));
        }
        for line in written {
            self.hub.notify(line.id);
        }
        true
    }

    /// Tells a few others: who has been told and has come back takes that off the thread.
    pub(super) fn help(&self) {
        for _ in 0..HELPED {
            let next = self.groups().front_mut().and_then(|first| first.group.pop_front());
            let Some(waiting) = next else { return };
            waiting.operation.acknowledge();
        }
    }

    fn groups(&self) -> MutexGuard<'_, VecDeque<Committed>> {
        // Nothing panics while it is held.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that tells. Dropping it ends the thread after what it still has to tell, which is
/// never more than may wait for the writer.
pub(super) struct Answers {
    untold: Arc<Untold>,
    /// Says that there is somebody to tell.
    queue: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Answers {
    /// Starts the thread. Where there can be none, whoever would hand over tells everybody.
    pub(super) fn start(hub: ChangeNotifier, path: Arc<Path>) -> Self {
        let untold = Arc::new(Untold { groups: Mutex::default(), hub, path });
        let (queue, left) = channel::<()>();
        let of_thread = Arc::clone(&untold);
        let name = std::thread::Builder::new().name("hitl-answer".to_owned());
        let work = move || left.iter().for_each(|()| while of_thread.tell_next() {});
        let thread = name.spawn(work).ok();
        let queue = thread.is_some().then_some(queue);
        Self { untold, queue, thread }
    }

    /// What is to be told, for those who help.
    pub(super) fn untold(&self) -> Arc<Untold> {
        Arc::clone(&self.untold)
    }

    /// They are to be told.
    pub(super) fn add(&self, committed: Committed) {
        self.untold.groups().push_back(committed);
    }

    /// Leaves to the thread whoever has not been told yet.
    pub(super) fn hand_over(&self) {
        if self.untold.groups().is_empty() {
            return;
        }
        // After a panic there, which was reported there, nobody takes them any more.
        if self.queue.as_ref().is_none_or(|queue| queue.send(()).is_err()) {
            while self.untold.tell_next() {}
        }
    }
}

impl Drop for Answers {
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
#[path = "answers_tests.rs"]
mod tests;
