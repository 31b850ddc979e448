//! The last events, numbered, for readers that come back.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hitl_base::id::Uuid;
use tokio::sync::watch;

use crate::sync::{Mutex, lock};
use crate::{Happening, ProgressEmitter, TaskEvent, TaskId};

/// Where a reader stands: what a browser sends back as `Last-Event-ID`.
///
/// Its text names the log and the last event that was read. A position in another log (of this
/// process before it was restarted) is known as such, and reading from there begins with a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    log: u32,
    number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.log, self.number)
    }
}

/// The text is not a [`Position`], like `5f0c9a1e-42`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a position in an event log: it looks like 5f0c9a1e-42")]
pub struct ParsePositionError(());

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (log, number) = text.split_once('-')?;
            let log = u32::from_str_radix(log, 16).ok()?;
            Some(Self { log, number: number.parse().ok()? })
        };
        parse().ok_or(ParsePositionError(()))
    }
}

/// What a reader of an [`EventLog`] is given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Logged {
    /// An event, and where a reader stands that has read it.
    Event(Position, TaskEvent),
    /// Events (of any task) are missing here: they are no longer kept, or were told before a
    /// restart. Ask the manager for its [`tasks`](crate::TaskManager::tasks) to catch up.
    Gap,
}

/// Keeps the last events of all tasks. Any number of readers follow it, from wherever they like;
/// none of them slows a task down. Clones are the same log.
///
/// ```
/// # use hitl_tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let log = EventLog::new(10_000);
/// let manager = TaskManager::builder().emitter(log.clone()).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
///
/// let mut reader = log.read(None);
/// let Some(Logged::Event(position, first)) = reader.next().await else { unreachable!() };
/// assert_eq!(first.what.kind(), "submitted");
///
/// // The browser reconnects with `Last-Event-ID`.
/// let mut reader = log.read(Some(position.to_string().parse()?));
/// let Some(Logged::Event(_, second)) = reader.next().await else { unreachable!() };
/// assert_eq!(second.what.kind(), "started");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct EventLog(Arc<Shared>);

struct Shared {
    id: u32,
    capacity: usize,
    kept: Mutex<Kept>,
    /// The number of the newest event.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    events: VecDeque<TaskEvent>,
    /// Number of the newest event; the first one is 1.
    newest: u64,
    /// Tasks whose last event is still to come.
    living: HashSet<TaskId>,
}

impl EventLog {
    /// Keeps the last `capacity` events; at least 1.
    pub fn new(capacity: usize) -> Self {
        let (newest, _) = watch::channel(0);
        let id = Uuid::new_v4().as_fields().0;
        Self(Arc::new(Shared { id, capacity: capacity.max(1), kept: Mutex::default(), newest }))
    }

    /// Reads what comes after a position; without one, all that is kept and then what comes.
    pub fn read(&self, after: Option<Position>) -> LogReader {
        let (next, gap) = match after {
            Some(after) if after.log == self.0.id => (after.number.saturating_add(1), false),
            Some(_) => (1, true),
            None => (1, false),
        };
        LogReader {
            log: Arc::clone(&self.0),
            newest: self.0.newest.subscribe(),
            next,
            gap,
            only: Only::default(),
        }
    }

    /// The same, of one task. Ends after the task's last event; at once when that lies behind the
    /// position, or is no longer kept, or when the log knows of no such task.
    pub fn read_task(&self, task: TaskId, after: Option<Position>) -> LogReader {
        let mut reader = self.read(after);
        reader.only.task = Some(task);
        reader
    }
}

impl ProgressEmitter for EventLog {
    fn emit(&self, event: &TaskEvent) {
        let mut kept = lock(&self.0.kept);
        let oldest = (kept.events.len() >= self.0.capacity).then(|| kept.events.pop_front());
        kept.events.push_back(event.clone());
        kept.newest += 1;
        match event.what {
            Happening::Submitted => drop(kept.living.insert(event.task.id())),
            Happening::Ended { .. } => drop(kept.living.remove(&event.task.id())),
            _ => {}
        }
        let newest = kept.newest;
        drop(kept);
        drop(oldest);
        // Numbers may be told out of order; readers only need to hear of the greatest.
        self.0.newest.send_if_modified(|told| {
            let newer = *told < newest;
            *told = newest.max(*told);
            newer
        });
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = lock(&self.0.kept).newest;
        f.debug_struct("EventLog").field("newest", &newest).finish_non_exhaustive()
    }
}

/// Reads an [`EventLog`], at its own pace.
#[derive(Clone)]
pub struct LogReader {
    log: Arc<Shared>,
    newest: watch::Receiver<u64>,
    next: u64,
    gap: bool,
    only: Only,
}

/// What a reader wants to hear of.
#[derive(Clone, Debug, Default)]
struct Only {
    task: Option<TaskId>,
    tenant: Option<Arc<str>>,
    ended: bool,
}

impl LogReader {
    /// Only events of this tenant's tasks. Positions and gaps are those of the whole log.
    #[must_use]
    pub fn of_tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.only.tenant = Some(tenant.into());
        self
    }

    /// The next event, or a gap. `None` after the last event of a
    /// [single task](EventLog::read_task); otherwise it waits for what comes. Cancel-safe.
    pub async fn next(&mut self) -> Option<Logged> {
        loop {
            if self.only.ended {
                return None;
            }
            let read = self.read_on();
            if read.is_some() || self.only.ended {
                return read;
            }
            // The log is held by this reader, so its sender lives.
            self.newest.wait_for(|newest| *newest >= self.next).await.ok()?;
        }
    }

    /// The next event that is already there.
    fn read_on(&mut self) -> Option<Logged> {
        if std::mem::take(&mut self.gap) {
            return Some(Logged::Gap);
        }
        let kept = lock(&self.log.kept);
        let oldest = kept.newest - kept.events.len() as u64 + 1;
        if self.next < oldest {
            self.next = oldest;
            return Some(Logged::Gap);
        }
        while self.next <= kept.newest {
            let event = kept.events.get(usize::try_from(self.next - oldest).ok()?)?;
            let number = self.next;
            self.next += 1;
            let task = self.only.task.is_none_or(|task| task == event.task.id());
            let tenant =
                self.only.tenant.is_none() || self.only.tenant.as_deref() == event.task.tenant();
            if task && tenant {
                self.only.ended = self.only.task.is_some() && event.is_end();
                let position = Position { log: self.log.id, number };
                return Some(Logged::Event(position, event.clone()));
            }
        }
        // A position that this log has not reached yet can only be made up.
        self.next = self.next.min(kept.newest + 1);
        // Nothing of it will come any more.
        self.only.ended = self.only.task.is_some_and(|task| !kept.living.contains(&task));
        None
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("next", &self.next).finish_non_exhaustive()
    }
}
