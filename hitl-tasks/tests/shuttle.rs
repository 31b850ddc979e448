//! Races, explored: the crate's own code with locks, atomics and threads that a random scheduler
//! runs in many orders. In every order there is exactly one end, and nothing is left over.
//!
//! This compiles the sources a second time, with [`sync`] in place of `src/sync.rs`. Timers fire
//! whenever the scheduler chooses, so before and after everything else.
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

#[path = "../src/builder.rs"]
mod builder;
#[path = "../src/define/mod.rs"]
mod define;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/id.rs"]
mod id;
#[path = "../src/journal/mod.rs"]
pub mod journal;
#[path = "../src/manager.rs"]
mod manager;
#[path = "../src/observe/mod.rs"]
mod observe;
#[path = "../src/one_or_many.rs"]
mod one_or_many;
#[path = "../src/panic.rs"]
mod panic;
#[path = "../src/run/mod.rs"]
mod run;
#[path = "../src/schedule/mod.rs"]
mod schedule;
#[path = "../src/shutdown.rs"]
mod shutdown;
#[path = "../src/state/mod.rs"]
mod state;
#[path = "../src/tenant.rs"]
mod tenant;
#[path = "../src/text.rs"]
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
pub use journal::{Epoch, Journal, JournalError, JournalErrorKind, JournalSummary, MemoryJournal};
pub use manager::TaskManager;
pub use observe::emit::{
    Broadcast, BroadcastItem, CoalescingChannel, Dashboard, DashboardSnapshot, DashboardUpdates,
    EventLog, FanOut, Inbox, JsonLines, LogItem, LogPosition, LogReader, NoopEmitter,
    ParseLogPositionError, ProgressEmitter, Subscription, TracingEmitter,
};
#[cfg(feature = "terminal")]
pub use observe::emit::{PauseGuard, ProgressBars};
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

#[path = "shuttle/races.rs"]
mod races;

/// A harness of its own, because the sources' unit tests must not run with shuttle's locks. Like
/// the usual one it takes parts of test names, and ignores arguments that begin with a dash.
fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    for (name, race) in races::RACES.iter().filter(|(name, _)| chosen(name)) {
        race();
        println!("test {name} ... ok");
    }
}
