//! A task: steps that feed each other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::BadSetting;
use crate::step::{Node, StepInfo};
use crate::wire::Wire;
use crate::{TaskId, TaskStep};

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
    steps: Vec<StepInfo>,
    nodes: Vec<Box<dyn Node>>,
    timeout: Option<Duration>,
    output: Wire<T>,
    /// The first setting that makes no sense; kept until somebody can be told.
    bad: Option<BadSetting>,
}

impl Task<()> {
    /// A task of this name, without steps yet. The name is shown as it is; keep secrets out of it.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            id: None,
            name: name.into(),
            steps: Vec::new(),
            nodes: Vec::new(),
            timeout: None,
            output: Wire::Source(|| ()),
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
        if self.nodes.is_empty() {
            // Most tasks have few steps, and a queue may hold many tasks.
            self.steps.reserve_exact(1);
            self.nodes.reserve_exact(1);
        }
        let output = Wire::empty();
        self.steps.push(step.info());
        self.nodes.push(step.wired(self.output, output.clone()));
        Task {
            id: self.id,
            name: self.name,
            steps: self.steps,
            nodes: self.nodes,
            timeout: self.timeout,
            output,
            bad: self.bad,
        }
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

    pub(crate) fn planned(self) -> Result<(Plan, Wire<T>), (Arc<str>, BadSetting)> {
        if let Some(bad) = self.bad {
            return Err((self.name, bad));
        }
        let info = TaskInfo {
            id: self.id.unwrap_or_else(TaskId::minted),
            name: self.name,
            total_weight: self.steps.iter().map(|step| f64::from(step.weight())).sum(),
            steps: self.steps.into_boxed_slice(),
        };
        let plan = Plan {
            info: Arc::new(info),
            nodes: self.nodes.into_boxed_slice(),
            timeout: self.timeout,
        };
        Ok((plan, self.output))
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("steps", &self.steps)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A task that makes sense, ready to run.
pub(crate) struct Plan {
    pub(crate) info: Arc<TaskInfo>,
    pub(crate) nodes: Box<[Box<dyn Node>]>,
    pub(crate) timeout: Option<Duration>,
}

/// What is known of a task before it runs; every [`TaskEvent`](crate::TaskEvent) refers to it.
#[derive(Debug)]
pub struct TaskInfo {
    id: TaskId,
    name: Arc<str>,
    steps: Box<[StepInfo]>,
    total_weight: f64,
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

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(crate) fn weight(&self, step: usize) -> f64 {
        self.steps.get(step).map_or(0.0, |step| f64::from(step.weight()))
    }

    pub(crate) fn total_weight(&self) -> f64 {
        self.total_weight
    }
}
