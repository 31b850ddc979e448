//! Decides several quick questions at once.

use axum::Json;
use axum::extract::State as From;
use hitl_core::{ApprovalLevel, RequestId};
use hitl_wire::DecisionBody;
use hitl_wire::decision::{AnswerKind, BulkBody, BulkOutcome, BulkOutcomes};

use super::decide::deed;
use super::extract::Body;
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// The most calls that one request decides.
const MAX_CALLS: usize = 200;

/// Decides several calls that need a quick look only. Each is decided by itself: those that need a
/// full review, or have changed, are left as they are, and the result says so.
#[utoipa::path(post, path = "/api/bulk", tag = "calls", request_body = BulkBody,
    params(("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = BulkOutcomes),
        (status = 400, body = Problem),
        (status = 403, description = "a one-time code is needed, or is wrong; nothing was done", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn decide(
    From(state): From<Shared>,
    requester: Requester,
    Body(body): Body<BulkBody>,
) -> Result<Json<BulkOutcomes>, Problem> {
    if body.calls.is_empty() || body.calls.len() > MAX_CALLS {
        return Err(Problem::bad(format!("name 1 to {MAX_CALLS} calls")));
    }
    if !matches!(body.answer, AnswerKind::Approve | AnswerKind::Reject) {
        return Err(Problem::bad("several calls are approved or rejected, nothing else"));
    }
    if body.may_ask_again && body.answer != AnswerKind::Reject {
        return Err(Problem::bad("`mayAskAgain` belongs to reject"));
    }
    let reviewer = requester.verify_for(deed(body.answer), &state).await?;
    let mut results = Vec::with_capacity(body.calls.len());
    for shown in body.calls {
        let id = shown.id;
        let answer = DecisionBody {
            reason: body.reason.clone(),
            may_ask_again: body.may_ask_again,
            ..DecisionBody::new(shown.revision, shown.binding, body.answer)
        };
        let done = decide_one(&state, &reviewer, id, answer).await;
        results.push(match done {
            Ok(()) => BulkOutcome { id, result: "ok".to_owned(), message: None },
            Err(why) => BulkOutcome {
                id,
                result: why.kind().to_owned(),
                message: Some(why.message().to_owned()),
            },
        });
    }
    Ok(Json(BulkOutcomes { results }))
}

async fn decide_one(
    state: &State,
    reviewer: &Reviewer,
    id: RequestId,
    answer: DecisionBody,
) -> Result<(), Problem> {
    let record = state.call(reviewer, id).await?;
    // A call's level only rises with its revision, and the decision names the revision: a call that
    // is quick here is still quick when the gate accepts the decision.
    if record.request().level != ApprovalLevel::Quick {
        return Err(Problem::forbidden("notQuick", "this call needs a full review, one by one"));
    }
    if answer.answer == AnswerKind::Approve {
        if record.request().needs_uncovering() {
            let why = "this call has masked places; look at them, one by one";
            return Err(Problem::forbidden("masked", why));
        }
        let has_warning = state.gate.tool_status(&record).await?.warning().is_some();
        if has_warning || !record.request().cautions().is_empty() {
            let why = "this call has a warning or an amount above its limit; look at it, alone";
            return Err(Problem::forbidden("caution", why));
        }
    }
    state.decide(&record, reviewer, answer).await.map(drop)
}
