//! A human in the loop of AI agents.

pub use hitl_base::{Timestamp, display};
pub use hitl_core::*;
pub use hitl_macros::hitl_tool;
#[cfg(feature = "postgres")]
pub use hitl_store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use hitl_store::SqliteStore;

/// Long work that can be watched and stopped: the crate `hitl-tasks`.
pub use hitl_tasks as tasks;

#[doc(hidden)]
pub mod __private;

/// What most programs import: `use hitl::prelude::*;`
pub mod prelude {
    pub use crate::hitl_tool;
    pub use hitl_core::{
        CallContext, CallKey, Gate, GateBuilder, JsonlAudit, Outcome, Principal, Submission, Tool,
    };
    #[cfg(feature = "sqlite")]
    pub use hitl_store::SqliteStore;
}

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
