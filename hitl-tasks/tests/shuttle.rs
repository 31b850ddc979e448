//! Races, explored: the crate's own code over locks, atomics and threads that are scheduled in
//! every order that chance finds. Whatever the order, there is one end, and nothing is left over.
//!
//! This compiles the sources a second time, with [`sync`] in the place of `src/sync.rs`. Timers go
//! off whenever the scheduler likes, and so before and after everything else.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::similar_names,
    clippy::unnecessary_wraps,
    clippy::wildcard_imports,
    reason = "the sources of the crate as they are, and tests, which fail by panicking"
)]

#[path = "shuttle/sync.rs"]
mod sync;

#[path = "../src/alarm.rs"]
mod alarm;
#[path = "../src/attempt.rs"]
mod attempt;
#[path = "../src/attempting.rs"]
mod attempting;
#[path = "../src/blocking.rs"]
mod blocking;
#[path = "../src/body.rs"]
mod body;
#[path = "../src/book.rs"]
mod book;
#[path = "../src/builder.rs"]
mod builder;
#[path = "../src/clock.rs"]
mod clock;
#[path = "../src/context.rs"]
mod context;
#[path = "../src/deadlock.rs"]
mod deadlock;
#[path = "../src/driver.rs"]
mod driver;
#[path = "../src/emit/mod.rs"]
mod emit;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/event.rs"]
mod event;
#[path = "../src/failure.rs"]
mod failure;
#[path = "../src/few.rs"]
mod few;
#[path = "../src/filter.rs"]
mod filter;
#[path = "../src/group.rs"]
mod group;
#[path = "../src/handle.rs"]
mod handle;
#[path = "../src/hashing.rs"]
mod hashing;
#[path = "../src/id.rs"]
mod id;
#[path = "../src/journal/mod.rs"]
pub mod journal;
#[path = "../src/leftover.rs"]
mod leftover;
#[path = "../src/live.rs"]
mod live;
#[path = "../src/manager.rs"]
mod manager;
#[path = "../src/options.rs"]
mod options;
#[path = "../src/outbox.rs"]
mod outbox;
#[path = "../src/outcomes.rs"]
mod outcomes;
#[path = "../src/pace.rs"]
mod pace;
#[path = "../src/part.rs"]
mod part;
#[path = "../src/progress.rs"]
mod progress;
#[path = "../src/queue.rs"]
mod queue;
#[path = "../src/record/mod.rs"]
mod record;
#[path = "../src/retry.rs"]
mod retry;
#[path = "../src/scheduler.rs"]
mod scheduler;
#[path = "../src/shutdown.rs"]
mod shutdown;
#[path = "../src/state.rs"]
mod state;
#[path = "../src/step.rs"]
mod step;
#[path = "../src/task.rs"]
mod task;
#[path = "../src/tenant.rs"]
mod tenant;
#[path = "../src/timings.rs"]
mod timings;
#[path = "../src/undoing.rs"]
mod undoing;
#[path = "../src/waiters.rs"]
mod waiters;
#[path = "../src/watcher.rs"]
mod watcher;
#[path = "../src/wire.rs"]
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
pub use journal::{Epoch, Journal, JournalError, JournalErrorKind, MemoryJournal};
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

#[path = "shuttle/races.rs"]
mod races;

/// A harness of its own, because the sources' unit tests must not run over shuttle's locks. Like
/// the usual one it takes parts of names, and ignores what starts with a dash.
fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    for (name, race) in races::RACES.iter().filter(|(name, _)| chosen(name)) {
        race();
        println!("test {name} ... ok");
    }
}
