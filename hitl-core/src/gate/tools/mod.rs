//! The tools of a gate, and whether a tool is still the one that was shown.

pub(super) mod dynamic;
pub(super) mod host_bounds;
pub(super) mod registered_tool;
pub(super) mod registry;
mod replace;
pub(super) mod status;
pub(super) mod tool_bounds;
pub(super) mod tool_check;
pub(super) mod tool_set;
