//! Grants: previewed, saved exactly as they were previewed, listed, taken back.
//!
//! Nothing is kept between preview and save. A save names the digest of the grant that was shown;
//! the grant is made anew from the same terms, and is saved only if it is the same to the last word
//! of its rule.

use std::fmt::Write as _;

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_base::Timestamp;
use hitl_core::gate::GrantPreview;
use hitl_core::grant::{Grant, GrantTerms};
use hitl_core::people::Deed;
use hitl_core::store::GrantQuery;
use hitl_core::{BindingDigest, GrantId, GrantRecord, RequestId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::person::Asker;
use super::read::{Body, Path, Query};
use super::terms::TermsBody;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};
use crate::view::{CallSummary, GrantView};

/// How many of the calls that would go on are told one by one.
const TOLD: usize = 20;

/// Which grants to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct GrantsQuery {
    /// `live` (unless said): neither revoked nor past their time; `all`.
    #[serde(default)]
    #[param(inline)]
    which: Which,
    /// Only of this tool.
    tool: Option<String>,
    /// Only for calls of this principal.
    principal: Option<String>,
    /// Goes on after a page: its `next`.
    #[param(value_type = Option<String>)]
    after: Option<GrantId>,
    /// At most so many; 100 unless said, at most 200.
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Live,
    All,
}

/// A page of grants.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GrantPageView {
    /// In the order in which they were given.
    grants: Vec<GrantView>,
    /// Where the next page begins: `after`. Nothing when this is the last one.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<GrantId>,
    /// The present, by the clock that grants are judged by.
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// A call as it was shown, and what is to run without asking.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PreviewBody {
    /// The revision that was shown.
    revision: u32,
    /// The binding digest that was shown.
    #[schema(value_type = String)]
    binding: BindingDigest,
    /// On which terms.
    #[serde(default)]
    terms: TermsBody,
}

/// The same, and what was shown of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SaveBody {
    /// The revision that was shown.
    revision: u32,
    /// The binding digest that was shown.
    #[schema(value_type = String)]
    binding: BindingDigest,
    /// On which terms.
    #[serde(default)]
    terms: TermsBody,
    /// The preview's `digest`.
    preview: String,
}

/// Why a grant is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RevokeBody {
    /// Why.
    reason: String,
}

/// What a grant would permit. Nothing is saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Previewed {
    /// The exact rule, line by line.
    rule: Vec<String>,
    /// Names all of it, the rule to the letter: a save must name it.
    digest: String,
    /// How many calls that wait now would go on at once; this one is among them.
    waiting: usize,
    /// The first twenty of them.
    calls: Vec<CallSummary>,
}

/// A grant that was saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Saved {
    /// The grant.
    grant: GrantView,
    /// The calls that waited and go on, as they stand now.
    allowed: Vec<CallSummary>,
}

/// Says what a grant on this call would permit, in the exact words that are kept, and which calls
/// that wait it would let go on. Saves nothing.
#[utoipa::path(post, path = "/api/calls/{id}/grant/preview", tag = "grants", request_body = PreviewBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = Previewed),
        (status = 409, description = "the call has changed, or no longer waits", body = Problem),
        (status = 422, description = "no grant is given on these terms, and why", body = Problem)))]
pub(super) async fn preview(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
    Body(PreviewBody { revision, binding, terms }): Body<PreviewBody>,
) -> Result<Json<Previewed>, Problem> {
    let preview = state.previewed(&reviewer, id, (revision, binding), terms).await?;
    let mut calls = Vec::new();
    for call in preview.waiting.iter().take(TOLD) {
        // What is gone by now does not go on.
        let record = state.gate.get(&reviewer.tenant, *call).await?;
        calls.extend(record.as_ref().map(CallSummary::of));
    }
    let (waiting, digest) = (preview.waiting.len(), digest(&preview.grant)?);
    Ok(Json(Previewed { rule: preview.grant.rule, digest, waiting, calls }))
}

/// Saves a grant as it was previewed, and lets the calls go on that wait and that it covers, this
/// one first. When anything of it is not as it was shown, nothing is saved.
#[utoipa::path(post, path = "/api/calls/{id}/grant", tag = "grants", request_body = SaveBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = Saved),
        (status = 403, description = "not theirs to give, or a one-time code is needed", body = Problem),
        (status = 409, description = "the call has changed, or the rule is not the one that was shown", body = Problem),
        (status = 422, description = "no grant is given on these terms, and why", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn save(
    From(state): From<Shared>,
    asker: Asker,
    Path(id): Path<RequestId>,
    Body(SaveBody { revision, binding, terms, preview: shown }): Body<SaveBody>,
) -> Result<Json<Saved>, Problem> {
    let reviewer = asker.known_for(Deed::Loosen, &state).await?;
    let preview = state.previewed(&reviewer, id, (revision, binding), terms).await?;
    if digest(&preview.grant)? != shown {
        let why = "what the grant would permit is not what was shown; look at the rule again";
        return Err(Problem::new(axum::http::StatusCode::CONFLICT, "stale", why));
    }
    let granted = state.gate.save_grant(preview).await?;
    let grant = state.told(&reviewer, &granted.record).await?;
    Ok(Json(Saved { grant, allowed: granted.allowed.iter().map(CallSummary::of).collect() }))
}

/// Lists grants, and what has been drawn on each.
#[utoipa::path(get, path = "/api/grants", tag = "grants", params(GrantsQuery),
    responses((status = 200, body = GrantPageView), (status = 401, body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Query(query): Query<GrantsQuery>,
) -> Result<Json<GrantPageView>, Problem> {
    let limit = query.limit.unwrap_or(100).clamp(1, 200);
    let mut page = match query.which {
        Which::Live => GrantQuery::live(),
        Which::All => GrantQuery::all(),
    };
    page.tool = query.tool;
    page.principal = query.principal.map(Into::into);
    page.after = query.after;
    let records = state.gate.grants(&reviewer.tenant, page.limit(limit)).await?;
    let next = (records.len() == limit).then(|| records.last().map(GrantRecord::id)).flatten();
    let now = state.gate.now().await?;
    let grants = records.iter().map(|record| GrantView::of(record, now)).collect();
    Ok(Json(GrantPageView { grants, next, now }))
}

/// Shows one grant.
#[utoipa::path(get, path = "/api/grants/{id}", tag = "grants",
    params(("id" = String, Path, description = "the grant's id")),
    responses((status = 200, body = GrantView), (status = 404, body = Problem)))]
pub(super) async fn show(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<GrantId>,
) -> Result<Json<GrantView>, Problem> {
    let found = state.gate.grant(&reviewer.tenant, id).await?;
    let record = found.ok_or_else(|| Problem::not_found("grant"))?;
    Ok(Json(GrantView::of(&record, state.gate.now().await?)))
}

/// Takes a grant back. What runs goes on; what it has allowed and has not begun is asked about
/// again. The first revocation stands: the answer says whose it was.
#[utoipa::path(post, path = "/api/grants/{id}/revoke", tag = "grants", request_body = RevokeBody,
    params(("id" = String, Path, description = "the grant's id")),
    responses((status = 200, body = GrantView), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<GrantId>,
    Body(RevokeBody { reason }): Body<RevokeBody>,
) -> Result<Json<GrantView>, Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::bad("say why: `reason`"));
    }
    let by = reviewer.authority();
    let revoked = state.gate.revoke_grant(&reviewer.tenant, id, by, Some(&reason)).await?;
    let record = revoked.ok_or_else(|| Problem::not_found("grant"))?;
    Ok(Json(state.told(&reviewer, &record).await?))
}

impl State {
    /// The grant that a reviewer's terms make, of the call as it was shown to them.
    async fn previewed(
        &self,
        reviewer: &Reviewer,
        id: RequestId,
        (revision, binding): (u32, BindingDigest),
        terms: TermsBody,
    ) -> Result<GrantPreview, Problem> {
        let record = self.call(reviewer, id).await?;
        let mut draft = record.request.grant(GrantTerms::from(terms)).by(reviewer.authority());
        draft.revision = revision;
        draft.binding = binding;
        Ok(self.gate.preview_grant(draft).await?)
    }

    /// Tells everybody of the tenant how a grant stands now.
    async fn told(&self, reviewer: &Reviewer, record: &GrantRecord) -> Result<GrantView, Problem> {
        let view = GrantView::of(record, self.gate.now().await?);
        self.feed.tell("grant", Some(reviewer.tenant.clone()), &view);
        Ok(view)
    }
}

/// SHA-256 over all of a grant but its id, which is made anew each time, and how its giver is
/// known, for which the save may bring a code that the preview did not need.
fn digest(grant: &Grant) -> Result<String, Problem> {
    let unwritable = |_| {
        let why = "the grant cannot be written";
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "gate", why)
    };
    let mut document = serde_json::to_value(grant).map_err(unwritable)?;
    if let Some(fields) = document.as_object_mut() {
        fields.remove("id");
        fields.remove("knownBy");
    }
    let text = serde_json::to_vec(&document).map_err(unwritable)?;
    let hash = Sha256::new().chain_update(b"hitl.console.grant.v1\n").chain_update(text).finalize();
    Ok(hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
