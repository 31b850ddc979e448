//! Takes a reviewer's decision.

use axum::Json;
use axum::extract::State as From;
use hitl_core::approval::{DecisionKind, Patch, RepeatPolicy};
use hitl_core::people::Deed;
use hitl_core::{ApprovalRequest, BindingDigest, CallRecord, Decision, DecisionId, RequestId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::person::Asker;
use super::read::{Body, Path};
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};
use crate::view::CallSummary;

/// What a reviewer may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reply {
    /// Run it.
    Approve,
    /// Change arguments, and run that.
    Edit,
    /// Do not run it.
    Reject,
    /// Answer the model instead of running it.
    Respond,
    /// Do not run it, and stop.
    Abort,
}

impl Reply {
    /// A call that is stopped runs nothing. What the model is answered is said in a human's name.
    pub(super) const fn deed(self) -> Deed {
        match self {
            Self::Reject | Self::Abort => Deed::Stop,
            Self::Approve | Self::Edit | Self::Respond => Deed::Answer,
        }
    }
}

/// A decision. Who decides is known from the request's own credentials, never from here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DecideBody {
    /// The revision that was shown.
    revision: u32,
    /// The binding digest that was shown.
    #[schema(value_type = String)]
    binding: BindingDigest,
    /// The answer.
    answer: Reply,
    /// Why it is rejected or aborted.
    reason: Option<String>,
    /// With a rejection: the model may ask for the same call again in this run. Unless said, it is
    /// given this rejection instead.
    #[serde(default)]
    may_ask_again: bool,
    /// What the model is answered.
    message: Option<String>,
    /// What is edited: a JSON merge patch (RFC 7396) as text, so that no number is rounded.
    #[schema(value_type = Option<String>)]
    patch: Option<Patch>,
    /// The name of what would be deleted, typed; for deletions.
    confirm: Option<String>,
    /// The decision's own id, chosen by the client: sending the same decision again is harmless.
    #[schema(value_type = Option<String>)]
    decision: Option<DecisionId>,
}

impl DecideBody {
    pub(super) fn new(revision: u32, binding: BindingDigest, answer: Reply) -> Self {
        Self {
            revision,
            binding,
            answer,
            reason: None,
            may_ask_again: false,
            message: None,
            patch: None,
            confirm: None,
            decision: None,
        }
    }

    pub(super) fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    pub(super) fn may_ask_again(mut self, may: bool) -> Self {
        self.may_ask_again = may;
        self
    }

    pub(super) fn approves(&self) -> bool {
        self.answer == Reply::Approve
    }

    fn answer(self) -> Result<DecisionKind, Problem> {
        if self.may_ask_again && self.answer != Reply::Reject {
            return Err(Problem::bad("`mayAskAgain` belongs to reject"));
        }
        let again = if self.may_ask_again { RepeatPolicy::Allowed } else { RepeatPolicy::Refused };
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        let message = self.message.filter(|message| !message.trim().is_empty());
        match (self.answer, reason, message, self.patch) {
            (Reply::Approve, None, None, None) => Ok(DecisionKind::Approve),
            (Reply::Edit, None, None, Some(patch)) => Ok(DecisionKind::Edit { patch }),
            (Reply::Reject, reason, None, None) => Ok(DecisionKind::Reject { reason, again }),
            (Reply::Respond, None, Some(message), None) => Ok(DecisionKind::Respond { message }),
            (Reply::Abort, Some(reason), None, None) => Ok(DecisionKind::Abort { reason }),
            (Reply::Edit, None, None, None) => Err(Problem::bad("say what changes: `patch`")),
            (Reply::Respond, None, None, None) => {
                Err(Problem::bad("say what the model is answered: `message`"))
            }
            (Reply::Abort, None, None, None) => Err(Problem::bad("say why: `reason`")),
            _ => Err(Problem::bad(
                "`reason` belongs to reject and abort, `message` to respond, `patch` to edit",
            )),
        }
    }
}

/// Decides one call. It names the revision and the binding that were shown: a call that has changed
/// since then does not take it. Of several reviewers the first one wins; the others are told what
/// stands.
#[utoipa::path(post, path = "/api/calls/{id}/decide", tag = "calls", request_body = DecideBody,
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
    asker: Asker,
    Path(id): Path<RequestId>,
    Body(body): Body<DecideBody>,
) -> Result<Json<CallSummary>, Problem> {
    let record = state.call(asker.reviewer(), id).await?;
    let reviewer = asker.known_for(body.answer.deed(), &state).await?;
    let record = state.decide(&record, &reviewer, body).await?;
    Ok(Json(CallSummary::of(&record)))
}

impl State {
    /// Gives a decision to the gate, about what the reviewer was shown and not about what stands.
    pub(super) async fn decide(
        &self,
        record: &CallRecord,
        reviewer: &Reviewer,
        body: DecideBody,
    ) -> Result<CallRecord, Problem> {
        confirmed(&record.request, &body)?;
        let (revision, binding, id) = (body.revision, body.binding, body.decision);
        let mut decision: Decision = record.request.approve().by(reviewer.authority());
        decision.answer = body.answer()?;
        decision.revision = revision;
        decision.binding = binding;
        if let Some(id) = id {
            decision.id = id;
        }
        Ok(self.gate.decide(decision).await?)
    }
}

/// A deletion is approved only by who has typed what it deletes. An edit would approve something
/// that nobody has typed.
fn confirmed(request: &ApprovalRequest, body: &DecideBody) -> Result<(), Problem> {
    let refused =
        |why: &str| Err(Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "confirm", why));
    match (body.answer, request.confirmation()) {
        (Reply::Edit, Some(_)) => {
            refused("a deletion is not edited; reject it, and have it submitted as it should be")
        }
        (Reply::Approve, Some(name)) if body.confirm.as_deref() != Some(name.as_str()) => {
            refused("type the exact name of what would be deleted, to approve it")
        }
        _ => Ok(()),
    }
}
