//! Long work that can be watched and stopped. The facade [`hitl`](https://docs.rs/hitl) has this
//! crate as its module `tasks`, and adds steps that wait for a human; without a gate it works by
//! itself.
//!
//! A [`Task`] is a chain of [`TaskStep`]s: async functions, each of which gets the output of the
//! one before. A [`TaskManager`] runs a bounded number of tasks at once.
//!
//! ```
//! use std::time::Duration;
//! use hitl::tasks::{Retry, StepContext, Task, TaskManager, TaskStep};
//!
//! async fn gather(cx: StepContext) -> Result<Vec<String>, std::io::Error> {
//!     cx.message("reading the news");
//!     cx.progress(0.5);
//!     Ok(vec!["Initech".into(), "Hooli".into()])
//! }
//!
//! async fn report(_: StepContext, names: Vec<String>) -> Result<String, String> {
//!     Ok(format!("competitors: {}", names.join(", ")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = TaskManager::builder().max_concurrent(5).build()?;
//!
//! let research = Task::new("Competitor landscape")
//!     .step(TaskStep::new("Gather", gather).timeout(Duration::from_secs(30)))
//!     .step(TaskStep::new("Report", report).retry(Retry::exponential(3)).weight(2))
//!     .timeout(Duration::from_secs(300));
//!
//! let handle = manager.submit(research)?;
//! let report: String = handle.wait().await?;
//! assert_eq!(report, "competitors: Initech, Hooli");
//! # Ok(())
//! # }
//! ```
//!
//! # The tour
//!
//! - **Defining**: [`Task`], [`TaskStep`] (also [blocking](TaskStep::blocking), with
//!   [undo](TaskStep::undo), or several [in parallel](Task::parallel)), [`Retry`]. The body of a
//!   step gets a [`StepContext`]: it reports progress, learns of cancellation, and waits [off the
//!   clock](StepContext::off_clock).
//! - **Running**: [`TaskManager`], built by [`TaskManagerBuilder`] and ended by [`Shutdown`]. Tasks
//!   are queued by [`Priority`], [key](Task::key), [rate](TaskManagerBuilder::rate_limit) and
//!   [time](Task::start_after).
//! - **Waiting and stopping**: [`TaskHandle`] is the claim on the output; [`TaskWatcher`] only
//!   observes. Neither owns the task. [`TenantTasks`] is the manager as one tenant sees it.
//! - **Watching**: every [`TaskEvent`] goes to a [`ProgressEmitter`]: `ProgressBars` (feature
//!   `terminal`), [`EventLog`], [`CoalescingChannel`], [`Broadcast`], [`Dashboard`], [`JsonLines`],
//!   [`TracingEmitter`], [`FanOut`], or your own. [`TaskProgress`] is the snapshot that a dashboard
//!   reads.
//! - **Surviving a crash**: [`Task::journaled`] and a [`Journal`]. [Results](TaskManager::result)
//!   are read by id, [failed tasks](TaskManager::failed) are listed and
//!   [retried](TaskManager::retry).
//! - **States**: [`TaskState`] and its [`Transition`]s, a pure function.
//!
//! # Events and their effects
//!
//! | event | the step | the task |
//! |---|---|---|
//! | the body returns an error or times out | retried while it has retries | then `Failed` |
//! | the body panics | not retried | `Failed`, with the panic's message |
//! | the task times out | stopped | `TimedOut` |
//! | `cancel` before it starts | never begins | `Cancelled`, at once |
//! | `cancel` while it runs, backs off or waits | stopped | `Cancelled`, no matter what the body still returns |
//! | a wait, a watcher or the handle is dropped | no effect | no effect |
//! | it fails, is cancelled or times out | completed steps are undone | `Undoing`, then that end |
//! | a body that blocks its thread is asked to stop | continues | still `Running`, until it returns |
//! | the last manager is dropped, or the runtime shuts down | stopped | `Cancelled`; a journaled task is `Interrupted` and continues later |
//! | an emitter panics | no effect | no effect |
//!
//! To stop a step means: its token is cancelled; a body that listens to the token gets a grace
//! period; then its future is dropped where it awaits. Code that never awaits cannot be stopped,
//! and the task neither ends nor gives its slot back before such code returns.
//!
//! Time in the queue and time off the clock count against no budget. Time between attempts counts
//! against the task's.

// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod define;
mod error;
mod id;
pub mod journal;
mod manager;
mod observe;
mod one_or_many;
mod panic;
mod recorded;
mod run;
mod schedule;
mod shutdown;
mod state;
mod sync;
mod tenant;
mod text;

pub use builder::TaskManagerBuilder;
pub use define::group::Parallel;
pub use define::priority::Priority;
pub use define::retry::{Jitter, Retry};
pub use define::step::TaskStep;
pub use define::step_body::{ContextAlone, ContextAndInput, StepBody};
pub use define::task::Task;
pub use define::task_info::{StepInfo, TaskInfo};
pub use error::{BuildError, InvalidSetting, SubmitError, TaskError, TaskErrorKind, UndoResult};
pub use id::TaskId;
pub use journal::{
    Epoch, Journal, JournalError, JournalErrorKind, JournalSummary, MemoryJournal, ResultError,
    ResultErrorKind,
};
pub use manager::TaskManager;
#[cfg(feature = "terminal")]
pub use observe::emit::{BarsWriter, PauseGuard, ProgressBars};
pub use observe::emit::{
    Broadcast, BroadcastItem, CoalescingChannel, Dashboard, DashboardSnapshot, DashboardUpdates,
    EventLog, FanOut, Inbox, JsonLines, LogItem, LogPosition, LogReader, NoopEmitter,
    ParseLogPositionError, ProgressEmitter, Subscription, TracingEmitter,
};
pub use observe::event::{TaskEvent, TaskEventKind};
pub use observe::filter::TaskFilter;
pub use observe::handle::TaskHandle;
pub use observe::watcher::TaskWatcher;
pub use run::context::StepContext;
pub use run::step_failure::{FailureKind, StepFailure};
pub use shutdown::{Shutdown, ShutdownReport};
pub use state::progress::{StepProgress, TaskProgress};
pub use state::status::Status;
pub use state::sub_progress::SubProgress;
pub use state::task_state::{IllegalTransition, TaskState, Transition};
pub use tenant::TenantTasks;

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
