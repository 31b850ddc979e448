//! What happens to calls, as one viewer hears of it: in order, numbered, and from wherever they
//! stopped.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};

use super::error::GateError;
use super::handle::{Gate, Inner};
use crate::machine::HistoryEntry;
use crate::queue::ReviewScope;
use crate::store::ChangeWatch;

/// How many entries are read in one go, which is all that a reader ever holds.
const STRETCH: usize = 200;
/// The shortest time between two reads that find nothing more: many changes are read together.
const PAUSE: Duration = Duration::from_millis(5);
/// How often is read although no hint came.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What a reader of events is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A call has changed.
    Changed {
        /// The change's number: unique in the store and rising.
        number: u64,
        /// What happened, and where the call stands after it.
        entry: HistoryEntry,
    },
    /// What happened after the number `after` is no longer kept, up to what is told next. Read the
    /// queue anew.
    Gap {
        /// The last number before it.
        after: u64,
    },
}

/// A reader of events: see [`Gate::events`].
pub struct Events {
    gate: Arc<Inner>,
    viewer: ReviewScope,
    watch: ChangeWatch,
    ready: VecDeque<(u64, HistoryEntry)>,
    /// Everything up to it was told, or is not this viewer's to hear.
    position: u64,
    /// A gap after this number was told.
    gap_told: Option<u64>,
}

impl Gate {
    /// What happens to the calls that `viewer` may see, after the change with number `after`; 0 is
    /// the beginning of what is kept.
    ///
    /// Keep [`Events::position`] to go on later, in another process too. A reader holds little and
    /// slows nobody: what it has not read is in the store, and where that no longer keeps it, the
    /// reader is told of the gap.
    ///
    /// ```no_run
    /// # use hitl_core::{Gate, GateError, ReviewScope};
    /// # use hitl_core::gate::Happening;
    /// # async fn follow(gate: Gate, mut kept: u64) -> Result<(), GateError> {
    /// let mut events = gate.events(ReviewScope::tenant("acme"), kept);
    /// loop {
    ///     match events.next().await? {
    ///         Happening::Changed { entry, .. } => println!("{} is {}", entry.key, entry.state),
    ///         Happening::Gap { .. } => println!("read the queue anew"),
    ///         _ => {}
    ///     }
    ///     kept = events.position();
    /// }
    /// # }
    /// ```
    pub fn events(&self, viewer: ReviewScope, after: u64) -> Events {
        Events {
            // Before anything is read, so that no hint is missed.
            watch: self.inner.store.watch_all(),
            gate: Arc::clone(&self.inner),
            viewer,
            ready: VecDeque::new(),
            position: after,
            gap_told: None,
        }
    }
}

impl Events {
    /// What happened next; waits until something does.
    ///
    /// An error leaves the reader where it was: call again. Cancel safe.
    pub async fn next(&mut self) -> Result<Happening, GateError> {
        loop {
            while let Some((number, entry)) = self.ready.pop_front() {
                self.position = number;
                if self.viewer.sees(&entry.key.tenant) {
                    return Ok(Happening::Changed { number, entry });
                }
            }
            let history = self.gate.store.history(self.position, STRETCH).await?;
            let is_new = history.gap && self.gap_told != Some(self.position);
            let is_short = history.entries.len() < STRETCH;
            self.ready.extend(history.entries);
            if is_new {
                let after = self.position;
                if self.ready.is_empty() {
                    // Beyond the end, which a restore has put back: goes on from there.
                    self.position = after.min(self.gate.store.last_history_seq().await?);
                }
                self.gap_told = Some(self.position);
                return Ok(Happening::Gap { after });
            }
            if self.ready.is_empty() {
                tokio::select! {
                    () = self.watch.changed() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
            if is_short && self.ready.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// The number after which to go on later: everything up to it was told.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// As a stream. It does not end; after an error it goes on where it was.
    pub fn into_stream(self) -> impl Stream<Item = Result<Happening, GateError>> + Send {
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
