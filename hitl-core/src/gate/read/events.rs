//! The changes of calls that one viewer may see: in order, numbered, and from any position.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};

use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::machine::HistoryEntry;
use crate::queue::ReviewScope;
use crate::store::ChangeWatch;

/// The number of entries read at a time. A reader never holds more.
const PAGE: usize = 200;
/// The minimum time between two reads that find nothing new, so that several changes are read
/// together.
const MIN_PAUSE: Duration = Duration::from_millis(5);
/// The interval at which the store is read without a hint.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// An event of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GateEvent {
    /// A call has changed.
    Changed {
        /// The change's number: unique in the store and increasing.
        number: u64,
        /// The change, and the state of the call after it.
        entry: HistoryEntry,
    },
    /// The changes after the number `after`, up to the next event, are no longer stored. Read the
    /// queue again.
    Gap {
        /// The last number before it.
        after: u64,
    },
}

/// A reader of the changes of the calls that one person may see: [`ScopedGate::events`] after the
/// change with a number; 0 is the beginning of the stored history.
///
/// Store [`position`](Self::position) to continue later, also in another process. A reader holds
/// little and slows down nobody: unread changes stay in the store, and if the store no longer has
/// them, the reader gets a gap.
///
/// ```no_run
/// # use hitl::{queue::ReviewScope, Gate, GateError};
/// # use hitl::gate::GateEvent;
/// # async fn follow(gate: Gate, mut kept: u64) -> Result<(), GateError> {
/// let mut events = gate.scoped_to(ReviewScope::tenant("acme")).events(kept);
/// loop {
///     match events.next().await? {
///         GateEvent::Changed { entry, .. } => println!("{} is {}", entry.key, entry.state),
///         GateEvent::Gap { .. } => println!("read the queue again"),
///         _ => {}
///     }
///     kept = events.position();
/// }
/// # }
/// ```
///
/// [`ScopedGate::events`]: crate::ScopedGate::events
pub struct Events {
    core: Arc<GateCore>,
    viewer: ReviewScope,
    watch: ChangeWatch,
    ready: VecDeque<(u64, HistoryEntry)>,
    /// The number up to which everything was returned, or is hidden from this viewer.
    position: u64,
    /// The number after which a gap was already returned.
    reported_gap: Option<u64>,
}

impl Events {
    pub(super) fn new(core: Arc<GateCore>, viewer: ReviewScope, after: u64) -> Self {
        Self {
            // Created before anything is read, so that no hint is missed.
            watch: core.calls.store().watch_all(),
            core,
            viewer,
            ready: VecDeque::new(),
            position: after,
            reported_gap: None,
        }
    }

    /// Waits for the next event.
    ///
    /// After an error the reader keeps its position: call again. Cancel safe.
    pub async fn next(&mut self) -> Result<GateEvent, GateError> {
        loop {
            while let Some((number, entry)) = self.ready.pop_front() {
                self.position = number;
                if self.viewer.sees(&entry.key.tenant) {
                    return Ok(GateEvent::Changed { number, entry });
                }
            }
            let history = self.core.calls.store().history(self.position, PAGE).await?;
            let is_new = history.gap && self.reported_gap != Some(self.position);
            let is_short = history.entries.len() < PAGE;
            self.ready.extend(history.entries);
            if is_new {
                let after = self.position;
                if self.ready.is_empty() {
                    // The position is beyond the end, because the store was restored: continue from
                    // the store's end.
                    self.position = after.min(self.core.calls.store().last_history_seq().await?);
                }
                self.reported_gap = Some(self.position);
                return Ok(GateEvent::Gap { after });
            }
            if self.ready.is_empty() {
                tokio::select! {
                    () = self.watch.changed() => {}
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                }
            }
            if is_short && self.ready.is_empty() {
                tokio::time::sleep(MIN_PAUSE).await;
            }
        }
    }

    /// Returns the number after which to continue later: everything up to it was returned.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Converts it to a stream. The stream does not end; after an error it continues where it was.
    pub fn into_stream(self) -> impl Stream<Item = Result<GateEvent, GateError>> + Send {
        stream::unfold(self, |mut events| async move { Some((events.next().await, events)) })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("viewer", &self.viewer)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
