//! The one shared record of a task, and the only place where its state changes.
//!
//! The driver, handles, contexts and the scheduler all hold it. Its rules:
//!
//! - The state moves only through [`TaskState::next`], under the lock: of everybody who tries to
//!   end a task, one succeeds, and that one records the one terminal event (invariant 11).
//! - A cancellation that was accepted wins over every other end that had not been recorded by then.
//! - No user code runs under the lock: events go through the [`Outbox`].
//! - Nothing else is locked while this lock is held, so there is no order to get wrong.
//! - Waiters wake after the terminal event was emitted and the slot was given back.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hitl_base::Timestamp;
use tokio::sync::Notify;

use crate::emit::emit_guarded;
use crate::failure::clean;
use crate::leftover::Leftover;
use crate::live::Live;
use crate::outbox::Outbox;
use crate::queue::Place;
use crate::scheduler::Scheduler;
use crate::sync::{AtomicBool, AtomicI64, AtomicU64, Mutex, MutexGuard, Ordering, lock};
use crate::waiters::{Waiters, wake};
use crate::{
    Happening, Status, StepFailure, TaskError, TaskEvent, TaskId, TaskInfo, TaskProgress,
    TaskState, Transition,
};

pub(crate) struct Record {
    info: Arc<TaskInfo>,
    scheduler: Arc<Scheduler>,
    inner: Mutex<Inner>,
    /// Mirrors `inner.stop`, for the driver's fast path.
    stopping: AtomicBool,
    /// Its place in the queue; ticket 0 when it never had one.
    ticket: AtomicU64,
    rank: AtomicI64,
    /// Wakes the driver: it was stopped, or a future went off or came onto the clock.
    poke: Notify,
}

#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states")]
struct Inner {
    live: Live,
    outbox: Outbox,
    /// Set once somebody's cancellation was accepted.
    stop: Option<TaskError>,
    error: Option<TaskError>,
    /// Nothing more happens: waiters may go.
    announced: bool,
    /// Announce as soon as the outbox is empty.
    announce_when_idle: bool,
    /// Counts what watchers may want to see.
    version: u64,
    /// Somebody waits for `version` to change, and not only for the end.
    watched: bool,
    waiters: Waiters,
    /// Bodies that block a thread.
    blocking: u32,
    /// How it ends can no longer be changed.
    settled: bool,
    /// The task is being left where it is, not ended for good.
    suspended: bool,
    /// What ends the task once the last of those bodies is done, if its driver could not wait.
    leftover: Option<Box<Leftover>>,
}

/// How a task ends.
#[derive(Clone)]
pub(crate) enum End {
    Completed,
    Failed(TaskError),
    Cancelled,
    TimedOut(Duration),
    /// It goes no further here: nothing is undone and no end is journaled.
    Left(TaskError),
    /// It ended in an earlier life.
    Earlier(TaskState, Option<TaskError>),
}

/// Who stops a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopper {
    /// Somebody who means the task.
    Somebody,
    /// Its host goes away: what is journaled goes on later.
    Host,
}

/// What became of a cancellation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The task had ended, or was being stopped already.
    TooLate,
    /// It had not started and is over.
    AtOnce,
    /// The driver will stop it.
    Asked,
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
                leftover: None,
            }),
            stopping: AtomicBool::new(false),
            ticket: AtomicU64::new(0),
            rank: AtomicI64::new(0),
            poke: Notify::new(),
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

    // What the driver records. Where one thing ends and the next begins, both happen at the same
    // moment, which is handed from one to the next.

    /// It got a slot, at the time given back. `None`: it was cancelled before.
    pub(crate) fn begin(&self) -> Option<Timestamp> {
        let at = self.now();
        let mut inner = lock(&self.inner);
        inner.live.state = inner.live.state.next(Transition::Start).ok()?;
        inner.live.begin(&self.info, at);
        self.tell(inner, at, || Happening::Started);
        Some(at)
    }

    pub(crate) fn step_started(&self, step: usize, attempt: u32, at: Timestamp) {
        let mut inner = lock(&self.inner);
        inner.live.step_started(&self.info, step, attempt, at);
        self.tell(inner, at, || Happening::StepStarted { step, attempt });
    }

    pub(crate) fn step_retrying(
        &self,
        step: usize,
        attempt: u32,
        failure: &StepFailure,
        delay: Duration,
    ) {
        let inner = lock(&self.inner);
        self.tell(inner, self.now(), || Happening::StepRetrying {
            step,
            attempt,
            error: failure.text().into(),
            delay,
        });
    }

    pub(crate) fn step_done(&self, step: usize) -> Timestamp {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let took = inner.live.step_done(&self.info, step, at);
        let percent = inner.live.percent(&self.info);
        self.tell(inner, at, || Happening::StepDone { step, percent });
        let steps = self.info.steps().len();
        self.scheduler.timings.note(self.info.shared_name(), step, steps, took);
        at
    }

    /// It was done in an earlier life.
    pub(crate) fn step_restored(&self, step: usize) {
        let at = self.now();
        let mut inner = lock(&self.inner);
        inner.live.step_restored(&self.info, step, at);
        let percent = inner.live.percent(&self.info);
        self.tell(inner, at, || Happening::StepRestored { step, percent });
    }

    /// A sibling failed, and it was stopped for that.
    pub(crate) fn step_cut(&self, step: usize) {
        let at = self.now();
        lock(&self.inner).live.end_step(&self.info, step, Status::Cancelled, at);
    }

    pub(crate) fn still_running(&self, step: usize) {
        let inner = lock(&self.inner);
        self.tell(inner, self.now(), || Happening::StillRunning { step });
    }

    /// It will not complete and has something to undo. How it will end is settled here: who asks
    /// for something else afterwards is too late.
    pub(crate) fn begin_undo(&self, end: End) -> End {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let end = match end {
            End::Earlier(..) => end,
            _ if inner.stop.is_some() => End::Cancelled,
            end => end,
        };
        if let Ok(next) = inner.live.state.next(Transition::Undo) {
            let status = match &end {
                End::Cancelled => Status::Cancelled,
                _ => Status::Failed,
            };
            inner.live.state = next;
            inner.live.end_running(&self.info, status, at);
            self.tell(inner, at, || Happening::Undoing);
        }
        end
    }

    pub(crate) fn undo_started(&self, step: usize, attempt: u32) {
        let inner = lock(&self.inner);
        self.tell(inner, self.now(), || Happening::UndoStarted { step, attempt });
    }

    pub(crate) fn undo_done(&self, step: usize, error: Option<Arc<str>>) {
        let inner = lock(&self.inner);
        self.tell(inner, self.now(), || Happening::UndoDone { step, error });
    }

    /// Which steps are done.
    pub(crate) fn done(&self) -> Vec<usize> {
        lock(&self.inner).live.done()
    }

    // Bodies that block a thread.

    pub(crate) fn enter_blocking(&self) {
        lock(&self.inner).blocking += 1;
    }

    pub(crate) fn leave_blocking(&self) {
        let leftover = {
            let mut inner = lock(&self.inner);
            inner.blocking -= 1;
            if inner.blocking == 0 { inner.leftover.take() } else { None }
        };
        if let Some(leftover) = leftover {
            leftover.conclude();
        }
    }

    /// Leaves the end to the last body that blocks a thread; gives it back when there is none.
    pub(crate) fn leave_to_blocking(&self, leftover: Leftover) -> Option<Leftover> {
        let mut inner = lock(&self.inner);
        if inner.blocking == 0 {
            return Some(leftover);
        }
        inner.leftover = Some(Box::new(leftover));
        None
    }

    pub(crate) fn park(&self, step: usize) {
        self.shift(Transition::Park, || Happening::Waiting { step });
    }

    pub(crate) fn resume(&self, step: usize) {
        self.shift(Transition::Resume, || Happening::Resumed { step });
    }

    fn shift(&self, transition: Transition, what: impl FnOnce() -> Happening) {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let Ok(next) = inner.live.state.next(transition) else { return };
        inner.live.state = next;
        if next == TaskState::Waiting {
            inner.live.pause_clock(at);
        } else {
            inner.live.resume_clock(at);
        }
        self.tell(inner, at, what);
    }

    // What a step says of itself.

    /// How far an attempt is, as a share of 1.
    pub(crate) fn progress(&self, step: usize, attempt: u32, share: f64) {
        let mut inner = lock(&self.inner);
        if inner.live.is_current(step, attempt)
            && inner.live.set_progress(&self.info, step, share * 100.0)
        {
            self.tell_progress(inner, step);
        }
    }

    pub(crate) fn message(&self, step: usize, attempt: u32, text: &str) {
        let message: Arc<str> = clean(&self.scheduler.settings.redactor, text).into();
        let mut inner = lock(&self.inner);
        if inner.live.is_current(step, attempt) && inner.live.set_message(message) {
            self.tell_progress(inner, step);
        }
    }

    fn tell_progress(&self, inner: MutexGuard<'_, Inner>, step: usize) {
        let what = Happening::Progress {
            step,
            progress: inner.live.step_progress(step),
            percent: inner.live.percent(&self.info),
            message: inner.live.message(),
        };
        self.tell(inner, self.now(), || what);
    }

    // How it ends.

    /// Asks it to end. The caller tidies up after [`Stopped::AtOnce`].
    pub(crate) fn stop(&self, stopper: Stopper, reason: Option<&str>) -> Stopped {
        let reason = reason.map(|text| clean(&self.scheduler.settings.redactor, text).into());
        let mut inner = lock(&self.inner);
        let state = inner.live.state;
        let decided = inner.settled || state == TaskState::Undoing || inner.stop.is_some();
        if decided || state.is_terminal() {
            return Stopped::TooLate;
        }
        inner.suspended = stopper == Stopper::Host;
        inner.stop = Some(TaskError::cancelled(reason));
        self.stopping.store(true, Ordering::Release);
        if inner.live.state == TaskState::Queued {
            self.finish_locked(inner, End::Cancelled, Vec::new(), self.now());
            return Stopped::AtOnce;
        }
        drop(inner);
        self.poke.notify_one();
        Stopped::Asked
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Nobody can stop it any more: how it ends is about to be recorded elsewhere.
    pub(crate) fn settle(&self, end: End) -> End {
        let mut inner = lock(&self.inner);
        inner.settled = true;
        match end {
            End::Earlier(..) => end,
            _ if inner.stop.is_some() => End::Cancelled,
            end => end,
        }
    }

    pub(crate) fn stop_error(&self) -> Option<TaskError> {
        lock(&self.inner).stop.clone()
    }

    /// Whether it was stopped only because its host goes away.
    pub(crate) fn is_suspended(&self) -> bool {
        lock(&self.inner).suspended
    }

    /// It has waited to start for longer than it may. The caller tidies up.
    pub(crate) fn give_up(&self) {
        let inner = lock(&self.inner);
        if inner.live.state == TaskState::Queued {
            let limit = self.info.queue_limit().unwrap_or_default();
            self.finish_as(inner, TaskState::TimedOut, Some(TaskError::not_started(limit)));
        }
    }

    /// Adds to the error what was undone.
    pub(crate) fn finish_undone(&self, end: End, undone: Vec<crate::Undone>) {
        self.finish_locked(lock(&self.inner), end, undone, self.now());
    }

    /// The end. Does nothing when it has ended already.
    pub(crate) fn finish(&self, end: End, at: Timestamp) {
        self.finish_locked(lock(&self.inner), end, Vec::new(), at);
    }

    fn finish_locked(
        &self,
        inner: MutexGuard<'_, Inner>,
        end: End,
        undone: Vec<crate::Undone>,
        at: Timestamp,
    ) {
        let end = match end {
            End::Earlier(..) => end,
            _ if inner.stop.is_some() => End::Cancelled,
            end => end,
        };
        let (state, error) = match end {
            End::Completed => (TaskState::Completed, None),
            End::Failed(error) | End::Left(error) => (TaskState::Failed, Some(error)),
            End::TimedOut(limit) => (TaskState::TimedOut, Some(TaskError::timed_out(limit))),
            End::Cancelled => {
                let stop = inner.stop.clone();
                (TaskState::Cancelled, Some(stop.unwrap_or_else(|| TaskError::cancelled(None))))
            }
            End::Earlier(state, error) => (state, error),
        };
        self.finish_as_at(inner, state, error.map(|error| error.with_undone(undone)), at);
    }

    fn finish_as(&self, inner: MutexGuard<'_, Inner>, state: TaskState, error: Option<TaskError>) {
        self.finish_as_at(inner, state, error, self.now());
    }

    fn finish_as_at(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        state: TaskState,
        error: Option<TaskError>,
        at: Timestamp,
    ) {
        let transition = match state {
            TaskState::Completed => Transition::Complete,
            TaskState::Cancelled => Transition::Cancel,
            TaskState::TimedOut => Transition::TimeOut,
            _ => Transition::Fail,
        };
        let Ok(next) = inner.live.state.next(transition) else { return };
        inner.live.state = next;
        inner.live.end(&self.info, next.status(), at);
        inner.error.clone_from(&error);
        self.tell(inner, at, || Happening::Ended {
            state: next,
            error: error.as_ref().map(|error| Arc::clone(error.text())),
            reason: error.as_ref().and_then(TaskError::shared_reason),
        });
    }

    /// Lets the waiters go, once the terminal event has been emitted.
    pub(crate) fn announce(&self) {
        let mut inner = lock(&self.inner);
        inner.announce_when_idle = true;
        Self::announce_if_idle(inner);
    }

    fn announce_if_idle(mut inner: MutexGuard<'_, Inner>) {
        if inner.announce_when_idle && inner.outbox.is_idle() && !inner.announced {
            inner.announced = true;
            let waiters = inner.waiters.take();
            drop(inner);
            wake(waiters);
        }
    }

    // Telling and waiting.

    /// Emits what has been left in the outbox.
    pub(crate) fn flush(&self) {
        if self.scheduler.settings.emitter.is_none() {
            return;
        }
        let mut inner = lock(&self.inner);
        let first = inner.outbox.begin();
        self.deliver(inner, first);
    }

    fn tell(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        at: Timestamp,
        what: impl FnOnce() -> Happening,
    ) {
        inner.version += 1;
        let watchers = if inner.watched {
            inner.watched = false;
            inner.waiters.take()
        } else {
            Vec::new()
        };
        let mine = if self.scheduler.settings.emitter.is_some() {
            let task = Arc::clone(&self.info);
            inner.outbox.record(TaskEvent { task, seq: 0, at, what: what() })
        } else {
            None
        };
        self.deliver(inner, mine);
        wake(watchers);
    }

    fn deliver<'a>(&'a self, mut inner: MutexGuard<'a, Inner>, first: Option<TaskEvent>) {
        let Some(emitter) = &self.scheduler.settings.emitter else { return };
        let mut event = first;
        while let Some(next) = event {
            drop(inner);
            emit_guarded(&**emitter, &next);
            inner = lock(&self.inner);
            event = inner.outbox.next();
        }
        Self::announce_if_idle(inner);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.scheduler.settings.clock.now()
    }

    pub(crate) fn poke(&self) {
        self.poke.notify_one();
    }

    /// What wakes the driver.
    pub(crate) fn pokes(&self) -> &Notify {
        &self.poke
    }

    /// Waits for the end: why it did not complete, if it did not.
    pub(crate) async fn ended(&self) -> Option<TaskError> {
        let wait = Wait { record: self, key: None };
        wait.until(|inner| inner.announced.then(|| inner.error.clone())).await
    }

    /// Waits until something happened after `seen`. `None`: it has ended and nothing will.
    pub(crate) async fn changed_since(&self, seen: u64) -> Option<u64> {
        let wait = Wait { record: self, key: None };
        wait.until(|inner| {
            // From now on every change wakes; most tasks are watched by nobody.
            inner.watched = true;
            match inner.version {
                version if version != seen => Some(Some(version)),
                _ if inner.announced => Some(None),
                _ => None,
            }
        })
        .await
    }
}

/// One wait; dropped, it leaves nothing behind.
struct Wait<'a> {
    record: &'a Record,
    key: Option<u64>,
}

impl Wait<'_> {
    async fn until<T>(mut self, mut ready: impl FnMut(&mut Inner) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut inner = lock(&self.record.inner);
            if let Some(ready) = ready(&mut inner) {
                return Poll::Ready(ready);
            }
            inner.waiters.note(&mut self.key, cx);
            Poll::Pending
        })
        .await
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            lock(&self.record.inner).waiters.strike(key);
        }
    }
}
