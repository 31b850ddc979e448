//! Grants, by which a human permits calls like the one on display: preview, save, list, revoke.

use std::sync::Arc;

use hitl_base::json::parse_json;

use crate::approval::{ReviewerIdentity, SaysWhoDecides};
use crate::arguments::DeclaredOrder;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, Tenant};
use crate::gate::break_glass::end::end_if_over;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::masking::holds_secret;
use crate::gate::review::grant_pending::{
    apply_grant_to_pending, find_covered, inert_arguments, route_now,
};
use crate::gate::stored_text::parse_snapshot;
use crate::grant::{Grant, GrantDraft, GrantError, GrantKind, GrantRecord};
use crate::ids::{GrantId, RequestId};
use crate::machine::CallRecord;
use crate::store::GrantQuery;

/// The effect of a grant before it is saved, for the human who gives it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantPreview {
    /// The grant, as it would be stored. [`Grant::rule`] describes the exact rule in words.
    pub grant: Grant,
    /// The waiting calls that it would approve at once, oldest first; the request itself is among
    /// them.
    pub waiting: Vec<RequestId>,
    /// The draft from which the grant was created.
    draft: GrantDraft,
}

/// A grant that was saved, and the calls that it has approved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SavedGrant {
    /// The stored grant.
    pub record: GrantRecord,
    /// The waiting calls that it has approved.
    pub allowed: Vec<CallRecord>,
}

impl Gate {
    /// Previews a grant on a request with a human's terms: the exact rule, and the waiting calls
    /// that it would approve. Saves nothing.
    ///
    /// A gate without the call's tool does not know which calls a policy requires to be reviewed.
    /// The process that claims a call on the grant knows, and asks about it nevertheless. Such a
    /// gate approves the request itself and leaves other calls waiting.
    ///
    /// Refused with [`GateErrorKind::NotGranted`]; [`GateError::grant`] has the reason.
    ///
    /// ```no_run
    /// # use hitl::{grant::GrantTerms, ApprovalRequest, Gate, GateError};
    /// # async fn always(gate: Gate, request: ApprovalRequest) -> Result<(), GateError> {
    /// let terms = GrantTerms::exactly().uses(5);
    /// let preview = gate.preview_grant(request.grant(terms).by("alice")).await?;
    /// println!("{}", preview.grant.rule.join("\n"));
    /// let granted = gate.save_grant(preview).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn preview_grant(
        &self,
        draft: impl SaysWhoDecides<GrantDraft>,
    ) -> Result<GrantPreview, GateError> {
        let draft = draft.attributed();
        if !draft.by.may_decide(&draft.tenant) {
            return Err(GrantError::WrongTenant.into());
        }
        let core = &self.core;
        let record = core.calls.current(&draft.tenant, draft.request).await?;
        let by = core.identities.identify_among(draft.by, &record)?;
        let draft = GrantDraft { by, ..draft };
        let grant = draft_grant(core, &draft).await?;
        let now = core.calls.store().now().await?;
        let covered = find_covered(core, GrantRecord::new(grant.clone()).stamped(now)).await?;
        let waiting = covered.iter().map(|call| call.record.id()).collect();
        Ok(GrantPreview { grant, waiting, draft })
    }

    /// Saves a grant as it was previewed, and approves the waiting calls that it covers: the
    /// request itself first, within the grant's limits, and a thousand at most. If anything has
    /// changed since the preview, above all the request, nothing is saved.
    ///
    /// Runs nothing: the waiting callers run the calls, or a process that [serves](Self::serve).
    ///
    /// Cancel safety: as for [`Gate::decide`]: it continues in the background.
    pub async fn save_grant(&self, preview: GrantPreview) -> Result<SavedGrant, GateError> {
        let shared = Arc::clone(&self.core);
        let saving = async move { save_and_apply_grant(&shared, preview).await };
        detach_on_drop(&self.core.runtime, saving).await
    }

    /// Revokes a grant. Calls that run continue; calls that it has approved and that were not
    /// claimed are asked about again. The first revocation counts. Returns `None` if this tenant
    /// has no such grant.
    pub async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: impl Into<ReviewerIdentity>,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, GateError> {
        let by: ReviewerIdentity = self.core.identities.identify(by.into())?;
        if !by.may_decide(tenant) {
            let why = "this grant belongs to a tenant whose calls they may not decide";
            return Err(GateError::new(GateErrorKind::Forbidden, why));
        }
        let (shared, tenant) = (Arc::clone(&self.core), tenant.clone());
        let reason = reason.map(|reason| self.core.redactor.text(reason).into_owned());
        let revoking = async move { revoke_and_audit(&shared, &tenant, id, by, reason).await };
        detach_on_drop(&self.core.runtime, revoking).await
    }

    /// Returns a grant. `None` if this tenant has no such grant.
    pub async fn grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
    ) -> Result<Option<GrantRecord>, GateError> {
        Ok(self.core.calls.store().grant(tenant, id).await?)
    }

    /// Returns a page of a tenant's grants, in the order in which they were given.
    pub async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, GateError> {
        Ok(self.core.calls.store().grants(tenant, page).await?)
    }
}

/// Creates the grant of a draft, from the present request.
async fn draft_grant(core: &GateCore, draft: &GrantDraft) -> Result<Grant, GateError> {
    if !draft.by.may_decide(&draft.tenant) {
        return Err(GrantError::WrongTenant.into());
    }
    let record = core.calls.current(&draft.tenant, draft.request).await?;
    let Some(snapshot) = stored_snapshot(core, &record).await? else {
        return Err(GrantError::Stale.into());
    };
    let routed = route_now(core, &record, &snapshot)?;
    let arguments = parse_snapshot(&snapshot)?;
    let shown = match (&routed, record.request.arguments.tree()) {
        (Some(_), _) => DeclaredOrder::of_shown(&record.request.arguments)
            .sort_tree(snapshot.shown(&core.redactor)),
        (None, Ok(shown)) => shown,
        (None, Err(_)) => return Err(GrantError::Stale.into()),
    };
    let now = core.calls.store().now().await?;
    let names = inert_arguments(core, &record);
    let grant = draft.grant(&record, &arguments, &shown, now, &names.inert())?;
    // A condition is stored as it is, so it must not contain a secret.
    let terms = serde_json::to_string(&draft.terms.arguments).ok();
    let terms = terms.and_then(|text| parse_json(&text).ok());
    if terms.is_none_or(|terms| holds_secret(&core.redactor, &terms)) {
        return Err(GrantError::Hidden.into());
    }
    // A call that a policy now requires to be reviewed is asked about in any case, so there is no
    // grant on it.
    if routed.is_some_and(|routed| !routed.may_be_granted()) {
        return Err(GrantError::Demanded.into());
    }
    Ok(grant)
}

async fn save_and_apply_grant(
    core: &Arc<GateCore>,
    preview: GrantPreview,
) -> Result<SavedGrant, GateError> {
    let GrantPreview { grant, draft, .. } = preview;
    let again = draft_grant(core, &draft).await?;
    if (Grant { id: grant.id, ..again }) != grant {
        return Err(GrantError::Stale.into());
    }
    let record = core.calls.store().save_grant(GrantRecord::new(grant)).await?;
    record_grant(core, AuditEvent::GrantSaved, &record, &draft.by);
    let allowed = apply_grant_to_pending(core, &record).await?;
    Ok(SavedGrant { record, allowed })
}

async fn revoke_and_audit(
    core: &GateCore,
    tenant: &Tenant,
    id: GrantId,
    by: ReviewerIdentity,
    reason: Option<String>,
) -> Result<Option<GrantRecord>, GateError> {
    let store = core.calls.store();
    let record = store.revoke_grant(tenant, id, &by.principal, reason.as_deref()).await?;
    let Some(record) = record else { return Ok(None) };
    // A grant that was revoked earlier was audited then.
    let mine = record.revoked.as_ref().is_some_and(|revoked| {
        revoked.by == by.principal && revoked.reason == reason && revoked.at == record.updated_at
    });
    if mine {
        record_grant(core, AuditEvent::GrantRevoked, &record, &by);
    }
    if record.grant.kind() == GrantKind::BreakGlass {
        end_if_over(&core.calls, &core.audit, &core.notifier, tenant, id).await?;
    }
    Ok(Some(record))
}

/// Audits a change of a grant.
fn record_grant(core: &GateCore, event: AuditEvent, record: &GrantRecord, by: &ReviewerIdentity) {
    let grant = &record.grant;
    let mut entry = AuditRecord::about(event, grant.id.to_string(), record.updated_at);
    // The record belongs to no call: the key names its tenant.
    entry.key = Some(CallKey { tenant: grant.tenant.clone(), run: "".into(), position: 0 });
    entry.tool = Some(grant.tool.clone().into());
    entry.principal = Some(grant.principal.clone());
    if record.revoked.is_none() {
        entry.channel.clone_from(&grant.channel);
    }
    entry.note = match &record.revoked {
        Some(revoked) => revoked.reason.clone(),
        None => Some(grant.rule.join("; ")),
    };
    core.audit.record(&entry.known(by));
}
