//! A human permits calls like the one they look at: previewed, saved, listed, taken back.

use std::borrow::Cow;
use std::sync::Arc;

use hitl_base::Json;
use hitl_base::json::parse_json;

use super::error::{GateError, GateErrorKind};
use super::execute::to_the_end;
use super::handle::{Gate, Inner};
use super::prepare::tree_of;
use crate::approval::ReviewerIdentity;
use crate::arguments::Snapshot;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, Tenant};
use crate::grant::{Grant, GrantDraft, GrantError, GrantRecord};
use crate::ids::{GrantId, RequestId};
use crate::machine::CallRecord;
use crate::policy::Route;
use crate::store::GrantQuery;

/// What a grant would permit: shown to whoever gives it before it is saved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantPreview {
    /// The grant, as it would be kept. [`Grant::rule`] is the exact rule, in words.
    pub grant: Grant,
    /// Calls that wait now and would go on at once, oldest first; the request itself is among them.
    pub waiting: Vec<RequestId>,
    /// What it was made of.
    draft: GrantDraft,
}

/// A grant that was saved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Granted {
    /// What is kept.
    pub record: GrantRecord,
    /// Calls that waited and were allowed by it.
    pub allowed: Vec<CallRecord>,
}

impl Gate {
    /// What would come of terms that a human gives on a request: the exact rule, and which calls
    /// that wait it would let go on. Saves nothing.
    ///
    /// A gate without the call's tool does not know what a policy wants looked at: whoever claims a
    /// call on the grant does, and asks about it all the same. Such a gate lets the request itself
    /// go on and leaves other calls waiting.
    ///
    /// Refused with [`GateErrorKind::NotGranted`]; [`GateError::grant`] says why.
    ///
    /// ```no_run
    /// # use hitl_core::{ApprovalRequest, Gate, GateError, GrantTerms};
    /// # async fn always(gate: Gate, request: ApprovalRequest) -> Result<(), GateError> {
    /// let terms = GrantTerms::exactly().uses(5);
    /// let preview = gate.preview_grant(request.grant(terms).by("alice")).await?;
    /// println!("{}", preview.grant.rule.join("\n"));
    /// let granted = gate.save_grant(preview).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn preview_grant(&self, draft: GrantDraft) -> Result<GrantPreview, GateError> {
        if !draft.by.may_decide(&draft.tenant) {
            return Err(GrantError::WrongTenant.into());
        }
        let record = self.inner.current(&draft.tenant, draft.request).await?;
        let draft = GrantDraft { by: self.inner.identified_among(draft.by, &record)?, ..draft };
        let grant = self.inner.grant_of(&draft).await?;
        let record = GrantRecord::new(grant.clone()).stamped(self.inner.store.now().await?);
        let waiting = self.inner.covered(record).await?;
        let waiting = waiting.into_iter().map(|(call, _)| call.id()).collect();
        Ok(GrantPreview { grant, waiting, draft })
    }

    /// Saves a grant as it was previewed, and lets the calls go on that wait and that it covers,
    /// the request itself first, as far as there is room and a thousand at most. When anything has
    /// changed since the preview, the request above all, nothing is saved.
    ///
    /// Runs nothing: the waiting callers do, or a process that [serves](Self::serve).
    ///
    /// Cancel safety: as of [`Gate::decide`]: it goes on in the background.
    pub async fn save_grant(&self, preview: GrantPreview) -> Result<Granted, GateError> {
        let gate = Arc::clone(&self.inner);
        to_the_end(&self.inner.runtime, async move { gate.save_grant(preview).await }).await
    }

    /// Takes a grant back. What runs goes on; what it has allowed and has not been claimed is asked
    /// about again. The first revocation stands. Nothing when this tenant has no such grant.
    pub async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: impl Into<ReviewerIdentity>,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, GateError> {
        let by: ReviewerIdentity = self.inner.identified(by.into())?;
        if !by.may_decide(tenant) {
            let why = "this grant belongs to a tenant whose calls they may not decide";
            return Err(GateError::new(GateErrorKind::Forbidden, why));
        }
        let (gate, tenant) = (Arc::clone(&self.inner), tenant.clone());
        let reason = reason.map(|reason| self.inner.redactor.text(reason).into_owned());
        let revoking = async move { gate.revoke(&tenant, id, by, reason).await };
        to_the_end(&self.inner.runtime, revoking).await
    }

    /// A grant as it stands.
    pub async fn grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
    ) -> Result<Option<GrantRecord>, GateError> {
        Ok(self.inner.store.grant(tenant, id).await?)
    }

    /// A tenant's grants, in the order in which they were given.
    pub async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, GateError> {
        Ok(self.inner.store.grants(tenant, page).await?)
    }
}

impl Inner {
    /// The grant that a draft makes, of the request as it stands.
    async fn grant_of(&self, draft: &GrantDraft) -> Result<Grant, GateError> {
        if !draft.by.may_decide(&draft.tenant) {
            return Err(GrantError::WrongTenant.into());
        }
        let record = self.current(&draft.tenant, draft.request).await?;
        let Some(snapshot) = self.stored_snapshot(&record).await? else {
            return Err(GrantError::Stale.into());
        };
        let routed = self.routed_now(&record, &snapshot)?;
        let arguments = tree_of(&snapshot)?;
        let shown = match (&routed, record.request.arguments.tree()) {
            (Some(_), _) => snapshot.shown(&self.redactor),
            (None, Ok(shown)) => shown,
            (None, Err(_)) => return Err(GrantError::Stale.into()),
        };
        let now = self.store.now().await?;
        let grant = draft.grant(&record, &arguments, &shown, now, self.inert_of(&record))?;
        // A condition must be kept as it is, so one that holds a secret is none.
        let terms = serde_json::to_string(&draft.terms.arguments).ok();
        let terms = terms.and_then(|text| parse_json(&text).ok());
        if terms.is_none_or(|terms| self.holds_secret(&terms)) {
            return Err(GrantError::Hidden.into());
        }
        // What a policy wants looked at now is asked about, grant or not: then there is none.
        if routed.is_some_and(|routed| !routed.may_be_granted()) {
            return Err(GrantError::Demanded.into());
        }
        Ok(grant)
    }

    /// Whether a text in a document looks like a secret, or holds one.
    fn holds_secret(&self, tree: &Json) -> bool {
        match tree {
            Json::String(text) => matches!(self.redactor.text(text), Cow::Owned(_)),
            Json::Array(items) => items.iter().any(|item| self.holds_secret(item)),
            Json::Object(entries) => entries.iter().any(|(_, value)| self.holds_secret(value)),
            _ => false,
        }
    }

    /// What the policies of now make of a call. Nothing where its tool is not registered, as at the
    /// command line: then whoever claims it says so, with its tool and by the policies of then, and
    /// what they want looked at is asked about all the same.
    pub(super) fn routed_now(
        &self,
        record: &CallRecord,
        snapshot: &Snapshot,
    ) -> Result<Option<Route>, GateError> {
        let Ok(tool) = self.tool(&record.request.tool) else { return Ok(None) };
        // A grant is for the tool as it was reviewed, in whatever version of its code.
        if tool.fingerprint != record.request.fingerprint {
            self.same_tool(record)?;
        }
        let said = record.request.assessment.opinions();
        let (_, routed) = self.judge(&tool, snapshot, &record.context, &said)?;
        Ok(Some(routed))
    }

    async fn save_grant(self: &Arc<Self>, preview: GrantPreview) -> Result<Granted, GateError> {
        let GrantPreview { grant, draft, .. } = preview;
        let again = self.grant_of(&draft).await?;
        if (Grant { id: grant.id, ..again }) != grant {
            return Err(GrantError::Stale.into());
        }
        let record = self.store.save_grant(GrantRecord::new(grant)).await?;
        self.note_grant(AuditEvent::GrantSaved, &record, &draft.by);
        let allowed = self.allow_what_waits(&record).await?;
        Ok(Granted { record, allowed })
    }

    async fn revoke(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: ReviewerIdentity,
        reason: Option<String>,
    ) -> Result<Option<GrantRecord>, GateError> {
        let record = self.store.revoke_grant(tenant, id, &by.principal, reason.as_deref()).await?;
        let Some(record) = record else { return Ok(None) };
        // One that was revoked before was audited then.
        let mine = record.revoked.as_ref().is_some_and(|revoked| {
            revoked.by == by.principal
                && revoked.reason == reason
                && revoked.at == record.updated_at
        });
        if mine {
            self.note_grant(AuditEvent::GrantRevoked, &record, &by);
        }
        Ok(Some(record))
    }

    fn note_grant(&self, event: AuditEvent, record: &GrantRecord, by: &ReviewerIdentity) {
        let grant = &record.grant;
        let mut entry = AuditRecord::about(event, grant.id.to_string(), record.updated_at);
        // Of no call: it says whose it is.
        entry.key = Some(CallKey { tenant: grant.tenant.clone(), run: "".into(), position: 0 });
        entry.tool = Some(grant.tool.clone().into());
        entry.principal = Some(grant.principal.clone());
        entry.note = match &record.revoked {
            Some(revoked) => revoked.reason.clone(),
            None => Some(grant.rule.join("; ")),
        };
        self.note(&entry.known(by));
    }
}
