//! Long work that can be watched and stopped.
//!
//! A [`Task`] is a chain of [`TaskStep`]s: async functions, each given what the one before made.
//! A [`TaskManager`] runs a bounded number of them at once.
//!
//! ```
//! use std::time::Duration;
//! use hitl_tasks::{Retry, StepContext, Task, TaskManager, TaskStep};
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
//!   [undo](TaskStep::undo), or several [at once](Task::parallel)), [`Retry`]. What a body gets is
//!   a [`StepContext`]: it reports progress, hears of cancellation, and waits [off the
//!   clock](StepContext::off_clock).
//! - **Running**: [`TaskManager`], built by [`ManagerBuilder`]; it ends by [`Shutdown`]. Tasks wait
//!   by [`Priority`], [key](Task::key), [rate](ManagerBuilder::rate_limit) and
//!   [time](Task::start_after).
//! - **Waiting and stopping**: [`TaskHandle`] is the claim on the output; [`TaskWatcher`] only
//!   looks. Neither owns the task. [`TenantTasks`] is the manager as one tenant sees it.
//! - **Watching**: every [`TaskEvent`] goes to a [`ProgressEmitter`]: `ProgressBars` (feature
//!   `terminal`), [`EventLog`], [`Channel`], [`Broadcast`], [`Dashboard`], [`JsonLines`],
//!   [`Tracing`], [`FanOut`], or yours. [`TaskProgress`] is the snapshot a dashboard reads.
//! - **Surviving**: [`Task::journaled`] and a [`Journal`].
//! - **States**: [`TaskState`] and its [`Transition`]s, a pure function.
//!
//! # What happens when
//!
//! | this happens | to the step | to the task |
//! |---|---|---|
//! | the body returns an error, or runs out of the step's time | tried again while it has retries | then `Failed` |
//! | the body panics | not tried again | `Failed`, with the panic's message |
//! | the task runs out of its time | stopped | `TimedOut` |
//! | `cancel` before it starts | never begins | `Cancelled`, at once |
//! | `cancel` while it runs, backs off or waits | stopped | `Cancelled`, whatever the body still returns |
//! | a waiter, a watcher or the handle is dropped | nothing | nothing |
//! | it fails, is cancelled or runs out of time | those that are done are undone | `Undoing`, then that end |
//! | a body blocks its thread and is told to stop | goes on | still `Running`, until it returns |
//! | the last manager is dropped, or the runtime shuts down | stopped | `Cancelled`; journaled ones go on later |
//! | an emitter panics | nothing | nothing |
//!
//! "Stopped" means: its token is cancelled; a body that listens to the token gets a grace period;
//! then its future is dropped where it awaits. Code that never awaits cannot be stopped, and the
//! task neither ends nor gives its slot back before such code does.
//!
//! Neither the queue nor time off the clock counts against any budget. Time between attempts counts
//! against the task's.

mod alarm;
mod attempt;
mod attempting;
mod blocking;
mod body;
mod book;
mod builder;
mod clock;
mod context;
mod deadlock;
mod driver;
mod emit;
mod error;
mod event;
mod failure;
mod few;
mod filter;
mod group;
mod handle;
mod hashing;
mod id;
pub mod journal;
mod leftover;
mod live;
mod manager;
mod options;
mod outbox;
mod outcomes;
mod pace;
mod part;
mod progress;
mod queue;
mod record;
mod retry;
mod scheduler;
mod shutdown;
mod state;
mod step;
mod sync;
mod task;
mod tenant;
mod timings;
mod undoing;
mod waiters;
mod watcher;
mod wire;

pub use body::{ContextAlone, ContextAndInput, StepBody};
pub use builder::ManagerBuilder;
pub use context::StepContext;
pub use emit::{
    Broadcast, Channel, Dashboard, DashboardSnapshot, DashboardUpdates, EventLog, FanOut, Inbox,
    JsonLines, LogReader, Logged, ParsePositionError, Position, ProgressEmitter, Silent,
    Subscription, Tracing, Update,
};
#[cfg(feature = "terminal")]
pub use emit::{Paused, ProgressBars};
pub use error::{BadSetting, BuildError, SubmitError, TaskError, TaskErrorKind, Undone};
pub use event::{Happening, TaskEvent};
pub use failure::{FailureKind, StepFailure};
pub use filter::TaskFilter;
pub use group::Parallel;
pub use handle::TaskHandle;
pub use id::TaskId;
pub use journal::{Epoch, Journal, JournalError, JournalErrorKind, Journaled, MemoryJournal};
pub use manager::TaskManager;
pub use options::Priority;
pub use part::PartProgress;
pub use progress::{Status, StepProgress, TaskProgress};
pub use retry::{Jitter, Retry};
pub use shutdown::{Shutdown, ShutdownReport};
pub use state::{IllegalTransition, TaskState, Transition};
pub use step::{StepInfo, TaskStep};
pub use task::{Task, TaskInfo};
pub use tenant::TenantTasks;
pub use watcher::TaskWatcher;
