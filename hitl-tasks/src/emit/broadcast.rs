//! Events for any number of subscribers in this process.

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{ProgressEmitter, TaskEvent};

/// The capacity that "as large as you like" becomes.
const MAX_CAPACITY: usize = 1 << 20;

/// Gives every event to everyone who subscribed before it happened. Clones are the same channel.
///
/// It keeps the last `capacity` events for slow subscribers; who is slower than that is told how
/// many were missed ([`Update::Missed`]) and goes on. The producer never waits.
///
/// ```
/// # use hitl_tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let events = Broadcast::new(256);
/// let mut mine = events.subscribe();
/// let manager = TaskManager::builder().emitter(events).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
///
/// let mut seen = Vec::new();
/// while let Some(Update::Event(event)) = mine.recv().await {
///     seen.push(event.what.kind());
///     if event.is_end() {
///         break;
///     }
/// }
/// assert_eq!(seen, ["submitted", "started", "ended"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Broadcast(broadcast::Sender<TaskEvent>);

/// What a subscriber receives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Update {
    /// An event.
    Event(TaskEvent),
    /// The subscriber was too slow: so many events are gone. Ask the manager for
    /// [`progress`](crate::TaskManager::progress) to catch up.
    Missed(u64),
}

impl Broadcast {
    /// Keeps the last `capacity` events (at least 1, at most 1,048,576).
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity.clamp(1, MAX_CAPACITY)))
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl ProgressEmitter for Broadcast {
    fn emit(&self, event: &TaskEvent) {
        // An error only says that nobody has subscribed.
        if self.0.receiver_count() > 0 {
            let _ = self.0.send(event.clone());
        }
    }
}

/// A subscriber's end.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<TaskEvent>);

impl Subscription {
    /// The next event, or how many were missed; `None` once every [`Broadcast`] (and the manager
    /// that had one) is gone. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Update> {
        match self.0.recv().await {
            Ok(event) => Some(Update::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(Update::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}
