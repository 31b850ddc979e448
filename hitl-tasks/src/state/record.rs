//! The shared record of a task, and the only place where its state changes.
//!
//! The driver, handles, contexts and the scheduler all hold it. Its rules:
//!
//! - The state changes only through [`TaskState::next`], under the lock: of all attempts to end a
//!   task, one succeeds and records the one terminal event (invariant 11).
//! - An accepted cancellation wins over every other end that has not been recorded by then.
//! - No user code runs under the lock: events go through the [`Outbox`].
//! - No other lock is taken while this lock is held, so no lock order can be violated.
//! - Waiters wake after the terminal event was emitted and the slot was given back.

use std::sync::Arc;

use hitl_base::Timestamp;
use tokio::sync::Notify;

use crate::define::task_info::TaskInfo;
use crate::error::TaskError;
use crate::id::TaskId;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::observe::outbox::Outbox;
use crate::schedule::queue::QueuePosition;
use crate::state::environment::Environment;
use crate::state::progress::TaskProgress;
use crate::state::progress_state::ProgressState;
use crate::state::task_state::TaskState;
use crate::state::wakers::Wakers;
use crate::sync::{AtomicBool, AtomicI64, AtomicU64, Mutex, Ordering, lock};

pub(crate) struct Record {
    pub(super) info: Arc<TaskInfo>,
    pub(super) environment: Arc<Environment>,
    pub(super) inner: Mutex<RecordState>,
    /// Mirrors `inner.stop`, for the driver's fast path.
    pub(super) stopping: AtomicBool,
    /// The task's position in the queue; ticket 0 if it never had one.
    pub(super) ticket: AtomicU64,
    pub(super) rank: AtomicI64,
    /// Wakes the driver: the task was stopped, or a future left or entered the clock.
    pub(super) waker: Notify,
    /// True while the task waits for a slot in which it resumes.
    wants_slot: AtomicBool,
}

#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states")]
pub(super) struct RecordState {
    pub(super) live: ProgressState,
    pub(super) outbox: Outbox,
    /// Set once a cancellation is accepted.
    pub(super) stop: Option<TaskError>,
    pub(super) error: Option<TaskError>,
    /// True once the waiters have been woken; nothing more happens.
    pub(super) finished_notified: bool,
    /// True if the waiters are to be woken as soon as the outbox is empty.
    pub(super) notify_when_idle: bool,
    /// Counts the changes that watchers may want to see.
    pub(super) version: u64,
    /// True if a watcher waits for `version` to change, and not only for the end.
    pub(super) watched: bool,
    pub(super) waiters: Wakers,
    /// The number of bodies that block a thread.
    pub(super) blocking: u32,
    /// True if the end can no longer change.
    pub(super) end_fixed: bool,
    /// True if the task is interrupted by its host, to continue later, and has not ended for good.
    pub(super) suspended: bool,
    /// True if the undo should not wait between attempts.
    pub(super) undo_cancelled: bool,
    /// Ends the task when the last blocking body returns, if its driver is gone.
    pub(super) deferred: Option<Deferred>,
}

/// The end of a task, to be carried out by the last body that blocks a thread.
pub(crate) type Deferred = Box<dyn FnOnce() + Send>;

impl Record {
    /// Creates a queued task, with its first event in the outbox.
    pub(crate) fn new(info: Arc<TaskInfo>, environment: Arc<Environment>) -> Self {
        let mut outbox = Outbox::default();
        if environment.emitter.is_some() {
            outbox.push(TaskEvent {
                task: Arc::clone(&info),
                seq: 0,
                at: environment.clock.now(),
                kind: TaskEventKind::Submitted,
            });
        }
        Self {
            info,
            environment,
            inner: Mutex::new(RecordState {
                live: ProgressState::new(),
                outbox,
                stop: None,
                error: None,
                finished_notified: false,
                notify_when_idle: false,
                version: 0,
                watched: false,
                waiters: Wakers::default(),
                blocking: 0,
                end_fixed: false,
                suspended: false,
                undo_cancelled: false,
                deferred: None,
            }),
            stopping: AtomicBool::new(false),
            ticket: AtomicU64::new(0),
            rank: AtomicI64::new(0),
            waker: Notify::new(),
            wants_slot: AtomicBool::new(false),
        }
    }

    pub(crate) fn info(&self) -> &Arc<TaskInfo> {
        &self.info
    }

    pub(crate) fn id(&self) -> TaskId {
        self.info.id()
    }

    pub(crate) fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    pub(crate) fn queue_position(&self) -> QueuePosition {
        QueuePosition {
            rank: self.rank.load(Ordering::Acquire),
            ticket: self.ticket.load(Ordering::Acquire),
        }
    }

    pub(crate) fn set_queue_position(&self, place: QueuePosition) {
        self.rank.store(place.rank, Ordering::Release);
        self.ticket.store(place.ticket, Ordering::Release);
    }

    pub(crate) fn state(&self) -> TaskState {
        lock(&self.inner).live.state
    }

    pub(crate) fn snapshot(&self) -> TaskProgress {
        let at = self.now();
        let known = self.environment.durations.means(self.info.name());
        let inner = lock(&self.inner);
        let error = inner.error.as_ref().map(|error| Arc::clone(error.text()));
        inner.live.snapshot(&self.info, error, &known, at)
    }

    /// Returns the reason why it did not complete, once it has ended.
    pub(crate) fn error(&self) -> Option<TaskError> {
        lock(&self.inner).error.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    pub(crate) fn wants_slot(&self) -> bool {
        self.wants_slot.load(Ordering::Acquire)
    }

    pub(crate) fn want_slot(&self, wants: bool) {
        self.wants_slot.store(wants, Ordering::Release);
    }

    pub(crate) fn wake(&self) {
        self.waker.notify_one();
    }

    /// Returns the waker of the driver.
    pub(crate) fn waker(&self) -> &Notify {
        &self.waker
    }
}
