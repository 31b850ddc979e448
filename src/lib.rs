//! A human in the loop of AI agents.

pub use hitl_core::*;
pub use hitl_macros::hitl_tool;

/// What `#[hitl_tool]` expands to. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use hitl_base::redact::MASK;
    pub use hitl_core::arguments::debug_arguments;
    pub use hitl_core::call::{Plain, Probe, ToolReturn, Unproven};
    pub use {schemars, serde};
}

/// What most programs import: `use hitl::prelude::*;`
pub mod prelude {
    pub use crate::hitl_tool;
    pub use hitl_core::{CallContext, CallKey, Outcome, Principal, Tool};
}
