//! The description of a task and its steps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;

use crate::define::priority::Priority;
use crate::id::TaskId;
use crate::one_or_many::OneOrMany;
use crate::schedule::idempotency::IdempotencyKey;
use crate::schedule::queue::{Key, QueueOptions, micros};
use crate::text::{redact, redact_name};

/// The description of a task; every [`TaskEvent`](crate::TaskEvent) refers to one.
#[derive(Debug)]
pub struct TaskInfo {
    id: TaskId,
    name: Arc<str>,
    steps: OneOrMany<StepInfo>,
    total_weight: f64,
    options: Option<Box<TaskOptions>>,
}

impl TaskInfo {
    pub(crate) fn new(
        id: TaskId,
        name: Arc<str>,
        steps: OneOrMany<StepInfo>,
        options: Option<Box<TaskOptions>>,
    ) -> Self {
        let total_weight = steps.iter().map(|step| f64::from(step.weight())).sum();
        Self { id, name, steps, total_weight, options }
    }

    /// Returns the id of the task.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the steps, in order.
    pub fn steps(&self) -> &[StepInfo] {
        &self.steps
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> Option<&str> {
        self.options.as_ref()?.tenant.as_deref()
    }

    /// Returns the concurrency key.
    pub fn key(&self) -> Option<&str> {
        self.queue_options()?.key.as_deref()
    }

    /// Returns the version of the definition.
    pub fn version(&self) -> u32 {
        self.options.as_ref().map_or(0, |options| options.version)
    }

    /// Returns whether the task is journaled.
    pub fn is_journaled(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.journaled)
    }

    /// Returns whether the task is a retry of one that has failed.
    pub(crate) fn is_retry(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.retry)
    }

    /// Returns the name of the type of the result of a journaled task.
    pub(crate) fn output_type(&self) -> &'static str {
        self.options.as_ref().map_or("", |options| options.output_type)
    }

    pub(crate) fn queue_options(&self) -> Option<&QueueOptions> {
        self.options.as_ref().map(|options| &options.queue_options)
    }

    pub(crate) fn queue_timeout(&self) -> Option<Duration> {
        self.options.as_ref()?.queue_timeout
    }

    pub(crate) fn idempotency_key(&self) -> Option<IdempotencyKey> {
        let options = self.options.as_ref()?;
        let key = options.idempotency_key.clone()?;
        Some(IdempotencyKey { tenant: options.tenant.clone(), key })
    }

    /// Returns whether another task may answer for this one.
    pub(crate) fn has_same_definition(&self, other: &Self) -> bool {
        let steps = |info: &Self| info.steps.iter().map(StepInfo::shared_name).collect::<Vec<_>>();
        self.name == other.name && self.version() == other.version() && steps(self) == steps(other)
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the concurrency key without copying its text.
    pub(crate) fn shared_key(&self) -> Option<Key> {
        self.queue_options()?.key.clone()
    }

    /// Returns the name of a step; empty if there is no such step.
    pub(crate) fn step_name(&self, step: usize) -> &str {
        self.steps.get(step).map_or("", StepInfo::name)
    }

    pub(crate) fn weight(&self, step: usize) -> f64 {
        self.steps.get(step).map_or(0.0, |step| f64::from(step.weight()))
    }

    pub(crate) fn total_weight(&self) -> f64 {
        self.total_weight
    }
}

/// The description of a step.
#[derive(Clone, PartialEq, Eq)]
pub struct StepInfo {
    name: Arc<str>,
    weight: u32,
}

impl StepInfo {
    pub(crate) fn new(name: Arc<str>, weight: u32) -> Self {
        Self { name, weight }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the step's share of the task's progress.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(crate) fn redact(&mut self, redactor: &Redactor) {
        self.name = redact_name(redactor, Arc::clone(&self.name));
    }
}

impl fmt::Debug for StepInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is not redacted before its task is submitted.
        f.debug_struct("StepInfo")
            .field("name", &redact(&Redactor::standard(), &self.name))
            .field("weight", &self.weight)
            .finish()
    }
}

/// The options of a task. Rarely used, so they are kept behind one pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskOptions {
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) idempotency_key: Option<Arc<str>>,
    pub(crate) queue_options: QueueOptions,
    pub(crate) queue_timeout: Option<Duration>,
    pub(crate) version: u32,
    pub(crate) journaled: bool,
    /// True if the task has failed before, and is to begin again.
    pub(crate) retry: bool,
    /// The name of the type of the result, in a journaled task.
    pub(crate) output_type: &'static str,
}

impl TaskOptions {
    pub(crate) fn priority(&mut self, priority: Priority) {
        self.queue_options.priority = match priority {
            Priority::Low => -1,
            Priority::Normal => 0,
            Priority::High => 1,
            Priority::Urgent => 2,
        };
    }

    pub(crate) fn queue_timeout(&mut self, limit: Duration) {
        self.queue_timeout = Some(limit);
        self.queue_options.within = Some(micros(limit));
    }
}
