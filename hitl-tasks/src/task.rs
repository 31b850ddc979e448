//! A task: steps that feed each other.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;

use crate::error::BadSetting;
use crate::failure::clean;
use crate::few::Few;
use crate::group::{Members, Parallel};
use crate::options::Options;
use crate::outcomes::Name;
use crate::queue::{Wish, micros};
use crate::step::{StepInfo, Unit};
use crate::wire::Wire;
use crate::{Priority, TaskId, TaskStep};

/// A piece of long work: steps that run one after the other, each given what the one before made.
///
/// `T` is what the last step makes, and what [`TaskHandle::wait`](crate::TaskHandle::wait) gives.
/// A step that does not fit the one before it does not compile:
///
/// ```
/// # use std::time::Duration;
/// # use hitl_tasks::{StepContext, Task, TaskStep};
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
/// # use hitl_tasks::{StepContext, Task, TaskStep};
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
    steps: Few<StepInfo>,
    units: Few<Unit>,
    timeout: Option<Duration>,
    output: Wire<T>,
    options: Option<Box<Options>>,
    /// The first step whose output cannot be journaled.
    not_durable: Option<Arc<str>>,
    /// The first setting that makes no sense; kept until somebody can be told.
    bad: Option<BadSetting>,
}

impl Task<()> {
    /// A task of this name, without steps yet. The name is shown wherever progress is: what looks
    /// like a secret in it is masked when the task is submitted.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            id: None,
            name: name.into(),
            steps: Few::None,
            units: Few::None,
            timeout: None,
            output: Wire::Source(|| ()),
            options: None,
            not_durable: None,
            bad: None,
        }
    }
}

impl<T: Send + 'static> Task<T> {
    /// Adds a step after the others.
    pub fn step<U: Send + 'static>(mut self, step: TaskStep<T, U>) -> Task<U> {
        if self.bad.is_none() {
            self.bad = step.check().err();
        }
        if self.not_durable.is_none() && !step.is_durable() {
            self.not_durable = Some(step.shared_name());
        }
        let output = Wire::empty();
        let (input, mut task) = self.with_output(output.clone());
        let (info, node) = step.wired(input, output);
        task.steps.push(info);
        task.units.push(Unit::Step(node));
        task
    }

    /// Adds steps that run at the same time, each with a copy of the input. What comes out is a
    /// tuple of their outputs; a `Vec` for a `Vec` of steps.
    ///
    /// The first one to fail for good stops the others, and the task fails with it. The group holds
    /// one slot; it gives it back while every step that still runs is
    /// [off the clock](crate::StepContext::off_clock).
    ///
    /// ```
    /// # use hitl_tasks::{StepContext, Task, TaskStep};
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
        let output = Wire::empty();
        let input = std::mem::replace(&mut self.output, Wire::Nowhere);
        let Members { group, infos, bad } = steps.wired(input, output.clone());
        self.bad = self.bad.or(bad);
        if self.not_durable.is_none() {
            let named = group.members.iter().zip(&infos);
            let mut plain = named.filter(|(node, _)| !node.is_durable());
            self.not_durable = plain.next().map(|(_, info)| info.shared_name());
        }
        self.steps.extend(infos);
        let (_, mut task) = self.with_output(output);
        task.units.push(Unit::Group(Box::new(group)));
        task
    }

    /// The same task with another end, and its former one.
    fn with_output<U>(self, output: Wire<U>) -> (Wire<T>, Task<U>) {
        let task = Task {
            id: self.id,
            name: self.name,
            steps: self.steps,
            units: self.units,
            timeout: self.timeout,
            output,
            options: self.options,
            not_durable: self.not_durable,
            bad: self.bad,
        };
        (self.output, task)
    }

    /// The longest the whole task may take: steps, retries and the delays between them; not the
    /// time in the queue, nor [off the clock](crate::StepContext::off_clock). Zero is refused by
    /// [`submit`](crate::TaskManager::submit); `Duration::MAX` means no limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        if limit.is_zero() && self.bad.is_none() {
            self.bad = Some(BadSetting::new("timeout", "longer than zero"));
        }
        self
    }

    /// Uses an id that the host already knows, instead of a new one.
    pub fn id(mut self, id: TaskId) -> Self {
        self.id = Some(id);
        self
    }

    /// Who it belongs to. Only [`TaskManager::of_tenant`](crate::TaskManager::of_tenant) and those
    /// who ask for any tenant see it; an idempotency key is the tenant's own.
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.options().tenant = Some(tenant.into());
        self
    }

    /// Who goes first when several tasks wait.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options().priority(priority);
        self
    }

    /// Of tasks with the same key no more run at once than the manager's
    /// [`max_per_key`](crate::ManagerBuilder::max_per_key) allows: one customer, one repository.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.options().wish.key = Some(key.into());
        self
    }

    /// Starts it no sooner than so long after it is submitted. Until then it is queued.
    pub fn start_after(mut self, delay: Duration) -> Self {
        self.options().wish.after = micros(delay);
        self
    }

    /// The longest it may wait to start, from when it may (see [`start_after`](Self::start_after)).
    /// Then it ends as [`TimedOut`](crate::TaskState::TimedOut). Zero is refused by
    /// [`submit`](crate::TaskManager::submit); without it a task waits as long as it takes.
    pub fn queue_timeout(mut self, limit: Duration) -> Self {
        self.options().queue_timeout(limit);
        if limit.is_zero() && self.bad.is_none() {
            self.bad = Some(BadSetting::new("queue_timeout", "longer than zero"));
        }
        self
    }

    /// Submitting another task with the same key (of the same tenant) while this one lives, or is
    /// [remembered](crate::ManagerBuilder::keep_outcomes), runs nothing: it gives another handle on
    /// this one. The other task has to have the same name, steps and output type.
    pub fn idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.options().idempotency_key = Some(key.into());
        self
    }

    /// The version of its definition, 0 unless said otherwise: a journaled task that was begun with
    /// another version is not gone on with.
    pub fn version(mut self, version: u32) -> Self {
        self.options().version = version;
        self
    }

    /// Records in the manager's [journal](crate::ManagerBuilder::journal) what each step made,
    /// before the next one begins. Every step has to be [durable](crate::TaskStep::durable).
    ///
    /// After a crash submit the same definition under the same [id](Self::id): it goes on at the
    /// first step without a recorded output. A step that was interrupted runs again (bodies are
    /// at-least-once: use [`StepContext::idempotency_key`](crate::StepContext::idempotency_key));
    /// its attempts count on, and it gets at least one more. Time budgets begin anew. A task that
    /// has ended gives its recorded end again. A definition whose name, tenant, version, steps or
    /// types differ is refused with [`DefinitionChanged`](crate::TaskErrorKind::DefinitionChanged);
    /// a changed body cannot be seen, so change the version.
    ///
    /// A shutdown, a dropped manager and a runtime that goes away only interrupt such a task:
    /// nothing is undone, and it goes on when it is submitted again.
    pub fn journaled(mut self) -> Self {
        self.options().journaled = true;
        self
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    /// The plan, with names that are fit to be shown: they go where progress goes.
    pub(crate) fn planned(
        mut self,
        redactor: &Redactor,
    ) -> Result<(Plan, Wire<T>), (Arc<str>, BadSetting)> {
        self.name = clean_name(redactor, self.name);
        for step in self.steps.iter_mut() {
            step.clean(redactor);
        }

        let journaled = self.options.as_ref().is_some_and(|options| options.journaled);
        let bad = match (self.bad, self.not_durable) {
            (None, Some(step)) if journaled => {
                Some(BadSetting::new("durable", "set in a journaled task").of_step(&step))
            }
            (bad, _) => bad,
        };
        if let Some(bad) = bad {
            return Err((self.name, bad.cleaned(redactor)));
        }
        let info = TaskInfo {
            id: self.id.unwrap_or_else(TaskId::minted),
            name: self.name,
            total_weight: self.steps.iter().map(|step| f64::from(step.weight())).sum(),
            steps: self.steps,
            options: self.options,
        };
        let plan = Plan { info: Arc::new(info), units: self.units, timeout: self.timeout };
        Ok((plan, self.output))
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            // It is not clean before it is submitted.
            .field("name", &clean(&Redactor::standard(), &self.name))
            .field("steps", &self.steps)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A task that makes sense, ready to run.
pub(crate) struct Plan {
    pub(crate) info: Arc<TaskInfo>,
    pub(crate) units: Few<Unit>,
    pub(crate) timeout: Option<Duration>,
}

/// A name that is fit to be shown.
pub(crate) fn clean_name(redactor: &Redactor, name: Arc<str>) -> Arc<str> {
    match clean(redactor, &name) {
        Cow::Owned(clean) => clean.into(),
        Cow::Borrowed(clean) if clean.len() == name.len() => name,
        Cow::Borrowed(clipped) => clipped.into(),
    }
}

/// What is known of a task before it runs; every [`TaskEvent`](crate::TaskEvent) refers to it.
#[derive(Debug)]
pub struct TaskInfo {
    id: TaskId,
    name: Arc<str>,
    steps: Few<StepInfo>,
    total_weight: f64,
    options: Option<Box<Options>>,
}

impl TaskInfo {
    /// Which task.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its steps, in order.
    pub fn steps(&self) -> &[StepInfo] {
        &self.steps
    }

    /// Who it belongs to.
    pub fn tenant(&self) -> Option<&str> {
        self.options.as_ref()?.tenant.as_deref()
    }

    /// Its concurrency key.
    pub fn key(&self) -> Option<&str> {
        self.wish()?.key.as_deref()
    }

    /// The version of its definition.
    pub fn version(&self) -> u32 {
        self.options.as_ref().map_or(0, |options| options.version)
    }

    /// Whether it is journaled.
    pub fn is_journaled(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.journaled)
    }

    pub(crate) fn wish(&self) -> Option<&Wish> {
        self.options.as_ref().map(|options| &options.wish)
    }

    pub(crate) fn queue_limit(&self) -> Option<Duration> {
        self.options.as_ref()?.queue_limit
    }

    pub(crate) fn idempotency_name(&self) -> Option<Name> {
        let options = self.options.as_ref()?;
        Some((options.tenant.clone(), options.idempotency_key.clone()?))
    }

    /// Whether another task may stand for this one.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        let steps = |info: &Self| info.steps.iter().map(StepInfo::shared_name).collect::<Vec<_>>();
        self.name == other.name && self.version() == other.version() && steps(self) == steps(other)
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn weight(&self, step: usize) -> f64 {
        self.steps.get(step).map_or(0.0, |step| f64::from(step.weight()))
    }

    pub(crate) fn total_weight(&self) -> f64 {
        self.total_weight
    }
}
