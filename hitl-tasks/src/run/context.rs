//! The context of a step's body: progress, cancellation, identity.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::id::TaskId;
use crate::run::attempt::Attempt;
use crate::state::sub_progress::SubProgress;

/// One attempt of a step, as its body sees it. Owned, cheap to clone, free to move into spawned
/// work. After the attempt has ended, a context has no effect.
///
/// ```
/// # use std::time::Duration;
/// # use hitl::tasks::StepContext;
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

    /// Reports the progress of this step: 0.0 to 1.0, clamped; NaN counts as 0. Takes constant time
    /// and never waits. Emitters get an event when the whole percentage changes.
    pub fn progress(&self, share: f64) {
        self.0.progress(share);
    }

    /// Reports the current activity of this step. Secrets are masked and long texts truncated.
    pub fn message(&self, text: impl AsRef<str>) {
        self.0.message(text.as_ref());
    }

    /// Returns a range of this step's progress: 0.0 to 1.0 of it are `of.start` to `of.end` of the
    /// step.
    pub fn sub_progress(&self, of: std::ops::Range<f64>) -> SubProgress {
        SubProgress::new(Arc::clone(&self.0), of)
    }

    /// Resolves when this attempt should stop: the task was cancelled, or the attempt or the task
    /// timed out.
    ///
    /// A body that has asked (by this, [`is_cancelled`](Self::is_cancelled) or
    /// [`token`](Self::token)) gets the manager's [grace
    /// period](crate::TaskManagerBuilder::cancel_grace_period) to clean up; then, or at once if it
    /// never asked, its future is dropped at its current `.await`. Cancel-safe.
    pub async fn cancelled(&self) {
        self.0.token().cancelled().await;
    }

    /// Returns whether this attempt should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.token().is_cancelled()
    }

    /// Returns the token behind [`cancelled`](Self::cancelled), to pass on. Cancelling it stops
    /// only its listeners, not the task.
    pub fn token(&self) -> CancellationToken {
        self.0.token().clone()
    }

    /// Runs a future that counts against no budget, neither the step's nor the task's, and holds no
    /// slot: for waiting for a human, or for another task of the same manager. The task is
    /// [`Waiting`](crate::TaskState::Waiting) meanwhile.
    ///
    /// Afterwards it waits for a slot, still off the clock, ahead of tasks that have not started.
    /// Run such futures one after the other, or join them inside one call: while any of them is off
    /// the clock, the whole step is.
    ///
    /// Cancel-safe if `future` is: when this is dropped, the task returns to the clock.
    ///
    /// ```
    /// # use hitl::tasks::StepContext;
    /// async fn sign(cx: StepContext, draft: String) -> Result<String, String> {
    ///     let answer = cx.off_clock(ask_a_human(&draft)).await?; // may take days
    ///     Ok(format!("{draft}, {answer}"))
    /// }
    /// # async fn ask_a_human(_: &str) -> Result<String, String> { Ok("fine".into()) }
    /// ```
    pub async fn off_clock<F: Future>(&self, future: F) -> F::Output {
        self.0.off_clock(future).await
    }

    pub(crate) fn attempt_handle(&self) -> &Arc<Attempt> {
        &self.0
    }

    /// Returns the number of this attempt, from 1. In a journaled task it keeps counting after a
    /// restart.
    pub fn attempt(&self) -> u32 {
        self.0.number
    }

    /// Returns the id of the task.
    pub fn task_id(&self) -> TaskId {
        self.0.record.id()
    }

    /// Returns the name of the task.
    pub fn task_name(&self) -> &str {
        self.0.record.info().name()
    }

    /// Returns the index of the step, from 0.
    pub fn step_index(&self) -> usize {
        self.0.step
    }

    /// Returns the name of the step.
    pub fn step_name(&self) -> &str {
        self.0.record.info().step_name(self.0.step)
    }

    /// Returns a key that is the same in every attempt of this step of this task, and in no other
    /// step: pass it to a service that takes idempotency keys. A body that makes several calls
    /// appends [`next_call`](Self::next_call).
    ///
    /// In a journaled task it stays the same after a restart. An [`undo`](crate::TaskStep::undo)
    /// has a key of its own; so has a step that was undone and is done again because the task is
    /// [retried](crate::TaskManager::retry), since that is another effect.
    pub fn idempotency_key(&self) -> String {
        let undo = if self.0.is_undo() { "/undo" } else { "" };
        let round = match self.0.round {
            0 => String::new(),
            round => format!("/r{round}"),
        };
        format!("{}/{}{round}{undo}", self.0.record.id(), self.0.step)
    }

    /// Returns how often this step was undone before the task was
    /// [retried](crate::TaskManager::retry); 0 in most tasks.
    pub fn times_undone(&self) -> u32 {
        self.0.round
    }

    /// Counts the calls of this attempt: 0, 1, 2, .. Every attempt starts again from 0, so a body
    /// that makes the same calls in the same order numbers them the same way. Clones share the
    /// count.
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
