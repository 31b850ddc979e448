//! The record itself.

use std::sync::Arc;

use hitl_base::Timestamp;
use tokio::sync::Notify;

use crate::leftover::Leftover;
use crate::live::Live;
use crate::outbox::Outbox;
use crate::queue::Place;
use crate::scheduler::Scheduler;
use crate::sync::{AtomicBool, AtomicI64, AtomicU64, Mutex, Ordering, lock};
use crate::waiters::Waiters;
use crate::{Happening, TaskError, TaskEvent, TaskId, TaskInfo, TaskProgress, TaskState};

pub(crate) struct Record {
    pub(super) info: Arc<TaskInfo>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) inner: Mutex<Inner>,
    /// Mirrors `inner.stop`, for the driver's fast path.
    pub(super) stopping: AtomicBool,
    /// Its place in the queue; ticket 0 when it never had one.
    pub(super) ticket: AtomicU64,
    pub(super) rank: AtomicI64,
    /// Wakes the driver: it was stopped, or a future went off or came onto the clock.
    pub(super) poke: Notify,
    /// It ran, and waits for a slot to go on in.
    wants_slot: AtomicBool,
}

#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states")]
pub(super) struct Inner {
    pub(super) live: Live,
    pub(super) outbox: Outbox,
    /// Set once somebody's cancellation was accepted.
    pub(super) stop: Option<TaskError>,
    pub(super) error: Option<TaskError>,
    /// Nothing more happens: waiters may go.
    pub(super) announced: bool,
    /// Announce as soon as the outbox is empty.
    pub(super) announce_when_idle: bool,
    /// Counts what watchers may want to see.
    pub(super) version: u64,
    /// Somebody waits for `version` to change, and not only for the end.
    pub(super) watched: bool,
    pub(super) waiters: Waiters,
    /// Bodies that block a thread.
    pub(super) blocking: u32,
    /// How it ends can no longer be changed.
    pub(super) settled: bool,
    /// The task is being left where it is, not ended for good.
    pub(super) suspended: bool,
    /// What is being undone shall not wait any more.
    pub(super) hurried: bool,
    /// What ends the task once the last of those bodies is done, if its driver could not wait.
    pub(super) leftover: Option<Box<Leftover>>,
}

impl Record {
    /// A queued task, with its first event waiting in the outbox.
    pub(crate) fn new(info: Arc<TaskInfo>, scheduler: Arc<Scheduler>) -> Self {
        let mut outbox = Outbox::default();
        if scheduler.settings.emitter.is_some() {
            outbox.leave(TaskEvent {
                task: Arc::clone(&info),
                seq: 0,
                at: scheduler.settings.clock.now(),
                what: Happening::Submitted,
            });
        }
        Self {
            info,
            scheduler,
            inner: Mutex::new(Inner {
                live: Live::queued(),
                outbox,
                stop: None,
                error: None,
                announced: false,
                announce_when_idle: false,
                version: 0,
                watched: false,
                waiters: Waiters::default(),
                blocking: 0,
                settled: false,
                suspended: false,
                hurried: false,
                leftover: None,
            }),
            stopping: AtomicBool::new(false),
            ticket: AtomicU64::new(0),
            rank: AtomicI64::new(0),
            poke: Notify::new(),
            wants_slot: AtomicBool::new(false),
        }
    }

    pub(crate) fn info(&self) -> &Arc<TaskInfo> {
        &self.info
    }

    pub(crate) fn id(&self) -> TaskId {
        self.info.id()
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            rank: self.rank.load(Ordering::Acquire),
            ticket: self.ticket.load(Ordering::Acquire),
        }
    }

    pub(crate) fn set_place(&self, place: Place) {
        self.rank.store(place.rank, Ordering::Release);
        self.ticket.store(place.ticket, Ordering::Release);
    }

    pub(crate) fn state(&self) -> TaskState {
        lock(&self.inner).live.state
    }

    pub(crate) fn snapshot(&self) -> TaskProgress {
        let at = self.now();
        let known = self.scheduler.timings.of(self.info.name());
        let inner = lock(&self.inner);
        let error = inner.error.as_ref().map(|error| Arc::clone(error.text()));
        inner.live.snapshot(&self.info, error, &known, at)
    }

    /// Why it did not complete, once it ended.
    pub(crate) fn error(&self) -> Option<TaskError> {
        lock(&self.inner).error.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.scheduler.settings.clock.now()
    }

    pub(crate) fn wants_slot(&self) -> bool {
        self.wants_slot.load(Ordering::Acquire)
    }

    pub(crate) fn want_slot(&self, wants: bool) {
        self.wants_slot.store(wants, Ordering::Release);
    }

    pub(crate) fn poke(&self) {
        self.poke.notify_one();
    }

    /// What wakes the driver.
    pub(crate) fn pokes(&self) -> &Notify {
        &self.poke
    }
}
