//! One step of a task.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::define::attempt_policy::{AttemptPolicy, RetryPolicy};
use crate::define::blocking::BlockingBody;
use crate::define::erased_body::{AsyncBody, ErasedBody};
use crate::define::erased_step::{ErasedStep, Extras, StepNode};
use crate::define::retry::Retry;
use crate::define::step_body::StepBody;
use crate::define::task_info::StepInfo;
use crate::define::undo_spec::UndoSpec;
use crate::error::InvalidSetting;
use crate::journal::output::OutputCodec;
use crate::run::context::StepContext;
use crate::run::step_failure::StepFailure;
use crate::run::value_cell::ValueCell;
use crate::sync::Mutex;
use crate::text::redact;

/// One step: a name, a body, its timeout and its retries.
///
/// `I` is the output of the step before, `O` the input of the next one.
///
/// ```
/// # use std::time::Duration;
/// # use hitl::tasks::{Retry, StepContext, TaskStep};
/// async fn count(cx: StepContext, words: Vec<String>) -> Result<usize, String> {
///     cx.progress(0.5);
///     Ok(words.len())
/// }
///
/// let step = TaskStep::new("Count", count)
///     .timeout(Duration::from_secs(30))
///     .retry(Retry::exponential(3))
///     .weight(2);
/// # let _ = step;
/// ```
pub struct TaskStep<I, O> {
    name: Arc<str>,
    body: Box<dyn ErasedBody<I, O>>,
    weight: u32,
    policy: AttemptPolicy,
    /// Clones the input for a further attempt. Set only with a retry, so that other inputs need not
    /// be `Clone`.
    copy: Option<fn(&I) -> I>,
    extras: Option<Box<Extras<O>>>,
}

impl<I: Send + 'static, O: Send + 'static> TaskStep<I, O> {
    /// Creates a step with this body: no timeout, one attempt, weight 1.
    ///
    /// The name is shown with the progress. If it looks like a secret it is masked when the task is
    /// submitted.
    pub fn new<B, Shape>(name: impl Into<Arc<str>>, body: B) -> Self
    where
        B: StepBody<I, Shape, Output = O>,
        Shape: 'static,
    {
        Self {
            name: name.into(),
            body: Box::new(AsyncBody::<B, Shape>::new(body)),
            weight: 1,
            policy: AttemptPolicy::default(),
            copy: None,
            extras: None,
        }
    }

    /// Creates a step whose body blocks: it runs on a thread of the runtime's blocking pool.
    ///
    /// Such a body cannot be stopped from outside. It learns of cancellation and timeouts by
    /// [`StepContext::is_cancelled`]. A body that does not ask continues and keeps its slot; its
    /// task [is reported as still running](crate::TaskEventKind::StillRunning) and does not end
    /// before it.
    ///
    /// ```
    /// # use hitl::tasks::{StepContext, TaskStep};
    /// fn add_up(cx: StepContext, numbers: Vec<u64>) -> Result<u64, &'static str> {
    ///     let mut sum = 0;
    ///     for number in numbers {
    ///         if cx.is_cancelled() {
    ///             return Err("stopped");
    ///         }
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// }
    /// let step = TaskStep::blocking("Add up", add_up);
    /// # let _ = step;
    /// ```
    pub fn blocking<E>(
        name: impl Into<Arc<str>>,
        body: impl Fn(StepContext, I) -> Result<O, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: fmt::Display + Send + 'static,
    {
        Self {
            name: name.into(),
            body: Box::new(BlockingBody::new(body)),
            weight: 1,
            policy: AttemptPolicy::default(),
            copy: None,
            extras: None,
        }
    }

    /// Sets the timeout of one attempt, not counting time [off the clock](StepContext::off_clock).
    /// An attempt that times out has failed, and is retried while the step has retries left.
    /// [`submit`](crate::TaskManager::submit) refuses zero; `Duration::MAX` means no limit.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.policy.timeout = Some(limit);
        self
    }

    /// Sets the retry policy. Every attempt gets its own clone of the input. The body may run more
    /// than once; use [`StepContext::idempotency_key`] where that matters.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self
    where
        I: Clone,
    {
        let only_if = self.policy.retry.take().and_then(|policy| policy.only_if);
        self.policy.retry = Some(Box::new(RetryPolicy { retry, only_if }));
        self.copy = Some(I::clone);
        self
    }

    /// Retries only after failures that satisfy the predicate. It is asked about errors and
    /// timeouts; without it all of them are retried. Has no effect without [`retry`](Self::retry).
    ///
    /// ```
    /// # use hitl::tasks::{FailureKind, Retry, StepContext, TaskStep};
    /// # async fn fetch(_: StepContext) -> Result<(), std::io::Error> { Ok(()) }
    /// let step = TaskStep::new("Fetch", fetch).retry(Retry::times(3)).retry_if(|failure| {
    ///     failure.kind() == FailureKind::TimedOut
    ///         || failure.downcast_ref::<std::io::Error>().is_some()
    /// });
    /// # let _ = step;
    /// ```
    #[must_use]
    pub fn retry_if(
        mut self,
        only_if: impl Fn(&StepFailure) -> bool + Send + Sync + 'static,
    ) -> Self {
        let retry = self.policy.retry.take().map_or_else(Retry::none, |policy| policy.retry);
        self.policy.retry = Some(Box::new(RetryPolicy { retry, only_if: Some(Box::new(only_if)) }));
        self
    }

    /// Sets the step's share of the task's progress, relative to the weights of the other steps.
    /// [`submit`](crate::TaskManager::submit) refuses zero.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the body that undoes the step, given a clone of its output (only the context if that is
    /// `()`).
    ///
    /// If the task fails, is cancelled or times out, the completed steps are undone, the last one
    /// first. The step that was running is not undone; its body cleans up after itself. An undo is
    /// retried as [`retry`](Self::retry) says, each attempt within
    /// [`undo_timeout`](crate::TaskManagerBuilder::undo_timeout). An attempt cannot be cancelled,
    /// but the delay between two can. In a journaled task it may run again after a restart. An undo
    /// that fails does not keep the others from running.
    /// [`TaskError::undo_results`](crate::TaskError::undo_results) reports the outcomes.
    ///
    /// ```
    /// # use hitl::tasks::{StepContext, TaskStep};
    /// async fn book(_: StepContext) -> Result<String, String> { Ok("booking 7".into()) }
    /// async fn unbook(_: StepContext, booking: String) -> Result<(), String> { Ok(()) }
    /// let step = TaskStep::new("Book", book).undo(unbook);
    /// # let _ = step;
    /// ```
    #[must_use]
    pub fn undo<B, Shape>(mut self, body: B) -> Self
    where
        O: Clone,
        B: StepBody<O, Shape, Output = ()>,
        Shape: 'static,
    {
        self.extras.get_or_insert_default().undo = Some(UndoSpec {
            body: Box::new(AsyncBody::<B, Shape>::new(body)),
            copy: O::clone,
            saved: Mutex::new(None),
        });
        self
    }

    /// Makes the output durable: it can be journaled, as JSON. Every step of a
    /// [journaled](crate::Task::journaled) task has to be durable.
    ///
    /// In such a task an output is read back when it is recorded, and the next step gets the value
    /// that was read: fields that serde skips are lost at once, not only after a crash. An output
    /// that cannot be written, cannot be read back, or reads back as another value fails the step
    /// as [`NotDurable`](crate::FailureKind::NotDurable): a number that is not finite, a `u128` or
    /// a map with numbers as keys inside a tagged or flattened type, `Some(None)`, a field that is
    /// written under a name it is not read by.
    #[must_use]
    pub fn durable(mut self) -> Self
    where
        O: Serialize + DeserializeOwned,
    {
        self.extras.get_or_insert_default().codec = Some(OutputCodec::new());
        self
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.codec.is_some())
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        let checked = if self.weight == 0 {
            Err(InvalidSetting::new("weight", "at least 1"))
        } else if self.policy.timeout.is_some_and(|limit| limit.is_zero()) {
            Err(InvalidSetting::new("timeout", "longer than zero"))
        } else {
            self.policy.retry.as_ref().map_or(Ok(()), |policy| policy.retry.check())
        };
        checked.map_err(|setting| setting.for_step(&self.name))
    }

    /// Places the step between two others.
    pub(crate) fn connect(
        self,
        input: ValueCell<I>,
        output: ValueCell<O>,
    ) -> (StepInfo, Box<dyn ErasedStep>) {
        let Self { name, body, weight, policy, copy, extras } = self;
        let node = Box::new(StepNode { body, policy, copy, extras, input, output });
        (StepInfo::new(name, weight), node)
    }
}

impl<I, O> fmt::Debug for TaskStep<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStep")
            .field("name", &redact(&Redactor::standard(), &self.name))
            .field("timeout", &self.policy.timeout)
            .field("retry", &self.policy.retry.as_ref().map(|policy| &policy.retry))
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}
