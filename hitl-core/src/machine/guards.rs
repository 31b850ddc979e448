//! Checks and steps that several rows of the table share.

use std::sync::Arc;

use super::{CallRecord, CallState as S, EndReason, Refusal, StoreFacts};

/// Returns `otherwise` unless the condition holds.
pub(super) fn guard(holds: bool, otherwise: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(otherwise) }
}

pub(super) fn is_expired(record: &CallRecord, facts: StoreFacts) -> bool {
    facts.now >= record.request.expires_at
}

/// Ends a call that did not run. A call with an earlier attempt of unknown outcome does not end by
/// that: the outcome of the attempt must still be resolved.
pub(super) fn conclude(next: &mut CallRecord, state: S, end_reason: Option<EndReason>) {
    if next.attempts == 0 {
        next.state = state;
        next.end_reason = end_reason;
        return;
    }
    let why = match end_reason {
        Some(EndReason::Reason(reason)) => format!("{state}, {reason}"),
        _ => state.to_string(),
    };
    next.state = S::OutcomeUnknown;
    next.end_reason = Some(EndReason::Reason(format!(
        "it is not tried again ({why}); how the earlier attempt ended is not known"
    )));
}

/// The most reasons that a request keeps.
const MAX_REASONS: usize = 32;

/// Makes room for one more reason: the oldest go first.
pub(super) fn keep_newest(reasons: &mut Vec<String>) {
    let too_many = (reasons.len() + 1).saturating_sub(MAX_REASONS);
    reasons.drain(..too_many);
}

/// Reopens the call with a new question: a decision on the earlier one, replayed or late, must not
/// answer this one.
pub(super) fn reopen(next: &mut CallRecord, reason: String) {
    next.state = S::Pending;
    next.decision = None;
    next.grant_use = None;
    next.votes.clear();
    let content = next.current_content();
    let request = Arc::make_mut(&mut next.request);
    request.reasons.push(reason);
    request.revision += 1;
    request.bind(content);
}
