//! One step of a task.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::error::BadSetting;
use crate::wire::Wire;
use crate::{Retry, StepBody, StepContext, StepFailure};

/// One step: a name, a body, and how long and how often it may be tried.
///
/// `I` is what it takes from the step before, `O` what it gives to the next one.
///
/// ```
/// # use std::time::Duration;
/// # use hitl_tasks::{Retry, StepContext, TaskStep};
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
    body: Box<dyn Body<I, O>>,
    weight: u32,
    policy: Policy,
    /// How to keep the input for a further attempt. Known only where one was asked for, so that
    /// an input need not be `Clone` otherwise.
    copy: Option<fn(&I) -> I>,
}

/// How long and how often.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<Box<RetryPolicy>>,
}

pub(crate) struct RetryPolicy {
    pub(crate) retry: Retry,
    pub(crate) only_if: Option<Box<Predicate>>,
}

type Predicate = dyn Fn(&StepFailure) -> bool + Send + Sync;

impl<I: Send + 'static, O: Send + 'static> TaskStep<I, O> {
    /// A step with this body: no time limit, one attempt, weight 1.
    ///
    /// The name is shown as it is; keep secrets out of it.
    pub fn new<B, Shape>(name: impl Into<Arc<str>>, body: B) -> Self
    where
        B: StepBody<I, Shape, Output = O>,
        Shape: 'static,
    {
        Self {
            name: name.into(),
            body: Box::new(Shaped(body, std::marker::PhantomData::<fn() -> Shape>)),
            weight: 1,
            policy: Policy::default(),
            copy: None,
        }
    }

    /// The longest one attempt may take, not counting time [off the
    /// clock](StepContext::off_clock). An attempt that runs out is a failed attempt: it is tried
    /// again where the step has retries left. Zero is refused by
    /// [`submit`](crate::TaskManager::submit); `Duration::MAX` means no limit.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.policy.timeout = Some(limit);
        self
    }

    /// How it is tried again. Every attempt gets its own copy of the input, so that has to be
    /// `Clone`; it may run the body more than once, so use
    /// [`StepContext::idempotency_key`] where that matters.
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

    /// Tries again only after failures for which this holds. Asked for errors and for time-outs;
    /// without it every one of them is tried again. Does nothing without [`retry`](Self::retry).
    ///
    /// ```
    /// # use hitl_tasks::{FailureKind, Retry, StepContext, TaskStep};
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

    /// Its share of the task's progress, against the other steps' weights. Zero is refused by
    /// [`submit`](crate::TaskManager::submit).
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    pub(crate) fn info(&self) -> StepInfo {
        StepInfo { name: Arc::clone(&self.name), weight: self.weight }
    }

    pub(crate) fn check(&self) -> Result<(), BadSetting> {
        let checked = if self.weight == 0 {
            Err(BadSetting::new("weight", "at least 1"))
        } else if self.policy.timeout.is_some_and(|limit| limit.is_zero()) {
            Err(BadSetting::new("timeout", "longer than zero"))
        } else {
            self.policy.retry.as_ref().map_or(Ok(()), |policy| policy.retry.check())
        };
        checked.map_err(|setting| setting.of_step(&self.name))
    }

    /// Puts the step between two others.
    pub(crate) fn wired(self, input: Wire<I>, output: Wire<O>) -> Box<dyn Node> {
        Box::new(Wired { body: self.body, policy: self.policy, copy: self.copy, input, output })
    }
}

impl<I, O> fmt::Debug for TaskStep<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStep")
            .field("name", &self.name)
            .field("timeout", &self.policy.timeout)
            .field("retry", &self.policy.retry.as_ref().map(|policy| &policy.retry))
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// What is known of a step before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    name: Arc<str>,
    weight: u32,
}

impl StepInfo {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its share of the task's progress.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}

/// A step as the driver sees it: its types are gone, its place in the chain is fixed.
///
/// A journal would ask two more things of it: its output as bytes after [`start`](Node::start), and
/// to fill the output wire from such bytes instead of starting.
pub(crate) trait Node: Send + Sync {
    /// One attempt. Takes the input for good when no other attempt can follow.
    fn start(&self, cx: StepContext, last: Last) -> BoxFuture<'static, Result<(), StepFailure>>;

    fn policy(&self) -> &Policy;
}

/// Whether an attempt is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    Yes,
    No,
}

struct Wired<I, O> {
    body: Box<dyn Body<I, O>>,
    policy: Policy,
    copy: Option<fn(&I) -> I>,
    input: Wire<I>,
    output: Wire<O>,
}

impl<I: Send + 'static, O: Send + 'static> Node for Wired<I, O> {
    fn start(&self, cx: StepContext, last: Last) -> BoxFuture<'static, Result<(), StepFailure>> {
        let input = match (last, self.copy) {
            (Last::No, Some(copy)) => self.input.copied(copy),
            _ => self.input.take(),
        };
        match input {
            Some(input) => self.body.run(cx, input, self.output.clone()),
            // The driver runs steps in order, and each but the last attempt copies.
            None => Box::pin(async { Err(StepFailure::returned("its input is gone")) }),
        }
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// A [`StepBody`] whose own type and future's type are gone.
trait Body<I, O>: Send + Sync {
    fn run(
        &self,
        cx: StepContext,
        input: I,
        output: Wire<O>,
    ) -> BoxFuture<'static, Result<(), StepFailure>>;
}

struct Shaped<B, Shape>(B, std::marker::PhantomData<fn() -> Shape>);

impl<B, Shape, I, O> Body<I, O> for Shaped<B, Shape>
where
    B: StepBody<I, Shape, Output = O>,
    O: Send + 'static,
{
    fn run(
        &self,
        cx: StepContext,
        input: I,
        output: Wire<O>,
    ) -> BoxFuture<'static, Result<(), StepFailure>> {
        let attempt = self.0.attempt(cx, input);
        Box::pin(async move {
            output.put(attempt.await?);
            Ok(())
        })
    }
}
