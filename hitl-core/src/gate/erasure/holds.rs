//! Legal holds: they prevent the erasure of calls. The release of a hold is audited first; if it
//! cannot be audited, the hold stays.

use hitl_base::redact::Taint;
use hitl_base::{Redactor, Timestamp};

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{CallKey, PrincipalKind, Tenant};
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::gate::Gate;
use crate::gate::masking::mask_text;
use crate::ids::HoldId;
use crate::store::{Hold, HoldScope, MAX_HOLD_REASON};

impl Gate {
    /// Places a legal hold: once this returns, no process erases the data that it covers.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::Forbidden`] if `by` may not decide the tenant's calls,
    /// [`NotErased`](GateErrorKind::NotErased) if no reason is given or the principal has no name,
    /// [`Store`](GateErrorKind::Store) if the store fails or does not support holds.
    pub async fn hold(
        &self,
        tenant: &Tenant,
        scope: HoldScope,
        reason: &str,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<Hold, GateError> {
        let by = by.into();
        check_decider(&by, tenant)?;
        if matches!(&scope, HoldScope::Principal(who) if who.folded().as_str().is_empty()) {
            return Err(not_erased("name the principal whose data is held"));
        }
        let reason = check_reason(reason, &self.core.redactor)?;
        let mut hold = Hold::new(tenant.clone(), scope, reason, by.principal.clone());
        hold.known_by = Some(by.known_by);
        let hold = self.core.calls.store().hold(hold).await?;
        let entry = hold_record(AuditEvent::HoldPlaced, &hold, hold.placed_at);
        self.core.audit.record_decider(entry, &by, format!("{}: {}", hold.scope, hold.reason));
        Ok(hold)
    }

    /// Releases a legal hold. Only a human may, with a reason; it is audited before it happens.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::Forbidden`] if `by` is not a human or may not decide the tenant's calls,
    /// [`NotErased`](GateErrorKind::NotErased) if no reason is given,
    /// [`NotFound`](GateErrorKind::NotFound) if there is no such hold in this tenant,
    /// [`Audit`](GateErrorKind::Audit) if it cannot be audited: then the hold stays.
    pub async fn release_hold(
        &self,
        tenant: &Tenant,
        id: HoldId,
        reason: &str,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<Hold, GateError> {
        let by = by.into();
        check_decider(&by, tenant)?;
        check_human(&by, "releases a legal hold")?;
        let reason = check_reason(reason, &self.core.redactor)?;
        let none =
            || GateError::new(GateErrorKind::NotFound, format!("there is no hold {id} here"));
        let holds = self.core.calls.store().holds().await?;
        let hold = holds.into_iter().find(|hold| hold.id == id && hold.tenant == *tenant);
        let hold = hold.ok_or_else(none)?;
        let mut entry =
            hold_record(AuditEvent::HoldReleased, &hold, self.core.calls.store().now().await?)
                .known(&by);
        entry.note = Some(format!("{}: {reason}", hold.scope));
        self.core.audit.write_intent(&entry)?;
        self.core.calls.store().release_hold(tenant, id).await?.ok_or_else(none)
    }

    /// Returns the legal holds of the tenants whose calls a person may see.
    pub async fn holds(&self, who: impl Into<ReviewerIdentity>) -> Result<Vec<Hold>, GateError> {
        let who = who.into();
        let mut holds = self.core.calls.store().holds().await?;
        holds.retain(|hold| who.may_see(&hold.tenant));
        Ok(holds)
    }
}

/// Returns the audit record of a change of a hold.
fn hold_record(event: AuditEvent, hold: &Hold, at: Timestamp) -> AuditRecord {
    let mut entry = AuditRecord::about(event, hold.id.to_string(), at);
    if let HoldScope::Call(id) = hold.scope {
        entry.call = Some(id);
    }
    entry.key = Some(CallKey { tenant: hold.tenant.clone(), run: "".into(), position: 0 });
    entry
}

/// Returns the error for data that is not erased, held or released.
pub(super) fn not_erased(why: impl Into<String>) -> GateError {
    GateError::new(GateErrorKind::NotErased, why)
}

/// Checks that the host lets a person decide the calls of a tenant.
pub(super) fn check_decider(by: &ReviewerIdentity, tenant: &Tenant) -> Result<(), GateError> {
    if by.may_decide(tenant) {
        return Ok(());
    }
    let why = "these calls belong to a tenant whose calls they may not decide";
    Err(GateError::new(GateErrorKind::Forbidden, why))
}

/// Checks that the reviewer is a human.
pub(super) fn check_human(by: &ReviewerIdentity, what: &str) -> Result<(), GateError> {
    if by.principal.kind() == PrincipalKind::Human {
        return Ok(());
    }
    let why = format!("only a human {what}; ask one");
    Err(GateError::new(GateErrorKind::Forbidden, why))
}

/// Masks a reason. An empty or a long one is refused.
pub(super) fn check_reason(reason: &str, redactor: &Redactor) -> Result<String, GateError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_HOLD_REASON {
        return Err(not_erased(format!("say why, in at most {MAX_HOLD_REASON} characters")));
    }
    Ok(mask_text(redactor, reason, &Taint::default()).into_owned())
}
