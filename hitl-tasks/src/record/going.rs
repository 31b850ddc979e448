//! What a task's driver and its steps note down while it runs.
//!
//! Where one thing ends and the next begins, both happen at the same moment, which is handed from
//! one to the next.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use super::Record;
use super::shared::Inner;
use crate::failure::clean;
use crate::leftover::Leftover;
use crate::sync::{MutexGuard, lock};
use crate::{Happening, Status, StepFailure, TaskState, Transition};

impl Record {
    // What the driver records.

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
}
