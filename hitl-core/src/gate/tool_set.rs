//! Several tools that are registered together.

use super::builder::GateBuilder;

/// A type whose methods are tools. `#[hitl_tools]` writes this for the service's `impl` block;
/// [`GateBuilder::tools`] takes it.
pub trait ToolSet: Send + Sync + 'static {
    /// Registers each of them.
    fn register(gate: GateBuilder) -> GateBuilder;
}
