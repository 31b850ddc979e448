//! The environment that the tasks of a manager share.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Clock, Redactor};

use crate::journal::contract::Journal;
use crate::observe::emit::emitter::ProgressEmitter;
use crate::state::step_durations::StepDurations;

/// The settings of a manager that its tasks need, and the durations of their steps.
pub(crate) struct Environment {
    pub(crate) cancel_grace_period: Duration,
    pub(crate) undo_timeout: Duration,
    pub(crate) emitter: Option<Box<dyn ProgressEmitter>>,
    pub(crate) journal: Option<Box<dyn Journal>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) redactor: Redactor,
    pub(crate) durations: StepDurations,
}
