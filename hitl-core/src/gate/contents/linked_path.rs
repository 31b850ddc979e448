//! A path that goes through a link.

use std::path::PathBuf;

/// A path in the arguments that is, or goes through, a link.
pub(in crate::gate) struct LinkedPath {
    /// A JSON Pointer into the arguments.
    pub(in crate::gate) at: String,
    pub(in crate::gate) target: PathBuf,
}
