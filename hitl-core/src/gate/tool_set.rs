//! Several tools that are registered together.

use super::builder::GateBuilder;

/// A type whose methods are tools. `#[hitl_tools]` writes this for the service's `impl` block;
/// [`GateBuilder::tools`] takes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no tools",
    label = "not a service",
    note = "put `#[hitl_tools]` on its `impl` block and `#[hitl_tool]` on the methods in it"
)]
pub trait ToolSet: Send + Sync + 'static {
    /// Registers each of them.
    fn register(gate: GateBuilder) -> GateBuilder;
}

/// What `#[hitl_tools]` writes. The compiler mentions its name when a type has two such blocks.
#[doc(hidden)]
pub trait OneBlockOfToolsForEachType: Send + Sync + 'static {
    /// Registers each of them.
    fn register(gate: GateBuilder) -> GateBuilder;
}

impl<S: OneBlockOfToolsForEachType> ToolSet for S {
    fn register(gate: GateBuilder) -> GateBuilder {
        <S as OneBlockOfToolsForEachType>::register(gate)
    }
}
