//! The gate's evaluation of a submitted call, for its caller.

use crate::call::CallKey;
use crate::confidence::Assessment;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::ids::RequestId;
use crate::policy::{PolicyVersion, RuleRef, Verdict};

/// The gate's evaluation of a submitted call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The id of the call's record; `None` for a read-only call that ran at once.
    pub id: Option<RequestId>,
    /// The call's key.
    pub key: CallKey,
    /// The verdict of the gate.
    pub verdict: Verdict,
    /// The score and its factors.
    pub assessment: Assessment,
    /// The reasons why the level is above that of the score.
    pub reasons: Vec<String>,
    /// The policies that were evaluated, in the versions that answered.
    pub policies: Vec<PolicyVersion>,
    /// The rule that made the verdict, if a rule did.
    pub decided_by: Option<RuleRef>,
    /// The line that a reviewer reads.
    pub title: String,
    /// True if the key already had a record: this submission re-attached to it, and started nothing
    /// twice.
    pub reattached: bool,
}

impl Receipt {
    /// Describes a call that is about to be stored.
    pub(in crate::gate) fn new(prepared: &PreparedCall) -> Self {
        let request = &prepared.record.request;
        Self {
            id: None,
            key: prepared.record.key().clone(),
            verdict: prepared.verdict(),
            assessment: request.assessment.clone(),
            reasons: request.reasons.clone(),
            policies: prepared.routed.policies.clone(),
            decided_by: prepared.routed.decided_by.clone(),
            title: request.title.clone(),
            reattached: false,
        }
    }
}
