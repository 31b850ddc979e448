//! A person breaks the glass.

use std::sync::Arc;

use hitl_base::Timestamp;

use crate::approval::ReviewerIdentity;
use crate::audit::AuditEvent;
use crate::call::Tenant;
use crate::gate::break_glass::coverage::covering_envelope;
use crate::gate::break_glass::entry::entry_about;
use crate::gate::break_glass::envelopes::{KnownTool, known_tool};
use crate::gate::break_glass::pending::run_pending;
use crate::gate::break_glass::register;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::gate::review::grant_admin::SavedGrant;
use crate::grant::{BreakGlassOrder, GrantError, GrantRecord, GrantStatus, OutsideEnvelope};
use crate::policy::Deciders;

impl Gate {
    /// Breaks the glass: for a while, calls of a tool run without the people who would be asked,
    /// within an [`Envelope`](crate::grant::Envelope) that the host declared beforehand. Calls that
    /// already wait are approved at once.
    ///
    /// It takes the place of what a level, a quorum or four eyes would ask. It never lifts a
    /// denial, a repeated effect, a call that names one of the gate's own files, or a check that
    /// fails: such calls are denied or asked about as before.
    ///
    /// It is audited before it takes effect, as
    /// [`BreakGlassOpened`](AuditEvent::BreakGlassOpened), and said as a
    /// [`Notice`](crate::gate::Notice), and so is each use and the end. Revoke it with
    /// [`revoke_grant`](Self::revoke_grant).
    ///
    /// A gate without the tool reads the envelope that the tool's executor published in the store.
    /// The executor checks its own again, each time that a call would run on it.
    ///
    /// # Errors
    ///
    /// [`NotGranted`](crate::GateErrorKind::NotGranted) with the reason in [`GateError::grant`], if
    /// no envelope covers it, the person is no human or may not decide for the tenant, or the order
    /// is incomplete; [`UnknownTool`](crate::GateErrorKind::UnknownTool) if neither this gate nor a
    /// living executor has the tool; [`Audit`](crate::GateErrorKind::Audit) if it cannot be
    /// audited. After each of them nothing is given.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped.
    pub async fn break_glass(&self, order: BreakGlassOrder) -> Result<SavedGrant, GateError> {
        let by = order.check().map_err(GrantError::from)?.clone();
        let by = self.core.identities.identify(by)?;
        let core = Arc::clone(&self.core);
        let breaking = async move { open(&core, order, by).await };
        detach_on_drop(&self.core.runtime, breaking).await
    }

    /// Returns the grants of a tenant that were given by breaking the glass and are in force, the
    /// oldest first.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn broken_glass(&self, tenant: &Tenant) -> Result<Vec<GrantRecord>, GateError> {
        let store = self.core.calls.store();
        let now = store.now().await?;
        let mut in_force = Vec::new();
        for open in register::list(&**store).await? {
            if open.tenant != *tenant || now >= open.until {
                continue;
            }
            let record = store.grant(tenant, open.grant).await?;
            in_force.extend(record.filter(|record| record.status(now) == GrantStatus::Live));
        }
        Ok(in_force)
    }
}

async fn open(
    core: &Arc<GateCore>,
    mut order: BreakGlassOrder,
    by: ReviewerIdentity,
) -> Result<SavedGrant, GateError> {
    if !by.may_decide(&order.tenant) {
        return Err(GrantError::WrongTenant.into());
    }
    if !Deciders::HUMANS.admit(&by.principal) {
        return Err(GrantError::NotHuman.into());
    }
    order.reason = core.redactor.text(&order.reason).into_owned();
    let tool = known_tool(core, &order.tool).await?;
    let store = core.calls.store();
    let now = store.now().await?;
    let (record, until) = grant_within(&order, &by, &tool, now)?;
    // Audited before it takes effect, and listed before it can be used.
    core.audit.write_intent(&entry_about(AuditEvent::BreakGlassOpened, &record, now).known(&by))?;
    register::add(&**store, &record, until).await?;
    let record = store.save_grant(record).await?;
    core.notifier.say_break_glass(AuditEvent::BreakGlassOpened, &record, None);
    let allowed = run_pending(core, &record, &tool).await?;
    Ok(SavedGrant { record, allowed })
}

/// Returns the grant that an order asks for, within the first envelope that covers it, and its end.
fn grant_within(
    order: &BreakGlassOrder,
    by: &ReviewerIdentity,
    tool: &KnownTool,
    now: Timestamp,
) -> Result<(GrantRecord, Timestamp), GrantError> {
    let mut first = None;
    for envelope in &tool.envelopes {
        let record = order.grant(by, tool.fingerprint, envelope.largest_sum(), now);
        let covered = covering_envelope(&record, tool, &[], now);
        match (covered, record.grant.until) {
            (Ok(()), Some(until)) => return Ok((record, until)),
            (Ok(()), None) => {}
            (Err(why), _) => {
                first.get_or_insert(why);
            }
        }
    }
    Err(first.unwrap_or(OutsideEnvelope::None).into())
}
