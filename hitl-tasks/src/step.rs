//! One step of a task.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hitl_base::Redactor;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::blocking::Blocks;
use crate::error::BadSetting;
use crate::failure::clean;
use crate::group::Group;
use crate::journal::output::{OutputCodec, OutputError};
use crate::sync::{Mutex, lock};
use crate::task::clean_name;
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
    extras: Option<Box<Extras<O>>>,
}

/// What few steps have.
struct Extras<O> {
    undo: Option<Undo<O>>,
    codec: Option<OutputCodec<O>>,
}

impl<O> Default for Extras<O> {
    fn default() -> Self {
        Self { undo: None, codec: None }
    }
}

/// How to undo a step that is done, and the copy of its output that this takes.
struct Undo<O> {
    body: Box<dyn Body<O, ()>>,
    copy: fn(&O) -> O,
    kept: Mutex<Option<O>>,
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
    /// The name is shown wherever progress is: what looks like a secret in it is masked when the
    /// task is submitted.
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
            extras: None,
        }
    }

    /// A step whose body blocks: it runs on a thread of the runtime's blocking pool.
    ///
    /// Such a body cannot be stopped from outside. It hears of cancellation and time-outs by
    /// [`StepContext::is_cancelled`]; one that does not ask goes on, keeps its slot, and its task
    /// [is reported as still running](crate::Happening::StillRunning) and does not end before it.
    ///
    /// ```
    /// # use hitl_tasks::{StepContext, TaskStep};
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
            body: Box::new(Blocks::new(body)),
            weight: 1,
            policy: Policy::default(),
            copy: None,
            extras: None,
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

    /// How to undo the step, given a copy of its output (the context alone where that is `()`).
    ///
    /// When the task fails, is cancelled or runs out of time, the steps that are done are undone,
    /// the last one first; the step that was running is not, its body tidies up after itself. An
    /// undo is tried as often as [`retry`](Self::retry) says, each attempt for as long as
    /// [`undo_limit`](crate::ManagerBuilder::undo_limit) allows; an attempt cannot be cancelled,
    /// the time between two can, and in a journaled task it may run again after a restart. One that
    /// fails does not keep the others from being undone. What was undone is told by
    /// [`TaskError::undone`](crate::TaskError::undone).
    ///
    /// ```
    /// # use hitl_tasks::{StepContext, TaskStep};
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
        self.extras.get_or_insert_default().undo = Some(Undo {
            body: Box::new(Shaped(body, std::marker::PhantomData::<fn() -> Shape>)),
            copy: O::clone,
            kept: Mutex::new(None),
        });
        self
    }

    /// Makes the output fit for a journal, as JSON. Every step of a
    /// [journaled](crate::Task::journaled) task has to be.
    ///
    /// In such a task an output is read back when it is recorded, and the next step gets what was
    /// read: what serde skips is lost at once, not only after a crash. An output that cannot be
    /// written, cannot be read back, or reads back as another value fails the step as
    /// [`NotDurable`](crate::FailureKind::NotDurable): a number that is not finite, a `u128` or a
    /// map with numbers as keys inside a tagged or flattened type, `Some(None)`, a field that is
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
    pub(crate) fn wired(self, input: Wire<I>, output: Wire<O>) -> (StepInfo, Box<dyn Node>) {
        let Self { name, body, weight, policy, copy, extras } = self;
        let node = Box::new(Wired { body, policy, copy, extras, input, output });
        (StepInfo { name, weight }, node)
    }
}

impl<I, O> fmt::Debug for TaskStep<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStep")
            .field("name", &clean(&Redactor::standard(), &self.name))
            .field("timeout", &self.policy.timeout)
            .field("retry", &self.policy.retry.as_ref().map(|policy| &policy.retry))
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// What is known of a step before it runs.
#[derive(Clone, PartialEq, Eq)]
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

    pub(crate) fn clean(&mut self, redactor: &Redactor) {
        self.name = clean_name(redactor, Arc::clone(&self.name));
    }
}

impl fmt::Debug for StepInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is not clean before its task is submitted.
        f.debug_struct("StepInfo")
            .field("name", &clean(&Redactor::standard(), &self.name))
            .field("weight", &self.weight)
            .finish()
    }
}

/// What the driver runs next: one step, or several at once.
pub(crate) enum Unit {
    Step(Box<dyn Node>),
    Group(Box<Group>),
}

impl Unit {
    /// Its steps, in order.
    pub(crate) fn nodes(&self) -> &[Box<dyn Node>] {
        match self {
            Self::Step(node) => std::slice::from_ref(node),
            Self::Group(group) => &group.members,
        }
    }
}

/// A step as the driver sees it: its types are gone, its place in the chain is fixed.
///
/// All of it may run code of the user's, and so may panic.
pub(crate) trait Node: Send + Sync {
    /// One attempt. Takes the input for good when no other attempt can follow.
    fn start(&self, cx: StepContext, last: Last) -> BoxFuture<'static, Result<(), StepFailure>>;

    fn policy(&self) -> &Policy;

    /// Whether its body blocks a thread, and so cannot be dropped.
    fn is_blocking(&self) -> bool;

    fn is_durable(&self) -> bool;

    fn has_undo(&self) -> bool;

    /// The step is done: keeps what undoing it takes.
    fn keep(&self);

    /// One attempt to undo what was kept; `None` when nothing was.
    fn undo(&self, cx: StepContext) -> Option<BoxFuture<'static, Result<(), StepFailure>>>;

    /// Gives the output to be journaled, and puts what a later life will read of it in its place.
    fn write_output(&self) -> Result<Box<RawValue>, OutputError>;

    /// Puts a journaled output where the step would have put its own.
    fn read_output(&self, json: &RawValue) -> Result<(), OutputError>;

    /// Names of the types it takes and gives.
    fn types(&self) -> (&'static str, &'static str);
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
    extras: Option<Box<Extras<O>>>,
    input: Wire<I>,
    output: Wire<O>,
}

impl<I, O> Wired<I, O> {
    fn undo_part(&self) -> Option<&Undo<O>> {
        self.extras.as_ref()?.undo.as_ref()
    }

    fn codec(&self) -> Result<&OutputCodec<O>, OutputError> {
        let codec = self.extras.as_ref().and_then(|extras| extras.codec.as_ref());
        codec.ok_or_else(|| "the step is not durable".to_owned())
    }
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

    fn is_blocking(&self) -> bool {
        self.body.is_blocking()
    }

    fn is_durable(&self) -> bool {
        self.codec().is_ok()
    }

    fn has_undo(&self) -> bool {
        self.undo_part().is_some()
    }

    fn keep(&self) {
        if let Some(undo) = self.undo_part() {
            let copy = self.output.copied(undo.copy);
            let old = std::mem::replace(&mut *lock(&undo.kept), copy);
            drop(old);
        }
    }

    fn undo(&self, cx: StepContext) -> Option<BoxFuture<'static, Result<(), StepFailure>>> {
        let undo = self.undo_part()?;
        let output = lock(&undo.kept).as_ref().map(undo.copy)?;
        Some(undo.body.run(cx, output, Wire::Nowhere))
    }

    fn write_output(&self) -> Result<Box<RawValue>, OutputError> {
        let codec = self.codec()?;
        let written = self.output.with(|output| codec.round_trip(output));
        let (text, read_back) = written.ok_or("there is no output")??;
        self.output.put(read_back);
        Ok(text)
    }

    fn read_output(&self, json: &RawValue) -> Result<(), OutputError> {
        self.output.put(self.codec()?.read(json)?);
        Ok(())
    }

    fn types(&self) -> (&'static str, &'static str) {
        (std::any::type_name::<I>(), std::any::type_name::<O>())
    }
}

/// A [`StepBody`] whose own type and future's type are gone.
pub(crate) trait Body<I, O>: Send + Sync {
    fn is_blocking(&self) -> bool {
        false
    }

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
