//! Grants: previewed, saved exactly as they were previewed, listed, revoked.
//!
//! Nothing is kept between preview and save. A save names the digest of the grant that was shown;
//! the grant is built again from the same terms, and is saved only if its rule is exactly the same.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::approval::DecisionChannel;
use hitl_core::grant::{Grant, GrantTerms};
use hitl_core::people::Deed;
use hitl_core::{BindingDigest, GrantId, GrantRecord, RequestId, gate, store};
use hitl_wire::grant::{
    GrantPage, GrantPreview, GrantPreviewBody, GrantSaveBody, RevokeBody, SavedGrant,
};
use hitl_wire::{CallSummary, GrantSummary};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Path, Query};
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// The number of calls that a preview lists one by one.
const MAX_PREVIEW_CALLS: usize = 20;

/// Which grants to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct GrantsQuery {
    /// `live` (unless said): neither revoked nor past their time; `all`.
    #[serde(default)]
    #[param(inline)]
    which: GrantFilter,
    /// Only of this tool.
    tool: Option<String>,
    /// Only for calls of this principal.
    principal: Option<String>,
    /// Continues after a page: its `next`.
    #[param(value_type = Option<String>)]
    after: Option<GrantId>,
    /// The maximum number of grants; 100 by default, at most 200.
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum GrantFilter {
    #[default]
    Live,
    All,
}

/// Returns the rule that a grant on this call would have, in the exact words that are kept, and the
/// waiting calls that it would allow. Saves nothing.
#[utoipa::path(post, path = "/api/calls/{id}/grant/preview", tag = "grants", request_body = GrantPreviewBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = GrantPreview),
        (status = 409, description = "the call has changed, or no longer waits", body = Problem),
        (status = 422, description = "no grant is given on these terms, and why", body = Problem)))]
pub(super) async fn preview(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
    Body(GrantPreviewBody { revision, binding, terms }): Body<GrantPreviewBody>,
) -> Result<Json<GrantPreview>, Problem> {
    let preview = state.build_preview(&reviewer, id, (revision, binding), terms).await?;
    let (scoped, mut calls) = (state.gate.scoped_to(reviewer.authority()), Vec::new());
    for call in preview.waiting.iter().take(MAX_PREVIEW_CALLS) {
        // A call that is gone by now is not allowed.
        let record = scoped.get(&reviewer.tenant, *call).await?;
        calls.extend(record.as_ref().map(CallSummary::from));
    }
    let (waiting, digest) = (preview.waiting.len(), digest(&preview.grant)?);
    Ok(Json(GrantPreview { rule: preview.grant.rule, digest, waiting, calls }))
}

/// Saves a grant as it was previewed, and allows the waiting calls that it covers, this one first.
/// If anything differs from what was shown, nothing is saved.
#[utoipa::path(post, path = "/api/calls/{id}/grant", tag = "grants", request_body = GrantSaveBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = SavedGrant),
        (status = 403, description = "not theirs to give, or a one-time code is needed", body = Problem),
        (status = 409, description = "the call has changed, or the rule is not the one that was shown", body = Problem),
        (status = 422, description = "no grant is given on these terms, and why", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn save(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<RequestId>,
    Body(GrantSaveBody { revision, binding, terms, preview: shown }): Body<GrantSaveBody>,
) -> Result<Json<SavedGrant>, Problem> {
    let reviewer = requester.verify_for(Deed::Loosen, &state).await?;
    let preview = state.build_preview(&reviewer, id, (revision, binding), terms).await?;
    if digest(&preview.grant)? != shown {
        let why = "what the grant would permit is not what was shown; look at the rule again";
        return Err(Problem::new(axum::http::StatusCode::CONFLICT, "stale", why));
    }
    let granted = state.gate.save_grant(preview).await?;
    let grant = state.publish_grant(&reviewer, &granted.record).await?;
    Ok(Json(SavedGrant { grant, allowed: granted.allowed.iter().map(CallSummary::from).collect() }))
}

/// Lists grants, and what has been drawn on each.
#[utoipa::path(get, path = "/api/grants", tag = "grants", params(GrantsQuery),
    responses((status = 200, body = GrantPage), (status = 401, body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Query(query): Query<GrantsQuery>,
) -> Result<Json<GrantPage>, Problem> {
    let limit = query.limit.unwrap_or(100).clamp(1, 200);
    let mut page = match query.which {
        GrantFilter::Live => store::GrantQuery::live(),
        GrantFilter::All => store::GrantQuery::all(),
    };
    page.tool = query.tool;
    page.principal = query.principal.map(Into::into);
    page.after = query.after;
    let records = state.gate.grants(&reviewer.tenant, page.limit(limit)).await?;
    let next = (records.len() == limit).then(|| records.last().map(GrantRecord::id)).flatten();
    let now = state.gate.now().await?;
    let grants = records.iter().map(|record| GrantSummary::new(record, now)).collect();
    Ok(Json(GrantPage { grants, next, now: Some(now) }))
}

/// Shows one grant.
#[utoipa::path(get, path = "/api/grants/{id}", tag = "grants",
    params(("id" = String, Path, description = "the grant's id")),
    responses((status = 200, body = GrantSummary), (status = 404, body = Problem)))]
pub(super) async fn show(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<GrantId>,
) -> Result<Json<GrantSummary>, Problem> {
    let found = state.gate.grant(&reviewer.tenant, id).await?;
    let record = found.ok_or_else(|| Problem::not_found("grant"))?;
    Ok(Json(GrantSummary::new(&record, state.gate.now().await?)))
}

/// Revokes a grant. Running calls continue; calls that it allowed and that have not started are
/// asked about again. Only the first revocation counts: the answer says whose it was.
#[utoipa::path(post, path = "/api/grants/{id}/revoke", tag = "grants", request_body = RevokeBody,
    params(("id" = String, Path, description = "the grant's id")),
    responses((status = 200, body = GrantSummary), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<GrantId>,
    Body(RevokeBody { reason }): Body<RevokeBody>,
) -> Result<Json<GrantSummary>, Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::bad("say why: `reason`"));
    }
    let by = reviewer.authority();
    let revoked = state.gate.revoke_grant(&reviewer.tenant, id, by, Some(&reason)).await?;
    let record = revoked.ok_or_else(|| Problem::not_found("grant"))?;
    Ok(Json(state.publish_grant(&reviewer, &record).await?))
}

impl State {
    /// Builds the grant from a reviewer's terms, for the call as it was shown to them.
    async fn build_preview(
        &self,
        reviewer: &Reviewer,
        id: RequestId,
        (revision, binding): (u32, BindingDigest),
        terms: GrantTerms,
    ) -> Result<gate::GrantPreview, Problem> {
        let record = self.call(reviewer, id).await?;
        let draft = record.request().grant(terms).through(DecisionChannel::CONSOLE);
        let mut draft = draft.by(reviewer.authority());
        draft.revision = revision;
        draft.binding = binding;
        Ok(self.gate.preview_grant(draft).await?)
    }

    /// Publishes a grant as it is now to the reviewers of the tenant.
    async fn publish_grant(
        &self,
        reviewer: &Reviewer,
        record: &GrantRecord,
    ) -> Result<GrantSummary, Problem> {
        let view = GrantSummary::new(record, self.gate.now().await?);
        self.feed.publish("grant", Some(reviewer.tenant.clone()), &view);
        Ok(view)
    }
}

/// Returns the SHA-256 of a grant without its id, which is new each time, and without the proof of
/// its giver's identity, because the save may bring a code that the preview did not need.
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
    Ok(hitl_base::hex::encode(&hash))
}
