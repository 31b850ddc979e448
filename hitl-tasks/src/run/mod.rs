//! The execution of a task.

pub(crate) mod attempt;
pub(crate) mod attempt_runner;
pub(crate) mod completion;
pub(crate) mod context;
pub(crate) mod current_attempt;
pub(crate) mod driver;
pub(crate) mod off_clock;
pub(crate) mod run_budget;
pub(crate) mod step_failure;
pub(crate) mod step_runner;
pub(crate) mod step_scope;
pub(crate) mod undo;
pub(crate) mod value_cell;
