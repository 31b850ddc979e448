//! Rule files: the version in force, the waiting version, and its acceptance by a person.

use axum::extract::State as From;
use axum::http::StatusCode;
use axum::{Extension, Json};
use hitl_core::RuleFile;
use hitl_core::people::Deed;
use hitl_core::policy::{AcceptError, PendingRules, PolicyVersion, RuleFileStatus};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// The rule files of this console.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoliciesView {
    policies: Vec<PolicyView>,
}

/// A rule file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyView {
    /// Which one it is, from 0.
    id: usize,
    /// The name of its file.
    file: String,
    /// The version that was accepted and is in force. None: every call is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<VersionView>,
    /// True if the file had a problem when it was last read.
    has_problem: bool,
    /// The problem, for reviewers who may accept the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// True if a version is waiting to be accepted.
    waits: bool,
    /// True if this reviewer may accept it.
    may_accept: bool,
    /// The version that is waiting, for reviewers who may accept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitingView>,
}

/// A version of a rule file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VersionView {
    /// The version's name, as its authors wrote it.
    version: String,
    /// SHA-256 of its text, in hexadecimal.
    digest: String,
}

/// A version of a rule file that is waiting to be accepted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WaitingView {
    /// The version.
    version: String,
    /// SHA-256 of its text, in hexadecimal: what an acceptance names.
    digest: String,
    /// Where it may be laxer than what was accepted, in words.
    relaxations: Vec<String>,
    /// The lines that go (`- `) and come (`+ `). Empty where it is not known what was accepted.
    changes: Vec<String>,
    /// The number of changed lines that are not listed, or not in full. If it is not zero, read the
    /// whole file.
    unlisted: usize,
    /// Why no signature accepts it, where the host takes signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// Why it is not known what was accepted, when it is not: then every call is denied meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    untrusted: Option<String>,
}

/// The version that is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AcceptBody {
    /// The digest that was shown.
    digest: String,
}

impl VersionView {
    fn new(version: &PolicyVersion) -> Self {
        Self { version: version.version().to_string(), digest: version.digest().to_string() }
    }
}

impl PolicyView {
    fn new(id: usize, (rules, role): &(RuleFile, String), reviewer: &Reviewer) -> Self {
        let RuleFileStatus { in_force, waiting, problem, .. } = rules.status();
        let may_accept = reviewer.roles.contains(role);
        let file = rules.path().file_name().unwrap_or_default().to_string_lossy();
        Self {
            id,
            file: file.into_owned(),
            in_force: in_force.as_ref().map(VersionView::new),
            has_problem: problem.is_some(),
            problem: problem.map(|problem| problem.to_string()).filter(|_| may_accept),
            waits: waiting.is_some(),
            may_accept,
            waiting: waiting.filter(|_| may_accept).map(WaitingView::new),
        }
    }
}

impl WaitingView {
    fn new(waiting: PendingRules) -> Self {
        Self {
            version: waiting.version.version().to_string(),
            digest: waiting.version.digest().to_string(),
            relaxations: waiting.relaxations.iter().map(ToString::to_string).collect(),
            changes: waiting.changes,
            unlisted: waiting.unlisted,
            signature: waiting.signature,
            untrusted: waiting.untrusted,
        }
    }
}

/// Lists the rule files, what is in force of each, and what waits.
#[utoipa::path(get, path = "/api/policies", tag = "policies",
    responses((status = 200, body = PoliciesView), (status = 401, body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Json<PoliciesView> {
    let files = state.policies.files().iter().enumerate();
    Json(PoliciesView {
        policies: files.map(|(id, it)| PolicyView::new(id, it, &reviewer)).collect(),
    })
}

/// Accepts what waits in a rule file, for a reviewer with the role that the host named. Once
/// somebody has enrolled it takes a one-time code. The audit has it before it takes effect.
#[utoipa::path(post, path = "/api/policies/{id}/accept", tag = "policies", request_body = AcceptBody,
    params(("id" = usize, Path, description = "the policy's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = PolicyView),
        (status = 403, description = "they may not accept it, or a one-time code is needed", body = Problem),
        (status = 409, description = "the file is another one by now", body = Problem),
        (status = 422, description = "the file does not load", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "it cannot be audited or written, or codes cannot be checked, so it is not accepted", body = Problem)))]
pub(super) async fn accept(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<usize>,
    Body(body): Body<AcceptBody>,
) -> Result<Json<PolicyView>, Problem> {
    let file = state.policies.files().get(id).ok_or_else(|| Problem::not_found("policy"))?;
    let (rules, role) = file;
    if !requester.reviewer().roles.contains(role) {
        let why = "only reviewers with the role that the host named accept a policy";
        return Err(Problem::forbidden("notEntitled", why));
    }
    // A reviewer without the role does not use up a code.
    let reviewer = requester.verify_for(Deed::Loosen, &state).await?;
    state.gate.accept_policy(rules, &body.digest, reviewer.authority()).await?;
    Ok(Json(PolicyView::new(id, file, &reviewer)))
}

impl std::convert::From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        let (status, kind) = match &error {
            AcceptError::Changed => (StatusCode::CONFLICT, "stale"),
            AcceptError::Unsound(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unsound"),
            AcceptError::NotHuman => (StatusCode::FORBIDDEN, "notEntitled"),
            AcceptError::Audit(_) => (StatusCode::SERVICE_UNAVAILABLE, "audit"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "unwritable"),
        };
        Self::new(status, kind, error.to_string())
    }
}

/// The part of `openapi.json` about these routes.
#[derive(OpenApi)]
#[openapi(paths(list, accept))]
pub(super) struct PolicyDocument;
