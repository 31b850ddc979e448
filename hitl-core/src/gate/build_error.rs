//! The error of a gate that could not be built.

use crate::store::StoreError;

/// The kind of a mistake in the settings of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// Two tools have the same name.
    DuplicateTool,
    /// A tool's host state is missing.
    MissingState,
    /// The same type of host state was given twice.
    DuplicateState,
    /// A tool's spec is not valid: it names an argument that the tool's schema does not have.
    InvalidSpec,
    /// The console's URL is not one, or it holds more than the address of a page.
    ConsoleUrl,
    /// The template of links to conversations does not make links.
    ConversationUrl,
    /// Built outside of a Tokio runtime.
    NoRuntime,
    /// No host key: none was given, the store keeps none, and no random one could be made.
    NoKey,
    /// The store failed.
    Store,
    /// An envelope of break-glass is not one.
    BreakGlass,
}

/// The error of a gate that could not be built: the part at fault, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    kind: BuildErrorKind,
    message: String,
    #[source]
    source: Option<StoreError>,
}

impl BuildError {
    pub(in crate::gate) fn new(kind: BuildErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Returns the kind of the mistake.
    pub fn kind(&self) -> BuildErrorKind {
        self.kind
    }
}

impl From<StoreError> for BuildError {
    fn from(error: StoreError) -> Self {
        let message = format!("the gate was not built: the store failed: {error}");
        Self { source: Some(error), ..Self::new(BuildErrorKind::Store, message) }
    }
}
