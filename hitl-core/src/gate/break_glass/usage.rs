//! Each use of a broken glass is audited and said.

use std::sync::Arc;

use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::break_glass::end::end_if_over;
use crate::gate::core::GateCore;
use crate::gate::notices::break_glass_notice::GlassUse;
use crate::grant::GrantUse;
use crate::machine::CallRecord;

/// Audits and says that a call was claimed on a grant that was given by breaking the glass. If that
/// used it up, its end is audited soon.
///
/// It does not wait, so that a caller which is dropped cannot lose the claim.
pub(in crate::gate) fn record_use(core: &GateCore, record: &CallRecord, drawn: GrantUse) {
    let mut entry = AuditRecord::new(AuditEvent::BreakGlassUsed, record, record.updated_at);
    entry.subject = Some(drawn.grant.to_string());
    let grant = drawn.grant.to_string();
    let why = record.request.reasons.iter().rev().find(|reason| reason.contains(&grant)).cloned();
    let sum = if drawn.amount.is_zero() {
        String::new()
    } else {
        format!("; {} of its sum", drawn.amount)
    };
    entry.note = Some(format!("{}{sum}", why.clone().unwrap_or_default()));
    core.audit.record(&entry);
    core.notifier.say_break_glass_used(&GlassUse::new(record, drawn.grant, why));
    let (calls, audit, notifier) =
        (Arc::clone(&core.calls), Arc::clone(&core.audit), Arc::clone(&core.notifier));
    let tenant = record.key().tenant.clone();
    core.runtime.spawn(async move {
        if let Err(error) = end_if_over(&calls, &audit, &notifier, &tenant, drawn.grant).await {
            tracing::warn!(%error, "the end of a broken glass is audited later");
        }
    });
}
