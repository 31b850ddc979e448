//! Masks secrets in the text that people type (reasons, messages, patches): those that redaction
//! recognizes, and the call's own.

use hitl_base::json::parse_with_limits;
use hitl_base::redact::Taint;

use crate::approval::{Decision, DecisionKind, Patch};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::masking::mask_text;
use crate::machine::{CallRecord, RecordedDecision, Resolution};

/// Masks the words of a decision, which are stored, audited and passed to the model.
///
/// A decision that is sent again must be equal to the first one: words that were masked while the
/// call's own secrets could still be opened are replaced by the stored ones.
pub(in crate::gate) async fn mask_decision(
    core: &GateCore,
    decision: Decision,
) -> Result<Decision, GateError> {
    if typed_words(&decision.answer).is_none() {
        return Ok(decision);
    }
    let record = core.calls.store().get(&decision.tenant, decision.request).await?;
    let taint = match &record {
        Some(record) => secrets_of(core, record).await,
        None => Taint::default(),
    };
    let mut answer = decision.answer.clone();
    match &mut answer {
        DecisionKind::Edit { patch } => *patch = mask_patch(core, patch, &taint),
        DecisionKind::Reject { reason: Some(text), .. }
        | DecisionKind::Respond { message: text }
        | DecisionKind::Abort { reason: text } => {
            *text = mask_text(&core.redactor, text, &taint).into_owned();
        }
        DecisionKind::Approve | DecisionKind::Reject { reason: None, .. } => {}
    }
    let stored = record.as_ref().and_then(|record| stored_decision(record, &decision));
    let stored = stored.map(|stored| &stored.answer);
    if let Some(stored) = stored.filter(|stored| is_masked(stored, &answer)) {
        answer = stored.clone();
    }
    Ok(Decision { answer, ..decision })
}

/// Masks a reason that a person typed about a call.
pub(in crate::gate) async fn mask_reason(
    core: &GateCore,
    record: &CallRecord,
    reason: &str,
) -> String {
    mask_text(&core.redactor, reason, &secrets_of(core, record).await).into_owned()
}

/// Masks the words of a resolution.
pub(in crate::gate) async fn mask_resolution(
    core: &GateCore,
    record: &CallRecord,
    resolution: Resolution,
) -> Resolution {
    match resolution {
        Resolution::Failed { reason } => {
            Resolution::Failed { reason: mask_reason(core, record, &reason).await }
        }
        other => other,
    }
}

/// Returns the call's own secrets, if they can be opened: a decision is possible without them, too.
async fn secrets_of(core: &GateCore, record: &CallRecord) -> Taint {
    match stored_snapshot(core, record).await {
        Ok(Some(snapshot)) => snapshot.own_taint(),
        Ok(None) => Taint::default(),
        Err(error) => {
            tracing::debug!(call = %record.id(), %error, "its own secrets cannot be looked for");
            Taint::default()
        }
    }
}

fn mask_patch(core: &GateCore, patch: &Patch, taint: &Taint) -> Patch {
    match parse_with_limits(patch.as_str(), core.tools.limits()) {
        Ok(tree) => Patch::new(core.redactor.json(&taint.json(&tree)).to_text()),
        // The patch will be refused, so it is not stored.
        Err(_) => Patch::new("null"),
    }
}

/// Returns the words that a person typed in an answer.
fn typed_words(answer: &DecisionKind) -> Option<&str> {
    match answer {
        DecisionKind::Edit { patch } => Some(patch.as_str()),
        DecisionKind::Reject { reason, .. } => reason.as_deref(),
        DecisionKind::Respond { message } => Some(message),
        DecisionKind::Abort { reason } => Some(reason),
        DecisionKind::Approve => None,
    }
}

/// Returns the stored decision with the same id and author.
fn stored_decision<'r>(
    record: &'r CallRecord,
    decision: &Decision,
) -> Option<&'r RecordedDecision> {
    let edits = record.prior_revisions.iter().map(|earlier| &earlier.edited);
    let mut taken = record.decision.iter().chain(edits);
    taken.find(|taken| taken.id == decision.id && taken.by == decision.by.principal)
}

/// Returns whether `kept` is the answer `given` with more of its words masked.
fn is_masked(kept: &DecisionKind, given: &DecisionKind) -> bool {
    let alike = match (kept, given) {
        (DecisionKind::Reject { again, .. }, DecisionKind::Reject { again: same, .. }) => {
            again == same
        }
        (kept, given) => kept.choice() == given.choice(),
    };
    match (typed_words(kept), typed_words(given)) {
        (Some(kept), Some(given)) => alike && is_masked_text(kept, given),
        _ => false,
    }
}

/// Returns whether `kept` is `given` with masks in place of some of it.
fn is_masked_text(kept: &str, given: &str) -> bool {
    let mut pieces = kept.split("[redacted").enumerate().map(|(at, piece)| {
        let after_mask = if at > 0 { piece.split_once(']').map(|(_, after)| after) } else { None };
        after_mask.unwrap_or(piece)
    });
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = given.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_masked_text;

    #[test]
    fn invariant_4_a_masked_text_is_known_for_what_it_was() {
        for (kept, given, same) in [
            ("no", "no", true),
            ("no", "no!", false),
            ("pin [redacted] is wrong", "pin 9731 is wrong", true),
            ("pin [redacted:1a2b3c4d5e] [redacted]", "pin abc 9731", true),
            ("pin [redacted] is wrong", "pin 9731 is right", false),
            ("[redacted]", "anything", true),
            ("a [redacted] b [redacted] c", "a 1 b 2 c", true),
            ("a [redacted] b [redacted] c", "a 1 2 c", false),
        ] {
            assert_eq!(is_masked_text(kept, given), same, "{kept} / {given}");
        }
    }
}
