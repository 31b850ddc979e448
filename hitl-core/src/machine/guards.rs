//! Checks and steps that several rows of the table share.

use std::sync::Arc;

use super::{CallRecord, CallState as S, EndReason, Refusal, StoreFacts};
use crate::approval::ApprovalRequest;

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

/// Makes room for one more reason: the oldest go first, but never the one about the call whose
/// effect this one repeats.
pub(super) fn keep_newest(request: &mut ApprovalRequest) {
    let mut too_many = (request.reasons.len() + 1).saturating_sub(MAX_REASONS);
    let repetition = request.repetition_reason();
    let mut at = 0;
    request.reasons.retain(|_| {
        let goes = too_many > 0 && Some(at) != repetition;
        (too_many, at) = (too_many - usize::from(goes), at + 1);
        !goes
    });
}

/// Reopens the call with a new question: a decision on the earlier one, replayed or late, must not
/// answer this one.
pub(super) fn reopen(next: &mut CallRecord, reason: String) {
    next.state = S::Pending;
    next.decision = None;
    next.grant_use = None;
    next.claimable_from = None;
    next.votes.clear();
    let content = next.current_content();
    let request = Arc::make_mut(&mut next.request);
    request.reasons.push(reason);
    request.revision += 1;
    request.bind(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RequestId;

    proptest::proptest! {
        #[test]
        fn invariant_9_no_limit_drops_the_reason_about_a_repetition(
            before in 0_usize..60, after in 0_usize..60, repeats: bool,
        ) {
            let mut request = crate::approval::fixture::request("{}");
            let earlier = RequestId::new();
            request.repeats = repeats.then_some(earlier);
            let about = format!("asked again: the same effect as call {earlier}, which has run");
            let others = |from: usize, to: usize| (from..to).map(|at| format!("reason {at}"));
            request.reasons = others(0, before).chain([about.clone()]).collect();
            request.reasons.extend(others(before, before + after));
            let given = request.reasons.clone();
            keep_newest(&mut request);
            proptest::prop_assert_eq!(request.reasons.len(), given.len().min(MAX_REASONS - 1));
            proptest::prop_assert!(!repeats || request.reasons.contains(&about));
            // The newest of the others stay, in their order.
            let kept: Vec<_> = request.reasons.iter().filter(|why| **why != about).collect();
            let newest = given.iter().filter(|why| **why != about).rev().take(kept.len());
            proptest::prop_assert!(!repeats || kept.into_iter().rev().eq(newest));
        }
    }
}
