//! Compares a call's tool with the one that was shown: here, and at other executors.

use std::sync::Arc;
use std::time::Duration;

use crate::approval::{ToolChange, ToolDifference};
use crate::call::{BINDING_VERSION, ToolFacts};
use crate::gate::contents::comparison::ChangedContents;
use crate::gate::contents::referent::Referents;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::{CallRecord, CallState};

/// The time for which an approved call is left to the executors that have its tool as it was shown.
/// They normally claim it at once; an executor that does not within this time does not run calls of
/// others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(300);

/// The result of comparing a call's tool, which determines the next step for the call.
pub(in crate::gate) enum ToolCheck {
    /// This gate has the tool as it was shown.
    Same(Arc<RegisteredTool>),
    /// This gate does not have the tool as it was shown, but a living executor does.
    Elsewhere,
    /// No living executor has it as it was shown. Contains the tool as it is now.
    Changed(Box<ChangedTool>),
    /// Executors are alive, and none has the tool. One that has it may be about to start.
    Gone,
    /// An executor that had the tool was replaced by one that does not.
    Retired,
    /// No executor is alive.
    NoExecutor,
    /// The store does not record the executors' tools.
    Unknown,
}

/// A tool that is not the one that was shown.
pub(in crate::gate) struct ChangedTool {
    pub(in crate::gate) change: ToolChange,
    pub(in crate::gate) now: ToolFacts,
    /// The tool, if this gate has it.
    pub(in crate::gate) own: Option<Arc<RegisteredTool>>,
    /// The contents that the arguments name, if they were just read.
    pub(in crate::gate) found: Option<Referents>,
}

impl ChangedTool {
    /// Creates the change of a tool that parses the arguments to a different text than the stored
    /// one.
    pub(in crate::gate) fn arguments(tool: &Arc<RegisteredTool>) -> Self {
        let differences = vec![ToolDifference::Arguments];
        let change = ToolChange { tool: tool.facts().name.clone(), differences };
        Self { change, now: tool.facts().clone(), own: Some(Arc::clone(tool)), found: None }
    }

    /// Creates the change of a call whose tool is the same, but that names other contents than were
    /// shown.
    pub(in crate::gate) fn contents(tool: &Arc<RegisteredTool>, contents: ChangedContents) -> Self {
        let ChangedContents { change, found } = contents;
        let (now, own) = (tool.facts().clone(), Some(Arc::clone(tool)));
        Self { change, now, own, found: Some(found) }
    }
}

/// Compares a call's tool with the present tools. Asks the store only if this gate does not have
/// the tool as it was shown.
pub(in crate::gate) async fn check_tool(
    core: &GateCore,
    record: &CallRecord,
) -> Result<ToolCheck, GateError> {
    let request = &record.request;
    let own = core.tools.get(request.tool.as_str());
    let is_bound = request.binding_version == BINDING_VERSION;
    let own = match own {
        Some(tool) if is_bound && tool.facts().is_of(request) => return Ok(ToolCheck::Same(tool)),
        own => own,
    };
    let known = core.calls.executors().await?;
    let executors = known.as_ref();
    // This gate's own record may be older than its tools, while they are replaced.
    let others = executors.map(|executors| executors.without(core.calls.session()));
    let others = others.as_ref();
    if is_bound && others.is_some_and(|others| others.can_run(request)) {
        return Ok(ToolCheck::Elsewhere);
    }
    let newest = || others.and_then(|others| others.newest(&request.tool));
    if let Some(now) = own.as_ref().map(|own| own.facts()).or_else(newest) {
        let then = executors.and_then(|known| known.known(&request.tool, request.fingerprint));
        let change = ToolChange::between(request, then, now);
        let change = change.unwrap_or_else(|| ToolChange::gone(&request.tool));
        let now = now.clone();
        let changed = ChangedTool { change, now, own, found: None };
        return Ok(ToolCheck::Changed(Box::new(changed)));
    }
    Ok(match executors {
        None => ToolCheck::Unknown,
        Some(executors) if !executors.is_any_alive() => ToolCheck::NoExecutor,
        Some(executors) if executors.is_retired(&request.tool) => ToolCheck::Retired,
        Some(_) => ToolCheck::Gone,
    })
}

/// Returns whether an approved call is left to other executors, which have its tool as it was
/// shown.
pub(in crate::gate) async fn is_left_to_others(
    core: &GateCore,
    record: &CallRecord,
) -> Result<bool, GateError> {
    if record.state != CallState::Approved {
        return Ok(false);
    }
    Ok(matches!(check_tool(core, record).await?, ToolCheck::Elsewhere))
}

/// Returns this gate's version of the tool, if an approved call was left to other executors for
/// long enough.
pub(in crate::gate) async fn take_from_others(
    core: &GateCore,
    record: &CallRecord,
) -> Result<Option<Box<ChangedTool>>, GateError> {
    let Some(own) = core.tools.get(record.request.tool.as_str()) else { return Ok(None) };
    if core.calls.store().now().await?.saturating_duration_since(record.updated_at) < LEFT_TO_OTHERS
    {
        return Ok(None);
    }
    let change = ToolChange::between(&record.request, None, own.facts());
    let (now, own) = (own.facts().clone(), Some(own));
    Ok(change.map(|change| Box::new(ChangedTool { change, now, own, found: None })))
}

/// Describes the state of a call whose tool has changed.
pub(in crate::gate) fn describe_state(record: &CallRecord) -> String {
    let revision = record.request.revision;
    match record.state {
        CallState::Pending => {
            format!(
                "nothing was decided; it is asked about as revision {revision}: look at it again"
            )
        }
        CallState::Approved => format!("the call is approved as revision {revision}"),
        CallState::Denied => "the call was closed".to_owned(),
        state => format!("the call is {state}"),
    }
}
