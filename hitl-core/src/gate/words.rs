//! What people type (reasons, messages, patches) is kept without secrets: those that redaction can
//! tell, and the call's own.

use hitl_base::json::parse_with_limits;
use hitl_base::redact::Taint;

use super::error::GateError;
use super::handle::Inner;
use crate::approval::{Decision, DecisionKind, Patch};
use crate::machine::{CallRecord, RecordedDecision, Resolution};

impl Inner {
    /// A decision whose words hold no secret: what is stored, audited and given to the model.
    ///
    /// Sent again, it is the same decision: words that were masked when the call's own secrets
    /// could still be opened are taken as they were kept.
    pub(super) async fn without_secrets(&self, decision: Decision) -> Result<Decision, GateError> {
        if words_of(&decision.answer).is_none() {
            return Ok(decision);
        }
        let record = self.store.get(&decision.tenant, decision.request).await?;
        let taint = match &record {
            Some(record) => self.secrets_of(record).await,
            None => Taint::default(),
        };
        let mut answer = decision.answer.clone();
        match &mut answer {
            DecisionKind::Edit { patch } => *patch = self.clean_patch(patch, &taint),
            DecisionKind::Reject { reason: Some(text), .. }
            | DecisionKind::Respond { message: text }
            | DecisionKind::Abort { reason: text } => *text = self.clean(text, &taint).into_owned(),
            DecisionKind::Approve | DecisionKind::Reject { reason: None, .. } => {}
        }
        let kept =
            record.as_ref().and_then(|record| kept(record, &decision)).map(|kept| &kept.answer);
        if let Some(kept) = kept.filter(|kept| is_masked(kept, &answer)) {
            answer = kept.clone();
        }
        Ok(Decision { answer, ..decision })
    }

    /// A reason that somebody typed about a call.
    pub(super) async fn clean_reason(&self, record: &CallRecord, reason: &str) -> String {
        self.clean(reason, &self.secrets_of(record).await).into_owned()
    }

    /// A resolution whose words hold no secret.
    pub(super) async fn clean_resolution(
        &self,
        record: &CallRecord,
        resolution: Resolution,
    ) -> Resolution {
        match resolution {
            Resolution::Failed { reason } => {
                Resolution::Failed { reason: self.clean_reason(record, &reason).await }
            }
            other => other,
        }
    }

    /// The call's own secrets, as far as they can be opened: nobody is kept from deciding because
    /// they cannot.
    async fn secrets_of(&self, record: &CallRecord) -> Taint {
        match self.stored_snapshot(record).await {
            Ok(Some(snapshot)) => snapshot.own_taint(),
            Ok(None) => Taint::default(),
            Err(error) => {
                tracing::debug!(call = %record.id(), %error, "its own secrets cannot be looked for");
                Taint::default()
            }
        }
    }

    fn clean_patch(&self, patch: &Patch, taint: &Taint) -> Patch {
        match parse_with_limits(patch.as_str(), self.limits) {
            Ok(tree) => Patch::new(self.redactor.json(&taint.json(&tree)).to_text()),
            // It will be refused, so it is not kept.
            Err(_) => Patch::new("null"),
        }
    }
}

/// What a person typed in an answer.
fn words_of(answer: &DecisionKind) -> Option<&str> {
    match answer {
        DecisionKind::Edit { patch } => Some(patch.as_str()),
        DecisionKind::Reject { reason, .. } => reason.as_deref(),
        DecisionKind::Respond { message } => Some(message),
        DecisionKind::Abort { reason } => Some(reason),
        DecisionKind::Approve => None,
    }
}

/// The decision that was taken under the same id and name.
fn kept<'r>(record: &'r CallRecord, decision: &Decision) -> Option<&'r RecordedDecision> {
    let edits = record.prior_revisions.iter().map(|earlier| &earlier.edited);
    let mut taken = record.decided.iter().chain(edits);
    taken.find(|taken| taken.id == decision.id && taken.by == decision.by.principal)
}

/// Whether `kept` is the answer `given` with more of its words masked.
fn is_masked(kept: &DecisionKind, given: &DecisionKind) -> bool {
    let alike = match (kept, given) {
        (DecisionKind::Reject { again, .. }, DecisionKind::Reject { again: same, .. }) => {
            again == same
        }
        (kept, given) => kept.choice() == given.choice(),
    };
    match (words_of(kept), words_of(given)) {
        (Some(kept), Some(given)) => alike && is_masked_text(kept, given),
        _ => false,
    }
}

/// Whether `kept` is `given` with masks in the place of some of it.
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
