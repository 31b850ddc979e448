//! The latest events, numbered, for readers that reconnect.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hitl_base::id::Uuid;
use tokio::sync::watch;

use crate::id::TaskId;
use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::sync::{Mutex, lock};

/// The position of a reader: the value that a browser sends back as `Last-Event-ID`.
///
/// Its text identifies the log and the last event that was read. A position in another log (of this
/// process before a restart) is recognized, and reading from there begins with a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPosition {
    log: u32,
    number: u64,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.log, self.number)
    }
}

/// The error for a text that is not a [`LogPosition`], such as `5f0c9a1e-42`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a position in an event log: it looks like 5f0c9a1e-42")]
pub struct ParseLogPositionError(());

impl FromStr for LogPosition {
    type Err = ParseLogPositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (log, number) = text.split_once('-')?;
            let log = u32::from_str_radix(log, 16).ok()?;
            Some(Self { log, number: number.parse().ok()? })
        };
        parse().ok_or(ParseLogPositionError(()))
    }
}

/// An item that a reader of an [`EventLog`] gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogItem {
    /// An event, and the position after it.
    Event(LogPosition, TaskEvent),
    /// Events (of any task) are missing here: they are no longer kept, or happened before a
    /// restart. Ask the manager for its [`tasks`](crate::TaskManager::tasks) to catch up.
    Gap,
}

/// The latest events of all tasks. Any number of readers follow it from any position; none of them
/// slows a task down. Clones are the same log.
///
/// ```
/// # use hitl::tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let log = EventLog::new(10_000);
/// let manager = TaskManager::builder().emitter(log.clone()).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
///
/// let mut reader = log.read(None);
/// let Some(LogItem::Event(position, first)) = reader.next().await else { unreachable!() };
/// assert_eq!(first.kind.name(), "submitted");
///
/// // The browser reconnects with `Last-Event-ID`.
/// let mut reader = log.read(Some(position.to_string().parse()?));
/// let Some(LogItem::Event(_, second)) = reader.next().await else { unreachable!() };
/// assert_eq!(second.kind.name(), "started");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct EventLog(Arc<Shared>);

struct Shared {
    id: u32,
    capacity: usize,
    buffer: Mutex<LogBuffer>,
    /// The number of the latest event.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct LogBuffer {
    events: VecDeque<TaskEvent>,
    /// The number of the latest event; the first one is 1.
    newest: u64,
    /// The tasks that have not ended.
    living: HashSet<TaskId>,
}

impl EventLog {
    /// Creates a log that keeps the last `capacity` events; at least 1.
    pub fn new(capacity: usize) -> Self {
        let (newest, _) = watch::channel(0);
        let id = Uuid::new_v4().as_fields().0;
        Self(Arc::new(Shared { id, capacity: capacity.max(1), buffer: Mutex::default(), newest }))
    }

    /// Reads the events after a position; without one, all kept events and then the new ones.
    pub fn read(&self, after: Option<LogPosition>) -> LogReader {
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
            filter: ReaderFilter::default(),
        }
    }

    /// Reads the events of one task. Ends after the task's last event; at once if that is before
    /// the position or no longer kept, or if the log knows no such task.
    pub fn read_task(&self, task: TaskId, after: Option<LogPosition>) -> LogReader {
        let mut reader = self.read(after);
        reader.filter.task = Some(task);
        reader
    }
}

impl ProgressEmitter for EventLog {
    fn emit(&self, event: &TaskEvent) {
        let mut buffer = lock(&self.0.buffer);
        let oldest = (buffer.events.len() >= self.0.capacity).then(|| buffer.events.pop_front());
        buffer.events.push_back(event.clone());
        buffer.newest += 1;
        match event.kind {
            TaskEventKind::Submitted => drop(buffer.living.insert(event.task.id())),
            TaskEventKind::Ended { .. } => drop(buffer.living.remove(&event.task.id())),
            _ => {}
        }
        let newest = buffer.newest;
        drop(buffer);
        drop(oldest);
        // Numbers may arrive out of order; readers need only the greatest.
        self.0.newest.send_if_modified(|told| {
            let newer = *told < newest;
            *told = newest.max(*told);
            newer
        });
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = lock(&self.0.buffer).newest;
        f.debug_struct("EventLog").field("newest", &newest).finish_non_exhaustive()
    }
}

/// A reader of an [`EventLog`], at its own pace.
#[derive(Clone)]
pub struct LogReader {
    log: Arc<Shared>,
    newest: watch::Receiver<u64>,
    next: u64,
    gap: bool,
    filter: ReaderFilter,
}

/// The events that a reader wants.
#[derive(Clone, Debug, Default)]
struct ReaderFilter {
    task: Option<TaskId>,
    tenant: Option<Arc<str>>,
    ended: bool,
}

impl LogReader {
    /// Selects the events of one tenant. Positions and gaps remain those of the whole log.
    #[must_use]
    pub fn for_tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.filter.tenant = Some(tenant.into());
        self
    }

    /// Returns the next event, or a gap. `None` after the last event of a [single
    /// task](EventLog::read_task); otherwise it waits for new events. Cancel-safe.
    pub async fn next(&mut self) -> Option<LogItem> {
        loop {
            if self.filter.ended {
                return None;
            }
            let read = self.read_on();
            if read.is_some() || self.filter.ended {
                return read;
            }
            // Never an error: `self` holds the log, and the log holds the sender.
            self.newest.wait_for(|newest| *newest >= self.next).await.ok()?;
        }
    }

    /// Returns the next event if there is one already.
    fn read_on(&mut self) -> Option<LogItem> {
        if std::mem::take(&mut self.gap) {
            return Some(LogItem::Gap);
        }
        let buffer = lock(&self.log.buffer);
        let oldest = buffer.newest - buffer.events.len() as u64 + 1;
        if self.next < oldest {
            self.next = oldest;
            return Some(LogItem::Gap);
        }
        while self.next <= buffer.newest {
            let event = buffer.events.get(usize::try_from(self.next - oldest).ok()?)?;
            let number = self.next;
            self.next += 1;
            let task = self.filter.task.is_none_or(|task| task == event.task.id());
            let tenant = self.filter.tenant.is_none()
                || self.filter.tenant.as_deref() == event.task.tenant();
            if task && tenant {
                self.filter.ended = self.filter.task.is_some() && event.is_end();
                let position = LogPosition { log: self.log.id, number };
                return Some(LogItem::Event(position, event.clone()));
            }
        }
        // Only a forged position is beyond the end of this log.
        self.next = self.next.min(buffer.newest + 1);
        // The task has ended, or is unknown.
        self.filter.ended = self.filter.task.is_some_and(|task| !buffer.living.contains(&task));
        None
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("next", &self.next).finish_non_exhaustive()
    }
}
