//! Events for any number of subscribers in this process.

use tokio::sync::broadcast::{self, error::RecvError};

use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::TaskEvent;

/// The maximum capacity; larger values are clamped.
const MAX_CAPACITY: usize = 1 << 20;

/// Sends every event to all current subscribers. Clones are the same channel.
///
/// It keeps the last `capacity` events for slow subscribers; a slower one learns how many it missed
/// ([`BroadcastItem::Missed`]) and continues. The producer never waits.
///
/// ```
/// # use hitl::tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let events = Broadcast::new(256);
/// let mut mine = events.subscribe();
/// let manager = TaskManager::builder().emitter(events).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
///
/// let mut seen = Vec::new();
/// while let Some(BroadcastItem::Event(event)) = mine.recv().await {
///     seen.push(event.kind.name());
///     if event.is_end() {
///         break;
///     }
/// }
/// assert_eq!(seen, ["submitted", "started", "ended"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Broadcast(broadcast::Sender<TaskEvent>);

/// An item that a subscriber receives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BroadcastItem {
    /// An event.
    Event(TaskEvent),
    /// The subscriber was too slow, and this many events are lost. Ask the manager for
    /// [`progress`](crate::TaskManager::progress) to catch up.
    Missed(u64),
}

impl Broadcast {
    /// Creates a channel that keeps the last `capacity` events (at least 1, at most 1,048,576).
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity.clamp(1, MAX_CAPACITY)))
    }

    /// Subscribes to all events from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl ProgressEmitter for Broadcast {
    fn emit(&self, event: &TaskEvent) {
        // An error only means that there is no subscriber.
        if self.0.receiver_count() > 0 {
            let _ = self.0.send(event.clone());
        }
    }
}

/// The receiving end of a [`Broadcast`].
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<TaskEvent>);

impl Subscription {
    /// Receives the next event, or the number of missed ones; `None` once every [`Broadcast`] (and
    /// the manager that had one) is gone. Cancel-safe.
    pub async fn recv(&mut self) -> Option<BroadcastItem> {
        match self.0.recv().await {
            Ok(event) => Some(BroadcastItem::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(BroadcastItem::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}
