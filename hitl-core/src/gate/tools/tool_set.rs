//! Several tools that are registered together.

use std::sync::Arc;

use crate::gate::builder::GateBuilder;

impl GateBuilder {
    /// Registers all tools of a service, and provides the service to them: the tools are the
    /// methods that `#[hitl_tools]` has converted. The service is held in an `Arc`; keep a clone to
    /// share it.
    pub fn tools<S: ToolSet>(self, service: impl Into<Arc<S>>) -> Self {
        S::register(self).state::<Arc<S>>(service.into())
    }
}

/// A type whose methods are tools. `#[hitl_tools]` generates the implementation for the service's
/// `impl` block; [`GateBuilder::tools`] takes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no tools",
    label = "not a service",
    note = "put `#[hitl_tools]` on its `impl` block and `#[hitl_tool]` on the methods in it"
)]
pub trait ToolSet: Send + Sync + 'static {
    /// Registers each of them.
    fn register(gate: GateBuilder) -> GateBuilder;
}

/// The code that `#[hitl_tools]` generates. The compiler mentions its name if a type has two such
/// blocks.
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
