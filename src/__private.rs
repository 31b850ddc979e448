//! What `#[hitl_tool]` and `#[hitl_tools]` expand to. Not part of the public API.

pub use hitl_core::approval::Choice;
pub use hitl_core::arguments::debug_arguments;
pub use hitl_core::call::{
    Entry, Probe, Same, SameByDebug, SameByEq, SameUnknown, ToolReturn, Unproven,
};
pub use hitl_core::gate::OneBlockOfToolsForEachType;
pub use hitl_core::{
    GateBuilder, HitlConfig, Parameter, Permit, Risk, SnapshotError, SnapshotWriter, Spec,
    StageSpec, StateRequirement, Tool,
};
pub use {schemars, serde};

use hitl_core::{CallContext, RunContext};

/// In the place of a secret that an attribute of the body names to skip it.
#[derive(Debug)]
pub struct Withheld;

/// What a parameter marked `#[hitl(context)]` can be.
#[diagnostic::on_unimplemented(
    message = "`#[hitl(context)]` is a `CallContext` or a `RunContext`, not a `{Self}`",
    label = "not a context"
)]
pub trait BodyContext {
    /// It, of the call that runs.
    fn of(cx: &RunContext) -> &Self;
}

impl BodyContext for CallContext {
    fn of(cx: &RunContext) -> &Self {
        cx.context()
    }
}

impl BodyContext for RunContext {
    fn of(cx: &RunContext) -> &Self {
        cx
    }
}
