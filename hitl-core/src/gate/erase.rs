//! People erase what is kept of calls, and place and release legal holds. Each act is audited: what
//! loosens or destroys before it happens, and not at all when it cannot be audited.

use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_base::redact::Taint;

use super::erase_lines::{Lines, Wanted};
use super::error::{GateError, GateErrorKind};
use super::handle::{Gate, Inner};
use crate::approval::ReviewerIdentity;
use crate::audit::{AuditEvent, AuditRecord, ErasableLog};
use crate::call::{CallKey, Principal, PrincipalKind, Tenant};
use crate::ids::{HoldId, RequestId};
use crate::store::{Erasable, Hold, HoldScope, MAX_HOLD_REASON, NotErased};

/// How many calls are looked at, and erased, in one go.
const STEP: usize = 100;
/// The most calls that a report lists as left.
const LISTED: usize = 1_000;

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErasureScope {
    /// One call.
    Call {
        /// Whose it is.
        tenant: Tenant,
        /// Which one.
        id: RequestId,
    },
    /// Every call that was asked for in a principal's name and has ended, their grants that have
    /// ended, and their read-only calls in the audit.
    Principal {
        /// Whose data it is.
        tenant: Tenant,
        /// Who asked, as the records have it.
        principal: Principal,
    },
    /// Every call of any tenant that ended before then, such grants, and read-only calls in the
    /// audit.
    EndedBefore(Timestamp),
}

/// What an erasure has erased, and what it has left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErasureReport {
    /// Calls of which the store now has a tombstone.
    pub calls: u64,
    /// Grants that were forgotten; not counted where what ended before a moment was erased.
    pub grants: u64,
    /// Calls that were named and left, and why: at most a thousand. Those of a scope of time are
    /// not listed.
    pub left: Vec<(RequestId, NotErased)>,
    /// How many more were left.
    pub more_left: u64,
    /// Lines of the audit whose content is gone.
    pub lines: u64,
    /// Lines of the audit that name what was erased and stay: their call is not in this store, or
    /// they do not say of which tenant they are.
    pub lines_left: u64,
    /// Whether lines can be erased in all that the gate's audit keeps.
    pub audit_erased: bool,
    /// The parts of the audit in which lines cannot be erased, as they
    /// [name themselves](crate::AuditSink::unerasable). What they keep is the host's to erase.
    pub audit_left: Vec<String>,
}

impl Gate {
    /// Erases what is kept of calls that have ended: in the store, of which a
    /// [tombstone](crate::CallRecord::tombstone) is left, and then in the audit, of which the chain
    /// is left. Lines of calls that the store does not know stay.
    ///
    /// The lines of the scope go where the store has erased the call, also by an earlier erasure
    /// that was cut off, or by [`Store::erase_ended_before`](crate::Store::erase_ended_before):
    /// erase the same scope once more to complete it.
    ///
    /// `logs` are other chains of the same audit in which lines are to be erased, beside those that
    /// this gate's sink writes: ones that no other process has open.
    ///
    /// What a [hold](Gate::hold) covers is left, and so is what has not ended.
    ///
    /// Reads and rewrites whole files on the thread that polls it: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::Forbidden`] if `by` is an agent, may not decide the tenant's calls (of all
    /// tenants, for a scope of time), or is no human, unless the scope is one of time;
    /// [`NotErased`](GateErrorKind::NotErased) if no reason is given, or the one call that is named
    /// is not erased, and the message says what to do; [`Audit`](GateErrorKind::Audit) if it cannot
    /// be audited: then nothing was erased, or the audit still has lines of what was; erase once
    /// more.
    ///
    /// Cancel safety: dropped, it may have erased some calls. Erase once more.
    pub async fn erase(
        &self,
        scope: &ErasureScope,
        reason: &str,
        by: impl Into<ReviewerIdentity>,
        logs: &[Arc<dyn ErasableLog>],
    ) -> Result<ErasureReport, GateError> {
        let by = by.into();
        Inner::may_erase(scope, &by)?;
        // A store that cannot say what is held erases nothing.
        self.inner.store.holds().await?;
        let order = self.inner.order(scope, reason, &by).await?;
        let (mut report, erased) = self.inner.erase_in_store(scope).await?;
        let wanted = Wanted { scope, by: &by, reason: &order, erased: &erased };
        let outcome = Lines { gate: &self.inner, logs }.erase(&wanted).await?;
        (report.lines, report.lines_left) = (outcome.erased, outcome.left);
        report.audit_left = self.inner.trail.shared_sink().unerasable();
        report.audit_erased = outcome.has_logs && report.audit_left.is_empty();
        Ok(report)
    }

    /// Places a legal hold: from when this returns, nothing erases or forgets what it covers, by
    /// this or another process.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::Forbidden`] if `by` may not decide the tenant's calls,
    /// [`NotErased`](GateErrorKind::NotErased) if no reason is given or the principal has no name,
    /// [`Store`](GateErrorKind::Store) if the store fails or keeps no holds.
    pub async fn hold(
        &self,
        tenant: &Tenant,
        scope: HoldScope,
        reason: &str,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<Hold, GateError> {
        let by = by.into();
        may_decide(&by, tenant)?;
        if matches!(&scope, HoldScope::Principal(who) if who.folded().as_str().is_empty()) {
            return Err(refused("name the principal whose data is held"));
        }
        let reason = self.inner.reason(reason)?;
        let mut hold = Hold::new(tenant.clone(), scope, reason, by.principal.clone());
        hold.known_by = Some(by.known_by);
        let hold = self.inner.store.hold(hold).await?;
        let entry = held(AuditEvent::HoldPlaced, &hold, hold.placed_at);
        self.inner.note_decider(entry, &by, format!("{}: {}", hold.scope, hold.reason));
        Ok(hold)
    }

    /// Releases a legal hold. A human does, and says why; it is audited before it happens.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::Forbidden`] if `by` is no human or may not decide the tenant's calls,
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
        may_decide(&by, tenant)?;
        human(&by, "releases a legal hold")?;
        let reason = self.inner.reason(reason)?;
        let none =
            || GateError::new(GateErrorKind::NotFound, format!("there is no hold {id} here"));
        let holds = self.inner.store.holds().await?;
        let hold = holds.into_iter().find(|hold| hold.id == id && hold.tenant == *tenant);
        let hold = hold.ok_or_else(none)?;
        let mut entry =
            held(AuditEvent::HoldReleased, &hold, self.inner.store.now().await?).known(&by);
        entry.note = Some(format!("{}: {reason}", hold.scope));
        self.inner.trail.intent(&entry)?;
        self.inner.store.release_hold(tenant, id).await?.ok_or_else(none)
    }

    /// Returns the legal holds of the tenants whose calls somebody may see.
    pub async fn holds(&self, who: impl Into<ReviewerIdentity>) -> Result<Vec<Hold>, GateError> {
        let who = who.into();
        let mut holds = self.inner.store.holds().await?;
        holds.retain(|hold| who.may_see(&hold.tenant));
        Ok(holds)
    }
}

fn held(event: AuditEvent, hold: &Hold, at: Timestamp) -> AuditRecord {
    let mut entry = AuditRecord::about(event, hold.id.to_string(), at);
    if let HoldScope::Call(id) = hold.scope {
        entry.call = Some(id);
    }
    entry.key = Some(CallKey { tenant: hold.tenant.clone(), run: "".into(), position: 0 });
    entry
}

fn refused(why: impl Into<String>) -> GateError {
    GateError::new(GateErrorKind::NotErased, why)
}

fn may_decide(by: &ReviewerIdentity, tenant: &Tenant) -> Result<(), GateError> {
    if by.may_decide(tenant) {
        return Ok(());
    }
    let why = "these calls belong to a tenant whose calls they may not decide";
    Err(GateError::new(GateErrorKind::Forbidden, why))
}

fn human(by: &ReviewerIdentity, what: &str) -> Result<(), GateError> {
    if by.principal.kind() == PrincipalKind::Human {
        return Ok(());
    }
    let why = format!("only a human {what}; ask one");
    Err(GateError::new(GateErrorKind::Forbidden, why))
}

impl Inner {
    fn may_erase(scope: &ErasureScope, by: &ReviewerIdentity) -> Result<(), GateError> {
        match scope {
            ErasureScope::Call { tenant, .. } | ErasureScope::Principal { tenant, .. } => {
                may_decide(by, tenant)?;
                human(by, "erases what is named")
            }
            ErasureScope::EndedBefore(_) if by.decides.is_some() => {
                let why = "what ended before a moment is of every tenant, and they decide for some";
                Err(GateError::new(GateErrorKind::Forbidden, why))
            }
            // Retention is a program's to do, and no agent's.
            ErasureScope::EndedBefore(_) if by.principal.kind() == PrincipalKind::Agent => {
                let why = "an agent erases nothing; ask a human";
                Err(GateError::new(GateErrorKind::Forbidden, why))
            }
            ErasureScope::EndedBefore(_) => Ok(()),
        }
    }

    /// A reason without secrets, which must be one.
    fn reason(&self, reason: &str) -> Result<String, GateError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_HOLD_REASON {
            return Err(refused(format!("say why, in at most {MAX_HOLD_REASON} characters")));
        }
        Ok(self.clean(reason, &Taint::default()).into_owned())
    }

    /// Has the audit know of the order before anything is erased. Gives the reason, without
    /// secrets.
    async fn order(
        &self,
        scope: &ErasureScope,
        reason: &str,
        by: &ReviewerIdentity,
    ) -> Result<String, GateError> {
        let reason = self.reason(reason)?;
        // A principal's name is what is to be erased: it is not written again.
        let (what, tenant) = match scope {
            ErasureScope::Call { tenant, id } => (format!("the call {id}"), Some(tenant)),
            ErasureScope::Principal { tenant, .. } => {
                ("the ended calls of one principal".to_owned(), Some(tenant))
            }
            ErasureScope::EndedBefore(moment) => (format!("what ended before {moment}"), None),
        };
        let at = self.store.now().await?;
        let mut entry = AuditRecord::about(AuditEvent::ErasureOrdered, what, at).known(by);
        entry.key =
            tenant.map(|tenant| CallKey { tenant: tenant.clone(), run: "".into(), position: 0 });
        entry.note = Some(reason.clone());
        self.trail.intent(&entry)?;
        Ok(reason)
    }

    /// Erases in the store. Gives what is known by then, and which calls it has erased by their
    /// names.
    async fn erase_in_store(
        &self,
        scope: &ErasureScope,
    ) -> Result<(ErasureReport, Vec<Erasable>), GateError> {
        let (mut report, mut erased) = (ErasureReport::default(), Vec::new());
        match scope {
            ErasureScope::Call { tenant, id } => {
                let call = Erasable::new(tenant.clone(), *id);
                match self.store.erase(std::slice::from_ref(&call)).await?.pop().flatten() {
                    None => {
                        report.calls = 1;
                        erased.push(call);
                    }
                    // What the audit has of it may still be there.
                    Some(NotErased::Erased) => report.left.push((*id, NotErased::Erased)),
                    Some(NotErased::NotFound) => return Err(Self::not_found(*id)),
                    Some(why) => return Err(refused(why.to_string())),
                }
            }
            ErasureScope::Principal { tenant, principal } => {
                let mut after = None;
                loop {
                    let page =
                        self.store.calls_by_principal(tenant, principal, after, STEP).await?;
                    let Some(last) = page.last() else { break };
                    let (ended, waits): (Vec<_>, Vec<_>) =
                        page.iter().partition(|record| record.state.is_terminal());
                    for record in waits {
                        report.leave(record.id(), NotErased::NotEnded(record.state));
                    }
                    // The place is asked for before it is erased: an erased call is still found.
                    after = Some(last.id());
                    let calls: Vec<_> =
                        ended.iter().map(|r| Erasable::new(tenant.clone(), r.id())).collect();
                    let said = self.store.erase(&calls).await?;
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
                report.grants = self.store.forget_grants_of(tenant, principal).await?;
            }
            ErasureScope::EndedBefore(moment) => {
                report.calls = self.store.erase_ended_before(*moment).await?.calls;
            }
        }
        Ok((report, erased))
    }
}

impl ErasureReport {
    fn leave(&mut self, id: RequestId, why: NotErased) {
        if self.left.len() < LISTED {
            self.left.push((id, why));
        } else {
            self.more_left += 1;
        }
    }
}
