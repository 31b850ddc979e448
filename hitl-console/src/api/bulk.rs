//! Decides several quick questions at once.

use axum::Json;
use axum::extract::State as From;
use hitl_core::{ApprovalLevel, BindingDigest, RequestId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decide::{DecideBody, Reply};
use super::person::Asker;
use super::read::Body;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// The most calls that one request decides.
const MOST: usize = 200;

/// One answer to several quick questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BulkBody {
    /// `approve` or `reject`.
    answer: Reply,
    /// Why they are rejected.
    reason: Option<String>,
    /// With a rejection: the model may ask for the same calls again in this run.
    #[serde(default)]
    may_ask_again: bool,
    /// Which calls, as they were shown; at most 200.
    calls: Vec<Shown>,
}

/// A call as it was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Shown {
    /// The call's id.
    #[schema(value_type = String)]
    id: RequestId,
    /// The revision that was shown.
    revision: u32,
    /// The binding digest that was shown.
    #[schema(value_type = String)]
    binding: BindingDigest,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkResult {
    /// In the order of the request.
    results: Vec<One>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct One {
    #[schema(value_type = String)]
    id: RequestId,
    /// `ok`, or why not, as in an error's `kind`.
    result: &'static str,
    /// A sentence for people, when it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Decides several calls that need a quick look only. Each is decided by itself: those that need a
/// full review, or have changed, are left as they are, and the result says so.
#[utoipa::path(post, path = "/api/bulk", tag = "calls", request_body = BulkBody,
    params(("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = BulkResult),
        (status = 400, body = Problem),
        (status = 403, description = "a one-time code is needed, or is wrong; nothing was done", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn decide(
    From(state): From<Shared>,
    asker: Asker,
    Body(body): Body<BulkBody>,
) -> Result<Json<BulkResult>, Problem> {
    if body.calls.is_empty() || body.calls.len() > MOST {
        return Err(Problem::bad(format!("name 1 to {MOST} calls")));
    }
    if !matches!(body.answer, Reply::Approve | Reply::Reject) {
        return Err(Problem::bad("several calls are approved or rejected, nothing else"));
    }
    if body.may_ask_again && body.answer != Reply::Reject {
        return Err(Problem::bad("`mayAskAgain` belongs to reject"));
    }
    let reviewer = asker.known_for(body.answer.deed(), &state).await?;
    let mut results = Vec::with_capacity(body.calls.len());
    for shown in body.calls {
        let id = shown.id;
        let answer = DecideBody::new(shown.revision, shown.binding, body.answer)
            .because(body.reason.clone())
            .may_ask_again(body.may_ask_again);
        let done = one(&state, &reviewer, id, answer).await;
        results.push(match done {
            Ok(()) => One { id, result: "ok", message: None },
            Err(why) => One { id, result: why.kind(), message: Some(why.message().to_owned()) },
        });
    }
    Ok(Json(BulkResult { results }))
}

async fn one(
    state: &State,
    reviewer: &Reviewer,
    id: RequestId,
    answer: DecideBody,
) -> Result<(), Problem> {
    let record = state.call(reviewer, id).await?;
    // A call's level only rises with its revision, and the decision names the revision: what is
    // quick here is quick when the gate takes it.
    if record.request.level != ApprovalLevel::Quick {
        return Err(Problem::forbidden("notQuick", "this call needs a full review, one by one"));
    }
    if answer.approves() && record.request.needs_uncovering() {
        let why = "this call has masked places; look at them, one by one";
        return Err(Problem::forbidden("masked", why));
    }
    state.decide(&record, reviewer, answer).await.map(drop)
}
