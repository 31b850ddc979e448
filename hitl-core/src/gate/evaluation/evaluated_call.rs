//! A new call that is scored and routed, before anything is awaited.

use std::sync::Arc;

use hitl_base::Json;

use crate::arguments::{Shown, Snapshot};
use crate::call::{CallContext, CallKey, ContentDigest, StateMap, unrecorded_digest};
use crate::confidence::Assessment;
use crate::gate::execution::execution::{Execution, UnrecordedCall};
use crate::gate::keys::vault::CallContent;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::policy::Route;

/// A new call before its evaluation.
pub(in crate::gate) struct NewCall {
    pub(in crate::gate) tool: Arc<RegisteredTool>,
    pub(in crate::gate) snapshot: Snapshot,
    /// The tree of the snapshot, if it is already available.
    pub(in crate::gate) tree: Option<Json>,
    pub(in crate::gate) context: CallContext,
    /// The call's key, if the host gave its run.
    pub(in crate::gate) key: Option<GivenKey>,
}

/// The key of a call whose host named at least the run.
pub(in crate::gate) struct GivenKey {
    pub(in crate::gate) key: CallKey,
    pub(in crate::gate) source: KeySource,
}

/// The part of a call's key that the host gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gate) enum KeySource {
    /// Nothing: the gate made a run for this call alone, so the store cannot know it.
    Gate,
    /// The run. The gate made the position, so the key is new and the run may not be.
    Run,
    /// Run and position: the key may have been used before.
    Host,
}

impl KeySource {
    /// Returns whether the host named the run, so that it may have other calls.
    pub(in crate::gate) fn is_run_given(self) -> bool {
        self != Self::Gate
    }
}

/// A score, and the resulting route.
pub(in crate::gate) struct Evaluation {
    pub(in crate::gate) assessment: Assessment,
    pub(in crate::gate) routed: Route,
}

/// A call, scored and routed: all the data of a call that runs at once and leaves no record. It has
/// nothing that only a reviewer or a store reads.
pub(in crate::gate) struct EvaluatedCall {
    pub(in crate::gate) tool: Arc<RegisteredTool>,
    pub(in crate::gate) snapshot: Snapshot,
    pub(in crate::gate) context: CallContext,
    pub(in crate::gate) key: CallKey,
    /// The part of the key that the host gave.
    pub(in crate::gate) key_source: KeySource,
    pub(in crate::gate) evaluation: Evaluation,
    pub(in crate::gate) content: ContentDigest,
    /// The reason that the model states. Nothing that scores or routes has seen it.
    pub(in crate::gate) reason: Option<Box<str>>,
    /// The arguments without secrets, and their masks.
    pub(in crate::gate) shown: Shown,
    /// True if the arguments certainly name no file of this gate, whatever the file system
    /// contains.
    pub(in crate::gate) names_no_own_file: bool,
}

impl EvaluatedCall {
    /// Returns the data that the content digest covers.
    pub(in crate::gate) fn content(&self) -> CallContent<'_> {
        let Self { tool, snapshot, context, .. } = self;
        CallContent { tool: tool.name(), snapshot, context }
    }

    /// Converts it to the execution of a read-only call that leaves no record.
    pub(in crate::gate) fn into_execution(self, states: &Arc<StateMap>) -> Execution {
        let Self { tool, snapshot, context, key, evaluation, content, shown, .. } = self;
        let version = tool.version().map(AsRef::as_ref);
        let call = UnrecordedCall {
            binding: unrecorded_digest(content, tool.fingerprint(), version),
            body: tool.body_spec(),
            context,
            key,
            snapshot,
            risk: tool.config().risk,
            assessment: evaluation.assessment,
            arguments: shown.text,
            policies: evaluation.routed.policies,
        };
        Execution::unrecorded(call, states)
    }
}
