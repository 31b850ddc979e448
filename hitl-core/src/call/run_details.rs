//! The facts about the run of a body besides its result.

use std::sync::Arc;

use hitl_base::json::{Limits, ParseJsonError, parse_with_limits};
use hitl_base::{Json, JsonText};

use super::failure::FailedOutput;
use crate::approval::DecisionKind;
use crate::arguments::ArgumentChanges;
use crate::machine::CallRecord;

/// The facts about the run of a body that a model needs besides its result: the arguments that were
/// changed before it, whether the tool only reads, and what a failed tool gave besides its message.
///
/// [`Outcome::for_model`](super::Outcome::for_model) puts it into words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunDetails {
    changes: Option<Arc<RevisedArguments>>,
    read_only: bool,
    reconciled: bool,
    failed_output: Option<FailedOutput>,
}

/// The changed arguments of a call, and who changed them.
#[derive(Debug, PartialEq, Eq)]
struct RevisedArguments {
    changes: ArgumentChanges,
    /// True if the tool has changed too, and reads the arguments in another way.
    by_tool: bool,
}

impl RunDetails {
    /// Returns the details of a call that ran with the arguments that were submitted.
    pub(crate) fn new(read_only: bool) -> Self {
        Self { read_only, ..Self::default() }
    }

    /// Returns the details of a stored call.
    pub(crate) fn of_record(record: &CallRecord) -> Self {
        let changes = revised_arguments(record).map(Arc::new);
        let read_only = record.request.hints.read_only;
        Self { changes, read_only, reconciled: record.reconciled, failed_output: None }
    }

    /// Adds the output of a body that failed.
    pub(crate) fn with_failed_output(mut self, output: Option<JsonText>) -> Self {
        self.failed_output = output.map(FailedOutput::from);
        self
    }

    /// Returns the arguments that a reviewer changed before the call ran; `None` if there are none,
    /// also after edits that ended where they began.
    pub fn changes(&self) -> Option<&ArgumentChanges> {
        self.changes.as_deref().map(|revised| &revised.changes)
    }

    /// Returns whether the tool only reads, by the host's annotations: then a failed call has
    /// changed nothing.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Returns whether the body's own result is lost, and the tool's own
    /// [reconcile](super::Reconciler) found that the call took effect: the output is what the
    /// reconcile gave.
    pub fn is_reconciled(&self) -> bool {
        self.reconciled
    }

    /// Returns the output that a failed body gave in a [`ToolFailure`](super::ToolFailure), as JSON
    /// text without the secrets that the tool was given. `None` if it gave none, or if it is no
    /// longer kept.
    pub fn failed_output(&self) -> Option<&str> {
        self.failed_output.as_ref().map(FailedOutput::as_str)
    }

    /// Returns the sentence for the model about the changed arguments.
    pub(super) fn changes_for_model(&self) -> Option<String> {
        let revised = self.changes.as_deref()?;
        let who = if revised.by_tool {
            "A human reviewer and a new version of the tool changed"
        } else {
            "A human reviewer changed"
        };
        Some(format!("{who} this call before it ran: {}.", revised.changes))
    }
}

/// Compares the first arguments of an edited call with its last.
fn revised_arguments(record: &CallRecord) -> Option<RevisedArguments> {
    let first = record.prior_revisions.first()?;
    if record.content == record.current_content() {
        return None;
    }
    let by_tool = record.sealed.is_some();
    let trees = || -> Result<_, ParseJsonError> {
        let patches = record.prior_revisions.iter().map(|earlier| match &earlier.edited.answer {
            DecisionKind::Edit { patch } => stored_tree(patch.as_str()),
            _ => Ok(Json::Null),
        });
        let patches = patches.collect::<Result<Vec<_>, _>>()?;
        let tree = |text: &JsonText| stored_tree(text.as_str());
        Ok((tree(&first.arguments)?, tree(&record.request.arguments)?, patches))
    };
    let changes = match trees() {
        Ok((first, last, patches)) => ArgumentChanges::between(&first, &last, &patches)?,
        Err(_) => ArgumentChanges::unreadable(),
    };
    Some(RevisedArguments { changes, by_tool })
}

/// Reads a text that hitl itself has stored.
fn stored_tree(text: &str) -> Result<Json, ParseJsonError> {
    parse_with_limits(text, Limits { depth: usize::MAX, bytes: usize::MAX })
}
