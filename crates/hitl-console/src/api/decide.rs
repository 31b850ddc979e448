//! Takes a reviewer's decision.

use axum::Json;
use axum::extract::State as From;
use hitl_core::approval::{DecisionChannel, DecisionKind, RepeatPolicy};
use hitl_core::people::Deed;
use hitl_core::{ApprovalRequest, CallRecord, Decision, RequestId};
use hitl_wire::decision::AnswerKind;
use hitl_wire::{CallSummary, DecisionBody};

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// Classifies an answer. A call that is stopped runs nothing. An answer to the model is given in a
/// human's name.
pub(super) const fn deed(answer: AnswerKind) -> Deed {
    match answer {
        AnswerKind::Reject | AnswerKind::Abort => Deed::Stop,
        AnswerKind::Approve | AnswerKind::Edit | AnswerKind::Respond => Deed::Answer,
    }
}

/// Returns the answer in a body.
fn parse_answer(body: DecisionBody) -> Result<DecisionKind, Problem> {
    if body.may_ask_again && body.answer != AnswerKind::Reject {
        return Err(Problem::bad("`mayAskAgain` belongs to reject"));
    }
    let again = if body.may_ask_again { RepeatPolicy::Allowed } else { RepeatPolicy::Refused };
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    let message = body.message.filter(|message| !message.trim().is_empty());
    match (body.answer, reason, message, body.patch) {
        (AnswerKind::Approve, None, None, None) => Ok(DecisionKind::Approve),
        (AnswerKind::Edit, None, None, Some(patch)) => Ok(DecisionKind::Edit { patch }),
        (AnswerKind::Reject, reason, None, None) => Ok(DecisionKind::Reject { reason, again }),
        (AnswerKind::Respond, None, Some(message), None) => Ok(DecisionKind::Respond { message }),
        (AnswerKind::Abort, Some(reason), None, None) => Ok(DecisionKind::Abort { reason }),
        (AnswerKind::Edit, None, None, None) => Err(Problem::bad("say what changes: `patch`")),
        (AnswerKind::Respond, None, None, None) => {
            Err(Problem::bad("say what the model is answered: `message`"))
        }
        (AnswerKind::Abort, None, None, None) => Err(Problem::bad("say why: `reason`")),
        _ => Err(Problem::bad(
            "`reason` belongs to reject and abort, `message` to respond, `patch` to edit",
        )),
    }
}

/// Decides one call. It names the revision and the binding that were shown: a call that has changed
/// since then does not take it. Of several reviewers the first one wins; the others get the
/// decision that applies.
#[utoipa::path(post, path = "/api/calls/{id}/decide", tag = "calls", request_body = DecisionBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = CallSummary),
        (status = 403, description = "not theirs to decide, or a one-time code is needed", body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "somebody else was first, or it has changed", body = Problem),
        (status = 422, description = "the answer is not one that the tool takes", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn decide(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<RequestId>,
    Body(body): Body<DecisionBody>,
) -> Result<Json<CallSummary>, Problem> {
    let record = state.call(requester.reviewer(), id).await?;
    let reviewer = requester.verify_for(deed(body.answer), &state).await?;
    let record = state.decide(&record, &reviewer, body).await?;
    Ok(Json(CallSummary::from(&record)))
}

impl State {
    /// Submits a decision to the gate, about the revision that the reviewer was shown.
    pub(super) async fn decide(
        &self,
        record: &CallRecord,
        reviewer: &Reviewer,
        body: DecisionBody,
    ) -> Result<CallRecord, Problem> {
        check_confirmation(record.request(), body.answer, body.confirm.as_deref())?;
        let (revision, binding, id) = (body.revision, body.binding, body.decision);
        let previewed = body.previewed;
        if previewed.is_some() && body.answer != AnswerKind::Edit {
            return Err(Problem::bad("`previewed` belongs to edit"));
        }
        // The console's own, for each client: a client names no channel.
        let draft = record.request().approve().through(DecisionChannel::CONSOLE);
        let mut decision: Decision = draft.by(reviewer.authority());
        decision.answer = parse_answer(body)?;
        decision.revision = revision;
        decision.binding = binding;
        decision.previewed = previewed;
        if let Some(id) = id {
            decision.id = id;
        }
        Ok(self.gate.decide(decision).await?)
    }
}

/// Requires the typed name of what is deleted to approve a deletion. Refuses an edit, because it
/// would approve something that nobody has typed.
pub(super) fn check_confirmation(
    request: &ApprovalRequest,
    answer: AnswerKind,
    confirm: Option<&str>,
) -> Result<(), Problem> {
    let refused =
        |why: &str| Err(Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "confirm", why));
    match (answer, request.confirmation()) {
        (AnswerKind::Edit, Some(_)) => {
            refused("a deletion is not edited; reject it, and have it submitted as it should be")
        }
        (AnswerKind::Approve, Some(name)) if confirm != Some(name.as_str()) => {
            refused("type the exact name of what would be deleted, to approve it")
        }
        _ => Ok(()),
    }
}
