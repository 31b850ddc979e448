//! The time limits of the code of one tool.

use crate::sync::HostCode;

/// The limits of one tool. Code that hangs counts in them.
#[derive(Clone, Default)]
pub(in crate::gate) struct ToolBounds {
    pub(in crate::gate) look_ahead: Option<HostCode>,
    pub(in crate::gate) reconcile: Option<HostCode>,
}
