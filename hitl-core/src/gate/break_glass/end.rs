//! The end of what was given by breaking the glass: revoked, used up, or its time is over. Audited
//! and said once, by the process that takes it off the list.

use crate::audit::{AuditEvent, AuditRecord};
use crate::call::Tenant;
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::break_glass::entry::entry_about;
use crate::gate::break_glass::register;
use crate::gate::calls::call_store::CallStore;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::notices::notifier::Notifier;
use crate::grant::{GrantRecord, GrantStatus};
use crate::ids::GrantId;

/// Ends everything on the list that is over.
pub(in crate::gate) async fn end_all_over(core: &GateCore) -> Result<(), GateError> {
    for open in register::list(&**core.calls.store()).await? {
        end_if_over(&core.calls, &core.audit, &core.notifier, &open.tenant, open.grant).await?;
    }
    Ok(())
}

/// Ends a grant if it is over.
pub(in crate::gate) async fn end_if_over(
    calls: &CallStore,
    audit: &AuditLedger,
    notifier: &Notifier,
    tenant: &Tenant,
    id: GrantId,
) -> Result<(), GateError> {
    let store = calls.store();
    let now = store.now().await?;
    let record = store.grant(tenant, id).await?;
    let status = record.as_ref().map(|record| record.status(now));
    if status == Some(GrantStatus::Live) {
        return Ok(());
    }
    let listed = register::list(&**store).await?.into_iter().find(|open| open.grant == id);
    // It is listed before it is saved, so one that is missing may be about to be.
    if record.is_none() && listed.is_some_and(|open| now < open.until) {
        return Ok(());
    }
    if !register::take(&**store, id).await? {
        return Ok(());
    }
    let Some(record) = record else {
        let mut entry = AuditRecord::about(AuditEvent::BreakGlassEnded, id.to_string(), now);
        entry.note = Some("it was never stored".to_owned());
        audit.record(&entry);
        return Ok(());
    };
    let mut entry = entry_about(AuditEvent::BreakGlassEnded, &record, now);
    entry.note = Some(end_of(&record, status));
    let entry = match &record.revoked {
        Some(revoked) => entry.by(revoked.by.clone()),
        None => entry,
    };
    audit.record(&entry);
    notifier.say_break_glass(AuditEvent::BreakGlassEnded, &record, Some(end_of(&record, status)));
    Ok(())
}

/// Says how it ended, and how much was drawn on it.
fn end_of(record: &GrantRecord, status: Option<GrantStatus>) -> String {
    let how = match (&record.revoked, status) {
        (Some(revoked), _) => match &revoked.reason {
            Some(reason) => format!("{} revoked it: {reason}", revoked.by),
            None => format!("{} revoked it", revoked.by),
        },
        (None, Some(GrantStatus::Used)) => "it is used up".to_owned(),
        (None, _) => "its time is over".to_owned(),
    };
    let most = record.grant.uses.unwrap_or_default();
    let sum = record.grant.sum.as_ref().filter(|_| !record.spent.is_zero());
    let spent =
        sum.map_or_else(String::new, |sum| format!(", {} of {}", record.spent, sum.at_most));
    format!("{how}; {} of {most} uses{spent}", record.used)
}
