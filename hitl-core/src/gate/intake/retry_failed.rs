//! Retries a failed call of an idempotent tool, as a new call.
//!
//! The failed call keeps its outcome. The next try has its own key and record, names the call
//! before, and passes the idempotency key of the first to the body. A human's approval of the first
//! covers it until that approval expires, for exactly the same call, and for as many attempts as
//! the tool may have in all; then it starts as approved, and the claim checks everything again.
//! Otherwise it is a new call like any other, and is asked about if necessary.

use crate::approval::DecisionKind;
use crate::call::Principal;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::prepared_call::{EarlierApproval, PreparedCall};
use crate::gate::gate::Gate;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, EndReason, RetryOf};

impl Gate {
    /// Returns whether a call may be tried again with
    /// [`retry_of`](crate::gate::ReadySubmission::retry_of): it failed without a panic, its tool is
    /// idempotent, is the one that was shown (its code may have changed since: then the next try is
    /// asked about), and has attempts left. Returns `false` for tools that this gate does not have,
    /// and for calls whose arguments were edited.
    pub fn may_retry(&self, failed: &CallRecord) -> bool {
        let tool = self.core.tools.require(&failed.request.tool);
        tool.is_ok_and(|tool| {
            tool.fingerprint() == failed.request.fingerprint && may_retry(failed, &tool)
        })
    }
}

fn may_retry(failed: &CallRecord, tool: &RegisteredTool) -> bool {
    let config = tool.config();
    let failed_by_itself =
        matches!(&failed.end_reason, Some(EndReason::Failure(failure)) if !failure.panicked);
    // The tool must be idempotent both now and when it was approved.
    failed.state == CallState::Failed
        && failed_by_itself
        && !failed.erased
        && !failed.restored
        // The idempotency key belongs to the arguments that ran.
        && failed.current_content() == failed.content
        && failed.request.hints.idempotent
        && config.hints.idempotent
        && failed.attempts_in_all() < config.attempts
}

/// Returns the human who approved exactly this call as it was requested: not on a grant, and not
/// with arguments that they changed.
fn approval_of(failed: &CallRecord) -> Option<&Principal> {
    if failed.grant_use.is_some() || failed.edited_content.is_some() || failed.batch.is_some() {
        return None;
    }
    match &failed.decision {
        Some(decided) => matches!(decided.answer, DecisionKind::Approve).then_some(&decided.by),
        None => failed.retry_of.as_ref()?.approved_by.as_ref(),
    }
}

/// Turns a prepared call into the next try of one that failed. On an error nothing is stored.
pub(in crate::gate) async fn prepare_retry(
    core: &GateCore,
    prepared: &mut PreparedCall,
    failed: RequestId,
) -> Result<(), GateError> {
    let failed = core.calls.current(&prepared.record.key().tenant, failed).await?;
    let (content, current) = (prepared.content(), prepared.record.content);
    let recognized = core.vault.recognize_digest_from(current, failed.content, content);
    if recognized != failed.content {
        return Err(GateError::key_conflict(failed.key(), failed.id()));
    }
    // There is only one key, so only one next try: the same approval cannot start another one.
    if *prepared.record.key() != failed.retry_key()
        || failed.request.fingerprint != prepared.tool.fingerprint()
        || !may_retry(&failed, &prepared.tool)
    {
        let why = format!(
            "the call {} is not tried again: only what failed without a panic is, of an idempotent tool that has not changed and has attempts left, and under the key that follows from the first",
            failed.id()
        );
        return Err(GateError::new(GateErrorKind::Refused, why));
    }
    let left = failed.request.expires_at.saturating_duration_since(core.calls.store().now().await?);
    // The approval is for the tool in the version that was shown.
    let is_same = prepared.tool.facts().is_of(&failed.request);
    // A person approved it for this requester, in these circumstances.
    let asks = &prepared.record;
    let is_same = is_same
        && asks.context.agent == failed.context.agent
        && asks.circumstances == failed.circumstances;
    let approval = approval_of(&failed).filter(|_| is_same && !left.is_zero());
    prepared.approval = approval.map(|by| EarlierApproval {
        by: by.clone(),
        requirement: failed.request.requirement(),
        failed: failed.id(),
        contents: failed.request.contents.clone(),
        preview: failed.request.preview.clone(),
        left,
    });
    // It belongs to the run of the first call, so aborting that run aborts this call too.
    let root = failed.context.root_of(&failed.key().run).clone();
    prepared.record.context.root.get_or_insert(root);
    let first = failed.retry_of.as_ref().map_or_else(|| failed.key(), |retry| &retry.first);
    prepared.record.retry_of = Some(Box::new(RetryOf {
        call: failed.id(),
        first: first.clone(),
        attempts: failed.attempts_in_all(),
        approved_by: None,
    }));
    Ok(())
}
