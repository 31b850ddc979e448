//! A tool is a typed async action whose arguments are a value.

use std::fmt::{Debug, Display};
use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ContentReaders, Permit, ToolSpec};
use crate::arguments::{SnapshotError, SnapshotWriter};

/// A typed async action. The type that implements it *is* the call's arguments.
///
/// `#[hitl_tool]` writes this for you. By hand, it is for arguments that have a type already:
///
/// ```
/// use hitl_core::{Permit, SnapshotError, SnapshotWriter, ToolSpec, Tool};
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
    /// What it gives when it succeeds. Stored, so that a caller that comes back can have it.
    type Output: Serialize + DeserializeOwned + Send + 'static;
    /// What it gives when it fails. `anyhow::Error`, `String` and `thiserror` types all fit.
    type Error: Display + Debug + Send + 'static;
    /// Name, description and configuration. Checked at compile time where the tool is registered.
    const SPEC: ToolSpec;

    /// Writes the arguments, every one of them, defaults included: what a person is shown, what is
    /// digested, stored and run.
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError>;

    /// Returns the name of an argument that is another in `read_back`, the arguments that were read
    /// from their snapshot. Asked before a human is: they approve what the snapshot says, and that
    /// runs.
    ///
    /// `#[hitl_tool]` compares arguments by `PartialEq`, or by `Debug` for types that do not
    /// compare. By hand, compare what a type holds and serde does not write (`#[serde(skip)]`).
    fn lost_in(&self, read_back: &Self) -> Option<&'static str> {
        let _ = read_back;
        None
    }

    /// Gives `readers` what reads the contents that the arguments name, for the parameters that
    /// [`SPEC`](Self::SPEC) declares by
    /// [`ParameterSpec::content_of`](super::ParameterSpec::content_of). Asked only where it
    /// declares one. `#[hitl_tool]` writes it for `#[hitl(content_of)]`.
    fn contents(&self, readers: &mut ContentReaders) {
        let _ = readers;
    }

    /// The body. Only a gate can make the [`Permit`] it takes.
    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}
