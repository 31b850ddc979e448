//! The items that the expansions of `#[hitl_tool]` and `#[hitl_tools]` use. Not part of the public
//! API.

pub use hitl_core::approval::Choice;
pub use hitl_core::arguments::debug_arguments;
pub use hitl_core::call::{
    CallPreview, Entry, IntoReconciliation, IsResult, IsResultFallback, PreviewReturn, Same,
    SameByDebug, SameByEq, SameUnknown, ToolReturn,
};
pub use hitl_core::gate::OneBlockOfToolsForEachType;
pub use hitl_core::{
    AmountSpec, Attempt, ContentReaders, GateBuilder, ParameterSpec, Permit, Reconciler, Risk,
    SnapshotError, SnapshotWriter, StageSpec, StateRequirement, Tool, ToolConfig, ToolSpec,
};
pub use {schemars, serde};

use hitl_core::CallContext;
pub use hitl_core::RunContext;

/// The placeholder for a secret that an attribute of the body names in order to skip it.
#[derive(Debug)]
pub struct Withheld;

/// The types that a parameter marked `#[hitl(context)]` can have.
#[diagnostic::on_unimplemented(
    message = "`#[hitl(context)]` is a `CallContext` or a `RunContext`, not a `{Self}`",
    label = "not a context"
)]
pub trait BodyContext {
    /// Returns the context of the running call.
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

/// A type of an argument, which must have a JSON Schema and be read and written by serde.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is an argument of a tool, and has no JSON Schema or is not read and written by serde",
    label = "derive all three: `#[derive(serde::Serialize, serde::Deserialize, hitl::JsonSchema)]`",
    note = "serde is a dependency of your own crate: `cargo add serde --features derive`",
    note = "with `use hitl::schemars;` above, `#[derive(schemars::JsonSchema)]` needs no dependency; for a type of another crate say `#[schemars(with = \"..\")]` in a struct of your own"
)]
pub trait ToolArgument: schemars::JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T> ToolArgument for T where
    T: schemars::JsonSchema + serde::Serialize + serde::de::DeserializeOwned
{
}

/// The schema of an argument's type, identical to that type's own. If there is none, the compiler
/// names [`ToolArgument`] in its error.
#[derive(Debug)]
pub struct Described<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: ToolArgument + ?Sized> schemars::JsonSchema for Described<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }

    fn _schemars_private_non_optional_json_schema(
        generator: &mut schemars::SchemaGenerator,
    ) -> schemars::Schema {
        T::_schemars_private_non_optional_json_schema(generator)
    }

    fn _schemars_private_is_option() -> bool {
        T::_schemars_private_is_option()
    }
}
