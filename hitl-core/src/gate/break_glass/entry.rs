//! The audit records about a grant that was given by breaking the glass.

use hitl_base::Timestamp;

use crate::audit::{AuditEvent, AuditRecord};
use crate::call::CallKey;
use crate::grant::GrantRecord;

/// Returns an audit record about a grant that was given by breaking the glass.
pub(in crate::gate) fn entry_about(
    event: AuditEvent,
    record: &GrantRecord,
    at: Timestamp,
) -> AuditRecord {
    let grant = &record.grant;
    let mut entry = AuditRecord::about(event, grant.id.to_string(), at);
    // The record belongs to no call: the key names its tenant.
    entry.key = Some(CallKey { tenant: grant.tenant.clone(), run: "".into(), position: 0 });
    entry.tool = Some(grant.tool.clone().into());
    entry.principal = Some(grant.principal.clone());
    if event == AuditEvent::BreakGlassOpened {
        entry.channel.clone_from(&grant.channel);
    }
    entry.note = Some(grant.rule.join("; "));
    entry
}
