//! Tells many callers at once that theirs is committed, on a thread of its own.
//!
//! Who is told goes on at once, on the very processors that the writer needs: telling a whole group takes
//! as long as what they do then. So the writer hands that over, and is at the next group meanwhile. A few
//! are told by the writer itself: another thread would only be another hop.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use hitl_core::store::Hub;

use super::error::Fault;
use super::operation::Written;
use super::writer::Waiting;
use crate::failpoint::reach;

/// With more than so many to tell, it is handed over.
const FEW: usize = 4;

/// A group that is committed, and has not been told so.
pub(super) struct Committed {
    pub(super) group: VecDeque<Waiting>,
    pub(super) failed: Vec<(Waiting, Fault)>,
    pub(super) written: Vec<Written>,
}

impl Committed {
    fn tell(self, hub: &Hub, path: &Path) {
        for waiting in self.group {
            waiting.operation.acknowledge();
        }
        reach("after-acknowledge");
        for (waiting, fault) in self.failed {
            waiting.operation.fail(fault.at(path));
        }
        for line in self.written {
            hub.notify(line.id);
        }
    }
}

/// The thread that tells. Dropping it ends the thread after what it still has to tell, which is never more
/// than may wait for the writer.
pub(super) struct Answers {
    queue: Option<Sender<Committed>>,
    thread: Option<JoinHandle<()>>,
    hub: Hub,
    path: Arc<Path>,
}

impl Answers {
    /// Starts the thread. Where there can be none, the writer tells everybody.
    pub(super) fn start(hub: Hub, path: Arc<Path>) -> Self {
        let (queue, groups) = channel::<Committed>();
        let (by_hub, at) = (hub.clone(), Arc::clone(&path));
        let name = std::thread::Builder::new().name("hitl-answer".to_owned());
        let work = move || groups.iter().for_each(|committed| committed.tell(&by_hub, &at));
        let thread = name.spawn(work).ok();
        let queue = thread.is_some().then_some(queue);
        Self { queue, thread, hub, path }
    }

    /// Tells them.
    pub(super) fn give(&self, committed: Committed) {
        let many = committed.group.len() + committed.failed.len() > FEW;
        let rest = match &self.queue {
            // After a panic there, which was reported there, nobody takes them any more.
            Some(queue) if many => queue.send(committed).err().map(|unsent| unsent.0),
            _ => Some(committed),
        };
        if let Some(committed) = rest {
            committed.tell(&self.hub, &self.path);
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}
