//! The time limits of the host's code that belongs to single tools.

use std::sync::Arc;
use std::time::Duration;

use super::registered_tool::RegisteredTool;
use super::tool_bounds::ToolBounds;
use crate::sync::{HostCode, HostThreads};

/// Gives each tool the limits of its own code.
pub(in crate::gate) struct HostBounds {
    threads: Arc<HostThreads>,
    /// For the contents that its arguments name, and for its preview.
    look_ahead: Duration,
    reconcile: Duration,
}

impl HostBounds {
    pub(in crate::gate) fn new(
        threads: &Arc<HostThreads>,
        look_ahead: Duration,
        reconcile: Duration,
    ) -> Self {
        Self { threads: Arc::clone(threads), look_ahead, reconcile }
    }

    /// Gives a tool its limits: those of the tool that it replaces, so that code which hangs is
    /// still known, or new ones.
    pub(super) fn bind(
        &self,
        tool: RegisteredTool,
        before: Option<&RegisteredTool>,
    ) -> RegisteredTool {
        let before = before.map(|before| before.bounds().clone()).unwrap_or_default();
        let new = |limit| HostCode::new(&self.threads, limit);
        let look_ahead =
            tool.looks_ahead().then(|| before.look_ahead.unwrap_or_else(|| new(self.look_ahead)));
        let reconcile =
            tool.reconciles().then(|| before.reconcile.unwrap_or_else(|| new(self.reconcile)));
        tool.with_bounds(ToolBounds { look_ahead, reconcile })
    }
}
