//! A human in the loop of AI agents.

pub use hitl_core::*;
pub use hitl_macros::hitl_tool;

#[doc(hidden)]
pub mod __private;

/// What most programs import: `use hitl::prelude::*;`
pub mod prelude {
    pub use crate::hitl_tool;
    pub use hitl_core::{CallContext, CallKey, Outcome, Principal, Tool};
}
