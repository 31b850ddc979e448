//! Changes that the driver and the steps of a task report while it runs.
//!
//! If one change ends when the next begins, both get the same time: the first returns it, and the
//! next takes it.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use crate::observe::event::TaskEventKind;
use crate::run::step_failure::StepFailure;
use crate::state::record::{Deferred, Record, RecordState};
use crate::state::status::Status;
use crate::state::task_state::{TaskState, Transition};
use crate::sync::{MutexGuard, lock};
use crate::text::redact;

impl Record {
    // Reports of the driver.

    /// Starts the task, which has got a slot, and returns the time. `None` if it was cancelled
    /// before.
    pub(crate) fn start(&self) -> Option<Timestamp> {
        let at = self.now();
        let mut inner = lock(&self.inner);
        inner.live.state = inner.live.state.next(Transition::Start).ok()?;
        inner.live.start(&self.info, at);
        self.emit(inner, at, || TaskEventKind::Started);
        Some(at)
    }

    pub(crate) fn start_step(&self, step: usize, attempt: u32, at: Timestamp) {
        let mut inner = lock(&self.inner);
        inner.live.start_step(&self.info, step, attempt, at);
        self.emit(inner, at, || TaskEventKind::StepStarted { step, attempt });
    }

    pub(crate) fn report_retry(
        &self,
        step: usize,
        attempt: u32,
        failure: &StepFailure,
        delay: Duration,
    ) {
        let inner = lock(&self.inner);
        self.emit(inner, self.now(), || TaskEventKind::StepRetrying {
            step,
            attempt,
            error: failure.text().into(),
            delay,
        });
    }

    pub(crate) fn complete_step(&self, step: usize) -> Timestamp {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let took = inner.live.complete_step(&self.info, step, at);
        let percent = inner.live.percent(&self.info);
        self.emit(inner, at, || TaskEventKind::StepDone { step, percent });
        let steps = self.info.steps().len();
        self.environment.durations.record(self.info.shared_name(), step, steps, took);
        at
    }

    /// Completes a step that was recorded before a restart.
    pub(crate) fn restore_step(&self, step: usize) {
        let at = self.now();
        let mut inner = lock(&self.inner);
        inner.live.restore_step(&self.info, step, at);
        let percent = inner.live.percent(&self.info);
        self.emit(inner, at, || TaskEventKind::StepRestored { step, percent });
    }

    /// Ends a step that was stopped because a sibling failed.
    pub(crate) fn cancel_step(&self, step: usize) {
        let at = self.now();
        lock(&self.inner).live.end_step(&self.info, step, Status::Cancelled, at);
    }

    pub(crate) fn report_still_running(&self, step: usize) {
        let inner = lock(&self.inner);
        self.emit(inner, self.now(), || TaskEventKind::StillRunning { step });
    }

    pub(crate) fn start_undo(&self, step: usize, attempt: u32) {
        let inner = lock(&self.inner);
        self.emit(inner, self.now(), || TaskEventKind::UndoStarted { step, attempt });
    }

    pub(crate) fn complete_undo(&self, step: usize, error: Option<Arc<str>>) {
        let inner = lock(&self.inner);
        self.emit(inner, self.now(), || TaskEventKind::UndoDone { step, error });
    }

    /// Returns the completed steps.
    pub(crate) fn completed_steps(&self) -> Vec<usize> {
        lock(&self.inner).live.completed_steps()
    }

    pub(crate) fn park(&self, step: usize) {
        self.change_state(Transition::Park, || TaskEventKind::Waiting { step });
    }

    pub(crate) fn resume(&self, step: usize) {
        self.change_state(Transition::Resume, || TaskEventKind::Resumed { step });
    }

    fn change_state(&self, transition: Transition, kind: impl FnOnce() -> TaskEventKind) {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let Ok(next) = inner.live.state.next(transition) else { return };
        inner.live.state = next;
        if next == TaskState::Waiting {
            inner.live.pause_clock(at);
        } else {
            inner.live.resume_clock(at);
        }
        self.emit(inner, at, kind);
    }

    // Bodies that block a thread.

    pub(crate) fn enter_blocking(&self) {
        lock(&self.inner).blocking += 1;
    }

    pub(crate) fn leave_blocking(&self) {
        let deferred = {
            let mut inner = lock(&self.inner);
            inner.blocking -= 1;
            if inner.blocking == 0 { inner.deferred.take() } else { None }
        };
        if let Some(deferred) = deferred {
            deferred();
        }
    }

    /// Defers the end to the last body that blocks a thread; returns it if there is none.
    pub(crate) fn defer_to_blocking(&self, deferred: Deferred) -> Option<Deferred> {
        let mut inner = lock(&self.inner);
        if inner.blocking == 0 {
            return Some(deferred);
        }
        inner.deferred = Some(deferred);
        None
    }

    // Reports of the steps.

    /// Sets the progress of an attempt, as a fraction of 1.
    pub(crate) fn progress(&self, step: usize, attempt: u32, share: f64) {
        let mut inner = lock(&self.inner);
        if inner.live.is_current(step, attempt)
            && inner.live.set_progress(&self.info, step, share * 100.0)
        {
            self.emit_progress(inner, step);
        }
    }

    pub(crate) fn message(&self, step: usize, attempt: u32, text: &str) {
        let message: Arc<str> = redact(&self.environment.redactor, text).into();
        let mut inner = lock(&self.inner);
        if inner.live.is_current(step, attempt) && inner.live.set_message(message) {
            self.emit_progress(inner, step);
        }
    }

    fn emit_progress(&self, inner: MutexGuard<'_, RecordState>, step: usize) {
        let kind = TaskEventKind::Progress {
            step,
            progress: inner.live.step_progress(step),
            percent: inner.live.percent(&self.info),
            message: inner.live.message(),
        };
        self.emit(inner, self.now(), || kind);
    }
}
