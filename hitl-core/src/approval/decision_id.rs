//! Ids of decisions that are derived from the decision itself.

use sha2::{Digest as _, Sha256};

use super::{ApprovalRequest, DecisionChannel, DecisionKind, EditResult, RepeatPolicy};
use crate::call::Principal;
use crate::ids::DecisionId;

/// Returns the id of this person's answer through this channel to this revision of a request: the
/// same for the same answer, however often it is delivered.
///
/// Words that a person typed are no part of it: a short secret among them could be guessed from the
/// id. The machine compares them, so that other words under the same id are another decision. An
/// edit is named by its result, so one without a preview has no derived id.
pub(super) fn derived_id(
    request: &ApprovalRequest,
    answer: &DecisionKind,
    previewed: Option<EditResult>,
    by: &Principal,
    channel: &DecisionChannel,
) -> Option<DecisionId> {
    let (name, detail) = match answer {
        DecisionKind::Approve => ("approve", String::new()),
        DecisionKind::Edit { .. } => ("edit", previewed?.binding.to_string()),
        DecisionKind::Reject { again: RepeatPolicy::Refused, .. } => ("reject", String::new()),
        DecisionKind::Reject { again: RepeatPolicy::Allowed, .. } => {
            ("reject", "may ask again".to_owned())
        }
        DecisionKind::Respond { .. } => ("respond", String::new()),
        DecisionKind::Abort { .. } => ("abort", String::new()),
    };
    let (id, binding) = (request.id.to_string(), request.binding.to_string());
    let revision = request.revision.to_string();
    let mut hash = Sha256::new();
    let tenant = request.key.tenant.as_str();
    let (by, channel) = (by.as_str(), channel.name());
    for part in ["hitl.decision.v1", tenant, &id, &revision, &binding, name, &detail, by, channel] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Some(DecisionId::derived(hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::fixture;
    use crate::approval::{Decision, Patch};
    use crate::call::{BindingDigest, Tenant};
    use crate::ids::RequestId;
    use crate::machine::CallState;

    #[test]
    fn the_same_answer_has_the_same_id_and_any_other_another() {
        let request = fixture::request("{}");
        let id = |request: &ApprovalRequest, by: &str| request.approve().replayable().by(by).id;
        let first = id(&request, "ann");
        assert_eq!(id(&request.clone(), "ann"), first);
        assert_eq!(first.to_string().as_bytes()[14], b'8', "version 8: {first}");
        let mut others: Vec<DecisionId> =
            vec![first, id(&request, "bob"), id(&request, "agent:ann")];
        let mut changed = |change: fn(&mut ApprovalRequest)| {
            let mut request = request.clone();
            change(&mut request);
            others.push(id(&request, "ann"));
        };
        changed(|request| request.id = RequestId::new());
        changed(|request| request.revision += 1);
        changed(|request| request.key.tenant = Tenant::new("acme"));
        changed(|request| request.binding = BindingDigest::ERASED);
        let of = |decision: Decision| decision.id;
        others.extend([
            of(request.reject("no").replayable().by("ann")),
            of(request.reject("no").may_ask_again().replayable().by("ann")),
            of(request.respond("no").replayable().by("ann")),
            of(request.abort("no").replayable().by("ann")),
            of(request.approve().replayable().through(DecisionChannel::CHAT).by("ann")),
            // Not derived.
            of(request.approve().by("ann")),
            of(request.approve().by("ann")),
        ]);
        let count = others.len();
        others.sort_unstable();
        others.dedup();
        assert_eq!(others.len(), count);
    }

    #[test]
    fn invariant_8_what_a_person_typed_cannot_be_guessed_from_the_id() {
        let request = fixture::request("{}");
        let id = |words: &str| request.reject(words).replayable().by("ann").id;
        assert_eq!(id("the pin is 1234"), id("the pin is 9999"));
        let edit = |pin: &str, result: Option<EditResult>| {
            let answer = DecisionKind::Edit { patch: Patch::new(format!(r#"{{"pin":"{pin}"}}"#)) };
            derived_id(&request, &answer, result, &Principal::new("ann"), &DecisionChannel::HOST)
        };
        assert_eq!(edit("1234", None), None, "two edits whose secrets differ are two decisions");
        let result = |binding| Some(EditResult::new(binding, CallState::Pending));
        let (one, two) = (result(request.binding), result(BindingDigest::ERASED));
        assert_eq!(edit("1234", one), edit("9999", one));
        assert_ne!(edit("1234", one), edit("1234", two));
    }
}
