//! Translates a route into a call's requirement and its initial state. Pure.

use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::{CallState, EndReason};
use crate::policy::{ApprovalLevel, Quorum, RequesterRule, Requirement, Route, Verdict};

/// The state of a new call.
pub(in crate::gate) struct InitialState {
    pub(in crate::gate) state: CallState,
    pub(in crate::gate) end_reason: Option<EndReason>,
}

/// Returns whether a call runs at once and changes nothing, so that it needs no record.
pub(in crate::gate) fn needs_no_record(tool: &RegisteredTool, routed: &Route) -> bool {
    routed.verdict == Verdict::Run && tool.config().hints.read_only
}

/// Returns the initial state of a call with this route.
pub(in crate::gate) fn initial_state(routed: &Route) -> InitialState {
    let (state, end_reason) = match &routed.verdict {
        Verdict::Run | Verdict::Ask(_) => (CallState::Pending, None),
        Verdict::Deny(reason) => (CallState::Denied, Some(EndReason::Reason(reason.clone()))),
    };
    InitialState { state, end_reason }
}

/// Returns the requirement of a call of this tool with this route.
pub(in crate::gate) fn requirement(
    tool: &RegisteredTool,
    routed: &Route,
    eyes: RequesterRule,
) -> Requirement {
    let config = tool.config();
    let level = routed.verdict.level().unwrap_or(ApprovalLevel::Full);
    if level == ApprovalLevel::Auto {
        return Requirement::new(level);
    }
    let (deciders, stages) = (config.deciders, tool.terms().stages.clone());
    let quorum = Quorum { eyes, deciders, stages };
    Requirement::new(level).quorum(quorum).channels(routed.channels.clone())
}
