//! The form by which a client's user is asked about a call, and their answer. Pure.

use hitl_core::ApprovalRequest;
use hitl_core::approval::{Decision, DecisionChannel};
use rmcp::model::{
    ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, ProtocolVersion,
};
use serde_json::{Value, json};

use super::identity::Caller;

/// The key of the question in `inputRequests`.
pub(super) const QUESTION: &str = "approval";
const DECISION: &str = "decision";
const REASON: &str = "reason";
const APPROVE: &str = "approve";
const REJECT: &str = "reject";
/// The longest reason that is taken, in characters.
const MAX_REASON: usize = 1_000;

/// Returns the form for a request, with the text that describes it.
///
/// It has no default, and the rejection comes first: what a client chooses of its own accord never
/// lets a call run. It asks for nothing that is secret.
pub(super) fn form(
    request: &ApprovalRequest,
    text: &str,
    version: Option<&ProtocolVersion>,
) -> Result<ElicitRequestParams, serde_json::Error> {
    let labels = [request.reject_label.as_str(), request.approve_label.as_str()];
    // Before 2025-11-25, titles were a list of their own.
    let titled = version.is_some_and(|version| version.as_str() >= "2025-11-25");
    let choices = if titled {
        json!({"oneOf": [
            {"const": REJECT, "title": labels[0]},
            {"const": APPROVE, "title": labels[1]},
        ]})
    } else {
        json!({"enum": [REJECT, APPROVE], "enumNames": labels})
    };
    let mut decision = json!({
        "type": "string",
        "title": "Decision",
        "description": "Whether this call may run.",
    });
    if let (Value::Object(decision), Value::Object(choices)) = (&mut decision, choices) {
        decision.extend(choices);
    }
    let needs_reason = request.requires_reason;
    let hint =
        if needs_reason { "Needed for a rejection." } else { "For the agent; may be left empty." };
    let schema = json!({
        "type": "object",
        "properties": {
            DECISION: decision,
            REASON: {
                "type": "string", "title": "Reason", "description": hint, "maxLength": MAX_REASON,
            },
        },
        "required": [DECISION],
    });
    let Value::Object(schema) = schema else { return Err(serde::de::Error::custom("no object")) };
    Ok(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: text.to_owned(),
        requested_schema: ElicitationSchema::from_json_schema(schema)?,
    })
}

/// The answer of a user in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormAnswer {
    Approve,
    Reject(String),
}

/// Reads an answer. `None` if it decides nothing: a decline, a cancel, or an accept without an
/// explicit decision. Clients decline on their own, without showing anything, so that no decline
/// is a person's no.
pub(super) fn read_answer(answer: &ElicitResult) -> Option<FormAnswer> {
    if answer.action != ElicitationAction::Accept {
        return None;
    }
    let content = answer.content.as_ref()?.as_object()?;
    let decision = content.get(DECISION)?.as_str()?;
    let reason = match content.get(REASON) {
        None | Some(Value::Null) => "",
        Some(reason) => reason.as_str()?,
    };
    match decision {
        APPROVE => Some(FormAnswer::Approve),
        REJECT => Some(FormAnswer::Reject(reason.chars().take(MAX_REASON).collect())),
        _ => None,
    }
}

/// Returns the decision that an answer is, about exactly the request that was shown.
pub(super) fn decision(answer: FormAnswer, request: &ApprovalRequest, caller: &Caller) -> Decision {
    let draft = match answer {
        FormAnswer::Approve => request.approve(),
        FormAnswer::Reject(reason) => request.reject(reason),
    };
    // A client that sends the same answer twice decides once.
    draft.through(DecisionChannel::ELICITATION).replayable().by(caller.reviewer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: Value) -> Option<FormAnswer> {
        read_answer(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn invariant_2_only_an_accept_with_an_explicit_decision_decides() {
        let accept = |content: Value| answer(json!({"action": "accept", "content": content}));
        assert_eq!(accept(json!({"decision": "approve"})), Some(FormAnswer::Approve));
        assert_eq!(
            accept(json!({"decision": "approve", "reason": null})),
            Some(FormAnswer::Approve)
        );
        let no = accept(json!({"decision": "reject", "reason": "not now", "more": 1}));
        assert_eq!(no, Some(FormAnswer::Reject("not now".to_owned())));
        assert_eq!(accept(json!({"decision": "reject"})), Some(FormAnswer::Reject(String::new())));
        for nothing in [
            json!({}),
            json!({"decision": null}),
            json!({"decision": true}),
            json!({"decision": ""}),
            json!({"decision": "Approve"}),
            json!({"decision": ["approve"]}),
            json!({"decision": "yes"}),
            json!({"decision": "approve", "reason": 7}),
            json!([]),
            json!("approve"),
            json!(true),
            json!(null),
        ] {
            assert_eq!(accept(nothing.clone()), None, "{nothing}");
        }
        assert_eq!(answer(json!({"action": "accept"})), None);
        for action in ["decline", "cancel"] {
            assert_eq!(answer(json!({"action": action})), None);
            let with = json!({"action": action, "content": {"decision": "approve"}});
            assert_eq!(answer(with), None, "{action}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let content = json!({"decision": "reject", "reason": "é".repeat(2_000)});
        let cut = answer(json!({"action": "accept", "content": content})).unwrap();
        assert_eq!(cut, FormAnswer::Reject("é".repeat(MAX_REASON)));
    }
}
