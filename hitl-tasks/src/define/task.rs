//! A task: steps that feed each other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;

use crate::define::group::{GroupSpec, Parallel};
use crate::define::plan::{Plan, PlanItem};
use crate::define::priority::Priority;
use crate::define::step::TaskStep;
use crate::define::task_info::{StepInfo, TaskInfo, TaskOptions};
use crate::error::InvalidSetting;
use crate::id::TaskId;
use crate::one_or_many::OneOrMany;
use crate::run::value_cell::ValueCell;
use crate::schedule::queue::micros;
use crate::text::{redact, redact_name};

/// A piece of long work: steps that run one after the other, each of which gets the output of the
/// one before.
///
/// `T` is the output of the last step, which [`TaskHandle::wait`](crate::TaskHandle::wait) returns.
/// A step that does not fit the one before does not compile:
///
/// ```
/// # use std::time::Duration;
/// # use hitl::tasks::{StepContext, Task, TaskStep};
/// async fn gather(_: StepContext) -> Result<Vec<u32>, String> {
///     Ok(vec![1, 2, 3])
/// }
/// async fn sum(_: StepContext, numbers: Vec<u32>) -> Result<u32, String> {
///     Ok(numbers.iter().sum())
/// }
///
/// let task: Task<u32> = Task::new("Sum")
///     .step(TaskStep::new("Gather", gather))
///     .step(TaskStep::new("Sum", sum))
///     .timeout(Duration::from_secs(300));
/// # let _ = task;
/// ```
///
/// ```compile_fail,E0308
/// # use hitl::tasks::{StepContext, Task, TaskStep};
/// # async fn gather(_: StepContext) -> Result<Vec<u32>, String> { Ok(vec![]) }
/// # async fn shout(_: StepContext, text: String) -> Result<String, String> { Ok(text) }
/// Task::new("Mismatch")
///     .step(TaskStep::new("Gather", gather))
///     .step(TaskStep::new("Shout", shout)); // takes a String, is given a Vec<u32>
/// ```
///
/// A task without steps completes at once.
#[must_use = "a task does nothing until it is submitted"]
pub struct Task<T = ()> {
    id: Option<TaskId>,
    name: Arc<str>,
    steps: OneOrMany<StepInfo>,
    items: OneOrMany<PlanItem>,
    timeout: Option<Duration>,
    output: ValueCell<T>,
    options: Option<Box<TaskOptions>>,
    /// The first step whose output cannot be journaled.
    not_durable: Option<Arc<str>>,
    /// The first invalid setting, reported at submission.
    invalid: Option<InvalidSetting>,
}

impl Task<()> {
    /// Creates a task without steps. The name is shown with the progress. If it looks like a secret
    /// it is masked when the task is submitted.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            id: None,
            name: name.into(),
            steps: OneOrMany::None,
            items: OneOrMany::None,
            timeout: None,
            output: ValueCell::Initial(|| ()),
            options: None,
            not_durable: None,
            invalid: None,
        }
    }
}

impl<T: Send + 'static> Task<T> {
    /// Adds a step after the others.
    pub fn step<U: Send + 'static>(mut self, step: TaskStep<T, U>) -> Task<U> {
        if self.invalid.is_none() {
            self.invalid = step.check().err();
        }
        if self.not_durable.is_none() && !step.is_durable() {
            self.not_durable = Some(step.shared_name());
        }
        let output = ValueCell::empty();
        let (input, mut task) = self.split_output(output.clone());
        let (info, node) = step.connect(input, output);
        task.steps.push(info);
        task.items.push(PlanItem::Step(node));
        task
    }

    /// Adds steps that run in parallel, each with a clone of the input. The output is a tuple of
    /// their outputs; a `Vec` for a `Vec` of steps.
    ///
    /// The first step to fail for good stops the others, and the task fails with its error. The
    /// group holds one slot, and gives it back while every step that still runs is [off the
    /// clock](crate::StepContext::off_clock).
    ///
    /// ```
    /// # use hitl::tasks::{StepContext, Task, TaskStep};
    /// async fn topic(_: StepContext) -> Result<String, String> { Ok("rust".into()) }
    /// async fn papers(_: StepContext, topic: String) -> Result<u32, String> { Ok(3) }
    /// async fn news(_: StepContext, topic: String) -> Result<bool, String> { Ok(true) }
    ///
    /// let task: Task<(u32, bool)> = Task::new("Research")
    ///     .step(TaskStep::new("Topic", topic))
    ///     .parallel((TaskStep::new("Papers", papers), TaskStep::new("News", news)));
    /// # let _ = task;
    /// ```
    pub fn parallel<P: Parallel<T>>(mut self, steps: P) -> Task<P::Output> {
        let output = ValueCell::empty();
        let input = std::mem::replace(&mut self.output, ValueCell::Discard);
        let GroupSpec { group, infos, invalid } = steps.connect(input, output.clone());
        self.invalid = self.invalid.or(invalid);
        if self.not_durable.is_none() {
            let named = group.members.iter().zip(&infos);
            let mut plain = named.filter(|(node, _)| !node.is_durable());
            self.not_durable = plain.next().map(|(_, info)| info.shared_name());
        }
        self.steps.extend(infos);
        let (_, mut task) = self.split_output(output);
        task.items.push(PlanItem::Group(Box::new(group)));
        task
    }

    /// Replaces the output of the task, and returns the former one beside it.
    fn split_output<U>(self, output: ValueCell<U>) -> (ValueCell<T>, Task<U>) {
        let task = Task {
            id: self.id,
            name: self.name,
            steps: self.steps,
            items: self.items,
            timeout: self.timeout,
            output,
            options: self.options,
            not_durable: self.not_durable,
            invalid: self.invalid,
        };
        (self.output, task)
    }

    /// Sets the timeout of the whole task: steps, retries and the delays between them, but not time
    /// in the queue or [off the clock](crate::StepContext::off_clock).
    /// [`submit`](crate::TaskManager::submit) refuses zero; `Duration::MAX` means no limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        if limit.is_zero() && self.invalid.is_none() {
            self.invalid = Some(InvalidSetting::new("timeout", "longer than zero"));
        }
        self
    }

    /// Sets the id, instead of a generated one.
    pub fn id(mut self, id: TaskId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the tenant. Only [`TaskManager::for_tenant`](crate::TaskManager::for_tenant) and
    /// methods that are not restricted to a tenant see the task; its idempotency key is local to
    /// the tenant.
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.options().tenant = Some(tenant.into());
        self
    }

    /// Sets the priority in the queue.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options().priority(priority);
        self
    }

    /// Sets the concurrency key, such as a customer or a repository. At most
    /// [`max_per_key`](crate::TaskManagerBuilder::max_per_key) tasks with the same key run at once.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.options().queue_options.key = Some(key.into());
        self
    }

    /// Delays the start: the task is queued for at least this long.
    pub fn start_after(mut self, delay: Duration) -> Self {
        self.options().queue_options.after = micros(delay);
        self
    }

    /// Sets how long the task may wait to start, counted from when it may start (see
    /// [`start_after`](Self::start_after)). After that it ends as
    /// [`TimedOut`](crate::TaskState::TimedOut). [`submit`](crate::TaskManager::submit) refuses
    /// zero; without a limit a task waits as long as necessary.
    pub fn queue_timeout(mut self, limit: Duration) -> Self {
        self.options().queue_timeout(limit);
        if limit.is_zero() && self.invalid.is_none() {
            self.invalid = Some(InvalidSetting::new("queue_timeout", "longer than zero"));
        }
        self
    }

    /// Sets the idempotency key. Submitting another task with the same key (of the same tenant)
    /// before this one ends, or while it is
    /// [remembered](crate::TaskManagerBuilder::idempotency_ttl), runs nothing and returns another
    /// handle on this one. The other task must have the same name, steps and output type.
    pub fn idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.options().idempotency_key = Some(key.into());
        self
    }

    /// Sets the version of the definition, 0 by default. A journaled task that was begun with
    /// another version is not continued.
    pub fn version(mut self, version: u32) -> Self {
        self.options().version = version;
        self
    }

    /// Records the output of each step in the manager's
    /// [journal](crate::TaskManagerBuilder::journal) before the next one begins. Every step has to
    /// be [durable](crate::TaskStep::durable).
    ///
    /// After a crash submit the same definition under the same [id](Self::id): the task continues
    /// at the first step without a recorded output. An interrupted step runs again (bodies run at
    /// least once: use [`StepContext::idempotency_key`](crate::StepContext::idempotency_key)); its
    /// attempts keep counting, and it gets at least one more. Time budgets start again. A task that
    /// has ended returns its recorded end. A definition with another name, tenant, version, steps
    /// or types is refused with [`DefinitionChanged`](crate::TaskErrorKind::DefinitionChanged); a
    /// changed body cannot be detected, so change the version.
    ///
    /// A shutdown, a dropped manager and a runtime that shuts down only interrupt such a task:
    /// nothing is undone, and it continues when it is submitted again.
    pub fn journaled(mut self) -> Self {
        self.options().journaled = true;
        self
    }

    /// Begins a failed task again, instead of returning its recorded end. Its idempotency key would
    /// find the failed one.
    pub(crate) fn into_retry(mut self) -> Self {
        let has_id = self.id.is_some();
        let options = self.options();
        options.retry = true;
        options.idempotency_key = None;
        let invalid = match (options.journaled, has_id) {
            (false, _) => Some(InvalidSetting::new("journaled", "set in a task that is retried")),
            (true, false) => Some(InvalidSetting::new("id", "that of the task which failed")),
            (true, true) => None,
        };
        self.invalid = self.invalid.or(invalid);
        self
    }

    fn options(&mut self) -> &mut TaskOptions {
        self.options.get_or_insert_default()
    }

    /// Validates the task and redacts its names, which are shown with the progress.
    pub(crate) fn into_plan(
        mut self,
        redactor: &Redactor,
    ) -> Result<(Plan, ValueCell<T>), (Arc<str>, InvalidSetting)> {
        self.name = redact_name(redactor, self.name);
        for step in self.steps.iter_mut() {
            step.redact(redactor);
        }

        let journaled = self.options.as_ref().is_some_and(|options| options.journaled);
        let invalid = match (self.invalid, self.not_durable) {
            (None, Some(step)) if journaled => {
                Some(InvalidSetting::new("durable", "set in a journaled task").for_step(&step))
            }
            (invalid, _) => invalid,
        };
        if let Some(invalid) = invalid {
            return Err((self.name, invalid.redacted(redactor)));
        }
        if let Some(options) = self.options.as_mut().filter(|options| options.journaled) {
            options.output_type = std::any::type_name::<T>();
        }
        let id = self.id.unwrap_or_else(TaskId::generate);
        let info = TaskInfo::new(id, self.name, self.steps, self.options);
        let plan = Plan { info: Arc::new(info), items: self.items, timeout: self.timeout };
        Ok((plan, self.output))
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            // It is not redacted before it is submitted.
            .field("name", &redact(&Redactor::standard(), &self.name))
            .field("steps", &self.steps)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
