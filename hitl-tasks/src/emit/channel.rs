//! A mailbox for each subscriber, which merges what it has not yet taken.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::Update;
use crate::sync::{Mutex, lock};
use crate::{ProgressEmitter, TaskEvent, TaskId};

/// Gives every event to every inbox. Where an inbox is slow, events are merged: of a task that has
/// an event waiting, a newer one takes its place, so that the newest state always arrives and so
/// does every end. The producer never waits. Clones are the same channel.
///
/// A merged event shows in a jump of [`TaskEvent::seq`].
///
/// ```
/// # use hitl_tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = Channel::new();
/// let mut inbox = channel.inbox(256);
/// let manager = TaskManager::builder().emitter(channel).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
/// while let Some(Update::Event(event)) = inbox.recv().await {
///     if event.is_end() {
///         break;
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Channel(Arc<Mutex<Vec<Weak<Shared>>>>);

/// A subscriber's end of a [`Channel`].
pub struct Inbox {
    shared: Arc<Shared>,
    /// Gone when every channel is.
    channel: Weak<Mutex<Vec<Weak<Shared>>>>,
}

struct Shared {
    capacity: usize,
    mail: Mutex<Mail>,
    arrived: Notify,
}

#[derive(Default)]
struct Mail {
    next: u64,
    /// In order of arrival.
    waiting: BTreeMap<u64, TaskEvent>,
    /// Each task's newest event among those that wait.
    newest: HashMap<TaskId, u64>,
    missed: u64,
}

/// How many times its capacity an inbox may hold before it loses something: ends of tasks cannot be
/// merged with those of others.
const HARD_LIMIT: usize = 64;

impl Channel {
    /// A channel without inboxes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Receives everything from now on. Up to `capacity` events (at least 1) wait as they are; from
    /// then on they are merged, and at most one more waits for each task. An inbox that nobody
    /// empties while tasks go on for ever has to lose something in the end: beyond 64 times its
    /// capacity it does, the oldest first, and says so with [`Update::Missed`].
    pub fn inbox(&self, capacity: usize) -> Inbox {
        let shared = Arc::new(Shared {
            capacity: capacity.max(1),
            mail: Mutex::default(),
            arrived: Notify::new(),
        });
        lock(&self.0).push(Arc::downgrade(&shared));
        Inbox { shared, channel: Arc::downgrade(&self.0) }
    }
}

impl ProgressEmitter for Channel {
    fn emit(&self, event: &TaskEvent) {
        lock(&self.0).retain(|inbox| {
            let inbox = inbox.upgrade();
            inbox.is_some_and(|inbox| {
                inbox.put(event.clone());
                true
            })
        });
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            for inbox in lock(&self.0).iter().filter_map(Weak::upgrade) {
                inbox.arrived.notify_one();
            }
        }
    }
}

impl Shared {
    fn put(&self, event: TaskEvent) {
        let mut mail = lock(&self.mail);
        let id = event.task.id();
        let full = mail.waiting.len() >= self.capacity;
        let old = match mail.newest.get(&id).copied() {
            // In the place of the older one: a task that talks a lot does not overtake itself, and
            // does not push others out.
            Some(place) if full => mail.waiting.insert(place, event),
            _ => {
                let place = mail.next;
                mail.next += 1;
                mail.newest.insert(id, place);
                mail.waiting.insert(place, event);
                let too_many = mail.waiting.len() > self.capacity.saturating_mul(HARD_LIMIT);
                if too_many { mail.lose() } else { None }
            }
        };
        drop(mail);
        drop(old);
        self.arrived.notify_one();
    }
}

impl Mail {
    fn take(&mut self) -> Option<TaskEvent> {
        let (place, event) = self.waiting.pop_first()?;
        if self.newest.get(&event.task.id()) == Some(&place) {
            self.newest.remove(&event.task.id());
        }
        Some(event)
    }

    fn lose(&mut self) -> Option<TaskEvent> {
        self.missed += 1;
        self.take()
    }
}

impl Inbox {
    /// The next event; `None` once every [`Channel`] (and the manager that had one) is gone and
    /// everything was taken. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Update> {
        loop {
            let last = self.channel.strong_count() == 0;
            if let Some(update) = self.try_recv() {
                return Some(update);
            }
            if last {
                return None;
            }
            self.shared.arrived.notified().await;
        }
    }

    /// The next event that is already here.
    pub fn try_recv(&mut self) -> Option<Update> {
        let mut mail = lock(&self.shared.mail);
        if mail.missed > 0 {
            return Some(Update::Missed(std::mem::take(&mut mail.missed)));
        }
        mail.take().map(Update::Event)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("inboxes", &lock(&self.0).len()).finish()
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = lock(&self.shared.mail).waiting.len();
        f.debug_struct("Inbox").field("waiting", &waiting).finish_non_exhaustive()
    }
}
