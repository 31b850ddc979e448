//! A call of an idempotent tool that failed is tried again, as a call of its own.
//!
//! The failed call stays as it ended. The next try has its own key and record, names the one
//! before, and gives the body the idempotency key of the first. A human's approval of the first
//! covers it as long as that lasts, for the very same call, and for as many attempts as the tool
//! may have in all; then it enters as approved, and the claim looks at everything again. Otherwise
//! it is a new call like any other, and asked about if it must be.

use std::sync::Arc;
use std::time::Duration;

use super::error::{GateError, GateErrorKind};
use super::handle::{Gate, Inner};
use super::prepare::Prepared;
use super::registry::Registered;
use crate::approval::{Content, DecisionKind};
use crate::call::Principal;
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, EndReason, RetryOf};
use crate::policy::{Requirement, Verdict};

/// A human's approval of an earlier try.
pub(super) struct EarlierApproval {
    by: Principal,
    requirement: Requirement,
    /// The try that it was given for, and what that named.
    pub(super) failed: RequestId,
    pub(super) contents: Vec<Content>,
    /// How long it still lasts.
    left: Duration,
}

impl Gate {
    /// Returns whether a call may be tried again with [`retry_of`](super::Submitting::retry_of): it
    /// failed without a panic, its tool is idempotent, is the one that was shown (its code may have
    /// changed since: then the next try is asked about), and has attempts left. False of tools that
    /// this gate does not have, and of calls whose arguments were edited.
    pub fn may_retry(&self, failed: &CallRecord) -> bool {
        let tool = self.inner.tool(&failed.request.tool);
        tool.is_ok_and(|tool| {
            tool.fingerprint == failed.request.fingerprint && may_retry(failed, &tool)
        })
    }
}

fn may_retry(failed: &CallRecord, tool: &Registered) -> bool {
    let config = &tool.spec.config;
    let failed_by_itself =
        matches!(&failed.ending, Some(EndReason::Failure(failure)) if !failure.panicked);
    // What the tool says now counts, and so does what it said when it was approved.
    failed.state == CallState::Failed
        && failed_by_itself
        && !failed.erased
        && !failed.restored
        // The idempotency key is that of the arguments that ran.
        && failed.current_content() == failed.content
        && failed.request.hints.idempotent
        && config.hints.idempotent
        && failed.attempts_in_all() < config.attempts
}

/// A human's approval of exactly this call, as it was asked for: none that a grant stands behind,
/// and none of arguments that they changed.
fn approval_of(failed: &CallRecord) -> Option<&Principal> {
    if failed.grant_use.is_some() || failed.edited_content.is_some() || failed.batch.is_some() {
        return None;
    }
    match &failed.decided {
        Some(decided) => matches!(decided.answer, DecisionKind::Approve).then_some(&decided.by),
        None => failed.retry_of.as_ref()?.approved_by.as_ref(),
    }
}

impl Inner {
    /// Makes a prepared call the next try of one that failed. When this fails, nothing has entered.
    pub(super) async fn retry(
        &self,
        prepared: &mut Prepared,
        failed: RequestId,
    ) -> Result<(), GateError> {
        let failed = self.current(&prepared.record.key().tenant, failed).await?;
        let asks = &prepared.record;
        let asked = (&*asks.request.tool, &prepared.snapshot, &asks.context);
        if self.current_as(asks.content, failed.content, asked) != failed.content {
            return Err(GateError::key_conflict(failed.key(), failed.id()));
        }
        // One key, so one next try: no other start is made of the same approval.
        if *prepared.record.key() != failed.retry_key()
            || failed.request.fingerprint != prepared.tool.fingerprint
            || !may_retry(&failed, &prepared.tool)
        {
            let why = format!(
                "the call {} is not tried again: only what failed without a panic is, of an idempotent tool that has not changed and has attempts left, and under the key that follows from the first",
                failed.id()
            );
            return Err(GateError::new(GateErrorKind::Refused, why));
        }
        let left = failed.request.expires_at.saturating_duration_since(self.store.now().await?);
        // What was approved is the tool in the version that was shown.
        let is_same = prepared.tool.facts.is_of(&failed.request);
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
            left,
        });
        // It belongs to the run of the first: who stops that stops this.
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
}

impl Prepared {
    /// The approval of an earlier try, where it covers what this one needs.
    pub(super) fn covering(&self) -> Option<&EarlierApproval> {
        let asks = matches!(self.routed.verdict, Verdict::Ask(_));
        let needed = self.record.request.requirement();
        self.approval.as_ref().filter(|approval| asks && needed.is_met_by(&approval.requirement))
    }

    /// Says in the record that it is tried again, and on whose word.
    pub(super) fn note_retry(&mut self) {
        let by = self.covering().map(|approval| approval.by.clone());
        let Some(retry) = &mut self.record.retry_of else { return };
        let why = match &by {
            Some(by) => {
                format!("tried again under the approval of {by}: call {} failed", retry.call)
            }
            None => format!("tried again: call {} failed", retry.call),
        };
        retry.approved_by = by;
        Arc::make_mut(&mut self.record.request).reasons.push(why);
    }

    /// How long it may wait: no longer than the approval that covers it lasts.
    pub(super) fn within(&self, usual: Duration) -> Duration {
        self.covering().map_or(usual, |approval| approval.left.min(usual))
    }
}
