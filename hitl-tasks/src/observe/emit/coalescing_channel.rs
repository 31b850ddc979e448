//! An inbox for each subscriber, which merges the events that it has not yet taken.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use crate::id::TaskId;
use crate::observe::emit::broadcast::BroadcastItem;
use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::TaskEvent;
use crate::sync::{Mutex, lock};

/// Sends every event to every inbox, and merges the events of a slow one: a newer event of a task
/// replaces the one that waits. So the latest state and every end always arrive. The producer never
/// waits. Clones are the same channel.
///
/// A merged event shows as a jump of [`TaskEvent::seq`].
///
/// ```
/// # use hitl::tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = CoalescingChannel::new();
/// let mut inbox = channel.inbox(256);
/// let manager = TaskManager::builder().emitter(channel).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
/// while let Some(BroadcastItem::Event(event)) = inbox.recv().await {
///     if event.is_end() {
///         break;
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct CoalescingChannel(Arc<Mutex<Vec<Weak<Shared>>>>);

/// The receiving end of a [`CoalescingChannel`].
pub struct Inbox {
    shared: Arc<Shared>,
    /// Dangling once every channel is gone.
    channel: Weak<Mutex<Vec<Weak<Shared>>>>,
}

struct Shared {
    capacity: usize,
    mail: Mutex<Mailbox>,
    arrived: Notify,
}

#[derive(Default)]
struct Mailbox {
    next: u64,
    /// In order of arrival.
    waiting: BTreeMap<u64, TaskEvent>,
    /// The latest waiting event of each task.
    newest: HashMap<TaskId, u64>,
    missed: u64,
}

/// The multiple of its capacity that an inbox may hold before it drops events: the ends of
/// different tasks cannot be merged.
const MAX_OVERFLOW: usize = 64;

impl CoalescingChannel {
    /// Creates a channel without inboxes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an inbox for all events from now on. Up to `capacity` events (at least 1) wait
    /// unmerged; after that events are merged, and at most one more waits for each task. An inbox
    /// that is never emptied while tasks keep ending drops the oldest events beyond 64 times its
    /// capacity, and reports them as [`BroadcastItem::Missed`].
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

impl ProgressEmitter for CoalescingChannel {
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

impl Drop for CoalescingChannel {
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
            // In place of the older one: a task with many events does not overtake itself, and does
            // not push others out.
            Some(place) if full => mail.waiting.insert(place, event),
            _ => {
                let place = mail.next;
                mail.next += 1;
                mail.newest.insert(id, place);
                mail.waiting.insert(place, event);
                let too_many = mail.waiting.len() > self.capacity.saturating_mul(MAX_OVERFLOW);
                if too_many { mail.drop_oldest() } else { None }
            }
        };
        drop(mail);
        drop(old);
        self.arrived.notify_one();
    }
}

impl Mailbox {
    fn take(&mut self) -> Option<TaskEvent> {
        let (place, event) = self.waiting.pop_first()?;
        if self.newest.get(&event.task.id()) == Some(&place) {
            self.newest.remove(&event.task.id());
        }
        Some(event)
    }

    fn drop_oldest(&mut self) -> Option<TaskEvent> {
        self.missed += 1;
        self.take()
    }
}

impl Inbox {
    /// Receives the next event; `None` once every [`CoalescingChannel`] (and the manager that had
    /// one) is gone and everything was taken. Cancel-safe.
    pub async fn recv(&mut self) -> Option<BroadcastItem> {
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

    /// Returns the next event if there is one already.
    pub fn try_recv(&mut self) -> Option<BroadcastItem> {
        let mut mail = lock(&self.shared.mail);
        if mail.missed > 0 {
            return Some(BroadcastItem::Missed(std::mem::take(&mut mail.missed)));
        }
        mail.take().map(BroadcastItem::Event)
    }
}

impl fmt::Debug for CoalescingChannel {
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
