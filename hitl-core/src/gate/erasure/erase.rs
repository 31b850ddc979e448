//! Erases calls that have ended. The order is audited first; if it cannot be audited, nothing is
//! erased.

use std::sync::Arc;

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord, ErasableLog};
use crate::call::{CallKey, PrincipalKind};
use crate::gate::core::GateCore;
use crate::gate::erasure::audit_lines::{AuditLines, ErasureOrder};
use crate::gate::erasure::holds::{check_decider, check_human, check_reason, not_erased};
use crate::gate::erasure::report::{ErasureReport, ErasureScope};
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::gate::Gate;
use crate::store::{Erasable, NotErased};

/// The number of calls read, and erased, at a time.
const PAGE: usize = 100;

/// The result of an erasure in the store.
struct StoreErasure {
    report: ErasureReport,
    /// The erased calls, if they were erased one by one.
    erased: Vec<Erasable>,
}

impl Gate {
    /// Erases calls that have ended: first in the store, where a
    /// [tombstone](crate::CallRecord::tombstone) remains, and then in the audit, where the chain
    /// remains. Lines of calls that the store does not know stay.
    ///
    /// Lines within the scope are erased if the store has erased their call, including by an
    /// earlier erasure that was interrupted, or by
    /// [`Store::erase_ended_before`](crate::Store::erase_ended_before): erase the same scope once
    /// more to complete it.
    ///
    /// `logs` are further chains of the same audit whose lines are to be erased, beside those that
    /// this gate's sink writes. No other process may have them open.
    ///
    /// Calls that a [hold](Gate::hold) covers are not erased, nor are calls that have not ended.
    ///
    /// Reads and rewrites whole files on the thread that polls it: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::Forbidden`] if `by` is an agent, may not decide the tenant's calls (of all
    /// tenants, for a scope of time), or is not a human, unless the scope is one of time;
    /// [`NotErased`](GateErrorKind::NotErased) if no reason is given, or the one call that is named
    /// is not erased, and the message says what to do; [`Audit`](GateErrorKind::Audit) if it cannot
    /// be audited: then either nothing was erased, or the audit still has lines of erased calls;
    /// erase once more.
    ///
    /// Cancel safety: if the future is dropped, some calls may have been erased. Erase once more.
    pub async fn erase(
        &self,
        scope: &ErasureScope,
        reason: &str,
        by: impl Into<ReviewerIdentity>,
        logs: &[Arc<dyn ErasableLog>],
    ) -> Result<ErasureReport, GateError> {
        let by = by.into();
        check_eraser(scope, &by)?;
        let core = &*self.core;
        // If the store cannot list its holds, nothing is erased.
        core.calls.store().holds().await?;
        let reason = order_erasure(core, scope, reason, &by).await?;
        let StoreErasure { mut report, erased } = erase_in_store(core, scope).await?;
        let order = ErasureOrder { scope, by: &by, reason: &reason, erased: &erased };
        let outcome =
            AuditLines { audit: &core.audit, calls: &core.calls, logs }.erase(&order).await?;
        (report.lines, report.lines_left) = (outcome.erased, outcome.left);
        report.audit_left = core.audit.sink().unerasable();
        report.audit_erased = outcome.has_logs && report.audit_left.is_empty();
        Ok(report)
    }
}

/// Checks that a person may erase a scope.
fn check_eraser(scope: &ErasureScope, by: &ReviewerIdentity) -> Result<(), GateError> {
    match scope {
        ErasureScope::Call { tenant, .. } | ErasureScope::Principal { tenant, .. } => {
            check_decider(by, tenant)?;
            check_human(by, "erases what is named")
        }
        ErasureScope::EndedBefore(_) if by.decides.is_some() => {
            let why = "what ended before a moment is of every tenant, and they decide for some";
            Err(GateError::new(GateErrorKind::Forbidden, why))
        }
        // A program may apply retention, but an agent may not.
        ErasureScope::EndedBefore(_) if by.principal.kind() == PrincipalKind::Agent => {
            let why = "an agent erases nothing; ask a human";
            Err(GateError::new(GateErrorKind::Forbidden, why))
        }
        ErasureScope::EndedBefore(_) => Ok(()),
    }
}

/// Audits the order before anything is erased. Returns the reason, without secrets.
async fn order_erasure(
    core: &GateCore,
    scope: &ErasureScope,
    reason: &str,
    by: &ReviewerIdentity,
) -> Result<String, GateError> {
    let reason = check_reason(reason, &core.redactor)?;
    // The principal's name is to be erased, so it is not written again.
    let (what, tenant) = match scope {
        ErasureScope::Call { tenant, id } => (format!("the call {id}"), Some(tenant)),
        ErasureScope::Principal { tenant, .. } => {
            ("the ended calls of one principal".to_owned(), Some(tenant))
        }
        ErasureScope::EndedBefore(moment) => (format!("what ended before {moment}"), None),
    };
    let at = core.calls.store().now().await?;
    let mut entry = AuditRecord::about(AuditEvent::ErasureOrdered, what, at).known(by);
    entry.key =
        tenant.map(|tenant| CallKey { tenant: tenant.clone(), run: "".into(), position: 0 });
    entry.note = Some(reason.clone());
    core.audit.write_intent(&entry)?;
    Ok(reason)
}

/// Erases in the store.
async fn erase_in_store(core: &GateCore, scope: &ErasureScope) -> Result<StoreErasure, GateError> {
    let store = core.calls.store();
    let (mut report, mut erased) = (ErasureReport::default(), Vec::new());
    match scope {
        ErasureScope::Call { tenant, id } => {
            let call = Erasable::new(tenant.clone(), *id);
            match store.erase(std::slice::from_ref(&call)).await?.pop().flatten() {
                None => {
                    report.calls = 1;
                    erased.push(call);
                }
                // Lines of it in the audit may still be there.
                Some(NotErased::Erased) => report.left.push((*id, NotErased::Erased)),
                Some(NotErased::NotFound) => return Err(GateError::not_found(*id)),
                Some(why) => return Err(not_erased(why.to_string())),
            }
        }
        ErasureScope::Principal { tenant, principal } => {
            let mut after = None;
            loop {
                let page = store.calls_by_principal(tenant, principal, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                let (ended, waits): (Vec<_>, Vec<_>) =
                    page.iter().partition(|record| record.state.is_terminal());
                for record in waits {
                    report.leave(record.id(), NotErased::NotEnded(record.state));
                }
                // The cursor is read before the call is erased: an erased call can still be used as
                // a cursor.
                after = Some(last.id());
                let calls: Vec<_> =
                    ended.iter().map(|r| Erasable::new(tenant.clone(), r.id())).collect();
                let said = store.erase(&calls).await?;
                for (call, why) in calls.into_iter().zip(said) {
                    match why {
                        None | Some(NotErased::Erased) => {
                            report.calls += 1;
                            erased.push(call);
                        }
                        Some(why) => report.leave(call.id, why),
                    }
                }
            }
            report.grants = store.forget_grants_of(tenant, principal).await?;
        }
        ErasureScope::EndedBefore(moment) => {
            report.calls = store.erase_ended_before(*moment).await?.calls;
        }
    }
    Ok(StoreErasure { report, erased })
}
