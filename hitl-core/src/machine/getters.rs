//! The reader's side of a [`CallRecord`]. Only the state machine writes one.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use super::record::{CallRecord, CallState, Claim, EndReason, RecordedDecision, RetryOf};
use super::{EscalationStep, Membership, PriorRevision, Vote};
use crate::approval::ApprovalRequest;
use crate::audit::ChainHead;
use crate::call::{CallContext, CircumstancesDigest, ContentDigest, Principal};
use crate::grant::GrantUse;

impl CallRecord {
    /// Returns the [`RECORD_SCHEMA`](super::RECORD_SCHEMA) of the writer.
    pub fn schema(&self) -> u16 {
        self.schema
    }

    /// Returns the number of the record's changes, from 1: what a compare-and-set compares.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the record as somebody names it who looked at an earlier version. A change that is
    /// asked for with it is refused if the call has changed since.
    #[must_use]
    pub fn seen_at(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Returns the state of the call.
    pub fn state(&self) -> CallState {
        self.state
    }

    /// Returns the request as it is shown to a human.
    pub fn request(&self) -> &ApprovalRequest {
        &self.request
    }

    /// Returns the request, without a copy where nothing else shares it.
    pub fn into_request(self) -> ApprovalRequest {
        Arc::unwrap_or_clone(self.request)
    }

    /// Returns who asked, and where.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// Returns the name that the directory gave the requester; `None` where it is the same.
    pub fn canonical_principal(&self) -> Option<&Principal> {
        self.canonical.as_ref()
    }

    /// Returns the digest of what was submitted.
    pub fn content(&self) -> ContentDigest {
        self.content
    }

    /// Returns whether a live caller waits for the call. While it does, nobody else runs it.
    pub fn is_attached(&self) -> bool {
        self.attached
    }

    /// Returns the decision that applies; `None` before there is one.
    pub fn decision(&self) -> Option<&RecordedDecision> {
        self.decision.as_ref()
    }

    /// Returns the approvals of this revision so far.
    pub fn votes(&self) -> &[Vote] {
        &self.votes
    }

    /// Returns the revisions before this one, in short, the oldest first.
    pub fn prior_revisions(&self) -> &[PriorRevision] {
        &self.prior_revisions
    }

    /// Returns the steps that follow when nobody decides in time.
    pub fn escalations(&self) -> &[EscalationStep] {
        &self.escalations
    }

    /// Returns the circumstances in which it was asked: an explicit rejection is remembered for
    /// them.
    pub fn circumstances(&self) -> Option<CircumstancesDigest> {
        self.circumstances
    }

    /// Returns the claim of the process that runs it.
    pub fn claim(&self) -> Option<Claim> {
        self.claim
    }

    /// Returns the time before which the approved call does not start, because its approval can be
    /// taken back until then. `None` if it is not approved, or starts at once.
    pub fn claimable_from(&self) -> Option<Timestamp> {
        self.claimable_from.filter(|_| self.state == CallState::Approved)
    }

    /// Returns the place in the audit of the last attempt's intent. `None` before an attempt has
    /// ended, and where the audit is no chain.
    pub fn intent(&self) -> Option<&ChainHead> {
        self.intent.as_ref()
    }

    /// Returns how long an approval may take. A retry has this time again.
    pub fn approval_window(&self) -> Duration {
        Duration::from_millis(self.approval_window_ms)
    }

    /// Returns how often it was claimed. Attempts that took no effect, as the tool's own
    /// [reconcile](crate::call::Reconciler) found, are not counted.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the number of attempts that took no effect, as the tool's own
    /// [reconcile](crate::call::Reconciler) found.
    pub fn attempts_without_effect(&self) -> u32 {
        self.without_effect
    }

    /// Returns whether the tool's own [reconcile](crate::call::Reconciler) found that it took
    /// effect: then its output is what the reconcile gave.
    pub fn is_reconciled(&self) -> bool {
        self.reconciled
    }

    /// Returns why it ended or was parked, where the state alone does not tell.
    pub fn end_reason(&self) -> Option<&EndReason> {
        self.end_reason.as_ref()
    }

    /// Returns the grant on which it runs, or may run.
    pub fn grant_use(&self) -> Option<GrantUse> {
        self.grant_use
    }

    /// Returns the failed call that this one tries again.
    pub fn retry_of(&self) -> Option<&RetryOf> {
        self.retry_of.as_deref()
    }

    /// Returns the batch that it was submitted in.
    pub fn batch(&self) -> Option<&Membership> {
        self.batch.as_ref()
    }

    /// Returns whether its tool has changed and no process that has the tool has read the arguments
    /// since.
    pub fn is_unread(&self) -> bool {
        self.unread
    }

    /// Returns whether retention has erased what the call was about. Key, content digest and state
    /// are left, so that the key stays taken.
    pub fn is_erased(&self) -> bool {
        self.erased
    }

    /// Returns whether the store was restored from a backup since this call was submitted. The
    /// record may then miss something that happened, so only a human tries the call again.
    pub fn is_restored(&self) -> bool {
        self.restored
    }

    /// Returns whether an identical call of its run that is submitted with
    /// [`Repeat::Attach`](crate::Repeat::Attach) is this call. True from such a submission until
    /// the outcome [is delivered](crate::Gate::mark_delivered) or the call is erased.
    pub fn is_attachable(&self) -> bool {
        self.attachable
    }

    /// Returns the time of the last change, by the store's clock.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}
