//! A tool is a typed async action whose arguments are a value.

use std::fmt::{Debug, Display};
use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CallPreview, ContentReaders, Permit, Reconciler, RunContext, ToolSpec};
use crate::arguments::{SnapshotError, SnapshotWriter};

/// A typed async action. The type that implements it *is* the call's arguments.
///
/// `#[hitl_tool]` generates the implementation. Write it by hand for arguments that already have a
/// type:
///
/// ```
/// use hitl::{arguments::{SnapshotError, SnapshotWriter}, call::{Permit, ToolSpec}, Tool};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Greet { name: String }
///
/// impl Tool for Greet {
///     type Output = String;
///     type Error = std::convert::Infallible;
///     const SPEC: ToolSpec = ToolSpec::new("greet", "Greets somebody.");
///
///     fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
///         to.object(|fields| fields.field("name", &self.name))
///     }
///
///     async fn run(permit: Permit<Self>) -> Result<String, Self::Error> {
///         let (call, _cx) = permit.open();
///         Ok(format!("Hello, {}!", call.name))
///     }
/// }
/// ```
pub trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// The result of success. Stored, so that a caller that re-attaches can get it.
    type Output: Serialize + DeserializeOwned + Send + 'static;
    /// The error. `anyhow::Error`, `String` and `thiserror` types all fit.
    type Error: Display + Debug + Send + 'static;
    /// The name, description and configuration. Checked at compile time where the tool is
    /// registered.
    const SPEC: ToolSpec;

    /// Writes all arguments, defaults included. This snapshot is what a person is shown, and what
    /// is digested, stored and run.
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError>;

    /// Returns the name of an argument that differs in `read_back`, the arguments that were read
    /// from their snapshot. Called before a human is asked: they approve what the snapshot says,
    /// and that runs.
    ///
    /// `#[hitl_tool]` compares arguments by `PartialEq`, or by `Debug` for types that do not
    /// compare. A hand-written implementation compares the fields that serde does not write
    /// (`#[serde(skip)]`).
    fn lost_in(&self, read_back: &Self) -> Option<&'static str> {
        let _ = read_back;
        None
    }

    /// Adds to `readers` the readers of the contents that the arguments name, for the parameters
    /// that [`SPEC`](Self::SPEC) declares by
    /// [`ParameterSpec::content_of`](super::ParameterSpec::content_of). Called only if it declares
    /// one. `#[hitl_tool]` generates it for `#[hitl(content_of)]`.
    fn contents(&self, readers: &mut ContentReaders) {
        let _ = readers;
    }

    /// Renders what the call would do, for the person who decides. Called only if
    /// [`SPEC`](Self::SPEC) [declares](ToolSpec::previews) it. `#[hitl_tool]` generates it for
    /// `preview = async_fn`.
    ///
    /// It must change nothing, and say the same again as long as the answer is the same: it is
    /// called when the call is submitted or edited, and before the call runs, each time within
    /// [`GateBuilder::evaluation_timeout`](crate::GateBuilder::evaluation_timeout). The context is
    /// that of the call, without an attempt: [`RunContext::attempt`] is 0.
    ///
    /// # Errors
    /// The text of an error is shown to the person who decides.
    fn preview(
        self,
        cx: RunContext,
    ) -> impl Future<Output = Result<CallPreview, String>> + Send + 'static {
        drop((self, cx));
        async { Err("the tool has no preview".to_owned()) }
    }

    /// Returns the tool's own way to find out how an attempt ended whose outcome is unknown: its
    /// process died, or it ran out of its time. `None`, which is the default, leaves such calls to
    /// humans. `#[hitl_tool(reconcile = some_fn)]` generates it.
    fn reconciler() -> Option<Reconciler<Self, Self::Output>> {
        None
    }

    /// Runs the body. Only a gate can create the [`Permit`] that it takes.
    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}
