//! What a step body is given: how to report, when to stop, who it is.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::attempt::Attempt;
use crate::{PartProgress, TaskId};

/// What one attempt of a step knows and can say. Owned, cheap to clone, free to move into spawned
/// work; what outlives its attempt has no effect any more.
///
/// ```
/// # use std::time::Duration;
/// # use hitl_tasks::StepContext;
/// async fn export(cx: StepContext, rows: Vec<u32>) -> Result<usize, String> {
///     for (done, row) in rows.iter().enumerate() {
///         if cx.is_cancelled() {
///             return Err(format!("stopped before row {row}"));
///         }
///         tokio::task::yield_now().await; // write the row
///         cx.progress((done + 1) as f64 / rows.len() as f64);
///     }
///     Ok(rows.len())
/// }
/// ```
#[derive(Clone)]
pub struct StepContext(Arc<Attempt>);

impl StepContext {
    pub(crate) fn new(attempt: Arc<Attempt>) -> Self {
        Self(attempt)
    }

    /// Says how far this step is: 0.0 to 1.0, clamped; what is not a number is 0. Takes constant
    /// time and never waits; emitters hear of it when the whole percentage changes.
    pub fn progress(&self, share: f64) {
        self.0.record.progress(self.0.step, self.0.number, share);
    }

    /// Says what this step does right now. Secrets are masked and long texts shortened.
    pub fn message(&self, text: impl AsRef<str>) {
        self.0.record.message(self.0.step, self.0.number, text.as_ref());
    }

    /// A part of this step: its progress from 0.0 to 1.0 is the step's from `of.start` to `of.end`.
    pub fn part(&self, of: std::ops::Range<f64>) -> PartProgress {
        PartProgress::new(self.clone(), of)
    }

    /// Resolves when this attempt should stop: the task was cancelled, or the attempt or the task
    /// ran out of time.
    ///
    /// A body that has asked (here, by [`is_cancelled`](Self::is_cancelled) or
    /// [`token`](Self::token)) gets the manager's
    /// [grace period](crate::ManagerBuilder::grace) to tidy up; then, or at once if it never asked,
    /// its future is dropped at the `.await` where it is. Cancel-safe.
    pub async fn cancelled(&self) {
        self.0.token().cancelled().await;
    }

    /// Whether this attempt should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.token().is_cancelled()
    }

    /// The token behind [`cancelled`](Self::cancelled), to hand on. Cancelling it stops only what
    /// listens to it, not the task.
    pub fn token(&self) -> CancellationToken {
        self.0.token().clone()
    }

    /// Runs a future whose time counts against no budget, neither the step's nor the task's, and
    /// which holds no slot: for waiting on a human, or on another task of the same manager. The
    /// task is [`Waiting`](crate::TaskState::Waiting) meanwhile.
    ///
    /// Afterwards it waits (still off the clock, ahead of tasks that have not started) until there
    /// is a slot again. Run such futures one after the other, or join them inside one call: while
    /// any is off the clock, the whole step is.
    ///
    /// Cancel-safe as far as `future` is: when this is dropped, the task comes back onto the clock.
    ///
    /// ```
    /// # use hitl_tasks::StepContext;
    /// async fn sign(cx: StepContext, draft: String) -> Result<String, String> {
    ///     let answer = cx.off_clock(ask_a_human(&draft)).await?; // may take days
    ///     Ok(format!("{draft}, {answer}"))
    /// }
    /// # async fn ask_a_human(_: &str) -> Result<String, String> { Ok("fine".into()) }
    /// ```
    pub async fn off_clock<F: Future>(&self, future: F) -> F::Output {
        self.0.off_clock(future).await
    }

    pub(crate) fn attempt_of(&self) -> &Arc<Attempt> {
        &self.0
    }

    /// Which attempt this is, from 1. In a journaled task it counts on after a restart.
    pub fn attempt(&self) -> u32 {
        self.0.number
    }

    /// Which task.
    pub fn task_id(&self) -> TaskId {
        self.0.record.id()
    }

    /// The task's name.
    pub fn task_name(&self) -> &str {
        self.0.record.info().name()
    }

    /// Which step of the task, from 0.
    pub fn step_index(&self) -> usize {
        self.0.step
    }

    /// The step's name.
    pub fn step_name(&self) -> &str {
        self.0.record.info().steps().get(self.0.step).map_or("", crate::StepInfo::name)
    }

    /// A text that is the same in every attempt of this step of this task, and in no other: what
    /// to give a service that takes idempotency keys. A body that makes several calls adds
    /// [`next_call`](Self::next_call).
    ///
    /// In a journaled task it stays the same after a restart. An [`undo`](crate::TaskStep::undo)
    /// has one of its own.
    pub fn idempotency_key(&self) -> String {
        let undo = if self.0.is_undo() { "/undo" } else { "" };
        format!("{}/{}{undo}", self.0.record.id(), self.0.step)
    }

    /// Counts this attempt's calls: 0, 1, 2, .. Every attempt counts from 0 again, so that a body
    /// that makes the same calls in the same order gives them the same numbers. Clones count
    /// together.
    pub fn next_call(&self) -> u32 {
        self.0.next_call()
    }
}

impl fmt::Debug for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext")
            .field("task", &self.task_id())
            .field("step", &self.step_name())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}
